#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/logger.h"
#include "agents/mutes.h"
#include "broker/broker.h"
#include "web/alert_list.h"
#include "web/database.h"
#include "web/gone.h"
#include "log/audit.h"
#include "log/control.h"
#include "log/keeper.h"
#include "web/problems.h"
#include "web/schema_book.h"
#include "web/slots.h"
#include "web/snapshots.h"
#include "web/watch.h"
#include "wire/kafka/compression.h"

#include <math.h>
#include <stdatomic.h>

#define LOG_SUBSYSTEM "web"

#define DESCRIPTION_BYTES_MAX ((size_t)256 << 20)
#define EVENT_BYTES_MAX 400
#define STREAMS_MAX 64
#define PACKED_FROM_BYTES 2048
#define SEARCHES_MAX 4
#define CLIENT_ID "tailrace-console"

struct event {
    int64_t at_ms;
    char kind[8], by[16], severity[8], subject[120], text[EVENT_BYTES_MAX];
};

struct api {
    struct api_settings settings;
    struct series *series;
    pthread_mutex_t client_lock; /* guards client: one request to the broker at a time */
    struct kafka_client *client;
    pthread_mutex_t events_lock; /* guards the ring; a leaf */
    struct event *events;
    size_t event_count; /* ever */
    struct sampler *sampler;
    struct plans *plans;
    struct problems *problems;
    struct keeper *keeper, *alert_states, *mutes, *control;
    struct alert_list *alert_list;
    struct auth *auth;
    struct slots *slots;
    struct databases *databases;
    struct schema_book *schemas;
    struct snapshots *snapshots;
    struct watch *watch;
    struct gone *gone;
    _Atomic bool stopping;
    _Atomic int places[2]; /* taken, by enum api_place */
};

/* ---- Life ---- */

enum status api_create(const struct api_settings *settings, struct api **created, struct error *error)
{
    struct api *api = memory_new(sizeof(*api));

    api->settings = *settings;
    api->settings.kafka = memory_copy_string(settings->kafka);
    api->settings.mask = memory_copy_string(settings->mask);
    api->series = series_create();
    api->client = kafka_client_create(settings->kafka, CLIENT_ID);
    api->events = memory_new_array(EVENTS_KEPT, sizeof(*api->events));
    (void)pthread_mutex_init(&api->client_lock, NULL);
    (void)pthread_mutex_init(&api->events_lock, NULL);
    api->plans = plans_create();
    api->problems = problems_create(settings->log, settings->problems_topic);
    api->keeper = keeper_create(settings->log, KEEPER_TOPIC);
    api->control = keeper_create(settings->log, CONTROL_TOPIC);
    api->alert_states = keeper_create(settings->log, KEEPER_ALERTS_TOPIC);
    api->mutes = keeper_create(settings->log, MUTES_TOPIC);
    api->alert_list = alert_list_create(settings->log, settings->store);
    api->auth = auth_create(settings->token, settings->read_token, settings->read_only);
    api->databases = databases_create(settings->aliases);
    api->schemas = schema_book_create(settings->log);
    api->snapshots = snapshots_create(api->keeper);
    api->watch = watch_create();
    api->gone = gone_create();
    api->sampler = sampler_create(api);
    *created = api;
    if (slots_start(settings->connect, api->databases, &api->slots, error) != OK)
        return error->status;
    settings_apply(api);
    return sampler_start(api->sampler, error);
}

void api_destroy(struct api *api)
{
    if (api == NULL)
        return;
    sampler_destroy(api->sampler);
    plans_destroy(api->plans);
    problems_destroy(api->problems);
    snapshots_destroy(api->snapshots);
    watch_destroy(api->watch);
    gone_destroy(api->gone);
    keeper_destroy(api->keeper);
    keeper_destroy(api->alert_states);
    keeper_destroy(api->mutes);
    alert_list_destroy(api->alert_list);
    keeper_destroy(api->control);
    auth_destroy(api->auth);
    slots_destroy(api->slots);
    databases_destroy(api->databases);
    schema_book_destroy(api->schemas);
    kafka_client_destroy(api->client);
    series_destroy(api->series);
    memory_free(api->events);
    memory_free((void *)(uintptr_t)api->settings.kafka);
    memory_free((void *)(uintptr_t)api->settings.mask);
    (void)pthread_mutex_destroy(&api->client_lock);
    (void)pthread_mutex_destroy(&api->events_lock);
    memory_free(api);
}

void api_stop(struct api *api)
{
    if (api == NULL)
        return;
    api->stopping = true;
    databases_interrupt(api->databases);
    kafka_client_interrupt(api->client);
    sampler_stop(api->sampler);
    slots_stop(api->slots);
}

bool api_is_stopping(struct api *api)
{
    return api->stopping;
}

struct slots *api_slots(struct api *api)
{
    return api->slots;
}

struct schema_book *api_schemas(struct api *api)
{
    return api->schemas;
}

struct watch *api_watch(struct api *api)
{
    return api->watch;
}

struct gone *api_gone_book(struct api *api)
{
    return api->gone;
}

struct snapshots *api_snapshots(struct api *api)
{
    return api->snapshots;
}

struct databases *api_databases(struct api *api)
{
    return api->databases;
}

struct auth *api_auth(struct api *api)
{
    return api->auth;
}

struct keeper *api_alert_states(struct api *api)
{
    return api->alert_states;
}

struct keeper *api_mutes(struct api *api)
{
    return api->mutes;
}

struct alert_list *api_alert_list(struct api *api)
{
    return api->alert_list;
}

struct keeper *api_control(struct api *api)
{
    return api->control;
}

struct keeper *api_keeper(struct api *api)
{
    return api->keeper;
}

struct problems *api_problem_book(struct api *api)
{
    return api->problems;
}

struct plans *api_plans(struct api *api)
{
    return api->plans;
}

struct sampler *api_sampler(struct api *api)
{
    return api->sampler;
}

const struct api_settings *api_settings_of(const struct api *api)
{
    return &api->settings;
}

struct series *api_series(struct api *api)
{
    return api->series;
}

static json_t *describe(struct api *api, bool with_topics)
{
    struct buffer text;
    json_t *description;

    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    api->settings.describe(api->settings.context, with_topics, &text);
    description = json_loadb((const char *)text.data, text.size, 0, NULL);
    buffer_finish(&text);
    return description == NULL ? json_object() : description;
}

json_t *api_describe(struct api *api)
{
    return describe(api, false);
}

json_t *api_describe_whole(struct api *api)
{
    return describe(api, true);
}

/* ---- Events ---- */

static void event_add(struct api *api, const char *kind, const char *by, const char *severity, const char *subject, const char *text)
{
    struct event *event;

    (void)pthread_mutex_lock(&api->events_lock);
    event = &api->events[api->event_count++ % EVENTS_KEPT];
    event->at_ms = clock_now_ms();
    (void)snprintf(event->kind, sizeof(event->kind), "%s", kind);
    (void)snprintf(event->by, sizeof(event->by), "%s", by);
    (void)snprintf(event->severity, sizeof(event->severity), "%s", severity);
    (void)snprintf(event->subject, sizeof(event->subject), "%s", subject);
    (void)snprintf(event->text, sizeof(event->text), "%s", text);
    (void)pthread_mutex_unlock(&api->events_lock);
}

void api_event(struct api *api, const char *severity, const char *subject, const char *text)
{
    event_add(api, "event", "tailrace", severity, subject, text);
}

/* Who asks, as it stands in events. */
static const char *asker_of(const struct api_call *call)
{
    const char *asker = http_header(call->request, "X-Tailrace");

    return asker != NULL && strcmp(asker, "command line") == 0 ? asker : "console";
}

void api_deleted(const struct api_call *call, const char *kind, const char *name, const char *text)
{
    gone_note(call->api->gone, kind, name, asker_of(call));
    api_changed(call, "info", name, text);
}

void api_changed(const struct api_call *call, const char *severity, const char *subject, const char *text)
{
    const char *by = asker_of(call);

    event_add(call->api, "change", by, severity, subject, text);
    LOG_INFO("%s: %s", by, text);
    audit_write_now(call->api->settings.log, http_asker(call->request, by), subject, text);
}

void api_changes_collect(struct api *api)
{
    struct broker_change *changes;
    struct audit_change *audits;
    size_t count, lost, noted = 0;
    struct arena arena;

    if (api->settings.broker == NULL)
        return;
    arena_init(&arena, 4096);
    changes = broker_changes_take(api->settings.broker, &arena, &count, &lost);
    audits = arena_new_array(&arena, count + 1, sizeof(*audits));
    for (size_t i = 0; i < count; i++) {
        const struct broker_change *change = &changes[i];

        if (strcmp(change->client_id, CLIENT_ID) == 0) /* what the console asks for is noted where it is asked */
            continue;
        event_add(api, "change", "Kafka client", "info", change->subject, change->text);
        audits[noted++] = (struct audit_change){change->at_ms, arena_format(&arena, "Kafka client %s, %s", change->client_id, change->host), change->subject, change->text};
    }
    if (lost > 0)
        audits[noted++] = (struct audit_change){clock_now_ms(), "Kafka clients", "", arena_format(&arena, "%zu more changes at that time are not listed.", lost)};
    if (noted > 0)
        audit_write(api->settings.log, audits, noted);
    arena_finish(&arena);
}

json_t *api_events(struct api *api, size_t limit, size_t *seen)
{
    json_t *items = json_array();
    size_t count;

    (void)pthread_mutex_lock(&api->events_lock);
    count = api->event_count - (seen == NULL ? 0 : *seen);
    for (size_t i = 0; i < limit && i < count && i < EVENTS_KEPT; i++) {
        const struct event *event = &api->events[(api->event_count - 1 - i) % EVENTS_KEPT];

        (void)json_array_append_new(items, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "at_ms", (json_int_t)event->at_ms, "severity", event->severity, "subject",
                                                     event->subject, "text", event->text, "by", event->by, "kind",
                                                     event->kind));
    }
    if (seen != NULL)
        *seen = api->event_count;
    (void)pthread_mutex_unlock(&api->events_lock);
    return items;
}

/* ---- Values ---- */

json_t *json_slice(struct slice text)
{
    json_t *value;
    struct buffer safe;

    if (slice_is_null(text))
        return json_null();
    value = json_stringn((const char *)text.data, text.size);
    if (value != NULL)
        return value;
    buffer_init(&safe, text.size * 3 + 1);
    for (size_t i = 0; i < text.size; i++) { /* not UTF-8: what is ASCII stays */
        if (text.data[i] < 0x80)
            buffer_append_u8(&safe, text.data[i]);
        else
            buffer_append_string(&safe, "\xef\xbf\xbd");
    }
    value = json_stringn((const char *)safe.data, safe.size);
    buffer_finish(&safe);
    return value == NULL ? json_string("") : value;
}

json_t *json_real_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(round(value * 1000) / 1000);
}

json_t *json_integer_or_null(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

const char *member_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int64_t member_integer(const json_t *object, const char *name, int64_t absent)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : absent;
}

void json_put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

void json_add(json_t *array, json_t *value)
{
    (void)json_array_append_new(array, value);
}

json_t *json_text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_slice(slice_from_string(text));
}

/* ---- Queries ---- */

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Undoes %XX, and + in queries. */
static char *unescape(struct arena *arena, struct slice text, bool plus)
{
    char *to = arena_new(arena, text.size + 1);
    size_t out = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte == '%' && i + 2 < text.size && hex_digit(text.data[i + 1]) >= 0 && hex_digit(text.data[i + 2]) >= 0) {
            byte = (uint8_t)(hex_digit(text.data[i + 1]) << 4 | hex_digit(text.data[i + 2]));
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        to[out++] = (char)byte;
    }
    return to;
}

const char *api_query(const struct api_call *call, const char *name)
{
    struct slice rest = call->request->query, field;
    size_t size = strlen(name);

    while (text_next_field(&rest, '&', &field)) {
        if (field.size > size && memcmp(field.data, name, size) == 0 && field.data[size] == '=')
            return unescape(call->arena, slice_from(field, size + 1), true);
    }
    return NULL;
}

int64_t api_query_number(const struct api_call *call, const char *name, int64_t absent, int64_t min, int64_t max)
{
    const char *text = api_query(call, name);
    int64_t value;

    if (text == NULL || !text_parse_int64(slice_from_string(text), &value))
        return absent;
    return value < min ? min : value > max ? max : value;
}

/* ---- Answers ---- */

void api_json(struct api_call *call, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_SHORT);

    call->response->status = status;
    call->response->content_type = "application/json";
    if (text != NULL)
        buffer_append_string(&call->response->body, text);
    free(text);
    json_decref(value);
}

json_t *error_body(const char *code, const char *what, const char *why, const char *todo)
{
    json_t *error = json_object();

    json_put(error, "code", json_string(code));
    json_put(error, "what", json_text_or_null(what));
    json_put(error, "why", json_text_or_null(why));
    json_put(error, "todo", json_text_or_null(todo));
    json_put(error, "field", json_null());
    json_put(error, "actions", json_array());
    json_put(error, "request", json_null());
    return error;
}

void api_error(struct api_call *call, int status, const char *code, const char *what, const char *why, const char *todo)
{
    api_json(call, status, json_pack("{s:o}", "error", error_body(code, what, why, todo)));
}

void api_error_at(struct api_call *call, int status, const char *code, const char *what, const char *field, int64_t position)
{
    json_t *error = error_body(code, what, NULL, NULL);

    json_put(error, "field", json_string(field));
    json_put(error, "position", json_integer(position));
    api_json(call, status, json_pack("{s:o}", "error", error));
}

void api_failed(struct api_call *call, enum status status, const struct error *error)
{
    api_error(call, status_http_code(status), status_name(status), error->message, NULL,
              status_is_retriable(status) ? "Try again; if it stays so, look at Health." : NULL);
}

void api_kafka_failed(struct api_call *call, int16_t code, struct slice message, const char *what)
{
    enum status status = status_from_kafka_code(code);
    const char *why = slice_is_null(message) ? status_text(status) : arena_copy_string(call->arena, message);

    api_error(call, status_http_code(status) == 500 ? 409 : status_http_code(status), status_name(status), what, why, NULL);
}

bool api_ask(struct api_call *call, int16_t key, int16_t version, const void *request, void *response)
{
    struct error error;
    enum status status = api_ask_quietly(call->api, call->arena, key, version, request, response, &error);

    if (status != OK)
        api_failed(call, status, &error);
    return status == OK;
}

enum status api_ask_quietly(struct api *api, struct arena *arena, int16_t key, int16_t version, const void *request, void *response, struct error *error)
{
    enum status status;

    (void)pthread_mutex_lock(&api->client_lock);
    status = kafka_ask(api->client, key, version, request, response, arena, error);
    (void)pthread_mutex_unlock(&api->client_lock);
    return status;
}

/* ---- Streams ---- */

bool api_place_take(struct api_call *call, enum api_place place)
{
    static const int most[] = {STREAMS_MAX, SEARCHES_MAX};
    int taken = atomic_fetch_add(&call->api->places[place], 1);

    if (taken < most[place] && !call->api->stopping)
        return true;
    (void)atomic_fetch_sub(&call->api->places[place], 1);
    if (place == PLACE_SEARCH)
        api_error(call, 503, "BUSY", arena_format(call->arena, "%d searches are running.", taken), "More at once would slow the pipeline down.",
                  "Wait for one to end, or stop one.");
    else
        api_error(call, 503, "BUSY", arena_format(call->arena, "%d pages are watching already.", taken), NULL, "Close some of them.");
    return false;
}

void api_place_give(struct api *api, enum api_place place)
{
    (void)atomic_fetch_sub(&api->places[place], 1);
}

void api_stream_begin(struct api_call *call, ssize_t (*next)(void *context, char *bytes, size_t size), void (*end)(void *context), void *context)
{
    call->response->status = 200;
    call->response->content_type = "text/event-stream";
    call->response->stream = next;
    call->response->stream_end = end;
    call->response->stream_context = context;
}

void event_append(struct buffer *out, const char *event, json_t *data)
{
    char *text = json_dumps(data, JSON_SHORT);

    buffer_append_format(out, "event: %s\ndata: ", event);
    buffer_append_string(out, text == NULL ? "{}" : text); /* one line: JSON escapes what would break it */
    buffer_append_string(out, "\n\n");
    free(text);
    json_decref(data);
}

/* ---- Routes ---- */

static const struct route {
    const char *method;
    const char *path; /* below /api/v1; ":" stands for one part, "*" for the rest */
    api_handler *answer;
    enum { OPEN = -1, LOOKS, CHANGES } needs; /* OPEN: no login */
} routes[] = {
    {"GET", "/me", api_me, OPEN},
    {"POST", "/login", api_login, OPEN},
    {"POST", "/logout", api_logout, OPEN},
    {"GET", "/trace", api_trace, LOOKS},
    {"GET", "/overview", api_overview, LOOKS},
    {"GET", "/problems", api_problems, LOOKS},
    {"POST", "/problems/:/quiet", api_problem_quiet, CHANGES},
    {"GET", "/events", api_events_list, LOOKS},
    {"GET", "/series", api_series_get, LOOKS},
    {"GET", "/find", api_search_names, LOOKS},
    {"GET", "/stream", api_stream, LOOKS},
    {"GET", "/topics", api_topics, LOOKS},
    {"POST", "/topics", api_topic_create, CHANGES},
    {"GET", "/topics/:", api_topic, LOOKS},
    {"DELETE", "/topics/:", api_topic_delete, CHANGES},
    {"PATCH", "/topics/:/config", api_topic_config, CHANGES},
    {"POST", "/topics/:/partitions", api_topic_partitions, CHANGES},
    {"POST", "/topics/:/empty", api_topic_empty, CHANGES},
    {"GET", "/topics/:/schema", api_topic_schema, LOOKS},
    {"GET", "/topics/:/messages", api_messages, LOOKS},
    {"POST", "/topics/:/messages", api_message_produce, CHANGES},
    {"GET", "/topics/:/messages/:/:", api_message, LOOKS},
    {"GET", "/topics/:/export", api_topic_export, LOOKS},
    {"POST", "/topics/:/copy", api_topic_copy, CHANGES},
    {"GET", "/groups", api_groups, LOOKS},
    {"GET", "/groups/:", api_group, LOOKS},
    {"POST", "/groups/:/offsets", api_group_reset, CHANGES},
    {"DELETE", "/groups/:", api_group_delete, CHANGES},
    {"DELETE", "/groups/:/offsets", api_group_offsets_delete, CHANGES},
    {"GET", "/connectors", api_connectors, LOOKS},
    {"GET", "/connectors/:", api_connector, LOOKS},
    {"GET", "/connectors/:/tables", api_connector_tables, LOOKS},
    {"GET", "/connectors/:/snapshots", api_snapshots_list, LOOKS},
    {"POST", "/connectors/:/snapshots", api_snapshot_start, CHANGES},
    {"PATCH", "/connectors/:/snapshots/:", api_snapshot_state, CHANGES},
    {"DELETE", "/connectors/:/snapshots/:", api_snapshot_stop, CHANGES},
    {"DELETE", "/slots/:", api_slot_drop, CHANGES},
    {"POST", "/preflight", api_preflight, LOOKS},
    {"GET", "/connect/*", api_connect_proxy, LOOKS},
    {"*", "/connect/*", api_connect_proxy, CHANGES},
    {"GET", "/rules", api_rules, LOOKS},
    {"GET", "/agents", api_agents, LOOKS},
    {"GET", "/agents/:", api_agent, LOOKS},
    {"GET", "/agents/:/keys/:", api_agent_key, LOOKS},
    {"PUT", "/agents/:", api_agent_put, CHANGES},
    {"DELETE", "/agents/:", api_agent_delete, CHANGES},
    {"POST", "/agents/:/backtest", api_agent_backtest, LOOKS},
    {"POST", "/agents/:/state", api_agent_state, CHANGES},
    {"GET", "/alerts", api_alerts, LOOKS},
    {"GET", "/alerts/:", api_alert, LOOKS},
    {"GET", "/reports", api_reports, LOOKS},
    {"GET", "/reports/:", api_report, LOOKS},
    {"GET", "/reports/:/runs", api_report_runs, LOOKS},
    {"PUT", "/reports/:", api_report_put, CHANGES},
    {"DELETE", "/reports/:", api_report_delete, CHANGES},
    {"POST", "/reports/:/state", api_report_state, CHANGES},
    {"POST", "/reports/:/run", api_report_run_now, CHANGES},
    {"POST", "/alerts/:/state", api_alert_state, CHANGES},
    {"POST", "/alerts/:/evaluate", api_alert_evaluate, LOOKS},
    {"POST", "/alerts/:/deliver", api_alert_deliver, CHANGES},
    {"POST", "/alerts/:/deliveries/:", api_alert_deliver, CHANGES},
    {"GET", "/mutes", api_mutes_list, LOOKS},
    {"POST", "/mutes", api_mute_create, CHANGES},
    {"DELETE", "/mutes/:", api_mute_end, CHANGES},
    {"GET", "/filters", api_filters, LOOKS},
    {"PUT", "/filters/:", api_filter_put, CHANGES},
    {"DELETE", "/filters/:", api_filter_delete, CHANGES},
    {"GET", "/logs", api_logs, LOOKS},
    {"GET", "/connectors/:/log", api_connector_log, LOOKS},
    {"GET", "/health", api_health, LOOKS},
    {"GET", "/bundle", api_bundle, LOOKS},
    {"GET", "/settings", api_settings_list, LOOKS},
    {"PATCH", "/settings", api_settings_patch, CHANGES},
};

/* Compares part by part and takes what stands for ":". */
static bool route_matches(const struct route *route, struct slice path, struct api_call *call)
{
    struct slice pattern = slice_from_string(route->path + 1), want, got;
    size_t count = 0;

    path = slice_from(path, 1);
    while (text_next_field(&pattern, '/', &want)) {
        if (slice_equal_string(want, "*")) {
            call->parts[count] = arena_copy_string(call->arena, path);
            return true;
        }
        if (!text_next_field(&path, '/', &got))
            return false;
        if (slice_equal_string(want, ":"))
            call->parts[count++] = unescape(call->arena, got, false);
        else if (!slice_equal(want, got))
            return false;
    }
    return path.data == NULL || path.size == 0;
}

static bool method_is(const struct route *route, const char *method)
{
    return strcmp(route->method, "*") == 0 || strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* A change needs write access, the header that no foreign page can send, and JSON. */
static bool may_change(struct api_call *call)
{
    if (call->access != ACCESS_WRITE) {
        api_error(call, 403, "READ_ONLY", "You may look, not change.", call->api->settings.read_only ? "The setting console.access is read." : "The token gives read access.",
                  "Change it on the server, or use the command line.");
        return false;
    }
    return true;
}

/* Does the change come from a page of ours? */
static bool change_is_ours(struct api_call *call)
{
    const char *type = http_header(call->request, "Content-Type");

    if (http_header(call->request, "X-Tailrace") == NULL) {
        api_error(call, 403, "NOT_FROM_THE_CONSOLE", "The change was refused.", "It has no header X-Tailrace, which every change needs.", "Send X-Tailrace: 1.");
        return false;
    }
    if (call->request->body.size > 0 && (type == NULL || strncasecmp(type, "application/json", 16) != 0)) {
        api_error(call, 415, "NOT_JSON", "The change was refused.", "Its Content-Type is not application/json.", NULL);
        return false;
    }
    return true;
}

/* Is whoever asks let in? False with the answer given. */
static bool is_allowed(struct api_call *call, const struct route *route)
{
    call->access = auth_access(call->api->auth, call->request);
    if (route->needs == OPEN)
        return strcmp(call->request->method, "GET") == 0 || change_is_ours(call);
    if (call->access == ACCESS_NONE) {
        api_error(call, 401, "LOGIN", "Log in first.", "This console needs a token.", "It was shown when Tailrace first started, or is the setting console.token.");
        return false;
    }
    return route->needs == LOOKS ? strcmp(call->request->method, "POST") != 0 || change_is_ours(call) : may_change(call) && change_is_ours(call);
}

static bool body_read(struct api_call *call)
{
    json_error_t where;

    if (call->request->body.size == 0)
        return true;
    call->body = json_loadb((const char *)call->request->body.data, call->request->body.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (call->body == NULL) {
        api_error(call, 400, "BAD_JSON", "The body is not JSON.", arena_format(call->arena, "Line %d, column %d: %s.", where.line, where.column, where.text), NULL);
        return false;
    }
    call->dry_run = json_is_true(json_object_get(call->body, "dry_run"));
    return true;
}

/* Packs an answer that is worth it, when the client takes that. */
static void body_pack(struct api_call *call)
{
    struct http_response *response = call->response;
    const char *takes = http_headers(call->request, "Accept-Encoding"), **headers;
    struct compressor *compressor;
    struct buffer packed;
    size_t count = 0;

    if (response->stream != NULL || response->body.size < PACKED_FROM_BYTES || response->status != 200 || takes == NULL || strstr(takes, "gzip") == NULL ||
        response->content_type == NULL || strcmp(response->content_type, "application/json") != 0)
        return;
    buffer_init(&packed, response->body.size);
    compressor = compressor_create(COMPRESSION_GZIP);
    compressor_run(compressor, buffer_slice(&response->body), &packed);
    compressor_destroy(compressor);
    if (packed.failed) { /* it would not become smaller */
        buffer_finish(&packed);
        return;
    }
    while (response->headers != NULL && response->headers[count] != NULL)
        count++;
    headers = arena_new_array(call->arena, count + 3, sizeof(*headers));
    for (size_t i = 0; i < count; i++)
        headers[i] = response->headers[i];
    headers[count] = "Content-Encoding";
    headers[count + 1] = "gzip";
    response->headers = headers;
    buffer_reset(&response->body);
    buffer_append_slice(&response->body, buffer_slice(&packed));
    buffer_finish(&packed);
}

void api_answer(struct api *api, const struct http_request *request, struct http_response *response)
{
    size_t prefix = request->path.size >= 7 && memcmp(request->path.data, "/api/v1", 7) == 0 ? 7 : 4; /* /api/agents stands for /api/v1/agents */
    struct slice path = slice_from(request->path, prefix);
    struct api_call call = {.api = api, .request = request, .response = response, .arena = request->arena};
    bool other_method = false, has_nul = path.size > 0 && memmem(path.data, path.size, "%00", 3) != NULL; /* no name goes on behind a NUL */

    for (size_t i = 0; !has_nul && i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (path.size == 0 || !route_matches(&routes[i], path, &call))
            continue;
        if (!method_is(&routes[i], request->method)) {
            other_method = true;
            continue;
        }
        if (is_allowed(&call, &routes[i]) && body_read(&call))
            routes[i].answer(&call);
        json_decref(call.body);
        body_pack(&call);
        return;
    }
    if (other_method)
        api_error(&call, 405, "METHOD", "That cannot be done here.", NULL, NULL);
    else
        api_error(&call, 404, "NO_SUCH_PATH", "There is nothing at this address.", NULL, NULL);
}
