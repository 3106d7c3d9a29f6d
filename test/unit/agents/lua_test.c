#include "agents/model.h"
#include "agents/rule.h"
#include "agents/rules/keyed.h"

#include "check.h"

#include <time.h>
#include <unistd.h>

struct runner {
    const struct rule_kind *kind;
    void *rule;
    struct state_table *states;
    struct rule_verdict verdict;
    struct buffer json;
};

static struct arena arena;
static struct change_decoder *decoder;
static struct error failure;
static char path[] = "/tmp/tailrace-lua-test-XXXXXX";
static int64_t offset;

static int begin(void **context)
{
    int fd = mkstemp(path);

    (void)context;
    decoder = change_decoder_create();
    arena_init(&arena, 4096);
    return fd < 0 || close(fd) != 0;
}

static int end(void **context)
{
    (void)context;
    change_decoder_destroy(decoder);
    arena_finish(&arena);
    return unlink(path);
}

static void script_write(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static enum status runner_open(struct runner *runner, const char *rule, const char *script, const char *more)
{
    struct properties settings;
    struct state_limits limits = {0};
    enum status status;

    properties_init(&settings);
    if (script != NULL)
        properties_set(&settings, "script", script);
    if (more != NULL)
        assert_int_equal(properties_set_assignment(&settings, more, &failure), OK);
    *runner = (struct runner){.kind = rule_find(rule)};
    status = runner->kind->create(runner->kind, &settings, &runner->rule, &failure);
    if (status == OK && runner->kind->refresh != NULL)
        status = runner->kind->refresh(runner->rule, &failure);
    runner->states = state_create(&limits);
    buffer_init(&runner->json, 1 << 20);
    properties_finish(&settings);
    return status;
}

static void runner_close(struct runner *runner)
{
    if (runner->rule != NULL)
        runner->kind->destroy(runner->rule);
    state_destroy(runner->states);
    buffer_finish(&runner->json);
}

/* A script of the test's own, loaded. */
static void script_open(struct runner *runner, const char *text, const char *more)
{
    script_write(text);
    if (runner_open(runner, "lua", path, more) != OK)
        fail_msg("%s", failure.message);
    offset = 0;
}

static enum status judge_json(struct runner *runner, const char *message, const char *key, int64_t time_us)
{
    struct change change;
    struct rule_event event;

    assert_int_equal(change_decode(decoder, slice_from_string(message), &arena, &change, &failure), OK);
    event = (struct rule_event){.change = &change, .row = change.after, .key = slice_from_string(key), .topic = "t", .offset = offset, .wants_line = true,
                                .time_us = time_us};
    runner->verdict = (struct rule_verdict){0};
    return runner->kind->judge(runner->rule, &event, runner->states, &arena, &runner->verdict, &failure);
}

static enum status judge_row(struct runner *runner, int user, const char *amount, double seconds)
{
    char message[200], key[16];

    (void)snprintf(message, sizeof(message), "{\"id\":%d,\"user_id\":%d,\"amount\":%s,\"place\":\"Rome\",\"big\":9007199254740993}", (int)offset, user, amount);
    (void)snprintf(key, sizeof(key), "%d", user);
    return judge_json(runner, message, key, 1000000000000 + (int64_t)(seconds * 1e6));
}

/* The alert without what names the rule. */
static struct slice alert_json(struct runner *runner)
{
    buffer_reset(&runner->json);
    runner->verdict.alert.rule = runner->verdict.alert.agent = runner->verdict.alert.id = "same";
    alert_write(&runner->verdict.alert, &runner->json);
    return buffer_slice(&runner->json);
}

static void same_alerts(const char *rule, const char *script, const char *more, double seconds_between)
{
    struct runner c, lua;
    uint64_t random = 7;
    int alerts = 0;

    assert_int_equal(runner_open(&c, rule, NULL, more), OK);
    if (runner_open(&lua, "lua", script, more) != OK)
        fail_msg("%s", failure.message);
    offset = 0;
    for (int i = 0; i < 3000; i++, offset++) {
        char amount[32];
        int user, cents;

        random = random * 6364136223846793005u + 1442695040888963407u;
        user = (int)(random >> 60) % 5;
        cents = (int)(random >> 33) % ((random >> 50) % 8 == 0 ? 500000 : 40000) + 1;
        (void)snprintf(amount, sizeof(amount), i % 2 == 0 ? "\"%d.%02d\"" : "%d.%02d", cents / 100, cents % 100);
        arena_reset(&arena);
        assert_int_equal(judge_row(&c, user, amount, i * seconds_between), OK);
        if (judge_row(&lua, user, amount, i * seconds_between) != OK)
            fail_msg("%s", failure.message);
        assert_int_equal(c.verdict.outcome, lua.verdict.outcome);
        assert_string_equal(c.verdict.line, lua.verdict.line);
        if (c.verdict.outcome != RULE_ALERT)
            continue;
        alerts++;
        c.verdict.alert.window_by = lua.verdict.alert.window_by; /* rows of this test carry no commit time */
        assert_true(slice_equal(alert_json(&c), alert_json(&lua)));
    }
    assert_true(alerts > 20);
    runner_close(&c);
    runner_close(&lua);
}

TEST(the_spending_example_gives_the_alerts_of_the_rule)
{
    same_alerts("spending-pattern", EXAMPLES "/spending-pattern.lua", NULL, 1);
}

TEST(the_velocity_example_gives_the_alerts_of_the_rule)
{
    same_alerts("velocity-score-event", EXAMPLES "/velocity-score.lua", NULL, 1.7);
}

TEST(the_model_example_gives_the_alerts_of_the_rule)
{
    if (model_why_not() != NULL)
        skip();
    same_alerts("model", EXAMPLES "/fraud-model.lua", "model=" EXAMPLES "/../models/fraud-model.json", 1.7);
}

static void script_fails(const char *text, const char *more, const char *why)
{
    struct runner runner;

    script_open(&runner, text, more);
    assert_int_equal(judge_row(&runner, 1, "1", 0), ERROR_SCRIPT);
    if (strstr(failure.message, why) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", failure.message, why);
    runner_close(&runner);
}

TEST(a_model_is_asked_by_order_or_by_names)
{
    static const char model[] = "model=" EXAMPLES "/../models/fraud-model.json";
    struct runner runner;

    script_fails("function on_event() local score = model.predict{1, 2} end\n", NULL, ":1: there is no model: set model=FILE");
    if (model_why_not() != NULL)
        skip();
    script_open(&runner,
                "function on_event()\n"
                "  local a, b = model.predict{7, decimal('12.50')}, model.predict{{1, 20}, {7, 12.5}}\n"
                "  assert(a == b[2] and a == model.predict{amount = 12.5, velocity = 7} and #b == 2 and a > 0.5 and b[1] < 0.5)\n"
                "  assert(model.predict{amount = 20} == model.predict{0 / 0, 20} and #model.version == 12)\n"
                "  return table.concat(model.features, ' ')\n"
                "end\n", model);
    if (judge_row(&runner, 1, "1", 0) != OK)
        fail_msg("%s", failure.message);
    assert_string_equal(runner.verdict.line, "velocity amount");
    runner_close(&runner);
    script_fails("function on_event()\n local score = model.predict{1}\nend\n", model, ":2: the model has 2 features; model.predict got 1");
    script_fails("function on_event() return model.predict{1, 2, 3} end\n", model, "model.predict got 3");
    script_fails("function on_event() return model.predict{velocty = 2} end\n", model, "the model has no feature \"velocty\"; it has: velocity, amount");
    script_fails("function on_event() return model.predict{1, amount = 2} end\n", model, "others with one");
    script_fails("function on_event() return model.predict{'x', 2} end\n", model, "takes numbers, decimals and booleans, not string");
    script_fails("function on_event() return model.predict(7) end\n", model, "table expected");
    script_fails("function on_event() return model.colour end\n", model, "it has predict, version, features");
}

TEST(columns_and_facts_of_an_event_are_there)
{
    struct runner runner;

    script_open(&runner,
                "function on_event(event, key)\n"
                "  local r = event.row\n"
                "  return table.concat({tostring(key), type(r.id), tostring(r.amount), r.place, tostring(r.big), tostring(r.nothing), event.op, event.time}, ' ')\n"
                "end\n", NULL);
    assert_int_equal(judge_json(&runner, "{\"before\":null,\"after\":{\"id\":1,\"amount\":2.5,\"place\":\"Rome\",\"big\":9007199254740993,\"nothing\":null},"
                                         "\"source\":{\"ts_ms\":1},\"op\":\"c\"}", "7", 2500000), OK);
    assert_string_equal(runner.verdict.line, "7 number 2.5 Rome 9007199254740993 nil c 2.5");
    runner_close(&runner);
}

TEST(decimals_are_exact)
{
    struct runner runner;

    script_open(&runner,
                "function on_event()\n"
                "  assert(decimal('0.1') + decimal('0.2') == decimal('0.3') and decimal(0.1) + 0.2 == decimal('0.30'))\n"
                "  assert(decimal('1.10') * 3 == decimal('3.3') and 3 - decimal('0.5') == decimal('2.5') and -decimal(2) < decimal('-1.99'))\n"
                "  assert(decimal(7):compare(7.5) == -1 and tostring(decimal('2.345'):round(2)) == '2.35' and decimal('1.5'):number() == 1.5)\n"
                "end\n", NULL);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    runner_close(&runner);
}

TEST(what_is_kept_stays_apart_by_key_and_lasts)
{
    struct runner runner;
    struct slice key, bytes;
    struct buffer json;

    script_open(&runner,
                "function on_event(event, key)\n"
                "  local n = key.counter('n'):add()\n"
                "  local places = key.set('places', 2)\n"
                "  local new = places:add(event.row.id)\n"
                "  key.last('a', 2):add(event.row.amount)\n"
                "  local w = key.window('w', 10, 8)\n"
                "  w:add()\n"
                "  return n .. ' ' .. tostring(new) .. ' ' .. places:count() .. ' ' .. tostring(key.last('a', 2):sum()) .. ' ' .. w:count()\n"
                "end\n", NULL);
    for (offset = 0; offset < 50; offset++)
        assert_int_equal(judge_row(&runner, 1, "\"1.50\"", (double)offset), OK);
    assert_string_equal(runner.verdict.line, "50 true 2 3.00 8");
    assert_int_equal(judge_row(&runner, 2, "\"1.50\"", 0), OK);
    assert_string_equal(runner.verdict.line, "1 true 1 1.50 1");
    runner.kind->destroy(runner.rule); /* a restart: only the state is left */
    {
        struct state_table *kept = state_create(&(struct state_limits){0});

        while (state_next_changed(runner.states, &key, &bytes))
            state_restore(kept, key, bytes);
        state_destroy(runner.states);
        runner.states = kept;
    }
    buffer_init(&json, 4096);
    keyed_describe(slice_of(state_find(runner.states, slice_from_string("2"))->bytes, state_find(runner.states, slice_from_string("2"))->size), &json);
    assert_true(slice_equal_string(buffer_slice(&json), "{\"counters\":{\"n\":1},\"windows\":{\"w\":{\"at_us\":[1000000000000]}},\"last\":{\"a\":[\"1.50\"]},\"sets\":{\"places\":{\"count\":1}}}"));
    buffer_finish(&json);
    {
        struct properties settings;

        properties_init(&settings);
        properties_set(&settings, "script", path);
        assert_int_equal(runner.kind->create(runner.kind, &settings, &runner.rule, &failure), OK);
        properties_finish(&settings);
    }
    offset--;
    assert_int_equal(judge_row(&runner, 1, "\"1.50\"", 50), OK);
    assert_string_equal(runner.verdict.line, "51 false 2 3.00 8");
    runner_close(&runner);
}

static void fails_with(const char *script, const char *more, const char *text)
{
    struct runner runner;
    enum status status;

    script_write(script);
    status = runner_open(&runner, "lua", path, more);
    assert_true(status == OK || status == ERROR_SCRIPT_FILE);
    if (status == OK)
        assert_int_equal(status = judge_row(&runner, 1, "\"1.50\"", 0), ERROR_SCRIPT);
    if (strstr(failure.message, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, failure.message);
    runner_close(&runner);
}

TEST(mistakes_come_with_file_and_line)
{
    char place[80];

    (void)snprintf(place, sizeof(place), "%s:2:", path);
    fails_with("function on_event(event)\n  return event.row.amuont\nend\n", NULL, "there is no column \"amuont\"; the rows have: id, user_id, amount");
    fails_with("function on_event(event)\n  return event.row.amuont\nend\n", NULL, place);
    fails_with("function on_event(event)\n  return nothing.at\nend\n", NULL, place);
    fails_with("x = 1\nfunction on_event(event) return +\n", NULL, place);
    fails_with("function on_evnt() end\n", NULL, "defines no function on_event");
    fails_with("function on_event(event)\n  if decimal(1) > 5 then end\nend\n", NULL, "a decimal is compared with a decimal");
    fails_with("function on_event(event)\n  alert{severity='loud', title='x'}\nend\n", NULL, "severity has to be crit, warn or info");
    fails_with("local w = alert{title='x'}\n", NULL, "only inside of on_event");
    fails_with("function on_event(e, k)\n  k.set('', 5)\nend\n", NULL, "the name has to have 1 to 60 bytes");
    fails_with("function on_event(e, k)\n  k.last('a', 0)\nend\n", NULL, "1 to 2000");
    fails_with("local x = 1\nfunction on_event(e, k)\n  return unpack({}, 1, 1e7)\nend\n", NULL, place); /* a tail call leaves no line behind */
    fails_with("function on_event(e, k)\n  for i = 1, 2000 do k.window('w' .. i, 5):add() end\nend\n", NULL, "the state of one key is full");
}

TEST(a_script_is_held_to_its_limits)
{
    fails_with("function on_event()\n  while true do end\nend\n", NULL, ":2: more than 1000000 instructions for one event");
    fails_with("while true do end\n", NULL, ":1: more than 1000000 instructions");
    fails_with("function on_event()\n  local s = 'x'\n  while true do s = s .. s end\nend\n", NULL, ":3: more than 16777216 bytes of memory (setting memory.max)");
    fails_with("local t = {}\nfor i = 1, 1e5 do t[i] = {i} end\n", "memory.max=1048576", ":2: more than 1048576 bytes");
    fails_with("function on_event()\n  local function f() return 1 + f() end\n  return f()\nend\n", NULL, "stack overflow");
}

/* Each kind of thing that takes memory, from where the script asks for it. */
TEST(a_script_that_wants_too_much_memory_is_told_where)
{
    static const char *const wanters[] = {
        "local t = {} for i = 1, 1e7 do t[i] = i end",
        "local t = {} for i = 1, 1e7 do t['k' .. i] = true end",
        "local t = {} for i = 1, 1e7 do t[i] = {} end",
        "local t = {} for i = 1, 1e7 do t[i] = function() return i end end",
        "local t = {} for i = 1, 1e7 do t[i] = decimal(i) end",
        "local t = {} for i = 1, 1e7 do t[i] = k.counter('n') end",
        "local t = {} for i = 1, 1e7 do t[i] = tostring(decimal(i)) end",
        "local s = string.rep('x', 1e9)",
        "local s = ('x'):rep(3e6) local t = {} for i = 1, 100 do t[i] = s end s = table.concat(t)",
        "local s = ('x'):rep(5e6) s = string.format('%s%s%s%s', s, s, s, s)",
        "local s = ('x'):rep(5e6) local t = {} for i = 1, 9 do t[i] = (s .. i):upper() end",
        "local function f(...) return f(1, ...) end f()",
    };
    char script[300];

    for (size_t i = 0; i < sizeof(wanters) / sizeof(wanters[0]); i++) {
        (void)snprintf(script, sizeof(script), "function on_event(e, k)\n\n  %s\nend\n", wanters[i]);
        fails_with(script, "instructions.max=1000000000", ":3: ");
        assert_true(strstr(failure.message, "bytes of memory (setting memory.max)") != NULL || strstr(failure.message, "stack overflow") != NULL ||
                    strstr(failure.message, "string length overflow") != NULL);
    }
}

/* However few the instructions are. */
TEST(a_script_that_takes_long_is_ended_by_its_time)
{
    static const char *const slow[] = {
        "while true do local s = ('x'):rep(5e6) end",
        "local s = ('x'):rep(4e6) while true do if s:contains('xy') then return end end",
        "local s = ('x'):rep(2e6) while true do s = s:reverse() end",
        "local t = {} for i = 1, 2e5 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
        "local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t, function(a, b) return a < b end) end",
        "local x = setmetatable({}, {__index = function(t, n) return t[n + 1] end}) while true do local y = x[1] end",
        "local x = setmetatable({}, {__tostring = function() while true do end end}) print(x)",
        "local x = setmetatable({}, {__tostring = function() while true do end end}) k.set('s', 5):add(x)",
        "local x = setmetatable({}, {__lt = function() while true do end end}) table.sort({x, x, x}, function(a, b) return a < b end)",
        "local x = setmetatable({}, {__tostring = function() while true do end end}) alert{title = x}",
        "for i = 1, 1e9 do k.last('l', 2000):add(i) k.last('l', 2000):deviation() end",
    };
    char script[300];

    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        (void)snprintf(script, sizeof(script), "function on_event(e, k)\n\n  %s\nend\n", slow[i]);
        script_write(script);
        fails_with(script, i % 2 == 0 ? "time.max.ms=50" : "instructions.max=100000", ":3: ");
        assert_true(strstr(failure.message, "ms of processor time for one event (setting time.max.ms)") != NULL ||
                    strstr(failure.message, "instructions for one event (setting instructions.max)") != NULL || strstr(failure.message, "stack overflow") != NULL);
    }
    fails_with("local s = ('x'):rep(1e6)\nwhile true do s:rep(2) end\n", "time.max.ms=20", ":2: more than 20 ms of processor time");
}

/* What a script does to its own globals reaches nothing of ours. */
TEST(a_script_that_bends_its_box_harms_itself_only)
{
    struct runner runner;

    fails_with("setmetatable(_G, {__index = function() error('mine') end})\n", NULL, "defines no function on_event");
    fails_with("function on_event()\n  error({})\nend\n", NULL, "an error that is not a text");
    fails_with("function on_event()\n  error(5)\nend\n", NULL, ":2: 5");
    fails_with("function on_event()\n  error()\nend\n", NULL, "an error that is not a text");
    fails_with("function on_event(e, k)\n  k.set('s', 5):add(setmetatable({}, {__tostring = function() return {} end}))\nend\n", NULL, "tostring");
    fails_with("function on_event(e, k)\n  getmetatable(k).__index = nil\nend\n", NULL, ":2:");
    fails_with("function on_event(e)\n  setmetatable(e.row, {})\nend\n", NULL, ":2:");
    fails_with("function on_event(e)\n  rawset(e, 'row', 1)\nend\n", NULL, ":2:");
    fails_with("function on_event(e, k)\n  k.counter('n').add(k.set('s', 1))\nend\n", NULL, ":2:");
    fails_with("function on_event(e, k)\n  emit{[('n'):rep(5000)] = 1}\nend\n", NULL, "a name of emit is too long");
    script_open(&runner, "tostring = function() return nil end\n"
                         "string.contains, decimal, value = nil, nil, nil\n"
                         "function on_event(e, k)\n"
                         "  emit{n = 1, t = 'x', d = e.row.big}\n"
                         "  k.set('s', 5):add(7)\n"
                         "  alert{title = e.row.big}\n"
                         "end\n", NULL);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.alert.title, "9007199254740993");
    runner_close(&runner);
}

TEST(a_file_that_is_not_there_or_broken_is_loaded_when_it_changes)
{
    struct runner runner;

    script_write("function on_event( return 'one' end\n");
    assert_int_equal(runner_open(&runner, "lua", path, NULL), ERROR_SCRIPT_FILE);
    assert_true(status_is_retriable(ERROR_SCRIPT_FILE));
    assert_false(runner.kind->changed(runner.rule));
    script_write("function on_event() return 'mended' end\n");
    assert_true(runner.kind->changed(runner.rule));
    assert_int_equal(runner.kind->refresh(runner.rule, &failure), OK);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "mended");
    runner_close(&runner);
}

TEST(a_script_has_no_way_out)
{
    static const char *const names[] = {"io", "os", "ffi", "package", "debug", "jit", "require", "load", "loadstring", "loadfile", "dofile", "pcall", "xpcall",
                                        "coroutine", "getfenv", "setfenv", "newproxy", "collectgarbage", "module", "string.dump", "string.find", "string.gsub"};
    char script[200];
    struct runner runner;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(script, sizeof(script), "function on_event()\n  assert(%s == nil)\nend\n", names[i]);
        script_open(&runner, script, NULL);
        if (judge_row(&runner, 1, "1", 0) != OK)
            fail_msg("%s: %s", names[i], failure.message);
        runner_close(&runner);
    }
    fails_with("\033LJ\002\002", NULL, "attempt to load chunk with wrong mode");
    fails_with("function on_event(e)\n  getmetatable(decimal(1)).__gc = nil\nend\n", NULL, ":2:");
}

TEST(a_changed_script_is_taken_up_and_a_broken_one_is_not)
{
    struct runner runner;
    struct timespec pause = {1, 50000000};

    script_open(&runner, "function on_event() return 'one' end\n", NULL);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "one");
    script_write("function on_event() return 'two two' end\n");
    (void)nanosleep(&pause, NULL); /* the file is looked at once a second at most */
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "two two");
    script_write("function on_event() return 'three' \n");
    (void)nanosleep(&pause, NULL);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "two two");
    runner_close(&runner);
}

TEST(settings_reach_the_script_and_unknown_ones_are_refused)
{
    struct runner runner;

    script_open(&runner, "function on_event() return value.limit end\n", "value.limit=700");
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "700");
    runner_close(&runner);
    assert_int_equal(runner_open(&runner, "lua", path, "memory.mx=1"), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "unknown setting \"memory.mx\"; did you mean \"memory.max\"?");
    runner_close(&runner);
    assert_int_equal(runner_open(&runner, "lua", NULL, NULL), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "setting script is missing: the file with function on_event(event, key), or code, the script itself");
    runner_close(&runner);
    assert_int_equal(runner_open(&runner, "lua", "/nowhere.lua", NULL), ERROR_SCRIPT_FILE);
    assert_non_null(strstr(failure.message, "/nowhere.lua"));
    runner_close(&runner);
}

TEST(a_script_may_be_the_setting_itself)
{
    struct runner runner;

    assert_int_equal(runner_open(&runner, "lua", NULL, "code=function on_event(e, k) return 'here' end"), OK);
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "here");
    runner_close(&runner);
    assert_int_equal(runner_open(&runner, "lua", NULL, "code=\n\nfunction on_event( end"), ERROR_SCRIPT);
    assert_non_null(strstr(failure.message, "script: code:3: "));
    runner_close(&runner);
    script_write("function on_event() end\n");
    assert_int_equal(runner_open(&runner, "lua", path, "code=function on_event() end"), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "settings script and code are both given: one of them");
    runner_close(&runner);
}

TEST(states_of_other_layouts_and_torn_ones_are_begun_anew)
{
    struct runner runner;
    uint8_t torn[64];

    script_open(&runner, "function on_event(e, k) k.last('a', 5):add(1) return tostring(k.counter('n'):add()) end\n", NULL);
    for (int filler = 0; filler < 256; filler += 5) {
        memset(torn, filler, sizeof(torn));
        torn[0] = 2;
        state_restore(runner.states, slice_from_string("1"), slice_of(torn, 8 + (size_t)filler % 56));
        assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
        assert_string_equal(runner.verdict.line, "1");
    }
    state_restore(runner.states, slice_from_string("1"), slice_from_string("\1abc"));
    assert_int_equal(judge_row(&runner, 1, "1", 0), OK);
    assert_string_equal(runner.verdict.line, "1");
    runner_close(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spending_example_gives_the_alerts_of_the_rule),
        cmocka_unit_test(the_velocity_example_gives_the_alerts_of_the_rule),
        cmocka_unit_test(the_model_example_gives_the_alerts_of_the_rule),
        cmocka_unit_test(a_model_is_asked_by_order_or_by_names),
        cmocka_unit_test(columns_and_facts_of_an_event_are_there),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(what_is_kept_stays_apart_by_key_and_lasts),
        cmocka_unit_test(mistakes_come_with_file_and_line),
        cmocka_unit_test(a_script_is_held_to_its_limits),
        cmocka_unit_test(a_script_that_wants_too_much_memory_is_told_where),
        cmocka_unit_test(a_script_that_takes_long_is_ended_by_its_time),
        cmocka_unit_test(a_script_that_bends_its_box_harms_itself_only),
        cmocka_unit_test(a_file_that_is_not_there_or_broken_is_loaded_when_it_changes),
        cmocka_unit_test(a_script_has_no_way_out),
        cmocka_unit_test(a_changed_script_is_taken_up_and_a_broken_one_is_not),
        cmocka_unit_test(settings_reach_the_script_and_unknown_ones_are_refused),
        cmocka_unit_test(a_script_may_be_the_setting_itself),
        cmocka_unit_test(states_of_other_layouts_and_torn_ones_are_begun_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
