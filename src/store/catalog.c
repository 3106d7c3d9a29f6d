#include "store/catalog.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "os/logger.h"
#include "store/ledger.h"

#define LOG_SUBSYSTEM "store"
#define FLAG_INTERNAL 1
#define TIDY_BYTES_MIN (256 << 10)

enum entry { ENTRY_TOPIC = 1, ENTRY_DELETED = 2, ENTRY_GROWN = 3, ENTRY_CONFIGURED = 4, ENTRY_PRODUCERS = 5 };

struct catalog {
    struct ledger *ledger;
    struct map by_id;   /* id -> struct catalog_topic */
    struct map by_name; /* name -> the same */
    struct map deleted; /* id -> struct catalog_topic */
    int64_t next_producer_id;
    int64_t tidy_at; /* bytes of the ledger */
};

static struct slice id_slice(const struct uuid *id)
{
    return slice_of(id->bytes, sizeof(id->bytes));
}

static void topic_free(struct catalog_topic *topic)
{
    if (topic == NULL)
        return;
    memory_free(topic->name);
    properties_finish(&topic->config);
    memory_free(topic);
}

/* ---- Reading entries ---- */

static struct uuid read_id(struct reader *in)
{
    struct uuid id = {{0}};
    struct slice bytes = read_bytes(in, sizeof(id.bytes));

    if (bytes.size == sizeof(id.bytes))
        memcpy(id.bytes, bytes.data, sizeof(id.bytes));
    return id;
}

static char *read_text(struct reader *in, size_t size)
{
    struct slice bytes = read_bytes(in, size);

    return memory_copy_bytes(bytes.data, bytes.size);
}

static void read_config(struct reader *in, struct properties *config)
{
    uint32_t count = read_u32(in);

    properties_init(config);
    while (count-- > 0 && !in->failed) {
        char *key = read_text(in, read_u16(in));
        char *value = read_text(in, read_u32(in));

        if (!in->failed)
            properties_set(config, key, value);
        memory_free(key);
        memory_free(value);
    }
}

static struct catalog_topic *read_topic(struct reader *in)
{
    struct catalog_topic *topic = memory_new(sizeof(*topic));

    topic->id = read_id(in);
    topic->internal = (read_u8(in) & FLAG_INTERNAL) != 0;
    topic->partitions = (int32_t)read_u32(in);
    topic->name = read_text(in, read_u16(in));
    read_config(in, &topic->config);
    return topic;
}

static void add(struct catalog *catalog, struct catalog_topic *topic)
{
    (void)map_put(&catalog->by_id, id_slice(&topic->id), topic);
    (void)map_put_string(&catalog->by_name, topic->name, topic);
}

static enum status apply_to_topic(struct catalog *catalog, uint8_t kind, struct reader *in, struct error *error)
{
    struct uuid id = read_id(in);
    struct catalog_topic *topic = map_get(&catalog->by_id, id_slice(&id));
    struct properties config;

    if (topic == NULL)
        return error_set(error, ERROR_CORRUPT, "an entry of kind %d is about a topic that does not exist", kind);
    switch (kind) {
    case ENTRY_DELETED:
        (void)map_remove(&catalog->by_id, id_slice(&id));
        (void)map_remove(&catalog->by_name, slice_from_string(topic->name));
        (void)map_put(&catalog->deleted, id_slice(&id), topic);
        break;
    case ENTRY_GROWN: topic->partitions = (int32_t)read_u32(in); break;
    default:
        read_config(in, &config);
        properties_finish(&topic->config);
        topic->config = config;
        break;
    }
    return OK;
}

static enum status apply(void *context, struct slice payload, struct error *error)
{
    struct catalog *catalog = context;
    struct reader in = reader_of(payload);
    struct catalog_topic *topic;
    enum status status = OK;

    while (status == OK && reader_left(&in) > 0) {
        uint8_t kind = read_u8(&in);

        switch (kind) {
        case ENTRY_TOPIC:
            topic = read_topic(&in);
            if (in.failed || map_get(&catalog->by_id, id_slice(&topic->id)) != NULL || map_get_string(&catalog->by_name, topic->name) != NULL) {
                topic_free(topic);
                reader_fail(&in);
            } else {
                add(catalog, topic);
            }
            break;
        case ENTRY_DELETED:
        case ENTRY_GROWN:
        case ENTRY_CONFIGURED: status = apply_to_topic(catalog, kind, &in, error); break;
        case ENTRY_PRODUCERS: catalog->next_producer_id = (int64_t)read_u64(&in); break;
        default: status = error_set(error, ERROR_CORRUPT, "entry of unknown kind %d; a newer version may have written it", kind);
        }
    }
    if (status == OK && in.failed)
        status = error_set(error, ERROR_CORRUPT, "an entry ends too early or names a topic twice");
    return status;
}

/* ---- Writing entries ---- */

static void write_config(struct buffer *out, const struct properties *config)
{
    buffer_append_u32(out, config == NULL ? 0 : (uint32_t)config->count);
    for (size_t i = 0; config != NULL && i < config->count; i++) {
        const char *value = config->items[i].value == NULL ? "" : config->items[i].value;

        buffer_append_u16(out, (uint16_t)strlen(config->items[i].key));
        buffer_append_string(out, config->items[i].key);
        buffer_append_u32(out, (uint32_t)strlen(value));
        buffer_append_string(out, value);
    }
}

static void write_topic(struct buffer *out, const char *name, const struct uuid *id, bool internal, int32_t partitions,
                        const struct properties *config)
{
    buffer_append_u8(out, ENTRY_TOPIC);
    buffer_append_slice(out, id_slice(id));
    buffer_append_u8(out, internal ? FLAG_INTERNAL : 0);
    buffer_append_u32(out, (uint32_t)partitions);
    buffer_append_u16(out, (uint16_t)strlen(name));
    buffer_append_string(out, name);
    write_config(out, config);
}

static void write_producers(struct buffer *out, int64_t next)
{
    buffer_append_u8(out, ENTRY_PRODUCERS);
    buffer_append_u64(out, (uint64_t)next);
}

/* Makes the entry durable and then the state; finishes the buffer. */
static enum status commit(struct catalog *catalog, struct buffer *entry, struct error *error)
{
    enum status status = ledger_append(catalog->ledger, buffer_slice(entry), error);

    if (status == OK)
        status = apply(catalog, buffer_slice(entry), error);
    else
        error_context(error, "catalog");
    buffer_finish(entry);
    return status;
}

static void begin(struct buffer *entry, enum entry kind, const struct uuid *id)
{
    buffer_init(entry, LEDGER_PAYLOAD_MAX);
    buffer_append_u8(entry, (uint8_t)kind);
    buffer_append_slice(entry, id_slice(id));
}

enum status catalog_create(struct catalog *catalog, const char *name, const struct uuid *id, bool internal, int32_t partitions,
                           const struct properties *config, struct error *error)
{
    struct buffer entry;

    buffer_init(&entry, LEDGER_PAYLOAD_MAX);
    write_topic(&entry, name, id, internal, partitions, config);
    return commit(catalog, &entry, error);
}

enum status catalog_delete(struct catalog *catalog, const struct uuid *id, struct error *error)
{
    struct buffer entry;

    begin(&entry, ENTRY_DELETED, id);
    return commit(catalog, &entry, error);
}

enum status catalog_grow(struct catalog *catalog, const struct uuid *id, int32_t partitions, struct error *error)
{
    struct buffer entry;

    begin(&entry, ENTRY_GROWN, id);
    buffer_append_u32(&entry, (uint32_t)partitions);
    return commit(catalog, &entry, error);
}

enum status catalog_configure(struct catalog *catalog, const struct uuid *id, const struct properties *config, struct error *error)
{
    struct buffer entry;

    begin(&entry, ENTRY_CONFIGURED, id);
    write_config(&entry, config);
    return commit(catalog, &entry, error);
}

enum status catalog_take_producer_ids(struct catalog *catalog, int64_t count, int64_t *first, struct error *error)
{
    struct buffer entry;
    int64_t next = catalog->next_producer_id;
    enum status status;

    buffer_init(&entry, 64);
    write_producers(&entry, next + count);
    status = commit(catalog, &entry, error);
    if (status == OK)
        *first = next;
    return status;
}

enum status catalog_repair(struct catalog *catalog, struct error *error)
{
    return ledger_is_in_doubt(catalog->ledger) ? ledger_repair(catalog->ledger, error) : OK;
}

/* ---- Opening ---- */

enum status catalog_open(struct disk *disk, const char *directory, bool suspect, struct catalog **opened, struct error *error)
{
    struct catalog *catalog = memory_new(sizeof(*catalog));
    enum status status;

    map_init(&catalog->by_id);
    map_init(&catalog->by_name);
    map_init(&catalog->deleted);
    catalog->tidy_at = TIDY_BYTES_MIN;
    status = ledger_open(disk, directory, "catalog", LEDGER_KIND_CATALOG, suspect, apply, catalog, &catalog->ledger, error);
    if (status == OK)
        *opened = catalog;
    else
        catalog_close(catalog);
    return status;
}

static void topics_free(struct map *topics)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(topics, &at)) != NULL)
        topic_free(entry->value);
    map_finish(topics);
}

void catalog_close(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    ledger_close(catalog->ledger);
    map_finish(&catalog->by_name);
    topics_free(&catalog->by_id);
    topics_free(&catalog->deleted);
    memory_free(catalog);
}

const struct catalog_topic *catalog_next(const struct catalog *catalog, size_t *at)
{
    const struct map_entry *entry = map_next(&catalog->by_id, at);

    return entry == NULL ? NULL : entry->value;
}

const struct catalog_topic *catalog_next_deleted(const struct catalog *catalog, size_t *at)
{
    const struct map_entry *entry = map_next(&catalog->deleted, at);

    return entry == NULL ? NULL : entry->value;
}

const struct catalog_topic *catalog_find(const struct catalog *catalog, const char *name)
{
    return map_get_string(&catalog->by_name, name);
}

void catalog_tidy(struct catalog *catalog)
{
    struct buffer state;
    struct error error;
    const struct catalog_topic *topic;
    enum status status;
    size_t at = 0;

    if (ledger_bytes(catalog->ledger) < catalog->tidy_at)
        return;
    buffer_init(&state, LEDGER_PAYLOAD_MAX);
    write_producers(&state, catalog->next_producer_id);
    while ((topic = catalog_next(catalog, &at)) != NULL)
        write_topic(&state, topic->name, &topic->id, topic->internal, topic->partitions, &topic->config);
    status = ledger_rewrite(catalog->ledger, buffer_slice(&state), &error);
    if (status == OK) {
        topics_free(&catalog->deleted);
    } else {
        LOG_WARNING("the catalog could not be rewritten and goes on growing: %s", error.message);
    }
    catalog->tidy_at = (status == OK ? (int64_t)state.size * 2 : ledger_bytes(catalog->ledger)) + TIDY_BYTES_MIN;
    buffer_finish(&state);
}
