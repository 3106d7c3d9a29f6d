#include "tools/console.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"

#include <math.h>
#include <stdarg.h>
#include <time.h>

void console_log_open(const char *level)
{
    int64_t now_ms = clock_now_ms();
    time_t seconds = (time_t)(now_ms / MS_PER_SECOND);
    struct tm parts;
    char text[32];

    (void)localtime_r(&seconds, &parts);
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    (void)fprintf(stderr, "[%s,%03d] %s ", text, (int)(now_ms % MS_PER_SECOND), level);
}

static void line_write(const char *level, const char *logger, const char *format, va_list arguments)
{
    console_log_open(level);
    (void)vfprintf(stderr, format, arguments);
    (void)fprintf(stderr, " (%s)\n", logger);
}

void console_log(const char *level, const char *logger, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    line_write(level, logger, format, arguments);
    va_end(arguments);
}

void console_log_failure(const char *level, const char *logger, const struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    line_write(level, logger, format, arguments);
    va_end(arguments);
    failure_print(stderr, failure);
}

int console_print_fatal(FILE *out, const struct failure *failure)
{
    (void)fprintf(out, "%s\n", failure_message(failure));
    failure_print(out, failure);
    (void)fputc('\n', out);
    return 1;
}

int console_print_end(const struct failure *failure)
{
    if (failure == NULL)
        return 0;
    if (failure->class_name != NULL)
        return console_print_fatal(stderr, failure);
    (void)fprintf(stderr, "%s\n", failure->message);
    return 1;
}

int console_print_uncaught(const struct failure *failure)
{
    (void)fputs("Exception in thread \"main\" ", stderr);
    failure_print(stderr, failure);
    return 1;
}

const char *console_number(struct arena *arena, double number, int decimals)
{
    if (isnan(number))
        return "NaN";
    if (isinf(number))
        return number < 0 ? "-Infinity" : "Infinity";
    return arena_format(arena, "%.*f", decimals, number);
}

/* The width of text in characters; padding counts characters, not bytes. */
static int console_width(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

void console_pad(const char *text, int width)
{
    (void)fputs(text, stdout);
    for (int i = console_width(text); i < width; i++)
        (void)putchar(' ');
}

int console_wider(int width, const char *text)
{
    int own = console_width(text);

    return own > width ? own : width;
}
