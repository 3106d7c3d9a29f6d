/* topics_command.c: `tailrace topics`: through the console's API, so that changes are audited and rates are known. */
#include "cli/commands.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/properties.h"
#include "cli/session.h"
#include "os/terminal.h"
#include "tools/events.h"
#include "tools/tools.h"

#include <math.h>

static struct session topics = {.collection = "/topics"};

/* Options of single verbs. */
static struct {
    struct option_list set, unset;
    int64_t partitions;
    bool internal, all, from_beginning;
} wanted = {.partitions = -1};

static double real_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- Showing ---- */

static enum status list(struct session *session, struct error *error)
{
    struct table *table;
    json_t *items = NULL, *item;
    size_t index;
    enum status status = client_ask_list(session->client, "/topics", &items, error);

    if (status == OK && !wanted.internal) {
        for (index = json_array_size(items); index-- > 0;) {
            if (strcmp(json_text(json_array_get(items, index), "kind"), "internal") == 0)
                (void)json_array_remove(items, index);
        }
    }
    if (status == OK && !session_printed_json(session, items)) {
        table = table_create("topic|kind|>partitions|>records|>size|>in|>groups|>kept|last record");
        json_array_foreach(items, index, item) {
            table_cell(table, STYLE_PLAIN, "%s", json_text(item, "name"));
            table_cell(table, STYLE_PLAIN, "%s", json_text(item, "kind"));
            table_cell_count(table, json_number(item, "partitions", -1), -1);
            table_cell_count(table, json_number(item, "messages", -1), -1);
            table_cell_bytes(table, json_number(item, "bytes", -1), -1);
            table_cell_rate(table, real_of(item, "in_per_s"));
            table_cell_count(table, json_number(item, "readers", -1), -1);
            table_cell_duration(table, STYLE_PLAIN, json_number(item, "kept_ms", -1), -1);
            table_cell_time(table, json_number(item, "last_ms", -1), -1);
        }
        if (table_rows(table) == 0)
            page_print(&session->page, STYLE_PLAIN, "No topics%s.\n", wanted.internal ? "" : "; --internal shows tailrace's own");
        table_print(table, &session->page);
        table_destroy(table);
    }
    json_decref(items);
    return status;
}

static void config_table(struct session *session, const json_t *config, bool all)
{
    struct table *table = table_create("setting|value|from|meaning");
    const json_t *entry;
    size_t index;

    json_array_foreach(config, index, entry) {
        bool is_own = strcmp(json_text(entry, "source"), "topic") == 0;

        if (!all && !is_own)
            continue;
        table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "name"));
        table_cell(table, is_own ? STYLE_STRONG : STYLE_PLAIN, "%s", json_text(entry, "value"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "source"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "meaning"));
    }
    table_print(table, &session->page);
    table_destroy(table);
}

static void topic_print(struct session *session, const json_t *answer)
{
    const json_t *topic = json_object_get(answer, "topic"), *partition;
    struct table *table = table_create("partition|>first offset|>end offset|>records|>size|state");
    const char *connector = json_text(topic, "connector");
    size_t index;

    page_print(&session->page, STYLE_STRONG, "%s", json_text(topic, "name"));
    page_print(&session->page, STYLE_PLAIN, "  %s, %lld partition%s, cleanup.policy=%s", json_text(topic, "kind"), (long long)json_number(topic, "partitions", 0),
               json_number(topic, "partitions", 0) == 1 ? "" : "s", json_text(topic, "policy"));
    page_print(&session->page, STYLE_PLAIN, *connector == '\0' ? "\n" : ", written by connector %s\n", connector);
    json_array_foreach(json_object_get(answer, "partitions"), index, partition) {
        bool is_good = strcmp(json_text(partition, "state"), "ok") == 0;

        session->is_trouble |= !is_good;
        table_cell(table, STYLE_PLAIN, "%lld", (long long)json_number(partition, "partition", 0));
        table_cell_count(table, json_number(partition, "first", -1), -1);
        table_cell_count(table, json_number(partition, "end", -1), -1);
        table_cell_count(table, json_number(partition, "messages", -1), -1);
        table_cell_bytes(table, json_number(partition, "bytes", -1), -1);
        table_cell(table, is_good ? STYLE_GOOD : STYLE_BAD, "%s", json_text(partition, "word"));
    }
    table_print(table, &session->page);
    table_destroy(table);
    page_print(&session->page, STYLE_PLAIN, "\n");
    config_table(session, json_object_get(answer, "config"), wanted.all);
}

static enum status describe(struct session *session, struct error *error)
{
    json_t *answer = NULL;
    enum status status = session_ask(session, "GET", "", NULL, &answer, error);

    if (status == OK && !session_printed_json(session, answer))
        topic_print(session, answer);
    json_decref(answer);
    return status;
}

/* ---- Changing ---- */

/* Assignments as an object. Errors: BAD_INPUT. */
static enum status assignments_take(const struct option_list *list, json_t **object, struct error *error)
{
    struct properties set;
    enum status status = OK;

    properties_init(&set);
    for (size_t i = 0; i < list->count && status == OK; i++)
        status = properties_set_assignment(&set, list->items[i], error);
    *object = json_object();
    for (size_t i = 0; i < set.count; i++)
        (void)json_object_set_new(*object, set.items[i].key, json_string(set.items[i].value));
    properties_finish(&set);
    return status;
}

static enum status create(struct session *session, struct error *error)
{
    json_t *config = NULL, *body, *answer = NULL;
    enum status status = assignments_take(&wanted.set, &config, error);

    body = json_pack("{s:s, s:I, s:o}", "name", session->operands[0], "partitions", (json_int_t)wanted.partitions, "config", config);
    if (status == OK)
        status = client_ask(session->client, "POST", "/topics", body, &answer, error);
    if (status == OK && !session_printed_json(session, answer))
        page_print(&session->page, STYLE_PLAIN, "Topic %s is created, with %lld partition%s.\n", session->operands[0],
                   (long long)json_number(json_object_get(answer, "topic"), "partitions", 0),
                   json_number(json_object_get(answer, "topic"), "partitions", 0) == 1 ? "" : "s");
    json_decref(answer);
    json_decref(body);
    return status;
}

static enum status config(struct session *session, struct error *error)
{
    json_t *set = NULL, *unset = json_array(), *body, *answer = NULL, *change;
    size_t index;
    enum status status = assignments_take(&wanted.set, &set, error);

    for (size_t i = 0; i < wanted.unset.count; i++)
        (void)json_array_append_new(unset, json_string(wanted.unset.items[i]));
    body = json_pack("{s:o, s:o}", "set", set, "unset", unset);
    if (status == OK && wanted.set.count + wanted.unset.count == 0) {
        status = session_ask(session, "GET", "", NULL, &answer, error);
        if (status == OK && !session_printed_json(session, json_object_get(answer, "config")))
            config_table(session, json_object_get(answer, "config"), true);
    } else if (status == OK) {
        status = session_ask(session, "PATCH", "/config", body, &answer, error);
        if (status == OK && !session_printed_json(session, answer)) {
            json_array_foreach(json_object_get(answer, "changes"), index, change)
                page_print(&session->page, STYLE_PLAIN, "%s is %s now; it was %s.\n", json_text(change, "name"),
                           *json_text(change, "new") == '\0' ? "its default" : json_text(change, "new"), *json_text(change, "old") == '\0' ? "unset" : json_text(change, "old"));
        }
    }
    json_decref(answer);
    json_decref(body);
    return status;
}

/*
 * Does something that destroys: says its effect first, and asks. `body` may hold more than the API needs for that.
 * done  printed afterwards, with the topic's name
 */
static enum status destroy(struct session *session, const char *method, const char *below, const char *done, struct error *error)
{
    json_t *preview = json_pack("{s:b}", "dry_run", 1), *confirmed = json_pack("{s:s}", "confirm", session->operands[0]), *answer = NULL;
    char question[600];
    enum status status = session_ask(session, method, below, preview, &answer, error);

    if (status == OK) {
        (void)snprintf(question, sizeof(question), "Topic %s: %s Do it?", session->operands[0], json_text(answer, "effect"));
        status = terminal_confirm(question, session->sure, error);
    }
    if (status == OK)
        status = session_ask(session, method, below, confirmed, NULL, error);
    if (status == OK && !session_printed_json(session, answer))
        page_print(&session->page, STYLE_PLAIN, "Topic %s %s.\n", session->operands[0], done);
    json_decref(answer);
    json_decref(confirmed);
    json_decref(preview);
    return status;
}

static enum status delete (struct session *session, struct error *error)
{
    return destroy(session, "DELETE", "", "is deleted", error);
}

static enum status empty(struct session *session, struct error *error)
{
    return destroy(session, "POST", "/empty", "is empty", error);
}

static enum status grow(struct session *session, struct error *error)
{
    json_t *body, *answer = NULL;
    enum status status;

    if (wanted.partitions < 0)
        return error_set(error, ERROR_USAGE, "tailrace topics grow: to how many? --partitions N");
    body = json_pack("{s:I}", "count", (json_int_t)wanted.partitions);
    status = session_ask(session, "POST", "/partitions", body, &answer, error);
    if (status == OK && !session_printed_json(session, answer))
        page_print(&session->page, STYLE_PLAIN, "Topic %s has %lld partitions now. Keys may go to other partitions than before.\n", session->operands[0],
                   (long long)wanted.partitions);
    json_decref(answer);
    json_decref(body);
    return status;
}

/* ---- Records: by the tools that exist ---- */

static int (*after)(int argc, char **argv); /* what to become when the session is over */
static char *after_words[8];
static int after_count;

static void after_add(const char *word)
{
    after_words[after_count++] = memory_copy_string(word);
}

static enum status tail(struct session *session, struct error *error)
{
    (void)error;
    after = events_main;
    after_add("events");
    after_add("--bootstrap-server");
    after_add(client_kafka(session->client));
    if (wanted.from_beginning)
        after_add("--from-beginning");
    after_add(session->operands[0]);
    return OK;
}

static enum status produce(struct session *session, struct error *error)
{
    (void)error;
    after = tool_find("kafka-console-producer")->main;
    after_add("kafka-console-producer");
    after_add("--bootstrap-server");
    after_add(client_kafka(session->client));
    after_add("--topic");
    after_add(session->operands[0]);
    return OK;
}

/* ---- The command ---- */

static const struct session_handler handlers[] = {
    {"list", list},   {"describe", describe}, {"create", create}, {"config", config},   {"grow", grow}, {"empty", empty},
    {"delete", delete}, {"tail", tail},         {"produce", produce}, {NULL, NULL},
};

static const struct option_verb verbs[] = {
    {"list", NULL, "All topics: records, size, rate, how many groups read them", 0, 0},
    {"describe", "TOPIC", "One topic: its partitions and what is configured", 1, 1},
    {"create", "TOPIC", "A new one", 1, 1},
    {"config", "TOPIC", "Its settings with their meaning; --set and --unset change them", 1, 1},
    {"grow", "TOPIC", "More partitions", 1, 1},
    {"empty", "TOPIC", "Delete all its records, after asking", 1, 1},
    {"delete", "TOPIC", "Delete it, after asking", 1, 1},
    {"tail", "TOPIC", "Print its change events as rows, as they come (tailrace events)", 1, 1},
    {"produce", "TOPIC", "Send lines of standard input as records (kafka-console-producer)", 1, 1},
    {NULL, NULL, NULL, 0, 0},
};

static const struct option_row rows[] = {
    {"data-dir", OPTION_TEXT, &topics.data_dir, "DIR", "Where tailrace runs (default ./tailrace-data, or this machine's port 8080)", 0, 0},
    {"console", OPTION_TEXT, &topics.url, "URL", "Its console elsewhere; $TAILRACE_TOKEN lets in", 0, 0},
    {"internal", OPTION_FLAG, &wanted.internal, NULL, "Also tailrace's own topics", 0, 0, "list"},
    {"all", OPTION_FLAG, &wanted.all, NULL, "Also settings that are at their defaults", 0, 0, "describe"},
    {"partitions", OPTION_NUMBER, &wanted.partitions, "N", "How many (default: the setting num.partitions)", 1, 100000, "create,grow"},
    {"set", OPTION_LIST, &wanted.set, "KEY=VALUE", "A setting of the topic; may come several times", 0, 0, "create,config"},
    {"unset", OPTION_LIST, &wanted.unset, "KEY", "Back to its default; may come several times", 0, 0, "config"},
    {"from-beginning", OPTION_FLAG, &wanted.from_beginning, NULL, "Also what is there already", 0, 0, "tail"},
    {"yes", OPTION_FLAG, &topics.sure, NULL, "Do not ask", 0, 0, "empty,delete"},
    {"json", OPTION_FLAG, &topics.json, NULL, "What the console's API says", 0, 0},
    {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct options options = {
    .command = "tailrace topics",
    .summary = "Lists, creates, changes and deletes the topics of a running tailrace; kafka-topics does so on any Kafka cluster.",
    .rows = rows,
    .verbs = verbs,
    .examples = "tailrace topics\n"
                "tailrace topics create orders --partitions 6 --set retention.ms=86400000\n"
                "tailrace topics config orders --set cleanup.policy=compact\n"
                "tailrace topics tail dbserver1.public.activity --from-beginning",
};

int topics_main(int argc, char **argv)
{
    int code = session_run(&topics, CLIENT_CONSOLE, &options, handlers, argc, argv);

    if (code == 0 && after != NULL)
        code = after(after_count, after_words);
    for (int i = 0; i < after_count; i++)
        memory_free(after_words[i]);
    return code;
}
