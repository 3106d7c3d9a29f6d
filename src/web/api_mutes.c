/* api_mutes.c: who is not to be disturbed about what for a time: agents/mutes.h. */
#include "web/api_alerts.h"

#include "base/banned.h"
#include "os/clock.h"
#include "os/random.h"
#include "log/keeper.h"

#define MINUTES_MAX 43200 /* 30 days */
#define TEXT_MAX 500

void api_mutes_list(struct api_call *call)
{
    json_t *all = keeper_all(api_mutes(call->api), ""), *items = json_array(), *mute;
    bool ended = api_query(call, "all") != NULL;
    int64_t now_ms = clock_now_ms();
    const char *id;

    json_object_foreach(all, id, mute) {
        if (ended || member_integer(mute, "until_ms", 0) > now_ms)
            json_add(items, json_incref(mute));
    }
    json_decref(all);
    api_list(call, items, "id");
}

/* Those that ended long ago are of no use to any sink. */
static void old_forget(struct api_call *call)
{
    json_t *all = keeper_all(api_mutes(call->api), ""), *mute;
    int64_t before_ms = clock_now_ms() - MUTES_KEPT_MS;
    struct error error;
    const char *id;

    json_object_foreach(all, id, mute) {
        if (member_integer(mute, "until_ms", 0) < before_ms)
            (void)keeper_put(api_mutes(call->api), id, NULL, &error);
    }
    json_decref(all);
}

static const char *what_of(struct api_call *call, const json_t *mute)
{
    const char *agent = member_text(mute, "agent"), *key = member_text(mute, "key");

    if (key == NULL)
        return arena_format(call->arena, "Agent %s", agent);
    return agent == NULL ? arena_format(call->arena, "Key %s", key) : arena_format(call->arena, "Key %s of agent %s", key, agent);
}

static bool is_short(const char *text)
{
    return text == NULL || strlen(text) <= TEXT_MAX;
}

void api_mute_create(struct api_call *call)
{
    const char *agent = member_text(call->body, "agent"), *key = member_text(call->body, "key"), *note = member_text(call->body, "note");
    int64_t minutes = member_integer(call->body, "minutes", 0), now_ms = clock_now_ms();
    uint32_t number;
    json_t *mute;
    struct error error;
    char id[16];

    if ((agent == NULL && key == NULL) || !is_short(agent) || !is_short(key) || !is_short(note)) {
        api_error(call, 400, "BAD_MUTE", "Nothing was muted.", "A mute names an agent, a key, or both.", "Send agent or key, and minutes.");
        return;
    }
    if (minutes < 1 || minutes > MINUTES_MAX) {
        api_error_at(call, 400, "BAD_MUTE", "For how long? minutes has to be from 1 to 43200, which are 30 days.", "minutes", 0);
        return;
    }
    random_bytes(&number, sizeof(number));
    (void)snprintf(id, sizeof(id), "M-%08x", number);
    mute = json_pack("{s:s, s:o, s:o, s:I, s:I, s:s, s:o}", "id", id, "agent", json_text_or_null(agent), "key", json_text_or_null(key), "from_ms", (json_int_t)now_ms, "until_ms",
                     (json_int_t)(now_ms + minutes * 60000), "by", "console", "note", json_text_or_null(note));
    old_forget(call);
    if (keeper_put(api_mutes(call->api), id, json_incref(mute), &error) != OK) {
        json_decref(mute);
        api_failed(call, error.status, &error);
        return;
    }
    api_changed(call, "info", key != NULL ? key : agent, arena_format(call->arena, "%s is muted for %lld min: its alerts are kept and counted, not sent.", what_of(call, mute), (long long)minutes));
    api_json(call, 201, mute);
}

/* It ends now, and stays on record for sinks that are behind. */
void api_mute_end(struct api_call *call)
{
    json_t *mute = keeper_get(api_mutes(call->api), call->parts[0]);
    int64_t now_ms = clock_now_ms();
    struct error error;

    if (mute == NULL) {
        api_error(call, 404, "UNKNOWN_MUTE", arena_format(call->arena, "Mute %.80s does not exist.", call->parts[0]), NULL, "GET /mutes lists those in force.");
        return;
    }
    if (member_integer(mute, "until_ms", 0) > now_ms) {
        json_put(mute, "until_ms", json_integer(now_ms));
        if (keeper_put(api_mutes(call->api), call->parts[0], json_incref(mute), &error) != OK) {
            json_decref(mute);
            api_failed(call, error.status, &error);
            return;
        }
        api_changed(call, "info", call->parts[0], arena_format(call->arena, "%s is not muted any more.", what_of(call, mute)));
    }
    json_decref(mute);
    call->response->status = 204;
}
