#include "agents/state.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"

#define KEYS_DEFAULT 1000000
#define BYTES_DEFAULT ((size_t)256 << 20)
#define KEY_BYTES_DEFAULT ((size_t)64 << 10)
#define KEY_NAME_BYTES_MAX 1024
#define ALLOCATION_OVERHEAD 16 /* of malloc, for the count of bytes */

/* One allocation: this, then the state (aligned to 8), then the key. */
struct entry {
    struct state_entry state; /* first: state_entry and entry are one pointer */
    uint32_t capacity;        /* of the state */
    struct entry *next;       /* in the same bucket */
    struct entry *older, *newer;
    struct entry *next_changed;
    struct entry **changed_slot; /* what points to this entry in the list of changed ones; NULL when it is not in it */
    uint32_t hash;
    uint16_t key_size;
    uint8_t storage[] __attribute__((aligned(8)));
};

/* A key that is gone and has to be told to the checkpoint. */
struct gone {
    struct gone *next;
    size_t size;
    uint8_t key[];
};

struct state_table {
    struct state_limits limits;
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    struct entry *oldest, *newest;
    struct entry *changed;
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
    return table;
}

static struct slice key_of(const struct entry *entry)
{
    return slice_of(entry->storage + entry->capacity, entry->key_size);
}

static size_t cost_of(const struct entry *entry)
{
    return sizeof(*entry) + entry->capacity + entry->key_size + ALLOCATION_OVERHEAD;
}

static struct entry **slot_find(const struct state_table *table, struct slice key, uint32_t hash)
{
    struct entry **slot = &table->buckets[hash & (table->bucket_count - 1)];

    while (*slot != NULL && !((*slot)->hash == hash && slice_equal(key_of(*slot), key)))
        slot = &(*slot)->next;
    return slot;
}

static void buckets_grow(struct state_table *table)
{
    size_t count = table->bucket_count * 2;
    struct entry **buckets = memory_new_array(count, sizeof(*buckets));

    for (struct entry *entry = table->oldest; entry != NULL; entry = entry->newer) {
        entry->next = buckets[entry->hash & (count - 1)];
        buckets[entry->hash & (count - 1)] = entry;
    }
    memory_free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static void order_remove(struct state_table *table, struct entry *entry)
{
    *(entry->older == NULL ? &table->oldest : &entry->older->newer) = entry->newer;
    *(entry->newer == NULL ? &table->newest : &entry->newer->older) = entry->older;
}

static void order_append(struct state_table *table, struct entry *entry)
{
    entry->older = table->newest;
    entry->newer = NULL;
    *(table->newest == NULL ? &table->oldest : &table->newest->newer) = entry;
    table->newest = entry;
}

static void changed_insert(struct state_table *table, struct entry *entry)
{
    entry->next_changed = table->changed;
    entry->changed_slot = &table->changed;
    if (entry->next_changed != NULL)
        entry->next_changed->changed_slot = &entry->next_changed;
    table->changed = entry;
}

static void changed_remove(struct entry *entry)
{
    if (entry->changed_slot == NULL)
        return;
    *entry->changed_slot = entry->next_changed;
    if (entry->next_changed != NULL)
        entry->next_changed->changed_slot = entry->changed_slot;
    entry->changed_slot = NULL;
}

static void entry_drop(struct state_table *table, struct entry *entry)
{
    struct slice key = key_of(entry);
    struct gone *gone = memory_new(sizeof(*gone) + key.size);

    gone->size = key.size;
    memcpy(gone->key, key.data, key.size);
    gone->next = table->gone;
    table->gone = gone;
    *slot_find(table, key, entry->hash) = entry->next;
    order_remove(table, entry);
    changed_remove(entry);
    table->counters.keys--;
    table->counters.bytes -= cost_of(entry);
    memory_free(entry);
}

/* Makes room by dropping what was not used for longest; `kept` stays. */
static void entries_evict(struct state_table *table, const struct entry *kept)
{
    while ((table->counters.keys > table->limits.keys_max || table->counters.bytes > table->limits.bytes_max) && table->oldest != NULL &&
           table->oldest != kept) {
        entry_drop(table, table->oldest);
        table->counters.evicted++;
    }
}

static struct entry *entry_create(struct state_table *table, struct slice key, uint32_t hash, uint32_t capacity)
{
    struct entry *entry = memory_new(sizeof(*entry) + capacity + key.size);
    struct entry **bucket;

    entry->capacity = capacity;
    entry->hash = hash;
    entry->key_size = (uint16_t)key.size;
    entry->state.bytes = entry->storage;
    memcpy(entry->storage + capacity, key.data, key.size);
    if (table->counters.keys >= table->bucket_count)
        buckets_grow(table);
    bucket = &table->buckets[hash & (table->bucket_count - 1)];
    entry->next = *bucket;
    *bucket = entry;
    order_append(table, entry);
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
        entry = entry_create(table, key, hash, 0);
        entries_evict(table, entry);
    } else if (entry != table->newest) {
        order_remove(table, entry);
        order_append(table, entry);
    }
    return &entry->state;
}

const struct state_entry *state_find(const struct state_table *table, struct slice key)
{
    struct entry *entry;

    key = key_cut(key);
    entry = *slot_find(table, key, (uint32_t)hash_bytes(key));
    return entry == NULL ? NULL : &entry->state;
}

/* Every pointer to the entry is moved along. */
static struct entry *entry_move(struct state_table *table, struct entry *entry, uint32_t capacity)
{
    struct entry **slot = slot_find(table, key_of(entry), entry->hash);
    struct entry *moved = memory_new(sizeof(*moved) + capacity + entry->key_size);
    uint32_t kept = entry->state.size < capacity ? entry->state.size : capacity;

    memcpy(moved, entry, sizeof(*moved));
    memcpy(moved->storage, entry->storage, kept);
    memcpy(moved->storage + capacity, entry->storage + entry->capacity, entry->key_size);
    moved->capacity = capacity;
    moved->state.bytes = moved->storage;
    *slot = moved;
    *(entry->older == NULL ? &table->oldest : &entry->older->newer) = moved;
    *(entry->newer == NULL ? &table->newest : &entry->newer->older) = moved;
    if (moved->changed_slot != NULL) {
        *moved->changed_slot = moved;
        if (moved->next_changed != NULL)
            moved->next_changed->changed_slot = &moved->next_changed;
    }
    table->counters.bytes += cost_of(moved) - cost_of(entry);
    memory_free(entry);
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

    if (entry->changed_slot == NULL)
        changed_insert(table, entry);
}

void state_remove(struct state_table *table, struct slice key)
{
    struct entry *entry;

    key = key_cut(key);
    entry = *slot_find(table, key, (uint32_t)hash_bytes(key));
    if (entry != NULL)
        entry_drop(table, entry);
}

bool state_next_changed(struct state_table *table, struct slice *key, struct slice *bytes)
{
    struct entry *entry = table->changed;

    memory_free(table->gone_told);
    table->gone_told = table->gone;
    if (table->gone_told != NULL) { /* the gone first: a key that came back is told again behind */
        table->gone = table->gone->next;
        *key = slice_of(table->gone_told->key, table->gone_told->size);
        *bytes = slice_null();
        return true;
    }
    if (entry == NULL)
        return false;
    changed_remove(entry);
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

const struct state_entry *state_walk(const struct state_table *table, size_t *at, struct slice *key)
{
    /* Buckets are short: the position counts bucket * 256 + place in it. */
    for (size_t bucket = *at / 256, place = *at % 256; bucket < table->bucket_count; bucket++, place = 0) {
        const struct entry *entry = table->buckets[bucket];

        for (size_t i = 0; entry != NULL && i < place; i++)
            entry = entry->next;
        if (entry != NULL) {
            *at = bucket * 256 + place + 1;
            *key = key_of(entry);
            return &entry->state;
        }
    }
    *at = table->bucket_count * 256;
    return NULL;
}

struct state_counters state_counters_read(const struct state_table *table)
{
    return table->counters;
}

void state_destroy(struct state_table *table)
{
    struct entry *entry;

    if (table == NULL)
        return;
    for (entry = table->oldest; entry != NULL;) {
        struct entry *newer = entry->newer;

        memory_free(entry);
        entry = newer;
    }
    while (table->gone != NULL) {
        struct gone *next = table->gone->next;

        memory_free(table->gone);
        table->gone = next;
    }
    memory_free(table->gone_told);
    memory_free(table->buckets);
    memory_free(table);
}
