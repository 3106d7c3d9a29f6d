#include "os/moment.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"

#include <string.h>
#include <time.h>

bool duration_parse(const char *text, int64_t *duration_ms)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'s', MS_PER_SECOND}, {'m', 60 * MS_PER_SECOND}, {'h', 3600 * MS_PER_SECOND}, {'d', MS_PER_DAY}};
    size_t size = strlen(text);
    int64_t count;

    if (size < 2 || !text_parse_int64(slice_of(text, size - 1), &count) || count < 0 || count > 1000000)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[size - 1] == units[i].letter) {
            *duration_ms = count * units[i].ms;
            return true;
        }
    }
    return false;
}

/* Up to three digits behind the point count. */
static const char *fraction_parse(const char *at, int64_t *ms)
{
    int64_t unit = 100;

    if (*at != '.')
        return at;
    for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
        *ms += (*at - '0') * unit;
    return at;
}

bool moment_parse(const char *text, int64_t now_ms, int64_t *moment_ms)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    int64_t ago, ms;

    if (duration_parse(text, &ago)) {
        *moment_ms = now_ms - ago;
        return true;
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm parts = {0};
        const char *rest = strptime(text, formats[i], &parts);

        if (rest == NULL)
            continue;
        ms = 0;
        if (i < 2)
            rest = fraction_parse(rest, &ms);
        if (*rest == 'Z')
            rest++;
        if (*rest != '\0')
            continue;
        *moment_ms = (int64_t)timegm(&parts) * MS_PER_SECOND + ms;
        return true;
    }
    return false;
}
