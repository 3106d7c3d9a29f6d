/*
 * api_settings.c: every setting, and changing those that apply at once: the levels of the log, and the room for WAL. What is changed here is
 * kept in the topic tailrace-console, goes before what a file or --set says, and holds over restarts until it is unset.
 */
#include "web/api.h"

#include "base/banned.h"
#include "os/logger.h"
#include "base/text.h"
#include "log/keeper.h"
#include "web/slots.h"

#define KEY_PREFIX "setting:"
#define LEVEL "logger.level"
#define HEADROOM "wal.headroom.bytes"
#define SETTINGS_BYTES_MAX ((size_t)4 << 20)

/* Parts of the program with a level of their own. */
static const char *const parts[] = {"agents", "broker", "capture", "connect", "log", "postgres", "reports", "script", "server", "sinks", "store", "web"};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* The part that a setting is about, "" for all of them; NULL: it does not apply at once. */
static const char *part_of(const char *name)
{
    if (strcmp(name, LEVEL) == 0)
        return "";
    for (size_t i = 0; i < PARTS; i++) {
        if (strncmp(name, LEVEL ".", sizeof(LEVEL)) == 0 && strcmp(name + sizeof(LEVEL), parts[i]) == 0)
            return parts[i];
    }
    return NULL;
}

static bool is_level(const char *text)
{
    return text != NULL && (strcmp(text, "debug") == 0 || strcmp(text, "info") == 0 || strcmp(text, "warning") == 0 || strcmp(text, "error") == 0);
}

/* May it be changed while the program runs? */
static bool applies_now(const char *name)
{
    return part_of(name) != NULL || strcmp(name, HEADROOM) == 0;
}

/* What the value has to be; NULL: it is. */
static const char *wrong_with(const char *name, const char *value)
{
    int64_t bytes;

    if (strcmp(name, HEADROOM) == 0)
        return value != NULL && text_parse_int64(slice_from_string(value), &bytes) && bytes >= 0 ? NULL : "a number of bytes, 0 for not known";
    return is_level(value) ? NULL : "debug, info, warning or error";
}

/* What the console set, by name; a new reference. */
static json_t *changed_make(struct api *api)
{
    json_t *kept = keeper_all(api_keeper(api), KEY_PREFIX), *changed = json_object(), *value;
    const char *key;

    json_object_foreach(kept, key, value) {
        if (applies_now(key + strlen(KEY_PREFIX)) && wrong_with(key + strlen(KEY_PREFIX), json_string_value(value)) == NULL)
            json_put(changed, key + strlen(KEY_PREFIX), json_incref(value));
    }
    json_decref(kept);
    return changed;
}

/* What counts now: the console's, else the file's; NULL: nobody said anything. */
static const char *value_of(struct api *api, const json_t *changed, const char *name)
{
    const char *value = member_text(changed, name);

    return value != NULL ? value : properties_get(api_settings_of(api)->values, name);
}

static void levels_set(struct api *api, const json_t *changed)
{
    const char *level = value_of(api, changed, LEVEL);
    char name[64];

    (void)logger_set_level(NULL, level == NULL ? "info" : level);
    for (size_t i = 0; i < PARTS; i++) {
        (void)snprintf(name, sizeof(name), LEVEL ".%s", parts[i]);
        level = value_of(api, changed, name);
        if (level != NULL)
            (void)logger_set_level(parts[i], level);
    }
}

static void headroom_set(struct api *api, const json_t *changed)
{
    const char *value = value_of(api, changed, HEADROOM);
    int64_t bytes = 0;

    if (value != NULL)
        (void)text_parse_int64(slice_from_string(value), &bytes);
    slots_set_headroom(api_slots(api), bytes);
}

void settings_apply(struct api *api)
{
    json_t *changed = changed_make(api);

    if (json_object_size(changed) > 0)
        levels_set(api, changed);
    headroom_set(api, changed);
    json_decref(changed);
}

/* ---- The list ---- */

static json_t *item_make(const char *name, const char *value, const char *default_value, const char *source, const char *meaning, bool now)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s}", "name", name, "value", json_text_or_null(value), "default", json_text_or_null(default_value), "source", source, "meaning", meaning,
                     "applies", now ? "now" : "restart");
}

static json_t *row_make(const json_t *changed, const json_t *row)
{
    const char *name = member_text(row, "key"), *type = member_text(row, "type"), *set = member_text(changed, name), *value = member_text(row, "value"), *help = member_text(row, "help");
    json_t *item = item_make(name, set != NULL ? set : value, member_text(row, "default"), set != NULL ? "console" : json_is_true(json_object_get(row, "given")) ? "file" : "default",
                             help == NULL ? "" : help, applies_now(name));

    json_put(item, "unit", json_text_or_null(member_text(row, "unit")));
    json_put(item, "secret", json_boolean(type != NULL && strcasecmp(type, "secret") == 0));
    return item;
}

void api_settings_list(struct api_call *call)
{
    const struct api_settings *settings = api_settings_of(call->api);
    json_t *changed = changed_make(call->api), *items = json_array(), *rows, *row;
    struct buffer text;
    size_t index;

    buffer_init(&text, SETTINGS_BYTES_MAX);
    settings->settings(settings->context, &text);
    rows = json_loadb((const char *)text.data, text.size, 0, NULL);
    buffer_finish(&text);
    json_array_foreach(rows, index, row) json_add(items, row_make(changed, row));
    for (size_t i = 0; i < PARTS; i++) {
        const char *name = arena_format(call->arena, LEVEL ".%s", parts[i]), *given = properties_get(settings->values, name);
        bool set = member_text(changed, name) != NULL;

        json_add(items, item_make(name, value_of(call->api, changed, name), NULL, set ? "console" : given != NULL ? "file" : "default",
                                  arena_format(call->arena, "The same for the part %s; without a value logger.level counts", parts[i]), true));
    }
    json_decref(rows);
    json_decref(changed);
    api_list(call, items, "name");
}

/* ---- Changing ---- */

/* One change into the list; false with the answer given. value NULL: unset */
static bool change_add(struct api_call *call, json_t *changes, const json_t *changed, const char *name, const char *value)
{
    const char *old = value_of(call->api, changed, name), *file = properties_get(api_settings_of(call->api)->values, name), *level = value_of(call->api, changed, LEVEL);

    if (!applies_now(name)) {
        api_error_at(call, 400, "NOT_NOW", arena_format(call->arena, "%s cannot be changed while the program runs: set it in the settings file and start again.", name), name, 0);
        return false;
    }
    if (value != NULL && wrong_with(name, value) != NULL) {
        api_error_at(call, 400, "BAD_VALUE", arena_format(call->arena, "%s has to be %s.", name, wrong_with(name, value)), name, 0);
        return false;
    }
    json_add(changes, json_pack("{s:s, s:o, s:o, s:s}", "name", name, "old", json_text_or_null(old), "new", json_text_or_null(value != NULL ? value : file), "effect",
                                value != NULL   ? "it applies at once, and holds over restarts, before what the settings file says"
                                : file != NULL  ? "what the settings file says counts again"
                                : level == NULL || part_of(name) == NULL ? "the default counts again"
                                                : arena_format(call->arena, "%s counts again", LEVEL)));
    return true;
}

/* Of {"set": {…}, "unset": […]}; NULL with the answer given. */
static json_t *changes_read(struct api_call *call, const json_t *changed)
{
    const json_t *unset = json_object_get(call->body, "unset"), *one;
    json_t *changes = json_array(), *value;
    const char *name;
    bool fine = true;
    size_t index;

    json_object_foreach(json_object_get(call->body, "set"), name, value)
        fine = fine && change_add(call, changes, changed, name, json_is_string(value) ? json_string_value(value) : "");
    json_array_foreach(unset, index, one)
        fine = fine && change_add(call, changes, changed, json_is_string(one) ? json_string_value(one) : "", NULL);
    if (fine && json_array_size(changes) == 0) {
        api_error(call, 400, "NOTHING_TO_CHANGE", "Nothing was changed.", "Neither set nor unset names a setting.", NULL);
        fine = false;
    }
    if (fine)
        return changes;
    json_decref(changes);
    return NULL;
}

/* False with the answer given. */
static bool changes_keep(struct api_call *call)
{
    const json_t *unset = json_object_get(call->body, "unset"), *one;
    json_t *value;
    const char *name;
    struct error error = {.status = OK};
    size_t index;

    json_object_foreach(json_object_get(call->body, "set"), name, value) {
        if (error.status == OK)
            (void)keeper_put(api_keeper(call->api), arena_format(call->arena, KEY_PREFIX "%s", name), json_incref(value), &error);
    }
    json_array_foreach(unset, index, one) {
        if (error.status == OK)
            (void)keeper_put(api_keeper(call->api), arena_format(call->arena, KEY_PREFIX "%s", json_string_value(one)), NULL, &error);
    }
    if (error.status != OK)
        api_failed(call, error.status, &error);
    return error.status == OK;
}

void api_settings_patch(struct api_call *call)
{
    json_t *changed = changed_make(call->api), *changes = changes_read(call, changed), *change;
    bool fine = changes != NULL && (call->dry_run || changes_keep(call));
    size_t index;

    if (fine && !call->dry_run) {
        json_decref(changed);
        changed = changed_make(call->api);
        levels_set(call->api, changed);
        headroom_set(call->api, changed);
        json_array_foreach(changes, index, change) {
            const char *old = member_text(change, "old"), *new = member_text(change, "new");

            api_changed(call, "info", "settings",
                      arena_format(call->arena, "Setting %s: %s → %s.", member_text(change, "name"), old == NULL ? "not set" : old, new == NULL ? "not set" : new));
        }
    }
    if (fine)
        api_json(call, 200, json_pack("{s:O}", "changes", changes));
    json_decref(changes);
    json_decref(changed);
}
