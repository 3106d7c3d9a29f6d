#include "web/schema_book.h"

#include "base/banned.h"
#include "base/memory.h"
#include "capture/schemas.h"
#include "os/logger.h"
#include "web/api.h"
#include "wire/postgres/pgoutput.h"

#include <pthread.h>

#define LOG_SUBSYSTEM "web"

struct schema_book {
    struct log *log;
    pthread_mutex_t lock; /* guards the rest; a leaf, held while the topic is read */
    int64_t offset;       /* of what is read next */
    json_t *topics;       /* topic -> its versions, the oldest first */
};

struct schema_book *schema_book_create(struct log *log)
{
    struct schema_book *book = memory_new(sizeof(*book));

    book->log = log;
    book->topics = json_object();
    (void)pthread_mutex_init(&book->lock, NULL);
    return book;
}

void schema_book_destroy(struct schema_book *book)
{
    if (book == NULL)
        return;
    json_decref(book->topics);
    (void)pthread_mutex_destroy(&book->lock);
    memory_free(book);
}

static void version_take(void *context, const json_t *version)
{
    struct schema_book *book = context;
    const char *topic = member_text(version, "topic");
    json_t *versions = json_object_get(book->topics, topic);

    if (versions == NULL) {
        versions = json_array();
        json_put(book->topics, topic, versions);
    }
    json_add(versions, json_deep_copy(version));
}

/* Lock held. The versions so far, borrowed; NULL when there are none. */
static const json_t *versions_of(struct schema_book *book, const char *topic)
{
    struct error error;

    if (schemas_read(book->log, &book->offset, version_take, book, &error) != OK)
        LOG_WARNING("versions of tables could not be read: %s", error.message);
    return json_object_get(book->topics, topic);
}

/* ---- Differences ---- */

static const json_t *column_find(const json_t *columns, const char *name)
{
    const json_t *column;
    size_t index;

    json_array_foreach(columns, index, column) {
        const char *found = member_text(column, "name");

        if (found != NULL && name != NULL && strcmp(found, name) == 0)
            return column;
    }
    return NULL;
}

static void column_add(json_t *columns, const json_t *column, const char *change)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)column);

    json_put(copy, "change", json_text_or_null(change));
    json_add(columns, copy);
}

static json_t *compared(const json_t *version, const json_t *before)
{
    const json_t *now = json_object_get(version, "columns"), *old = json_object_get(before, "columns"), *column;
    json_t *columns = json_array();
    size_t index;

    json_array_foreach(now, index, column) {
        const json_t *was = column_find(old, member_text(column, "name"));

        column_add(columns, column, before == NULL ? NULL : was == NULL ? "added" : json_equal((json_t *)(uintptr_t)was, (json_t *)(uintptr_t)column) ? NULL : "changed");
    }
    json_array_foreach(old, index, column) {
        if (column_find(now, member_text(column, "name")) == NULL)
            column_add(columns, column, "removed");
    }
    return json_pack("{s:O, s:O, s:O, s:O, s:o}", "version", json_object_get(version, "version"), "from_lsn", json_object_get(version, "from_lsn"), "at_ms", json_object_get(version, "at_ms"),
                     "replica_identity", json_object_get(version, "replica_identity"), "columns", columns);
}

json_t *schema_book_versions(struct schema_book *book, const char *topic)
{
    const json_t *versions;
    json_t *list = NULL;

    (void)pthread_mutex_lock(&book->lock);
    versions = versions_of(book, topic);
    if (versions != NULL)
        list = json_array();
    for (size_t i = json_array_size(versions); i-- > 0;)
        json_add(list, compared(json_array_get(versions, i), i == 0 ? NULL : json_array_get(versions, i - 1)));
    (void)pthread_mutex_unlock(&book->lock);
    return list;
}

json_t *schema_book_newest(struct schema_book *book, const char *topic)
{
    const json_t *versions;
    json_t *newest = NULL;

    (void)pthread_mutex_lock(&book->lock);
    versions = versions_of(book, topic);
    if (json_array_size(versions) > 0)
        newest = json_deep_copy(json_array_get(versions, json_array_size(versions) - 1));
    (void)pthread_mutex_unlock(&book->lock);
    return newest;
}

const char *schema_book_identity(struct schema_book *book, const char *topic, uint64_t lsn)
{
    static const char *const known[] = {"default", "nothing", "full", "index"};
    const char *found = NULL;
    const json_t *versions, *version;
    size_t index;

    (void)pthread_mutex_lock(&book->lock);
    versions = versions_of(book, topic);
    json_array_foreach(versions, index, version) {
        const char *from = member_text(version, "from_lsn"), *identity = member_text(version, "replica_identity");
        uint64_t from_lsn = 0;

        if (from != NULL && pg_lsn_from_text(slice_from_string(from), &from_lsn) && from_lsn > lsn)
            break;
        for (size_t i = 0; identity != NULL && i < sizeof(known) / sizeof(known[0]); i++)
            found = strcmp(identity, known[i]) == 0 ? known[i] : found;
    }
    (void)pthread_mutex_unlock(&book->lock);
    return found;
}
