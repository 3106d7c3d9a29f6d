#include "web/words.h"

#include "base/amount.h"
#include "base/banned.h"
#include "os/clock.h"

#include <string.h>

#define WORDS_BYTES_MAX 200
#define DAY_MS 86400000

static const char *finished(struct arena *arena, struct buffer *text)
{
    const char *copy = arena_copy_string(arena, buffer_slice(text));

    buffer_finish(text);
    return copy;
}

const char *words_number(struct arena *arena, int64_t number)
{
    struct buffer text;

    buffer_init(&text, WORDS_BYTES_MAX);
    amount_count(&text, number);
    return finished(arena, &text);
}

const char *words_count(struct arena *arena, int64_t count, const char *noun)
{
    return arena_format(arena, "%s %s%s", words_number(arena, count), noun, count == 1 ? "" : "s");
}

const char *words_are(struct arena *arena, int64_t count, const char *noun)
{
    return arena_format(arena, "%s %s", words_count(arena, count, noun), count == 1 ? "is" : "are");
}

const char *words_were(struct arena *arena, int64_t count, const char *noun)
{
    return arena_format(arena, "%s %s", words_count(arena, count, noun), count == 1 ? "was" : "were");
}

const char *words_bytes(struct arena *arena, int64_t bytes)
{
    struct buffer text;

    buffer_init(&text, WORDS_BYTES_MAX);
    amount_bytes(&text, bytes);
    return finished(arena, &text);
}

const char *words_duration(struct arena *arena, int64_t ms)
{
    struct buffer text;

    buffer_init(&text, WORDS_BYTES_MAX);
    amount_duration(&text, ms);
    return finished(arena, &text);
}

const char *words_moment(struct arena *arena, int64_t ms)
{
    struct buffer text;
    const char *whole, *hour;

    buffer_init(&text, WORDS_BYTES_MAX);
    amount_time(&text, ms);
    whole = finished(arena, &text);
    hour = strchr(whole, ' ');
    if (hour == NULL)
        return whole;
    return arena_format(arena, "%.*s UTC", (int)strcspn(ms / DAY_MS == clock_now_ms() / DAY_MS ? hour + 1 : whole, "Z"), ms / DAY_MS == clock_now_ms() / DAY_MS ? hour + 1 : whole);
}
