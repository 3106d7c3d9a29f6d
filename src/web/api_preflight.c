/* api_preflight.c: what a connector would meet, as connect/preflight.h finds it, for the console. Nothing is changed. */
#include "web/api.h"

#include "base/banned.h"
#include "connect/preflight.h"
#include "os/clock.h"
#include "os/disk.h"

/* The console's words for states are those of its marks. */
static const char *mark_of(enum finding_state state)
{
    return state == FINDING_IS_ERROR ? "crit" : finding_state_name(state);
}

/* What a button does to the configuration. */
static json_t *patch_make(const struct finding *finding)
{
    if (finding->set_key == NULL)
        return json_null();
    if (finding->set_value == NULL)
        return json_pack("{s:[s]}", "unset", finding->set_key);
    return json_pack("{s:{s:s}}", "set", finding->set_key, finding->set_value);
}

static json_t *check_make(const struct finding *finding)
{
    bool is_well = finding->state == FINDING_IS_OK;

    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "code", finding_code_name(finding->code), "state", mark_of(finding->state), "title", finding->title, "found",
                     json_slice(slice_from_string(finding->found)), "why", json_text_or_null(is_well ? NULL : finding_why(finding->code)), "todo", json_slice(slice_from_string(finding->todo)),
                     "property", json_text_or_null(finding->property), "patch", patch_make(finding), "sql", json_text_or_null(finding->sql), "command", json_text_or_null(finding->command));
}

static json_t *table_make(const struct preflight_table *table)
{
    const char *identity = table->replica_identity == 'f' ? "full" : table->replica_identity == 'n' ? "nothing" : table->replica_identity == 'i' ? "index" : "default";
    json_t *key = json_loads(table->key, 0, NULL);

    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:o}", "table", table->name, "rows_about", json_integer_or_null(table->rows_about), "bytes", json_integer_or_null(table->bytes), "key",
                     key == NULL ? json_array() : key, "replica_identity", identity, "captured", (int)table->is_captured, "why_not",
                     table->is_captured ? json_null() : json_string("the lists of tables leave it out"));
}

static void make_add(json_t *makes, const char *kind, const char *name, const char *note)
{
    json_add(makes, json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "note", note));
}

static json_t *makes_make(const struct preflight_facts *facts)
{
    json_t *makes = json_array();
    bool has_slot = false;

    for (size_t i = 0; i < facts->server.slot_count; i++)
        has_slot = has_slot || strcmp(facts->server.slots[i].name, facts->slot) == 0;
    if (facts->streams && !has_slot)
        make_add(makes, "slot", facts->slot, "pgoutput, from where the WAL ends");
    if (facts->streams && !facts->publication.exists && facts->publication_mode != PUBLICATION_DISABLED)
        make_add(makes, "publication", facts->publication.name, facts->publication_mode == PUBLICATION_FILTERED ? "for the captured tables" : facts->publication_mode == PUBLICATION_ALL_TABLES ? "for all tables" : "for no table");
    for (size_t i = 0; i < facts->table_count; i++) {
        if (facts->tables[i].topic != NULL && !facts->tables[i].topic_exists)
            make_add(makes, "topic", facts->tables[i].topic, "with its first row");
    }
    return makes;
}

static void answer(struct api_call *call, const struct preflight *preflight, int64_t took_ms)
{
    const struct findings *findings = &preflight->findings;
    size_t errors = findings_count(findings, FINDING_IS_ERROR), warnings = findings_count(findings, FINDING_IS_WARN);
    json_t *checks = json_array(), *tables = json_array();

    for (size_t i = 0; i < findings->count; i++)
        json_add(checks, check_make(findings->items[i]));
    for (size_t i = 0; i < preflight->facts.table_count; i++)
        json_add(tables, table_make(&preflight->facts.tables[i]));
    api_json(call, 200,
             json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "verdict", errors > 0 ? "crit" : warnings > 0 ? "warn" : "ok", "text", errors > 0 ? "It will not work." : "It will work.",
                       "errors", (json_int_t)errors, "warnings", (json_int_t)warnings, "took_ms", (json_int_t)took_ms, "checks", checks, "makes", makes_make(&preflight->facts), "tables",
                       tables));
}

static int64_t disk_here_bytes(const struct api_call *call)
{
    const char *directory = properties_get(api_settings_of(call->api)->values, "data.dir");
    int64_t bytes = -1;

    return directory != NULL && disk_free_bytes(disk_real(), directory, &bytes, NULL) == OK ? bytes : -1;
}

void api_preflight(struct api_call *call)
{
    int64_t began_ms = clock_monotonic_ms();
    struct preflight *preflight = NULL;
    struct properties config;
    const char *name;
    struct error error;

    if (preflight_config_read(call->request->body, call->arena, &name, &config, &error) != OK)
        api_error(call, 400, "BAD_CONFIG", "This is no configuration of a connector.", error.message, NULL);
    else if (connect_preflight(api_settings_of(call->api)->connect, name, &config, disk_here_bytes(call), call->arena, &preflight, &error) != OK)
        api_error(call, 400, "BAD_CONFIG", "A placeholder of the configuration cannot be filled.", error.message, NULL);
    else
        answer(call, preflight, clock_monotonic_ms() - began_ms);
    properties_finish(&config);
}
