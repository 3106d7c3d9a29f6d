#include "web/snapshots.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "web/api.h"

#define KEY_PREFIX "snapshot:" /* connector and id behind it */
#define KEPT 20                /* of a connector */
#define BEGINS_WITHIN_MS 30000 /* a signal that nobody obeyed for so long will not be */

struct snapshots {
    struct keeper *keeper;
    pthread_mutex_t lock; /* guards the rest */
    json_t *last;         /* connector to the newest, as kept */
    json_t *whole;        /* connector to {"snapshot" that the stream waits for, "started_ms" as capture says} */
    json_t *live;         /* connector to {"snapshot": as shown, "rows", "at_ms" of the look before, "began"} */
};

struct snapshots *snapshots_create(struct keeper *keeper)
{
    struct snapshots *snapshots = memory_new(sizeof(*snapshots));

    snapshots->keeper = keeper;
    (void)pthread_mutex_init(&snapshots->lock, NULL);
    snapshots->live = json_object();
    snapshots->last = json_object();
    snapshots->whole = json_object();
    return snapshots;
}

void snapshots_destroy(struct snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    json_decref(snapshots->live);
    json_decref(snapshots->last);
    json_decref(snapshots->whole);
    (void)pthread_mutex_destroy(&snapshots->lock);
    memory_free(snapshots);
}

/* ---- Keeping ---- */

static enum status keep(struct snapshots *snapshots, const char *connector, const json_t *snapshot, struct error *error)
{
    char key[500];

    (void)snprintf(key, sizeof(key), KEY_PREFIX "%s:%s", connector, member_text(snapshot, "id"));
    return keeper_put(snapshots->keeper, key, json_deep_copy(snapshot), error);
}

/* Lock held. The newest of a connector, for those who look every second. */
static void last_note(struct snapshots *snapshots, const char *connector, const json_t *snapshot)
{
    if (member_integer(snapshot, "started_ms", 0) >= member_integer(json_object_get(snapshots->last, connector), "started_ms", 0))
        json_put(snapshots->last, connector, json_deep_copy(snapshot));
}

static void end(struct snapshots *snapshots, const char *connector, json_t *snapshot, const char *state, const char *why)
{
    json_put(snapshot, "state", json_string(state));
    json_put(snapshot, "ended_ms", json_integer(clock_now_ms()));
    json_put(snapshot, "error", json_text_or_null(why));
    (void)keep(snapshots, connector, snapshot, NULL);
    last_note(snapshots, connector, snapshot);
}

static json_t *snapshot_make(const char *id, const char *kind, int64_t started_ms)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:n, s:[], s:n, s:n, s:n}", "id", id, "kind", kind, "state", "running", "started_ms", (json_int_t)started_ms, "ended_ms", "tables", "load_max", "load",
                     "error");
}

/* ---- Looking ---- */

static json_t *table_of(json_t *snapshot, const char *name)
{
    json_t *tables = json_object_get(snapshot, "tables"), *table;
    size_t index;

    json_array_foreach(tables, index, table) {
        if (strcmp(member_text(table, "table"), name) == 0)
            return table;
    }
    table = json_pack("{s:s, s:i, s:n, s:n, s:n}", "table", name, "rows", 0, "rows_about", "rows_per_s", "left_ms");
    json_add(tables, table);
    return table;
}

/* How far the table is, how fast, and when it is done. Those before it are. */
static void table_look(json_t *snapshot, json_t *live, const json_t *said)
{
    json_t *table = table_of(snapshot, member_text(said, "table")), *other;
    int64_t rows = member_integer(said, "rows", 0), about = member_integer(table, "rows_about", -1), now_ms = clock_now_ms();
    int64_t before = member_integer(live, "rows", -1), before_ms = member_integer(live, "at_ms", 0);
    const char *before_table = member_text(live, "table");
    double rate = json_number_value(json_object_get(table, "rows_per_s"));
    size_t index;

    json_put(table, "rows", json_integer(rows));
    if (before >= 0 && before_table != NULL && strcmp(before_table, member_text(said, "table")) == 0 && now_ms > before_ms && rows >= before) {
        double now = (double)(rows - before) * 1000 / (double)(now_ms - before_ms);

        rate = rate > 0 ? rate * 0.7 + now * 0.3 : now;
        json_put(table, "rows_per_s", json_real(rate));
        json_put(table, "left_ms", about < 0 || rate <= 0 ? json_null() : json_integer(about > rows ? (json_int_t)((double)(about - rows) * 1000 / rate) : 0));
    }
    json_array_foreach(json_object_get(snapshot, "tables"), index, other) {
        if (other == table)
            break;
        json_put(other, "rows_per_s", json_null());
        json_put(other, "left_ms", json_integer(0));
    }
    json_put(live, "rows", json_integer(rows));
    json_put(live, "at_ms", json_integer(now_ms));
    json_put(live, "table", json_string(member_text(said, "table")));
}

static json_t *share_make(const json_t *said, const char *name)
{
    double share = json_number_value(json_object_get(said, name));

    return share > 0 ? json_real(share) : json_null();
}

/* Lock held. The one that the connector says is under way, or that was asked for. */
static json_t *live_of(struct snapshots *snapshots, const char *connector, const char *id)
{
    json_t *live = json_object_get(snapshots->live, connector), *snapshot = json_object_get(live, "snapshot");

    if (snapshot != NULL && (id == NULL || strcmp(member_text(snapshot, "id"), id) == 0))
        return live;
    if (id == NULL)
        return NULL;
    if (snapshot != NULL)
        end(snapshots, connector, snapshot, "done", NULL);
    else if (live == NULL) { /* one from before the program started */
        char key[500];
        json_t *kept;

        (void)snprintf(key, sizeof(key), KEY_PREFIX "%s:%s", connector, id);
        kept = keeper_get(snapshots->keeper, key);
        if (json_is_object(kept)) {
            live = json_pack("{s:o}", "snapshot", kept);
            json_put(snapshots->live, connector, live);
            return live;
        }
    }
    live = json_pack("{s:o}", "snapshot", snapshot_make(id, "incremental", clock_now_ms()));
    json_put(snapshots->live, connector, live);
    return live;
}

/* The last rows came between two looks: nothing is left to read, of a table that did not fail. */
static void all_read(json_t *snapshot, const char *failure)
{
    json_t *table;
    size_t index;

    json_array_foreach(json_object_get(snapshot, "tables"), index, table) {
        json_put(table, "rows_per_s", json_null());
        json_put(table, "left_ms", failure == NULL ? json_integer(0) : json_null());
    }
}

/* ---- The initial one, and those that a signal made the stream wait for ---- */

static json_t *table_read(const json_t *said, const json_t *before)
{
    int64_t rows = member_integer(said, "rows", 0), known = member_integer(before, "rows", 0);

    return json_pack("{s:O, s:I, s:o, s:n, s:n}", "table", json_object_get(said, "table"), "rows", (json_int_t)(known > rows ? known : rows), "rows_about",
                     json_integer_or_null(member_integer(said, "rows_about", -1)), "rows_per_s", "left_ms");
}

/* Rate of the whole since it began, for the table under way. */
static void rate_put(json_t *table, int64_t all_rows, int64_t took_ms)
{
    double rate = took_ms <= 0 ? 0 : (double)all_rows * 1000 / (double)took_ms;
    int64_t about = member_integer(table, "rows_about", -1), rows = member_integer(table, "rows", 0);

    if (rate <= 0)
        return;
    json_put(table, "rows_per_s", json_real(rate));
    json_put(table, "left_ms", about < 0 ? json_null() : json_integer(about > rows ? (json_int_t)((double)(about - rows) * 1000 / rate) : 0));
}

static void whole_tables_look(json_t *snapshot, const json_t *capture, bool is_over)
{
    const json_t *list = json_object_get(capture, "snapshot_table_list"), *said;
    json_t *before = json_incref(json_object_get(snapshot, "tables")), *now = json_array(), *table;
    int64_t took_ms = clock_now_ms() - member_integer(capture, "snapshot_started_ms", 0);
    bool is_first = true;
    size_t index;

    json_array_foreach(list, index, said) {
        table = table_read(said, json_array_get(before, index));
        if (!json_is_true(json_object_get(said, "done")) && !is_over && is_first) {
            is_first = false;
            rate_put(table, member_integer(capture, "snapshot_rows", 0), took_ms);
        } else if (is_first || is_over) {
            json_put(table, "left_ms", json_integer(0));
        }
        json_add(now, table);
    }
    json_put(snapshot, "tables", now);
    json_decref(before);
}

/* The one that was interrupted by the end of the program goes on under its name. */
static json_t *whole_begun(struct snapshots *snapshots, const char *connector, const char *kind, int64_t started_ms)
{
    char prefix[400], id[40];
    json_t *kept, *one, *found = NULL;
    const char *key;

    (void)snprintf(prefix, sizeof(prefix), KEY_PREFIX "%s:", connector);
    kept = keeper_all(snapshots->keeper, prefix);
    json_object_foreach(kept, key, one) {
        const char *state = member_text(one, "state");

        if (found == NULL && state != NULL && member_text(one, "kind") != NULL && strcmp(member_text(one, "kind"), kind) == 0 && strcmp(state, "done") != 0)
            found = json_deep_copy(one);
    }
    json_decref(kept);
    if (found != NULL)
        return found;
    (void)snprintf(id, sizeof(id), "%c-%llx", kind[0], (unsigned long long)started_ms);
    return snapshot_make(id, kind, started_ms);
}

/* Follows what capture says of a snapshot that the stream waits for, until it is over. */
static void whole_look(struct snapshots *snapshots, const char *name, const json_t *capture)
{
    int64_t started_ms = member_integer(capture, "snapshot_started_ms", 0), ended_ms = member_integer(capture, "snapshot_ended_ms", 0);
    const char *state = member_text(capture, "state"), *error = member_text(capture, "error"), *kind = json_is_true(json_object_get(capture, "snapshot_blocking")) ? "blocking" : "initial";
    json_t *whole = json_object_get(snapshots->whole, name), *snapshot;
    bool is_new = started_ms != 0 && member_integer(whole, "started_ms", 0) != started_ms;
    const char *now = ended_ms != 0 ? "done" : strcmp(state, "failed") == 0 ? "failed" : "running"; /* what can pass is tried again, and goes on */

    if (started_ms == 0 || (!is_new && strcmp(member_text(json_object_get(whole, "snapshot"), "state"), "done") == 0))
        return;
    if (is_new) {
        const json_t *before = json_object_get(whole, "snapshot");
        bool goes_on = before != NULL && strcmp(member_text(before, "kind"), kind) == 0 && strcmp(member_text(before, "state"), "done") != 0;

        whole = json_pack("{s:I, s:o}", "started_ms", (json_int_t)started_ms, "snapshot", goes_on ? json_deep_copy(before) : whole_begun(snapshots, name, kind, started_ms));
        json_put(snapshots->whole, name, whole);
    }
    snapshot = json_object_get(whole, "snapshot");
    whole_tables_look(snapshot, capture, ended_ms != 0);
    if (!is_new && strcmp(member_text(snapshot, "state"), now) == 0)
        return;
    json_put(snapshot, "state", json_string(now));
    json_put(snapshot, "ended_ms", json_integer_or_null(ended_ms == 0 ? -1 : ended_ms));
    json_put(snapshot, "error", strcmp(now, "failed") == 0 ? json_text_or_null(error) : json_null());
    (void)keep(snapshots, name, snapshot, NULL);
    last_note(snapshots, name, snapshot);
}

/* The connector does not run. */
static void whole_rests(struct snapshots *snapshots, const char *name)
{
    json_t *snapshot = json_object_get(json_object_get(snapshots->whole, name), "snapshot");

    if (snapshot == NULL || strcmp(member_text(snapshot, "state"), "running") != 0)
        return;
    json_put(snapshot, "state", json_string("stopped"));
    (void)keep(snapshots, name, snapshot, NULL);
    last_note(snapshots, name, snapshot);
}

/* ---- Looking at connectors ---- */

static void connector_look(struct snapshots *snapshots, const json_t *connector)
{
    const char *name = member_text(connector, "name");
    const json_t *capture = json_object_get(connector, "capture"), *said = json_object_get(capture, "incremental");
    bool under_way = member_integer(said, "tables", 0) > 0;
    json_t *live, *snapshot;

    if (!json_is_object(capture)) { /* stopped or paused: it goes on with the connector */
        whole_rests(snapshots, name);
        return;
    }
    whole_look(snapshots, name, capture);
    live = live_of(snapshots, name, under_way ? member_text(said, "id") : NULL);
    snapshot = json_object_get(live, "snapshot");
    if (under_way) {
        json_put(live, "began", json_true());
        json_put(snapshot, "state", json_string(json_is_true(json_object_get(said, "paused")) ? "paused" : "running"));
        json_put(snapshot, "load_max", share_make(said, "load_max"));
        json_put(snapshot, "load", share_make(said, "load"));
        table_look(snapshot, live, said);
    } else if (snapshot != NULL && (json_is_true(json_object_get(live, "began")) || (json_is_object(said) && strcmp(member_text(said, "id"), member_text(snapshot, "id")) == 0))) {
        const char *failure = member_text(said, "error");

        all_read(snapshot, failure);
        end(snapshots, name, snapshot, failure == NULL ? "done" : "failed", failure);
        (void)json_object_del(snapshots->live, name);
    } else if (snapshot != NULL && clock_now_ms() - member_integer(snapshot, "started_ms", 0) > BEGINS_WITHIN_MS) {
        /* So small that it was over between two looks, or a condition that PostgreSQL refused. */
        end(snapshots, name, snapshot, "done", NULL);
        (void)json_object_del(snapshots->live, name);
    }
}

static bool is_there(const json_t *connectors, const char *name)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(connectors, index, connector) {
        if (strcmp(member_text(connector, "name"), name) == 0)
            return true;
    }
    return false;
}

/* A connector that was deleted takes its snapshots with it: one of the same name has none of them. */
static void forget(struct snapshots *snapshots, const char *connector)
{
    char prefix[400];
    json_t *kept, *one;
    const char *key;

    (void)snprintf(prefix, sizeof(prefix), KEY_PREFIX "%s:", connector);
    kept = keeper_all(snapshots->keeper, prefix);
    json_object_foreach(kept, key, one) {
        if (strchr(key + strlen(prefix), ':') == NULL) /* else of one whose name goes on */
            (void)keeper_put(snapshots->keeper, key, NULL, NULL);
    }
    json_decref(kept);
    (void)json_object_del(snapshots->live, connector);
    (void)json_object_del(snapshots->whole, connector);
    (void)json_object_del(snapshots->last, connector);
}

void snapshots_look(struct snapshots *snapshots, const json_t *connectors)
{
    const json_t *connector;
    json_t *last;
    const char *name;
    size_t index;
    void *next;

    (void)pthread_mutex_lock(&snapshots->lock);
    json_object_foreach_safe(snapshots->last, next, name, last) {
        char *gone = json_is_array(connectors) && !is_there(connectors, name) ? memory_copy_string(name) : NULL;

        if (gone != NULL)
            forget(snapshots, gone);
        memory_free(gone);
    }
    json_array_foreach(connectors, index, connector) connector_look(snapshots, connector);
    (void)pthread_mutex_unlock(&snapshots->lock);
}

/* ---- What people do ---- */

enum status snapshots_begin(struct snapshots *snapshots, const char *connector, const char *id, const json_t *tables, double load_max, struct error *error)
{
    json_t *snapshot = snapshot_make(id, "incremental", clock_now_ms());
    const json_t *table;
    size_t index;
    enum status status;

    json_array_foreach(tables, index, table)
        json_add(json_object_get(snapshot, "tables"), json_pack("{s:O, s:i, s:O, s:n, s:n}", "table", json_object_get(table, "table"), "rows", 0, "rows_about", json_object_get(table, "rows_about"),
                                                                "rows_per_s", "left_ms"));
    json_put(snapshot, "load_max", load_max > 0 ? json_real(load_max) : json_null());
    status = keep(snapshots, connector, snapshot, error);
    (void)pthread_mutex_lock(&snapshots->lock);
    if (status == OK && json_object_get(snapshots->live, connector) == NULL)
        json_put(snapshots->live, connector, json_pack("{s:O}", "snapshot", snapshot));
    if (status == OK)
        last_note(snapshots, connector, snapshot);
    (void)pthread_mutex_unlock(&snapshots->lock);
    json_decref(snapshot);
    return status;
}

void snapshots_stopped(struct snapshots *snapshots, const char *connector, const char *id)
{
    json_t *snapshot;

    (void)pthread_mutex_lock(&snapshots->lock);
    snapshot = json_object_get(live_of(snapshots, connector, NULL), "snapshot");
    if (snapshot != NULL && strcmp(member_text(snapshot, "id"), id) == 0) {
        end(snapshots, connector, snapshot, "stopped", NULL);
        (void)json_object_del(snapshots->live, connector);
    }
    (void)pthread_mutex_unlock(&snapshots->lock);
}

json_t *snapshots_whole(struct snapshots *snapshots, const char *connector)
{
    json_t *snapshot;

    (void)pthread_mutex_lock(&snapshots->lock);
    snapshot = json_deep_copy(json_object_get(json_object_get(snapshots->whole, connector), "snapshot"));
    (void)pthread_mutex_unlock(&snapshots->lock);
    return snapshot;
}

json_t *snapshots_running(struct snapshots *snapshots, const char *connector)
{
    json_t *snapshot;

    (void)pthread_mutex_lock(&snapshots->lock);
    snapshot = json_deep_copy(json_object_get(json_object_get(snapshots->live, connector), "snapshot"));
    (void)pthread_mutex_unlock(&snapshots->lock);
    return snapshot;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = member_integer(*(json_t *const *)a, "started_ms", 0), y = member_integer(*(json_t *const *)b, "started_ms", 0);

    return x > y ? -1 : x < y;
}

static bool same_id(const json_t *a, const json_t *b)
{
    return a != NULL && member_text(a, "id") != NULL && member_text(b, "id") != NULL && strcmp(member_text(a, "id"), member_text(b, "id")) == 0;
}

json_t *snapshots_list(struct snapshots *snapshots, const char *connector)
{
    json_t *running = snapshots_running(snapshots, connector), *whole = snapshots_whole(snapshots, connector), *list = json_array(), *kept, *one;
    char prefix[400];
    const char *key;
    json_t *sorted[1000];
    size_t count = 0;

    (void)snprintf(prefix, sizeof(prefix), KEY_PREFIX "%s:", connector);
    kept = keeper_all(snapshots->keeper, prefix);
    json_object_foreach(kept, key, one) {
        if (json_is_object(one) && !same_id(running, one) && !same_id(whole, one) && count + 2 < sizeof(sorted) / sizeof(sorted[0]))
            sorted[count++] = one;
    }
    if (running != NULL) /* those that are followed are newer than their copies */
        sorted[count++] = running;
    if (whole != NULL)
        sorted[count++] = whole;
    qsort(sorted, count, sizeof(sorted[0]), newest_first);
    for (size_t i = 0; i < count && i < KEPT; i++)
        json_add(list, json_incref(sorted[i]));
    for (size_t i = KEPT; i < count; i++) {
        char old[500];

        (void)snprintf(old, sizeof(old), "%s%s", prefix, member_text(sorted[i], "id"));
        (void)keeper_put(snapshots->keeper, old, NULL, NULL);
    }
    json_decref(kept);
    json_decref(running);
    json_decref(whole);
    return list;
}

json_t *snapshots_last(struct snapshots *snapshots, const char *connector)
{
    json_t *last, *list;

    (void)pthread_mutex_lock(&snapshots->lock);
    last = json_deep_copy(json_object_get(snapshots->last, connector));
    (void)pthread_mutex_unlock(&snapshots->lock);
    if (last != NULL)
        return json_is_object(last) ? last : (json_decref(last), NULL);
    list = snapshots_list(snapshots, connector); /* one from before the program started */
    last = json_array_size(list) > 0 ? json_incref(json_array_get(list, 0)) : json_null();
    json_decref(list);
    (void)pthread_mutex_lock(&snapshots->lock);
    if (json_object_get(snapshots->last, connector) == NULL)
        json_put(snapshots->last, connector, json_deep_copy(last));
    (void)pthread_mutex_unlock(&snapshots->lock);
    return json_is_object(last) ? last : (json_decref(last), NULL);
}
