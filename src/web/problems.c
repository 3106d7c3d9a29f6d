#include "web/problems.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "web/problem_alerts.h"
#include "web/slots.h"
#include "web/watch.h"

#define GOOD_MS 30000            /* a problem is over after so long without it */
#define DISK_LOW_BYTES (1 << 30) /* less than this is little room */
#define DISK_FORECAST_MS (24 * 3600 * 1000LL)
#define DISK_CRITICAL_MS (3600 * 1000LL)
#define CAPTURE_BEHIND_MS 60000
#define FLAPPING 5 /* rebalances in ten minutes */
#define TEXT_BYTES 400
#define WHY_BYTES_MAX (1 << 20)

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

struct problems {
    pthread_mutex_t lock; /* guards quiet; a leaf */
    json_t *quiet;        /* id to when it may be said again, ms */
    json_t *open;         /* id to the problem as it was seen last, with seen_ms */
    int64_t looked_ms;    /* when problems_now was called last */
    struct problem_alerts *alerts;
};

struct problems *problems_create(struct log *log, const char *topic)
{
    struct problems *problems = memory_new(sizeof(*problems));

    (void)pthread_mutex_init(&problems->lock, NULL);
    problems->quiet = json_object();
    problems->open = json_object();
    problems->alerts = problem_alerts_create(log, topic);
    return problems;
}

void problems_destroy(struct problems *problems)
{
    if (problems == NULL)
        return;
    json_decref(problems->quiet);
    json_decref(problems->open);
    problem_alerts_destroy(problems->alerts);
    (void)pthread_mutex_destroy(&problems->lock);
    memory_free(problems);
}

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

/* ---- One problem ---- */

struct subject {
    const char *kind, *name, *path; /* path NULL: no page */
};

/* What is lost by it; most lose nothing. NULL: nothing so far */
static const char *loss_of(const char *code)
{
    static const struct {
        const char *code, *lost;
    } losses[] = {
        {"slot_lost", "changes since then are not in the log; a new snapshot brings the rows as they are now"},
        {"slot_lost_wal", "changes since then are not in the log; a new snapshot brings the rows as they are now"},
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

/* todo NULL: the table's. */
static void add(json_t *found, const struct cause *says, struct subject subject, const char *why, const char *todo, json_t *actions)
{
    json_t *problem = json_object(), *reasons = json_array();
    char title[TEXT_BYTES];
    const char *at = strstr(says->title, "%s");

    if (at == NULL)
        (void)snprintf(title, sizeof(title), "%s", says->title);
    else
        (void)snprintf(title, sizeof(title), "%.*s%s%s", (int)(at - says->title), says->title, subject.name, at + 2);
    if (subject.path != NULL) {
        json_add(reasons, json_pack("{s:s, s:s}", "link", subject.path, "text", subject.name));
        json_add(reasons, json_string(": "));
    }
    json_add(reasons, json_slice(slice_from_string(why)));
    json_put(problem, "id", json_sprintf("%s:%s", says->code, subject.name));
    json_put(problem, "code", json_string(says->code));
    json_put(problem, "severity", json_string(says->severity));
    json_put(problem, "since_ms", json_integer(clock_now_ms()));
    json_put(problem, "subject", json_pack("{s:s, s:s}", "kind", subject.kind, "name", subject.name));
    json_put(problem, "title", json_string(title));
    json_put(problem, "why", reasons);
    json_put(problem, "todo", json_slice(slice_from_string(todo == NULL ? says->todo : todo)));
    json_put(problem, "lost", json_string(loss_of(says->code) == NULL ? "nothing so far" : loss_of(says->code)));
    json_put(problem, "caused_by", json_null());
    json_put(problem, "actions", actions == NULL ? json_array() : actions);
    json_add(found, problem);
}

static void of_connectors(json_t *found, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        const json_t *error = json_object_get(connector, "error");
        const char *name = member_text(connector, "name"), *code = member_text(error, "code");
        char path[TEXT_BYTES];

        if (!json_is_object(error))
            continue;
        (void)snprintf(path, sizeof(path), "/connectors/%s", name);
        for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
            if (strcmp(table[row].says.code, code) != 0)
                continue;
            add(found, &table[row].says, (struct subject){"connector", name, path}, member_text(error, "quote"), member_text(error, "todo"),
                json_pack("[{s:s, s:s}, {s:s, s:s, s:o, s:{}, s:s}]", "text", "Open the connector", "open", path, "text", "Restart it", "method", "POST", "path",
                          json_sprintf("/connect/connectors/%s/restart?includeTasks=true&onlyFailed=true", name), "body", "confirm", "none"));
        }
    }
}

/* Little room, or so little that it is used up within a day. */
static void of_disk(json_t *found, struct api *api, int64_t free_bytes)
{
    struct cause says = table[CODE_disk_low].says;
    int64_t left_ms = watch_disk_left_ms(api_watch(api));
    bool fills = left_ms >= 0 && left_ms < DISK_FORECAST_MS;
    char why[TEXT_BYTES];

    if (free_bytes < 0 || (free_bytes >= DISK_LOW_BYTES && !fills))
        return;
    says.severity = fills && left_ms < DISK_CRITICAL_MS ? "crit" : says.severity;
    if (fills)
        (void)snprintf(why, sizeof(why), "%.1f GiB are free, and full in about %lld h %lld min at the rate of the last 10 min.", (double)free_bytes / (1 << 30), (long long)left_ms / 3600000,
                       (long long)left_ms / 60000 % 60);
    else
        (void)snprintf(why, sizeof(why), "Less than 1 GiB is free.");
    add(found, &says, (struct subject){"log", "log", NULL}, why, NULL, NULL);
}

static const char *corrupt_why(const json_t *store, char *why, size_t size)
{
    const json_t *names = json_object_get(store, "read_only");
    size_t used = (size_t)snprintf(why, size, "Their files do not match their checksums: ");

    for (size_t i = 0; i < json_array_size(names) && used < size; i++)
        used += (size_t)snprintf(why + used, size - used, "%s%s", i == 0 ? "" : ", ", json_string_value(json_array_get(names, i)));
    return why;
}

static void of_services(json_t *found, struct api *api, const json_t *description)
{
    const json_t *store = json_object_get(description, "store"), *postgres = json_object_get(description, "postgres");
    int64_t free_bytes = member_integer(store, "free_bytes", -1);
    struct subject log = {"log", "log", NULL};
    char corrupt[TEXT_BYTES];

    if (json_is_true(json_object_get(store, "degraded"))) {
        const char *why = member_text(store, "degraded_why");

        enum code code = why != NULL && strstr(why, "nput/output error") != NULL ? CODE_io_error : CODE_disk_full;

        add(found, &table[code].says, log, why == NULL ? "Its last write failed." : why, NULL, NULL);
    } else {
        of_disk(found, api, free_bytes);
    }
    if (member_integer(store, "read_only_partitions", 0) > 0)
        add(found, &table[CODE_partition_corrupt].says, log, corrupt_why(store, corrupt, sizeof(corrupt)), NULL, NULL);
    if (member_integer(store, "uncompactable_partitions", 0) > 0)
        add(found, &table[CODE_compaction_failed].says, log, member_text(store, "uncompactable_why"), NULL, NULL);
    if (json_is_object(postgres) && json_is_true(json_object_get(description, "ready")) && !json_is_true(json_object_get(postgres, "running")))
        add(found, &table[CODE_pg_private_down].says, (struct subject){"postgres", "postgres", NULL}, member_text(postgres, "error"), NULL, NULL);
}

/* Items of the description whose state is one of two. */
static void of_items(json_t *found, const json_t *items, enum code code, const char *kind, const char *folder, const char *bad)
{
    const json_t *item;
    size_t index;

    json_array_foreach(items, index, item) {
        const char *name = member_text(item, "name"), *error = member_text(item, "error");
        char path[TEXT_BYTES];

        if (strcmp(member_text(item, "state"), bad) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder == NULL ? "" : folder, name);
        add(found, &table[code].says, (struct subject){kind, name, folder == NULL ? NULL : path}, error == NULL ? "It did not say why." : error, NULL, NULL);
    }
}

/* Agents whose model's file changed to one that they cannot use. */
static void of_models(json_t *found, const json_t *agents)
{
    const json_t *agent;
    size_t index;

    json_array_foreach(agents, index, agent) {
        const char *name = member_text(agent, "name"), *trouble = member_text(agent, "model_trouble");
        char path[TEXT_BYTES];

        if (trouble == NULL)
            continue;
        (void)snprintf(path, sizeof(path), "/agents/%s", name);
        add(found, &table[CODE_model_not_taken].says, (struct subject){"agent", name, path}, trouble, NULL, NULL);
    }
}

/* Slots whose WAL fills the disk within a day, or that PostgreSQL has given up. */
static void of_slots(json_t *found, json_t *slots)
{
    const json_t *slot;
    size_t index;

    json_array_foreach(slots, index, slot) {
        const char *state = member_text(slot, "state"), *name = member_text(slot, "slot"), *status = member_text(slot, "wal_status");
        struct cause says = table[CODE_slot_fills_disk].says;
        long long left_min = ((long long)member_integer(slot, "full_at_ms", 0) - clock_now_ms()) / 60000;
        char why[TEXT_BYTES];

        if (strcmp(state, "crit") != 0 && strcmp(state, "warn") != 0)
            continue;
        if (status != NULL && strcmp(status, "lost") == 0) {
            add(found, &table[CODE_slot_lost_wal].says, (struct subject){"slot", name, NULL}, "It kept more WAL than max_slot_wal_keep_size allows.", NULL, NULL);
            continue;
        }
        says.severity = strcmp(state, "crit") == 0 ? "crit" : "warn";
        (void)snprintf(why, sizeof(why), "It holds %lld MiB of WAL, and the room is used up in about %lld h %lld min.", (long long)member_integer(slot, "wal_bytes", 0) >> 20,
                       left_min / 60, left_min % 60);
        add(found, &says, (struct subject){"slot", name, NULL}, why, NULL,
            json_pack("[{s:s, s:s, s:o, s:{}, s:s}]", "text", "Drop the slot…", "method", "DELETE", "path", json_sprintf("/slots/%s", name), "body", "confirm", "type"));
    }
    json_decref(slots);
}

/* What is wrong with one group: the cause nearest to the remedy, and that it rebalances. */
static void of_group(json_t *found, struct api *api, const json_t *group)
{
    static const struct {
        const char *code;
        enum code problem;
    } causes[] = {{"group_lost_messages", CODE_group_lost_messages}, {"group_stuck", CODE_group_stuck}, {"group_behind", CODE_group_behind}};
    const char *name = member_text(group, "group");
    const json_t *why = json_object_get(group, "why");
    const char *code = member_text(why, "code"), *text = json_string_value(json_array_get(json_object_get(why, "why"), 0));
    int64_t rebalances = watch_rebalances(api_watch(api), name, clock_now_ms());
    bool is_read = member_integer(group, "members_count", 0) > 0, is_behind = strcmp(member_text(group, "state"), "warn") == 0;
    char path[TEXT_BYTES], said[TEXT_BYTES];

    (void)snprintf(path, sizeof(path), "/groups/%s", name);
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && code != NULL && is_read; i++) {
        if (strcmp(causes[i].code, code) != 0 || (causes[i].problem == CODE_group_behind && !is_behind))
            continue;
        if (causes[i].problem == CODE_group_behind)
            (void)snprintf(said, sizeof(said), "%lld messages wait, the oldest for %lld s. %s", (long long)member_integer(group, "waiting", 0),
                           (long long)member_integer(group, "lag_ms", 0) / 1000, text == NULL ? "" : text);
        else
            (void)snprintf(said, sizeof(said), "%s", text == NULL ? "" : text);
        add(found, &table[causes[i].problem].says, (struct subject){"group", name, path}, said, member_text(why, "todo"), json_pack("[{s:s, s:s}]", "text", "Open the group", "open", path));
    }
    if (rebalances < FLAPPING)
        return;
    (void)snprintf(said, sizeof(said), "It shared its partitions out %lld times in 10 min; while it does, nobody reads.", (long long)rebalances);
    add(found, &table[CODE_group_flapping].says, (struct subject){"group", name, path}, said, NULL, json_pack("[{s:s, s:s}]", "text", "Open the group", "open", path));
}

static void of_groups(json_t *found, struct api *api, const json_t *groups)
{
    const json_t *group;
    size_t index;

    json_array_foreach(groups, index, group) of_group(found, api, group);
}

static void of_behind(json_t *found, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        const char *name = member_text(connector, "name");
        int64_t lag_ms = member_integer(connector, "lag_ms", -1);
        char path[TEXT_BYTES], why[TEXT_BYTES];

        if (lag_ms < CAPTURE_BEHIND_MS || strcmp(member_text(connector, "state"), "ok") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "/connectors/%s", name);
        (void)snprintf(why, sizeof(why), "PostgreSQL wrote what it has not received yet %lld s ago.", (long long)lag_ms / 1000);
        add(found, &table[CODE_capture_behind].says, (struct subject){"connector", name, path}, why, NULL, json_pack("[{s:s, s:s}]", "text", "Open the connector", "open", path));
    }
}

static void of_full_agents(json_t *found, struct api *api, const json_t *agents)
{
    const json_t *agent;
    size_t index;

    json_array_foreach(agents, index, agent) {
        const char *name = member_text(agent, "name");
        char path[TEXT_BYTES], why[TEXT_BYTES];

        if (watch_evicted(api_watch(api), name) == 0)
            continue;
        (void)snprintf(path, sizeof(path), "/agents/%s", name);
        (void)snprintf(why, sizeof(why), "Its state holds %lld keys and has no room for more; %lld were dropped so far. What it knew of them is forgotten.", (long long)member_integer(agent, "keys", 0),
                       (long long)member_integer(agent, "evicted", 0));
        add(found, &table[CODE_agent_state_full].says, (struct subject){"agent", name, path}, why, NULL, NULL);
    }
}

static void of_late_reports(json_t *found, struct api *api, const json_t *description)
{
    json_t *reports = reports_make(api, description);
    const json_t *report;
    size_t index;

    json_array_foreach(reports, index, report) {
        const char *name = member_text(report, "report");
        char path[TEXT_BYTES], why[TEXT_BYTES];

        if (strcmp(member_text(report, "word"), "Late") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "/reports/%s", name);
        (void)snprintf(why, sizeof(why), "It was due %lld min ago.", ((long long)clock_now_ms() - member_integer(report, "next_ms", 0)) / 60000);
        add(found, &table[CODE_report_late].says, (struct subject){"report", name, path}, why, NULL,
            json_pack("[{s:s, s:s, s:s, s:{}, s:s}]", "text", "Run it now", "method", "POST", "path", path, "body", "confirm", "none"));
    }
    json_decref(reports);
}

/* ---- Over time ---- */

static int rank(const json_t *problem)
{
    const char *severity = member_text(problem, "severity");

    return strcmp(severity, "crit") == 0 ? 0 : strcmp(severity, "warn") == 0 ? 1 : 2;
}

/* Takes what was found into what is open: since when, and what is new. */
static void track(struct problems *problems, struct api *api, const json_t *found, int64_t now_ms)
{
    json_t *problem;
    size_t index;

    json_array_foreach(found, index, problem) {
        const char *id = member_text(problem, "id");
        const json_t *known = json_object_get(problems->open, id);

        if (known == NULL)
            api_event(api, member_text(problem, "severity"), member_text(json_object_get(problem, "subject"), "name"), member_text(problem, "title"));
        else
            json_put(problem, "since_ms", json_copy(json_object_get(known, "since_ms")));
        json_put(problem, "seen_ms", json_integer(now_ms));
        json_put(problems->open, id, json_incref(problem));
        problem_alerts_open(problems->alerts, problem);
    }
}

static void close_old(struct problems *problems, struct api *api, int64_t now_ms)
{
    const char *id;
    json_t *problem;
    void *next;

    json_object_foreach_safe(problems->open, next, id, problem) {
        if (now_ms - member_integer(problem, "seen_ms", 0) < GOOD_MS)
            continue;
        api_event(api, "ok", member_text(json_object_get(problem, "subject"), "name"), "Over: the problem is gone.");
        (void)json_object_del(problems->open, id);
    }
}

/* Nobody makes one quiet by which something is lost. */
static bool is_quiet(struct problems *problems, const json_t *problem, int64_t now_ms)
{
    const char *id = member_text(problem, "id");
    bool quiet;

    if (loss_of(member_text(problem, "code")) != NULL)
        return false;
    (void)pthread_mutex_lock(&problems->lock);
    quiet = member_integer(problems->quiet, id, 0) > now_ms;
    (void)pthread_mutex_unlock(&problems->lock);
    return quiet;
}

void problems_quiet(struct problems *problems, const char *id, int64_t minutes)
{
    (void)pthread_mutex_lock(&problems->lock);
    json_put(problems->quiet, id, json_integer(clock_now_ms() + minutes * 60000));
    (void)pthread_mutex_unlock(&problems->lock);
}

json_t *problems_now(struct problems *problems, struct api *api, const json_t *description, const json_t *connectors, const json_t *groups)
{
    json_t *found = json_array(), *shown = json_array(), *problem;
    int64_t now_ms = clock_now_ms();
    const char *id;

    of_connectors(found, connectors);
    of_services(found, api, description);
    of_items(found, json_object_get(description, "agents"), CODE_agent_failed, "agent", "/agents", "failed");
    of_items(found, json_object_get(description, "agents"), CODE_agent_failed, "agent", "/agents", "retrying");
    of_models(found, json_object_get(description, "agents"));
    of_items(found, json_object_get(description, "sinks"), CODE_sink_failing, "sink", NULL, "retrying");
    of_items(found, json_object_get(description, "reports"), CODE_report_failed, "report", "/reports", "failed");
    of_groups(found, api, groups);
    of_behind(found, connectors);
    of_full_agents(found, api, json_object_get(description, "agents"));
    of_late_reports(found, api, description);
    of_slots(found, slots_list(api_slots(api)));
    problems->looked_ms = now_ms;
    track(problems, api, found, now_ms);
    close_old(problems, api, now_ms);
    problem_alerts_close_others(problems->alerts, problems->open);
    json_decref(found);
    for (int wanted = 0; wanted < 3; wanted++) {
        json_object_foreach(problems->open, id, problem) {
            json_t *copy;

            if (rank(problem) != wanted || is_quiet(problems, problem, now_ms))
                continue;
            copy = json_copy(problem);
            (void)json_object_del(copy, "seen_ms");
            json_add(shown, copy);
        }
    }
    return shown;
}

static void plain_add(json_t *plain, const json_t *problem)
{
    const json_t *piece;
    size_t k;
    const json_t *subject = json_object_get(problem, "subject");
    json_t *one = json_object();
    struct buffer why;

    buffer_init(&why, WHY_BYTES_MAX);
    json_array_foreach(json_object_get(problem, "why"), k, piece) {
        const char *text = json_is_string(piece) ? json_string_value(piece) : member_text(piece, "text");

        buffer_append_string(&why, text == NULL ? "" : text);
    }
    json_put(one, "id", json_copy(json_object_get(problem, "id")));
    json_put(one, "code", json_copy(json_object_get(problem, "code")));
    json_put(one, "severity", json_copy(json_object_get(problem, "severity")));
    json_put(one, "kind", json_copy(json_object_get(subject, "kind")));
    json_put(one, "name", json_copy(json_object_get(subject, "name")));
    json_put(one, "what", json_copy(json_object_get(problem, "title")));
    json_put(one, "why", json_slice(buffer_slice(&why)));
    json_put(one, "do", json_copy(json_object_get(problem, "todo")));
    json_put(one, "since_ms", json_copy(json_object_get(problem, "since_ms")));
    json_add(plain, one);
    buffer_finish(&why);
}

bool problems_lose(const json_t *problems)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(problems, index, problem) {
        const char *code = member_text(problem, "code");

        if (strcmp(code, "slot_lost") == 0 || strcmp(code, "slot_lost_wal") == 0)
            return true;
    }
    return false;
}

json_t *problems_plain(struct problems *problems)
{
    json_t *plain = json_array();
    const json_t *problem;
    const char *id;

    for (int wanted = 0; wanted < 3; wanted++) {
        json_object_foreach(problems->open, id, problem) {
            if (rank(problem) == wanted && member_integer(problem, "seen_ms", 0) == problems->looked_ms && !is_quiet(problems, problem, problems->looked_ms))
                plain_add(plain, problem);
        }
    }
    return plain;
}
