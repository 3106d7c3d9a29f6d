#include "web/checks.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "connect/preflight.h"
#include "os/clock.h"
#include "web/api.h"
#include "web/database.h"
#include "web/words.h"

#define LOOK_EVERY_MS 10000            /* at what preflight looks at */
#define LOOK_SHARE 30                  /* a look that takes long, as with thousands of tables, is taken for 1/30 of the time at most */
#define HUGE_BYTES (INT64_C(64) << 20) /* of one transaction, in PostgreSQL's spill files */
#define NAMES_SHOWN 5

/* Spilled bytes of the slot, and who has written for longest and is not done. */
static const char spill_sql[] =
    "SELECT s.spill_bytes, a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, ''), (extract(epoch FROM a.xact_start) * 1000)::bigint,"
    " (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint, s.spill_txns"
    " FROM pg_stat_replication_slots s"
    " LEFT JOIN (SELECT * FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1) a ON true"
    " WHERE s.slot_name = $1";

struct checked { /* of one connector */
    char *connector;
    json_t *findings;   /* of preflight */
    json_t *huge;       /* one finding; NULL: none */
    int64_t looked_ms;  /* monotonic, at what preflight looks at; 0: not yet */
    int64_t took_ms;    /* the last of those looks */
    int64_t spilled;    /* spill_bytes at the look before; -1: not known */
    int64_t spilled_at; /* the same before the oldest open transaction was seen; -1: not known */
    int64_t oldest_ms;  /* when that began, by PostgreSQL's clock; -1: none is open */
    struct checked *next;
};

struct checks {
    pthread_mutex_t lock; /* guards findings, huge and the list; a leaf */
    struct checked *all;  /* changed by the looking thread only */
};

struct checks *checks_create(void)
{
    struct checks *checks = memory_new(sizeof(*checks));

    (void)pthread_mutex_init(&checks->lock, NULL);
    return checks;
}

static void checked_free(struct checked *checked)
{
    json_decref(checked->findings);
    json_decref(checked->huge);
    memory_free(checked->connector);
    memory_free(checked);
}

void checks_destroy(struct checks *checks)
{
    if (checks == NULL)
        return;
    while (checks->all != NULL) {
        struct checked *first = checks->all;

        checks->all = first->next;
        checked_free(first);
    }
    (void)pthread_mutex_destroy(&checks->lock);
    memory_free(checks);
}

static json_t *finding_make(const char *code, const char *kind, const char *name, const char *connector, const char *why, const char *todo, const char *title)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "code", code, "kind", kind, "name", name, "connector", connector, "why", json_text_or_null(why), "todo", json_text_or_null(todo),
                     "title", json_text_or_null(title));
}

/* ---- What preflight says ---- */

struct judging {
    const struct preflight *preflight;
    const char *connector, *server; /* "host:port" */
    struct arena *arena;
    json_t *found;
};

/* "Run ALTER TABLE …; ALTER TABLE …;", the notes left out. */
static const char *sql_todo(struct arena *arena, const char *before, const char *sql)
{
    struct slice rest = slice_from_string(sql), line;
    const char *todo = before;

    while (text_next_field(&rest, '\n', &line)) {
        if (line.size > 0 && line.data[0] != '-')
            todo = arena_format(arena, "%s %.*s", todo, (int)line.size, (const char *)line.data);
    }
    return todo;
}

static void wal_limit_check(struct judging *judging)
{
    const struct preflight_server *server = &judging->preflight->facts.server;
    const struct finding *finding = findings_find(&judging->preflight->findings, FINDING_wal_limit);
    const char *room = server->disk_free_bytes < 0 ? "" : arena_format(judging->arena, " %s are free on its disk now.", words_bytes(judging->arena, server->disk_free_bytes));

    if (server->wal_limit_bytes == -1 && finding != NULL)
        json_add(judging->found, finding_make("no_wal_limit", "database", judging->server, judging->connector,
                                              arena_format(judging->arena, "max_slot_wal_keep_size is -1, so PostgreSQL keeps all WAL since the place of a slot that nobody reads.%s", room),
                                              finding->sql == NULL ? NULL : sql_todo(judging->arena, "Run", finding->sql), NULL));
}

static void clock_check(struct judging *judging)
{
    const struct preflight_server *server = &judging->preflight->facts.server;
    const struct finding *finding = findings_find(&judging->preflight->findings, FINDING_clock);
    int64_t skew_ms = llabs(server->skew_us) / US_PER_MS;

    if (finding != NULL && finding->state != FINDING_IS_OK && server->skew_within_us >= 0)
        json_add(judging->found,
                 finding_make("clock_skew", "database", judging->server, judging->connector,
                              arena_format(judging->arena, "It was compared to within %.1f ms. Times between the two, as from commit to arrival, look %s by as much.",
                                           (double)server->skew_within_us / US_PER_MS, server->skew_us > 0 ? "shorter" : "longer"),
                              NULL, arena_format(judging->arena, "PostgreSQL's clock is %s %s this one", words_duration(judging->arena, skew_ms), server->skew_us > 0 ? "ahead of" : "behind")));
}

/* Captured tables whose changes PostgreSQL does not send. */
static void unpublished_check(struct judging *judging)
{
    const struct preflight_facts *facts = &judging->preflight->facts;
    const struct finding *finding = findings_find(&judging->preflight->findings, FINDING_publication);
    bool is_managed = facts->publication_mode == PUBLICATION_FILTERED;
    struct name_list names;
    const char *list;
    size_t count;

    if (!facts->streams || !facts->publication.exists || facts->publication.is_all_tables)
        return;
    name_list_init(&names, NAMES_SHOWN);
    for (size_t i = 0; i < facts->table_count; i++) {
        const struct preflight_table *table = &facts->tables[i];

        if (table->is_captured && table->kind == 'r' && !table->is_partition && !table->is_published && table->persistence == 'p')
            name_list_add(&names, table->name);
    }
    count = names.count;
    list = name_list_end(&names, judging->arena);
    if (list == NULL)
        return;
    json_add(judging->found,
             finding_make("table_not_published", "connector", judging->connector, judging->connector,
                          arena_format(judging->arena, "The connector captures %s, but publication %s lacks %s.", list, facts->publication.name, count == 1 ? "it" : "them"),
                          is_managed ? "Restart the connector: it publishes what it captures when it starts. Rows from before come with a snapshot."
                          : finding != NULL && finding->sql != NULL ? sql_todo(judging->arena, "Run", finding->sql)
                                                                    : NULL,
                          arena_format(judging->arena, "%s %s not published; %s changes do not arrive", list, count == 1 ? "is" : "are", count == 1 ? "its" : "their")));
}

static void identity_check(struct judging *judging)
{
    const struct finding *finding = findings_find(&judging->preflight->findings, FINDING_replica_identity);

    if (finding != NULL && finding->state != FINDING_IS_OK && finding->sql != NULL)
        json_add(judging->found, finding_make("replica_identity", "connector", judging->connector, judging->connector, finding->found,
                                              sql_todo(judging->arena, "If consumers compare before and after, run", finding->sql), NULL));
}

static json_t *preflight_look(struct connect *connect, const char *connector, const struct properties *config)
{
    const char *host = properties_get(config, "database.hostname"), *port = properties_get(config, "database.port");
    struct judging judging = {.connector = connector};
    struct preflight *preflight;
    struct arena arena;

    arena_init(&arena, 65536);
    if (connect_preflight(connect, connector, config, -1, &arena, &preflight, NULL) == OK && preflight->facts.server.is_connected) {
        judging.preflight = preflight;
        judging.arena = &arena;
        judging.server = arena_format(&arena, "%s:%s", host == NULL ? "" : host, port == NULL ? "5432" : port);
        judging.found = json_array();
        wal_limit_check(&judging);
        clock_check(&judging);
        unpublished_check(&judging);
        identity_check(&judging);
    }
    arena_finish(&arena);
    return judging.found;
}

/* ---- A huge transaction ---- */

static int64_t number(const PGresult *result, int column)
{
    int64_t value;

    return !PQgetisnull(result, 0, column) && text_parse_int64(slice_from_string(PQgetvalue(result, 0, column)), &value) ? value : -1;
}

/*
 * PostgreSQL keeps what a transaction has changed in files, once it is more than logical_decoding_work_mem, until it ends, and counts that by
 * slot. What was spilled since the oldest open transaction was first seen may be of another one, too, but none of them can be sent before
 * its end.
 */
static json_t *huge_make(struct checked *checked, const PGresult *result, const char *slot)
{
    int64_t spilled = number(result, 0), oldest_ms = number(result, 5), open_ms = number(result, 6), bytes;
    struct arena arena;
    json_t *huge;

    if (oldest_ms != checked->oldest_ms) /* at the first look all is of this one, when only one was ever spilled */
        checked->spilled_at = checked->spilled >= 0 ? checked->spilled : number(result, 7) <= 1 ? 0 : spilled;
    checked->oldest_ms = oldest_ms;
    checked->spilled = spilled;
    if (oldest_ms < 0 || spilled < checked->spilled_at)
        return NULL;
    bytes = spilled - checked->spilled_at;
    if (bytes < HUGE_BYTES)
        return NULL;
    arena_init(&arena, 4096);
    huge = finding_make("huge_transaction", "slot", slot, checked->connector,
                        arena_format(&arena, "Process %s of user %s%s%s has it open for %s (%s). PostgreSQL sends it to slot %s when it commits; until then it and all WAL since are kept.",
                                     PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2), *PQgetvalue(result, 0, 3) == '\0' ? "" : ", ", PQgetvalue(result, 0, 3), words_duration(&arena, open_ms),
                                     *PQgetvalue(result, 0, 4) == '\0' ? "state not known" : PQgetvalue(result, 0, 4), slot),
                        arena_format(&arena, "Nothing, if it is meant: it is spilled to PostgreSQL's disk and comes as a whole. If it hangs: SELECT pg_terminate_backend(%s).", PQgetvalue(result, 0, 1)),
                        arena_format(&arena, "A transaction has written %s and is still open", words_bytes(&arena, bytes)));
    arena_finish(&arena);
    return huge;
}

/* NULL: there is none, or it cannot be known (PostgreSQL before 14, or no right to see the activity of others). */
static json_t *huge_look(struct checked *checked, struct pg_connection *connection, const char *slot)
{
    PGresult *result = NULL;
    json_t *huge = NULL;

    if (connection->version >= 140000 && pg_connection_run_with(connection, spill_sql, 1, &slot, &result, NULL) == OK && PQntuples(result) == 1)
        huge = huge_make(checked, result, slot);

    PQclear(result);
    return huge;
}

/* ---- Looking ---- */

static struct checked *checked_of(struct checks *checks, const char *connector)
{
    struct checked *checked = checks->all;

    while (checked != NULL && strcmp(checked->connector, connector) != 0)
        checked = checked->next;
    if (checked != NULL)
        return checked;
    checked = memory_new(sizeof(*checked));
    checked->connector = memory_copy_string(connector);
    checked->spilled = checked->spilled_at = checked->oldest_ms = -1;
    (void)pthread_mutex_lock(&checks->lock);
    checked->next = checks->all;
    checks->all = checked;
    (void)pthread_mutex_unlock(&checks->lock);
    return checked;
}

static void replace(struct checks *checks, json_t **at, json_t *now)
{
    json_t *before;

    (void)pthread_mutex_lock(&checks->lock);
    before = *at;
    *at = now;
    (void)pthread_mutex_unlock(&checks->lock);
    json_decref(before);
}

void checks_look(struct checks *checks, struct connect *connect, const char *connector, const struct properties *config, bool is_running, struct pg_connection *connection)
{
    struct checked *checked = checked_of(checks, connector);
    int64_t now_ms = clock_monotonic_ms();

    replace(checks, &checked->huge, huge_look(checked, connection, connector_slot(config)));
    if (!is_running) { /* its publication, for one, may not be there yet */
        checked->looked_ms = 0;
        replace(checks, &checked->findings, NULL);
    } else if (checked->looked_ms == 0 || (now_ms - checked->looked_ms >= LOOK_EVERY_MS && now_ms - checked->looked_ms >= checked->took_ms * LOOK_SHARE)) {
        json_t *findings = preflight_look(connect, connector, config);

        checked->looked_ms = now_ms;
        checked->took_ms = clock_monotonic_ms() - now_ms;
        if (findings != NULL)
            replace(checks, &checked->findings, findings);
    }
}

void checks_forget(struct checks *checks, const char *connector)
{
    struct checked **at = &checks->all, *gone;

    while (*at != NULL && strcmp((*at)->connector, connector) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    (void)pthread_mutex_lock(&checks->lock);
    gone = *at;
    *at = gone->next;
    (void)pthread_mutex_unlock(&checks->lock);
    checked_free(gone);
}

static void list_add(json_t *list, const json_t *finding)
{
    const json_t *known;
    size_t index;

    json_array_foreach(list, index, known) {
        if (strcmp(member_text(known, "code"), member_text(finding, "code")) == 0 && strcmp(member_text(known, "name"), member_text(finding, "name")) == 0)
            return; /* two connectors of one database */
    }
    json_add(list, json_deep_copy(finding));
}

json_t *checks_list(struct checks *checks)
{
    json_t *list = json_array();
    const json_t *finding;
    size_t index;

    (void)pthread_mutex_lock(&checks->lock);
    for (const struct checked *checked = checks->all; checked != NULL; checked = checked->next) {
        json_array_foreach(checked->findings, index, finding) list_add(list, finding);
        if (checked->huge != NULL)
            list_add(list, checked->huge);
    }
    (void)pthread_mutex_unlock(&checks->lock);
    return list;
}
