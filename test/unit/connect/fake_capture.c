#include "fake_capture.h"

#include "base/memory.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPTURES_MAX = 64 };

struct capture {
    char *name;
    struct properties config;
    struct log *log;
    struct log_writer *writer;
    void (*changed)(void *context);
    void *context;
    struct capture_status status;
    char *topic;
    int64_t records;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static const char *check_problem;
static bool streams_at_once;
static int attempts; /* so that no two have the same time */
static struct capture *running[CAPTURES_MAX];
static struct {
    char name[64];
    int count;
} starts[CAPTURES_MAX];

void fake_capture_check_with(const char *problem)
{
    check_problem = problem;
}

void fake_capture_stream_at_once(bool at_once)
{
    streams_at_once = at_once;
}

enum status capture_check(const struct properties *config, const struct properties *aliases, int stop_fd, struct error *error)
{
    (void)stop_fd;
    (void)config;
    (void)aliases;
    return check_problem == NULL ? OK : error_set(error, ERROR_DATABASE, "%s", check_problem);
}

bool capture_property_is_known(const char *key)
{
    return strncmp(key, "database.replication.", 21) != 0 && strncmp(key, "no.such", 7) != 0;
}

enum status capture_start(const struct capture_start *start, struct capture **started, struct error *error)
{
    struct capture *capture = memory_new(sizeof(*capture));
    char owner[256];
    struct buffer position;
    const char *refused = properties_get(start->config, "test.refuse");

    if (refused != NULL) {
        memory_free(capture);
        return error_set(error, ERROR_BAD_INPUT, "%s", refused);
    }
    capture->name = memory_copy_string(start->connector);
    properties_copy(&capture->config, start->config);
    capture->log = start->log;
    capture->changed = start->changed;
    capture->context = start->context;
    capture->status.state = CAPTURE_STARTING;
    (void)snprintf(owner, sizeof(owner), "connector/%s", start->connector);
    buffer_init(&position, 65536);
    if (log_writer_open(start->log, owner, &capture->writer, &position, error) != OK)
        abort();
    buffer_finish(&position);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURES_MAX; i++) {
        if (running[i] == NULL) {
            running[i] = capture;
            break;
        }
    }
    for (int i = 0; i < CAPTURES_MAX; i++) {
        if (starts[i].count == 0 || strcmp(starts[i].name, start->connector) == 0) {
            (void)snprintf(starts[i].name, sizeof(starts[i].name), "%s", start->connector);
            starts[i].count++;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    *started = capture;
    if (streams_at_once && properties_has(start->config, "publication.autocreate.mode"))
        fake_capture_set(capture, CAPTURE_FAILED,
                         "Publication autocreation is disabled, please create one and restart the connector.\ncreate it");
    else if (streams_at_once)
        fake_capture_set(capture, CAPTURE_STREAMING, NULL);
    return OK;
}

void capture_stop(struct capture *capture)
{
    if (capture == NULL)
        return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURES_MAX; i++) {
        if (running[i] == capture)
            running[i] = NULL;
    }
    pthread_mutex_unlock(&lock);
    log_writer_close(capture->writer);
    properties_finish(&capture->config);
    memory_free(capture->name);
    memory_free(capture->topic);
    memory_free(capture);
}

void capture_status_read(const struct capture *capture, struct capture_status *status)
{
    pthread_mutex_lock(&lock);
    *status = capture->status;
    pthread_mutex_unlock(&lock);
}

void capture_topics_visit(const struct capture *capture, void (*visit)(void *context, const char *topic, int64_t records), void *context)
{
    char *topic;
    int64_t records;

    pthread_mutex_lock(&lock);
    topic = memory_copy_string(capture->topic);
    records = capture->records;
    pthread_mutex_unlock(&lock);
    if (topic != NULL)
        visit(context, topic, records);
    memory_free(topic);
}

void capture_snapshot_visit(const struct capture *capture, void (*visit)(void *context, const char *table, int64_t rows, int64_t rows_about, bool is_done), void *context)
{
    (void)capture;
    visit(context, "public.seen", 3, 4, true);
}

/* A position is its own offset here, if it looks like one. */
enum status capture_position_to_offset(struct slice position, struct buffer *json, struct error *error)
{
    if (position.size == 0 || position.data[0] != '{')
        return error_set(error, ERROR_CORRUPT, "not a position");
    buffer_append_slice(json, position);
    return OK;
}

enum status capture_position_from_offset(struct slice json, struct buffer *position, struct error *error)
{
    if (memmem(json.data, json.size, "\"lsn\":", 6) == NULL || memmem(json.data, json.size, "\"lsn\":\"", 7) != NULL)
        return error_set(error, ERROR_BAD_INPUT, "the offset has no lsn that is a number");
    buffer_append_slice(position, json);
    return OK;
}

uint64_t capture_position_lsn(struct slice position)
{
    const char *at = memmem(position.data, position.size, "\"lsn\":", 6);

    return at == NULL ? 0 : strtoull(at + 6, NULL, 10);
}

struct capture *fake_capture_find(const char *connector)
{
    struct capture *found = NULL;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURES_MAX; i++) {
        if (running[i] != NULL && strcmp(running[i]->name, connector) == 0)
            found = running[i];
    }
    pthread_mutex_unlock(&lock);
    return found;
}

int fake_capture_starts(const char *connector)
{
    int count = 0;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURES_MAX; i++) {
        if (starts[i].count > 0 && strcmp(starts[i].name, connector) == 0)
            count = starts[i].count;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

const char *fake_capture_config(struct capture *capture, const char *key)
{
    return properties_get(&capture->config, key);
}

void fake_capture_set(struct capture *capture, enum capture_state state, const char *problem)
{
    pthread_mutex_lock(&lock);
    capture->status.state = state;
    capture->status.retry_at_ms = state == CAPTURE_RETRYING ? clock_now_ms() + 1000 * ++attempts : 0;
    memset(&capture->status.error, 0, sizeof(capture->status.error));
    if (problem != NULL)
        (void)error_set(&capture->status.error, ERROR_DATABASE, "%s", problem);
    pthread_mutex_unlock(&lock);
    capture->changed(capture->context);
}

void fake_capture_publish(struct capture *capture, const char *topic, const char *position)
{
    struct error error;
    uint64_t ticket;

    if (log_publish(capture->writer, slice_from_string(position), &ticket, &error) != OK)
        abort();
    pthread_mutex_lock(&lock);
    memory_free(capture->topic);
    capture->topic = memory_copy_string(topic);
    capture->records++;
    pthread_mutex_unlock(&lock);
    capture->changed(capture->context);
}
