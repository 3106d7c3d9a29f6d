#include "log/control.h"

#include "base/banned.h"
#include "base/memory.h"
#include "log/keeper.h"
#include "os/logger.h"

#define NAMES_MAX 1000
#define LOOK_EVERY_MS 200

struct control {
    struct keeper *keeper;
    struct control_service service;
    uint64_t revision; /* of the wishes that are in force */
};

struct control *control_create(struct log *log, const struct control_service *service)
{
    struct control *control = memory_new(sizeof(*control));

    control->keeper = keeper_create(log, CONTROL_TOPIC);
    control->service = *service;
    return control;
}

void control_destroy(struct control *control)
{
    if (control == NULL)
        return;
    keeper_destroy(control->keeper);
    memory_free(control);
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

/* Everything that is wanted, in memory of the arena but for the configs. */
static struct wish *wishes_read(struct control *control, struct arena *arena, size_t *count)
{
    const struct properties *settings = control->service.settings;
    struct wish *wishes = arena_new_array(arena, NAMES_MAX, sizeof(*wishes)), *wish;
    const char *prefix = arena_format(arena, "%s.", control->service.kinds), *keys = arena_format(arena, "%s/", control->service.kind), *key;
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

/* first: what the settings file alone says has to be right. */
static enum status wishes_fulfil(struct control *control, bool first, struct error *error)
{
    const struct control_service *service = &control->service;
    struct arena arena;
    struct wish *wishes;
    size_t count;
    enum status status = OK;

    arena_init(&arena, 4096);
    control->revision = keeper_revision(control->keeper);
    wishes = wishes_read(control, &arena, &count);
    for (size_t i = 0; i < count && status == OK && !service->stop->asked; i++) {
        if (service->fulfil(service->context, &wishes[i], error) == OK)
            continue;
        logger_write(LOGGER_ERROR, service->kinds, "%s %s cannot run: %s", service->kind, wishes[i].name, error->message);
        if (first && wishes[i].version == 1)
            status = error->status;
    }
    if (!service->stop->asked)
        service->keep(service->context, wishes, count);
    for (size_t i = 0; i < count; i++)
        properties_finish(&wishes[i].config);
    arena_finish(&arena);
    return status;
}

enum status control_fulfil(struct control *control, struct error *error)
{
    return wishes_fulfil(control, true, error);
}

void control_watch(struct control *control)
{
    struct error error;

    while (!stop_wait(control->service.stop, LOOK_EVERY_MS)) {
        if (keeper_revision(control->keeper) != control->revision)
            (void)wishes_fulfil(control, false, &error);
    }
}

bool control_is_wanted(const struct wish *wishes, size_t count, const char *name)
{
    size_t at = 0;

    while (at < count && strcmp(wishes[at].name, name) != 0)
        at++;
    return at < count;
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
