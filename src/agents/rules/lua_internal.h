/* agents/rules/lua_internal.h: what the sources of the rule "lua" share. Only included where LuaJIT is there. */
#ifndef AGENTS_RULES_LUA_INTERNAL_H
#define AGENTS_RULES_LUA_INTERNAL_H

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
};

/* The judgement of this Lua state; raises a Lua error outside of on_event. */
struct lua_judgement *lua_judgement_of(lua_State *lua);

/* Makes `event`, `key` and `alert` of the script; leaves event and key in the registry under LUA_EVENT and LUA_KEY. */
#define LUA_EVENT "tailrace.event"
#define LUA_KEY "tailrace.key"
void lua_api_open(lua_State *lua);

/* Makes decimal("12.30") and what decimals do. */
void lua_decimal_open(lua_State *lua);
void lua_decimal_push(lua_State *lua, const struct decimal *decimal);

/* A decimal, number or numeric text as an exact decimal; raises a Lua error naming the argument otherwise. */
struct decimal lua_decimal_check(lua_State *lua, int argument);

#endif
