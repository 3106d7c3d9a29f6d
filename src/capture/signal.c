#include "capture/signal.h"

#include "base/banned.h"

#include <jansson.h>
#include <strings.h>

static const struct {
    const char *type;
    enum signal_kind kind;
} kinds[] = {
    {"execute-snapshot", SIGNAL_EXECUTE_SNAPSHOT},
    {"stop-snapshot", SIGNAL_STOP_SNAPSHOT},
    {"pause-snapshot", SIGNAL_PAUSE_SNAPSHOT},
    {"resume-snapshot", SIGNAL_RESUME_SNAPSHOT},
    {"log", SIGNAL_LOG},
    {"snapshot-window-open", SIGNAL_WINDOW_OPEN},
    {"snapshot-window-close", SIGNAL_WINDOW_CLOSE},
};

static const char *copy_text(struct arena *arena, const json_t *value)
{
    const char *text = json_string_value(value);

    return text == NULL ? NULL : arena_copy_string(arena, slice_from_string(text));
}

static void read_conditions(const json_t *list, struct arena *arena, struct signal *signal)
{
    size_t count = json_array_size(list);

    signal->conditions = arena_new_array(arena, count + 1, sizeof(*signal->conditions));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct signal_condition condition = {copy_text(arena, json_object_get(item, "data-collection")),
                                             copy_text(arena, json_object_get(item, "filter"))};

        if (condition.collection != NULL && condition.filter != NULL)
            signal->conditions[signal->condition_count++] = condition;
    }
}

static void read_data(const json_t *data, struct arena *arena, struct signal *signal)
{
    const json_t *list = json_object_get(data, "data-collections");
    const char *type = json_string_value(json_object_get(data, "type"));
    const char *condition = copy_text(arena, json_object_get(data, "additional-condition")); /* the older form: one for all */
    size_t count = json_array_size(list);

    signal->collections = arena_new_array(arena, count + 1, sizeof(*signal->collections));
    for (size_t i = 0; i < count; i++) {
        const char *collection = copy_text(arena, json_array_get(list, i));

        if (collection != NULL && collection[0] != '\0')
            signal->collections[signal->collection_count++] = collection;
    }
    read_conditions(json_object_get(data, "additional-conditions"), arena, signal);
    if (condition != NULL && condition[0] != '\0' && signal->condition_count == 0) {
        struct signal_condition all = {".*", condition};

        signal->conditions[signal->condition_count++] = all;
    }
    signal->is_blocking = type != NULL && strcasecmp(type, "blocking") == 0;
    signal->surrogate_key = copy_text(arena, json_object_get(data, "surrogate-key"));
    signal->message = copy_text(arena, json_object_get(data, "message"));
    signal->load_max = json_number_value(json_object_get(data, "load-max")); /* ours; Debezium passes over it */
    if (!(signal->load_max > 0 && signal->load_max <= 1))
        signal->load_max = 0;
}

static enum status read_signal(const char *id, const char *type, const json_t *data, struct arena *arena, struct signal *signal)
{
    memset(signal, 0, sizeof(*signal));
    signal->id = id;
    signal->type = type;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].type, type) == 0)
            signal->kind = kinds[i].kind;
    }
    read_data(data, arena, signal);
    return OK;
}

enum status signal_read(struct slice id, struct slice type, struct slice data, struct arena *arena, struct signal *signal,
                        struct error *error)
{
    json_error_t why;
    json_t *object = data.size == 0 ? json_object() : json_loadb((const char *)data.data, data.size, 0, &why);
    enum status status;

    if (!json_is_object(object)) {
        json_decref(object);
        return error_set(error, ERROR_BAD_INPUT, "the data of signal %.*s is not a JSON object", (int)(id.size > 60 ? 60 : id.size),
                         (const char *)id.data);
    }
    status = read_signal(arena_copy_string(arena, slice_of(id.data == NULL ? (const uint8_t *)"" : id.data, id.size)),
                         arena_copy_string(arena, slice_of(type.data == NULL ? (const uint8_t *)"" : type.data, type.size)), object, arena,
                         signal);
    json_decref(object);
    return status;
}

enum status signal_read_record(struct slice value, struct arena *arena, struct signal *signal, struct error *error)
{
    json_error_t why;
    json_t *object = json_loadb((const char *)value.data, value.size, 0, &why);
    const char *id = copy_text(arena, json_object_get(object, "id"));
    const char *type = copy_text(arena, json_object_get(object, "type"));
    const json_t *data = json_object_get(object, "data");
    json_t *parsed = json_is_string(data) ? json_loads(json_string_value(data), 0, &why) : NULL;
    enum status status = OK;

    if (type == NULL || (data != NULL && !json_is_object(data) && !json_is_object(parsed)))
        status = error_set(error, ERROR_BAD_INPUT, "a record of the signal topic is not {\"id\":…,\"type\":…,\"data\":{…}}");
    else
        status = read_signal(id == NULL ? "" : id, type, parsed == NULL ? data : parsed, arena, signal);
    json_decref(parsed);
    json_decref(object);
    return status;
}

const char *signal_data_of_record(struct slice value, struct arena *arena)
{
    json_error_t why;
    json_t *object = json_loadb((const char *)value.data, value.size, 0, &why);
    const json_t *data = json_object_get(object, "data");
    char *text = json_is_object(data) ? json_dumps(data, JSON_COMPACT) : NULL;
    const char *copy = text != NULL ? arena_copy_string(arena, slice_from_string(text)) : copy_text(arena, data);

    free(text);
    json_decref(object);
    return copy == NULL ? "" : copy;
}
