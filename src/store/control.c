/* What is asked of the committer beside appending: owners, log starts, producer ids; and waiting for its answers. */
#include "store/partition_round.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "store"

/* ---- Waiting for an answer ---- */

struct waiter {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t answered;
    bool done;
    enum status status;
    struct error error;
};

static void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){0};
    (void)pthread_mutex_init(&waiter->lock, NULL);
    (void)pthread_cond_init(&waiter->answered, NULL);
}

static void waiter_done(void *context, enum status status, const char *message)
{
    struct waiter *waiter = context;

    (void)pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    waiter->status = status;
    if (status != OK)
        (void)error_set(&waiter->error, status, "%s", message);
    (void)pthread_cond_signal(&waiter->answered);
    (void)pthread_mutex_unlock(&waiter->lock);
}

static enum status waiter_wait(struct store *store, struct waiter *waiter, struct error *error)
{
    if (store->manual)
        store_run(store);
    (void)pthread_mutex_lock(&waiter->lock);
    while (!waiter->done)
        (void)pthread_cond_wait(&waiter->answered, &waiter->lock);
    (void)pthread_mutex_unlock(&waiter->lock);
    (void)pthread_cond_destroy(&waiter->answered);
    (void)pthread_mutex_destroy(&waiter->lock);
    if (waiter->status != OK && error != NULL)
        *error = waiter->error;
    return waiter->status;
}

enum status store_topic_create_wait(struct store *store, const struct topic_spec *spec, struct error *error)
{
    struct waiter waiter;

    waiter_init(&waiter);
    store_topic_create(store, spec, waiter_done, &waiter);
    return waiter_wait(store, &waiter, error);
}

enum status store_topic_delete_wait(struct store *store, struct slice name, struct error *error)
{
    struct waiter waiter;

    waiter_init(&waiter);
    store_topic_delete(store, name, waiter_done, &waiter);
    return waiter_wait(store, &waiter, error);
}

struct call {
    struct control control;
    struct waiter waiter;
    store_work *work;
    void *context;
};

static void call_run(struct store *store, struct control *control)
{
    struct call *call = (struct call *)control;
    struct error error = {.status = OK};
    enum status status = call->work(store, call->context, &error);

    waiter_done(&call->waiter, status, error.message); /* the call is its sender's from here on */
}

enum status store_call(struct store *store, store_work *work, void *context, struct error *error)
{
    struct call call = {.control = {.message = {.kind = MESSAGE_CONTROL}, .run = call_run}, .work = work, .context = context};

    waiter_init(&call.waiter);
    store_send(store, &call.control.message);
    return waiter_wait(store, &call.waiter, error);
}

/* ---- Owners ---- */

struct owner_request {
    struct control control;
    char *owner;
    int64_t session;
    store_done *done;
    void *context;
};

static struct owner_request *owner_request_new(const char *owner, store_done *done, void *context,
                                               void (*run)(struct store *store, struct control *control))
{
    struct owner_request *request = memory_new(sizeof(*request));

    request->control = (struct control){.message = {.kind = MESSAGE_CONTROL}, .run = run};
    request->owner = memory_copy_string(owner);
    request->done = done;
    request->context = context;
    return request;
}

struct owner_opening {
    struct waiter waiter;
    int64_t session;
};

static void owner_open_run(struct store *store, struct control *control)
{
    struct owner_request *request = (struct owner_request *)control;
    struct owner_opening *opening = request->context;
    struct owner *owner = map_get_string(&store->owners, request->owner);

    if (owner == NULL) {
        owner = memory_new(sizeof(*owner));
        (void)map_put_string(&store->owners, request->owner, owner);
    }
    owner->session = ++store->last_session;
    owner->failed = false;
    opening->session = owner->session;
    memory_free(request->owner);
    memory_free(request);
    waiter_done(&opening->waiter, OK, "");
}

enum status store_owner_open(struct store *store, const char *owner, int64_t *session, struct buffer *position, struct error *error)
{
    struct owner_opening opening;
    enum status status;

    if (owner[0] == '\0' || strlen(owner) > JOURNAL_OWNER_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "an owner's name has 1 to %u bytes", JOURNAL_OWNER_BYTES_MAX);
    waiter_init(&opening.waiter);
    store_send(store, &owner_request_new(owner, NULL, &opening, owner_open_run)->control.message);
    status = waiter_wait(store, &opening.waiter, error);
    if (status == OK) {
        *session = opening.session;
        (void)journal_position(store->journal, owner, position);
    }
    return status;
}

static void position_remove_run(struct store *store, struct control *control)
{
    struct owner_request *request = (struct owner_request *)control;
    struct error error;
    enum status status;

    journal_begin(store->journal);
    journal_add_removal(store->journal, request->owner);
    status = journal_commit(store->journal, &error);
    request->done(request->context, status, status == OK ? "" : error.message);
    memory_free(request->owner);
    memory_free(request);
}

void store_position_remove(struct store *store, const char *owner, store_done *done, void *context)
{
    store_send(store, &owner_request_new(owner, done, context, position_remove_run)->control.message);
}

/* ---- Log starts ---- */

struct records_request {
    struct control control;
    struct partition *partition;
    int64_t before_offset;
    store_done *done;
    void *context;
};

static void records_delete_run(struct store *store, struct control *control)
{
    struct records_request *request = (struct records_request *)control;
    struct partition *partition = request->partition;
    struct error error;
    enum status status = OK;

    if (topic_is_deleted(partition->topic))
        status = error_set(&error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "topic %s was deleted", partition->topic->name);
    else if (request->before_offset > partition_end(partition) || request->before_offset < 0)
        status = error_set(&error, ERROR_OFFSET_OUT_OF_RANGE, "offset %lld of %s-%d is not within %lld to %lld",
                           (long long)request->before_offset, partition->topic->name, partition->index, (long long)partition_start(partition),
                           (long long)partition_end(partition));
    if (status == OK)
        status = upkeep_move_starts(store, &(struct start_move){.partition = partition, .start = request->before_offset}, 1, &error);
    request->done(request->context, status, status == OK ? "" : error.message);
    topic_release(partition->topic);
    memory_free(request);
}

void store_records_delete(struct store *store, struct partition *partition, int64_t before_offset, store_done *done, void *context)
{
    struct records_request *request = memory_new(sizeof(*request));

    *request = (struct records_request){.control = {.message = {.kind = MESSAGE_CONTROL}, .run = records_delete_run},
                                        .partition = partition,
                                        .before_offset = before_offset,
                                        .done = done,
                                        .context = context};
    topic_retain(partition->topic);
    store_send(store, &request->control.message);
}

/* ---- Producer ids ---- */

void control_reserve_producer_ids(struct store *store)
{
    struct error error;
    int64_t first = -1;

    if (catalog_take_producer_ids(store->catalog, PRODUCER_ID_BLOCK, &first, &error) != OK)
        LOG_WARNING("no producer ids could be reserved: %s", error.message);
    (void)pthread_mutex_lock(&store->state_lock);
    store->producer_ids = first;
    store->producer_ids_asked = false;
    (void)pthread_mutex_unlock(&store->state_lock);
}

static void producer_ids_run(struct store *store, struct control *control)
{
    control_reserve_producer_ids(store);
    memory_free(control);
}

/* Has the committer reserve a block when none is ready. */
static void producer_ids_ask(struct store *store)
{
    struct control *control;
    bool ask;

    (void)pthread_mutex_lock(&store->state_lock);
    ask = store->producer_ids < 0 && !store->producer_ids_asked;
    store->producer_ids_asked = store->producer_ids_asked || ask;
    (void)pthread_mutex_unlock(&store->state_lock);
    if (!ask)
        return;
    control = memory_new(sizeof(*control));
    *control = (struct control){.message = {.kind = MESSAGE_CONTROL}, .run = producer_ids_run};
    store_send(store, &control->message);
}

int64_t store_producer_ids_reserve(struct store *store)
{
    int64_t first;

    (void)pthread_mutex_lock(&store->state_lock);
    first = store->producer_ids;
    store->producer_ids = -1;
    (void)pthread_mutex_unlock(&store->state_lock);
    producer_ids_ask(store);
    return first;
}
