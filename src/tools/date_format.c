#include "tools/date_format.h"

#include "base/banned.h"
#include "base/time.h"

#include <ctype.h>
#include <time.h>

#define LETTERS "GyMdHhmsSEDFwWakKzZXuYL"
#define LETTERS_MAX 64 /* of one kind in a row */

const struct failure *date_format_check(struct arena *arena, const char *pattern)
{
    bool is_quoted = false;

    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '\'')
            is_quoted = !is_quoted;
        else if (!is_quoted && isalpha((unsigned char)*c) && strchr(LETTERS, *c) == NULL)
            return failure_of(arena, FAILURE_ILLEGAL_ARGUMENT, "Illegal pattern character '%c'", *c);
    }
    return is_quoted ? failure_of(arena, FAILURE_ILLEGAL_ARGUMENT, "Unterminated quote") : NULL;
}

static const char *day_name(int day, bool in_full)
{
    static const char *const names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    static const char *const short_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

    return in_full ? names[day] : short_names[day];
}

static const char *month_name(int month, bool in_full)
{
    static const char *const names[] = {"January", "February", "March", "April", "May", "June",
                                        "July", "August", "September", "October", "November", "December"};
    static const char *const short_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    return in_full ? names[month] : short_names[month];
}

/* "Z", "+01", "+0100" or "+01:00" */
static const char *zone_text(struct arena *arena, char letter, int count, const struct tm *parts)
{
    long minutes = parts->tm_gmtoff / 60;
    char sign = minutes < 0 ? '-' : '+';
    long size = minutes < 0 ? -minutes : minutes;

    if (letter == 'z')
        return arena_copy_string(arena, slice_from_string(parts->tm_zone));
    if (letter == 'X' && minutes == 0)
        return "Z";
    if (letter == 'X' && count == 1)
        return arena_format(arena, "%c%02ld", sign, size / 60);
    return arena_format(arena, letter == 'X' && count > 2 ? "%c%02ld:%02ld" : "%c%02ld%02ld", sign, size / 60, size % 60);
}

/* A number that a letter stands for. */
static int number_of(char letter, const struct tm *parts, int ms)
{
    switch (letter) {
    case 'M':
    case 'L':
        return parts->tm_mon + 1;
    case 'd':
        return parts->tm_mday;
    case 'H':
        return parts->tm_hour;
    case 'k':
        return parts->tm_hour == 0 ? 24 : parts->tm_hour;
    case 'K':
        return parts->tm_hour % 12;
    case 'h':
        return parts->tm_hour % 12 == 0 ? 12 : parts->tm_hour % 12;
    case 'm':
        return parts->tm_min;
    case 's':
        return parts->tm_sec;
    case 'S':
        return ms;
    case 'D':
        return parts->tm_yday + 1;
    case 'F':
        return (parts->tm_mday - 1) / 7 + 1;
    case 'u':
        return parts->tm_wday == 0 ? 7 : parts->tm_wday;
    case 'w': /* weeks begin on Sunday, the first is that of January 1st */
        return (parts->tm_yday + 7 - parts->tm_wday + 6) / 7;
    default: /* W, of the month */
        return (parts->tm_mday - 1 + 7 - parts->tm_wday + 6) / 7;
    }
}

static const char *field_text(struct arena *arena, char letter, int count, const struct tm *parts, int ms)
{
    int year = parts->tm_year + 1900;

    switch (letter) {
    case 'G':
        return "AD";
    case 'a':
        return parts->tm_hour < 12 ? "AM" : "PM";
    case 'E':
        return day_name(parts->tm_wday, count > 3);
    case 'y':
    case 'Y':
        return arena_format(arena, "%0*d", count, count == 2 ? year % 100 : year);
    case 'z':
    case 'Z':
    case 'X':
        return zone_text(arena, letter, count, parts);
    default:
        if ((letter == 'M' || letter == 'L') && count > 2)
            return month_name(parts->tm_mon, count > 3);
        return arena_format(arena, "%0*d", count, number_of(letter, parts, ms));
    }
}

const char *date_format(struct arena *arena, const char *pattern, int64_t moment_ms)
{
    time_t seconds = (time_t)(moment_ms / MS_PER_SECOND);
    const char *text = "";
    bool is_quoted = false;
    struct tm parts;

    (void)localtime_r(&seconds, &parts);
    for (const char *c = pattern; *c != '\0';) {
        int count = 1;

        if (*c == '\'' && c[1] == '\'') {
            text = arena_format(arena, "%s'", text);
            count = 2;
        } else if (*c == '\'') {
            is_quoted = !is_quoted;
        } else if (is_quoted || !isalpha((unsigned char)*c)) {
            text = arena_format(arena, "%s%c", text, *c);
        } else {
            while (c[count] == *c && count < LETTERS_MAX)
                count++;
            text = arena_format(arena, "%s%s", text, field_text(arena, *c, count, &parts, (int)(moment_ms % MS_PER_SECOND)));
        }
        c += count;
    }
    return text;
}
