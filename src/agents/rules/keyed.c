#include "agents/rules/keyed.h"

#include "base/banned.h"
#include "base/map.h"
#include "wire/json/text.h"

#include <inttypes.h>
#include <math.h>

#define LAYOUT 3
#define HEADER 8

struct object {
    uint8_t kind;
    uint8_t name_size;
    uint16_t count;
    uint32_t size;
    uint8_t name[];
};

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static void *content(struct object *object)
{
    return object->name + padded(object->name_size);
}

static size_t room(const struct object *object)
{
    return object->size - sizeof(*object) - padded(object->name_size);
}

/* The object at a place; NULL at the end, or where the bytes make no sense. */
static struct object *object_at(uint8_t *bytes, size_t size, size_t at)
{
    struct object *object = (struct object *)(void *)(bytes + at);
    size_t entry;

    if (at > size || size - at < sizeof(*object))
        return NULL;
    if (object->size < sizeof(*object) + padded(object->name_size) || object->size % 8 != 0 || object->size > size - at)
        return NULL;
    entry = object->kind == KEYED_WINDOW ? sizeof(struct keyed_passed) : sizeof(int64_t);
    if (object->count > (room(object) - (object->kind == KEYED_LAST && room(object) >= 8 ? 8 : 0)) / entry)
        return NULL;
    if ((object->kind == KEYED_LAST || object->kind == KEYED_COUNTER) && room(object) < 8)
        return NULL;
    if (object->kind == KEYED_LAST && (*(int64_t *)content(object) < 0 || *(int64_t *)content(object) > 38))
        return NULL;
    return object;
}

void keyed_begin(struct keyed *keyed, struct state_table *states, struct slice key)
{
    *keyed = (struct keyed){states, key, NULL};
}

static bool entry_open(struct keyed *keyed)
{
    if (keyed->entry != NULL)
        return true;
    keyed->entry = state_open(keyed->states, keyed->key);
    if (keyed->entry->size >= HEADER && keyed->entry->bytes[0] == LAYOUT)
        return true;
    if (!state_resize(keyed->states, &keyed->entry, HEADER)) {
        keyed->entry = NULL;
        return false;
    }
    memset(keyed->entry->bytes, 0, HEADER);
    keyed->entry->bytes[0] = LAYOUT;
    return true;
}

static struct object *object_find(struct keyed *keyed, enum keyed_kind kind, struct slice name)
{
    struct object *object;

    if (!entry_open(keyed))
        return NULL;
    for (size_t at = HEADER; (object = object_at(keyed->entry->bytes, keyed->entry->size, at)) != NULL; at += object->size) {
        if (object->kind == kind && slice_equal(slice_of(object->name, object->name_size), name))
            return object;
    }
    return NULL;
}

/* The object with `content_size` bytes of content at least; made when missing. NULL: the state is full. */
static struct object *object_open(struct keyed *keyed, enum keyed_kind kind, struct slice name, size_t content_size)
{
    struct object *object = object_find(keyed, kind, name);
    size_t at, more, old_size;

    if (keyed->entry == NULL)
        return NULL;
    old_size = keyed->entry->size;
    if (object == NULL) {
        at = padded(old_size);
        more = at - old_size + sizeof(*object) + padded(name.size) + content_size;
        if (!state_resize(keyed->states, &keyed->entry, old_size + more))
            return NULL;
        object = (struct object *)(void *)(keyed->entry->bytes + at);
        memset(object, 0, keyed->entry->size - at);
        *object = (struct object){(uint8_t)kind, (uint8_t)name.size, 0, (uint32_t)(keyed->entry->size - at)};
        memcpy(object->name, name.data, name.size);
        return object;
    }
    if (room(object) >= content_size)
        return object;
    at = (size_t)((uint8_t *)object - keyed->entry->bytes);
    more = content_size - room(object);
    if (!state_resize(keyed->states, &keyed->entry, old_size + more))
        return NULL;
    object = (struct object *)(void *)(keyed->entry->bytes + at);
    memmove((uint8_t *)object + object->size + more, (uint8_t *)object + object->size, old_size - at - object->size);
    memset((uint8_t *)object + object->size, 0, more);
    object->size += (uint32_t)more;
    return object;
}

/* Content for one more entry of `entry` bytes, growing by half, but not past what `most` entries need. */
static size_t grown(size_t count, size_t most, size_t entry)
{
    size_t wanted = count < 4 ? count + 2 : count + count / 2;

    return (wanted > most && count < most ? most : wanted) * entry;
}

static bool changed(struct keyed *keyed)
{
    state_touch(keyed->states, keyed->entry);
    return true;
}

bool keyed_counter_add(struct keyed *keyed, struct slice name, int64_t by, int64_t *value)
{
    struct object *object;
    int64_t *counter;

    *value = 0;
    if (by == 0) {
        object = object_find(keyed, KEYED_COUNTER, name);
        if (object != NULL)
            *value = *(int64_t *)content(object);
        return true;
    }
    object = object_open(keyed, KEYED_COUNTER, name, sizeof(int64_t));
    if (object == NULL)
        return false;
    counter = content(object);
    if (__builtin_add_overflow(*counter, by, counter))
        *counter = by > 0 ? INT64_MAX : INT64_MIN;
    *value = *counter;
    return changed(keyed);
}

bool keyed_window_add(struct keyed *keyed, struct slice name, int64_t window_us, size_t most, const struct keyed_passed *passed)
{
    struct object *object = object_open(keyed, KEYED_WINDOW, name, 2 * sizeof(*passed));
    struct keyed_passed *entries;
    size_t old = 0, at;
    int64_t newest;

    if (object == NULL)
        return false;
    entries = content(object);
    newest = object->count > 0 && entries[object->count - 1].time_us > passed->time_us ? entries[object->count - 1].time_us : passed->time_us;
    while (old < object->count && entries[old].time_us <= newest - window_us)
        old++;
    if (object->count - old >= most)
        old = object->count - most + 1;
    memmove(entries, entries + old, (object->count - old) * sizeof(*entries));
    object->count -= (uint16_t)old;
    if (room(object) < (object->count + 1u) * sizeof(*entries)) {
        object = object_open(keyed, KEYED_WINDOW, name, grown(object->count, most, sizeof(*entries)));
        if (object == NULL)
            return false;
        entries = content(object);
    }
    for (at = object->count; at > 0 && entries[at - 1].time_us > passed->time_us; at--)
        entries[at] = entries[at - 1];
    entries[at] = *passed;
    object->count++;
    return changed(keyed);
}

const struct keyed_passed *keyed_window_entries(struct keyed *keyed, struct slice name, size_t *count)
{
    struct object *object = object_find(keyed, KEYED_WINDOW, name);

    *count = object == NULL ? 0 : object->count;
    return object == NULL ? NULL : content(object);
}

size_t keyed_window_count(struct keyed *keyed, struct slice name, int64_t window_us, int64_t time_us)
{
    size_t kept, count = 0;
    const struct keyed_passed *entries = keyed_window_entries(keyed, name, &kept);

    for (size_t i = 0; i < kept; i++) {
        if (entries[i].time_us > time_us - window_us && entries[i].time_us <= time_us)
            count++;
    }
    return count;
}

static bool fits_64(const struct decimal *amount)
{
    return amount->unscaled <= INT64_MAX && amount->unscaled >= INT64_MIN;
}

struct last {
    int64_t scale;
    struct keyed_amount amounts[];
};

/* Brings what is kept to the scale of an amount that has more digits; false when that does not fit into 64 bits. */
static bool rescale(struct object *object, int32_t scale)
{
    struct last *last = content(object);
    struct decimal scaled;

    for (int pass = 0; pass < 2; pass++) { /* first whether, then do */
        for (size_t i = 0; i < object->count; i++) {
            struct decimal old = {last->amounts[i].amount, (int32_t)last->scale};

            if (!decimal_rescale(&old, scale, &scaled) || !fits_64(&scaled))
                return false;
            if (pass == 1)
                last->amounts[i].amount = (int64_t)scaled.unscaled;
        }
    }
    last->scale = scale;
    return true;
}

bool keyed_last_add(struct keyed *keyed, struct slice name, size_t most, const struct decimal *amount, uint64_t place, bool *fits)
{
    struct object *object = object_open(keyed, KEYED_LAST, name, sizeof(struct last) + 4 * sizeof(struct keyed_amount));
    struct decimal scaled;
    struct last *last;
    size_t old;

    if (object == NULL)
        return false;
    last = content(object);
    if (object->count == 0)
        last->scale = amount->scale;
    *fits = amount->scale <= last->scale || rescale(object, amount->scale);
    *fits = *fits && decimal_rescale(amount, (int32_t)last->scale, &scaled) && fits_64(&scaled);
    if (!*fits)
        return true;
    if (object->count >= most) {
        old = object->count - most + 1;
        memmove(last->amounts, last->amounts + old, (object->count - old) * sizeof(last->amounts[0]));
        object->count -= (uint16_t)old;
    }
    if (room(object) < sizeof(*last) + (object->count + 1u) * sizeof(last->amounts[0])) {
        object = object_open(keyed, KEYED_LAST, name, sizeof(*last) + grown(object->count, most, sizeof(last->amounts[0])));
        if (object == NULL)
            return false;
        last = content(object);
    }
    last->amounts[object->count++] = (struct keyed_amount){(int64_t)scaled.unscaled, place};
    return changed(keyed);
}

const struct keyed_amount *keyed_last_entries(struct keyed *keyed, struct slice name, size_t most, size_t *count, int32_t *scale)
{
    struct object *object = object_find(keyed, KEYED_LAST, name);
    struct last *last = object == NULL ? NULL : content(object);
    size_t first = object != NULL && object->count > most ? object->count - most : 0;

    *count = object == NULL ? 0 : object->count - first;
    *scale = last == NULL ? 0 : (int32_t)last->scale;
    return last == NULL ? NULL : last->amounts + first;
}

size_t keyed_last_sum(struct keyed *keyed, struct slice name, size_t most, struct decimal *sum)
{
    size_t count;
    int32_t scale;
    const struct keyed_amount *amounts = keyed_last_entries(keyed, name, most, &count, &scale);

    *sum = (struct decimal){0, scale};
    for (size_t i = 0; i < count; i++)
        sum->unscaled += amounts[i].amount;
    return count;
}

double keyed_last_deviation(struct keyed *keyed, struct slice name, size_t most, double mean)
{
    size_t count;
    int32_t scale;
    const struct keyed_amount *amounts = keyed_last_entries(keyed, name, most, &count, &scale);
    double squares = 0, unit = decimal_to_double(&(struct decimal){1, scale});

    for (size_t i = 0; i < count; i++) {
        double difference = (double)amounts[i].amount * unit - mean;
        squares += difference * difference;
    }
    return count == 0 ? 0 : sqrt(squares / (double)count);
}

static size_t set_find(const struct object *object, const uint64_t *hashes, uint64_t hash)
{
    size_t at = 0;

    while (at < object->count && hashes[at] != hash)
        at++;
    return at;
}

bool keyed_set_add(struct keyed *keyed, struct slice name, size_t most, struct slice value, bool *added)
{
    struct object *object = object_open(keyed, KEYED_SET, name, 2 * sizeof(uint64_t));
    uint64_t hash = hash_bytes(value), *hashes;
    size_t at, old;

    if (object == NULL)
        return false;
    hashes = content(object);
    at = set_find(object, hashes, hash);
    *added = at == object->count;
    if (!*added) {
        memmove(hashes + at, hashes + at + 1, (object->count - at - 1u) * sizeof(*hashes));
        object->count--;
    } else if (object->count >= most) {
        old = object->count - most + 1;
        memmove(hashes, hashes + old, (object->count - old) * sizeof(*hashes));
        object->count -= (uint16_t)old;
    }
    if (room(object) < (object->count + 1u) * sizeof(*hashes)) {
        object = object_open(keyed, KEYED_SET, name, grown(object->count, most, sizeof(*hashes)));
        if (object == NULL)
            return false;
        hashes = content(object);
    }
    hashes[object->count++] = hash;
    return changed(keyed);
}

bool keyed_set_has(struct keyed *keyed, struct slice name, struct slice value)
{
    struct object *object = object_find(keyed, KEYED_SET, name);

    return object != NULL && set_find(object, content(object), hash_bytes(value)) < object->count;
}

size_t keyed_set_count(struct keyed *keyed, struct slice name)
{
    struct object *object = object_find(keyed, KEYED_SET, name);

    return object == NULL ? 0 : object->count;
}

static void object_describe(struct object *object, struct buffer *json)
{
    switch (object->kind) {
    case KEYED_COUNTER: buffer_append_decimal(json, *(const int64_t *)content(object)); return;
    case KEYED_WINDOW: {
        const struct keyed_passed *entries = content(object);

        buffer_append_string(json, "{\"at_us\":[");
        for (size_t i = 0; i < object->count; i++)
            buffer_append_format(json, "%s%" PRId64, i == 0 ? "" : ",", entries[i].time_us);
        buffer_append_string(json, "]}");
        return;
    }
    case KEYED_LAST: {
        const struct last *last = content(object);

        buffer_append_u8(json, '[');
        for (size_t i = 0; i < object->count; i++) {
            struct decimal amount = {last->amounts[i].amount, (int32_t)last->scale};
            char text[DECIMAL_TEXT_SIZE];

            decimal_print(&amount, text);
            buffer_append_format(json, "%s\"%s\"", i == 0 ? "" : ",", text);
        }
        buffer_append_u8(json, ']');
        return;
    }
    default: buffer_append_format(json, "{\"count\":%u}", object->count);
    }
}

void keyed_describe(struct slice state, struct buffer *json)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)state.data; /* only read */
    static const char *const names[] = {[KEYED_COUNTER] = "counters", [KEYED_WINDOW] = "windows", [KEYED_LAST] = "last", [KEYED_SET] = "sets"};
    struct object *object;

    if (state.size < HEADER || state.data[0] != LAYOUT) {
        buffer_append_string(json, "null");
        return;
    }
    buffer_append_u8(json, '{');
    for (uint8_t kind = KEYED_COUNTER; kind <= KEYED_SET; kind++) {
        bool first = true;

        buffer_append_format(json, "%s\"%s\":{", kind == KEYED_COUNTER ? "" : ",", names[kind]);
        for (size_t at = HEADER; (object = object_at(bytes, state.size, at)) != NULL; at += object->size) {
            if (object->kind != kind)
                continue;
            if (!first)
                buffer_append_u8(json, ',');
            first = false;
            json_append_string(json, slice_of(object->name, object->name_size));
            buffer_append_u8(json, ':');
            object_describe(object, json);
        }
        buffer_append_u8(json, '}');
    }
    buffer_append_u8(json, '}');
}
