/*
 * agents/rules/lua_model.c: `model` in scripts, the hand-off to a model of XGBoost (setting model=FILE):
 *
 *   model.predict{velocity, amount}                     a number; the values in the model's order
 *   model.predict{velocity = velocity, amount = amount} the same by the model's names; what is left out or nil is unknown
 *   model.predict{{velocity, amount}, {…}}              a list, one number for each row
 *   model.version, model.features                       text, and list of names (nil when the model has none)
 */
#include "agents/rules/lua_internal.h"

#include "agents/rules/scorer.h"
#include "base/banned.h"

#include <math.h>

#define MODEL "tailrace.model"

static struct lua_judgement *scoring(lua_State *lua)
{
    struct lua_judgement *judgement = lua_judgement_of(lua);

    if (judgement->watch == NULL)
        (void)luaL_error(lua, "there is no model: set model=FILE, a file that XGBoost saved as .json or .ubj");
    return judgement;
}

static double value_of(lua_State *lua, int index)
{
    struct decimal decimal;

    if (lua_isnil(lua, index))
        return NAN;
    if (lua_isboolean(lua, index))
        return lua_toboolean(lua, index);
    if (lua_type(lua, index) == LUA_TNUMBER)
        return lua_tonumber(lua, index);
    if (lua_type(lua, index) == LUA_TSTRING && decimal_parse(slice_from_string(lua_tostring(lua, index)), &decimal))
        return decimal_to_double(&decimal);
    if (!lua_isuserdata(lua, index))
        return luaL_error(lua, "model.predict takes numbers, decimals and booleans, not %s", luaL_typename(lua, index));
    decimal = lua_decimal_check(lua, index);
    return decimal_to_double(&decimal);
}

static size_t feature_find(lua_State *lua, const struct model_facts *facts, const char *name)
{
    char names[300];

    for (size_t i = 0; facts->names != NULL && i < facts->feature_count; i++) {
        if (strcmp(facts->names[i], name) == 0)
            return i;
    }
    if (facts->names == NULL)
        return (size_t)luaL_error(lua, "the model does not name its features: give model.predict{…} their %d values in its order", (int)facts->feature_count);
    model_names_print((const char *const *)facts->names, facts->feature_count, names, sizeof(names));
    return (size_t)luaL_error(lua, "the model has no feature \"%s\"; it has: %s", name, names);
}

/* The table on top is a row; it stays there. */
static void row_read(lua_State *lua, const struct model_facts *facts, double *values)
{
    int table = lua_gettop(lua);
    lua_Integer listed = 0; /* how long the list is; names make none */
    bool named = false;

    for (size_t i = 0; i < facts->feature_count; i++)
        values[i] = NAN;
    lua_pushnil(lua);
    while (lua_next(lua, table) != 0) {
        lua_Integer at = lua_type(lua, -2) == LUA_TNUMBER ? lua_tointeger(lua, -2) : 0;

        if (lua_type(lua, -2) == LUA_TSTRING) {
            values[feature_find(lua, facts, lua_tostring(lua, -2))] = value_of(lua, lua_gettop(lua));
            named = true;
        } else if (at >= 1 && (size_t)at <= facts->feature_count) {
            values[at - 1] = value_of(lua, lua_gettop(lua));
        }
        listed = at > listed ? at : listed;
        lua_pop(lua, 1);
    }
    if (named ? listed != 0 : listed != (lua_Integer)facts->feature_count)
        (void)luaL_error(lua, "the model has %d features; model.predict got %d%s", (int)facts->feature_count, (int)listed,
                         named ? " without a name, and others with one" : "");
}

/* The row on top, scored. */
static double row_score(lua_State *lua, struct lua_judgement *judgement)
{
    struct model *model = model_watch_model(judgement->watch);
    double *values = arena_new_array(judgement->arena, model_facts(model)->feature_count, sizeof(*values));
    struct error error;
    double score;

    luaL_checktype(lua, lua_gettop(lua), LUA_TTABLE);
    row_read(lua, model_facts(model), values);
    if (scorer_score(model, values, &score, &error) != OK)
        (void)luaL_error(lua, "%s", error.message);
    judgement->scored = values;
    return score;
}

static int model_predict_rows(lua_State *lua)
{
    struct lua_judgement *judgement = scoring(lua);
    bool many;
    size_t rows;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    lua_rawgeti(lua, 1, 1);
    many = lua_istable(lua, -1);
    lua_pop(lua, 1);
    if (!many) {
        lua_pushnumber(lua, row_score(lua, judgement));
        return 1;
    }
    rows = lua_objlen(lua, 1);
    lua_createtable(lua, (int)rows, 0);
    for (size_t i = 1; i <= rows; i++) {
        lua_rawgeti(lua, 1, (int)i);
        lua_pushnumber(lua, row_score(lua, judgement));
        lua_rawseti(lua, 2, (int)i);
        lua_pop(lua, 1);
    }
    return 1;
}

static int model_index(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 2);
    const struct model *model;

    if (strcmp(name, "predict") == 0) {
        lua_pushcfunction(lua, model_predict_rows);
        return 1;
    }
    model = model_watch_model(scoring(lua)->watch);
    if (strcmp(name, "version") == 0) {
        lua_pushstring(lua, model_version(model));
    } else if (strcmp(name, "features") == 0 && model_facts(model)->names == NULL) {
        lua_pushnil(lua);
    } else if (strcmp(name, "features") == 0) {
        lua_createtable(lua, (int)model_facts(model)->feature_count, 0);
        for (size_t i = 0; i < model_facts(model)->feature_count; i++) {
            lua_pushstring(lua, model_facts(model)->names[i]);
            lua_rawseti(lua, -2, (int)i + 1);
        }
    } else {
        return luaL_error(lua, "a model has no \"%s\": it has predict, version, features", name);
    }
    return 1;
}

void lua_model_open(lua_State *lua)
{
    (void)lua_newuserdata(lua, 1);
    (void)luaL_newmetatable(lua, MODEL);
    lua_pushcfunction(lua, model_index);
    lua_setfield(lua, -2, "__index");
    lua_pushstring(lua, MODEL);
    lua_setfield(lua, -2, "__metatable");
    (void)lua_setmetatable(lua, -2);
    lua_setglobal(lua, "model");
}

enum status lua_model_explain(const struct lua_judgement *judgement, struct alert *alert, struct error *error)
{
    struct model *model;
    const struct model_facts *facts;
    const char **names;

    if (judgement->scored == NULL)
        return OK;
    model = model_watch_model(judgement->watch);
    facts = model_facts(model);
    names = arena_new_array(judgement->arena, facts->feature_count, sizeof(*names));
    for (size_t i = 0; i < facts->feature_count; i++)
        names[i] = facts->names == NULL ? arena_format(judgement->arena, "%zu", i + 1) : facts->names[i];
    return scorer_explain(model, names, judgement->scored, judgement->arena, alert, error);
}
