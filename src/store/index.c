#include "store/index.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/reader.h"

#define FIRST_CAPACITY 16u

struct index_block {
    struct index_block *older;
    uint32_t capacity;
    struct index_entry entries[];
};

void index_init(struct index *index)
{
    atomic_init(&index->block, NULL);
    atomic_init(&index->count, 0);
}

void index_clear(struct index *index)
{
    struct index_block *block = atomic_load(&index->block);

    while (block != NULL) {
        struct index_block *older = block->older;
        memory_free(block);
        block = older;
    }
    index_init(index);
}

void index_add(struct index *index, int64_t key, uint32_t value)
{
    struct index_block *block = atomic_load_explicit(&index->block, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&index->count, memory_order_relaxed);

    if (block == NULL || count == block->capacity) {
        uint32_t capacity = block == NULL ? FIRST_CAPACITY : block->capacity * 2;
        struct index_block *larger = memory_new(sizeof(*larger) + capacity * sizeof(struct index_entry));

        if (block != NULL)
            memcpy(larger->entries, block->entries, count * sizeof(struct index_entry));
        larger->older = block; /* a reader may still be in it */
        larger->capacity = capacity;
        block = larger;
        atomic_store_explicit(&index->block, block, memory_order_release);
    }
    block->entries[count] = (struct index_entry){key, value};
    atomic_store_explicit(&index->count, count + 1, memory_order_release);
}

uint32_t index_count(const struct index *index)
{
    return atomic_load_explicit(&index->count, memory_order_acquire);
}

/* A block loaded after the count holds at least that many entries. */
static const struct index_entry *entries_of(const struct index *index)
{
    const struct index_block *block = atomic_load_explicit(&index->block, memory_order_acquire);

    return block == NULL ? NULL : block->entries;
}

static struct index_entry index_at(const struct index *index, uint32_t at)
{
    return entries_of(index)[at];
}

bool index_last(const struct index *index, struct index_entry *entry)
{
    uint32_t count = index_count(index);

    if (count == 0)
        return false;
    *entry = index_at(index, count - 1);
    return true;
}

/* The last entry whose key, or value, is at most `limit`. Both rise from entry to entry. */
static bool find(const struct index *index, bool by_key, int64_t limit, struct index_entry *entry)
{
    uint32_t low = 0, high = index_count(index);
    const struct index_entry *entries = entries_of(index);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if ((by_key ? entries[middle].key : (int64_t)entries[middle].value) <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *entry = entries[low - 1];
    return true;
}

bool index_find_key(const struct index *index, int64_t key, struct index_entry *entry)
{
    return find(index, true, key, entry);
}

bool index_find_value(const struct index *index, uint32_t value, struct index_entry *entry)
{
    return find(index, false, value, entry);
}

void offset_index_encode(const struct index *index, uint32_t from, struct buffer *out)
{
    for (uint32_t i = from; i < index_count(index); i++) {
        struct index_entry entry = index_at(index, i);

        buffer_append_u32(out, (uint32_t)entry.key);
        buffer_append_u32(out, entry.value);
    }
}

void time_index_encode(const struct index *index, uint32_t from, struct buffer *out)
{
    for (uint32_t i = from; i < index_count(index); i++) {
        struct index_entry entry = index_at(index, i);

        buffer_append_u64(out, (uint64_t)entry.key);
        buffer_append_u32(out, entry.value);
    }
}

enum status offset_index_decode(struct index *index, struct slice bytes, int64_t log_bytes, int64_t relative_end, struct error *error)
{
    struct reader in = reader_of(bytes);
    struct index_entry last = {-1, 0}, entry;

    if (bytes.size % OFFSET_ENTRY_BYTES != 0)
        return error_set(error, ERROR_CORRUPT, "%zu bytes are no whole number of entries", bytes.size);
    while (reader_left(&in) > 0) {
        entry.key = read_u32(&in);
        entry.value = read_u32(&in);
        if (entry.key <= last.key || (entry.value <= last.value && last.key >= 0) || entry.key >= relative_end || entry.value >= log_bytes)
            return error_set(error, ERROR_CORRUPT, "entry %u is out of order or bounds", index_count(index));
        index_add(index, entry.key, entry.value);
        last = entry;
    }
    return OK;
}

enum status time_index_decode(struct index *index, struct slice bytes, int64_t relative_end, struct error *error)
{
    struct reader in = reader_of(bytes);
    struct index_entry last = {-1, 0}, entry;

    if (bytes.size % TIME_ENTRY_BYTES != 0)
        return error_set(error, ERROR_CORRUPT, "%zu bytes are no whole number of entries", bytes.size);
    while (reader_left(&in) > 0) {
        entry.key = (int64_t)read_u64(&in);
        entry.value = read_u32(&in);
        if (entry.key <= last.key || entry.value < last.value || entry.value >= relative_end)
            return error_set(error, ERROR_CORRUPT, "entry %u is out of order or bounds", index_count(index));
        index_add(index, entry.key, entry.value);
        last = entry;
    }
    return OK;
}
