/* agents/rules/lua_internal.h: what the sources of the rule "lua" share. Only included where LuaJIT is there. */
#ifndef AGENTS_RULES_LUA_INTERNAL_H
#define AGENTS_RULES_LUA_INTERNAL_H

#include "agents/model_watch.h"
#include "agents/rule.h"
#include "agents/rules/keyed.h"

#include <lauxlib.h>
#include <lua.h>

/* What the script's objects look at while an event is judged. */
struct lua_judgement {
    const struct rule_event *event; /* NULL between events */
    struct arena *arena;
    struct rule_verdict *verdict;
    struct keyed keyed;
    struct model_watch *watch; /* NULL: the setting model is not set */
    const double *scored;      /* the row that model.predict scored last for this event; NULL: none */
};

/* The judgement of this Lua state; raises a Lua error outside of on_event. */
struct lua_judgement *lua_judgement_of(lua_State *lua);

/* Makes `event`, `key` and `alert` of the script; leaves event and key in the registry under LUA_EVENT and LUA_KEY. */
#define LUA_EVENT "tailrace.event"
#define LUA_KEY "tailrace.key"
void lua_api_open(lua_State *lua);

/* Lua's own tostring, which the script cannot put another in the place of. */
#define LUA_TOSTRING "tailrace.tostring"

/* Pushes the value on top as a text, behind it; raises a Lua error when it has none. */
const char *lua_text_push(lua_State *lua, size_t *size);

/* Makes `model`; all its members say so where no model is set. */
void lua_model_open(lua_State *lua);

/* Names model and features in an alert, when the event was scored. Errors: MODEL */
enum status lua_model_explain(const struct lua_judgement *judgement, struct alert *alert, struct error *error);

/* Makes decimal("12.30") and what decimals do. */
void lua_decimal_open(lua_State *lua);
void lua_decimal_push(lua_State *lua, const struct decimal *decimal);

/* A decimal, number or numeric text as an exact decimal; raises a Lua error naming the argument otherwise. */
struct decimal lua_decimal_check(lua_State *lua, int argument);

#endif
