#include "log/control.h"

#include "base/banned.h"
#include "base/memory.h"
#include "log/keeper.h"

#define NAMES_MAX 1000

struct control {
    struct keeper *keeper;
    const char *kind;
};

struct control *control_create(struct log *log, const char *kind)
{
    struct control *control = memory_new(sizeof(*control));

    control->keeper = keeper_create(log, CONTROL_TOPIC);
    control->kind = kind;
    return control;
}

void control_destroy(struct control *control)
{
    if (control == NULL)
        return;
    keeper_destroy(control->keeper);
    memory_free(control);
}

uint64_t control_revision(struct control *control)
{
    return keeper_revision(control->keeper);
}

/* ---- Wishes ---- */

static struct wish *wish_of(struct wish *wishes, size_t *count, struct slice name, struct arena *arena)
{
    for (size_t i = 0; i < *count; i++) {
        if (slice_equal_string(name, wishes[i].name))
            return &wishes[i];
    }
    if (*count == NAMES_MAX)
        return NULL;
    wishes[*count] = (struct wish){.name = arena_copy_string(arena, name), .version = 1};
    properties_init(&wishes[*count].config);
    return &wishes[(*count)++];
}

static void overlay(struct properties *config, const json_t *said)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)said, key, value) {
        if (json_is_string(value))
            properties_set(config, key, json_string_value(value));
        else if (json_is_null(value))
            properties_remove(config, key);
    }
}

static int64_t integer_of(const json_t *said, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(said, name);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void said_take(struct wish *wish, const json_t *said)
{
    overlay(&wish->config, json_object_get(said, "config"));
    wish->is_paused = json_is_true(json_object_get(said, "paused"));
    wish->is_deleted = json_is_true(json_object_get(said, "deleted"));
    wish->version = integer_of(said, "version", 1);
    wish->runs = integer_of(said, "runs", 0);
}

struct wish *control_wishes(struct control *control, const struct properties *settings, struct arena *arena, size_t *count)
{
    struct wish *wishes = arena_new_array(arena, NAMES_MAX, sizeof(*wishes)), *wish;
    const char *prefix = arena_format(arena, "%ss.", control->kind), *keys = arena_format(arena, "%s/", control->kind), *key;
    json_t *all = keeper_all(control->keeper, keys), *said;
    struct slice name;
    size_t at = 0;

    *count = 0;
    while (properties_next_name(settings, prefix, &at, &name)) {
        wish = wish_of(wishes, count, name, arena);
        if (wish == NULL)
            continue;
        properties_finish(&wish->config);
        properties_take(settings, prefix, wish->name, &wish->config);
        wish->is_from_file = true;
    }
    json_object_foreach(all, key, said) {
        wish = json_is_object(said) ? wish_of(wishes, count, slice_from_string(key + strlen(keys)), arena) : NULL;
        if (wish != NULL)
            said_take(wish, said);
    }
    json_decref(all);
    return wishes;
}

void control_forget(struct wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        properties_finish(&wishes[i].config);
}

bool control_config_equal(const struct properties *a, const struct properties *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; i < a->count && equal; i++) {
        const char *other = properties_get(b, a->items[i].key);

        equal = other != NULL && a->items[i].value != NULL && strcmp(other, a->items[i].value) == 0;
    }
    return equal;
}
