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
    json_t *live;         /* connector to {"snapshot": as shown, "rows", "at_ms" of the look before, "began"} */
};

struct snapshots *snapshots_create(struct keeper *keeper)
{
    struct snapshots *snapshots = memory_new(sizeof(*snapshots));

    snapshots->keeper = keeper;
    (void)pthread_mutex_init(&snapshots->lock, NULL);
    snapshots->live = json_object();
    snapshots->last = json_object();
    return snapshots;
}

void snapshots_destroy(struct snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    json_decref(snapshots->live);
    json_decref(snapshots->last);
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

static void end(struct snapshots *snapshots, const char *connector, json_t *snapshot, const char *state, const char *why)
{
    json_put(snapshot, "state", json_string(state));
    json_put(snapshot, "ended_ms", json_integer(clock_now_ms()));
    json_put(snapshot, "error", json_text_or_null(why));
    (void)keep(snapshots, connector, snapshot, NULL);
}

static json_t *snapshot_make(const char *id)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:n, s:[], s:n, s:n}", "id", id, "kind", "incremental", "state", "running", "started_ms", (json_int_t)clock_now_ms(), "ended_ms", "tables", "load_max",
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
    live = json_pack("{s:o}", "snapshot", snapshot_make(id));
    json_put(snapshots->live, connector, live);
    return live;
}

static void connector_look(struct snapshots *snapshots, const json_t *connector)
{
    const char *name = member_text(connector, "name");
    const json_t *capture = json_object_get(connector, "capture"), *said = json_object_get(capture, "incremental");
    bool under_way = member_integer(said, "tables", 0) > 0;
    json_t *live, *snapshot;

    if (!json_is_object(capture)) /* stopped or paused: it goes on with the connector */
        return;
    live = live_of(snapshots, name, under_way ? member_text(said, "id") : NULL);
    snapshot = json_object_get(live, "snapshot");
    if (under_way) {
        json_put(live, "began", json_true());
        json_put(snapshot, "state", json_string(json_is_true(json_object_get(said, "paused")) ? "paused" : "running"));
        table_look(snapshot, live, said);
    } else if (snapshot != NULL && (json_is_true(json_object_get(live, "began")) || (json_is_object(said) && strcmp(member_text(said, "id"), member_text(snapshot, "id")) == 0))) {
        end(snapshots, name, snapshot, "done", NULL);
        (void)json_object_del(snapshots->live, name);
    } else if (snapshot != NULL && clock_now_ms() - member_integer(snapshot, "started_ms", 0) > BEGINS_WITHIN_MS) {
        /* So small that it was over between two looks, or a condition that PostgreSQL refused. */
        end(snapshots, name, snapshot, "done", NULL);
        (void)json_object_del(snapshots->live, name);
    }
}

void snapshots_look(struct snapshots *snapshots, const json_t *connectors)
{
    const json_t *connector;
    size_t index;

    (void)pthread_mutex_lock(&snapshots->lock);
    json_array_foreach(connectors, index, connector) connector_look(snapshots, connector);
    (void)pthread_mutex_unlock(&snapshots->lock);
}

/* ---- What people do ---- */

enum status snapshots_begin(struct snapshots *snapshots, const char *connector, const char *id, const json_t *tables, struct error *error)
{
    json_t *snapshot = snapshot_make(id);
    const json_t *table;
    size_t index;
    enum status status;

    json_array_foreach(tables, index, table)
        json_add(json_object_get(snapshot, "tables"), json_pack("{s:O, s:i, s:O, s:n, s:n}", "table", json_object_get(table, "table"), "rows", 0, "rows_about", json_object_get(table, "rows_about"),
                                                                "rows_per_s", "left_ms"));
    status = keep(snapshots, connector, snapshot, error);
    (void)pthread_mutex_lock(&snapshots->lock);
    if (status == OK && json_object_get(snapshots->live, connector) == NULL)
        json_put(snapshots->live, connector, json_pack("{s:O}", "snapshot", snapshot));
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

json_t *snapshots_list(struct snapshots *snapshots, const char *connector)
{
    json_t *running = snapshots_running(snapshots, connector), *list = json_array(), *kept, *one;
    char prefix[400];
    const char *key;
    json_t *sorted[1000];
    size_t count = 0;

    (void)snprintf(prefix, sizeof(prefix), KEY_PREFIX "%s:", connector);
    kept = keeper_all(snapshots->keeper, prefix);
    if (running != NULL) /* it knows better */
        json_put(kept, "now", json_incref(running));
    json_object_foreach(kept, key, one) {
        bool is_old_copy = running != NULL && strcmp(key, "now") != 0 && member_text(one, "id") != NULL && strcmp(member_text(one, "id"), member_text(running, "id")) == 0;

        if (json_is_object(one) && !is_old_copy && count < sizeof(sorted) / sizeof(sorted[0]))
            sorted[count++] = one;
    }
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
    return list;
}

json_t *snapshots_last(struct snapshots *snapshots, const char *connector)
{
    json_t *last;

    (void)pthread_mutex_lock(&snapshots->lock);
    last = json_deep_copy(json_object_get(snapshots->last, connector));
    (void)pthread_mutex_unlock(&snapshots->lock);
    return last;
}
