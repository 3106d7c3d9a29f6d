/* api_alerts.c: the alerts of the agents' topics: the inbox, and what people say of them. One alert is in api_alert.c. */
#include "web/api_alerts.h"

#include "base/banned.h"
#include "os/clock.h"
#include "log/keeper.h"

/* ---- What is kept beside the alerts ---- */

void alert_book_open(struct api *api, struct alert_book_view *book)
{
    book->states = keeper_all(api_alert_states(api), "");
    book->mutes = keeper_all(api_mutes(api), "");
}

void alert_book_close(struct alert_book_view *book)
{
    json_decref(book->states);
    json_decref(book->mutes);
}

/* "open", "acknowledged", …; borrowed from the book. */
static const char *alert_state_of(const struct alert_book_view *book, const struct alert_line *line)
{
    const char *state = member_text(json_object_get(book->states, line->id), "state");

    return state != NULL ? state : line->closed ? "resolved" : "open";
}

/* The mute that covered it when it was scored; NULL: none. */
static const char *mute_of(const struct alert_book_view *book, const struct alert_line *line)
{
    const char *id;
    json_t *mute;

    json_object_foreach(book->mutes, id, mute) {
        if (line->at_us / 1000 >= member_integer(mute, "from_ms", 0) && line->at_us / 1000 < member_integer(mute, "until_ms", 0) &&
            mute_matches(member_text(mute, "agent"), member_text(mute, "key"), line->agent, line->key))
            return id;
    }
    return NULL;
}

json_t *alert_line_json(const struct alert_book_view *book, const struct alert_line *line)
{
    json_t *json = json_object();

    json_put(json, "id", json_string(line->id));
    json_put(json, "agent", json_text_or_null(line->agent));
    json_put(json, "rule", json_text_or_null(line->rule));
    json_put(json, "key", json_text_or_null(line->key));
    json_put(json, "severity", json_string(line->severity == NULL ? "info" : line->severity));
    json_put(json, "state", json_string(alert_state_of(book, line)));
    json_put(json, "at_us", json_integer(line->at_us));
    json_put(json, "subject", json_text_or_null(line->subject));
    json_put(json, "title", json_text_or_null(line->title));
    json_put(json, "number", json_text_or_null(line->number));
    json_put(json, "note", line->score == NULL ? json_null() : json_sprintf("score %s", line->score));
    json_put(json, "mute", json_text_or_null(mute_of(book, line)));
    return json;
}

/* ---- The inbox ---- */

struct wanted {
    const char *state, *agent, *q, *before_id;
    int64_t from_us, to_us, hour_us;
    size_t limit, offset;
};

struct inbox {
    const struct alert_book_view *book;
    struct wanted wanted;
    json_t *items;
    size_t total;
    int64_t open, last_hour;
    bool behind; /* the line that "before" names has been passed */
};

static bool is(const char *text, const char *wanted)
{
    return wanted == NULL || *wanted == '\0' || (text != NULL && strcmp(text, wanted) == 0);
}

static bool mentions(const char *text, const char *part)
{
    return text != NULL && strcasestr(text, part) != NULL;
}

static bool passes(const struct wanted *wanted, const struct alert_line *line, const char *state)
{
    bool any_state = wanted->state != NULL && strcmp(wanted->state, "all") == 0;

    if ((!any_state && !is(state, wanted->state)) || !is(line->agent, wanted->agent) || line->at_us < wanted->from_us || line->at_us >= wanted->to_us)
        return false;
    return wanted->q == NULL || *wanted->q == '\0' || mentions(line->title, wanted->q) || mentions(line->subject, wanted->q) || mentions(line->key, wanted->q) ||
           mentions(line->id, wanted->q);
}

static bool inbox_take(void *context, const struct alert_line *line)
{
    struct inbox *inbox = context;
    const char *state = alert_state_of(inbox->book, line);
    bool is_open = strcmp(state, "open") == 0;

    inbox->open += is_open;
    inbox->last_hour += line->at_us > inbox->wanted.hour_us;
    if (passes(&inbox->wanted, line, state)) {
        inbox->total++;
        if (inbox->behind && inbox->wanted.offset > 0)
            inbox->wanted.offset--;
        else if (inbox->behind && json_array_size(inbox->items) < inbox->wanted.limit)
            json_add(inbox->items, alert_line_json(inbox->book, line));
    }
    inbox->behind = inbox->behind || strcmp(line->id, inbox->wanted.before_id) == 0;
    return true;
}

void api_alerts(struct api_call *call)
{
    const char *before = api_query(call, "before");
    struct alert_book_view book;
    struct inbox inbox = {
        .book = &book,
        .wanted = {api_query(call, "state"), api_query(call, "agent"), api_query(call, "q"), before == NULL ? "" : before, api_query_number(call, "from_ms", 0, 0, INT64_MAX / 1000) * 1000,
                   api_query_number(call, "to_ms", INT64_MAX / 1000, 0, INT64_MAX / 1000) * 1000, clock_now_us() - 3600000000LL, (size_t)api_query_number(call, "limit", 100, 1, 500),
                   (size_t)api_query_number(call, "offset", 0, 0, INT32_MAX)},
        .items = json_array(),
        .behind = before == NULL || *before == '\0',
    };
    json_t *description = api_describe(call->api);

    alert_book_open(call->api, &book);
    alert_list_each(api_alert_list(call->api), description, inbox_take, &inbox);
    alert_book_close(&book);
    json_decref(description);
    api_json(call, 200, json_pack("{s:I, s:o, s:I, s:I, s:I}", "total", (json_int_t)inbox.total, "items", inbox.items, "open", (json_int_t)inbox.open, "last_hour",
                                  (json_int_t)inbox.last_hour, "kept", (json_int_t)alert_list_total(api_alert_list(call->api))));
}

/* ---- How many are open ---- */

struct counting {
    const struct alert_book_view *book;
    int64_t open;
};

static bool open_count(void *context, const struct alert_line *line)
{
    struct counting *counting = context;

    counting->open += strcmp(alert_state_of(counting->book, line), "open") == 0;
    return true;
}

int64_t api_alerts_open(struct api *api, const json_t *description)
{
    struct alert_book_view book;
    struct counting counting = {&book, 0};

    alert_book_open(api, &book);
    alert_list_each(api_alert_list(api), description, open_count, &counting);
    alert_book_close(&book);
    return counting.open;
}

/* ---- For streams ---- */

struct news {
    const struct alert_book_view *book;
    int64_t seen, newest, more;
    json_t *items;
};

static bool news_take(void *context, const struct alert_line *line)
{
    struct news *news = context;

    if (line->sequence > news->newest)
        news->newest = line->sequence;
    if (line->sequence <= news->seen)
        return true;
    if (json_array_size(news->items) < ALERT_NEWS_MAX)
        json_add(news->items, alert_line_json(news->book, line));
    else
        news->more++;
    return true;
}

json_t *alerts_news(struct api *api, const json_t *description, int64_t *seen)
{
    struct alert_book_view book;
    struct news news = {&book, *seen, *seen, 0, json_array()};

    if (alert_list_sequence(api_alert_list(api), description) > *seen && *seen >= 0) {
        alert_book_open(api, &book);
        alert_list_each(api_alert_list(api), description, news_take, &news);
        alert_book_close(&book);
    } else if (*seen < 0) {
        news.newest = alert_list_sequence(api_alert_list(api), description);
    }
    *seen = news.newest;
    if (news.more > 0)
        json_add(news.items, json_pack("{s:I}", "more", (json_int_t)news.more));
    return news.items;
}

/* ---- What people say of it ---- */

void api_alert_state(struct api_call *call)
{
    static const char *const states[] = {"open", "acknowledged", "false_positive", "resolved", "muted"};
    const char *state = member_text(call->body, "state"), *id = call->parts[0];
    json_t *kept, *history;
    struct error error;
    size_t at = 0;

    while (at < sizeof(states) / sizeof(states[0]) && (state == NULL || strcmp(state, states[at]) != 0))
        at++;
    if (at == sizeof(states) / sizeof(states[0])) {
        api_error(call, 400, "BAD_STATE", "The alert was not changed.", "There is no such state.", "Send open, acknowledged, false_positive, resolved or muted.");
        return;
    }
    if (!alert_exists(call, id))
        return;
    kept = keeper_get(api_alert_states(call->api), id);
    if (kept == NULL)
        kept = json_pack("{s:[]}", "history");
    history = json_object_get(kept, "history");
    json_put(kept, "state", json_string(state));
    json_add(history, json_pack("{s:I, s:s, s:s, s:o}", "at_ms", (json_int_t)clock_now_ms(), "state", state, "by", "console", "note",
                                json_text_or_null(member_text(call->body, "note"))));
    if (keeper_put(api_alert_states(call->api), id, kept, &error) != OK) {
        api_failed(call, error.status, &error);
        return;
    }
    alert_list_touch(api_alert_list(call->api), id);
    api_changed(call, "info", id, arena_format(call->arena, "Alert %s is %s now.", id, strcmp(state, "false_positive") == 0 ? "a false positive" : state));
    api_alert(call);
}
