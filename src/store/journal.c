#include "store/journal.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "os/logger.h"
#include "store/ledger.h"

#include <pthread.h>

#define LOG_SUBSYSTEM "store"
#define END_KEY_BYTES 20

enum entry { ENTRY_POSITION = 1, ENTRY_REMOVED = 2, ENTRY_END = 3 };

struct position {
    size_t size;
    uint8_t bytes[];
};

struct journal {
    struct ledger *ledger;
    struct buffer record;  /* under construction */
    struct map ends;       /* topic id and partition -> struct journal_end */
    pthread_mutex_t lock;  /* guards positions */
    struct map positions;  /* owner -> struct position */
    int64_t records;
    int64_t compact_at;    /* bytes of the ledger */
};

static void end_key(const struct uuid *topic, int32_t partition, uint8_t key[END_KEY_BYTES])
{
    memcpy(key, topic->bytes, sizeof(topic->bytes));
    memcpy(key + sizeof(topic->bytes), &partition, sizeof(partition));
}

struct journal_end *journal_find(struct journal *journal, const struct uuid *topic, int32_t partition)
{
    uint8_t key[END_KEY_BYTES];

    end_key(topic, partition, key);
    return map_get(&journal->ends, slice_of(key, sizeof(key)));
}

static void end_set(struct journal *journal, const struct uuid *topic, int32_t partition, int64_t end)
{
    struct journal_end *known = journal_find(journal, topic, partition);
    uint8_t key[END_KEY_BYTES];

    if (known == NULL) {
        known = memory_new(sizeof(*known));
        known->topic = *topic;
        known->partition = partition;
        end_key(topic, partition, key);
        (void)map_put(&journal->ends, slice_of(key, sizeof(key)), known);
    }
    known->end = end;
}

static void position_set(struct journal *journal, struct slice owner, struct slice bytes)
{
    struct position *position = memory_new(sizeof(*position) + bytes.size);

    position->size = bytes.size;
    if (bytes.size > 0)
        memcpy(position->bytes, bytes.data, bytes.size);
    (void)pthread_mutex_lock(&journal->lock);
    memory_free(map_put(&journal->positions, owner, position));
    (void)pthread_mutex_unlock(&journal->lock);
}

static void position_remove(struct journal *journal, struct slice owner)
{
    (void)pthread_mutex_lock(&journal->lock);
    memory_free(map_remove(&journal->positions, owner));
    (void)pthread_mutex_unlock(&journal->lock);
}

/* Makes a record's entries the state. */
static enum status apply(void *context, struct slice payload, struct error *error)
{
    struct journal *journal = context;
    struct reader in = reader_of(payload);

    while (reader_left(&in) > 0) {
        uint8_t kind = read_u8(&in);
        struct slice owner, position, id;
        struct uuid topic;
        int32_t partition;
        int64_t end;

        switch (kind) {
        case ENTRY_POSITION:
            owner = read_bytes(&in, read_u16(&in));
            position = read_bytes(&in, read_u32(&in));
            if (!in.failed)
                position_set(journal, owner, position);
            break;
        case ENTRY_REMOVED:
            owner = read_bytes(&in, read_u16(&in));
            if (!in.failed)
                position_remove(journal, owner);
            break;
        case ENTRY_END:
            id = read_bytes(&in, sizeof(topic.bytes));
            partition = (int32_t)read_u32(&in);
            end = (int64_t)read_u64(&in);
            if (!in.failed) {
                memcpy(topic.bytes, id.data, sizeof(topic.bytes));
                end_set(journal, &topic, partition, end);
            }
            break;
        default: return error_set(error, ERROR_CORRUPT, "entry of unknown kind %d; a newer version may have written it", kind);
        }
    }
    return in.failed ? error_set(error, ERROR_CORRUPT, "an entry ends too early") : OK;
}

enum status journal_open(struct disk *disk, const char *directory, bool suspect, struct journal **opened, struct error *error)
{
    struct journal *journal = memory_new(sizeof(*journal));
    enum status status;

    buffer_init(&journal->record, LEDGER_PAYLOAD_MAX);
    map_init(&journal->ends);
    map_init(&journal->positions);
    (void)pthread_mutex_init(&journal->lock, NULL);
    journal->compact_at = JOURNAL_COMPACT_BYTES;
    status = ledger_open(disk, directory, "commit.journal", LEDGER_KIND_JOURNAL, suspect, apply, journal, &journal->ledger, error);
    if (status == OK)
        *opened = journal;
    else
        journal_close(journal);
    return status;
}

static void map_free_values(struct map *map)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(map, &at)) != NULL)
        memory_free(entry->value);
    map_finish(map);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    ledger_close(journal->ledger);
    buffer_finish(&journal->record);
    map_free_values(&journal->ends);
    map_free_values(&journal->positions);
    (void)pthread_mutex_destroy(&journal->lock);
    memory_free(journal);
}

/* ---- Records ---- */

static void entry_position(struct buffer *out, struct slice owner, struct slice position)
{
    buffer_append_u8(out, ENTRY_POSITION);
    buffer_append_u16(out, (uint16_t)owner.size);
    buffer_append_slice(out, owner);
    buffer_append_u32(out, (uint32_t)position.size);
    buffer_append_slice(out, position);
}

static void entry_end(struct buffer *out, const struct uuid *topic, int32_t partition, int64_t end)
{
    buffer_append_u8(out, ENTRY_END);
    buffer_append(out, topic->bytes, sizeof(topic->bytes));
    buffer_append_u32(out, (uint32_t)partition);
    buffer_append_u64(out, (uint64_t)end);
}

void journal_begin(struct journal *journal)
{
    buffer_reset(&journal->record);
}

void journal_add_position(struct journal *journal, const char *owner, struct slice position)
{
    entry_position(&journal->record, slice_from_string(owner), position);
}

void journal_add_removal(struct journal *journal, const char *owner)
{
    buffer_append_u8(&journal->record, ENTRY_REMOVED);
    buffer_append_u16(&journal->record, (uint16_t)strlen(owner));
    buffer_append_string(&journal->record, owner);
}

void journal_add_end(struct journal *journal, const struct uuid *topic, int32_t partition, int64_t end)
{
    entry_end(&journal->record, topic, partition, end);
}

/* Everything known, as one payload. */
static void state_encode(struct journal *journal, struct buffer *out)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&journal->positions, &at)) != NULL) {
        const struct position *position = entry->value;

        entry_position(out, entry->key, slice_of(position->bytes, position->size));
    }
    at = 0;
    while ((entry = map_next(&journal->ends, &at)) != NULL) {
        const struct journal_end *end = entry->value;

        if (!end->forgotten)
            entry_end(out, &end->topic, end->partition, end->end);
    }
}

/* Failing is no harm: the old file goes on, and a doubt about the name is settled before the next record. */
static void compact(struct journal *journal)
{
    struct error error;
    struct buffer state;
    enum status status;

    buffer_init(&state, LEDGER_PAYLOAD_MAX);
    state_encode(journal, &state);
    status = ledger_rewrite(journal->ledger, buffer_slice(&state), &error);
    if (status != OK)
        LOG_WARNING("the commit journal could not be compacted and goes on growing: %s", error.message);
    journal->compact_at = (status == OK ? (int64_t)state.size * 4 : ledger_bytes(journal->ledger)) + JOURNAL_COMPACT_BYTES;
    buffer_finish(&state);
}

enum status journal_commit(struct journal *journal, struct error *error)
{
    enum status status;

    if (journal->record.failed)
        return error_set(error, ERROR_LIMIT, "a round's commit record is larger than %u bytes", LEDGER_PAYLOAD_MAX);
    if (journal->record.size == 0)
        return OK;
    status = ledger_append(journal->ledger, buffer_slice(&journal->record), error);
    if (status != OK) {
        error_context(error, "commit journal");
        return status;
    }
    journal->records++;
    (void)apply(journal, buffer_slice(&journal->record), NULL);
    if (ledger_bytes(journal->ledger) > journal->compact_at)
        compact(journal);
    return OK;
}

bool journal_is_in_doubt(const struct journal *journal)
{
    return ledger_is_in_doubt(journal->ledger);
}

enum status journal_repair(struct journal *journal, struct error *error)
{
    return ledger_repair(journal->ledger, error);
}

bool journal_position(struct journal *journal, const char *owner, struct buffer *position)
{
    const struct position *known;

    (void)pthread_mutex_lock(&journal->lock);
    known = map_get_string(&journal->positions, owner);
    if (known != NULL)
        buffer_append(position, known->bytes, known->size);
    (void)pthread_mutex_unlock(&journal->lock);
    return known != NULL;
}

int64_t journal_records(const struct journal *journal)
{
    return journal->records;
}
