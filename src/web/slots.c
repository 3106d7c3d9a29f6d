#include "web/slots.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/thread.h"
#include "web/api.h"
#include "web/checks.h"
#include "web/database.h"
#include "web/problem_find.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#define LOOK_EVERY_MS 2000
#define REST_EVERY_MS 10000 /* of connectors that do not run: their slots keep WAL, too. No connection stays open for them */
#define STALE_MS 25000     /* what was seen longer ago says nothing of now */
#define MARKS_KEPT 300      /* positions of a server over time: ten minutes */
#define GROWTH_OVER_MS 600000 /* the forecast's slope; of less, at first, but of a minute at least */
#define GROWTH_LEAST_MS 60000
#define FULL_WARN_MS (24LL * 3600 * 1000)
#define FULL_CRIT_MS (4LL * 3600 * 1000)

static const char slots_sql[] =
    "SELECT s.slot_name, s.active, coalesce(s.wal_status, ''), s.safe_wal_size, pg_wal_lsn_diff(w.lsn, s.restart_lsn)::bigint, w.lsn::text, s.slot_name = $1"
    " FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn) w"
    " LEFT JOIN pg_replication_slots s ON s.restart_lsn IS NOT NULL OR s.wal_status = 'lost' ORDER BY 1";

struct mark {
    uint64_t lsn;
    int64_t at_ms, wal_bytes; /* of the connector's slot; -1 unknown */
};

struct server { /* of one connector */
    char *connector;
    char address[300]; /* "host:port" of its configuration */
    struct pg_connection *connection; /* the thread's; NULL: none */
    int64_t asked_ms;        /* monotonic; the thread's: when the last look began */
    int64_t silent_since_ms; /* wall clock, since when its server does not answer; 0: it does, or refuses */
    char silence[300];       /* how that showed */
    bool is_running;
    struct mark marks[MARKS_KEPT];
    size_t mark_count; /* ever */
    json_t *slots;     /* as listed; NULL: not known */
    char version[32];
    int64_t rested_ms; /* monotonic; when a connector that does not run was looked at; 0: it ran */
    bool seen;         /* by the look under way */
    struct server *next;
};

struct slots {
    struct connect *connect;
    struct databases *databases;
    struct checks *checks;
    struct thread *thread;
    pthread_mutex_t lock; /* guards the servers' marks, slots, silence and list, and stopping; a leaf */
    pthread_cond_t wake;
    struct server *servers;
    _Atomic int64_t headroom_bytes; /* 0: not known */
    bool stopping;
};

/* ---- Reading ---- */

static uint64_t lsn_read(const char *text)
{
    unsigned high, low;

    return sscanf(text, "%8X/%8X", &high, &low) == 2 ? (uint64_t)high << 32 | low : 0;
}

static int64_t number(const PGresult *result, int row, int column)
{
    int64_t value;

    return !PQgetisnull(result, row, column) && text_parse_int64(slice_from_string(PQgetvalue(result, row, column)), &value) ? value : -1;
}

/* Free bytes of the disk that PostgreSQL writes to, when it is one of this machine; -1 otherwise. */
static int64_t disk_room(struct pg_connection *connection)
{
    PGresult *result = NULL;
    enum status status = pg_connection_run(connection, "SELECT setting FROM pg_settings WHERE name = 'data_directory'", &result, NULL);
    const char *host = PQhost(connection->pg), *directory;
    bool here = host == NULL || host[0] == '/' || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
    char working[64];
    struct statvfs disk;
    int64_t room = -1;

    if (here && status == OK && PQntuples(result) == 1) {
        directory = PQgetvalue(result, 0, 0);
        if (strncmp(directory, "/proc/self/", 11) == 0) { /* the private one's: a name in its own process, whose working directory it is */
            (void)snprintf(working, sizeof(working), "/proc/%d/cwd", PQbackendPID(connection->pg));
            directory = working;
        }
        if (statvfs(directory, &disk) == 0 && disk.f_blocks > 0)
            room = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    }
    PQclear(result);
    return room;
}

/* Bytes a second that the connector's slot keeps more, over the last minute; -1 not known. Lock held. */
static int64_t growth_of(const struct server *server)
{
    const struct mark *newest, *oldest = NULL;

    if (server->mark_count < 2)
        return -1;
    newest = &server->marks[(server->mark_count - 1) % MARKS_KEPT];
    for (size_t back = 2; back <= MARKS_KEPT && back <= server->mark_count; back++) {
        const struct mark *mark = &server->marks[(server->mark_count - back) % MARKS_KEPT];

        if (newest->at_ms - mark->at_ms > GROWTH_OVER_MS)
            break;
        oldest = mark;
    }
    if (oldest == NULL || oldest->wal_bytes < 0 || newest->wal_bytes < 0 || newest->at_ms - oldest->at_ms < GROWTH_LEAST_MS)
        return -1;
    return (newest->wal_bytes - oldest->wal_bytes) * 1000 / (newest->at_ms - oldest->at_ms);
}

/* What is left for the slot, and who says so: a limit, this machine's disk, or the setting. -1: nobody does */
static int64_t room_of(int64_t limit, int64_t local_room, int64_t headroom, int64_t wal_bytes, const char **from)
{
    *from = limit >= 0 ? "wal_limit" : local_room >= 0 ? "local_disk" : headroom > 0 && wal_bytes >= 0 ? "setting" : NULL;
    if (limit >= 0 || local_room >= 0)
        return limit >= 0 ? limit : local_room;
    if (*from == NULL)
        return -1;
    return headroom > wal_bytes ? headroom - wal_bytes : 0;
}

static json_t *slot_make(struct server *server, const PGresult *result, int row, int64_t local_room, int64_t headroom)
{
    bool ours = strcmp(PQgetvalue(result, row, 6), "t") == 0, active = strcmp(PQgetvalue(result, row, 1), "t") == 0;
    const char *from;
    int64_t room = room_of(number(result, row, 3), local_room, headroom, number(result, row, 4), &from), growth = ours ? growth_of(server) : -1;
    int64_t left_ms = growth > 0 && room >= 0 ? room * 1000 / growth : -1;
    const char *status = PQgetvalue(result, row, 2), *state = "ok";
    json_t *slot = json_object();

    if (strcmp(status, "lost") == 0 || (left_ms >= 0 && left_ms < FULL_CRIT_MS) || (room >= 0 && number(result, row, 4) / 3 > room)) /* three quarters full */
        state = "crit";
    else if (strcmp(status, "unreserved") == 0 || (left_ms >= 0 && left_ms < FULL_WARN_MS))
        state = "warn";
    else if (!ours)
        state = "info";
    else if (!active)
        state = "idle";
    json_put(slot, "slot", json_string(PQgetvalue(result, row, 0)));
    json_put(slot, "server", json_sprintf("%s:%s", PQhost(server->connection->pg), PQport(server->connection->pg)));
    json_put(slot, "connector", ours ? json_string(server->connector) : json_null());
    json_put(slot, "ours", json_boolean(ours));
    json_put(slot, "active", json_boolean(active));
    json_put(slot, "reachable", json_true());
    json_put(slot, "state", json_string(state));
    json_put(slot, "wal_bytes", json_integer_or_null(number(result, row, 4)));
    json_put(slot, "room_bytes", json_integer_or_null(room));
    json_put(slot, "room_from", json_text_or_null(from));
    json_put(slot, "growth_bytes_per_s", growth < 0 ? json_null() : json_integer(growth));
    json_put(slot, "full_at_ms", left_ms < 0 ? json_null() : json_integer(clock_now_ms() + left_ms));
    json_put(slot, "wal_status", *status == '\0' ? json_null() : json_string(status));
    return slot;
}

/* Takes what the database answered. */
static void answer_take(struct slots *slots, struct server *server, const PGresult *result, int64_t room)
{
    struct mark mark = {.at_ms = clock_now_ms(), .wal_bytes = -1};
    json_t *list = json_array(), *old;

    for (int row = 0; row < PQntuples(result); row++) {
        mark.lsn = lsn_read(PQgetvalue(result, row, 5));
        if (strcmp(PQgetvalue(result, row, 6), "t") == 0)
            mark.wal_bytes = number(result, row, 4);
    }
    (void)pthread_mutex_lock(&slots->lock);
    server->marks[server->mark_count++ % MARKS_KEPT] = mark;
    for (int row = 0; row < PQntuples(result); row++) {
        if (!PQgetisnull(result, row, 0))
            json_add(list, slot_make(server, result, row, room, slots->headroom_bytes));
    }
    old = server->slots;
    server->slots = list;
    (void)snprintf(server->version, sizeof(server->version), "%s", PQparameterStatus(server->connection->pg, "server_version"));
    (void)pthread_mutex_unlock(&slots->lock);
    json_decref(old);
}

/* All of the address: what one of them got to know is of use for the others. NULL: they answer */
static void silence_set(struct slots *slots, const char *address, const char *silence)
{
    (void)pthread_mutex_lock(&slots->lock);
    for (struct server *server = slots->servers; server != NULL; server = server->next) {
        if (strcmp(server->address, address) != 0)
            continue;
        server->silent_since_ms = silence == NULL ? 0 : server->silent_since_ms != 0 ? server->silent_since_ms : clock_now_ms();
        (void)snprintf(server->silence, sizeof(server->silence), "%s", silence == NULL ? "" : silence);
    }
    (void)pthread_mutex_unlock(&slots->lock);
}

/* Nobody reads a slot there now; how much it keeps is as it was seen last. Of a server that refuses, the connector says what is wrong. */
static void unreachable(struct slots *slots, struct server *server, const struct error *error)
{
    bool is_silent = strcmp(cause_of(error->message).code, "pg_silent") == 0;
    json_t *slot;
    size_t index;

    pg_connection_close(server->connection);
    server->connection = NULL;
    if (error->status == ERROR_CLOSED)
        return;
    silence_set(slots, server->address, is_silent ? error->message : NULL);
    checks_forget(slots->checks, server->connector);
    (void)pthread_mutex_lock(&slots->lock);
    json_array_foreach(server->slots, index, slot) {
        json_put(slot, "active", json_false());
        json_put(slot, "reachable", json_false());
    }
    (void)pthread_mutex_unlock(&slots->lock);
}

static bool is_stopping(struct slots *slots)
{
    bool stopping;

    (void)pthread_mutex_lock(&slots->lock);
    stopping = slots->stopping;
    (void)pthread_mutex_unlock(&slots->lock);
    return stopping;
}

static void server_look(struct slots *slots, struct server *server, const struct properties *config, bool is_running)
{
    const char *slot = connector_slot(config);
    PGresult *result = NULL;
    struct error error = {.status = OK};
    enum status status = OK;

    server->asked_ms = clock_monotonic_ms();
    if (server->connection != NULL && PQtransactionStatus(server->connection->pg) != PQTRANS_IDLE) { /* lost, or a statement was given up */
        pg_connection_close(server->connection);
        server->connection = NULL;
    }
    if (server->connection == NULL)
        status = connector_database_open(slots->databases, config, &server->connection, &error);
    if (status == OK)
        status = pg_connection_run_with(server->connection, slots_sql, 1, &slot, &result, &error);
    if (status == OK) {
        silence_set(slots, server->address, NULL);
        answer_take(slots, server, result, disk_room(server->connection));
    } else if (status != ERROR_DATABASE || server->connection == NULL) {
        unreachable(slots, server, &error);
    }
    PQclear(result);
    if (server->connection != NULL && PQtransactionStatus(server->connection->pg) == PQTRANS_IDLE && !is_stopping(slots))
        checks_look(slots->checks, slots->connect, server->connector, config, is_running, server->connection);
}

/* ---- The thread ---- */

static struct server *server_of(struct slots *slots, const char *connector)
{
    struct server *server = slots->servers;

    while (server != NULL && strcmp(server->connector, connector) != 0)
        server = server->next;
    if (server != NULL)
        return server;
    server = memory_new(sizeof(*server));
    server->connector = memory_copy_string(connector);
    (void)pthread_mutex_lock(&slots->lock);
    server->next = slots->servers;
    slots->servers = server;
    (void)pthread_mutex_unlock(&slots->lock);
    return server;
}

/* What the configuration says now. */
static void server_note(struct slots *slots, struct server *server, const struct connect_database *database)
{
    const char *host = properties_get(&database->config, "database.hostname"), *port = properties_get(&database->config, "database.port");
    char address[sizeof(server->address)];

    (void)snprintf(address, sizeof(address), "%s:%s", host == NULL ? "localhost" : host, port == NULL ? "5432" : port);
    server->seen = true;
    (void)pthread_mutex_lock(&slots->lock);
    server->is_running = database->is_running;
    if (strcmp(server->address, address) != 0) {
        memcpy(server->address, address, sizeof(address));
        server->silent_since_ms = 0;
    }
    (void)pthread_mutex_unlock(&slots->lock);
}

static void server_destroy(struct server *server)
{
    pg_connection_close(server->connection);
    json_decref(server->slots);
    memory_free(server->connector);
    memory_free(server);
}

/* Forgets connectors that are gone. */
static void servers_prune(struct slots *slots)
{
    struct server **at = &slots->servers;

    while (*at != NULL) {
        struct server *server = *at;

        if (server->seen) {
            server->seen = false;
            at = &server->next;
            continue;
        }
        (void)pthread_mutex_lock(&slots->lock);
        *at = server->next;
        (void)pthread_mutex_unlock(&slots->lock);
        checks_forget(slots->checks, server->connector);
        server_destroy(server);
    }
}

static bool is_due(struct server *server, bool is_running)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!is_running && server->rested_ms != 0 && now_ms - server->rested_ms < REST_EVERY_MS)
        return false;
    server->rested_ms = is_running ? 0 : now_ms;
    return true;
}

/* Of those that do not answer, the one that was asked longest ago; NULL: all answer. */
static struct server *longest_silent(struct slots *slots, const struct connect_database *databases, size_t count, size_t *place)
{
    struct server *found = NULL;

    for (size_t i = 0; i < count; i++) {
        struct server *server = server_of(slots, databases[i].connector);

        if (server->silent_since_ms != 0 && (found == NULL || server->asked_ms < found->asked_ms)) {
            found = server;
            *place = i;
        }
    }
    return found;
}

static void one_look(struct slots *slots, struct server *server, const struct connect_database *database)
{
    if (!is_stopping(slots) && is_due(server, database->is_running))
        server_look(slots, server, &database->config, database->is_running);
    if (!database->is_running) {
        pg_connection_close(server->connection);
        server->connection = NULL;
    }
}

/* Those that answer come first; of the others one is asked in a look, so that they take little time from these. */
static void look(struct slots *slots)
{
    struct connect_database *databases;
    struct server *silent;
    struct arena arena;
    size_t count, place = 0;

    arena_init(&arena, 16384);
    databases = connect_databases(slots->connect, true, &arena, &count);
    for (size_t i = 0; i < count; i++)
        server_note(slots, server_of(slots, databases[i].connector), &databases[i]);
    silent = longest_silent(slots, databases, count, &place);
    for (size_t i = 0; i < count; i++) {
        struct server *server = server_of(slots, databases[i].connector);

        if (server->silent_since_ms == 0)
            one_look(slots, server, &databases[i]);
    }
    if (silent != NULL)
        one_look(slots, silent, &databases[place]);
    for (size_t i = 0; i < count; i++)
        properties_finish(&databases[i].config);
    servers_prune(slots);
    arena_finish(&arena);
}

static void thread_main(void *context)
{
    struct slots *slots = context;
    bool stopping = false;

    while (!stopping) {
        int64_t deadline_ns = clock_monotonic_ns() + LOOK_EVERY_MS * 1000000LL;
        struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
        int waited = 0;

        look(slots);
        (void)pthread_mutex_lock(&slots->lock);
        while (!slots->stopping && waited == 0)
            waited = pthread_cond_timedwait(&slots->wake, &slots->lock, &deadline);
        stopping = slots->stopping;
        (void)pthread_mutex_unlock(&slots->lock);
    }
}

/* ---- Life ---- */

enum status slots_start(struct connect *connect, struct databases *databases, struct slots **started, struct error *error)
{
    struct slots *slots = memory_new(sizeof(*slots));
    pthread_condattr_t attributes;

    slots->connect = connect;
    slots->databases = databases;
    slots->checks = checks_create();
    (void)pthread_mutex_init(&slots->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&slots->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    *started = slots;
    return thread_start(&slots->thread, "slots", thread_main, slots, error);
}

void slots_stop(struct slots *slots)
{
    if (slots == NULL)
        return;
    (void)pthread_mutex_lock(&slots->lock);
    slots->stopping = true;
    (void)pthread_cond_broadcast(&slots->wake);
    (void)pthread_mutex_unlock(&slots->lock);
    thread_join(slots->thread);
    slots->thread = NULL;
}

void slots_destroy(struct slots *slots)
{
    if (slots == NULL)
        return;
    slots_stop(slots);
    while (slots->servers != NULL) {
        struct server *server = slots->servers;

        slots->servers = server->next;
        server_destroy(server);
    }
    checks_destroy(slots->checks);
    (void)pthread_cond_destroy(&slots->wake);
    (void)pthread_mutex_destroy(&slots->lock);
    memory_free(slots);
}

/* ---- Asking ---- */

/* Several connectors may use one server: a slot is listed once, by its owner when that is one of them. */
static void list_add(json_t *all, json_t *slot)
{
    const char *name = member_text(slot, "slot");
    json_t *known;
    size_t index;

    json_array_foreach(all, index, known) {
        bool both = json_is_true(json_object_get(slot, "ours")) && json_is_true(json_object_get(known, "ours")); /* of two servers */

        if (strcmp(member_text(known, "slot"), name) != 0 || both)
            continue;
        if (json_is_true(json_object_get(slot, "ours")))
            (void)json_array_set_new(all, index, json_deep_copy(slot));
        return;
    }
    json_add(all, json_deep_copy(slot));
}

void slots_set_headroom(struct slots *slots, int64_t bytes)
{
    slots->headroom_bytes = bytes;
}

/* A server that does not answer, once. Lock held. */
static void silence_add(json_t *findings, const struct server *server)
{
    const json_t *known;
    size_t index;

    json_array_foreach(findings, index, known) {
        if (strcmp(member_text(known, "code"), "pg_silent") == 0 && strcmp(member_text(known, "name"), server->address) == 0)
            return;
    }
    json_add(findings, json_pack("{s:s, s:s, s:s, s:s, s:o, s:n, s:o}", "code", "pg_silent", "kind", "database", "name", server->address, "connector", server->connector, "why",
                                 json_sprintf("%s. It takes connections, or keeps them open, and says nothing.", server->silence), "todo", "title",
                                 json_sprintf("PostgreSQL at %s does not answer", server->address)));
}

json_t *slots_findings(struct slots *slots)
{
    json_t *findings = checks_list(slots->checks);

    (void)pthread_mutex_lock(&slots->lock);
    for (const struct server *server = slots->servers; server != NULL; server = server->next) {
        if (server->silent_since_ms != 0 && server->is_running)
            silence_add(findings, server);
    }
    (void)pthread_mutex_unlock(&slots->lock);
    return findings;
}

json_t *slots_list(struct slots *slots)
{
    json_t *all = json_array(), *slot;
    size_t index;

    (void)pthread_mutex_lock(&slots->lock);
    for (const struct server *server = slots->servers; server != NULL; server = server->next) {
        json_array_foreach(server->slots, index, slot) list_add(all, slot);
    }
    (void)pthread_mutex_unlock(&slots->lock);
    return all;
}

void slots_facts(struct slots *slots, const char *connector, uint64_t received_lsn, struct slot_facts *facts)
{
    const struct server *server;
    int64_t now_ms = clock_now_ms();

    *facts = (struct slot_facts){.wal_bytes = -1, .lag_ms = -1};
    (void)pthread_mutex_lock(&slots->lock);
    server = slots->servers;
    while (server != NULL && strcmp(server->connector, connector) != 0)
        server = server->next;
    facts->is_silent = server != NULL && server->silent_since_ms != 0;
    for (size_t back = 1; server != NULL && back <= MARKS_KEPT && back <= server->mark_count; back++) {
        const struct mark *mark = &server->marks[(server->mark_count - back) % MARKS_KEPT];

        if (back == 1) {
            facts->known = true;
            facts->server_lsn = mark->lsn;
            facts->wal_bytes = mark->wal_bytes;
            (void)snprintf(facts->server_version, sizeof(facts->server_version), "%s", server->version);
        }
        if (back == 1 && now_ms - mark->at_ms > STALE_MS)
            break;
        if (received_lsn > 0 && mark->lsn <= received_lsn) { /* at this time it had everything */
            facts->lag_ms = back == 1 ? 0 : now_ms - mark->at_ms;
            break;
        }
    }
    (void)pthread_mutex_unlock(&slots->lock);
}
