#include "os/logger.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger_recent.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048
#define SUBSYSTEMS_MAX 32
#define REPEATS_SAID_EVERY_MS (60 * MS_PER_SECOND)

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Thread_local char thread_name[16] = "main";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards everything below; taken last */
static enum logger_level default_level = LOGGER_INFO;
static struct {
    char name[32];
    enum logger_level level;
} subsystem_levels[SUBSYSTEMS_MAX];
static size_t subsystem_count;
static char last_line[LINE_BYTES_MAX]; /* without the time */
static int64_t last_written_ms;
static uint64_t repeats;
static struct logger_line recent[LOGGER_KEPT];
static uint64_t recent_count; /* ever */

static enum logger_level level_of(const char *subsystem)
{
    for (size_t i = 0; i < subsystem_count; i++) {
        if (strcmp(subsystem_levels[i].name, subsystem) == 0)
            return subsystem_levels[i].level;
    }
    return default_level;
}

static void line_write(int64_t now_ms, const char *line)
{
    char out[LINE_BYTES_MAX + 64];
    time_t seconds = (time_t)(now_ms / MS_PER_SECOND);
    struct tm parts;
    size_t size;
    int length;

    (void)gmtime_r(&seconds, &parts);
    size = strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%S", &parts);
    length = snprintf(out + size, sizeof(out) - size, ".%03dZ %s\n", (int)(now_ms % MS_PER_SECOND), line);
    if (length > 0)
        (void)!write(STDERR_FILENO, out, size + (size_t)length);
}

/* line  without the time, level, thread and subsystem */
static void recent_keep(int64_t now_ms, enum logger_level level, const char *subsystem, const char *text)
{
    struct logger_line *kept = &recent[recent_count % LOGGER_KEPT];

    kept->at_ms = now_ms;
    kept->number = ++recent_count;
    kept->level = level;
    (void)snprintf(kept->thread, sizeof(kept->thread), "%s", thread_name);
    (void)snprintf(kept->part, sizeof(kept->part), "%s", subsystem);
    (void)snprintf(kept->text, sizeof(kept->text), "%.*s", (int)sizeof(kept->text) - 1, text);
}

size_t logger_recent(uint64_t after, struct logger_line *lines)
{
    uint64_t first;
    size_t count = 0;

    (void)pthread_mutex_lock(&lock);
    first = recent_count > LOGGER_KEPT ? recent_count - LOGGER_KEPT : 0;
    for (uint64_t number = after > first ? after : first; number < recent_count; number++)
        lines[count++] = recent[number % LOGGER_KEPT];
    (void)pthread_mutex_unlock(&lock);
    return count;
}

static void repeats_say(int64_t now_ms)
{
    char said[128];

    if (repeats == 0)
        return;
    (void)snprintf(said, sizeof(said), "info    %-15s logger: the line above came %llu more times", thread_name, (unsigned long long)repeats);
    line_write(now_ms, said);
    repeats = 0;
}

void logger_write(enum logger_level level, const char *subsystem, const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    int64_t now_ms = clock_now_ms();
    va_list arguments;
    int length;

    (void)pthread_mutex_lock(&lock);
    if (level < level_of(subsystem)) {
        (void)pthread_mutex_unlock(&lock);
        return;
    }
    length = snprintf(line, sizeof(line), "%-7s %-15s %s: ", level_names[level], thread_name, subsystem);
    va_start(arguments, format);
    (void)vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ')
            *at = ' ';
    }
    if (strcmp(line, last_line) == 0 && now_ms - last_written_ms < REPEATS_SAID_EVERY_MS) {
        repeats++;
    } else {
        repeats_say(now_ms);
        line_write(now_ms, line);
        recent_keep(now_ms, level, subsystem, line + length);
        memcpy(last_line, line, sizeof(line));
        last_written_ms = now_ms;
    }
    (void)pthread_mutex_unlock(&lock);
}

bool logger_set_level(const char *subsystem, const char *level)
{
    enum logger_level wanted = LOGGER_DEBUG;

    while (strcmp(level_names[wanted], level) != 0) {
        if (wanted == LOGGER_ERROR)
            return false;
        wanted = (enum logger_level)(wanted + 1);
    }
    (void)pthread_mutex_lock(&lock);
    if (subsystem == NULL) {
        default_level = wanted;
        subsystem_count = 0;
    } else {
        size_t at = 0;

        while (at < subsystem_count && strcmp(subsystem_levels[at].name, subsystem) != 0)
            at++;
        if (at < SUBSYSTEMS_MAX) {
            (void)snprintf(subsystem_levels[at].name, sizeof(subsystem_levels[at].name), "%s", subsystem);
            subsystem_levels[at].level = wanted;
            if (at == subsystem_count)
                subsystem_count++;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return true;
}

void logger_set_thread_name(const char *name)
{
    (void)snprintf(thread_name, sizeof(thread_name), "%s", name);
    (void)pthread_setname_np(pthread_self(), thread_name);
}
