#include "agents/rules/lua_internal.h"

#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/time.h"
#include "wire/json/text.h"

#include <math.h>

#define WINDOW "tailrace.window"
#define LAST "tailrace.last"
#define COUNTER "tailrace.counter"
#define SET "tailrace.set"
#define ROW_AFTER "tailrace.row"
#define ROW_BEFORE "tailrace.before"

#define EXACT_MAX (INT64_C(1) << 53) /* whole numbers up to here are numbers, larger ones decimals */
#define WINDOW_ENTRIES 256
#define TEXT_MAX 4096                /* of one field of an alert */
#define FEATURES_MAX 64              /* of one enriched event */

const char *lua_text_push(lua_State *lua, size_t *size)
{
    const char *text;

    lua_getfield(lua, LUA_REGISTRYINDEX, LUA_TOSTRING);
    lua_pushvalue(lua, -2);
    lua_call(lua, 1, 1);
    text = lua_tolstring(lua, -1, size);
    if (text == NULL)
        (void)luaL_error(lua, "a value that tostring gives no text of");
    return text;
}

/* ---- Rows ---- */

static int value_push(lua_State *lua, const struct change_value *value, struct arena *arena)
{
    if (value->null) {
        lua_pushnil(lua);
        return 1;
    }
    switch (value->type) {
    case CHANGE_BOOLEAN: lua_pushboolean(lua, value->integer != 0); return 1;
    case CHANGE_INTEGER:
        if (value->integer > -EXACT_MAX && value->integer < EXACT_MAX)
            lua_pushnumber(lua, (double)value->integer);
        else
            lua_decimal_push(lua, &value->decimal);
        return 1;
    case CHANGE_REAL: lua_pushnumber(lua, value->real); return 1;
    case CHANGE_DECIMAL: lua_decimal_push(lua, &value->decimal); return 1;
    case CHANGE_TIMESTAMP: lua_pushnumber(lua, (double)value->integer / US_PER_SECOND); return 1;
    case CHANGE_DATE: lua_pushstring(lua, value_text(value, arena)); return 1;
    default: lua_pushlstring(lua, (const char *)value->text.data, value->text.size); return 1;
    }
}

static int row_index(lua_State *lua, bool before)
{
    struct lua_judgement *judgement = lua_judgement_of(lua);
    const struct rule_event *event = judgement->event;
    const struct change_value *row = before ? event->change->before : event->row, *value;
    const char *column = luaL_checkstring(lua, 2);
    struct error error;

    value = row == NULL ? NULL : change_column(event->change, row, column);
    if (value != NULL)
        return value_push(lua, value, judgement->arena);
    if (row_require(event->change->schema, &column, 1, &error) != OK)
        return luaL_error(lua, "%s", error.message);
    lua_pushnil(lua);
    return 1;
}

static int row_after_index(lua_State *lua)
{
    return row_index(lua, false);
}

static int row_before_index(lua_State *lua)
{
    return row_index(lua, true);
}

static int event_index(lua_State *lua)
{
    const struct rule_event *event = lua_judgement_of(lua)->event;
    const char *name = luaL_checkstring(lua, 2);
    char operation[2] = {event->change->operation, '\0'};

    if (strcmp(name, "row") == 0)
        lua_getfield(lua, LUA_REGISTRYINDEX, ROW_AFTER ".it");
    else if (strcmp(name, "before") == 0 && event->change->before == NULL)
        lua_pushnil(lua);
    else if (strcmp(name, "before") == 0)
        lua_getfield(lua, LUA_REGISTRYINDEX, ROW_BEFORE ".it");
    else if (strcmp(name, "time") == 0)
        lua_pushnumber(lua, (double)event->time_us / US_PER_SECOND);
    else if (strcmp(name, "op") == 0)
        lua_pushstring(lua, operation);
    else if (strcmp(name, "topic") == 0)
        lua_pushstring(lua, event->topic);
    else if (strcmp(name, "partition") == 0)
        lua_pushinteger(lua, event->partition);
    else if (strcmp(name, "offset") == 0)
        lua_pushnumber(lua, (double)event->offset);
    else
        return luaL_error(lua, "an event has no \"%s\": it has row, before, op, time, topic, partition, offset", name);
    return 1;
}

/* ---- Objects of the key ---- */

struct handle {
    size_t most;
    int64_t window_us;
    size_t name_size;
    uint8_t name[KEYED_NAME_MAX];
};

static struct slice handle_name(const struct handle *handle)
{
    return slice_of(handle->name, handle->name_size);
}

static struct handle *handle_new(lua_State *lua, const char *kind)
{
    size_t size;
    const char *name = luaL_checklstring(lua, 1, &size);
    struct handle *handle;

    (void)lua_judgement_of(lua);
    if (size == 0 || size > KEYED_NAME_MAX)
        luaL_argerror(lua, 1, "the name has to have 1 to 60 bytes");
    handle = lua_newuserdata(lua, sizeof(*handle));
    *handle = (struct handle){.name_size = size};
    memcpy(handle->name, name, size);
    luaL_getmetatable(lua, kind);
    (void)lua_setmetatable(lua, -2);
    return handle;
}

static size_t entries_check(lua_State *lua, int argument, lua_Integer otherwise)
{
    lua_Integer most = luaL_optinteger(lua, argument, otherwise);

    if (most < 1 || most > KEYED_ENTRIES_MAX)
        luaL_argerror(lua, argument, "it has to be a number from 1 to 2000");
    return (size_t)most;
}

static int key_window(lua_State *lua)
{
    double seconds = luaL_checknumber(lua, 2);
    size_t most = entries_check(lua, 3, WINDOW_ENTRIES);
    struct handle *handle;

    if (!(seconds > 0 && seconds <= 31 * 86400.0))
        return luaL_argerror(lua, 2, "seconds have to be above 0 and at most 31 days");
    handle = handle_new(lua, WINDOW);
    handle->window_us = llround(seconds * US_PER_SECOND);
    handle->most = most;
    return 1;
}

static int key_last(lua_State *lua)
{
    size_t most = entries_check(lua, 2, 0);

    handle_new(lua, LAST)->most = most;
    return 1;
}

static int key_counter(lua_State *lua)
{
    (void)handle_new(lua, COUNTER);
    return 1;
}

static int key_set(lua_State *lua)
{
    size_t most = entries_check(lua, 2, 0);

    handle_new(lua, SET)->most = most;
    return 1;
}

static int full(lua_State *lua)
{
    return luaL_error(lua, "the state of one key is full");
}

static uint64_t place_of(const struct rule_event *event)
{
    return (uint64_t)event->partition << KEYED_OFFSET_BITS | (uint64_t)event->offset;
}

static int window_add(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, WINDOW);
    struct lua_judgement *judgement = lua_judgement_of(lua);
    const struct rule_event *event = judgement->event;
    struct keyed_passed passed = {event->time_us, place_of(event), INT64_MIN};

    if (!lua_isnoneornil(lua, 2)) {
        struct decimal amount = lua_decimal_check(lua, 2);

        if (decimal_rescale(&amount, KEYED_AMOUNT_SCALE, &amount) && amount.unscaled <= INT64_MAX && amount.unscaled > INT64_MIN)
            passed.amount = (int64_t)amount.unscaled;
    }
    if (!keyed_window_add(&judgement->keyed, handle_name(handle), handle->window_us, handle->most, &passed))
        return full(lua);
    return 0;
}

static int window_count(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, WINDOW);
    struct lua_judgement *judgement = lua_judgement_of(lua);

    lua_pushinteger(lua, (lua_Integer)keyed_window_count(&judgement->keyed, handle_name(handle), handle->window_us, judgement->event->time_us));
    return 1;
}

static int last_add(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, LAST);
    struct decimal amount = lua_decimal_check(lua, 2);
    struct lua_judgement *judgement = lua_judgement_of(lua);
    bool fits;

    if (!keyed_last_add(&judgement->keyed, handle_name(handle), handle->most, &amount, place_of(judgement->event), &fits))
        return full(lua);
    return fits ? 0 : luaL_argerror(lua, 2, "it has more digits than 64 bits hold");
}

static size_t last_sum_read(lua_State *lua, struct decimal *sum)
{
    struct handle *handle = luaL_checkudata(lua, 1, LAST);

    return keyed_last_sum(&lua_judgement_of(lua)->keyed, handle_name(handle), handle->most, sum);
}

static int last_count(lua_State *lua)
{
    struct decimal sum;

    lua_pushinteger(lua, (lua_Integer)last_sum_read(lua, &sum));
    return 1;
}

static int last_sum(lua_State *lua)
{
    struct decimal sum;

    (void)last_sum_read(lua, &sum);
    lua_decimal_push(lua, &sum);
    return 1;
}

static int last_mean(lua_State *lua)
{
    struct decimal sum;
    size_t count = last_sum_read(lua, &sum);

    lua_pushnumber(lua, count == 0 ? 0 : decimal_to_double(&sum) / (double)count);
    return 1;
}

static int last_deviation(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, LAST);
    struct decimal sum;
    size_t count = last_sum_read(lua, &sum);
    double mean = count == 0 ? 0 : decimal_to_double(&sum) / (double)count;

    lua_pushnumber(lua, keyed_last_deviation(&lua_judgement_of(lua)->keyed, handle_name(handle), handle->most, mean));
    return 1;
}

static int counter_add(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, COUNTER);
    double by = luaL_optnumber(lua, 2, 1);
    int64_t value;

    if (by != floor(by) || fabs(by) > (double)EXACT_MAX)
        return luaL_argerror(lua, 2, "a counter counts in whole numbers");
    if (!keyed_counter_add(&lua_judgement_of(lua)->keyed, handle_name(handle), (int64_t)by, &value))
        return full(lua);
    lua_pushnumber(lua, (double)value);
    return 1;
}

static int counter_value(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, COUNTER);
    int64_t value;

    (void)keyed_counter_add(&lua_judgement_of(lua)->keyed, handle_name(handle), 0, &value);
    lua_pushnumber(lua, (double)value);
    return 1;
}

/* The text of a value, as a set compares it: "12.30" for a decimal, "1" for a number. On the stack. */
static struct slice member_check(lua_State *lua, int argument)
{
    size_t size;
    const char *text;

    if (lua_isnoneornil(lua, argument))
        luaL_argerror(lua, argument, "nil is no member of a set");
    lua_pushvalue(lua, argument);
    text = lua_text_push(lua, &size);
    return slice_of(text, size);
}

static int set_add(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, SET);
    struct slice member = member_check(lua, 2);
    bool added;

    if (!keyed_set_add(&lua_judgement_of(lua)->keyed, handle_name(handle), handle->most, member, &added))
        return full(lua);
    lua_pushboolean(lua, added);
    return 1;
}

static int set_has(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, SET);
    struct slice member = member_check(lua, 2);

    lua_pushboolean(lua, keyed_set_has(&lua_judgement_of(lua)->keyed, handle_name(handle), member));
    return 1;
}

static int set_count(lua_State *lua)
{
    struct handle *handle = luaL_checkudata(lua, 1, SET);

    lua_pushinteger(lua, (lua_Integer)keyed_set_count(&lua_judgement_of(lua)->keyed, handle_name(handle)));
    return 1;
}

static int key_tostring(lua_State *lua)
{
    struct slice key = lua_judgement_of(lua)->event->key;

    lua_pushlstring(lua, (const char *)key.data, key.size);
    return 1;
}

/* ---- Alerts ---- */

/* The value on top as text in the arena, popped; NULL for nil. */
static const char *text_pop(lua_State *lua, struct lua_judgement *judgement)
{
    const char *text = NULL;
    size_t size;

    if (!lua_isnil(lua, -1)) {
        text = lua_text_push(lua, &size);
        text = arena_copy_string(judgement->arena, slice_of(text, size > TEXT_MAX ? TEXT_MAX : size));
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return text;
}

static const char *field_text(lua_State *lua, struct lua_judgement *judgement, const char *name)
{
    lua_getfield(lua, 1, name);
    return text_pop(lua, judgement);
}

static void condition_read(lua_State *lua, struct lua_judgement *judgement, struct alert_condition *condition)
{
    const char **texts[] = {&condition->text, &condition->was, &condition->limit};

    for (int i = 0; i < 3; i++) {
        lua_rawgeti(lua, -1, i + 1);
        *texts[i] = text_pop(lua, judgement);
    }
    lua_rawgeti(lua, -1, 4);
    condition->points = (int32_t)lua_tointeger(lua, -1);
    lua_rawgeti(lua, -2, 5);
    condition->held = lua_toboolean(lua, -1);
    lua_pop(lua, 2);
}

static void conditions_read(lua_State *lua, struct lua_judgement *judgement, struct alert *alert)
{
    lua_getfield(lua, 1, "conditions");
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        return;
    }
    luaL_argcheck(lua, lua_istable(lua, -1), 1, "conditions have to be a list of {text, was, limit, points, held}");
    for (int i = 1; i <= ALERT_CONDITIONS_MAX; i++) {
        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1)) {
            lua_pop(lua, 1);
            break;
        }
        luaL_argcheck(lua, lua_istable(lua, -1), 1, "conditions have to be a list of {text, was, limit, points, held}");
        condition_read(lua, judgement, &alert->conditions[alert->condition_count++]);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
}

/* Is the value on top an object of that kind? */
static bool is_kind(lua_State *lua, const char *kind)
{
    bool same;

    if (!lua_isuserdata(lua, -1) || lua_getmetatable(lua, -1) == 0)
        return false;
    luaL_getmetatable(lua, kind);
    same = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return same;
}

static void window_read(lua_State *lua, struct lua_judgement *judgement, struct alert *alert, int32_t scale)
{
    const struct handle *handle;

    alert->window_by = "count";
    lua_getfield(lua, 1, "window");
    handle = lua_touserdata(lua, -1);
    if (is_kind(lua, LAST)) {
        alert_last(alert, &judgement->keyed, handle_name(handle), handle->most, judgement->arena);
    } else if (!lua_isnil(lua, -1)) {
        handle = luaL_checkudata(lua, -1, WINDOW);
        alert_window(alert, judgement->event, &judgement->keyed, handle_name(handle), handle->window_us, scale, judgement->arena);
    }
    lua_pop(lua, 1);
}

static int32_t scale_of(const char *number)
{
    struct decimal decimal;

    return number != NULL && decimal_parse(slice_from_string(number), &decimal) && decimal.scale <= KEYED_AMOUNT_SCALE ? decimal.scale : KEYED_AMOUNT_SCALE;
}

static int alert_raise(lua_State *lua)
{
    struct lua_judgement *judgement = lua_judgement_of(lua);
    struct alert *alert = &judgement->verdict->alert;
    const char *severity;

    luaL_checktype(lua, 1, LUA_TTABLE);
    if (judgement->verdict->outcome == RULE_ALERT)
        return luaL_error(lua, "one event makes one alert");
    alert_begin(alert, judgement->event, judgement->arena);
    alert->title = field_text(lua, judgement, "title");
    if (alert->title == NULL)
        return luaL_argerror(lua, 1, "an alert needs a title");
    severity = field_text(lua, judgement, "severity");
    if (severity != NULL && strcmp(severity, "crit") != 0 && strcmp(severity, "warn") != 0 && strcmp(severity, "info") != 0)
        return luaL_argerror(lua, 1, "severity has to be crit, warn or info");
    alert->severity = severity == NULL ? alert->severity : severity;
    alert->subject = field_text(lua, judgement, "subject");
    alert->number = field_text(lua, judgement, "number");
    alert->score = field_text(lua, judgement, "score");
    alert->score_limit = field_text(lua, judgement, "score_limit");
    lua_getfield(lua, 1, "score");
    judgement->verdict->score = (int32_t)lua_tointeger(lua, -1);
    lua_pop(lua, 1);
    conditions_read(lua, judgement, alert);
    window_read(lua, judgement, alert, scale_of(alert->number));
    judgement->verdict->outcome = RULE_ALERT;
    return 0;
}

/* ---- Enriched events ---- */

struct feature {
    struct slice name;
    const char *text; /* of the value */
    bool quoted;
};

/* The value on top, which stays; lasts as long as the arena. Raises a Lua error for what is no value. */
static struct feature feature_read(lua_State *lua, struct lua_judgement *judgement)
{
    struct feature feature = {.quoted = true};
    size_t size;

    if (lua_type(lua, -2) != LUA_TSTRING)
        (void)luaL_argerror(lua, 1, "emit needs names: emit{score = 3}");
    feature.name.data = (const uint8_t *)lua_tolstring(lua, -2, &feature.name.size);
    if (feature.name.size > TEXT_MAX)
        (void)luaL_argerror(lua, 1, "a name of emit is too long");
    feature.name = arena_copy(judgement->arena, feature.name);
    if (lua_isboolean(lua, -1)) {
        feature = (struct feature){feature.name, lua_toboolean(lua, -1) ? "true" : "false", false};
    } else if (lua_type(lua, -1) == LUA_TNUMBER) {
        double number = lua_tonumber(lua, -1);

        feature = (struct feature){feature.name, isfinite(number) ? arena_format(judgement->arena, "%.14g", number) : "null", false};
    } else if (lua_type(lua, -1) == LUA_TSTRING || lua_isuserdata(lua, -1)) {
        feature.text = lua_text_push(lua, &size);
        feature.text = arena_copy_string(judgement->arena, slice_of(feature.text, size > TEXT_MAX ? TEXT_MAX : size));
        lua_pop(lua, 1);
    } else {
        (void)luaL_argerror(lua, 1, "emit takes texts, numbers, booleans and decimals");
    }
    return feature;
}

/* No Lua call in here: one that fails would not come back. */
static const char *features_text(const struct feature *features, size_t count, struct arena *arena)
{
    struct buffer json;
    const char *text;

    buffer_init(&json, FEATURES_MAX * (TEXT_MAX + 512) * 2);
    buffer_append_u8(&json, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_u8(&json, ',');
        json_append_string(&json, features[i].name);
        buffer_append_u8(&json, ':');
        if (features[i].quoted)
            json_append_string(&json, slice_from_string(features[i].text));
        else
            buffer_append_string(&json, features[i].text);
    }
    buffer_append_u8(&json, '}');
    text = json.failed ? NULL : arena_copy_string(arena, buffer_slice(&json));
    buffer_finish(&json);
    return text;
}

static int emit(lua_State *lua)
{
    struct lua_judgement *judgement = lua_judgement_of(lua);
    struct feature *features = arena_new_array(judgement->arena, FEATURES_MAX, sizeof(*features));
    size_t count = 0;

    luaL_checktype(lua, 1, LUA_TTABLE);
    if (judgement->verdict->features != NULL)
        return luaL_error(lua, "one event emits once");
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        if (count == FEATURES_MAX)
            return luaL_argerror(lua, 1, "emit takes at most 64 values");
        features[count++] = feature_read(lua, judgement);
        lua_pop(lua, 1);
    }
    judgement->verdict->features = features_text(features, count, judgement->arena);
    return judgement->verdict->features != NULL ? 0 : luaL_error(lua, "what emit is given is too large");
}

/* ---- Opening ---- */

static void kind_open(lua_State *lua, const char *name, const luaL_Reg *methods)
{
    (void)luaL_newmetatable(lua, name);
    lua_newtable(lua);
    luaL_register(lua, NULL, methods);
    lua_setfield(lua, -2, "__index");
    lua_pushstring(lua, name);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
}

/* A userdata that only answers; kept in the registry. */
static void singleton_open(lua_State *lua, const char *registry, const char *name, lua_CFunction index)
{
    (void)lua_newuserdata(lua, 1);
    (void)luaL_newmetatable(lua, name);
    lua_pushcfunction(lua, index);
    lua_setfield(lua, -2, "__index");
    lua_pushstring(lua, name);
    lua_setfield(lua, -2, "__metatable");
    (void)lua_setmetatable(lua, -2);
    lua_setfield(lua, LUA_REGISTRYINDEX, registry);
}

void lua_api_open(lua_State *lua)
{
    static const luaL_Reg windows[] = {{"add", window_add}, {"count", window_count}, {NULL, NULL}};
    static const luaL_Reg lasts[] = {{"add", last_add}, {"count", last_count}, {"sum", last_sum}, {"mean", last_mean}, {"deviation", last_deviation}, {NULL, NULL}};
    static const luaL_Reg counters[] = {{"add", counter_add}, {"value", counter_value}, {NULL, NULL}};
    static const luaL_Reg sets[] = {{"add", set_add}, {"has", set_has}, {"count", set_count}, {NULL, NULL}};
    static const luaL_Reg keys[] = {{"window", key_window}, {"last", key_last}, {"counter", key_counter}, {"set", key_set}, {NULL, NULL}};

    lua_decimal_open(lua);
    kind_open(lua, WINDOW, windows);
    kind_open(lua, LAST, lasts);
    kind_open(lua, COUNTER, counters);
    kind_open(lua, SET, sets);
    singleton_open(lua, ROW_AFTER ".it", ROW_AFTER, row_after_index);
    singleton_open(lua, ROW_BEFORE ".it", ROW_BEFORE, row_before_index);
    singleton_open(lua, LUA_EVENT, LUA_EVENT, event_index);
    (void)lua_newuserdata(lua, 1);
    (void)luaL_newmetatable(lua, LUA_KEY);
    lua_newtable(lua);
    luaL_register(lua, NULL, keys);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, key_tostring);
    lua_setfield(lua, -2, "__tostring");
    lua_pushliteral(lua, "key");
    lua_setfield(lua, -2, "__metatable");
    (void)lua_setmetatable(lua, -2);
    lua_setfield(lua, LUA_REGISTRYINDEX, LUA_KEY);
    lua_pushcfunction(lua, alert_raise);
    lua_setglobal(lua, "alert");
    lua_pushcfunction(lua, emit);
    lua_setglobal(lua, "emit");
}
