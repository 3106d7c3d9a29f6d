#include "agents/state.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "os/slab.h"

#include <stddef.h>

#define KEYS_DEFAULT 1000000
#define BYTES_DEFAULT ((size_t)256 << 20)
#define KEY_BYTES_DEFAULT ((size_t)64 << 10)
#define KEY_NAME_BYTES_MAX 1024
#define EVICTION_SAMPLES 16
#define PREFETCH_LINES 3 /* the entry, its key and where the state begins */

/* One allocation: this, then the key, then the state: what a lookup compares lies in the line that it has already. */
struct entry {
    struct state_entry state; /* first: state_entry and entry are one pointer. bytes: behind the key, aligned to 8 */
    struct entry *next;       /* in the same bucket */
    uint32_t capacity;        /* of the state */
    uint32_t changed_at;      /* place in the list of changed ones + 1; 0 when it is not in it */
    uint32_t used;            /* the table's `uses` when it was used last */
    uint16_t key_size;
    uint8_t key[];
};

/* A key that is gone and has to be told to the checkpoint. */
struct gone {
    struct gone *next;
    size_t size;
    uint8_t key[];
};

struct state_table {
    struct state_limits limits;
    struct slab *slab; /* of all entries */
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t hand;         /* the bucket where the next look for something to evict begins */
    uint32_t uses;
    struct entry **changed;
    size_t changed_count, changed_capacity;
    struct gone *gone, *gone_told;
    struct state_counters counters;
};

struct state_table *state_create(const struct state_limits *limits)
{
    struct state_table *table = memory_new(sizeof(*table));

    table->limits = *limits;
    if (table->limits.keys_max == 0)
        table->limits.keys_max = KEYS_DEFAULT;
    if (table->limits.bytes_max == 0)
        table->limits.bytes_max = BYTES_DEFAULT;
    if (table->limits.key_bytes_max == 0)
        table->limits.key_bytes_max = KEY_BYTES_DEFAULT;
    table->bucket_count = 1024;
    table->buckets = memory_new_array(table->bucket_count, sizeof(struct entry *));
    table->slab = slab_create();
    return table;
}

static struct slice key_of(const struct entry *entry)
{
    return slice_of(entry->key, entry->key_size);
}

/* Where the state lies behind a key of this size. */
static size_t state_offset(size_t key_size)
{
    return (offsetof(struct entry, key) + key_size + 7) & ~(size_t)7;
}

static size_t entry_bytes(const struct entry *entry)
{
    return state_offset(entry->key_size) + entry->capacity;
}

static size_t cost_of(const struct entry *entry)
{
    return slab_piece_bytes(entry_bytes(entry));
}

static struct entry **slot_find(const struct state_table *table, struct slice key, uint32_t hash)
{
    struct entry **slot = &table->buckets[hash & (table->bucket_count - 1)];

    while (*slot != NULL && !((*slot)->state.hash == hash && slice_equal(key_of(*slot), key)))
        slot = &(*slot)->next;
    return slot;
}

static void buckets_grow(struct state_table *table)
{
    size_t count = table->bucket_count * 2;
    struct entry **buckets = memory_new_array(count, sizeof(*buckets));

    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct entry *entry = table->buckets[i], *next; entry != NULL; entry = next) {
            struct entry **bucket = &buckets[entry->state.hash & (count - 1)];

            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    memory_free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static void changed_insert(struct state_table *table, struct entry *entry)
{
    if (table->changed_count == table->changed_capacity) {
        table->changed_capacity = table->changed_capacity * 2 + 1024;
        table->changed = memory_resize(table->changed, table->changed_capacity * sizeof(struct entry *));
    }
    table->changed[table->changed_count++] = entry;
    entry->changed_at = (uint32_t)table->changed_count;
}

/* The last of the list takes its place. */
static void changed_remove(struct state_table *table, struct entry *entry)
{
    struct entry *last;

    if (entry->changed_at == 0)
        return;
    last = table->changed[--table->changed_count];
    table->changed[entry->changed_at - 1] = last;
    last->changed_at = entry->changed_at;
    entry->changed_at = 0;
}

static void entry_drop(struct state_table *table, struct entry *entry)
{
    struct slice key = key_of(entry);
    struct gone *gone = memory_new(sizeof(*gone) + key.size);

    gone->size = key.size;
    memcpy(gone->key, key.data, key.size);
    gone->next = table->gone;
    table->gone = gone;
    *slot_find(table, key, entry->state.hash) = entry->next;
    changed_remove(table, entry);
    table->counters.keys--;
    table->counters.bytes -= cost_of(entry);
    slab_free(table->slab, entry, entry_bytes(entry));
}

/*
 * Of the next EVICTION_SAMPLES entries the one that was not used for longest, but for `kept`; NULL when there is no other. Not quite the
 * least recently used of all, and no list through all entries has to be kept in order for it.
 */
static struct entry *victim_find(struct state_table *table, const struct entry *kept)
{
    struct entry *found = NULL;
    size_t seen = 0;

    for (size_t i = 0; i < table->bucket_count && seen < EVICTION_SAMPLES; i++) {
        for (struct entry *entry = table->buckets[table->hand]; entry != NULL; entry = entry->next) {
            if (entry == kept)
                continue;
            seen++;
            if (found == NULL || table->uses - entry->used > table->uses - found->used)
                found = entry;
        }
        table->hand = (table->hand + 1) & (table->bucket_count - 1);
    }
    return found;
}

/* Makes room by dropping what was not used for long; `kept` stays. */
static void entries_evict(struct state_table *table, const struct entry *kept)
{
    while (table->counters.keys > table->limits.keys_max || table->counters.bytes > table->limits.bytes_max) {
        struct entry *victim = victim_find(table, kept);

        if (victim == NULL)
            return;
        entry_drop(table, victim);
        table->counters.evicted++;
    }
}

static struct entry *entry_create(struct state_table *table, struct slice key, uint32_t hash)
{
    struct entry *entry = slab_new(table->slab, state_offset(key.size));
    struct entry **bucket;

    entry->state.hash = hash;
    entry->key_size = (uint16_t)key.size;
    entry->state.bytes = (uint8_t *)entry + state_offset(key.size);
    memcpy(entry->key, key.data, key.size);
    if (table->counters.keys >= table->bucket_count)
        buckets_grow(table);
    bucket = &table->buckets[hash & (table->bucket_count - 1)];
    entry->next = *bucket;
    *bucket = entry;
    table->counters.keys++;
    table->counters.bytes += cost_of(entry);
    return entry;
}

static struct slice key_cut(struct slice key)
{
    return slice_of(key.data == NULL ? (const uint8_t *)"" : key.data, key.size > KEY_NAME_BYTES_MAX ? KEY_NAME_BYTES_MAX : key.size);
}

struct state_entry *state_open(struct state_table *table, struct slice key)
{
    uint32_t hash;
    struct entry *entry;

    key = key_cut(key);
    hash = (uint32_t)hash_bytes(key);
    entry = *slot_find(table, key, hash);
    if (entry == NULL) {
        entry = entry_create(table, key, hash);
        entries_evict(table, entry);
    }
    entry->used = ++table->uses;
    return &entry->state;
}

const struct state_entry *state_find(const struct state_table *table, struct slice key)
{
    struct entry *entry;

    key = key_cut(key);
    entry = *slot_find(table, key, (uint32_t)hash_bytes(key));
    return entry == NULL ? NULL : &entry->state;
}

size_t state_prefetch_place(const struct state_table *table, struct slice key)
{
    size_t place = (uint32_t)hash_bytes(key_cut(key)) & (table->bucket_count - 1);

    __builtin_prefetch(&table->buckets[place]);
    return place;
}

void state_prefetch(const struct state_table *table, size_t place)
{
    const uint8_t *entry = (const uint8_t *)table->buckets[place];

    for (size_t i = 0; i < PREFETCH_LINES; i++)
        __builtin_prefetch(entry + i * 64, 1);
}

/* Every pointer to the entry is moved along. */
static struct entry *entry_move(struct state_table *table, struct entry *entry, uint32_t capacity)
{
    struct entry **slot = slot_find(table, key_of(entry), entry->state.hash);
    size_t offset = state_offset(entry->key_size);
    struct entry *moved = slab_new(table->slab, offset + capacity);

    memcpy(moved, entry, offset + (entry->state.size < capacity ? entry->state.size : capacity));
    moved->capacity = capacity;
    moved->state.bytes = (uint8_t *)moved + offset;
    *slot = moved;
    if (moved->changed_at != 0)
        table->changed[moved->changed_at - 1] = moved;
    table->counters.bytes += cost_of(moved) - cost_of(entry);
    slab_free(table->slab, entry, entry_bytes(entry));
    return moved;
}

bool state_resize(struct state_table *table, struct state_entry **public_entry, size_t size)
{
    struct entry *entry = (struct entry *)*public_entry;

    if (size > table->limits.key_bytes_max || size > UINT32_MAX - 8)
        return false;
    if (size > entry->capacity || size < entry->capacity / 4)
        entry = entry_move(table, entry, (uint32_t)(size + 7) & ~(uint32_t)7);
    else if (size < entry->state.size)
        memset(entry->state.bytes + size, 0, entry->state.size - size);
    entry->state.size = (uint32_t)size;
    *public_entry = &entry->state;
    entries_evict(table, entry);
    return true;
}

void state_touch(struct state_table *table, struct state_entry *public_entry)
{
    struct entry *entry = (struct entry *)public_entry;

    if (entry->changed_at == 0)
        changed_insert(table, entry);
}

size_t state_changed_keys(const struct state_table *table)
{
    return table->changed_count;
}

bool state_next_changed(struct state_table *table, struct slice *key, struct slice *bytes)
{
    struct entry *entry;

    memory_free(table->gone_told);
    table->gone_told = table->gone;
    if (table->gone_told != NULL) { /* the gone first: a key that came back is told again behind */
        table->gone = table->gone->next;
        *key = slice_of(table->gone_told->key, table->gone_told->size);
        *bytes = slice_null();
        return true;
    }
    if (table->changed_count == 0)
        return false;
    entry = table->changed[table->changed_count - 1];
    changed_remove(table, entry);
    *key = key_of(entry);
    *bytes = slice_of(entry->state.bytes, entry->state.size);
    return true;
}

void state_restore(struct state_table *table, struct slice key, struct slice bytes)
{
    struct state_entry *entry;

    if (slice_is_null(bytes)) {
        struct entry *gone;

        key = key_cut(key);
        gone = *slot_find(table, key, (uint32_t)hash_bytes(key));
        if (gone != NULL)
            entry_drop(table, gone);
    } else {
        entry = state_open(table, key);
        if (state_resize(table, &entry, bytes.size) && bytes.size > 0)
            memcpy(entry->bytes, bytes.data, bytes.size);
    }
    while (table->gone != NULL) { /* nothing that restoring drops has to be told */
        struct gone *gone = table->gone;

        table->gone = gone->next;
        memory_free(gone);
    }
}

struct state_counters state_counters_read(const struct state_table *table)
{
    return table->counters;
}

void state_destroy(struct state_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct entry *entry = table->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            slab_free(table->slab, entry, entry_bytes(entry));
        }
    }
    slab_destroy(table->slab);
    memory_free(table->changed);
    while (table->gone != NULL) {
        struct gone *next = table->gone->next;

        memory_free(table->gone);
        table->gone = next;
    }
    memory_free(table->gone_told);
    memory_free(table->buckets);
    memory_free(table);
}
