#include "web/cell.h"

#include "base/banned.h"

#include <time.h>

static const char *date_text(int64_t days, struct arena *arena)
{
    time_t seconds = (time_t)(days * 86400);
    struct tm parts;

    if (days > 100000000 || days < -100000000 || gmtime_r(&seconds, &parts) == NULL)
        return arena_format(arena, "%lld days", (long long)days);
    return arena_format(arena, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

static const char *fraction_text(int64_t us, struct arena *arena)
{
    char *text;
    size_t size;

    if (us == 0)
        return "";
    text = arena_format(arena, ".%06lld", (long long)us);
    for (size = strlen(text); text[size - 1] == '0'; size--)
        text[size - 1] = '\0';
    return text;
}

static const char *clock_text(int64_t us, struct arena *arena)
{
    int64_t seconds = us / 1000000;

    return arena_format(arena, "%02lld:%02lld:%02lld%s", (long long)(seconds / 3600), (long long)(seconds / 60 % 60), (long long)(seconds % 60), fraction_text(us % 1000000, arena));
}

static const char *timestamp_text(int64_t us, struct arena *arena)
{
    int64_t day_us = 86400000000LL, days = us / day_us, rest = us % day_us;

    if (rest < 0) {
        rest += day_us;
        days--;
    }
    return arena_format(arena, "%s %s", date_text(days, arena), clock_text(rest, arena));
}

static bool ends(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static const char *integer_text(const struct change_column *column, int64_t value, struct arena *arena)
{
    if (ends(column->meaning, ".MicroTime"))
        return clock_text(value, arena);
    if (ends(column->meaning, ".NanoTime"))
        return clock_text(value / 1000, arena);
    if (ends(column->meaning, "time.Time") || ends(column->meaning, "data.Time"))
        return clock_text(value * 1000, arena);
    return arena_format(arena, "%lld", (long long)value);
}

bool cell_is_time(const struct change_column *column)
{
    return ends(column->meaning, "Time");
}

const char *cell_text(const struct change_column *column, const struct change_value *value, struct arena *arena)
{
    char *decimal;

    if (value->null || !value->known)
        return NULL;
    switch (value->type) {
    case CHANGE_BOOLEAN:
        return value->integer != 0 ? "true" : "false";
    case CHANGE_INTEGER:
        return integer_text(column, value->integer, arena);
    case CHANGE_REAL:
        return value->text.size > 0 ? arena_copy_string(arena, value->text) : arena_format(arena, "%.17g", value->real);
    case CHANGE_DECIMAL:
        decimal = arena_new(arena, DECIMAL_TEXT_SIZE);
        decimal_print(&value->decimal, decimal);
        return decimal;
    case CHANGE_DATE:
        return date_text(value->integer, arena);
    case CHANGE_TIMESTAMP:
        return timestamp_text(value->integer, arena);
    case CHANGE_TEXT:
    case CHANGE_BYTES:
    case CHANGE_OTHER:
        break;
    }
    return slice_is_null(value->text) ? "" : arena_copy_string(arena, value->text);
}
