/*
 * sampler.c: looks once a second at everything that counts, keeps the counters of the last seconds for rates, fills the
 * series, and makes the overview, so that any number of pages share one look.
 */
#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"
#include "os/usage.h"
#include "web/gone.h"
#include "web/problems.h"
#include "web/slots.h"
#include "web/snapshots.h"
#include "web/watch.h"

#include <math.h>

#define LOG_SUBSYSTEM "web"

#define SAMPLES_KEPT 6      /* rates are means over the last five seconds */
#define SAMPLE_EVERY_MS 1000
#define SAMPLE_REST_MAX_MS 10000 /* even then, what is shown is not older */
#define SAMPLE_SHARE 20     /* a look that takes long is taken seldom: at most 1/20 of the time */
#define SERIES_GROUPS_MAX 40

struct sample {
    int64_t at_ms;     /* monotonic */
    json_t *counters;  /* name to integer */
};

struct sampler {
    struct api *api;
    struct thread *thread;
    pthread_mutex_t lock; /* guards the rest; a leaf */
    pthread_cond_t news;
    struct sample samples[SAMPLES_KEPT];
    int64_t number; /* of samples so far */
    int64_t shown;  /* of those, with an overview */
    json_t *readers; /* groups by topic; NULL: not known yet */
    json_t *groups;  /* of the newest look */
    json_t *overview;
    json_t *problems; /* of the newest look */
    json_t *revisions, *signatures; /* by list: a number that rises, and what the list was like */
    bool stopping;
};

/* ---- What others ask ---- */

json_t *sampler_newest(struct sampler *sampler)
{
    json_t *overview;

    (void)pthread_mutex_lock(&sampler->lock);
    overview = json_incref(sampler->overview);
    (void)pthread_mutex_unlock(&sampler->lock);
    return overview;
}

json_t *sampler_problems(struct sampler *sampler)
{
    json_t *problems;

    (void)pthread_mutex_lock(&sampler->lock);
    problems = json_incref(sampler->problems);
    (void)pthread_mutex_unlock(&sampler->lock);
    return problems == NULL ? json_array() : problems;
}

json_t *sampler_overview(struct sampler *sampler)
{
    (void)sampler_wait(sampler, 0, 10000);
    return sampler_newest(sampler);
}

int64_t sampler_wait(struct sampler *sampler, int64_t seen, int64_t timeout_ms)
{
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * 1000000, number;
    struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int waited = 0;

    (void)pthread_mutex_lock(&sampler->lock);
    while (sampler->shown <= seen && !sampler->stopping && waited == 0)
        waited = pthread_cond_timedwait(&sampler->news, &sampler->lock, &deadline);
    number = sampler->shown;
    (void)pthread_mutex_unlock(&sampler->lock);
    return number;
}

double sampler_rate(struct sampler *sampler, const char *kind, const char *name)
{
    const struct sample *newest, *oldest;
    const json_t *now, *then;
    char key[320];
    double rate = NAN;

    (void)snprintf(key, sizeof(key), "%s%s", kind, name);
    (void)pthread_mutex_lock(&sampler->lock);
    if (sampler->number >= 2) {
        newest = &sampler->samples[(sampler->number - 1) % SAMPLES_KEPT];
        oldest = &sampler->samples[sampler->number >= SAMPLES_KEPT ? sampler->number % SAMPLES_KEPT : 0];
        now = json_object_get(newest->counters, key);
        then = json_object_get(oldest->counters, key);
        if (now != NULL && then != NULL && newest->at_ms > oldest->at_ms && json_integer_value(now) >= json_integer_value(then))
            rate = (double)(json_integer_value(now) - json_integer_value(then)) * 1000 / (double)(newest->at_ms - oldest->at_ms);
    }
    (void)pthread_mutex_unlock(&sampler->lock);
    return rate;
}

double sampler_reads_rate(struct sampler *sampler)
{
    double groups = sampler_rate(sampler, "reads", ""), agents = sampler_rate(sampler, "judged", "");

    return isnan(groups) ? agents : isnan(agents) ? groups : groups + agents;
}

int64_t sampler_readers(struct sampler *sampler, const char *topic)
{
    int64_t readers;

    (void)pthread_mutex_lock(&sampler->lock);
    readers = sampler->readers == NULL ? -1 : member_integer(sampler->readers, topic, 0);
    (void)pthread_mutex_unlock(&sampler->lock);
    return readers;
}

/* One item a group and topic, the partitions added up. */
static json_t *group_topics_make(const json_t *groups)
{
    json_t *items = json_array(), *item;
    const json_t *group, *partition;
    size_t i, k;

    json_array_foreach(groups, i, group) {
        json_t *topics = json_object();
        void *at;

        json_array_foreach(json_object_get(group, "partitions"), k, partition) {
            const char *topic = member_text(partition, "topic");

            item = json_object_get(topics, topic);
            if (item == NULL) {
                item = json_pack("{s:s, s:s}", "group", member_text(group, "group"), "topic", topic);
                json_put(topics, topic, item);
            }
            json_put(item, "waiting", json_integer(member_integer(item, "waiting", 0) + member_integer(partition, "waiting", 0)));
            json_put(item, "committed", json_integer(member_integer(item, "committed", 0) + member_integer(partition, "committed", 0)));
        }
        for (at = json_object_iter(topics); at != NULL; at = json_object_iter_next(topics, at))
            json_add(items, json_incref(json_object_iter_value(at)));
        json_decref(topics);
    }
    return items;
}

void sampler_describe(struct sampler *sampler, json_t *description)
{
    json_t *groups, *connector;
    struct slot_facts facts;
    size_t index;

    (void)pthread_mutex_lock(&sampler->lock);
    groups = json_incref(sampler->groups);
    (void)pthread_mutex_unlock(&sampler->lock);
    json_array_foreach(json_object_get(description, "connectors"), index, connector) {
        slots_facts(api_slots(sampler->api), member_text(connector, "name"), (uint64_t)member_integer(json_object_get(connector, "capture"), "received_lsn", 0), &facts);
        json_put(connector, "behind_ms", json_integer_or_null(facts.lag_ms));
    }
    json_put(description, "group_topics", group_topics_make(groups));
    json_put(description, "groups", groups == NULL ? json_array() : groups);
    json_put(description, "slots", slots_list(api_slots(sampler->api)));
}

/* ---- Sampling ---- */

static void count(json_t *counters, const char *kind, const char *name, int64_t value)
{
    char key[320];

    (void)snprintf(key, sizeof(key), "%s%s", kind, name == NULL ? "" : name);
    json_put(counters, key, json_integer(value));
}

/* ---- Groups ---- */

static json_t *partitions_by_place(const json_t *group)
{
    json_t *places = json_object();
    const json_t *partition;
    char place[320];
    size_t index;

    json_array_foreach(json_object_get(group, "partitions"), index, partition) {
        (void)snprintf(place, sizeof(place), "%s:%lld", member_text(partition, "topic"), (long long)member_integer(partition, "partition", 0));
        json_put(places, place, json_incref((json_t *)(uintptr_t)partition));
    }
    return places;
}

static json_t *groups_by_name(const json_t *groups)
{
    json_t *names = json_object();
    const json_t *group;
    size_t index;

    json_array_foreach(groups, index, group)
        json_put(names, member_text(group, "group"), partitions_by_place(group));
    return names;
}

/* What came to a group's partitions since the look before. Those that it had not committed then count from now: their whole log did not come in between. */
static int64_t gained(const json_t *before, const json_t *now, const char *member)
{
    const json_t *partition;
    const char *place;
    int64_t sum = 0;

    json_object_foreach((json_t *)(uintptr_t)now, place, partition) {
        const json_t *was = json_object_get(before, place);
        int64_t more = was == NULL ? 0 : member_integer(partition, member, 0) - member_integer(was, member, 0);

        sum += more > 0 ? more : 0;
    }
    return sum;
}

static void add(json_t *counters, const json_t *before, const char *kind, const char *name, int64_t more)
{
    char key[320];

    (void)snprintf(key, sizeof(key), "%s%s", kind, name);
    json_put(counters, key, json_integer(member_integer(before, key, 0) + more));
}

/* before: the counters of the look before; groups_before: its groups */
static void groups_count(json_t *counters, const json_t *before, const json_t *groups_before, const json_t *groups)
{
    json_t *then = groups_by_name(groups_before), *now = groups_by_name(groups);
    const json_t *places;
    int64_t reads = 0;
    const char *name;

    json_object_foreach(now, name, places) {
        int64_t committed = gained(json_object_get(then, name), places, "committed");

        add(counters, before, "group:", name, committed);
        add(counters, before, "arrives:", name, gained(json_object_get(then, name), places, "end"));
        reads += committed;
    }
    add(counters, before, "reads", "", reads);
    json_decref(then);
    json_decref(now);
}

/* ---- All ---- */

static json_t *counters_make(const json_t *description, const json_t *groups, const json_t *before, const json_t *groups_before)
{
    const json_t *topics = json_object_get(description, "topics"), *item;
    json_t *counters = json_object();
    int64_t rows = 0, records = 0, alerts = 0, judged = 0;
    const struct usage_thread *threads;
    size_t i, thread_count;
    struct arena arena;

    arena_init(&arena, 4096);
    json_array_foreach(topics, i, item) {
        int64_t end = member_integer(item, "end", 0);

        count(counters, "topic:", member_text(item, "name"), end);
        records += json_is_true(json_object_get(item, "internal")) || topic_name_is_own(member_text(item, "name")) ? 0 : end;
    }
    json_array_foreach(json_object_get(description, "connectors"), i, item) {
        const json_t *capture = json_object_get(item, "capture");

        if (!json_is_object(capture))
            continue;
        count(counters, "connector:", member_text(item, "name"), member_integer(capture, "rows", 0));
        rows += member_integer(capture, "rows", 0);
    }
    json_array_foreach(json_object_get(description, "agents"), i, item) {
        count(counters, "agent:", member_text(item, "name"), member_integer(item, "read", 0));
        count(counters, "alerts:", member_text(item, "name"), member_integer(item, "alerts", 0));
        alerts += member_integer(item, "alerts", 0);
        judged += member_integer(item, "read", 0);
    }
    groups_count(counters, before, groups_before, groups);
    threads = usage_threads(&arena, &thread_count);
    for (i = 0; i < thread_count; i++)
        count(counters, "thread:", threads[i].name, threads[i].cpu_us);
    arena_finish(&arena);
    count(counters, "rows", NULL, rows);
    count(counters, "records", NULL, records);
    count(counters, "alerts", NULL, alerts);
    count(counters, "judged", NULL, judged);
    count(counters, "cpu_us", NULL, member_integer(json_object_get(description, "process"), "cpu_us", 0));
    return counters;
}

static void reader_count(json_t *readers, const char *topic)
{
    if (topic != NULL)
        json_put(readers, topic, json_integer(member_integer(readers, topic, 0) + 1));
}

/* Groups with a position and the agents here, by topic. */
static json_t *readers_make(const json_t *description, const json_t *groups)
{
    json_t *readers = json_object();
    const json_t *item, *topic;
    size_t i, k;

    json_array_foreach(groups, i, item) {
        json_array_foreach(json_object_get(item, "topics"), k, topic) reader_count(readers, json_string_value(topic));
    }
    json_array_foreach(json_object_get(description, "agents"), i, item) reader_count(readers, member_text(item, "topic"));
    return readers;
}

static void series_name_put(struct sampler *sampler, const char *kind, const char *name, int64_t now_ms, double value)
{
    char full[320];

    (void)snprintf(full, sizeof(full), "%s:%s", kind, name);
    series_put(api_series(sampler->api), full, now_ms, value);
}

static void series_fill(struct sampler *sampler, const json_t *description, const json_t *groups)
{
    int64_t now_ms = clock_now_ms();
    const json_t *item;
    json_t *slots;
    size_t index;

    series_put(api_series(sampler->api), "rows_in", now_ms, sampler_rate(sampler, "rows", ""));
    series_put(api_series(sampler->api), "rows_out", now_ms, sampler_reads_rate(sampler));
    series_put(api_series(sampler->api), "commit_to_agent_p50_ms", now_ms, overview_slowest_ms(json_object_get(description, "agents"), NULL, "commit_p50_us"));
    series_put(api_series(sampler->api), "commit_to_agent_p99_ms", now_ms, overview_slowest_ms(json_object_get(description, "agents"), NULL, "commit_p99_us"));
    json_array_foreach(json_object_get(description, "connectors"), index, item) {
        int64_t p50_us = member_integer(json_object_get(item, "capture"), "latency_p50_us", -1), p99_us = member_integer(json_object_get(item, "capture"), "latency_p99_us", -1);

        series_name_put(sampler, "connector_rows", member_text(item, "name"), now_ms, sampler_rate(sampler, "connector:", member_text(item, "name")));
        series_name_put(sampler, "connector_commit_to_durable_p50_ms", member_text(item, "name"), now_ms, p50_us < 0 ? NAN : (double)p50_us / 1000);
        series_name_put(sampler, "connector_commit_to_durable_p99_ms", member_text(item, "name"), now_ms, p99_us < 0 ? NAN : (double)p99_us / 1000);
    }
    slots = slots_list(api_slots(sampler->api));
    json_array_foreach(slots, index, item)
        series_name_put(sampler, "wal_bytes", member_text(item, "slot"), now_ms, (double)member_integer(item, "wal_bytes", 0));
    json_decref(slots);
    json_array_foreach(json_object_get(description, "agents"), index, item)
        series_name_put(sampler, "agent_rows", member_text(item, "name"), now_ms, sampler_rate(sampler, "agent:", member_text(item, "name")));
    json_array_foreach(groups, index, item) {
        const char *name = member_text(item, "group");
        const json_t *lag = json_object_get(item, "lag_ms");

        if (index >= SERIES_GROUPS_MAX)
            break;
        series_name_put(sampler, "group_lag_worst_ms", name, now_ms, json_is_number(lag) ? json_number_value(lag) : NAN);
        series_name_put(sampler, "group_reads", name, now_ms, sampler_rate(sampler, "group:", name));
        series_name_put(sampler, "group_arrives", name, now_ms, sampler_rate(sampler, "arrives:", name));
    }
}

static void keep(struct sampler *sampler, const json_t *description, const json_t *groups)
{
    const json_t *before = sampler->number == 0 ? NULL : sampler->samples[(sampler->number - 1) % SAMPLES_KEPT].counters;
    json_t *counters = counters_make(description, groups, before, sampler->groups), *readers = readers_make(description, groups), *old_counters, *old_readers;
    struct sample *sample;

    (void)pthread_mutex_lock(&sampler->lock);
    sample = &sampler->samples[sampler->number % SAMPLES_KEPT];
    old_counters = sample->counters;
    old_readers = sampler->readers;
    *sample = (struct sample){clock_monotonic_ms(), counters};
    sampler->readers = readers;
    sampler->number++;
    (void)pthread_mutex_unlock(&sampler->lock);
    json_decref(old_counters);
    json_decref(old_readers);
}

/* A list's number rises when its signature is another one; lock held. */
static void revise(struct sampler *sampler, const char *list, const json_t *items)
{
    char *text = json_dumps(items, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *known = json_string_value(json_object_get(sampler->signatures, list));
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    char signature[24];

    for (const char *at = text; at != NULL && *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 1099511628211ULL;
    free(text);
    (void)snprintf(signature, sizeof(signature), "%016llx", (unsigned long long)hash);
    if (known != NULL && strcmp(known, signature) == 0)
        return;
    json_put(sampler->signatures, list, json_string(signature));
    json_put(sampler->revisions, list, json_integer(member_integer(sampler->revisions, list, 0) + 1));
}

/* What the list of groups shows of each: heartbeats of members are no news there. */
static json_t *group_lines_make(const json_t *groups)
{
    static const char *const left_out[] = {"partitions", "members", "why"};
    json_t *lines = json_array(), *group;
    size_t index;

    json_array_foreach(groups, index, group) {
        json_t *line = json_copy(group);

        for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
            (void)json_object_del(line, left_out[i]);
        json_add(lines, line);
    }
    return lines;
}

static void revisions_put(struct sampler *sampler, const json_t *description, const json_t *groups)
{
    static const char *const lists[] = {"topics", "connectors", "agents", "reports"};
    json_t *lines = group_lines_make(groups);

    (void)pthread_mutex_lock(&sampler->lock);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        revise(sampler, lists[i], json_object_get(description, lists[i]));
    revise(sampler, "groups", lines);
    json_put(sampler->revisions, "alerts", json_copy(json_object_get(sampler->revisions, "agents")));
    (void)pthread_mutex_unlock(&sampler->lock);
    json_decref(lines);
}

json_t *api_revisions(struct api *api)
{
    struct sampler *sampler = api_sampler(api);
    json_t *revisions;

    (void)pthread_mutex_lock(&sampler->lock);
    revisions = json_deep_copy(sampler->revisions);
    (void)pthread_mutex_unlock(&sampler->lock);
    return revisions;
}

static void look(struct sampler *sampler)
{
    json_t *description = api_describe_whole(sampler->api), *groups, *overview, *problems, *old, *old_groups, *old_problems;
    struct arena arena;
    struct error error;

    arena_init(&arena, 65536);
    groups = groups_make(sampler->api, &arena, &error);
    keep(sampler, description, groups);
    api_changes_collect(sampler->api);
    gone_look(api_gone_book(sampler->api), description, groups);
    watch_look(api_watch(sampler->api), description, groups, clock_now_ms());
    snapshots_look(api_snapshots(sampler->api), json_object_get(description, "connectors"));
    series_fill(sampler, description, groups);
    revisions_put(sampler, description, groups);
    overview = overview_make(sampler->api, description, groups);
    problems = problems_plain(api_problem_book(sampler->api));
    (void)pthread_mutex_lock(&sampler->lock);
    old = sampler->overview;
    old_groups = sampler->groups;
    sampler->overview = overview;
    sampler->groups = groups;
    old_problems = sampler->problems;
    sampler->problems = problems;
    sampler->shown = sampler->number;
    (void)pthread_cond_broadcast(&sampler->news);
    (void)pthread_mutex_unlock(&sampler->lock);
    json_decref(old);
    json_decref(old_groups);
    json_decref(old_problems);
    json_decref(description);
    arena_finish(&arena);
}

static bool pause_until_next(struct sampler *sampler, int64_t took_ms)
{
    int64_t rest_ms = took_ms * SAMPLE_SHARE < SAMPLE_REST_MAX_MS ? took_ms * SAMPLE_SHARE : SAMPLE_REST_MAX_MS;
    int64_t wait_ms = rest_ms > SAMPLE_EVERY_MS ? rest_ms : SAMPLE_EVERY_MS - took_ms;
    int64_t deadline_ns = clock_monotonic_ns() + wait_ms * 1000000;
    struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int waited = 0;
    bool stopping;

    (void)pthread_mutex_lock(&sampler->lock);
    while (!sampler->stopping && waited == 0)
        waited = pthread_cond_timedwait(&sampler->news, &sampler->lock, &deadline);
    stopping = sampler->stopping;
    (void)pthread_mutex_unlock(&sampler->lock);
    return !stopping;
}

static void thread_main(void *context)
{
    struct sampler *sampler = context;
    int64_t began_ms;

    do {
        began_ms = clock_monotonic_ms();
        look(sampler);
    } while (pause_until_next(sampler, clock_monotonic_ms() - began_ms));
}

/* ---- Life ---- */

struct sampler *sampler_create(struct api *api)
{
    struct sampler *sampler = memory_new(sizeof(*sampler));
    pthread_condattr_t attributes;

    sampler->api = api;
    sampler->revisions = json_object();
    sampler->signatures = json_object();
    (void)pthread_mutex_init(&sampler->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&sampler->news, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return sampler;
}

enum status sampler_start(struct sampler *sampler, struct error *error)
{
    return thread_start(&sampler->thread, "console", thread_main, sampler, error);
}

void sampler_stop(struct sampler *sampler)
{
    (void)pthread_mutex_lock(&sampler->lock);
    sampler->stopping = true;
    (void)pthread_cond_broadcast(&sampler->news);
    (void)pthread_mutex_unlock(&sampler->lock);
    thread_join(sampler->thread);
    sampler->thread = NULL;
    api_changes_collect(sampler->api); /* those of the last second */
}

void sampler_destroy(struct sampler *sampler)
{
    if (sampler == NULL)
        return;
    for (size_t i = 0; i < SAMPLES_KEPT; i++)
        json_decref(sampler->samples[i].counters);
    json_decref(sampler->readers);
    json_decref(sampler->groups);
    json_decref(sampler->overview);
    json_decref(sampler->problems);
    json_decref(sampler->revisions);
    json_decref(sampler->signatures);
    (void)pthread_cond_destroy(&sampler->news);
    (void)pthread_mutex_destroy(&sampler->lock);
    memory_free(sampler);
}
