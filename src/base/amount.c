#include "base/amount.h"

#include "base/banned.h"
#include "base/time.h"

void amount_count(struct buffer *text, int64_t count)
{
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%lld", (long long)count);

    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0 && digits[i - 1] != '-')
            buffer_append_u8(text, ',');
        buffer_append_u8(text, (uint8_t)digits[i]);
    }
}

void amount_bytes(struct buffer *text, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    buffer_append_format(text, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

void amount_duration(struct buffer *text, int64_t ms)
{
    int64_t seconds = ms / MS_PER_SECOND;

    if (ms > 0 && ms < 10 * MS_PER_SECOND && ms % MS_PER_SECOND != 0)
        buffer_append_format(text, "%.1f s", (double)ms / MS_PER_SECOND);
    else if (seconds < 120)
        buffer_append_format(text, "%lld s", (long long)seconds);
    else if (seconds < 7200)
        buffer_append_format(text, "%lld min", (long long)(seconds / 60));
    else if (seconds < 2 * 86400)
        buffer_append_format(text, "%lld h %lld min", (long long)(seconds / 3600), (long long)(seconds / 60 % 60));
    else
        buffer_append_format(text, "%lld days", (long long)(seconds / 86400));
}

void amount_micros(struct buffer *text, int64_t us)
{
    if (us < US_PER_MS)
        buffer_append_format(text, us == 0 ? "0" : "%lld µs", (long long)us);
    else if (us < 10 * US_PER_MS)
        buffer_append_format(text, "%.1f ms", (double)us / US_PER_MS);
    else if (us < US_PER_SECOND)
        buffer_append_format(text, "%lld ms", (long long)(us / US_PER_MS));
    else
        amount_duration(text, us / US_PER_MS);
}

void amount_time(struct buffer *text, int64_t ms)
{
    int64_t seconds = ms / MS_PER_SECOND - (ms % MS_PER_SECOND < 0), days = seconds / 86400 - (seconds % 86400 < 0), of_day = seconds - days * 86400, year;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    buffer_append_format(text, "%04lld-%02u-%02u %02lld:%02lld:%02lldZ", (long long)year, month, day, (long long)(of_day / 3600), (long long)(of_day / 60 % 60),
                         (long long)(of_day % 60));
}

void amount_rate(struct buffer *text, double per_second)
{
    if (per_second > 0 && per_second < 10)
        buffer_append_format(text, "%.1f", per_second);
    else
        amount_count(text, (int64_t)(per_second + 0.5));
    buffer_append_string(text, " /s");
}
