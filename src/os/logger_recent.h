/* os/logger_recent.h: the last lines that the logger wrote, for those who look at them in a browser. Thread: any. */
#ifndef OS_LOGGER_RECENT_H
#define OS_LOGGER_RECENT_H

#include "os/logger.h"

#include <stddef.h>
#include <stdint.h>

#define LOGGER_KEPT 500

struct logger_line {
    int64_t at_ms;
    uint64_t number; /* rises by one with each line; the first is 1 */
    enum logger_level level;
    char thread[16];
    char part[16];   /* the subsystem */
    char text[480];  /* cut when longer */
};

/* Copies the lines after that number, oldest first, as far as they are kept; gives how many. lines  room for LOGGER_KEPT */
size_t logger_recent(uint64_t after, struct logger_line *lines);

#endif
