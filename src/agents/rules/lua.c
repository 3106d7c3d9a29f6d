/*
 * agents/rules/lua.c: a rule written as a Lua script: function on_event(event, key). The script has no way out of its box: no
 * files, no processes, no code loading, no patterns that run without end; bounded memory and instructions. What it keeps
 * between events lives in the state of the key (rules/keyed.h), so it is durable though the script is not. A changed file is
 * taken up within a second of the next event; a mistake in it leaves the old one running.
 *
 * LuaJIT runs interpreted: its compiled code would not see the limit of instructions.
 */
#include "agents/rule.h"
#include "agents/rule_settings.h"
#include "agents/rules/keyed.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "script"

extern const struct rule_kind rule_lua;

#ifdef HAVE_LUAJIT

#include "agents/rules/lua_internal.h"

#include <inttypes.h>
#include <lualib.h>
#include <luajit.h>
#include <sys/stat.h>

#define SCRIPT_BYTES_MAX ((size_t)1 << 20)
#define CODE_BYTES_MAX ((size_t)64 << 10)
#define LOOK_MS 1000
#define HOOK_INSTRUCTIONS 1000
#define VALUE_PREFIX "value."
#define PRINT_BYTES_MAX 1000

/* One loaded script; replaced as a whole when the file changed. */
struct script {
    struct lua_judgement judgement;
    lua_State *lua;
    size_t bytes, bytes_max;
    int64_t instructions, instructions_max;
    int64_t until_ns, time_max_ms; /* of the thread's processor time, so that a busy machine does not count */
    int on_event, event, key, on_error; /* in the registry */
    int line;                           /* that failed, for messages that do not say it */
    int first_line;                     /* of on_event: where nothing better is known, as behind a tail call of a function in C */
    const struct properties *values;
};

struct lua_rule {
    char *path, *code, *model; /* one of path and code */
    struct model_watch *watch; /* NULL: no model is set */
    int64_t memory_max, instructions_max, time_max_ms;
    struct properties values; /* of the settings "value.NAME" */
    struct script *script;    /* NULL until the file could be loaded once */
    int64_t looked_ms;
    struct stat seen;         /* the file as it was loaded or refused; zeroes: it was not there */
    char trouble[sizeof(((struct error *)0)->message)]; /* why the file as it is now is not in use; "": it is */
};

/* ---- The box ---- */

static struct script *script_of(lua_State *lua)
{
    void *script;

    (void)lua_getallocf(lua, &script);
    return script;
}

struct lua_judgement *lua_judgement_of(lua_State *lua)
{
    struct script *script = script_of(lua);

    if (script->judgement.event == NULL)
        (void)luaL_error(lua, "this works only inside of on_event");
    return &script->judgement;
}

/* Which line is at work? Makes nothing in Lua. */
static void line_note(struct script *script)
{
    lua_Debug activation;
    int line = 0;

    for (int level = 0; script->lua != NULL && line <= 0 && lua_getstack(script->lua, level, &activation) != 0; level++) {
        if (lua_getinfo(script->lua, "l", &activation) != 0)
            line = activation.currentline;
    }
    if (line > 0)
        script->line = line;
}

/* Errors that Lua raises for itself, as that of a full stack, have no place in their text. */
static int on_error(lua_State *lua)
{
    line_note(script_of(lua));
    return 1;
}

static void *bounded_realloc(void *context, void *bytes, size_t old_size, size_t size)
{
    struct script *script = context;
    void *moved;

    if (size == 0) {
        free(bytes);
        script->bytes -= bytes == NULL ? 0 : old_size;
        return NULL;
    }
    old_size = bytes == NULL ? 0 : old_size;
    if (size > old_size && size - old_size > script->bytes_max - script->bytes) {
        line_note(script);
        return NULL;
    }
    moved = realloc(bytes, size);
    if (moved != NULL)
        script->bytes = script->bytes - old_size + size;
    return moved;
}

/* A few instructions may take long, as those that copy large texts do, so time counts too. */
static void on_instructions(lua_State *lua, lua_Debug *activation)
{
    struct script *script = script_of(lua);
    bool too_many;

    script->instructions += HOOK_INSTRUCTIONS;
    too_many = script->instructions > script->instructions_max;
    (void)lua_getinfo(lua, "l", activation);
    script->line = activation->currentline; /* for an error that finds no stack to look at */
    if (!too_many && clock_thread_ns() < script->until_ns)
        return;
    (void)lua_getinfo(lua, "S", activation);
    (void)lua_pushfstring(lua, "%s:%d: more than %d %s for one event (setting %s)", activation->short_src, activation->currentline,
                          too_many ? (int)script->instructions_max : (int)script->time_max_ms, too_many ? "instructions" : "ms of processor time",
                          too_many ? "instructions.max" : "time.max.ms");
    (void)lua_error(lua);
}

/* From here on instructions and time count anew. */
static void limits_begin(struct script *script)
{
    script->instructions = 0;
    script->line = script->first_line;
    script->until_ns = clock_thread_ns() + script->time_max_ms * NS_PER_MS;
}

static int script_print(lua_State *lua)
{
    int count = lua_gettop(lua);
    char text[PRINT_BYTES_MAX + 1];
    size_t used = 0;

    for (int i = 1; i <= count; i++) {
        size_t size;
        const char *part;

        lua_pushvalue(lua, i);
        part = lua_text_push(lua, &size);
        if (i > 1 && used < PRINT_BYTES_MAX)
            text[used++] = ' ';
        size = size > PRINT_BYTES_MAX - used ? PRINT_BYTES_MAX - used : size;
        memcpy(text + used, part, size);
        used += size;
        lua_pop(lua, 2);
    }
    text[used] = '\0';
    LOG_INFO("%s", text);
    return 0;
}

/* string.contains(text, part): instead of Lua's patterns, whose time has no limit. */
static int string_contains(lua_State *lua)
{
    size_t size, part_size;
    const char *text = luaL_checklstring(lua, 1, &size), *part = luaL_checklstring(lua, 2, &part_size);

    lua_pushboolean(lua, part_size == 0 || memmem(text, size, part, part_size) != NULL);
    return 1;
}

static void library_open(lua_State *lua, lua_CFunction open)
{
    lua_pushcfunction(lua, open);
    lua_call(lua, 0, 0);
}

static void members_remove(lua_State *lua, const char *table, const char *const *names)
{
    lua_getglobal(lua, table);
    for (; *names != NULL; names++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, *names);
    }
    lua_pop(lua, 1);
}

static void values_open(lua_State *lua, const struct properties *values)
{
    lua_newtable(lua);
    for (size_t i = 0; i < values->count; i++) {
        lua_pushstring(lua, values->items[i].value);
        lua_setfield(lua, -2, values->items[i].key);
    }
    lua_setglobal(lua, "value");
}

static int box_open(lua_State *lua)
{
    /* pcall and coroutines would let a script catch its limits; random numbers would make a replay differ */
    static const char *const global[] = {"collectgarbage", "coroutine", "dofile", "gcinfo", "getfenv", "load", "loadfile", "loadstring", "module",
                                         "newproxy", "pcall", "require", "setfenv", "xpcall", NULL};
    static const char *const string[] = {"dump", "find", "gfind", "gmatch", "gsub", "match", NULL};
    static const char *const math[] = {"random", "randomseed", NULL};
    struct script *script = lua_touserdata(lua, 1);

    library_open(lua, luaopen_base);
    library_open(lua, luaopen_string);
    library_open(lua, luaopen_table);
    library_open(lua, luaopen_math);
    members_remove(lua, "_G", global);
    members_remove(lua, "string", string);
    members_remove(lua, "math", math);
    lua_getglobal(lua, "tostring");
    lua_setfield(lua, LUA_REGISTRYINDEX, LUA_TOSTRING);
    lua_getglobal(lua, "string");
    lua_pushcfunction(lua, string_contains);
    lua_setfield(lua, -2, "contains");
    lua_pushcfunction(lua, script_print);
    lua_setglobal(lua, "print");
    lua_api_open(lua);
    lua_model_open(lua);
    values_open(lua, script->values);
    lua_getfield(lua, LUA_REGISTRYINDEX, LUA_EVENT);
    script->event = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_getfield(lua, LUA_REGISTRYINDEX, LUA_KEY);
    script->key = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_pushcfunction(lua, on_error);
    script->on_error = luaL_ref(lua, LUA_REGISTRYINDEX);
    return 0;
}

/* Turns what a Lua call ended with into an error; the message stands on top. Makes nothing in Lua: here nothing would catch its errors. */
static enum status failed(struct script *script, int ended, const char *path, struct error *error)
{
    const char *message = lua_type(script->lua, -1) == LUA_TSTRING ? lua_tostring(script->lua, -1) : "an error that is not a text";
    const char *hint = "";

    if (ended == LUA_ERRMEM)
        return error_set(error, ERROR_SCRIPT, "script: %s:%d: more than %zu bytes of memory (setting memory.max)", path, script->line, script->bytes_max);
    if (strstr(message, "attempt to compare") != NULL && strstr(message, "userdata") != NULL)
        hint = "; a decimal is compared with a decimal: amount > decimal(500)";
    if (script->line > 0 && strchr(message, ':') == NULL)
        return error_set(error, ERROR_SCRIPT, "script: %s:%d: %s%s", path, script->line, message, hint);
    return error_set(error, ERROR_SCRIPT, "script: %s%s", message, hint);
}

static void script_destroy(struct script *script)
{
    if (script == NULL)
        return;
    if (script->lua != NULL) {
        (void)lua_sethook(script->lua, NULL, 0, 0);
        lua_close(script->lua);
    }
    memory_free(script);
}

/* Keeps the function; 0 when there is none. Raw, since the script may have given _G a metatable. */
static int on_event_take(lua_State *lua)
{
    struct script *script = lua_touserdata(lua, 1);

    lua_pushliteral(lua, "on_event");
    lua_rawget(lua, LUA_GLOBALSINDEX);
    script->on_event = lua_isfunction(lua, -1) ? luaL_ref(lua, LUA_REGISTRYINDEX) : 0;
    if (script->on_event != 0) {
        lua_Debug definition;

        lua_rawgeti(lua, LUA_REGISTRYINDEX, script->on_event);
        if (lua_getinfo(lua, ">S", &definition) != 0 && definition.linedefined > 0)
            script->first_line = definition.linedefined;
    }
    return 0;
}

static enum status script_run(struct script *script, const char *path, struct slice text, struct error *error)
{
    char *chunk = memory_format("@%s", path);
    int ended = lua_cpcall(script->lua, box_open, script);

    if (ended == 0) {
        lua_rawgeti(script->lua, LUA_REGISTRYINDEX, script->on_error);
        ended = luaL_loadbufferx(script->lua, (const char *)text.data, text.size, chunk, "t");
    }
    memory_free(chunk);
    limits_begin(script);
    if (ended == 0)
        ended = lua_pcall(script->lua, 0, 0, 1);
    if (ended == 0)
        ended = lua_cpcall(script->lua, on_event_take, script);
    if (ended != 0)
        return failed(script, ended, path, error);
    if (script->on_event == 0)
        return error_set(error, ERROR_SCRIPT, "script %s defines no function on_event(event, key)", path);
    lua_settop(script->lua, 0);
    return OK;
}

/* What its errors call it. */
static const char *script_name(const struct lua_rule *rule)
{
    return rule->code != NULL ? "code" : rule->path;
}

static enum status script_create(const struct lua_rule *rule, struct script **created, struct error *error)
{
    struct script *script = memory_new(sizeof(*script));
    struct buffer text;
    enum status status = OK;

    buffer_init(&text, rule->code != NULL ? CODE_BYTES_MAX : SCRIPT_BYTES_MAX);
    *script = (struct script){.bytes_max = (size_t)rule->memory_max, .instructions_max = rule->instructions_max,
                              .time_max_ms = rule->time_max_ms, .values = &rule->values};
    if (rule->code != NULL)
        buffer_append_slice(&text, slice_from_string(rule->code));
    else
        status = disk_read_file(disk_real(), rule->path, &text, error);
    if (status == OK && text.failed)
        status = error_set(error, ERROR_BAD_INPUT, "setting code is longer than %zu bytes: put the script into a file, setting script", CODE_BYTES_MAX);
    script->lua = lua_newstate(bounded_realloc, script);
    if (status == OK && script->lua == NULL)
        status = error_set(error, ERROR_SCRIPT, "LuaJIT does not start within %zu bytes of memory (setting memory.max)", script->bytes_max);
    if (status == OK) {
        (void)luaJIT_setmode(script->lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
        (void)lua_sethook(script->lua, on_instructions, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
        status = script_run(script, script_name(rule), buffer_slice(&text), error);
    }
    buffer_finish(&text);
    if (status == OK) {
        *created = script;
        return OK;
    }
    script_destroy(script);
    error->status = rule->code != NULL ? status : ERROR_SCRIPT_FILE;
    return error->status;
}

/* ---- The rule ---- */

static void values_take(struct properties *own, const struct properties *settings, struct properties *values)
{
    properties_init(own);
    properties_init(values);
    for (size_t i = 0; i < settings->count; i++) {
        const char *key = settings->items[i].key;
        const char *value = settings->items[i].value == NULL ? "" : settings->items[i].value;

        if (strncmp(key, VALUE_PREFIX, strlen(VALUE_PREFIX)) == 0 && key[strlen(VALUE_PREFIX)] != '\0')
            properties_set(values, key + strlen(VALUE_PREFIX), value);
        else
            properties_set(own, key, value);
    }
}

static const struct rule_setting own_settings[] = {
    {"script", RULE_TEXT, offsetof(struct lua_rule, path), NULL, 0, 0, "file with the script"},
    {"code", RULE_TEXT, offsetof(struct lua_rule, code), NULL, 0, 0, "the script itself, instead of a file"},
    {"model", RULE_TEXT, offsetof(struct lua_rule, model), NULL, 0, 0, "file with the model of model.predict, .json or .ubj"},
    {"memory.max", RULE_INTEGER, offsetof(struct lua_rule, memory_max), "16777216", 1 << 18, INT64_C(1) << 30, "bytes that the script may use"},
    {"instructions.max", RULE_INTEGER, offsetof(struct lua_rule, instructions_max), "1000000", 1000, 1000000000, "Lua instructions for one event"},
    {"time.max.ms", RULE_INTEGER, offsetof(struct lua_rule, time_max_ms), "1000", 1, 600000, "milliseconds of processor time for one event"},
};

static enum status create(const struct rule_kind *kind, const struct properties *settings, void **created, struct error *error)
{
    struct lua_rule *rule = memory_new(sizeof(*rule));
    struct properties own;
    enum status status;

    *rule = (struct lua_rule){0};
    *created = rule;
    values_take(&own, settings, &rule->values);
    status = rule_settings_read(kind, &own, rule, error);
    properties_finish(&own);
    if (status == OK && (rule->path == NULL) == (rule->code == NULL))
        status = error_set(error, ERROR_BAD_INPUT, "%s", rule->path == NULL ? "setting script is missing: the file with function on_event(event, key), or code, the script itself"
                                                                            : "settings script and code are both given: one of them");
    if (status == OK && rule->code != NULL) /* a file may come later, or be mended */
        status = script_create(rule, &rule->script, error);
    if (status == OK && rule->model != NULL)
        rule->watch = model_watch_create(rule->model, NULL, NULL);
    return status;
}

static void destroy(void *context)
{
    struct lua_rule *rule = context;

    script_destroy(rule->script);
    model_watch_destroy(rule->watch);
    properties_finish(&rule->values);
    memory_free(rule->path);
    memory_free(rule->code);
    memory_free(rule->model);
    memory_free(rule);
}

static enum status prepare(void *context, const struct change_schema *schema, struct error *error)
{
    (void)context, (void)schema, (void)error; /* a script's columns are checked when it asks for them */
    return OK;
}

/* Is the file another one than was loaded or refused? now  what it is */
static bool file_changed(const struct lua_rule *rule, struct stat *now)
{
    if (stat(rule->path, now) != 0)
        *now = (struct stat){0};
    return now->st_mtim.tv_sec != rule->seen.st_mtim.tv_sec || now->st_mtim.tv_nsec != rule->seen.st_mtim.tv_nsec || now->st_size != rule->seen.st_size ||
           now->st_ino != rule->seen.st_ino;
}

/* A file that is gone leaves the script where it is. */
static void reload_when_changed(struct lua_rule *rule)
{
    int64_t now_ms = clock_monotonic_ms();
    struct script *script;
    struct stat now;
    struct error error;

    if (rule->code != NULL || now_ms - rule->looked_ms < LOOK_MS)
        return;
    rule->looked_ms = now_ms;
    if (!file_changed(rule, &now))
        return;
    rule->seen = now;
    if (script_create(rule, &script, &error) != OK) {
        LOG_ERROR("the changed script is not taken, the one before goes on: %s", error.message);
        (void)snprintf(rule->trouble, sizeof(rule->trouble), "%s", error.message);
        return;
    }
    script_destroy(rule->script);
    rule->script = script;
    rule->trouble[0] = '\0';
    LOG_INFO("script %s changed and is taken up", rule->path);
}

/* The first time, and after a failure when it changed, the script is loaded; later it is looked at. */
static enum status script_look(struct lua_rule *rule, struct error *error)
{
    if (rule->script != NULL || rule->code != NULL) {
        reload_when_changed(rule);
        return OK;
    }
    (void)file_changed(rule, &rule->seen);
    rule->looked_ms = clock_monotonic_ms();
    return script_create(rule, &rule->script, error);
}

static enum status refresh(void *context, struct error *error)
{
    struct lua_rule *rule = context;
    enum status status = script_look(rule, error);

    return status == OK && rule->watch != NULL ? model_watch_look(rule->watch, error) : status;
}

static bool changed(void *context)
{
    struct lua_rule *rule = context;
    struct stat now;

    return (rule->code == NULL && file_changed(rule, &now)) || (rule->watch != NULL && model_watch_changed(rule->watch));
}

static const char *script_trouble(void *context)
{
    struct lua_rule *rule = context;

    return rule->trouble[0] == '\0' ? NULL : rule->trouble;
}

/* What the script returned is the line for people. */
static void line_take(struct script *script, struct arena *arena, struct rule_verdict *verdict)
{
    size_t size;
    const char *line = lua_type(script->lua, -1) == LUA_TSTRING ? lua_tolstring(script->lua, -1, &size) : NULL;

    if (line != NULL)
        verdict->line = arena_copy_string(arena, slice_of(line, size));
    else if (verdict->outcome == RULE_ALERT)
        verdict->line = arena_format(arena, "🚨 %s", verdict->alert.title);
}

static enum status judge(void *context, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error)
{
    struct lua_rule *rule = context;
    struct script *script;
    enum status status;
    int ended;

    status = refresh(rule, error);
    if (status != OK)
        return status;
    script = rule->script;
    script->judgement = (struct lua_judgement){event, arena, verdict, {0}, rule->watch, NULL};
    keyed_begin(&script->judgement.keyed, states, event->key);
    limits_begin(script);
    verdict->outcome = RULE_NORMAL;
    lua_rawgeti(script->lua, LUA_REGISTRYINDEX, script->on_error);
    lua_rawgeti(script->lua, LUA_REGISTRYINDEX, script->on_event);
    lua_rawgeti(script->lua, LUA_REGISTRYINDEX, script->event);
    lua_rawgeti(script->lua, LUA_REGISTRYINDEX, script->key);
    ended = lua_pcall(script->lua, 2, 1, 1);
    if (ended != 0)
        status = failed(script, ended, script_name(rule), error);
    else if (verdict->outcome == RULE_ALERT)
        status = lua_model_explain(&script->judgement, &verdict->alert, error);
    if (status == OK && event->wants_line)
        line_take(script, arena, verdict);
    lua_settop(script->lua, 0);
    script->judgement.event = NULL;
    return status;
}

static const char *model_now(void *context, const char **trouble)
{
    struct lua_rule *rule = context;
    const struct model *model = rule->watch == NULL ? NULL : model_watch_model(rule->watch);

    *trouble = rule->watch == NULL ? NULL : model_watch_trouble(rule->watch);
    return model == NULL ? NULL : model_version(model);
}

#else

#define refresh NULL
#define changed NULL
#define model_now NULL
#define script_trouble NULL

static const struct rule_setting own_settings[] = {{"script", RULE_TEXT, 0, NULL, 0, 0, "file with the script"}};

static enum status create(const struct rule_kind *kind, const struct properties *settings, void **created, struct error *error)
{
    (void)kind, (void)settings;
    *created = NULL;
    return error_set(error, ERROR_BAD_INPUT, "this build cannot run Lua scripts: install libluajit-5.1-dev and build again");
}

static void destroy(void *context)
{
    (void)context;
}

static enum status prepare(void *context, const struct change_schema *schema, struct error *error)
{
    (void)context, (void)schema, (void)error;
    return OK;
}

static enum status judge(void *context, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error)
{
    (void)context, (void)event, (void)states, (void)arena, (void)verdict;
    return error_set(error, ERROR_BUG, "a rule that was not created");
}

#endif

static void describe(void *context, struct slice state, struct buffer *json)
{
    (void)context;
    keyed_describe(state, json);
}

const struct rule_kind rule_lua = {
    .name = "lua", .version = 1, .summary = "Your own: a Lua script with function on_event(event, key)",
    .greeting = "Agent started. Listening for change events...", .key_column = "user_id", .event_time = true, RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .describe = describe, .refresh = refresh, .changed = changed, .model = model_now,
    .script_trouble = script_trouble};
