#include "connect/rest.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/bind.h"
#include "connect/json_out.h"
#include "os/clock.h"
#include "os/logger.h"

/* Levels that somebody set; the names are Connect's loggers, of which only the parts that exist here have an effect. */
struct level_set {
    char *name;
    char *level;
    int64_t modified_ms;
    struct level_set *next;
};

void loggers_free(struct rest *rest)
{
    while (rest->loggers != NULL) {
        struct level_set *next = rest->loggers->next;

        memory_free(rest->loggers->name);
        memory_free(rest->loggers->level);
        memory_free(rest->loggers);
        rest->loggers = next;
    }
}

static void level_write(struct buffer *out, const char *level, int64_t modified_ms)
{
    buffer_append_string(out, "{");
    json_put_key(out, "level");
    json_put_text(out, level);
    json_put_key(out, "last_modified");
    if (modified_ms > 0)
        buffer_append_decimal(out, modified_ms);
    else
        buffer_append_string(out, "null");
    buffer_append_string(out, "}");
}

void loggers_list(struct call *call)
{
    struct buffer *out = &call->response->body;
    bool has_root = false;

    call_json(call, 200);
    buffer_append_string(out, "{");
    pthread_mutex_lock(&call->rest->loggers_lock);
    for (const struct level_set *logger = call->rest->loggers; logger != NULL; logger = logger->next) {
        json_put_key(out, logger->name);
        level_write(out, logger->level, logger->modified_ms);
        has_root = has_root || strcmp(logger->name, "root") == 0;
    }
    pthread_mutex_unlock(&call->rest->loggers_lock);
    if (!has_root) {
        json_put_key(out, "root");
        level_write(out, "INFO", 0);
    }
    buffer_append_string(out, "}");
}

void logger_info(struct call *call)
{
    bool found = strcmp(call->name, "root") == 0;
    struct level_set *logger;

    call_json(call, 200);
    pthread_mutex_lock(&call->rest->loggers_lock);
    for (logger = call->rest->loggers; logger != NULL && strcmp(logger->name, call->name) != 0;)
        logger = logger->next;
    if (logger != NULL)
        level_write(&call->response->body, logger->level, logger->modified_ms);
    else if (found)
        level_write(&call->response->body, "INFO", 0);
    pthread_mutex_unlock(&call->rest->loggers_lock);
    if (logger == NULL && !found)
        call_error(call, 404, "Logger %s not found.", call->name);
}

/* Our own level of that name; NULL for none. */
static const char *own_level(const char *level)
{
    static const struct {
        const char *theirs, *ours;
    } levels[] = {{"ALL", "debug"},    {"TRACE", "debug"}, {"DEBUG", "debug"}, {"INFO", "info"},
                  {"WARN", "warning"}, {"ERROR", "error"}, {"FATAL", "error"}, {"OFF", "error"}};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcasecmp(level, levels[i].theirs) == 0)
            return levels[i].ours;
    }
    return NULL;
}

static void level_apply(const char *logger, const char *level)
{
    if (strcmp(logger, "root") == 0)
        (void)logger_set_level(NULL, level);
    else if (strncmp(logger, "io.debezium", 11) == 0)
        (void)logger_set_level("capture", level);
    else if (strncmp(logger, "org.apache.kafka.connect", 24) == 0)
        (void)logger_set_level("connect", level);
    else if (strncmp(logger, "kafka", 5) == 0 || strncmp(logger, "org.apache.kafka", 16) == 0)
        (void)logger_set_level("broker", level);
}

/* True when it was another one. */
static bool level_note(struct rest *rest, const char *name, const char *level)
{
    struct level_set **at = &rest->loggers;
    bool changed;

    pthread_mutex_lock(&rest->loggers_lock);
    while (*at != NULL && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    if (*at == NULL || strcmp((*at)->name, name) != 0) {
        struct level_set *added = memory_new(sizeof(*added));

        added->name = memory_copy_string(name);
        added->next = *at;
        *at = added;
    }
    changed = (*at)->level == NULL || strcasecmp((*at)->level, level) != 0;
    memory_free((*at)->level);
    (*at)->level = memory_copy_string(level);
    for (char *letter = (*at)->level; *letter != '\0'; letter++)
        *letter = (char)(*letter >= 'a' && *letter <= 'z' ? *letter - 32 : *letter);
    (*at)->modified_ms = clock_now_ms();
    pthread_mutex_unlock(&rest->loggers_lock);
    return changed;
}

void logger_put(struct call *call)
{
    struct properties map;
    struct error error;
    bool present;
    const char *failure = bind_map(call->request->arena, call->request->body, &present, &map);
    const char *level = properties_get(&map, "level");
    size_t at = 0;
    const char *scope = call_query(call, "scope", &at);

    if (failure == NULL && !present)
        failure = "Cannot invoke \"java.util.Map.get(Object)\" because \"levelMap\" is null";
    if (failure != NULL) {
        call_message(call, 500, failure);
    } else if (level == NULL) {
        call_message(call, 400, "Desired 'level' parameter was not specified in request.");
    } else if (own_level(level) == NULL) {
        call_error(call, 404, "invalid log level '%s'.", level);
    } else {
        bool changed = level_note(call->rest, call->name, level);

        level_apply(call->name, own_level(level));
        if (scope != NULL && strcasecmp(scope, "cluster") == 0) {
            call_result(call, 204, herder_logger_write(call->rest->herder, call->name, level, &error), &error);
        } else {
            call_json(call, 200);
            buffer_append_string(&call->response->body, "[");
            if (changed)
                json_put_text(&call->response->body, call->name);
            buffer_append_string(&call->response->body, "]");
        }
    }
    properties_finish(&map);
}
