#include "web/problem_find.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/clock.h"
#include "web/slots.h"
#include "web/snapshots.h"
#include "web/watch.h"
#include "web/words.h"

#define DISK_LOW_BYTES (1 << 30) /* less than this is little room */
#define DISK_FORECAST_MS (24 * 3600 * 1000LL)
#define DISK_CRITICAL_MS (3600 * 1000LL)
#define CAPTURE_BEHIND_MS 60000
#define WALSENDER_SILENT_MS 30000 /* half of wal_sender_timeout, when PostgreSQL would ask us */
#define SNAPSHOT_SLOW_MS 3600000 /* a snapshot that needs more than this yet is slow */
#define CANNOT_READ_MS 60000     /* an agent that could not read a record so short a time ago */
#define FLAPPING 5               /* rebalances in ten minutes */

enum code {
#define CAUSE(code, severity, title, marks, todo) CODE_##code,
#define PROBLEM(code, severity, title, todo) CODE_##code,
#include "web/problems.def"
#undef CAUSE
#undef PROBLEM
};

static const struct row {
    struct cause says;
    const char *marks; /* NULL: no cause of a connector */
} table[] = {
#define CAUSE(code, severity, title, marks, todo) {{#code, severity, title, todo}, marks},
#define PROBLEM(code, severity, title, todo) {{#code, severity, title, todo}, NULL},
#include "web/problems.def"
#undef CAUSE
#undef PROBLEM
};

struct finder {
    struct api *api;
    struct arena *arena;
    const json_t *description;
    json_t *found;
};

/* ---- Causes ---- */

static bool has_mark(const char *error, const char *marks)
{
    struct slice rest = slice_from_string(marks), mark;

    if (*marks == '\0')
        return true;
    while (text_next_field(&rest, '|', &mark)) {
        if (memmem(error, strlen(error), mark.data, mark.size) != NULL)
            return true;
    }
    return false;
}

struct cause cause_of(const char *error)
{
    size_t row = 0;

    while (table[row].marks == NULL || !has_mark(error == NULL ? "" : error, table[row].marks))
        row++; /* the last one of a connector fits always */
    return table[row].says;
}

struct cause cause_of_snapshot(void)
{
    return table[CODE_snapshot_failed].says;
}

/* ---- One problem ---- */

struct subject {
    const char *kind, *name, *path; /* path NULL: no page */
};

static struct subject subject_at(struct finder *finder, const char *kind, const char *name, const char *folder)
{
    return (struct subject){kind, name, arena_format(finder->arena, "%s/%s", folder, name)};
}

const char *problem_loss(const char *code)
{
    static const struct {
        const char *code, *lost;
    } losses[] = {
        {"slot_lost", "changes since then are not in the log; a new snapshot brings the rows as they are now"},
        {"slot_lost_wal", "changes since then are not in the log; a new snapshot brings the rows as they are now"},
        {"table_not_published", "changes of these tables are not in the log; a snapshot brings the rows as they are then"},
        {"position_gap", "nothing so far; going on would skip the changes in between"},
        {"group_lost_messages", "these messages are not in the log any more"},
        {"partition_corrupt", "what lies behind the damage cannot be read"},
    };

    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        if (strcmp(losses[i].code, code) == 0)
            return losses[i].lost;
    }
    return NULL;
}

/* why: pieces, whose reference is taken. todo NULL: the table's. actions: taken, may be NULL. The problem, borrowed. */
static json_t *add_pieces(struct finder *finder, const struct cause *says, struct subject subject, json_t *why, const char *todo, json_t *actions)
{
    json_t *problem = json_object();
    const char *at = strstr(says->title, "%s");
    const char *title = at == NULL ? says->title : arena_format(finder->arena, "%.*s%s%s", (int)(at - says->title), says->title, subject.name, at + 2);

    if (subject.path != NULL) {
        (void)json_array_insert_new(why, 0, json_string(": "));
        (void)json_array_insert_new(why, 0, json_pack("{s:s, s:s}", "link", subject.path, "text", subject.name));
    }
    json_put(problem, "id", json_sprintf("%s:%s", says->code, subject.name));
    json_put(problem, "code", json_string(says->code));
    json_put(problem, "severity", json_string(says->severity));
    json_put(problem, "since_ms", json_integer(clock_now_ms()));
    json_put(problem, "subject", json_pack("{s:s, s:s}", "kind", subject.kind, "name", subject.name));
    json_put(problem, "title", json_string(title));
    json_put(problem, "why", why);
    json_put(problem, "todo", json_slice(slice_from_string(todo == NULL ? says->todo : todo)));
    json_put(problem, "lost", json_string(problem_loss(says->code) == NULL ? "nothing so far" : problem_loss(says->code)));
    json_put(problem, "caused_by", json_null());
    json_put(problem, "actions", actions == NULL ? json_array() : actions);
    json_add(finder->found, problem);
    return problem;
}

static json_t *add(struct finder *finder, const struct cause *says, struct subject subject, const char *why, const char *todo, json_t *actions)
{
    return add_pieces(finder, says, subject, json_pack("[o]", json_slice(slice_from_string(why))), todo, actions);
}

static json_t *opening(const char *text, const char *path)
{
    return json_pack("[{s:s, s:s}]", "text", text, "open", path);
}

void reason_append(const json_t *pieces, struct buffer *text)
{
    const json_t *piece;
    size_t index;

    json_array_foreach(pieces, index, piece) {
        const char *part = json_is_string(piece) ? json_string_value(piece) : member_text(piece, "text") != NULL ? member_text(piece, "text") : member_text(piece, "code");

        buffer_append_string(text, part == NULL ? "" : part);
    }
}

/* ---- Connectors ---- */

static const struct row *row_of(const char *code)
{
    for (size_t row = 0; code != NULL && row < sizeof(table) / sizeof(table[0]); row++) {
        if (strcmp(table[row].says.code, code) == 0)
            return &table[row];
    }
    return NULL;
}

static void of_connectors(struct finder *finder, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        const json_t *error = json_object_get(connector, "error");
        const char *name = member_text(connector, "name");
        struct subject subject = subject_at(finder, "connector", name, "/connectors");
        const struct row *row = row_of(member_text(error, "cause"));

        if (row != NULL)
            (void)add(finder, &row->says, subject, member_text(error, "quote"), member_text(error, "todo"),
                      json_pack("[{s:s, s:s}, {s:s, s:s, s:o, s:{}, s:s}]", "text", "Open the connector", "open", subject.path, "text", "Restart it", "method", "POST", "path",
                                json_sprintf("/connect/connectors/%s/restart?includeTasks=true&onlyFailed=true", name), "body", "confirm", "none"));
    }
}

static void of_behind(struct finder *finder, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        struct subject subject = subject_at(finder, "connector", member_text(connector, "name"), "/connectors");
        int64_t lag_ms = member_integer(connector, "lag_ms", -1);

        if (lag_ms >= CAPTURE_BEHIND_MS && strcmp(member_text(connector, "state"), "ok") == 0)
            (void)add(finder, &table[CODE_capture_behind].says, subject,
                      arena_format(finder->arena, "PostgreSQL wrote what it has not received yet %s ago.", words_duration(finder->arena, lag_ms)), NULL, opening("Open the connector", subject.path));
    }
}

/* The server answers, its walsender does not. */
static void of_silent_streams(struct finder *finder, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        int64_t silent_ms = member_integer(connector, "silent_ms", -1);

        if (silent_ms >= WALSENDER_SILENT_MS && strcmp(member_text(connector, "state"), "ok") == 0)
            (void)add(finder, &table[CODE_walsender_silent].says, subject_at(finder, "connector", member_text(connector, "name"), "/connectors"),
                      arena_format(finder->arena, "The walsender of slot %s has said nothing for %s; PostgreSQL itself answers.", member_text(connector, "slot"), words_duration(finder->arena, silent_ms)),
                      NULL, opening("Open the connector", arena_format(finder->arena, "/connectors/%s", member_text(connector, "name"))));
    }
}

/* ---- Snapshots ---- */

/* How long the tables under way need yet; -1: not known. */
static int64_t left_ms_of(const json_t *snapshot, const json_t **slowest)
{
    const json_t *one;
    int64_t left_ms = -1;
    size_t index;

    json_array_foreach(json_object_get(snapshot, "tables"), index, one) {
        if (member_integer(one, "left_ms", -1) > left_ms) {
            left_ms = member_integer(one, "left_ms", -1);
            *slowest = one;
        }
    }
    return left_ms;
}

static void of_slow_snapshot(struct finder *finder, struct subject subject, const json_t *snapshot)
{
    const json_t *one = NULL, *load = json_object_get(snapshot, "load_max");
    int64_t left_ms = left_ms_of(snapshot, &one);
    struct arena *arena = finder->arena;
    const char *share;

    if (left_ms < SNAPSHOT_SLOW_MS || strcmp(member_text(snapshot, "state"), "running") != 0)
        return;
    share = json_is_number(load) ? arena_format(arena, " It may take %.4g %% of one PostgreSQL process's time.", json_number_value(load) * 100) : "";
    (void)add(finder, &table[CODE_snapshot_slow].says, subject,
              arena_format(arena, "%s of about %s rows of %s are read, at %.4g rows/s; the rest needs about %s.%s", words_number(arena, member_integer(one, "rows", 0)),
                           words_number(arena, member_integer(one, "rows_about", 0)), member_text(one, "table"), json_number_value(json_object_get(one, "rows_per_s")), words_duration(arena, left_ms), share),
              json_is_number(load) ? "Raise its load limit, or wait: the stream goes on meanwhile." : NULL, opening("Open its snapshots", arena_format(arena, "%s/snapshots", subject.path)));
}

/* Of the newest one, until another is begun or done. */
static void of_failed_snapshot(struct finder *finder, struct subject subject)
{
    json_t *last = snapshots_last(api_snapshots(finder->api), subject.name);
    const char *error = member_text(last, "error");

    if (last != NULL && strcmp(member_text(last, "state"), "failed") == 0)
        (void)add(finder, &table[CODE_snapshot_failed].says, subject, arena_format(finder->arena, "%s", error == NULL ? "It did not say why." : error), NULL,
                  opening("Open its snapshots", arena_format(finder->arena, "%s/snapshots", subject.path)));
    json_decref(last);
}

static void of_snapshots(struct finder *finder, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        struct subject subject = subject_at(finder, "connector", member_text(connector, "name"), "/connectors");

        of_slow_snapshot(finder, subject, json_object_get(connector, "snapshot"));
        if (!json_is_object(json_object_get(connector, "error"))) /* else that is the reason */
            of_failed_snapshot(finder, subject);
    }
}

/* ---- Databases ---- */

static void of_databases(struct finder *finder)
{
    json_t *findings = slots_findings(api_slots(finder->api));
    const json_t *finding;
    size_t index;

    json_array_foreach(findings, index, finding) {
        const struct row *row = row_of(member_text(finding, "code"));
        const char *title = member_text(finding, "title"), *name = member_text(finding, "name"), *connector = member_text(finding, "connector");
        bool is_connector = strcmp(member_text(finding, "kind"), "connector") == 0;
        const char *path = arena_format(finder->arena, "/connectors/%s", connector);
        struct cause says;

        if (row == NULL)
            continue;
        says = row->says;
        says.title = title == NULL ? says.title : arena_copy_string(finder->arena, slice_from_string(title));
        (void)add(finder, &says, (struct subject){arena_copy_string(finder->arena, slice_from_string(member_text(finding, "kind"))), name, is_connector ? path : NULL}, member_text(finding, "why"),
                  member_text(finding, "todo"), opening("Open the connector", path));
    }
    json_decref(findings);
}

static const json_t *connector_of_slot(const json_t *connectors, const char *name)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        if (name != NULL && strcmp(member_text(connector, "name"), name) == 0)
            return connector;
    }
    return NULL;
}

/* Why nobody reads the slot, as the end of a sentence. */
static const char *unread_because(struct finder *finder, const json_t *slot, const json_t *connector)
{
    const char *word = member_text(connector, "word"), *title = member_text(json_object_get(connector, "error"), "title");

    if (json_is_true(json_object_get(slot, "active")) || connector == NULL)
        return "";
    return title != NULL ? arena_format(finder->arena, " Nobody reads it: %s.", title) : arena_format(finder->arena, " Nobody reads it: connector %s is %s%s.", member_text(connector, "name"),
                                                                                                  strcmp(word, "Paused") == 0 || strcmp(word, "Stopped") == 0 ? "" : "in state ", word);
}

static void of_slot(struct finder *finder, const json_t *slot, const json_t *connectors)
{
    const char *state = member_text(slot, "state"), *name = member_text(slot, "slot"), *status = member_text(slot, "wal_status");
    const json_t *connector = connector_of_slot(connectors, member_text(slot, "connector"));
    const char *cause = member_text(json_object_get(connector, "error"), "cause");
    struct cause says = table[CODE_slot_fills_disk].says;
    int64_t left_ms = member_integer(slot, "full_at_ms", -1) < 0 ? -1 : member_integer(slot, "full_at_ms", 0) - clock_now_ms(), room = member_integer(slot, "room_bytes", -1);
    struct arena *arena = finder->arena;
    const char *what, *when;
    json_t *drop;

    if (status != NULL && strcmp(status, "lost") == 0) {
        if (cause == NULL || strcmp(cause, "slot_lost") != 0) /* else the connector says so */
            (void)add(finder, &table[CODE_slot_lost_wal].says, (struct subject){"slot", name, NULL}, "It kept more WAL than max_slot_wal_keep_size allows.", NULL, NULL);
        return;
    }
    if (strcmp(state, "crit") != 0 && strcmp(state, "warn") != 0)
        return;
    says.severity = strcmp(state, "crit") == 0 ? "crit" : "warn";
    what = member_text(slot, "room_from");
    what = what != NULL && strcmp(what, "wal_limit") == 0 ? "until PostgreSQL gives the slot up (max_slot_wal_keep_size)"
           : what != NULL && strcmp(what, "setting") == 0 ? "of wal.headroom.bytes"
                                                          : "free on PostgreSQL's disk";
    when = left_ms >= 0 ? arena_format(arena, ", and that is used up in about %s at the rate of the last 10 min", words_duration(arena, left_ms)) : "";
    drop = json_pack("[{s:s, s:s, s:o, s:{}, s:s}]", "text", "Drop the slot…", "method", "DELETE", "path", json_sprintf("/slots/%s", name), "body", "confirm", "type");
    if (room >= 0)
        (void)add(finder, &says, (struct subject){"slot", name, NULL},
                  arena_format(arena, "It keeps %s of WAL; %s are left %s%s.%s", words_bytes(arena, member_integer(slot, "wal_bytes", 0)), words_bytes(arena, room), what, when,
                               unread_because(finder, slot, connector)),
                  NULL, drop);
    else
        (void)add(finder, &says, (struct subject){"slot", name, NULL},
                  arena_format(arena, "It keeps %s of WAL, more than PostgreSQL promises to keep for it.%s", words_bytes(arena, member_integer(slot, "wal_bytes", 0)),
                               unread_because(finder, slot, connector)),
                  NULL, drop);
}

static void of_slots(struct finder *finder, const json_t *connectors)
{
    json_t *slots = slots_list(api_slots(finder->api));
    const json_t *slot;
    size_t index;

    json_array_foreach(slots, index, slot) of_slot(finder, slot, connectors);
    json_decref(slots);
}

/* ---- This machine ---- */

/* Little room, or so little that it is used up within a day. */
static void of_disk(struct finder *finder, int64_t free_bytes)
{
    struct cause says = table[CODE_disk_low].says;
    int64_t left_ms = watch_disk_left_ms(api_watch(finder->api));
    bool fills = left_ms >= 0 && left_ms < DISK_FORECAST_MS;
    const char *place = member_text(finder->description, "data_dir");
    struct arena *arena = finder->arena;

    if (free_bytes < 0 || (free_bytes >= DISK_LOW_BYTES && !fills))
        return;
    says.severity = fills && left_ms < DISK_CRITICAL_MS ? "crit" : says.severity;
    (void)add(finder, &says, (struct subject){"log", "log", NULL},
              arena_format(arena, "%s are free on the disk of %s%s.", words_bytes(arena, free_bytes), place == NULL ? "the data directory" : place,
                           fills ? arena_format(arena, "; it is full in about %s at the rate of the last 10 min", words_duration(arena, left_ms)) : ""),
              NULL, opening("Show the largest topics", "/topics?sort=bytes&dir=desc"));
}

static const char *corrupt_why(struct finder *finder, const json_t *store)
{
    const json_t *names = json_object_get(store, "read_only");
    const char *why = "Their files do not match their checksums: ";

    for (size_t i = 0; i < json_array_size(names); i++)
        why = arena_format(finder->arena, "%s%s%s", why, i == 0 ? "" : ", ", json_string_value(json_array_get(names, i)));
    return why;
}

/* A problem of that code and, unless NULL, that name is the consequence of another one. */
static void follows_from(struct finder *finder, const char *code, const char *name, const char *cause_id)
{
    json_t *problem;
    size_t index;

    json_array_foreach(finder->found, index, problem) {
        if (strcmp(member_text(problem, "code"), code) == 0 && (name == NULL || strcmp(member_text(json_object_get(problem, "subject"), "name"), name) == 0) && strcmp(member_text(problem, "id"), cause_id) != 0)
            json_put(problem, "caused_by", json_string(cause_id));
    }
}

static bool problem_is_found(const struct finder *finder, const char *id)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(finder->found, index, problem) {
        if (strcmp(member_text(problem, "id"), id) == 0)
            return true;
    }
    return false;
}

/* A server that does not answer is why its connectors get no answer. */
static void of_silent_servers(struct finder *finder, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        const char *server = member_text(connector, "server"), *id = arena_format(finder->arena, "pg_silent:%s", server == NULL ? "" : server);

        if (problem_is_found(finder, id)) {
            follows_from(finder, "pg_silent", member_text(connector, "name"), id);
            follows_from(finder, "pg_unreachable", member_text(connector, "name"), id);
        }
    }
}

/* A private PostgreSQL that does not run is why its connectors cannot reach it. */
static void private_down(struct finder *finder, const json_t *postgres)
{
    const char *error = member_text(postgres, "error");
    json_t *down;

    down = add(finder, &table[CODE_pg_private_down].says, (struct subject){"postgres", "postgres", NULL},
               arena_format(finder->arena, "It is %s.%s%s", member_text(postgres, "state"), error == NULL || *error == '\0' ? "" : " ", error == NULL ? "" : error), NULL, NULL);
    follows_from(finder, "pg_unreachable", NULL, member_text(down, "id"));
}

static void of_services(struct finder *finder)
{
    const json_t *store = json_object_get(finder->description, "store"), *postgres = json_object_get(finder->description, "postgres");
    struct subject log = {"log", "log", NULL};

    if (json_is_true(json_object_get(store, "degraded"))) {
        const char *why = member_text(store, "degraded_why");
        enum code code = why != NULL && strstr(why, "nput/output error") != NULL ? CODE_io_error : CODE_disk_full;

        (void)add(finder, &table[code].says, log,
                  arena_format(finder->arena, "%s. %s are free on the disk of %s.", why == NULL ? "Its last write failed" : why, words_bytes(finder->arena, member_integer(store, "free_bytes", 0)),
                               member_text(finder->description, "data_dir")),
                  NULL, opening("Show the largest topics", "/topics?sort=bytes&dir=desc"));
    } else {
        of_disk(finder, member_integer(store, "free_bytes", -1));
    }
    if (member_integer(store, "read_only_partitions", 0) > 0)
        (void)add(finder, &table[CODE_partition_corrupt].says, log, corrupt_why(finder, store), NULL, NULL);
    if (member_integer(store, "uncompactable_partitions", 0) > 0)
        (void)add(finder, &table[CODE_compaction_failed].says, log, member_text(store, "uncompactable_why"), NULL, NULL);
    if (json_is_object(postgres) && json_is_true(json_object_get(finder->description, "ready")) && !json_is_true(json_object_get(postgres, "running")))
        private_down(finder, postgres);
}

/* ---- Agents, sinks, reports ---- */

/* Items of the description in a bad state. */
static void of_items(struct finder *finder, const char *list, enum code code, const char *kind, const char *folder, const char *bad)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(finder->description, list), index, item) {
        const char *name = member_text(item, "name"), *error = member_text(item, "error");

        if (strcmp(member_text(item, "state"), bad) == 0)
            (void)add(finder, &table[code].says, folder == NULL ? (struct subject){kind, name, NULL} : subject_at(finder, kind, name, folder), error == NULL ? "It did not say why." : error, NULL, NULL);
    }
}

static const char *retry_text(struct finder *finder, const json_t *agent)
{
    int64_t left_ms = member_integer(agent, "retry_us", 0) / 1000 - clock_now_ms();
    const char *error = member_text(agent, "error");

    return arena_format(finder->arena, "%s. Try %lld; the next is in %lld s.", error == NULL ? "It did not say why" : error, (long long)member_integer(agent, "tries", 0),
                        (long long)(left_ms <= 0 ? 0 : (left_ms + 999) / 1000));
}

/* Agents that try again, those that cannot read what comes, those whose script's or model's file changed to one that they cannot use, and those that drop keys for room. */
static void of_agents(struct finder *finder)
{
    struct arena *arena = finder->arena;
    const json_t *agent;
    size_t index;

    json_array_foreach(json_object_get(finder->description, "agents"), index, agent) {
        const char *name = member_text(agent, "name"), *model = member_text(agent, "model_trouble"), *script = member_text(agent, "script_trouble");

        if (strcmp(member_text(agent, "state"), "retrying") == 0)
            (void)add(finder, &table[CODE_agent_retrying].says, subject_at(finder, "agent", name, "/agents"), retry_text(finder, agent), NULL, NULL);
        if (clock_now_ms() - member_integer(agent, "dead_letter_us", 0) / 1000 < CANNOT_READ_MS)
            (void)add(finder, &table[CODE_agent_cannot_read].says, subject_at(finder, "agent", name, "/agents"),
                      arena_format(arena, "%s went to tailrace-agent-%s-dead-letters. The last: %s", words_count(arena, member_integer(agent, "dead_letters", 0), "record"), name,
                                   member_text(agent, "dead_letter")),
                      NULL, NULL);
        if (script != NULL)
            (void)add(finder, &table[CODE_script_not_taken].says, subject_at(finder, "agent", name, "/agents"), script, NULL, NULL);
        if (model != NULL)
            (void)add(finder, &table[CODE_model_not_taken].says, subject_at(finder, "agent", name, "/agents"), model, NULL, NULL);
        if (watch_evicted(api_watch(finder->api), name) > 0)
            (void)add(finder, &table[CODE_agent_state_full].says, subject_at(finder, "agent", name, "/agents"),
                      arena_format(arena, "Its state holds %s and has no room for more; %s were dropped so far. What it knew of them is forgotten.",
                                   words_count(arena, member_integer(agent, "keys", 0), "key"), words_number(arena, member_integer(agent, "evicted", 0))),
                      NULL, NULL);
    }
}

static void of_late_reports(struct finder *finder)
{
    json_t *reports = reports_make(finder->api, finder->description);
    const json_t *report;
    size_t index;

    json_array_foreach(reports, index, report) {
        struct subject subject = subject_at(finder, "report", member_text(report, "report"), "/reports");

        if (strcmp(member_text(report, "word"), "Late") == 0)
            (void)add(finder, &table[CODE_report_late].says, subject,
                      arena_format(finder->arena, "It was due %s ago.", words_duration(finder->arena, clock_now_ms() - member_integer(report, "next_ms", 0))), NULL,
                      json_pack("[{s:s, s:s, s:o, s:{}, s:s}]", "text", "Run it now", "method", "POST", "path", json_sprintf("%s/run", subject.path), "body", "confirm", "none"));
    }
    json_decref(reports);
}

/* ---- Groups ---- */

/* What is wrong with one group: the cause nearest to the remedy, and that it rebalances. */
static void of_group(struct finder *finder, const json_t *group)
{
    static const struct {
        const char *code;
        enum code problem;
    } causes[] = {{"group_lost_messages", CODE_group_lost_messages}, {"group_stuck", CODE_group_stuck}, {"member_not_polling", CODE_group_stuck}, {"group_behind", CODE_group_behind}};
    struct subject subject = subject_at(finder, "group", member_text(group, "group"), "/groups");
    const json_t *why = json_object_get(group, "why");
    const char *code = member_text(why, "code");
    int64_t rebalances = watch_rebalances(api_watch(finder->api), subject.name, clock_now_ms());
    bool is_read = member_integer(group, "members_count", 0) > 0, is_behind = strcmp(member_text(group, "state"), "warn") == 0;
    struct arena *arena = finder->arena;

    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && code != NULL && is_read; i++) {
        json_t *reasons, *actions;

        if (strcmp(causes[i].code, code) != 0 || (causes[i].problem == CODE_group_behind && !is_behind))
            continue;
        reasons = json_copy(json_object_get(why, "why"));
        actions = json_copy(json_object_get(why, "actions"));
        if (causes[i].problem == CODE_group_behind)
            (void)json_array_insert_new(reasons, 0, json_string(arena_format(arena, "%s waiting, the oldest for %s. ", words_count(arena, member_integer(group, "waiting", 0), "message"),
                                                                             words_duration(arena, member_integer(group, "lag_ms", 0)))));
        json_add(actions, json_pack("{s:s, s:s}", "text", "Open the group", "open", subject.path));
        (void)add_pieces(finder, &table[causes[i].problem].says, subject, reasons, member_text(why, "todo"), actions);
    }
    if (rebalances >= FLAPPING)
        (void)add(finder, &table[CODE_group_flapping].says, subject,
                  arena_format(arena, "It shared its partitions out %lld times in 10 min; while it does, nobody reads.", (long long)rebalances), NULL, opening("Open the group", subject.path));
}

static void of_groups(struct finder *finder, const json_t *groups)
{
    const json_t *group;
    size_t index;

    json_array_foreach(groups, index, group) of_group(finder, group);
}

/* ---- All ---- */

json_t *problems_find(struct api *api, const json_t *description, const json_t *connectors, const json_t *groups)
{
    struct arena arena;
    struct finder finder = {api, &arena, description, json_array()};

    arena_init(&arena, 16384);
    of_connectors(&finder, connectors);
    of_services(&finder);
    of_items(&finder, "agents", CODE_agent_failed, "agent", "/agents", "failed");
    of_agents(&finder);
    of_items(&finder, "sinks", CODE_sink_failing, "sink", NULL, "retrying");
    of_items(&finder, "reports", CODE_report_failed, "report", "/reports", "failed");
    of_late_reports(&finder);
    of_groups(&finder, groups);
    of_behind(&finder, connectors);
    of_snapshots(&finder, connectors);
    of_slots(&finder, connectors);
    of_databases(&finder);
    of_silent_streams(&finder, connectors);
    of_silent_servers(&finder, connectors);
    arena_finish(&arena);
    return finder.found;
}
