#include "tools/instant.h"

#include "base/banned.h"
#include "base/time.h"

#include <ctype.h>
#include <time.h>

/* Digits, at least one; false when there are none. */
static bool number_take(const char **at, int64_t *number)
{
    const char *begin = *at;

    for (*number = 0; isdigit((unsigned char)**at) && *number < INT64_MAX / 100; (*at)++)
        *number = *number * 10 + (**at - '0');
    return *at > begin && !isdigit((unsigned char)**at);
}

static bool character_take(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* "Z", "+01:00", "+0100", "+01" or nothing. */
static bool zone_take(const char **at, int64_t *offset_seconds)
{
    int64_t sign = **at == '-' ? -1 : 1;
    int64_t hours, minutes = 0;

    *offset_seconds = 0;
    if (**at == '\0' || character_take(at, 'Z'))
        return **at == '\0';
    if (!character_take(at, '+') && !character_take(at, '-'))
        return false;
    if (!number_take(at, &hours))
        return false;
    if (character_take(at, ':') && !number_take(at, &minutes))
        return false;
    if (hours >= 100) {
        minutes = hours % 100;
        hours /= 100;
    }
    *offset_seconds = sign * (hours * 3600 + minutes * 60);
    return **at == '\0';
}

const struct failure *instant_parse_datetime(struct arena *arena, const char *text, int64_t *moment_ms)
{
    const char *at = text;
    int64_t year, month, day, hour, minute, second, zone;
    int64_t ms = 0;
    struct tm parts = {0};

    if (strchr(text, 'T') == NULL)
        return failure_of(arena, "java.text.ParseException", "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format");
    if (!number_take(&at, &year) || !character_take(&at, '-') || !number_take(&at, &month) || !character_take(&at, '-') || !number_take(&at, &day) ||
        !character_take(&at, 'T') || !number_take(&at, &hour) || !character_take(&at, ':') || !number_take(&at, &minute) ||
        !character_take(&at, ':') || !number_take(&at, &second) || !character_take(&at, '.') || !number_take(&at, &ms) || !zone_take(&at, &zone) ||
        year > 9999 || month > 99 || day > 99 || hour > 99 || minute > 99 || second > 99)
        return failure_of(arena, "java.text.ParseException", "Unparseable date: \"%s\"", text);
    parts.tm_year = (int)year - 1900;
    parts.tm_mon = (int)month - 1;
    parts.tm_mday = (int)day;
    parts.tm_hour = (int)hour;
    parts.tm_min = (int)minute;
    parts.tm_sec = (int)second;
    *moment_ms = ((int64_t)timegm(&parts) - zone) * MS_PER_SECOND + ms;
    return NULL;
}

/* A signed number with up to nine decimals, in ms of `unit_ms`; only seconds may have decimals. */
static bool amount_take(const char **at, int64_t *whole, int64_t *fraction_ms)
{
    bool is_negative = **at == '-';
    int64_t scale = 100;

    if (**at == '-' || **at == '+')
        (*at)++;
    if (!number_take(at, whole))
        return false;
    *fraction_ms = 0;
    if (character_take(at, '.') || character_take(at, ',')) {
        for (; isdigit((unsigned char)**at); (*at)++, scale /= 10)
            *fraction_ms += (**at - '0') * scale;
    }
    if (is_negative) {
        *whole = -*whole;
        *fraction_ms = -*fraction_ms;
    }
    return true;
}

/* Adds the parts up to the end; each unit once, in order. */
static bool parts_take(const char **at, int64_t *sum_ms)
{
    static const struct {
        char unit;
        bool behind_t;
        int64_t ms;
    } units[] = {{'D', false, 86400000}, {'H', true, 3600000}, {'M', true, 60000}, {'S', true, 1000}};
    bool behind_t = false;
    bool has_any = false;
    size_t next = 0;

    while (**at != '\0') {
        int64_t whole, fraction_ms;

        if (!behind_t && (**at == 'T' || **at == 't')) {
            behind_t = true;
            (*at)++;
        }
        if (!amount_take(at, &whole, &fraction_ms))
            return false;
        while (next < 4 && (units[next].behind_t != behind_t || units[next].unit != toupper((unsigned char)**at)))
            next++;
        if (next == 4 || (fraction_ms != 0 && units[next].unit != 'S') || whole > INT64_MAX / 2 / units[next].ms)
            return false;
        *sum_ms += whole * units[next].ms + fraction_ms;
        next++;
        (*at)++;
        has_any = true;
    }
    return has_any;
}

const struct failure *instant_parse_duration(struct arena *arena, const char *text, int64_t *duration_ms)
{
    const char *at = text;
    int64_t sign = 1;

    *duration_ms = 0;
    if (*at == '-' || *at == '+')
        sign = *at++ == '-' ? -1 : 1;
    if ((*at != 'P' && *at != 'p') || (at++, !parts_take(&at, duration_ms)))
        return failure_of(arena, "java.time.format.DateTimeParseException", "Text cannot be parsed to a Duration");
    *duration_ms *= sign;
    return NULL;
}
