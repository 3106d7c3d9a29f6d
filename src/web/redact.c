#include "web/redact.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/configdef.h"
#include "connect/secrets.h"

#include <libpq-fe.h>

#define KNOWN_MAX 1000
#define SHORTEST 3 /* a shorter one would be found everywhere */

struct redactor {
    char *known[KNOWN_MAX];
    size_t count;
};

struct redactor *redactor_create(void)
{
    return memory_new(sizeof(struct redactor));
}

void redactor_destroy(struct redactor *redactor)
{
    if (redactor == NULL)
        return;
    for (size_t i = 0; i < redactor->count; i++)
        memory_free(redactor->known[i]);
    memory_free(redactor);
}

static bool ends(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcasecmp(text + size - end_size, end) == 0;
}

bool redact_is_secret(const char *key)
{
    return ends(key, "conninfo") || config_property_is_secret(key);
}

static void know(struct redactor *redactor, const char *value)
{
    if (value == NULL || strlen(value) < SHORTEST || strcmp(value, SECRET_MASK) == 0 || redactor->count == KNOWN_MAX)
        return;
    for (size_t i = 0; i < redactor->count; i++) {
        if (strcmp(redactor->known[i], value) == 0)
            return;
    }
    redactor->known[redactor->count++] = memory_copy_string(value);
}

static void know_conninfo(struct redactor *redactor, const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0)
            know(redactor, option->val);
    }
    PQconninfoFree(options);
}

void redactor_learn(struct redactor *redactor, const struct properties *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *key = settings->items[i].key, *value = settings->items[i].value;

        if (value == NULL || !redact_is_secret(key))
            continue;
        if (ends(key, "conninfo"))
            know_conninfo(redactor, value);
        else
            know(redactor, value);
    }
}

/* ---- What looks like one ---- */

static bool is_end(uint8_t c)
{
    return c <= ' ' || strchr("\"'&,;<>()\\", c) != NULL;
}

/* Bytes of the secret that begins here because of the words before it; 0: none does. *kept: of these words, which stay. */
static size_t looks_secret(struct slice rest, size_t *kept)
{
    static const char *const words[] = {"password=", "passwd=", "Bearer ", "#token=", "tailrace="};
    size_t at = 0, size;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size = strlen(words[i]);
        if (rest.size <= size || strncasecmp((const char *)rest.data, words[i], size) != 0)
            continue;
        for (at = size; at < rest.size && !is_end(rest.data[at]);)
            at++;
        *kept = size;
        return at - size;
    }
    if (rest.size < 4 || memcmp(rest.data, "://", 3) != 0)
        return 0;
    for (size = 3; size < rest.size && rest.data[size] != ':' && rest.data[size] != '@' && rest.data[size] != '/' && !is_end(rest.data[size]);)
        size++;
    if (size == rest.size || rest.data[size] != ':')
        return 0;
    for (at = size + 1; at < rest.size && rest.data[at] != '@' && rest.data[at] != '/' && !is_end(rest.data[at]);)
        at++;
    *kept = size + 1;
    return at < rest.size && rest.data[at] == '@' ? at - size - 1 : 0;
}

static size_t known_secret(const struct redactor *redactor, struct slice rest)
{
    size_t longest = 0;

    for (size_t i = 0; i < redactor->count; i++) {
        size_t size = strlen(redactor->known[i]);

        if (size > longest && size <= rest.size && memcmp(rest.data, redactor->known[i], size) == 0)
            longest = size;
    }
    return longest;
}

size_t redactor_append(const struct redactor *redactor, struct slice text, struct buffer *out)
{
    static const char mask[] = SECRET_MASK;
    size_t count = 0, from = 0, at = 0;

    while (at < text.size) {
        struct slice rest = slice_from(text, at);
        size_t kept = 0, size = known_secret(redactor, rest);

        if (size == 0)
            size = looks_secret(rest, &kept);
        if (size == 0 || (size == strlen(mask) && memcmp(rest.data + kept, mask, size) == 0)) {
            at++;
            continue;
        }
        buffer_append(out, text.data + from, at + kept - from);
        buffer_append_string(out, mask);
        at = from = at + kept + size;
        count++;
    }
    buffer_append(out, text.data + from, text.size - from);
    return count;
}
