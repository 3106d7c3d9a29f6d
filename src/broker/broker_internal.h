/*
 * broker/broker_internal.h: what the sources of this folder share: the broker, its connections, requests and answers.
 *
 * All of it belongs to the network thread, but broker_post and the counters. The committer thread of the store only fills in
 * its answer and posts it.
 */
#ifndef BROKER_BROKER_INTERNAL_H
#define BROKER_BROKER_INTERNAL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/map.h"
#include "broker/answer.h"
#include "broker/broker.h"
#include "broker/deadline.h"
#include "os/loop.h"
#include "os/socket.h"
#include "store/store.h"
#include "wire/kafka/api.h"
#include "wire/kafka/compression.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOG_SUBSYSTEM "broker"

struct broker;
struct connection;
struct coordinator;
struct fetch_sessions;
struct request;

/* ---- Settings as numbers, read once ---- */

struct broker_numbers {
    int32_t node_id;
    int32_t default_partitions;
    bool auto_create_topics;
    bool delete_topics;
    int32_t request_bytes_max;
    int32_t fetch_bytes_max;
    int32_t connections_max;
    int32_t connections_per_ip_max;
    int64_t idle_ms_max;
    int32_t queued_requests_max;
    int32_t fetch_sessions_max;
    int32_t group_session_timeout_ms_min;
    int32_t group_session_timeout_ms_max;
    int32_t group_rebalance_delay_ms;
    int32_t group_members_max;
    int32_t offsets_partitions;
    int64_t offsets_segment_bytes;
    int64_t offsets_retention_ms;
    int64_t offsets_check_interval_ms;
    int32_t offset_metadata_bytes_max;
    int32_t transaction_timeout_ms_max;
};

/* ---- From the committer to the network thread ---- */

struct post {
    void (*run)(struct post *post); /* network thread; the post is its owner's again */
    struct post *next;
};

/* Any thread. Wakes the network thread once for all that is posted until it looks. */
void broker_post(struct broker *broker, struct post *post);

/* ---- The broker ---- */

struct listener {
    struct broker *broker;
    struct socket_address address;
    struct socket_address advertised; /* host "": each client is told the address it reached us by */
    char text[SOCKET_HOST_SIZE + 16];
    int fds[8];
    struct loop_watch *watches[8];
    size_t fd_count;
};

/* Partitions whose end moved, noted by the committer for the network thread. */
#define MOVED_MAX 1024

struct moved {
    pthread_mutex_t lock;                    /* guards the rest; taken alone */
    struct partition *partitions[MOVED_MAX]; /* compared, never looked into: the topic may be gone */
    size_t count;
    bool all; /* too many to note, or topics changed */
};

#define SCRATCH_BYTES ((size_t)256 * 1024)

struct broker {
    struct store *store;
    struct log *log; /* may be NULL */
    struct changes *changes;
    struct properties values;
    char *directory; /* that the partitions' directories lie in, absolute; NULL when the settings do not name it */
    struct broker_numbers numbers;
    struct listener *listeners;
    size_t listener_count;

    struct loop *loop;
    struct thread *thread;
    struct deadlines deadlines;
    struct connection *connections;
    size_t connection_count;
    struct connection *deferred; /* answers of these go out at the end of the turn */
    bool deferring;
    struct map connections_by_ip; /* address -> count as pointer */
    struct request *free_requests;
    size_t free_request_count;
    uint8_t *scratch; /* SCRATCH_BYTES: what is read before it is known what it is */
    struct decompressor *decompressor; /* with its memory, for looking into batches */
    struct buffer plain;

    _Atomic(struct post *) posts;
    struct post stop_post;
    bool stopping;
    bool accept_paused;
    struct deadline accept_again;
    size_t waiting_bytes; /* of all requests that are not answered and sent */
    size_t under_way;     /* requests to the store; the broker stays until they are answered */

    struct moved moved;
    struct map creating;    /* topics that clients asked for -> struct auto_create */
    struct map fetch_waits; /* partition pointer -> struct fetch_wait, the first of a list */
    struct fetch_sessions *fetch_sessions;
    struct coordinator *coordinator;
    int64_t producer_id_next;
    int64_t producer_id_end;

    struct {
        _Atomic int64_t connections, requests, request_errors, bytes_in, bytes_out, produced_records, fetched_bytes, groups, members;
    } counters;
};

static inline void counter_add(_Atomic int64_t *counter, int64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

int64_t broker_now_ms(void); /* monotonic */

/* After deadlines changed from a socket's callback: sets the timer of the loop. */
void broker_timer_changed(struct broker *broker);

/* ---- Requests ---- */

struct api {
    int16_t key;
    int16_t version_min; /* advertised; librdkafka looks at these */
    int16_t version_max;
    size_t request_size; /* of the decoded struct */
    void (*handle)(struct request *request);
};

const struct api *api_find(int16_t key);
const struct api *api_at(size_t index); /* by key; NULL behind the last */

struct request {
    struct request *next;          /* of its connection, in order of arrival; or of the free list */
    struct connection *connection; /* NULL: it has gone; the answer is dropped */
    struct broker *broker;
    const struct api *api;
    const struct kafka_api *wire;
    struct kafka_request_header header;
    struct slice body;
    uint8_t *frame; /* holds header and body */
    size_t frame_size;
    struct arena arena; /* until the answer is sent */
    void *decoded;      /* kafka_<api>_request */
    struct answer answer;
    bool counted; /* in its connection and in waiting_bytes */
    bool started;
    bool answered;

    /* The handler's, while the request waits: */
    void (*gone)(struct request *request); /* the connection went; clean up and call request_drop, or leave it NULL and answer later */
    void *waiting;
};

/* Encodes the answer and sends what is ready, in order. The struct is kafka_<api>_response; wire_init_defaults does not need to have been
 * used. */
void request_answer(struct request *request, const void *response);

/* The same with records from files: the spans' ranges become the answer's, in the order of the external records. */
void request_answer_with_files(struct request *request, const void *response, struct range *ranges, size_t range_count);

void request_answer_nothing(struct request *request);

/* Closes the connection with one line in the log. The request is not to be touched afterwards. */
void request_refuse(struct request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives up a request whose connection went. */
void request_drop(struct request *request);

/* "/127.0.0.1": how Kafka shows the client's address. */
const char *request_client_host(const struct request *request);

/* "librdkafka 2.3.0", as ApiVersions said (KIP-511); a null slice: it did not. Lives as long as the connection. */
struct slice request_client_software(const struct request *request);
void request_client_software_set(struct request *request, struct slice name, struct slice version);

/* Notes that this client fetches, and from which partition among others; NULL: from none that there is. */
void request_fetched(struct request *request, const struct partition *partition);

#define CLIENT_NAME_SIZE 256
/* "127.0.0.1 client-id": how log_passed names a client. */
void request_client_name(const struct request *request, char name[CLIENT_NAME_SIZE]);

/* The address that this client is to be told. */
void request_broker_address(const struct request *request, struct slice *host, int32_t *port);

/* ---- Connections ---- */

void connections_accept(void *listener, int events);
void connections_flush_deferred(struct broker *broker);
void connections_close_all(struct broker *broker);

/* Adds those that have fetched, for look.c; all copied to the arena. */
struct look_reader {
    const char *host, *client_id;
    const struct partition *partition; /* compared, never looked into: the topic may be gone */
    int64_t fetched_ms;                /* monotonic */
    bool shared;                       /* another connection of the same client reads it, too */
};
struct look_reader *connections_readers(const struct broker *broker, struct arena *arena, size_t *count);

/* ---- Helpers of handlers ---- */

#define CODE(name) status_kafka_code(ERROR_##name)

/* Defaults of a message, in the arena of the request. */
void *request_new_answer(struct request *request);

/* Text that lives as long as the request. */
struct slice request_format(struct request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A store call that answers later: `done` is given to the store with the task as context; `run` comes on the network thread. */
struct task {
    struct post post;
    struct broker *broker;
    struct request *request;
    void (*run)(struct task *task);
    enum status status;
    char message[512];
    void *context; /* the handler's */
};

/* In the request's arena. The request has to stay until the task has run. */
struct task *task_create(struct request *request, void (*run)(struct task *task), void *context);

/* A store_done for store calls. */
void task_done(void *task, enum status status, const char *message);

/* Has a topic made that a client merely asked for, with the settings its name calls for. Nobody waits for it. */
void topic_create_automatically(struct broker *broker, struct slice name);

/* Is this topic being made that way? Then the handler is called again when that is over, and has to return now. */
bool topic_creation_wait(struct request *request, struct slice name);

/* ---- Handlers: handle_*.c ---- */

#define HANDLER(name) void handle_##name(struct request *request);
HANDLER(produce)
HANDLER(fetch)
HANDLER(list_offsets)
HANDLER(metadata)
HANDLER(offset_commit)
HANDLER(offset_fetch)
HANDLER(find_coordinator)
HANDLER(join_group)
HANDLER(heartbeat)
HANDLER(leave_group)
HANDLER(sync_group)
HANDLER(describe_groups)
HANDLER(list_groups)
HANDLER(api_versions)
HANDLER(create_topics)
HANDLER(delete_topics)
HANDLER(delete_records)
HANDLER(init_producer_id)
HANDLER(offset_for_leader_epoch)
HANDLER(describe_acls)
HANDLER(create_acls)
HANDLER(delete_acls)
HANDLER(describe_configs)
HANDLER(alter_configs)
HANDLER(describe_log_dirs)
HANDLER(create_partitions)
HANDLER(delete_groups)
HANDLER(elect_leaders)
HANDLER(incremental_alter_configs)
HANDLER(alter_partition_reassignments)
HANDLER(list_partition_reassignments)
HANDLER(offset_delete)
HANDLER(describe_client_quotas)
HANDLER(alter_client_quotas)
HANDLER(describe_user_scram_credentials)
HANDLER(alter_user_scram_credentials)
HANDLER(describe_cluster)
HANDLER(list_transactions)
HANDLER(describe_transactions)
HANDLER(describe_topic_partitions)
HANDLER(list_config_resources)
HANDLER(consumer_group_heartbeat)
HANDLER(consumer_group_describe)
#undef HANDLER

/* An ApiVersions of a version that we do not know is answered all the same (KIP-511). */
void api_versions_answer_unknown(struct request *request);

/* ---- Parts with their own state ---- */

void fetch_partitions_moved(struct broker *broker, struct partition *const *partitions, size_t count, bool all);
void fetch_waits_finish(struct broker *broker);

#endif
