/* connectors_command.c: `tailrace connectors`: Connect's REST API in words, ours and Apache's. */
#include "cli/commands.h"

#include "base/banned.h"
#include "base/properties.h"
#include "capture/settings.h"
#include "cli/secrets.h"
#include "cli/session.h"
#include "os/clock.h"
#include "os/terminal.h"

#include <poll.h>
#include <unistd.h>

#define SHOWN_BYTES_MAX ((size_t)64 << 20)
#define LOOK_FIRST_MS 100
#define LOOK_LAST_MS 1000
#define STALE_LOOKS 4 /* so often may an old state be seen after a restart */

static struct session connectors = {.collection = "/connectors"};

/* Options of single verbs. */
static struct {
    const char *console;
    struct option_list set, unset;
    int64_t task, timeout_s;
    bool drops_slot, only_failed, does_not_wait;
} wanted = {.task = -1, .timeout_s = 30};

/* ---- Asking ---- */

static enum status get(struct session *session, const char *path, json_t **answer, struct error *error)
{
    return client_ask(session->client, "GET", path, NULL, answer, error);
}

/* ---- Words ---- */

/* The first trouble that a status tells; false: none. */
static bool trouble_append(struct buffer *text, const json_t *status)
{
    const char *trace = json_text(json_object_get(status, "connector"), "trace");
    const json_t *task;
    size_t index;

    json_array_foreach(json_object_get(status, "tasks"), index, task) {
        if (*trace == '\0')
            trace = json_text(task, "trace");
    }
    client_append_cause(text, trace);
    return *trace != '\0';
}

static enum style state_style(const char *state)
{
    return strcmp(state, "RUNNING") == 0 ? STYLE_GOOD : strcmp(state, "FAILED") == 0 ? STYLE_BAD : STYLE_WARN;
}

static size_t tasks_in(const json_t *status, const char *state)
{
    const json_t *task;
    size_t index, count = 0;

    json_array_foreach(json_object_get(status, "tasks"), index, task) count += strcmp(json_text(task, "state"), state) == 0;
    return count;
}

static const char *short_class(const char *class_name)
{
    const char *dot = strrchr(class_name, '.');

    return dot == NULL ? class_name : dot + 1;
}

static void row_add(struct session *session, struct table *table, const char *name, const json_t *entry)
{
    const json_t *status = json_object_get(entry, "status");
    const char *state = json_text(json_object_get(status, "connector"), "state");
    size_t tasks = json_array_size(json_object_get(status, "tasks")), failed = tasks_in(status, "FAILED");
    struct buffer trouble;

    buffer_init(&trouble, 4096);
    (void)trouble_append(&trouble, status);
    session->is_trouble |= failed > 0 || strcmp(state, "FAILED") == 0;
    table_cell(table, STYLE_PLAIN, "%s", name);
    table_cell(table, state_style(state), "%s", *state == '\0' ? "-" : state);
    table_cell(table, failed > 0 ? STYLE_BAD : STYLE_PLAIN, "%zu of %zu", tasks_in(status, "RUNNING"), tasks);
    table_cell(table, STYLE_PLAIN, "%s", json_text(status, "type"));
    table_cell(table, STYLE_PLAIN, "%s", short_class(json_text(json_object_get(json_object_get(entry, "info"), "config"), "connector.class")));
    table_cell(table, STYLE_PLAIN, "%.*s", (int)trouble.size, (const char *)trouble.data);
    buffer_finish(&trouble);
}

static enum status list(struct session *session, struct error *error)
{
    json_t *answer = NULL, *entry;
    const char *name;
    struct table *table;
    enum status status = get(session, "/connectors?expand=status&expand=info", &answer, error);

    if (status != OK || session_printed_json(session, answer)) {
        json_decref(answer);
        return status;
    }
    table = table_create("connector|state|tasks running|type|class|trouble");
    json_object_foreach(answer, name, entry) row_add(session, table, name, entry);
    if (table_rows(table) == 0)
        page_print(&session->page, STYLE_PLAIN, "No connectors. \"tailrace connectors create FILE\" makes one.\n");
    table_print(table, &session->page);
    table_destroy(table);
    json_decref(answer);
    return OK;
}

/* ---- One connector ---- */

static void status_print(struct session *session, const json_t *answer)
{
    const char *state = json_text(json_object_get(answer, "connector"), "state");
    struct table *table = table_create("task|state|worker|trouble");
    const json_t *task;
    struct buffer trouble;
    size_t index;

    page_print(&session->page, STYLE_STRONG, "%s", json_text(answer, "name"));
    page_print(&session->page, STYLE_PLAIN, "  ");
    page_print(&session->page, state_style(state), "%s", state);
    page_print(&session->page, STYLE_PLAIN, "  (%s, worker %s)\n", json_text(answer, "type"), json_text(json_object_get(answer, "connector"), "worker_id"));
    buffer_init(&trouble, 65536);
    client_append_cause(&trouble, json_text(json_object_get(answer, "connector"), "trace"));
    if (trouble.size > 0)
        page_print(&session->page, STYLE_BAD, "  %.*s\n", (int)trouble.size, (const char *)trouble.data);
    json_array_foreach(json_object_get(answer, "tasks"), index, task) {
        buffer_reset(&trouble);
        client_append_cause(&trouble, json_text(task, "trace"));
        table_cell(table, STYLE_PLAIN, "%lld", (long long)json_number(task, "id", 0));
        table_cell(table, state_style(json_text(task, "state")), "%s", json_text(task, "state"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(task, "worker_id"));
        table_cell(table, STYLE_PLAIN, "%.*s", (int)trouble.size, (const char *)trouble.data);
    }
    table_print(table, &session->page);
    table_destroy(table);
    buffer_finish(&trouble);
}

static bool has_failed(const json_t *answer)
{
    return strcmp(json_text(json_object_get(answer, "connector"), "state"), "FAILED") == 0 || tasks_in(answer, "FAILED") > 0;
}

static enum status show_status(struct session *session, struct error *error)
{
    json_t *answer = NULL;
    enum status status = session_ask(session, "GET", "/status", NULL, &answer, error);

    if (status == OK) {
        session->is_trouble = has_failed(answer);
        if (!session_printed_json(session, answer))
            status_print(session, answer);
    }
    json_decref(answer);
    return status;
}

/* ---- Waiting for what was asked for ---- */

static bool has_arrived(const json_t *answer, const char *state)
{
    const json_t *tasks = json_object_get(answer, "tasks");
    bool is_stopped = strcmp(state, "STOPPED") == 0;

    return strcmp(json_text(json_object_get(answer, "connector"), "state"), state) == 0 && tasks_in(answer, state) == json_array_size(tasks) &&
           (json_array_size(tasks) > 0) == !is_stopped;
}

/* Looks until the connector is in that state, or has failed. A failure may be the one from before at first. */
static enum status wait_for(struct session *session, const char *state, json_t **answer, struct error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + wanted.timeout_s * 1000, pause_ms = LOOK_FIRST_MS;
    enum status status;

    for (int looks = 1;; looks++) {
        status = session_ask(session, "GET", "/status", NULL, answer, error);
        if (status != OK && status != ERROR_NOT_FOUND && status != ERROR_CONFLICT)
            return status;
        if (status == OK && (has_arrived(*answer, state) || (has_failed(*answer) && looks >= STALE_LOOKS)))
            return OK;
        if (clock_monotonic_ms() > deadline_ms)
            return status != OK ? status : OK;
        if (status == OK) {
            json_decref(*answer);
            *answer = NULL;
        }
        (void)poll(NULL, 0, (int)pause_ms);
        pause_ms = pause_ms * 2 > LOOK_LAST_MS ? LOOK_LAST_MS : pause_ms * 2;
    }
}

/* Waits, unless that is not wanted, and says how it is now. */
static enum status arrive(struct session *session, const char *state, struct error *error)
{
    json_t *answer = NULL;
    enum status status;

    if (wanted.does_not_wait) {
        if (!session->json)
            page_print(&session->page, STYLE_PLAIN, "%s: asked for; \"tailrace connectors status %s\" says when it is %s.\n", session->operands[0], session->operands[0], state);
        return OK;
    }
    status = wait_for(session, state, &answer, error);
    if (status != OK)
        return status;
    session->is_trouble = !has_arrived(answer, state);
    if (!session_printed_json(session, answer))
        status_print(session, answer);
    if (session->is_trouble && !has_failed(answer))
        status = error_set(error, ERROR_REQUEST_TIMED_OUT, "%s is not %s after %lld s", session->operands[0], state, (long long)wanted.timeout_s);
    json_decref(answer);
    return status;
}

static enum status change(struct session *session, const char *method, const char *below, const char *state, struct error *error)
{
    enum status status = session_ask(session, method, below, NULL, NULL, error);

    return status == OK ? arrive(session, state, error) : status;
}

static enum status pause_it(struct session *session, struct error *error)
{
    return change(session, "PUT", "/pause", "PAUSED", error);
}

static enum status resume(struct session *session, struct error *error)
{
    return change(session, "PUT", "/resume", "RUNNING", error);
}

static enum status stop(struct session *session, struct error *error)
{
    return change(session, "PUT", "/stop", "STOPPED", error);
}

static enum status restart(struct session *session, struct error *error)
{
    json_t *now = NULL;
    enum status status = session_ask(session, "GET", "/status", NULL, &now, error);
    const char *state = json_text(json_object_get(now, "connector"), "state");
    char below[80];

    if (status == OK && (strcmp(state, "STOPPED") == 0 || strcmp(state, "PAUSED") == 0))
        status = error_set(error, ERROR_CONFLICT, "%s is %s: \"tailrace connectors resume %s\" lets it go on", session->operands[0], state, session->operands[0]);
    json_decref(now);
    if (status != OK)
        return status;
    if (wanted.task >= 0)
        (void)snprintf(below, sizeof(below), "/tasks/%lld/restart", (long long)wanted.task);
    else
        (void)snprintf(below, sizeof(below), "/restart?includeTasks=true&onlyFailed=%s", wanted.only_failed ? "true" : "false");
    return change(session, "POST", below, "RUNNING", error);
}

/* ---- Configurations ---- */

/* What a file holds: JSON, or a properties file as Connect's standalone mode has. Always an object. */
static enum status config_read(const char *file, json_t **config, struct error *error)
{
    struct properties properties;
    struct buffer text;
    json_error_t where;
    size_t at = 0;
    enum status status;

    if (strcmp(file, "-") == 0 && terminal_is(STDIN_FILENO))
        return error_set(error, ERROR_USAGE, "which configuration? Name a FILE, or give it on standard input");
    status = client_read_input(file, &text, error);
    if (status != OK)
        return status;
    while (at < text.size && strchr(" \t\r\n", text.data[at]) != NULL)
        at++;
    if (at < text.size && text.data[at] == '{') {
        *config = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &where);
        if (*config == NULL)
            status = error_set(error, ERROR_BAD_INPUT, "%s: line %d, column %d: %s", file, where.line, where.column, where.text);
    } else {
        properties_init(&properties);
        status = properties_parse(&properties, buffer_slice(&text), error);
        *config = status == OK ? json_object() : NULL;
        for (size_t i = 0; i < properties.count && status == OK; i++)
            (void)json_object_set_new(*config, properties.items[i].key, json_string(properties.items[i].value));
        if (status == OK && properties.count == 0)
            status = error_set(error, ERROR_BAD_INPUT, "%s is empty", file);
        properties_finish(&properties);
        if (status != OK)
            error_context(error, "%s", file);
    }
    buffer_finish(&text);
    return status;
}

/* The configuration alone: a whole POST body holds it as "config". A new reference. */
static json_t *config_of(json_t *body)
{
    json_t *inner = json_object_get(body, "config");

    return json_incref(json_is_object(inner) ? inner : body);
}

static enum status create(struct session *session, struct error *error)
{
    const char *file = session_operand(session, 0) == NULL ? "-" : session_operand(session, 0), *name = session_operand(session, 1), *created[1];
    json_t *body = NULL, *config, *request;
    enum status status = config_read(file, &body, error);

    if (status != OK) {
        json_decref(body);
        return status;
    }
    config = config_of(body);
    if (name == NULL)
        name = *json_text(body, "name") == '\0' ? json_text(config, "name") : json_text(body, "name");
    request = json_pack("{s:s, s:O}", "name", name, "config", config);
    if (config != body && json_object_get(body, "initial_state") != NULL)
        (void)json_object_set(request, "initial_state", json_object_get(body, "initial_state"));
    created[0] = name;
    if (*name == '\0')
        status = error_set(error, ERROR_USAGE, "%s names no connector: say \"tailrace connectors create %s NAME\"", strcmp(file, "-") == 0 ? "standard input" : file, file);
    else
        status = client_ask(session->client, "POST", "/connectors", request, NULL, error);
    if (status == ERROR_CONFLICT)
        error_remedy(error, "\"tailrace connectors config %s %s\" changes it", name, file);
    session->operands = created;
    session->operand_count = 1;
    if (status == OK)
        status = arrive(session, strcmp(json_text(request, "initial_state"), "STOPPED") == 0  ? "STOPPED"
                             : strcmp(json_text(request, "initial_state"), "PAUSED") == 0 ? "PAUSED"
                                                                                          : "RUNNING",
                        error);
    json_decref(request);
    json_decref(config);
    json_decref(body);
    return status;
}

static enum status config_show(struct session *session, struct error *error)
{
    json_t *answer = NULL, *value;
    const char *key;
    struct buffer line;
    enum status status = session_ask(session, "GET", "/config", NULL, &answer, error);

    if (status == OK && !session_printed_json(session, answer)) {
        secrets_mask_json(answer);
        buffer_init(&line, SHOWN_BYTES_MAX);
        json_object_foreach(answer, key, value) properties_append_line(&line, key, json_string_value(value) == NULL ? "" : json_string_value(value));
        page_print(&session->page, STYLE_PLAIN, "%.*s", (int)line.size, (const char *)line.data);
        buffer_finish(&line);
    }
    json_decref(answer);
    return status;
}

/* --set and --unset as a patch. */
static enum status patch_make(json_t **patch, struct error *error)
{
    struct properties set;
    enum status status = OK;

    properties_init(&set);
    for (size_t i = 0; i < wanted.set.count && status == OK; i++)
        status = properties_set_assignment(&set, wanted.set.items[i], error);
    *patch = json_object();
    for (size_t i = 0; i < set.count; i++)
        (void)json_object_set_new(*patch, set.items[i].key, json_string(set.items[i].value));
    for (size_t i = 0; i < wanted.unset.count; i++)
        (void)json_object_set_new(*patch, wanted.unset.items[i], json_null());
    properties_finish(&set);
    return status;
}

static enum status config(struct session *session, struct error *error)
{
    bool patches = wanted.set.count + wanted.unset.count > 0;
    json_t *body = NULL, *config = NULL;
    enum status status;

    if (session_operand(session, 1) == NULL && !patches)
        return config_show(session, error);
    if (session_operand(session, 1) != NULL && patches)
        return error_set(error, ERROR_USAGE, "tailrace connectors config: either a FILE or --set and --unset");
    status = patches ? patch_make(&body, error) : config_read(session_operand(session, 1), &body, error);
    if (status == OK) {
        config = config_of(body);
        status = session_ask(session, patches ? "PATCH" : "PUT", "/config", config, NULL, error);
    }
    json_decref(config);
    json_decref(body);
    return status == OK ? show_status(session, error) : status;
}

static enum status validate(struct session *session, struct error *error)
{
    const char *file = session_operand(session, 0) == NULL ? "-" : session_operand(session, 0);
    json_t *body = NULL, *config = NULL, *answer = NULL, *entry, *text;
    struct table *table;
    struct buffer path;
    size_t i, k;
    enum status status = config_read(file, &body, error);

    if (status == OK) {
        config = config_of(body);
        if (*json_text(config, "name") == '\0' && *json_text(body, "name") != '\0') /* Connect wants it inside */
            (void)json_object_set_new(config, "name", json_string(json_text(body, "name")));
        client_path(&path, "/connector-plugins/%s/config/validate", json_text(config, "connector.class"));
        if (*json_text(config, "connector.class") == '\0')
            status = error_set(error, ERROR_BAD_INPUT, "%s has no connector.class; \"tailrace connectors plugins\" lists those there are", file);
        else
            status = client_ask(session->client, "PUT", (const char *)path.data, config, &answer, error);
        buffer_finish(&path);
    }
    if (status == OK) {
        session->is_trouble = json_number(answer, "error_count", 0) > 0;
        table = table_create("setting|what is wrong");
        json_array_foreach(json_object_get(answer, "configs"), i, entry) {
            json_array_foreach(json_object_get(json_object_get(entry, "value"), "errors"), k, text) {
                table_cell(table, STYLE_PLAIN, "%s", json_text(json_object_get(entry, "value"), "name"));
                table_cell(table, STYLE_PLAIN, "%s", json_string_value(text));
            }
        }
        if (!session_printed_json(session, answer)) {
            table_print(table, &session->page);
            if (!session->is_trouble)
                page_print(&session->page, STYLE_GOOD, "Nothing is wrong with it.\n");
        }
        table_destroy(table);
    }
    json_decref(answer);
    json_decref(config);
    json_decref(body);
    return status;
}

/* ---- Deleting ---- */

static enum status slot_drop(struct session *session, const char *slot, struct error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + wanted.timeout_s * 1000;
    json_t *body = json_pack("{s:s}", "confirm", slot), *paused = NULL;
    struct client *console = NULL;
    struct buffer path;
    enum status status = client_open(CLIENT_CONSOLE, session->data_dir, wanted.console, &console, error);

    if (status != OK)
        error_context(error, "the slot is dropped through tailrace's console");
    if (status == OK)
        status = session_ask(session, "PUT", "/pause", NULL, NULL, error);
    if (status == OK)
        status = wait_for(session, "PAUSED", &paused, error);
    client_path(&path, "/slots/%s", slot);
    while (status == OK) { /* the console looks at slots every few seconds: it may not know yet that nobody reads this one */
        status = client_ask(console, "DELETE", (const char *)path.data, body, NULL, error);
        if (status != ERROR_CONFLICT || clock_monotonic_ms() > deadline_ms)
            break;
        status = OK;
        (void)poll(NULL, 0, LOOK_LAST_MS);
    }
    buffer_finish(&path);
    client_close(console);
    json_decref(paused);
    json_decref(body);
    return status;
}

static const char *slot_of(const json_t *config)
{
    const char *slot = json_text(config, "slot.name");

    return *slot == '\0' ? SLOT_NAME_DEFAULT : slot;
}

static void kept_print(struct session *session, const json_t *config, const json_t *topics)
{
    const char *slot = slot_of(config);
    const json_t *names = json_object_get(json_object_get(topics, session->operands[0]), "topics");

    page_print(&session->page, STYLE_PLAIN, "Connector %s is deleted.\n", session->operands[0]);
    if (json_array_size(names) > 0)
        page_print(&session->page, STYLE_PLAIN, "Kept: its %zu topic%s (\"%s\").\n", json_array_size(names), json_array_size(names) == 1 ? "" : "s",
                   session->url == NULL ? "tailrace topics delete" : "kafka-topics --delete");
    if (strstr(json_text(config, "connector.class"), "Postgres") == NULL)
        return;
    if (wanted.drops_slot)
        page_print(&session->page, STYLE_PLAIN, "Dropped: replication slot %s.\n", slot);
    else
        page_print(&session->page, STYLE_PLAIN,
                   "Kept: its position and replication slot %s on %s: created again with this name, it goes on where it was.\n"
                   "Until then that slot keeps PostgreSQL's WAL, which fills its disk some day. To let it go, on that server:\n"
                   "  SELECT pg_drop_replication_slot('%s');\n",
                   slot, json_text(config, "database.hostname"), slot);
}

static enum status delete (struct session *session, struct error *error)
{
    json_t *config = NULL, *topics = NULL;
    const char *slot;
    struct error ignored;
    char question[256];
    enum status status = session_ask(session, "GET", "/config", NULL, &config, error);

    if (status != OK)
        return status;
    slot = slot_of(config);
    if (session_ask(session, "GET", "/topics", NULL, &topics, &ignored) != OK)
        topics = NULL;
    if (wanted.drops_slot && session->url != NULL && wanted.console == NULL)
        status = error_set(error, ERROR_USAGE,
                           "tailrace connectors delete: Connect cannot drop a slot, tailrace's console does: name it with --console, or on %s: SELECT pg_drop_replication_slot('%s')",
                           json_text(config, "database.hostname"), slot);
    else if (wanted.drops_slot) {
        (void)snprintf(question, sizeof(question), "Delete %s, and drop slot %s with all changes that it has not captured yet?", session->operands[0], slot);
        status = terminal_confirm(question, session->sure, error);
        if (status == OK)
            status = slot_drop(session, slot, error);
    }
    if (status == OK)
        status = session_ask(session, "DELETE", "", NULL, NULL, error);
    if (status == OK && !session->json)
        kept_print(session, config, topics);
    json_decref(topics);
    json_decref(config);
    return status;
}

/* ---- Offsets ---- */

static enum status offsets_show(struct session *session, struct error *error)
{
    struct table *table;
    json_t *answer = NULL, *entry;
    size_t index;
    enum status status = session_ask(session, "GET", "/offsets", NULL, &answer, error);

    if (status == OK && !session_printed_json(session, answer)) {
        table = table_create("partition|offset");
        json_array_foreach(json_object_get(answer, "offsets"), index, entry) {
            char *partition = json_dumps(json_object_get(entry, "partition"), JSON_COMPACT | JSON_ENCODE_ANY);
            char *offset = json_dumps(json_object_get(entry, "offset"), JSON_COMPACT | JSON_ENCODE_ANY);

            table_cell(table, STYLE_PLAIN, "%s", partition);
            table_cell(table, STYLE_PLAIN, "%s", offset);
            free(partition);
            free(offset);
        }
        if (table_rows(table) == 0)
            page_print(&session->page, STYLE_PLAIN, "%s has no offsets yet.\n", session->operands[0]);
        table_print(table, &session->page);
        table_destroy(table);
    }
    json_decref(answer);
    return status;
}

static enum status offsets_change(struct session *session, const char *method, const json_t *body, struct error *error)
{
    json_t *answer = NULL;
    enum status status = session_ask(session, method, "/offsets", body, &answer, error);

    if (status == OK && !session_printed_json(session, answer))
        page_print(&session->page, STYLE_PLAIN, "%s\n", *json_text(answer, "message") == '\0' ? "Done." : json_text(answer, "message"));
    else if (status != OK && strstr(error->message, "STOPPED") != NULL)
        error_remedy(error, "\"tailrace connectors stop %s\" stops it", session->operands[0]);
    json_decref(answer);
    return status;
}

static enum status offsets(struct session *session, struct error *error)
{
    const char *word = session_operand(session, 1) == NULL ? "get" : session_operand(session, 1), *file = session_operand(session, 2);
    json_t *body = NULL;
    char question[256];
    enum status status;

    if (strcmp(word, "get") == 0)
        return offsets_show(session, error);
    if (strcmp(word, "set") == 0) {
        status = config_read(file == NULL ? "-" : file, &body, error);
        if (status == OK)
            status = offsets_change(session, "PATCH", body, error);
        json_decref(body);
        return status;
    }
    if (strcmp(word, "reset") != 0)
        return error_set(error, ERROR_USAGE, "tailrace connectors offsets %s %s: it has to be get, set or reset", session->operands[0], word);
    (void)snprintf(question, sizeof(question), "Forget where %s is? It begins from the start then, with a snapshot if it is configured so.", session->operands[0]);
    status = terminal_confirm(question, session->sure, error);
    return status == OK ? offsets_change(session, "DELETE", NULL, error) : status;
}

/* ---- Plugins and loggers ---- */

static enum status plugins(struct session *session, struct error *error)
{
    struct table *table;
    json_t *answer = NULL, *entry;
    size_t index;
    enum status status = get(session, "/connector-plugins", &answer, error);

    if (status == OK && !session_printed_json(session, answer)) {
        table = table_create("class|type|version");
        json_array_foreach(answer, index, entry) {
            table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "class"));
            table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "type"));
            table_cell(table, STYLE_PLAIN, "%s", *json_text(entry, "version") == '\0' ? "-" : json_text(entry, "version"));
        }
        table_print(table, &session->page);
        table_destroy(table);
    }
    json_decref(answer);
    return status;
}

static enum status loggers(struct session *session, struct error *error)
{
    const char *name = session_operand(session, 0), *level = session_operand(session, 1);
    json_t *answer = NULL, *entry, *body = level == NULL ? NULL : json_pack("{s:s}", "level", level);
    struct table *table;
    struct buffer path;
    const char *logger;
    enum status status;

    client_path(&path, name == NULL ? "/admin/loggers" : "/admin/loggers/%s", name == NULL ? "" : name);
    status = client_ask(session->client, level == NULL ? "GET" : "PUT", (const char *)path.data, body, &answer, error);
    if (status == OK && !session_printed_json(session, answer)) {
        if (level != NULL)
            page_print(&session->page, STYLE_PLAIN, "%s is %s now.\n", name, level);
        else if (name != NULL)
            page_print(&session->page, STYLE_PLAIN, "%s\n", json_text(answer, "level"));
        table = table_create("logger|level");
        json_object_foreach(name != NULL ? NULL : answer, logger, entry) {
            table_cell(table, STYLE_PLAIN, "%s", logger);
            table_cell(table, STYLE_PLAIN, "%s", json_text(entry, "level"));
        }
        table_print(table, &session->page);
        table_destroy(table);
    }
    buffer_finish(&path);
    json_decref(body);
    json_decref(answer);
    return status;
}

/* ---- The command ---- */

static const struct session_handler handlers[] = {
    {"list", list},       {"status", show_status}, {"create", create}, {"config", config},   {"validate", validate}, {"pause", pause_it},   {"resume", resume},
    {"stop", stop},       {"restart", restart},    {"delete", delete}, {"offsets", offsets}, {"plugins", plugins},   {"loggers", loggers}, {NULL, NULL},
};

static const struct option_verb verbs[] = {
    {"list", NULL, "All connectors, their states and what is wrong with them", 0, 0},
    {"status", "CONNECTOR", "One connector and its tasks; exit code 1 when it has failed", 1, 1},
    {"create", "[FILE] [NAME]", "A new one from a file or standard input: the body for Connect's REST API, the configuration alone, or a properties file", 0, 2},
    {"config", "CONNECTOR [FILE]", "Its configuration, passwords masked; with FILE that one is set, with --set and --unset parts of it are changed", 1, 2},
    {"validate", "[FILE]", "What is wrong with a configuration, before it is used", 0, 1},
    {"pause", "CONNECTOR", "Stop reading for a while; it stays where it is", 1, 1},
    {"resume", "CONNECTOR", "Go on after pause or stop", 1, 1},
    {"stop", "CONNECTOR", "Let go of database and slot; its offsets may be changed then", 1, 1},
    {"restart", "CONNECTOR", "Start connector and tasks again", 1, 1},
    {"delete", "CONNECTOR", "Remove it; says what is kept", 1, 1},
    {"offsets", "CONNECTOR [get|set|reset] [FILE]", "Where it is in its source; set and reset want it stopped", 1, 3},
    {"plugins", NULL, "The classes that connectors may have", 0, 0},
    {"loggers", "[LOGGER] [LEVEL]", "How much is logged; with LEVEL that is set", 0, 2},
    {NULL, NULL, NULL, 0, 0},
};

static const struct option_row rows[] = {
    {"data-dir", OPTION_TEXT, &connectors.data_dir, "DIR", "Where tailrace runs (default ./tailrace-data, or this machine's port 8083)", 0, 0},
    {"rest", OPTION_TEXT, &connectors.url, "URL", "Kafka Connect elsewhere, also Apache's: http://host:8083", 0, 0},
    {"console", OPTION_TEXT, &wanted.console, "URL", "The console of that tailrace, which drops the slot", 0, 0, "delete"},
    {"set", OPTION_LIST, &wanted.set, "KEY=VALUE", "Change one setting; may come several times", 0, 0, "config"},
    {"unset", OPTION_LIST, &wanted.unset, "KEY", "Remove one setting; may come several times", 0, 0, "config"},
    {"task", OPTION_NUMBER, &wanted.task, "N", "Only this task", 0, 1000000, "restart"},
    {"only-failed", OPTION_FLAG, &wanted.only_failed, NULL, "Only what has failed", 0, 0, "restart"},
    {"drop-slot", OPTION_FLAG, &wanted.drops_slot, NULL, "Also drop its replication slot in PostgreSQL", 0, 0, "delete"},
    {"yes", OPTION_FLAG, &connectors.sure, NULL, "Do not ask", 0, 0, "delete,offsets"},
    {"no-wait", OPTION_FLAG, &wanted.does_not_wait, NULL, "Do not wait until it is so", 0, 0, "create,pause,resume,stop,restart"},
    {"timeout", OPTION_NUMBER, &wanted.timeout_s, "SECONDS", "How long to wait at most (default 30)", 1, 3600, "create,pause,resume,stop,restart,delete"},
    {"json", OPTION_FLAG, &connectors.json, NULL, "What the REST API says, passwords masked", 0, 0},
    {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct options options = {
    .command = "tailrace connectors",
    .summary = "Lists and steers connectors through Kafka Connect's REST API.",
    .rows = rows,
    .verbs = verbs,
    .examples = "tailrace connectors create activity.json\n"
                "tailrace connectors status activity-connector\n"
                "tailrace connectors config activity-connector --set snapshot.mode=no_data\n"
                "tailrace connectors delete activity-connector --drop-slot\n"
                "tailrace connectors --rest http://connect.example:8083 list --json",
};

int connectors_main(int argc, char **argv)
{
    return session_run(&connectors, CLIENT_REST, &options, handlers, argc, argv);
}
