/* groups_command.c: `tailrace groups`: through the console's API, which knows how many seconds a group is behind. */
#include "cli/commands.h"

#include "base/banned.h"
#include "base/text.h"
#include "cli/session.h"
#include "os/clock.h"
#include "os/moment.h"
#include "os/terminal.h"

#include <math.h>

#define REASON_BYTES_MAX 65536

static struct session groups = {.collection = "/groups"};

/* Options of single verbs. */
static struct {
    const char *to, *topic;
    bool dry_run;
} wanted;

/* ---- Showing ---- */

static enum style style_of(const json_t *item)
{
    const char *state = json_text(item, "state");

    return strcmp(state, "warn") == 0 || strcmp(state, "crit") == 0 ? STYLE_WARN : strcmp(state, "ok") == 0 ? STYLE_GOOD : STYLE_PLAIN;
}

static void rate_cell(struct table *table, const json_t *group, const char *name)
{
    const json_t *value = json_object_get(group, name);

    table_cell_rate(table, json_is_number(value) ? json_number_value(value) : NAN);
}

static enum status list(struct session *session, struct error *error)
{
    struct table *table;
    json_t *items = NULL, *group;
    size_t index;
    enum status status = client_ask_list(session->client, "/groups", &items, error);

    if (status == OK && !session_printed_json(session, items)) {
        table = table_create("group|state|>members|>topics|>waiting|>lag|>reads|>arrives");
        json_array_foreach(items, index, group) {
            table_cell(table, STYLE_PLAIN, "%s", json_text(group, "group"));
            table_cell(table, style_of(group), "%s", json_text(group, "word"));
            table_cell_count(table, json_number(group, "members_count", -1), -1);
            table_cell_count(table, (int64_t)json_array_size(json_object_get(group, "topics")), -1);
            table_cell_count(table, json_number(group, "waiting", -1), -1);
            table_cell_duration(table, style_of(group) == STYLE_WARN ? STYLE_WARN : STYLE_PLAIN, json_number(group, "lag_ms", -1), -1);
            rate_cell(table, group, "reads_per_s");
            rate_cell(table, group, "arrives_per_s");
        }
        if (table_rows(table) == 0)
            page_print(&session->page, STYLE_PLAIN, "No consumer groups.\n");
        table_print(table, &session->page);
        table_destroy(table);
    }
    json_decref(items);
    return status;
}

/* at_ms -1: not known */
static void ago_cell(struct table *table, int64_t at_ms, int64_t now_ms)
{
    table_cell_duration(table, STYLE_PLAIN, at_ms < 0 ? -1 : at_ms > now_ms ? 0 : now_ms - at_ms, -1);
}

static void members_print(struct session *session, const json_t *members)
{
    struct table *table = table_create("member|client|host|software|>partitions|>last poll ago|>last heartbeat ago");
    int64_t now_ms = clock_now_ms();
    const json_t *member, *numbers;
    const char *topic;
    size_t index;

    json_array_foreach(members, index, member) {
        size_t count = 0;

        json_object_foreach(json_object_get(member, "partitions"), topic, numbers) count += json_array_size(numbers);
        table_cell(table, STYLE_PLAIN, "%s", json_text(member, "member"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(member, "client_id"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(member, "host"));
        table_cell(table, STYLE_PLAIN, "%s", *json_text(member, "software") == '\0' ? "-" : json_text(member, "software"));
        table_cell_count(table, (int64_t)count, -1);
        ago_cell(table, json_number(member, "last_poll_ms", -1), now_ms);
        ago_cell(table, json_number(member, "last_heartbeat_ms", -1), now_ms);
    }
    if (table_rows(table) > 0)
        page_print(&session->page, STYLE_PLAIN, "\n");
    table_print(table, &session->page);
    table_destroy(table);
}

/* A reason: texts, and names among them. */
static void rich_append(struct buffer *text, const json_t *pieces)
{
    const json_t *piece;
    size_t index;

    json_array_foreach(pieces, index, piece)
        buffer_append_string(text, json_is_string(piece) ? json_string_value(piece) : *json_text(piece, "text") != '\0' ? json_text(piece, "text") : json_text(piece, "code"));
}

static void group_print(struct session *session, const json_t *group)
{
    struct table *table = table_create("topic|>partition|>committed|>end|>waiting|>lag|state|client");
    const json_t *why = json_object_get(group, "why"), *item;
    size_t index;

    page_print(&session->page, STYLE_STRONG, "%s", json_text(group, "group"));
    page_print(&session->page, STYLE_PLAIN, "  ");
    page_print(&session->page, style_of(group), "%s", json_text(group, "word"));
    page_print(&session->page, STYLE_PLAIN, "  (%s, %lld member%s", json_text(group, "kafka_state"), (long long)json_number(group, "members_count", 0),
               json_number(group, "members_count", 0) == 1 ? "" : "s");
    if (json_number(group, "generation", -1) >= 0)
        page_print(&session->page, STYLE_PLAIN, ", generation %lld", (long long)json_number(group, "generation", 0));
    page_print(&session->page, STYLE_PLAIN, ")\n");
    if (json_is_object(why)) {
        struct buffer reason;

        buffer_init(&reason, REASON_BYTES_MAX);
        rich_append(&reason, json_object_get(why, "why"));
        buffer_append_u8(&reason, '\0');
        page_paragraph(&session->page, 0, "  why:  ", (const char *)reason.data);
        page_paragraph(&session->page, 0, "   do:  ", json_text(why, "todo"));
        buffer_finish(&reason);
    }
    json_array_foreach(json_object_get(group, "partitions"), index, item) {
        table_cell(table, STYLE_PLAIN, "%s", json_text(item, "topic"));
        table_cell(table, STYLE_PLAIN, "%lld", (long long)json_number(item, "partition", 0));
        table_cell_count(table, json_number(item, "committed", -1), -1);
        table_cell_count(table, json_number(item, "end", -1), -1);
        table_cell_count(table, json_number(item, "waiting", -1), -1);
        table_cell_duration(table, STYLE_PLAIN, json_number(item, "lag_ms", -1), -1);
        table_cell(table, style_of(item), "%s", json_text(item, "word"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(item, "member"));
    }
    table_print(table, &session->page);
    table_destroy(table);
    members_print(session, json_object_get(group, "members"));
}

static enum status describe(struct session *session, struct error *error)
{
    json_t *answer = NULL;
    enum status status = session_ask(session, "GET", "", NULL, &answer, error);

    if (status == OK && !session_printed_json(session, answer))
        group_print(session, answer);
    json_decref(answer);
    return status;
}

/* ---- Moving ---- */

/* Where to, in the console's words. NULL with the error. */
static json_t *target_make(const char *to, struct error *error)
{
    int64_t number, at_ms;

    if (strcmp(to, "beginning") == 0 || strcmp(to, "end") == 0)
        return json_pack("{s:s}", "kind", to);
    if (strcmp(to, "next") == 0)
        return json_pack("{s:s}", "kind", "past_one");
    if (strncmp(to, "group:", 6) == 0)
        return json_pack("{s:s, s:s}", "kind", "group", "group", to + 6);
    if ((to[0] == '+' || to[0] == '-') && text_parse_int64(slice_from_string(to), &number))
        return json_pack("{s:s, s:I}", "kind", "by", "count", (json_int_t)number);
    if (text_parse_int64(slice_from_string(to), &number))
        return json_pack("{s:s, s:I}", "kind", "offset", "offset", (json_int_t)number);
    if (moment_parse(to, clock_now_ms(), &at_ms))
        return json_pack("{s:s, s:I}", "kind", "time", "at_ms", (json_int_t)at_ms);
    (void)error_set(error, ERROR_USAGE,
                    "--to %s: it has to be beginning, end, next (past one record), an offset, +N or -N, a time such as \"2026-01-07 17:26\" (UTC), "
                    "how long ago such as 2h, or group:NAME",
                    to);
    return NULL;
}

/* --topic as the console wants it: all its partitions where the group has a position. NULL: no restriction. */
static enum status partitions_make(struct session *session, json_t **partitions, struct error *error)
{
    json_t *group = NULL, *item, *numbers;
    size_t index;
    enum status status;

    *partitions = NULL;
    if (wanted.topic == NULL)
        return OK;
    status = session_ask(session, "GET", "", NULL, &group, error);
    if (status != OK)
        return status;
    numbers = json_array();
    json_array_foreach(json_object_get(group, "partitions"), index, item) {
        if (strcmp(json_text(item, "topic"), wanted.topic) == 0)
            (void)json_array_append(numbers, json_object_get(item, "partition"));
    }
    json_decref(group);
    if (json_array_size(numbers) == 0) {
        json_decref(numbers);
        return error_set(error, ERROR_NOT_FOUND, "group %s has no position in topic %s", session->operands[0], wanted.topic);
    }
    *partitions = json_pack("{s:o}", wanted.topic, numbers);
    return OK;
}

static void preview_print(struct session *session, const json_t *preview)
{
    struct table *table = table_create("topic|>partition|>from|>to|record there is from|note");
    const json_t *move;
    size_t index;

    json_array_foreach(json_object_get(preview, "partitions"), index, move) {
        table_cell(table, STYLE_PLAIN, "%s", json_text(move, "topic"));
        table_cell(table, STYLE_PLAIN, "%lld", (long long)json_number(move, "partition", 0));
        table_cell_count(table, json_number(move, "from", -1), -1);
        table_cell_count(table, json_number(move, "to", -1), -1);
        table_cell_time(table, json_number(move, "to_ms", -1), -1);
        table_cell(table, STYLE_PLAIN, "%s", json_text(move, "note"));
    }
    table_print(table, &session->page);
    table_destroy(table);
    page_print(&session->page, STYLE_STRONG, "%s\n", json_text(preview, "summary"));
}

/* Shows what is on the page so far, before a question is asked. */
static void page_flush(struct session *session)
{
    (void)fwrite(session->page.text->data, 1, session->page.text->size, stdout);
    (void)fflush(stdout);
    buffer_reset(session->page.text);
}

static enum status plan_do(struct session *session, const json_t *preview, struct error *error)
{
    json_t *body = json_pack("{s:s}", "plan", json_text(preview, "plan")), *done = NULL;
    enum status status;

    if (!session->json)
        preview_print(session, preview);
    if (*json_text(preview, "blocked") != '\0')
        status = error_set(error, ERROR_CONFLICT, "%s", json_text(preview, "blocked"));
    else if (json_array_size(json_object_get(preview, "partitions")) == 0)
        status = OK;
    else {
        page_flush(session);
        status = terminal_confirm("Move it there?", session->sure, error);
        if (status == OK)
            status = session_ask(session, "POST", "/offsets", body, &done, error);
        if (status == OK && !session_printed_json(session, done))
            page_print(&session->page, STYLE_PLAIN, "Group %s is moved.\n", session->operands[0]);
    }
    json_decref(done);
    json_decref(body);
    return status;
}

static enum status reset(struct session *session, struct error *error)
{
    json_t *to = wanted.to == NULL ? NULL : target_make(wanted.to, error), *partitions = NULL, *body, *preview = NULL;
    enum status status;

    if (wanted.to == NULL)
        return error_set(error, ERROR_USAGE, "tailrace groups reset: where to? --to beginning, end, a time, how long ago, an offset; see tailrace groups reset --help");
    if (to == NULL)
        return error->status;
    status = partitions_make(session, &partitions, error);
    body = json_pack("{s:b, s:o}", "dry_run", 1, "to", to);
    if (partitions != NULL)
        (void)json_object_set_new(body, "partitions", partitions);
    if (status == OK)
        status = session_ask(session, "POST", "/offsets", body, &preview, error);
    if (status == OK && wanted.dry_run && !session_printed_json(session, preview))
        preview_print(session, preview);
    else if (status == OK && !wanted.dry_run)
        status = plan_do(session, preview, error);
    json_decref(preview);
    json_decref(body);
    return status;
}

static enum status delete (struct session *session, struct error *error)
{
    json_t *preview = json_pack("{s:b}", "dry_run", 1), *confirmed = json_pack("{s:s}", "confirm", session->operands[0]), *answer = NULL;
    const char *below = wanted.topic == NULL ? "" : "/offsets";
    char question[600];
    enum status status;

    if (wanted.topic != NULL) {
        (void)json_object_set_new(preview, "topic", json_string(wanted.topic));
        (void)json_object_set_new(confirmed, "topic", json_string(wanted.topic));
    }
    status = session_ask(session, "DELETE", below, preview, &answer, error);
    if (status == OK) {
        (void)snprintf(question, sizeof(question), "Group %s: %s Do it?", session->operands[0], json_text(answer, "effect"));
        status = terminal_confirm(question, session->sure, error);
    }
    if (status == OK)
        status = session_ask(session, "DELETE", below, confirmed, NULL, error);
    if (status == OK && !session_printed_json(session, answer))
        page_print(&session->page, STYLE_PLAIN, wanted.topic == NULL ? "Group %s is deleted.\n" : "Group %s has no position in %s any more.\n", session->operands[0], wanted.topic);
    json_decref(answer);
    json_decref(confirmed);
    json_decref(preview);
    return status;
}

/* ---- The command ---- */

static const struct session_handler handlers[] = {{"list", list}, {"describe", describe}, {"reset", reset}, {"delete", delete}, {NULL, NULL}};

static const struct option_verb verbs[] = {
    {"list", NULL, "All groups: how many records wait, for how long, how fast they read", 0, 0},
    {"describe", "GROUP", "One group: its partitions and members", 1, 1},
    {"reset", "GROUP", "Move its positions; shows first what will be read again or skipped", 1, 1},
    {"delete", "GROUP", "Forget its positions, or those in one topic, after asking", 1, 1},
    {NULL, NULL, NULL, 0, 0},
};

static const struct option_row rows[] = {
    {"data-dir", OPTION_TEXT, &groups.data_dir, "DIR", "Where tailrace runs (default ./tailrace-data, or this machine's port 8080)", 0, 0},
    {"console", OPTION_TEXT, &groups.url, "URL", "Its console elsewhere; $TAILRACE_TOKEN lets in", 0, 0},
    {"to", OPTION_TEXT, &wanted.to, "PLACE", "beginning, end, next (past one record), OFFSET, +N, -N, \"2026-01-07 17:26\" in UTC, 2h (ago), group:NAME", 0, 0, "reset"},
    {"topic", OPTION_TEXT, &wanted.topic, "TOPIC", "Only its positions in this topic", 0, 0, "reset,delete"},
    {"dry-run", OPTION_FLAG, &wanted.dry_run, NULL, "Only show what would happen", 0, 0, "reset"},
    {"yes", OPTION_FLAG, &groups.sure, NULL, "Do not ask", 0, 0, "reset,delete"},
    {"json", OPTION_FLAG, &groups.json, NULL, "What the console's API says", 0, 0},
    {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct options options = {
    .command = "tailrace groups",
    .summary = "Shows how far consumer groups are, in records and seconds, and moves them; kafka-consumer-groups does so on any Kafka cluster.",
    .rows = rows,
    .verbs = verbs,
    .examples = "tailrace groups\n"
                "tailrace groups describe mine\n"
                "tailrace groups reset mine --to 2h --dry-run\n"
                "tailrace groups reset mine --to beginning --topic dbserver1.public.activity --yes",
};

int groups_main(int argc, char **argv)
{
    return session_run(&groups, CLIENT_CONSOLE, &options, handlers, argc, argv);
}
