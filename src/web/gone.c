#include "web/gone.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "web/words.h"

#define KEPT 500 /* of a kind */

static const struct kind {
    const char *kind, *list, *member; /* where it stands in the description, and what names it; list NULL: in the groups */
    const char *word, *code, *todo;
    const char *otherwise;            /* how it can go without anybody here */
} kinds[] = {
    {"topic", "topics", "name", "Topic", "UNKNOWN_TOPIC", "Create it, or choose another topic.", "a client of the Kafka protocol deleted it"},
    {"group", NULL, "group", "Group", "UNKNOWN_GROUP", "Choose another, or start its consumer: it comes back with its first commit.",
     "a client of the Kafka protocol deleted it, or its offsets expired (offsets.retention.minutes)"},
    {"connector", "connectors", "name", "Connector", "UNKNOWN_CONNECTOR", "Create it, or choose another.", "it was deleted over Connect's REST API"},
    {"agent", "agents", "name", "Agent", "UNKNOWN_AGENT", "Agents are made by settings, agents.NAME.rule and so on, or by PUT here.", "it was deleted"},
    {"report", "reports", "name", "Report", "UNKNOWN_REPORT", "Reports are made by settings, reports.NAME.table and so on, or by PUT here.", "it was deleted"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct gone {
    pthread_mutex_t lock; /* guards gone; a leaf */
    json_t *gone[KINDS];  /* name to {"at_ms", "by"}, oldest first */
    json_t *there[KINDS]; /* names at the look before; the sampler's. NULL: no look yet */
};

static size_t kind_at(const char *kind)
{
    size_t at = 0;

    while (at + 1 < KINDS && strcmp(kinds[at].kind, kind) != 0)
        at++;
    return at;
}

struct gone *gone_create(void)
{
    struct gone *gone = memory_new(sizeof(*gone));

    (void)pthread_mutex_init(&gone->lock, NULL);
    for (size_t i = 0; i < KINDS; i++)
        gone->gone[i] = json_object();
    return gone;
}

void gone_destroy(struct gone *gone)
{
    if (gone == NULL)
        return;
    for (size_t i = 0; i < KINDS; i++) {
        json_decref(gone->gone[i]);
        json_decref(gone->there[i]);
    }
    (void)pthread_mutex_destroy(&gone->lock);
    memory_free(gone);
}

/* by NULL: nobody here. What is known better stays. */
static void note(struct gone *gone, size_t kind, const char *name, const char *by)
{
    json_t *names = gone->gone[kind];

    (void)pthread_mutex_lock(&gone->lock);
    if (by != NULL || json_object_get(names, name) == NULL) {
        (void)json_object_del(names, name);
        json_put(names, name, json_pack("{s:I, s:o}", "at_ms", (json_int_t)clock_now_ms(), "by", json_text_or_null(by)));
    }
    if (json_object_size(names) > KEPT)
        (void)json_object_del(names, json_object_iter_key(json_object_iter(names)));
    (void)pthread_mutex_unlock(&gone->lock);
}

void gone_note(struct gone *gone, const char *kind, const char *name, const char *by)
{
    note(gone, kind_at(kind), name, by);
}

bool gone_knows(struct gone *gone, const char *kind, const char *name)
{
    bool known;

    (void)pthread_mutex_lock(&gone->lock);
    known = strcmp(kinds[kind_at(kind)].kind, kind) == 0 && json_object_get(gone->gone[kind_at(kind)], name) != NULL;
    (void)pthread_mutex_unlock(&gone->lock);
    return known;
}

/* ---- Looking ---- */

static void kind_look(struct gone *gone, size_t kind, const json_t *items)
{
    json_t *there = json_object(), *nothing;
    const json_t *item;
    const char *name;
    size_t index;

    json_array_foreach(items, index, item) {
        name = member_text(item, kinds[kind].member);
        if (name != NULL)
            json_put(there, name, json_null());
    }
    json_object_foreach(gone->there[kind], name, nothing) {
        if (json_object_get(there, name) == NULL)
            note(gone, kind, name, NULL);
    }
    (void)pthread_mutex_lock(&gone->lock);
    json_object_foreach(there, name, nothing) {
        if (gone->there[kind] == NULL || json_object_get(gone->there[kind], name) == NULL) /* it came back */
            (void)json_object_del(gone->gone[kind], name);
    }
    (void)pthread_mutex_unlock(&gone->lock);
    json_decref(gone->there[kind]);
    gone->there[kind] = there;
}

void gone_look(struct gone *gone, const json_t *description, const json_t *groups)
{
    for (size_t i = 0; i < KINDS; i++) {
        const json_t *items = kinds[i].list == NULL ? groups : json_object_get(description, kinds[i].list);

        if (items != NULL)
            kind_look(gone, i, items);
    }
}

/* ---- Saying ---- */

json_t *gone_error(struct gone *gone, struct arena *arena, const char *kind, const char *name)
{
    const struct kind *says = &kinds[kind_at(kind)];
    const char *why = NULL;
    const json_t *noted;

    (void)pthread_mutex_lock(&gone->lock);
    noted = json_object_get(gone->gone[kind_at(kind)], name);
    if (member_text(noted, "by") != NULL)
        why = arena_format(arena, "It was deleted at %s by %s.", words_moment(arena, member_integer(noted, "at_ms", 0)), member_text(noted, "by"));
    else if (noted != NULL)
        why = arena_format(arena, "It has been gone since about %s: %s.", words_moment(arena, member_integer(noted, "at_ms", 0)), says->otherwise);
    (void)pthread_mutex_unlock(&gone->lock);
    return error_body(says->code, arena_format(arena, "%s %.250s does not exist.", says->word, name), why, says->todo);
}

void api_gone(struct api_call *call, const char *kind, const char *name)
{
    api_json(call, 404, json_pack("{s:o}", "error", gone_error(api_gone_book(call->api), call->arena, kind, name)));
}
