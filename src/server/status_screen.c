#include "server/status_screen.h"

#include "base/amount.h"
#include "base/banned.h"
#include "base/time.h"

#include <time.h>

#define NAME_WIDTH 36

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void head_render(const json_t *description, int64_t now_ms, struct buffer *text)
{
    int64_t started_ms = number_of(description, "started_ms");
    const json_t *process = json_object_get(description, "process");

    buffer_append_format(text, "tailrace %s, process %lld, since ", text_of(description, "version"),
                         (long long)number_of(description, "pid"));
    amount_time(text, started_ms);
    buffer_append_string(text, " (");
    amount_duration(text, now_ms - started_ms);
    buffer_append_string(text, "), ");
    amount_bytes(text, number_of(process, "resident_bytes"));
    buffer_append_format(text, " memory\ndata in %s\n\n", text_of(description, "data_dir"));
}

static void problems_render(const json_t *description, struct buffer *text)
{
    const json_t *problems = json_object_get(description, "problems"), *problem;
    size_t index;

    if (json_array_size(problems) == 0)
        buffer_append_string(text, json_is_true(json_object_get(description, "ready")) ? "Everything runs.\n" : "Starting.\n");
    json_array_foreach(problems, index, problem) buffer_append_format(
        text, "PROBLEM  %s\n   why:  %s\n    do:  %s\n", text_of(problem, "what"), text_of(problem, "why"), text_of(problem, "do"));
    buffer_append_u8(text, '\n');
}

static void addresses_render(const json_t *description, struct buffer *text)
{
    const json_t *broker = json_object_get(description, "broker"), *listeners = json_object_get(broker, "listeners"), *listener;
    const json_t *postgres = json_object_get(description, "postgres");
    size_t index;

    buffer_append_string(text, "Kafka protocol  ");
    json_array_foreach(listeners, index, listener) buffer_append_format(text, "%s%s", index == 0 ? "" : ", ", json_string_value(listener));
    buffer_append_format(text, "   (%lld connections, %lld groups, %lld members)\n", (long long)number_of(broker, "connections"),
                         (long long)number_of(broker, "groups"), (long long)number_of(broker, "members"));
    buffer_append_format(text, "Connect REST    %s\nConsole         %s\n", text_of(description, "rest"), text_of(description, "console"));
    if (json_is_object(postgres))
        buffer_append_format(text, "PostgreSQL      %s:%lld   (private, %s, process %lld, started again %lld times)\n",
                             text_of(postgres, "host"), (long long)number_of(postgres, "port"), text_of(postgres, "state"),
                             (long long)number_of(postgres, "pid"), (long long)number_of(postgres, "restarts"));
}

static void log_render(const json_t *description, struct buffer *text)
{
    const json_t *store = json_object_get(description, "store");

    buffer_append_string(text, "Log             ");
    amount_count(text, number_of(store, "topics"));
    buffer_append_string(text, " topics, ");
    amount_count(text, number_of(store, "partitions"));
    buffer_append_string(text, " partitions, ");
    amount_bytes(text, number_of(store, "bytes"));
    buffer_append_string(text, " (");
    amount_bytes(text, number_of(store, "free_bytes"));
    buffer_append_format(text, " free), last round %lld µs\n", (long long)number_of(store, "last_round_us"));
}

static void connectors_render(const json_t *description, int64_t now_ms, struct buffer *text)
{
    const json_t *connectors = json_object_get(description, "connectors"), *connector;
    size_t index;

    if (json_array_size(connectors) > 0)
        buffer_append_format(text, "\n%-*s %-10s %-10s %14s  %s\n", NAME_WIDTH, "connector", "state", "doing", "rows", "last commit");
    json_array_foreach(connectors, index, connector)
    {
        const json_t *capture = json_object_get(connector, "capture");
        int64_t source_ms = number_of(capture, "source_time_us") / 1000;
        struct buffer rows;

        buffer_init(&rows, 64);
        amount_count(&rows, number_of(capture, "rows"));
        buffer_append_format(text, "%-*s %-10s %-10s %14.*s  ", NAME_WIDTH, text_of(connector, "name"), text_of(connector, "state"),
                             json_is_object(capture) ? text_of(capture, "state") : "-", (int)rows.size, (const char *)rows.data);
        buffer_finish(&rows);
        if (source_ms > 0) {
            amount_duration(text, now_ms - source_ms);
            buffer_append_string(text, " ago\n");
        } else {
            buffer_append_string(text, "-\n");
        }
    }
}

static void agents_render(const json_t *description, struct buffer *text)
{
    const json_t *agents = json_object_get(description, "agents"), *agent;
    size_t index;

    if (json_array_size(agents) > 0)
        buffer_append_format(text, "\n%-*s %-10s %s\n", NAME_WIDTH, "agent", "state", "topic");
    json_array_foreach(agents, index, agent)
        buffer_append_format(text, "%-*s %-10s %s\n", NAME_WIDTH, text_of(agent, "name"), text_of(agent, "state"), text_of(agent, "topic"));
}

void status_screen_render(const json_t *description, int64_t now_ms, struct buffer *text)
{
    head_render(description, now_ms, text);
    problems_render(description, text);
    addresses_render(description, text);
    log_render(description, text);
    connectors_render(description, now_ms, text);
    agents_render(description, text);
}
