#include "agents/alert_book.h"
#include "agents/history.h"
#include "base/amount.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger.h"
#include "os/terminal.h"
#include "server/command.h"
#include "server/commands.h"

#include <inttypes.h>
#include <jansson.h>

#define SHOWN_BYTES_MAX (256 << 20)

/* What the words of the command line make of an alert; the console knows the same states. */
static const struct verb {
    const char *word, *state;
} verbs[] = {{"ack", "acknowledged"}, {"resolve", "resolved"}, {"false-positive", "false_positive"}, {"mute", "muted"}, {"reopen", "open"}};

struct book {
    const char *bootstrap, *topic, *state, *agent, *note, *config;
    int64_t limit;
    bool json;
    struct page page;
    struct properties client;
    struct arena arena;
    json_t *alerts; /* array, in the order of the topics */
    json_t *states; /* id to what people say of it */
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static const char *state_of(const struct book *book, const json_t *alert)
{
    const char *state = text_of(json_object_get(book->states, text_of(alert, "id")), "state");

    return *state == '\0' ? "open" : state;
}

static int64_t scored_us(const json_t *alert)
{
    return json_integer_value(json_object_get(json_object_get(alert, "source"), "scored_us"));
}

/* ---- Reading ---- */

static void alert_take(struct book *book, const struct source_record *record)
{
    json_t *alert = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);

    if (*text_of(alert, "id") != '\0')
        (void)json_array_append_new(book->alerts, alert);
    else
        json_decref(alert);
}

static void state_take(struct book *book, const struct source_record *record)
{
    char *id = memory_copy_bytes(record->key.data, record->key.size);
    json_t *said = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);

    if (said == NULL)
        (void)json_object_del(book->states, id);
    else
        (void)json_object_set_new(book->states, id, said);
    memory_free(id);
}

static enum status topic_read(struct book *book, const char *topic, void (*take)(struct book *book, const struct source_record *record), struct error *error)
{
    struct history_spec spec = {.bootstrap_servers = book->bootstrap, .topic = topic, .from_ms = -1, .to_ms = -1, .client = &book->client};
    struct history *history = NULL;
    struct source_record record;
    bool got = true;
    enum status status = history_open(&spec, &history, error);

    while (status == OK && got) {
        status = history_next(history, &record, &got, error);
        if (status == OK && got)
            take(book, &record);
    }
    history_close(history);
    return status;
}

static enum status book_read(struct book *book, struct error *error)
{
    const char **topics = &book->topic;
    size_t count = 1;
    enum status status = OK;

    if (book->topic == NULL)
        status = alert_book_topics(book->bootstrap, &book->client, &book->arena, &topics, &count, error);
    if (status == OK && count == 0)
        status = error_set(error, ERROR_NOT_FOUND, "there is no topic on %s whose name ends in .alerts; --topic names another", book->bootstrap);
    for (size_t i = 0; i < count && status == OK; i++)
        status = topic_read(book, topics[i], alert_take, error);
    if (status != OK)
        return status;
    status = topic_read(book, ALERT_STATES_TOPIC, state_take, error);
    return status == ERROR_UNKNOWN_TOPIC_OR_PARTITION ? OK : status; /* nobody said anything yet */
}

static json_t *alert_find(const struct book *book, const char *id)
{
    json_t *alert;
    size_t i;

    json_array_foreach(book->alerts, i, alert) {
        if (strcmp(text_of(alert, "id"), id) == 0)
            return alert;
    }
    return NULL;
}

/* ---- Showing ---- */

static void json_print(const struct book *book, json_t *alert)
{
    json_t *said = json_object_get(book->states, text_of(alert, "id")), *history = json_object_get(said, "history");
    json_t *line = json_pack("{s:s, s:O, s:o}", "state", state_of(book, alert), "alert", alert, "history", history == NULL ? json_array() : json_incref(history));
    char *text = json_dumps(line, JSON_COMPACT);

    (void)printf("%s\n", text);
    free(text);
    json_decref(line);
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = scored_us(*(json_t *const *)a), y = scored_us(*(json_t *const *)b);

    return x > y ? -1 : x < y;
}

static void list_print(struct book *book)
{
    size_t count = json_array_size(book->alerts), shown = 0;
    json_t **sorted = memory_new_array(count + 1, sizeof(json_t *));
    struct table *table = table_create("id|scored|agent|state|alert");

    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(book->alerts, i);
    qsort(sorted, count, sizeof(*sorted), newest_first);
    for (size_t i = 0; i < count && shown < (size_t)book->limit; i++) {
        const char *state = state_of(book, sorted[i]);

        if ((book->state != NULL && strcmp(book->state, state) != 0) || (book->agent != NULL && strcmp(book->agent, text_of(sorted[i], "agent")) != 0))
            continue;
        shown++;
        if (book->json) {
            json_print(book, sorted[i]);
            continue;
        }
        table_cell(table, STYLE_PLAIN, "%s", text_of(sorted[i], "id"));
        table_cell_time(table, scored_us(sorted[i]) / US_PER_MS, 0);
        table_cell(table, STYLE_PLAIN, "%s", text_of(sorted[i], "agent"));
        table_cell(table, strcmp(state, "open") == 0 ? STYLE_WARN : STYLE_PLAIN, "%s", state);
        table_cell(table, STYLE_PLAIN, "%s", text_of(sorted[i], "title"));
    }
    if (!book->json && shown > 0)
        table_print(table, &book->page);
    else if (!book->json)
        page_print(&book->page, STYLE_PLAIN, "No alerts.\n");
    table_destroy(table);
    memory_free(sorted);
}

static void time_print(struct book *book, int64_t ms)
{
    amount_time(book->page.text, ms);
}

static void show_print(struct book *book, json_t *alert)
{
    json_t *one, *source = json_object_get(alert, "source");
    struct page *page = &book->page;
    size_t i;

    page_print(page, STYLE_STRONG, "%s  %s\n", text_of(alert, "id"), text_of(alert, "title"));
    page_print(page, STYLE_PLAIN, "  agent      %s, rule %s, severity %s\n", text_of(alert, "agent"), text_of(alert, "rule"), text_of(alert, "severity"));
    page_print(page, STYLE_PLAIN, "  scored     ");
    time_print(book, scored_us(alert) / US_PER_MS);
    page_print(page, STYLE_PLAIN, "\n  row        topic %s, partition %lld, offset %lld\n", text_of(source, "topic"),
               (long long)json_integer_value(json_object_get(source, "partition")), (long long)json_integer_value(json_object_get(source, "offset")));
    json_array_foreach(json_object_get(alert, "conditions"), i, one)
        page_print(page, STYLE_PLAIN, "  %-9s  %s: %s, limit %s%s\n", i == 0 ? "because" : "", text_of(one, "text"), text_of(one, "was"), text_of(one, "limit"),
                   json_is_true(json_object_get(one, "held")) ? "" : " (not reached)");
    page_print(page, STYLE_PLAIN, "  state      %s\n", state_of(book, alert));
    json_array_foreach(json_object_get(json_object_get(book->states, text_of(alert, "id")), "history"), i, one) {
        page_print(page, STYLE_PLAIN, "             ");
        time_print(book, json_integer_value(json_object_get(one, "at_ms")));
        page_print(page, STYLE_PLAIN, "  %s by %s%s%s\n", text_of(one, "state"), text_of(one, "by"), *text_of(one, "note") == '\0' ? "" : ": ", text_of(one, "note"));
    }
}

/* ---- Saying ---- */

static enum status state_put(struct book *book, const char *id, const char *state, struct error *error)
{
    const char *user = getenv("USER");
    json_t *said = json_deep_copy(json_object_get(book->states, id)), *history;
    char *text;
    enum status status;

    if (said == NULL)
        said = json_object();
    history = json_object_get(said, "history");
    if (!json_is_array(history)) {
        (void)json_object_set_new(said, "history", json_array());
        history = json_object_get(said, "history");
    }
    (void)json_object_set_new(said, "state", json_string(state));
    (void)json_array_append_new(history, json_pack("{s:I, s:s, s:s, s:s?}", "at_ms", (json_int_t)clock_now_ms(), "state", state, "by",
                                                   user == NULL || *user == '\0' ? "command line" : user, "note", book->note));
    text = json_dumps(said, JSON_COMPACT);
    status = alert_book_put(book->bootstrap, &book->client, slice_from_string(id), slice_from_string(text), error);
    if (status == OK && book->json)
        (void)printf("{\"id\":\"%s\",\"state\":\"%s\"}\n", id, state);
    else if (status == OK)
        (void)printf("%s is %s now.\n", id, state);
    free(text);
    json_decref(said);
    return status;
}

static const char *state_of_verb(const char *word)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].word, word) == 0)
            return verbs[i].state;
    }
    return NULL;
}

static enum status ids_handle(struct book *book, const char *word, const char **ids, size_t count, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; i < count && status == OK; i++) { /* all or none */
        if (alert_find(book, ids[i]) == NULL)
            status = error_set(error, ERROR_NOT_FOUND, "there is no alert %s; \"tailrace alerts\" shows those there are", ids[i]);
    }
    for (size_t i = 0; i < count && status == OK; i++) {
        if (strcmp(word, "show") != 0)
            status = state_put(book, ids[i], state_of_verb(word), error);
        else if (book->json)
            json_print(book, alert_find(book, ids[i]));
        else
            show_print(book, alert_find(book, ids[i]));
    }
    return status;
}

static enum status run(struct book *book, const char **operands, size_t count, struct error *error)
{
    struct buffer text;
    enum status status = OK;

    if (book->config != NULL) {
        buffer_init(&text, 1 << 20);
        status = disk_read_file(disk_real(), book->config, &text, error);
        if (status == OK)
            status = properties_parse(&book->client, buffer_slice(&text), error);
        buffer_finish(&text);
    }
    if (status == OK)
        status = book_read(book, error);
    if (status == OK && strcmp(operands[0], "list") == 0)
        list_print(book);
    else if (status == OK)
        status = ids_handle(book, operands[0], operands + 1, count - 1, error);
    return status;
}

int alerts_main(int argc, char **argv)
{
    static struct book book = {.bootstrap = "localhost:9092", .limit = 50};
    static const struct option_row rows[] = {
        {"bootstrap-server", OPTION_TEXT, &book.bootstrap, "HOST:PORT", "Where Kafka's protocol is spoken; default localhost:9092", 0, 0},
        {"topic", OPTION_TEXT, &book.topic, "TOPIC", "Topic of alerts; default: all whose name ends in .alerts", 0, 0},
        {"state", OPTION_TEXT, &book.state, "open|acknowledged|resolved|false_positive|muted", "Only alerts of this state", 0, 0, "list"},
        {"agent", OPTION_TEXT, &book.agent, "AGENT", "Only alerts of this agent", 0, 0, "list"},
        {"limit", OPTION_NUMBER, &book.limit, "N", "The newest N (default 50)", 1, 1000000, "list"},
        {"note", OPTION_TEXT, &book.note, "TEXT", "Kept with what is said of the alert", 0, 0, "ack,resolve,false-positive,mute,reopen"},
        {"command-config", OPTION_TEXT, &book.config, "FILE", "Settings of the Kafka client, as a properties file", 0, 0},
        {"json", OPTION_FLAG, &book.json, NULL, "One line of JSON per alert", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct option_verb words[] = {
        {"list", NULL, "The newest alerts", 0, 0},
        {"show", "ID…", "Why an alert fired, where its row is, and what was said of it", 1, SIZE_MAX},
        {"ack", "ID…", "Somebody looks at it", 1, SIZE_MAX},
        {"resolve", "ID…", "It is dealt with", 1, SIZE_MAX},
        {"false-positive", "ID…", "There was nothing", 1, SIZE_MAX},
        {"mute", "ID…", "Do not show it any more", 1, SIZE_MAX},
        {"reopen", "ID…", "Take back what was said", 1, SIZE_MAX},
        {NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {"tailrace alerts", NULL, "Shows the agents' alerts, and says what became of them.", rows, 0, words,
                                           "tailrace alerts\ntailrace alerts list --state open --json\ntailrace alerts ack 3f0c2a --note \"called the customer\""};
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    size_t operand_count = 0;
    struct error error;
    struct buffer shown;
    enum status status;
    int ended;

    ended = command_options(&options, argc, argv, operands, &operand_count);
    if (ended >= 0) {
        memory_free(operands);
        return ended;
    }
    (void)logger_set_level(NULL, "warning");
    buffer_init(&shown, SHOWN_BYTES_MAX);
    properties_init(&book.client);
    arena_init(&book.arena, 4096);
    book.alerts = json_array();
    book.states = json_object();
    book.page = (struct page){&shown, terminal_has_colors(1)};
    status = run(&book, operands, operand_count, &error);
    ended = command_print(buffer_slice(&shown));
    json_decref(book.alerts);
    json_decref(book.states);
    arena_finish(&book.arena);
    properties_finish(&book.client);
    buffer_finish(&shown);
    memory_free(operands);
    return status == OK ? ended : command_fail(&error);
}
