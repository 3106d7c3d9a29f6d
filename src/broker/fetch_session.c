#include "broker/fetch_session.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"

#include <assert.h>

#define EVICTABLE_AFTER_MS 120000    /* as Kafka */
#define PARTITIONS_IN_ALL_MAX 200000 /* of all sessions: some 50 MB */
#define KEY_BYTES_MAX (32767 + 4)

struct fetch_session {
    int32_t id;
    int32_t epoch; /* the one the next request has to bring */
    bool uses_ids;
    bool closed; /* not in the cache any more; goes with its last holder */
    size_t holders;
    int64_t last_used_ms;
    struct map partitions;
    struct fetch_list list;
};

struct fetch_sessions {
    struct map by_id; /* 4 bytes of the id */
    size_t sessions_max;
    size_t partition_count;
    uint32_t next_id;
};

/* ---- Lists ---- */

static void list_append(struct fetch_list *list, struct fetch_partition *partition)
{
    partition->next = NULL;
    partition->previous = list->last;
    if (list->last == NULL)
        list->first = partition;
    else
        list->last->next = partition;
    list->last = partition;
}

static void list_remove(struct fetch_list *list, struct fetch_partition *partition)
{
    if (partition->previous == NULL)
        list->first = partition->next;
    else
        partition->previous->next = partition->next;
    if (partition->next == NULL)
        list->last = partition->previous;
    else
        partition->next->previous = partition->previous;
}

/* Topic (id or name) and number, as one key. */
static struct slice key_make(uint8_t *key, struct slice name, const struct uuid *id, bool uses_ids, int32_t partition)
{
    struct slice topic = uses_ids ? slice_of(id->bytes, sizeof(id->bytes)) : name;

    assert(topic.size + 4 <= KEY_BYTES_MAX);
    if (topic.size > 0)
        memcpy(key, topic.data, topic.size);
    memcpy(key + topic.size, &partition, sizeof(partition));
    return slice_of(key, topic.size + sizeof(partition));
}

/* ---- Sessions ---- */

struct fetch_sessions *fetch_sessions_create(size_t sessions_max)
{
    struct fetch_sessions *sessions = memory_new(sizeof(*sessions));

    map_init(&sessions->by_id);
    sessions->sessions_max = sessions_max;
    sessions->next_id = 1;
    return sessions;
}

static void partition_free(struct fetch_partition *partition)
{
    memory_free((void *)(uintptr_t)partition->name.data);
    memory_free(partition);
}

static void session_free(struct fetch_session *session)
{
    while (session->list.first != NULL) {
        struct fetch_partition *partition = session->list.first;

        list_remove(&session->list, partition);
        partition_free(partition);
    }
    map_finish(&session->partitions);
    memory_free(session);
}

static void session_close(struct fetch_sessions *sessions, struct fetch_session *session)
{
    (void)map_remove(&sessions->by_id, slice_of(&session->id, sizeof(session->id)));
    sessions->partition_count -= session->partitions.count;
    session->closed = true;
    if (session->holders == 0)
        session_free(session);
}

void fetch_sessions_destroy(struct fetch_sessions *sessions)
{
    if (sessions == NULL)
        return;
    while (sessions->by_id.count > 0) {
        size_t at = 0;

        session_close(sessions, map_next(&sessions->by_id, &at)->value);
    }
    map_finish(&sessions->by_id);
    memory_free(sessions);
}

size_t fetch_sessions_count(const struct fetch_sessions *sessions)
{
    return sessions->by_id.count;
}

static struct fetch_session *session_find(struct fetch_sessions *sessions, int32_t id)
{
    return map_get(&sessions->by_id, slice_of(&id, sizeof(id)));
}

/* Makes room for one more: true when there is. */
static bool session_make_room(struct fetch_sessions *sessions, int64_t now_ms)
{
    struct fetch_session *oldest = NULL;
    const struct map_entry *entry;
    size_t at = 0;

    if (sessions->by_id.count < sessions->sessions_max)
        return sessions->partition_count < PARTITIONS_IN_ALL_MAX;
    while ((entry = map_next(&sessions->by_id, &at)) != NULL) {
        struct fetch_session *session = entry->value;

        if (session->holders == 0 && (oldest == NULL || session->last_used_ms < oldest->last_used_ms))
            oldest = session;
    }
    if (oldest == NULL || now_ms - oldest->last_used_ms < EVICTABLE_AFTER_MS)
        return false;
    session_close(sessions, oldest);
    return sessions->partition_count < PARTITIONS_IN_ALL_MAX;
}

static int32_t session_new_id(struct fetch_sessions *sessions)
{
    int32_t id;

    do {
        id = (int32_t)(sessions->next_id++ & INT32_MAX);
    } while (id == 0 || session_find(sessions, id) != NULL);
    return id;
}

static void partition_update(struct fetch_partition *partition, const struct kafka_fetch_request_partition *asked)
{
    partition->partition = asked->partition;
    partition->leader_epoch = asked->current_leader_epoch;
    partition->offset = asked->fetch_offset;
    partition->bytes_max = asked->partition_max_bytes;
}

static void session_add(struct fetch_sessions *sessions, struct fetch_session *session, const struct kafka_fetch_request *asked)
{
    uint8_t key_bytes[KEY_BYTES_MAX];

    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_fetch_request_topic *topic = &asked->topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            struct slice key = key_make(key_bytes, topic->topic, &topic->topic_id, session->uses_ids, topic->partitions.items[j].partition);
            struct fetch_partition *partition = map_get(&session->partitions, key);

            if (partition == NULL) {
                partition = memory_new(sizeof(*partition));
                if (session->uses_ids)
                    partition->topic_id = topic->topic_id;
                else
                    partition->name = slice_of(memory_copy_bytes(topic->topic.data, topic->topic.size), topic->topic.size);
                partition->told_end = -1;
                (void)map_put(&session->partitions, key, partition);
                list_append(&session->list, partition);
                sessions->partition_count++;
            }
            partition_update(partition, &topic->partitions.items[j]);
        }
    }
}

static void session_forget(struct fetch_sessions *sessions, struct fetch_session *session, const struct kafka_fetch_request *asked)
{
    uint8_t key_bytes[KEY_BYTES_MAX];

    for (int32_t i = 0; i < asked->forgotten_topics_data.count; i++) {
        const struct kafka_fetch_request_forgotten_topic *topic = &asked->forgotten_topics_data.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            struct slice key = key_make(key_bytes, topic->topic, &topic->topic_id, session->uses_ids, topic->partitions.items[j]);
            struct fetch_partition *partition = map_remove(&session->partitions, key);

            if (partition != NULL) {
                list_remove(&session->list, partition);
                partition_free(partition);
                sessions->partition_count--;
            }
        }
    }
}

/* ---- Scopes ---- */

static void scope_without_session(const struct kafka_fetch_request *asked, bool uses_ids, struct arena *arena, struct fetch_scope *scope)
{
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_fetch_request_topic *topic = &asked->topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            struct fetch_partition *partition = arena_new(arena, sizeof(*partition));

            if (uses_ids)
                partition->topic_id = topic->topic_id;
            else
                partition->name = topic->topic;
            partition_update(partition, &topic->partitions.items[j]);
            list_append(&scope->list, partition);
        }
    }
}

static enum status session_continue(struct fetch_sessions *sessions, const struct kafka_fetch_request *asked, bool uses_ids, int64_t now_ms,
                                    struct fetch_scope *scope)
{
    struct fetch_session *session = session_find(sessions, asked->session_id);

    if (session == NULL)
        return ERROR_FETCH_SESSION_ID_NOT_FOUND;
    if (session->epoch != asked->session_epoch)
        return ERROR_INVALID_FETCH_SESSION_EPOCH;
    if (session->uses_ids != uses_ids)
        return ERROR_FETCH_SESSION_TOPIC_ID_ERROR;
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
    session->last_used_ms = now_ms;
    session_add(sessions, session, asked);
    session_forget(sessions, session, asked);
    session->holders++;
    *scope = (struct fetch_scope){.session = session, .incremental = true};
    return OK;
}

enum status fetch_scope_begin(struct fetch_sessions *sessions, const struct kafka_fetch_request *asked, bool uses_ids, int64_t now_ms,
                              struct arena *arena, struct fetch_scope *scope)
{
    struct fetch_session *session;

    *scope = (struct fetch_scope){0};
    if (asked->session_epoch > 0)
        return session_continue(sessions, asked, uses_ids, now_ms, scope);
    if (asked->session_id != 0) {
        session = session_find(sessions, asked->session_id);
        if (session != NULL)
            session_close(sessions, session);
    }
    if (asked->session_epoch < 0 || !session_make_room(sessions, now_ms)) {
        scope_without_session(asked, uses_ids, arena, scope);
        return OK;
    }
    session = memory_new(sizeof(*session));
    session->id = session_new_id(sessions);
    session->epoch = 1;
    session->uses_ids = uses_ids;
    session->last_used_ms = now_ms;
    map_init(&session->partitions);
    (void)map_put(&sessions->by_id, slice_of(&session->id, sizeof(session->id)), session);
    session_add(sessions, session, asked);
    session->holders = 1;
    scope->session = session;
    return OK;
}

void fetch_scope_finish(struct fetch_scope *scope)
{
    struct fetch_session *session = scope->session;

    scope->session = NULL;
    if (session != NULL && --session->holders == 0 && session->closed)
        session_free(session);
}

struct fetch_partition *fetch_scope_first(const struct fetch_scope *scope)
{
    return scope->session != NULL ? scope->session->list.first : scope->list.first;
}

int32_t fetch_scope_id(const struct fetch_scope *scope)
{
    return scope->session == NULL ? 0 : scope->session->id;
}

void fetch_scope_served(struct fetch_scope *scope, struct fetch_partition *partition)
{
    if (scope->session == NULL)
        return;
    list_remove(&scope->session->list, partition);
    list_append(&scope->session->list, partition);
}
