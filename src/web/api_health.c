/* api_health.c: is the program well: /health. */
#include "web/api.h"

#include "base/banned.h"
#include "os/usage.h"

static void check_add(json_t *checks, const char *name, const char *state, json_t *text, const char *todo)
{
    json_add(checks, json_pack("{s:s, s:s, s:o, s:o}", "name", name, "state", state, "text", text, "todo", json_text_or_null(todo)));
}

json_t *health_checks(const json_t *description)
{
    const json_t *store = json_object_get(description, "store"), *postgres = json_object_get(description, "postgres"), *problem;
    json_t *checks = json_array();
    size_t index;
    bool degraded = json_is_true(json_object_get(store, "degraded")), ready = json_is_true(json_object_get(description, "ready"));
    bool corrupt = member_integer(store, "read_only_partitions", 0) > 0;

    check_add(checks, "services", ready ? "ok" : "busy", json_string(ready ? "All services run." : "Services are starting."), NULL);
    check_add(checks, "log", degraded || corrupt ? "crit" : "ok",
              degraded  ? json_string("The log cannot be written.")
              : corrupt ? json_string("Partitions are read-only after corruption.")
                        : member_integer(store, "last_round_us", 0) == 0 ? json_string("Nothing was written yet.")
                        : json_sprintf("Written and synced; the last round took %.1f ms.", (double)member_integer(store, "last_round_us", 0) / 1000),
              degraded ? "Make space on the disk, or mend it." : NULL);
    if (json_is_object(postgres)) {
        bool running = json_is_true(json_object_get(postgres, "running"));

        check_add(checks, "postgres", running ? "ok" : "crit", json_string(running ? "The private PostgreSQL runs." : "The private PostgreSQL does not run."),
                  running ? NULL : "It is started again by itself; its log says more.");
    }
    json_array_foreach(json_object_get(description, "problems"), index, problem) {
        const char *kind = member_text(problem, "kind");

        if (!(strcmp(kind, "log") == 0 && (degraded || corrupt)) && strcmp(kind, "postgres") != 0)
            check_add(checks, kind, member_text(problem, "severity"), json_sprintf("%s. %s", member_text(problem, "what"), member_text(problem, "why")), member_text(problem, "do"));
    }
    return checks;
}

static json_t *listeners_make(const json_t *description)
{
    const json_t *broker = json_object_get(description, "broker"), *listener;
    json_t *listeners = json_array();
    size_t index;

    json_array_foreach(json_object_get(broker, "listeners"), index, listener)
        json_add(listeners, json_pack("{s:s, s:O, s:o, s:n}", "name", "Kafka protocol", "address", listener, "clients",
                                      index == 0 ? json_integer(member_integer(broker, "connections", 0)) : json_null(), "note"));
    if (member_text(description, "rest") != NULL)
        json_add(listeners, json_pack("{s:s, s:s, s:n, s:n}", "name", "Connect REST", "address", member_text(description, "rest"), "clients", "note"));
    if (member_text(description, "console") != NULL)
        json_add(listeners, json_pack("{s:s, s:s, s:n, s:n}", "name", "Console", "address", member_text(description, "console"), "clients", "note"));
    return listeners;
}

static json_t *disk_make(const json_t *description)
{
    const json_t *store = json_object_get(description, "store"), *topic;
    json_t *disk = json_object(), *topics = json_array();
    size_t index;

    json_array_foreach(json_object_get(description, "topics"), index, topic)
        json_add(topics, json_pack("{s:O, s:O}", "topic", json_object_get(topic, "name"), "bytes", json_object_get(topic, "bytes")));
    json_put(disk, "path", json_copy(json_object_get(description, "data_dir")));
    json_put(disk, "total_bytes", json_integer_or_null(usage_disk_bytes(member_text(description, "data_dir"))));
    json_put(disk, "free_bytes", json_integer_or_null(member_integer(store, "free_bytes", -1)));
    json_put(disk, "used_bytes", json_integer_or_null(member_integer(store, "bytes", -1)));
    json_put(disk, "topics", topics);
    return disk;
}

/* CPU of each thread over the last seconds; what waits for it, where it has a mailbox. */
static json_t *threads_make(struct api *api, const json_t *description, struct arena *arena)
{
    json_t *items = json_array();
    size_t count;
    const struct usage_thread *threads = usage_threads(arena, &count);

    for (size_t i = 0; i < count; i++) {
        double cpu_us = sampler_rate(api_sampler(api), "thread:", threads[i].name);
        bool commits = strcmp(threads[i].name, "committer") == 0;

        json_add(items, json_pack("{s:o, s:o, s:o, s:n}", "name", threads[i].count == 1 ? json_string(threads[i].name) : json_sprintf("%s × %d", threads[i].name, threads[i].count),
                                  "cpu_cores", json_real_or_null(cpu_us / 1e6), "mailbox",
                                  commits ? json_integer_or_null(member_integer(json_object_get(description, "store"), "waiting", -1)) : json_null(), "mailbox_max"));
    }
    return items;
}

static void part_add(json_t *parts, json_t *name, int64_t bytes)
{
    if (bytes > 0)
        json_add(parts, json_pack("{s:o, s:I}", "part", name, "bytes", (json_int_t)bytes));
    else
        json_decref(name);
}

static json_t *memory_make(const json_t *description)
{
    struct usage_memory memory;
    json_t *parts = json_array();
    const json_t *agent;
    int64_t agents = 0;
    size_t index;

    usage_memory_read(&memory);
    json_array_foreach(json_object_get(description, "agents"), index, agent) {
        part_add(parts, json_sprintf("agent %s", member_text(agent, "name")), member_integer(agent, "state_bytes", 0));
        agents += member_integer(agent, "state_bytes", 0);
    }
    part_add(parts, json_string("heap, the rest that is in use"), memory.heap_bytes - agents);
    part_add(parts, json_string("heap, kept to be used again"), memory.heap_free_bytes);
    part_add(parts, json_string("program, libraries and stacks"), memory.resident_bytes - memory.heap_bytes - memory.heap_free_bytes);
    return json_pack("{s:o, s:o}", "total_bytes", json_integer_or_null(memory.resident_bytes), "parts", parts);
}

json_t *health_make(struct api *api, struct arena *arena)
{
    json_t *description = api_status(api), *health = json_object();

    json_put(health, "checks", health_checks(description));
    json_put(health, "listeners", listeners_make(description));
    json_put(health, "threads", threads_make(api, description, arena));
    json_put(health, "disk", disk_make(description));
    json_put(health, "memory", memory_make(description));
    json_decref(description);
    return health;
}

void api_health(struct api_call *call)
{
    api_json(call, 200, health_make(call->api, call->arena));
}
