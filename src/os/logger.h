/* os/logger.h: diagnostics, one event a line on stderr: time level thread subsystem message key=value. */
#ifndef OS_LOGGER_H
#define OS_LOGGER_H

#include <stdbool.h>

enum logger_level { LOGGER_DEBUG, LOGGER_INFO, LOGGER_WARNING, LOGGER_ERROR };

/*
 * Writes one line. warning = will need action, error = something was not done.
 * subsystem  "broker", "store", "capture", … for the per-service level
 * Never passwords, never row values. The same line repeated is counted and said once a minute.
 * Thread     any
 */
void logger_write(enum logger_level level, const char *subsystem, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define LOG_DEBUG(...) logger_write(LOGGER_DEBUG, LOG_SUBSYSTEM, __VA_ARGS__)
#define LOG_INFO(...) logger_write(LOGGER_INFO, LOG_SUBSYSTEM, __VA_ARGS__)
#define LOG_WARNING(...) logger_write(LOGGER_WARNING, LOG_SUBSYSTEM, __VA_ARGS__)
#define LOG_ERROR(...) logger_write(LOGGER_ERROR, LOG_SUBSYSTEM, __VA_ARGS__)

/* "debug", "info", "warning" or "error"; subsystem NULL sets all. False for an unknown name. */
bool logger_set_level(const char *subsystem, const char *level);

/* The name that lines of this thread carry; also seen in `top -H`. At most 15 characters count. */
void logger_set_thread_name(const char *name);

#endif
