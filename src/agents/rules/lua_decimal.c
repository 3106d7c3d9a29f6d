#include "agents/rules/lua_internal.h"

#include "base/banned.h"

#include <math.h>

#define DECIMAL "decimal"
#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* Userdata is aligned to 8 bytes only, so that decimals are copied in and out. */
void lua_decimal_push(lua_State *lua, const struct decimal *decimal)
{
    memcpy(lua_newuserdata(lua, sizeof(*decimal)), decimal, sizeof(*decimal));
    luaL_getmetatable(lua, DECIMAL);
    (void)lua_setmetatable(lua, -2);
}

static bool is_decimal(lua_State *lua, int argument)
{
    bool same;

    if (lua_type(lua, argument) != LUA_TUSERDATA || !lua_getmetatable(lua, argument))
        return false;
    luaL_getmetatable(lua, DECIMAL);
    same = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return same;
}

struct decimal lua_decimal_check(lua_State *lua, int argument)
{
    struct decimal decimal = {0, 0};

    if (is_decimal(lua, argument)) {
        memcpy(&decimal, lua_touserdata(lua, argument), sizeof(decimal));
        return decimal;
    }
    if (lua_type(lua, argument) == LUA_TNUMBER) {
        double number = lua_tonumber(lua, argument);
        char text[40];

        if (number == floor(number) && fabs(number) <= EXACT_MAX)
            return decimal_from_int64((int64_t)number);
        (void)snprintf(text, sizeof(text), "%.15g", number); /* 0.1 means a tenth */
        if (decimal_parse(slice_from_string(text), &decimal))
            return decimal;
    } else if (lua_type(lua, argument) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(lua, argument, &size);

        if (decimal_parse(slice_of(text, size), &decimal))
            return decimal;
    }
    (void)luaL_argerror(lua, argument, lua_isnoneornil(lua, argument) ? "a number or decimal is needed, and this is nil"
                                                                      : "a number or decimal of at most 38 digits is needed");
    return decimal;
}

static int decimal_new(lua_State *lua)
{
    struct decimal decimal = lua_decimal_check(lua, 1);

    lua_decimal_push(lua, &decimal);
    return 1;
}

static int result(lua_State *lua, bool fits, const struct decimal *decimal)
{
    if (!fits)
        return luaL_error(lua, "the result has more than 38 digits");
    lua_decimal_push(lua, decimal);
    return 1;
}

static int decimal_plus(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1), b = lua_decimal_check(lua, 2);
    bool fits = decimal_add(&a, &b, &a);

    return result(lua, fits, &a);
}

static int decimal_minus(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1), b = lua_decimal_check(lua, 2);
    bool fits = decimal_subtract(&a, &b, &a);

    return result(lua, fits, &a);
}

static int decimal_times(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1), b = lua_decimal_check(lua, 2);
    bool fits = decimal_product(&a, &b, &a);

    return result(lua, fits, &a);
}

static int decimal_negated(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1);

    return result(lua, decimal_multiply(&a, -1, &a), &a);
}

static int decimal_divided(lua_State *lua)
{
    return luaL_error(lua, "decimals are not divided, since that is not exact: multiply the other side, or use :number()");
}

static int compared(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1), b = lua_decimal_check(lua, 2);

    return decimal_compare(&a, &b);
}

static int decimal_equal(lua_State *lua)
{
    lua_pushboolean(lua, compared(lua) == 0);
    return 1;
}

static int decimal_less(lua_State *lua)
{
    lua_pushboolean(lua, compared(lua) < 0);
    return 1;
}

static int decimal_less_or_equal(lua_State *lua)
{
    lua_pushboolean(lua, compared(lua) <= 0);
    return 1;
}

static int decimal_tostring(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1);
    char text[DECIMAL_TEXT_SIZE];

    decimal_print(&a, text);
    lua_pushstring(lua, text);
    return 1;
}

static int decimal_number(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1);

    lua_pushnumber(lua, decimal_to_double(&a));
    return 1;
}

static int decimal_rounded(lua_State *lua)
{
    struct decimal a = lua_decimal_check(lua, 1);
    lua_Integer digits = luaL_optinteger(lua, 2, 0);

    if (digits < 0 || digits > 38)
        return luaL_argerror(lua, 2, "digits have to be 0 to 38");
    return result(lua, decimal_rescale(&a, (int32_t)digits, &a), &a);
}

/* compare(a, b) gives -1, 0 or 1 for any mix of decimals and numbers, which "<" does not take in Lua. */
static int decimal_compared(lua_State *lua)
{
    lua_pushinteger(lua, compared(lua));
    return 1;
}

void lua_decimal_open(lua_State *lua)
{
    static const luaL_Reg operations[] = {
        {"__add", decimal_plus}, {"__sub", decimal_minus}, {"__mul", decimal_times}, {"__unm", decimal_negated}, {"__div", decimal_divided},
        {"__eq", decimal_equal}, {"__lt", decimal_less}, {"__le", decimal_less_or_equal}, {"__tostring", decimal_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"number", decimal_number}, {"round", decimal_rounded}, {"compare", decimal_compared}, {NULL, NULL}};

    (void)luaL_newmetatable(lua, DECIMAL);
    luaL_register(lua, NULL, operations);
    lua_newtable(lua);
    luaL_register(lua, NULL, methods);
    lua_setfield(lua, -2, "__index");
    lua_pushliteral(lua, "decimal");
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
    lua_pushcfunction(lua, decimal_new);
    lua_setglobal(lua, DECIMAL);
}
