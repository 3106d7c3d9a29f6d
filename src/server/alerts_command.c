#include "agents/alert_book.h"
#include "agents/history.h"
#include "agents/mutes.h"
#include "agents/sink.h"
#include "base/amount.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger.h"
#include "os/moment.h"
#include "os/random.h"
#include "os/terminal.h"
#include "server/command.h"
#include "server/commands.h"
#include "server/data_directory.h"

#include <inttypes.h>
#include <jansson.h>

#define DEFAULT_DATA_DIR "./tailrace-data"
#define SHOWN_BYTES_MAX (256 << 20)
#define STEP_FIRST 1000 /* alerts of a partition that are read at first; ten times as many with each next step */
#define STEP_MAX 100000

/* What the words of the command line make of an alert; the console knows the same states. */
static const struct verb {
    const char *word, *state;
} verbs[] = {{"ack", "acknowledged"}, {"resolve", "resolved"}, {"false-positive", "false_positive"}, {"mute", "muted"}, {"reopen", "open"}};

static const char *const states[] = {"open", "acknowledged", "resolved", "false_positive", "muted"};

struct book {
    const char *data_dir, *bootstrap, *topic, *state, *agent, *key, *subject, *since, *until, *lasts, *note, *config;
    int64_t limit;
    bool json;
    struct page page;
    struct properties client;
    struct arena arena;
    int64_t since_us, until_us;
    json_t *alerts;     /* id to alert */
    json_t *states;     /* id to what people say of it */
    json_t *mutes;      /* id to mute */
    json_t *deliveries; /* "alert/sink" to what came of it */
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *state_of(const struct book *book, const json_t *alert)
{
    const char *state = text_of(json_object_get(book->states, text_of(alert, "id")), "state");

    if (*state != '\0')
        return state;
    return json_is_true(json_object_get(json_object_get(alert, "problem"), "closed")) ? "resolved" : "open";
}

static int64_t scored_us(const json_t *alert)
{
    return number_of(json_object_get(alert, "source"), "scored_us");
}

/* ---- Reading ---- */

typedef void record_taker(struct book *book, const struct source_record *record);

/* Of two words of one alert the later one counts. */
static void alert_take(struct book *book, const struct source_record *record)
{
    json_t *alert = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);
    const char *id = text_of(alert, "id");

    if (*id != '\0' && scored_us(alert) >= scored_us(json_object_get(book->alerts, id)))
        (void)json_object_set(book->alerts, id, alert);
    json_decref(alert);
}

static void object_take(json_t *objects, const struct source_record *record)
{
    char *id = memory_copy_bytes(record->key.data, record->key.size);
    json_t *object = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);

    if (object == NULL)
        (void)json_object_del(objects, id);
    else
        (void)json_object_set_new(objects, id, object);
    memory_free(id);
}

static void state_take(struct book *book, const struct source_record *record)
{
    object_take(book->states, record);
}

static void mute_take(struct book *book, const struct source_record *record)
{
    object_take(book->mutes, record);
}

/* The newer word counts: the topic is read backwards, in steps. */
static void delivery_take(struct book *book, const struct source_record *record)
{
    char *key = memory_copy_bytes(record->key.data, record->key.size);
    json_t *delivery = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);

    if (delivery != NULL && number_of(delivery, "at_us") >= number_of(json_object_get(book->deliveries, key), "at_us"))
        (void)json_object_set(book->deliveries, key, delivery);
    json_decref(delivery);
    memory_free(key);
}

/*
 * Reads a part of a topic. oldest_ms: nothing that was left out before it is newer; INT64_MIN when nothing was.
 * newest 0: all of it
 */
static enum status part_read(struct book *book, const char *topic, int64_t newest, int64_t skipped, record_taker *take, int64_t *oldest_ms, struct error *error)
{
    struct history_spec spec = {.bootstrap_servers = book->bootstrap, .topic = topic, .from_ms = -1, .to_ms = -1, .newest = newest, .skipped = skipped, .client = &book->client};
    struct history *history = NULL;
    struct source_record record;
    bool got = true;
    enum status status = history_open(&spec, &history, error);
    size_t count = status == OK ? (size_t)history_partitions(history) : 0;
    int64_t *firsts = memory_new_array(count + 1, sizeof(*firsts));

    *oldest_ms = INT64_MIN;
    while (status == OK && got) {
        status = history_next(history, &record, &got, error);
        if (status != OK || !got)
            continue;
        if (firsts[record.partition] == 0)
            firsts[record.partition] = record.timestamp_ms;
        take(book, &record);
    }
    for (size_t i = 0; status == OK && i < count; i++) {
        if (history_has_older(history, (int32_t)i) && firsts[i] > *oldest_ms)
            *oldest_ms = firsts[i];
    }
    memory_free(firsts);
    history_close(history);
    return status;
}

/* A compacted topic; one that is not there says nothing. */
static enum status objects_read(struct book *book, const char *topic, record_taker *take, struct error *error)
{
    int64_t oldest_ms;
    enum status status = part_read(book, topic, 0, 0, take, &oldest_ms, error);

    return status == ERROR_UNKNOWN_TOPIC_OR_PARTITION ? OK : status;
}

/* What ends the reading: enough is known. */
typedef bool book_ender(const struct book *book, const void *context, int64_t oldest_ms);

/* From the newest ones backwards, in growing steps. */
static enum status back_read(struct book *book, const char *topic, record_taker *take, book_ender *ends, const void *context, struct error *error)
{
    int64_t oldest_ms = INT64_MAX, skipped = 0;
    enum status status = OK;

    for (int64_t step = STEP_FIRST; status == OK && oldest_ms != INT64_MIN && !(skipped > 0 && ends(book, context, oldest_ms)); step = step < STEP_MAX ? step * 10 : step) {
        status = part_read(book, topic, step, skipped, take, &oldest_ms, error);
        skipped += step;
    }
    return status;
}

static enum status topics_read(struct book *book, book_ender *ends, const void *context, struct error *error)
{
    const char **topics = &book->topic;
    size_t count = 1;
    enum status status = OK;

    if (book->topic == NULL)
        status = alert_book_topics(book->bootstrap, &book->client, &book->arena, &topics, &count, error);
    for (size_t i = 0; i < count && status == OK; i++)
        status = back_read(book, topics[i], alert_take, ends, context, error);
    return status;
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

static bool mentions(const json_t *alert, const char *part)
{
    return strcasestr(text_of(alert, "subject"), part) != NULL || strcasestr(text_of(alert, "title"), part) != NULL || strcasestr(text_of(alert, "key"), part) != NULL;
}

static bool is_wanted(const struct book *book, const json_t *alert)
{
    return (book->state == NULL || strcmp(book->state, state_of(book, alert)) == 0) && (book->agent == NULL || strcmp(book->agent, text_of(alert, "agent")) == 0) &&
           (book->key == NULL || strcmp(book->key, text_of(alert, "key")) == 0) && (book->subject == NULL || mentions(alert, book->subject)) &&
           scored_us(alert) >= book->since_us && scored_us(alert) < book->until_us;
}

/* Are there as many as are wanted that nothing unread can be newer than? */
static bool list_ends(const struct book *book, const void *context, int64_t oldest_ms)
{
    int64_t found = 0;
    const char *id;
    json_t *alert;

    (void)context;
    if (oldest_ms * 1000 < book->since_us)
        return true;
    json_object_foreach(book->alerts, id, alert) found += is_wanted(book, alert) && scored_us(alert) >= oldest_ms * 1000;
    return found >= book->limit;
}

static void line_print(const struct book *book, struct table *table, const json_t *alert)
{
    const char *state = state_of(book, alert);

    table_cell(table, STYLE_PLAIN, "%s", text_of(alert, "id"));
    table_cell_time(table, scored_us(alert) / US_PER_MS, 0);
    table_cell(table, STYLE_PLAIN, "%s", text_of(alert, "agent"));
    table_cell(table, strcmp(state, "open") == 0 ? STYLE_WARN : STYLE_PLAIN, "%s", state);
    table_cell(table, STYLE_PLAIN, "%s", text_of(alert, "title"));
}

static enum status list(struct book *book, struct error *error)
{
    struct table *table = table_create("id|scored|agent|state|alert");
    json_t **sorted, *alert;
    const char *id;
    size_t count = 0;
    enum status status = objects_read(book, ALERT_STATES_TOPIC, state_take, error);

    if (status == OK)
        status = topics_read(book, list_ends, NULL, error);
    sorted = memory_new_array(json_object_size(book->alerts) + 1, sizeof(*sorted));
    json_object_foreach(book->alerts, id, alert) {
        if (status == OK && is_wanted(book, alert))
            sorted[count++] = alert;
    }
    qsort(sorted, count, sizeof(*sorted), newest_first);
    for (size_t i = 0; i < count && i < (size_t)book->limit; i++) {
        if (book->json)
            json_print(book, sorted[i]);
        else
            line_print(book, table, sorted[i]);
    }
    if (status == OK && !book->json && count > 0)
        table_print(table, &book->page);
    else if (status == OK && !book->json)
        page_print(&book->page, STYLE_PLAIN, "No alerts.\n");
    table_destroy(table);
    memory_free(sorted);
    return status;
}

static void time_print(struct book *book, int64_t ms)
{
    amount_time(book->page.text, ms);
}

/* "+2.4 ms" after the commit, where both are known. */
static void hop_print(struct book *book, const json_t *source, const char *member, const char *text)
{
    int64_t from_us = number_of(source, "committed_us"), at_us = number_of(source, member);

    if (from_us > 0 && at_us >= from_us)
        page_print(&book->page, STYLE_PLAIN, "             +%.3f ms  %s\n", (double)(at_us - from_us) / 1000, text);
}

static void way_print(struct book *book, const json_t *source)
{
    page_print(&book->page, STYLE_PLAIN, "  committed  ");
    time_print(book, number_of(source, "committed_us") / US_PER_MS);
    page_print(&book->page, STYLE_PLAIN, "\n");
    hop_print(book, source, "received_us", "received");
    hop_print(book, source, "appended_us", "appended");
    hop_print(book, source, "durable_us", "durable");
    hop_print(book, source, "published_us", "published");
    hop_print(book, source, "read_us", "read by the agent");
    hop_print(book, source, "scored_us", "scored");
}

static void deliveries_print(struct book *book, const char *id)
{
    const char *key;
    json_t *one;

    json_object_foreach(book->deliveries, key, one) {
        if (strcmp(text_of(one, "id"), id) != 0)
            continue;
        page_print(&book->page, STYLE_PLAIN, "  %-9s  ", text_of(one, "sink"));
        time_print(book, number_of(one, "at_us") / US_PER_MS);
        page_print(&book->page, strcmp(text_of(one, "state"), "delivered") == 0 ? STYLE_PLAIN : STYLE_WARN, "  %s by %s, try %lld%s%s%s\n", text_of(one, "state"), text_of(one, "kind"),
                   (long long)number_of(one, "tries"), *text_of(one, "answer") == '\0' ? "" : ", answer ", text_of(one, "answer"),
                   *text_of(one, "error") == '\0' ? "" : ", ");
        if (*text_of(one, "error") != '\0')
            page_print(&book->page, STYLE_PLAIN, "             %s\n", text_of(one, "error"));
    }
}

/* What the model saw, and what each of it added to the score. */
static void model_print(struct page *page, const json_t *alert)
{
    const json_t *feature;
    size_t i;

    if (!json_is_string(json_object_get(alert, "model")))
        return;
    page_print(page, STYLE_PLAIN, "  model      version %s saw\n", text_of(alert, "model"));
    json_array_foreach(json_object_get(alert, "features"), i, feature) {
        const char *value = text_of(feature, "value");

        page_print(page, STYLE_PLAIN, "             %s: %s, weight %+.3f\n", text_of(feature, "name"), *value == '\0' ? "unknown" : value,
                   json_number_value(json_object_get(feature, "weight")));
    }
}

static void show_print(struct book *book, json_t *alert)
{
    json_t *one, *source = json_object_get(alert, "source"), *problem = json_object_get(alert, "problem");
    struct page *page = &book->page;
    size_t i;

    page_print(page, STYLE_STRONG, "%s  %s\n", text_of(alert, "id"), text_of(alert, "title"));
    page_print(page, STYLE_PLAIN, "  agent      %s, rule %s, severity %s, key %s\n", text_of(alert, "agent"), text_of(alert, "rule"), text_of(alert, "severity"), text_of(alert, "key"));
    page_print(page, STYLE_PLAIN, "  scored     ");
    time_print(book, scored_us(alert) / US_PER_MS);
    page_print(page, STYLE_PLAIN, "\n");
    if (json_is_object(problem)) {
        page_print(page, STYLE_PLAIN, "  because    %s\n  do         %s\n", text_of(problem, "why"), text_of(problem, "todo"));
    } else {
        page_print(page, STYLE_PLAIN, "  row        topic %s, partition %lld, offset %lld\n", text_of(source, "topic"), (long long)number_of(source, "partition"),
                   (long long)number_of(source, "offset"));
        way_print(book, source);
    }
    json_array_foreach(json_object_get(alert, "conditions"), i, one)
        page_print(page, STYLE_PLAIN, "  %-9s  %s: %s, limit %s%s\n", i == 0 ? "because" : "", text_of(one, "text"), text_of(one, "was"), text_of(one, "limit"),
                   json_is_true(json_object_get(one, "held")) ? "" : " (not reached)");
    model_print(page, alert);
    if (number_of(alert, "folded") > 0)
        page_print(page, STYLE_PLAIN, "  folded     %lld alerts of this key before it were not sent\n", (long long)number_of(alert, "folded"));
    deliveries_print(book, text_of(alert, "id"));
    page_print(page, STYLE_PLAIN, "  state      %s\n", state_of(book, alert));
    json_array_foreach(json_object_get(json_object_get(book->states, text_of(alert, "id")), "history"), i, one) {
        page_print(page, STYLE_PLAIN, "             ");
        time_print(book, number_of(one, "at_ms"));
        page_print(page, STYLE_PLAIN, "  %s by %s%s%s\n", text_of(one, "state"), text_of(one, "by"), *text_of(one, "note") == '\0' ? "" : ": ", text_of(one, "note"));
    }
}

/* ---- Saying ---- */

static const char *user_name(void)
{
    const char *user = getenv("USER");

    return user == NULL || *user == '\0' ? "command line" : user;
}

static enum status state_put(struct book *book, const char *id, const char *state, struct error *error)
{
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
                                                   user_name(), "note", book->note));
    text = json_dumps(said, JSON_COMPACT);
    status = alert_book_put(book->bootstrap, &book->client, ALERT_STATES_TOPIC, slice_from_string(id), slice_from_string(text), error);
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

struct ids {
    const char **items;
    size_t count;
};

/* Are all of them found? */
static bool ids_end(const struct book *book, const void *context, int64_t oldest_ms)
{
    const struct ids *ids = context;
    size_t found = 0;

    (void)oldest_ms;
    for (size_t i = 0; i < ids->count; i++)
        found += json_object_get(book->alerts, ids->items[i]) != NULL;
    return found == ids->count;
}

/* What is unread is older than the alerts themselves. */
static bool deliveries_end(const struct book *book, const void *context, int64_t oldest_ms)
{
    const struct ids *ids = context;
    bool older = true;

    for (size_t i = 0; i < ids->count; i++)
        older = older && oldest_ms * 1000 < scored_us(json_object_get(book->alerts, ids->items[i]));
    return older;
}

static enum status ids_handle(struct book *book, const char *word, const char **items, size_t count, struct error *error)
{
    const struct ids ids = {items, count};
    bool shows = strcmp(word, "show") == 0;
    enum status status = objects_read(book, ALERT_STATES_TOPIC, state_take, error);

    if (status == OK)
        status = topics_read(book, ids_end, &ids, error);
    for (size_t i = 0; i < count && status == OK; i++) { /* all or none */
        if (json_object_get(book->alerts, items[i]) == NULL)
            status = error_set(error, ERROR_NOT_FOUND, "there is no alert %s; \"tailrace alerts\" shows those there are", items[i]);
    }
    if (status == OK && shows && !book->json)
        status = back_read(book, DELIVERIES_TOPIC, delivery_take, deliveries_end, &ids, error);
    if (status == ERROR_UNKNOWN_TOPIC_OR_PARTITION) /* no sink has delivered anything */
        status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        if (!shows)
            status = state_put(book, items[i], state_of_verb(word), error);
        else if (book->json)
            json_print(book, json_object_get(book->alerts, items[i]));
        else
            show_print(book, json_object_get(book->alerts, items[i]));
    }
    return status;
}

/* ---- Mutes of keys and agents ---- */

static enum status mute_put(struct book *book, const char *id, const json_t *mute, struct error *error)
{
    char *text = json_dumps(mute, JSON_COMPACT);
    enum status status = alert_book_put(book->bootstrap, &book->client, MUTES_TOPIC, slice_from_string(id), slice_from_string(text), error);

    free(text);
    return status;
}

static enum status mute_create(struct book *book, struct error *error)
{
    int64_t now_ms = clock_now_ms(), lasts_ms = 0;
    uint32_t number;
    json_t *mute;
    char id[16];
    enum status status;

    if (book->agent == NULL && book->key == NULL)
        return error_set(error, ERROR_USAGE, "mute what? Give the id of an alert, or --agent, --key or both");
    if (!duration_parse(book->lasts == NULL ? "1h" : book->lasts, &lasts_ms) || lasts_ms < 60000)
        return error_set(error, ERROR_USAGE, "--for %s: it has to be a duration such as 30m, 2h or 1d, at least a minute", book->lasts);
    random_bytes(&number, sizeof(number));
    (void)snprintf(id, sizeof(id), "M-%08x", number);
    mute = json_pack("{s:s, s:s?, s:s?, s:I, s:I, s:s, s:s?}", "id", id, "agent", book->agent, "key", book->key, "from_ms", (json_int_t)now_ms, "until_ms", (json_int_t)(now_ms + lasts_ms),
                     "by", user_name(), "note", book->note);
    status = mute_put(book, id, mute, error);
    if (status == OK && book->json) {
        char *text = json_dumps(mute, JSON_COMPACT);

        (void)printf("%s\n", text);
        free(text);
    } else if (status == OK) {
        page_print(&book->page, STYLE_PLAIN, "%s: muted until ", id);
        time_print(book, now_ms + lasts_ms);
        page_print(&book->page, STYLE_PLAIN, ". Its alerts are kept and counted, not sent; \"tailrace alerts unmute %s\" ends it.\n", id);
    }
    json_decref(mute);
    return status;
}

static enum status mutes_list(struct book *book, struct error *error)
{
    struct table *table = table_create("id|agent|key|until|by|note");
    enum status status = objects_read(book, MUTES_TOPIC, mute_take, error);
    size_t shown = 0;
    const char *id;
    json_t *mute;

    json_object_foreach(book->mutes, id, mute) {
        if (status != OK || number_of(mute, "until_ms") <= clock_now_ms())
            continue;
        shown++;
        if (book->json) {
            char *text = json_dumps(mute, JSON_COMPACT);

            (void)printf("%s\n", text);
            free(text);
            continue;
        }
        table_cell(table, STYLE_PLAIN, "%s", id);
        table_cell(table, STYLE_PLAIN, "%s", *text_of(mute, "agent") == '\0' ? "every" : text_of(mute, "agent"));
        table_cell(table, STYLE_PLAIN, "%s", *text_of(mute, "key") == '\0' ? "every" : text_of(mute, "key"));
        table_cell_time(table, number_of(mute, "until_ms"), 0);
        table_cell(table, STYLE_PLAIN, "%s", text_of(mute, "by"));
        table_cell(table, STYLE_PLAIN, "%s", text_of(mute, "note"));
    }
    if (status == OK && !book->json && shown > 0)
        table_print(table, &book->page);
    else if (status == OK && !book->json)
        page_print(&book->page, STYLE_PLAIN, "Nothing is muted.\n");
    table_destroy(table);
    return status;
}

static enum status mutes_end(struct book *book, const char **ids, size_t count, struct error *error)
{
    enum status status = objects_read(book, MUTES_TOPIC, mute_take, error);

    for (size_t i = 0; i < count && status == OK; i++) { /* all or none */
        if (json_object_get(book->mutes, ids[i]) == NULL)
            status = error_set(error, ERROR_NOT_FOUND, "there is no mute %s; \"tailrace alerts mutes\" shows those there are", ids[i]);
    }
    for (size_t i = 0; i < count && status == OK; i++) {
        json_t *mute = json_object_get(book->mutes, ids[i]);

        if (number_of(mute, "until_ms") > clock_now_ms()) {
            (void)json_object_set_new(mute, "until_ms", json_integer(clock_now_ms()));
            status = mute_put(book, ids[i], mute, error);
        }
        if (status == OK && !book->json)
            page_print(&book->page, STYLE_PLAIN, "%s has ended.\n", ids[i]);
    }
    return status;
}

/* ---- The command ---- */

static enum status asked_check(struct book *book, struct error *error)
{
    int64_t now_ms = clock_now_ms(), ms;
    bool known = book->state == NULL;

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && !known; i++)
        known = strcmp(book->state, states[i]) == 0;
    if (!known)
        return error_set(error, ERROR_USAGE, "--state %s: it has to be open, acknowledged, resolved, false_positive or muted", book->state);
    book->since_us = 0;
    book->until_us = INT64_MAX;
    if (book->since != NULL) {
        if (!moment_parse(book->since, now_ms, &ms))
            return error_set(error, ERROR_USAGE, "--since %s: it has to be a time such as 2026-01-07T17:26Z, or how long ago: 2h", book->since);
        book->since_us = ms * US_PER_MS;
    }
    if (book->until != NULL) {
        if (!moment_parse(book->until, now_ms, &ms))
            return error_set(error, ERROR_USAGE, "--until %s: it has to be a time such as 2026-01-07T17:26Z, or how long ago: 2h", book->until);
        book->until_us = ms * US_PER_MS;
    }
    return OK;
}

static enum status run(struct book *book, const char **operands, size_t count, struct error *error)
{
    struct buffer text;
    enum status status = asked_check(book, error);

    if (status == OK && book->config != NULL) {
        buffer_init(&text, 1 << 20);
        status = disk_read_file(disk_real(), book->config, &text, error);
        if (status == OK)
            status = properties_parse(&book->client, buffer_slice(&text), error);
        buffer_finish(&text);
    }
    if (status != OK)
        return status;
    if (strcmp(operands[0], "list") == 0)
        return list(book, error);
    if (strcmp(operands[0], "mutes") == 0)
        return mutes_list(book, error);
    if (strcmp(operands[0], "unmute") == 0)
        return mutes_end(book, operands + 1, count - 1, error);
    if (strcmp(operands[0], "mute") == 0 && count == 1)
        return mute_create(book, error);
    return ids_handle(book, operands[0], operands + 1, count - 1, error);
}

/* Where the program of a data directory speaks Kafka's protocol, unless an address was given. */
static enum status bootstrap_find(struct book *book, struct error *error)
{
    const char *data_dir = book->data_dir != NULL ? book->data_dir : DEFAULT_DATA_DIR, *found;
    json_t *addresses = NULL;
    struct buffer answer;
    enum status status;

    if (book->bootstrap != NULL)
        return OK;
    book->bootstrap = "localhost:9092";
    if (book->data_dir == NULL && data_directory_owner(data_dir) == 0)
        return OK;
    buffer_init(&answer, SHOWN_BYTES_MAX);
    status = data_directory_ask(data_dir, "addresses", &answer, error);
    if (status == OK)
        addresses = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    found = text_of(addresses, "kafka");
    if (status == OK && *found == '\0')
        status = error_set(error, ERROR_UNAVAILABLE, "tailrace is still starting on data directory %s; \"tailrace status\" says how far it is", data_dir);
    else if (status == OK)
        book->bootstrap = arena_copy_string(&book->arena, slice_from_string(found));
    json_decref(addresses);
    buffer_finish(&answer);
    return status;
}

int alerts_main(int argc, char **argv)
{
    static struct book book = {.limit = 50};
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &book.data_dir, "DIR", "Where tailrace runs (default ./tailrace-data, or this machine's port 9092)", 0, 0},
        {"bootstrap-server", OPTION_TEXT, &book.bootstrap, "HOST:PORT", "Kafka's protocol elsewhere, also Apache's", 0, 0},
        {"topic", OPTION_TEXT, &book.topic, "TOPIC", "Topic of alerts; default: all whose name ends in .alerts", 0, 0},
        {"state", OPTION_TEXT, &book.state, "open|acknowledged|resolved|false_positive|muted", "Only alerts of this state", 0, 0, "list"},
        {"agent", OPTION_TEXT, &book.agent, "AGENT", "Only alerts of this agent", 0, 0, "list,mute"},
        {"key", OPTION_TEXT, &book.key, "KEY", "Only alerts of this key of the agent's state, a user say", 0, 0, "list,mute"},
        {"subject", OPTION_TEXT, &book.subject, "TEXT", "Only alerts whose subject, title or key has this in it", 0, 0, "list"},
        {"since", OPTION_TEXT, &book.since, "TIME", "Only alerts from then on: 2026-01-07T17:26Z, or 2h ago", 0, 0, "list"},
        {"until", OPTION_TEXT, &book.until, "TIME", "Only alerts before then", 0, 0, "list"},
        {"for", OPTION_TEXT, &book.lasts, "DURATION", "How long the agent or key is muted: 30m, 2h, 1d (default 1h)", 0, 0, "mute"},
        {"limit", OPTION_NUMBER, &book.limit, "N", "The newest N (default 50)", 1, 1000000, "list"},
        {"note", OPTION_TEXT, &book.note, "TEXT", "Kept with what is said of the alert", 0, 0, "ack,resolve,false-positive,mute,reopen"},
        {"command-config", OPTION_TEXT, &book.config, "FILE", "Settings of the Kafka client, as a properties file", 0, 0},
        {"json", OPTION_FLAG, &book.json, NULL, "One line of JSON per alert or mute", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct option_verb words[] = {
        {"list", NULL, "The newest alerts", 0, 0},
        {"show", "ID…", "Why an alert fired, where its row is, and what was said of it", 1, SIZE_MAX},
        {"ack", "ID…", "Somebody looks at it", 1, SIZE_MAX},
        {"resolve", "ID…", "It is dealt with", 1, SIZE_MAX},
        {"false-positive", "ID…", "There was nothing", 1, SIZE_MAX},
        {"mute", "[ID…]", "Alerts by their ids; or with --agent, --key or both: no sink sends theirs for a time, though they are kept", 0, SIZE_MAX},
        {"mutes", NULL, "Which agents and keys are muted now, and until when", 0, 0},
        {"unmute", "MUTE…", "End such a mute", 1, SIZE_MAX},
        {"reopen", "ID…", "Take back what was said", 1, SIZE_MAX},
        {NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {"tailrace alerts", NULL, "Shows the agents' alerts, and says what became of them.", rows, 0, words,
                                           "tailrace alerts\ntailrace alerts list --state open --json\ntailrace alerts --agent fraud --since 2h --subject \"User 7690\"\ntailrace alerts mute --agent fraud --key 7690 --for 2h\ntailrace alerts ack A-08c1ad0f94b5d0c2 --note \"called the customer\""};
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
    book.alerts = json_object();
    book.states = json_object();
    book.mutes = json_object();
    book.deliveries = json_object();
    book.page = terminal_page(&shown);
    status = bootstrap_find(&book, &error);
    if (status == OK)
        status = run(&book, operands, operand_count, &error);
    ended = command_print(buffer_slice(&shown));
    json_decref(book.alerts);
    json_decref(book.states);
    json_decref(book.mutes);
    json_decref(book.deliveries);
    arena_finish(&book.arena);
    properties_finish(&book.client);
    buffer_finish(&shown);
    memory_free(operands);
    return status == OK ? ended : command_fail(&error);
}
