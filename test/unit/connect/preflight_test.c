#include "connect/preflight.h"

#include "check.h"

static struct preflight_slot slot;
static struct preflight_table tables[2];
static struct preflight_facts facts;

/* Everything as it should be: a new connector with two tables. */
static void good_begin(void)
{
    slot = (struct preflight_slot){.name = "other", .plugin = "pgoutput", .database = "shop", .status = "reserved", .application = "", .is_logical = true, .is_here = true,
                                   .is_active = true, .pid = 77, .wal_bytes = 1000, .safe_bytes = -1, };
    for (int i = 0; i < 2; i++)
        tables[i] = (struct preflight_table){.schema = "public", .table = i == 0 ? "a" : "b", .name = i == 0 ? "public.a" : "public.b", .quoted = i == 0 ? "public.a" : "public.b",
                                             .kind = 'r', .persistence = 'p', .replica_identity = 'f', .rows_about = 10, .bytes = 8192, .key = "[\"id\"]", .has_primary_key = true,
                                             .has_unique_index = true, .may_read = true, .is_owner = true, .is_captured = true, .topic = i == 0 ? "p.public.a" : "p.public.b"};
    facts = (struct preflight_facts){
        .has_config = true, .connector = "c", .slot = "mine", .prefix = "p", .publication_mode = PUBLICATION_ALL_TABLES, .streams = true, .reads_rows = true,
        .server = {.is_connected = true, .version = "15.8", .version_number = 150008, .wal_level = "logical", .slots_max = 10, .slots_used = 1, .senders_max = 10, .senders_used = 1,
                   .wal_limit_bytes = (int64_t)4 << 30, .role = "postgres", .database = "shop", .is_superuser = true, .may_create = true, .skew_us = 300, .skew_within_us = 200,
                   .disk_free_bytes = (int64_t)50 << 30, .slots = &slot, .slot_count = 1},
        .publication = {.name = "dbz_publication"},
        .tables = tables, .table_count = 2, .types_looked_at = 2, .others_known = true, .topics_known = true, .disk_here_bytes = (int64_t)50 << 30,
    };
}

/* "code state, …" of all that is not ok; the last finding of a code wins nothing: all are listed. */
static struct arena arena;
static struct findings findings;
static const char *judged(void)
{
    static char text[4096];

    text[0] = '\0';
    arena_finish(&arena);
    arena_init(&arena, 16384);
    findings_init(&findings, &arena);
    preflight_judge(&facts, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        if (findings.items[i]->state != FINDING_IS_OK)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s", *text == '\0' ? "" : ", ", finding_code_name(findings.items[i]->code),
                           finding_state_name(findings.items[i]->state));
    }
    return text;
}

static const struct finding *found(enum finding_code code, enum finding_state state)
{
    for (size_t i = 0; i < findings.count; i++) {
        if (findings.items[i]->code == code && findings.items[i]->state == state)
            return findings.items[i];
    }
    fail_msg("no finding %s", finding_code_name(code));
    return NULL;
}

TEST(a_good_server_has_no_complaint_and_every_check_is_named)
{
    static const enum finding_code all[] = {FINDING_connect,      FINDING_login,       FINDING_server_version,   FINDING_standby, FINDING_wal_level, FINDING_replication_role,
                                            FINDING_table_rights, FINDING_slots_free,  FINDING_senders_free,     FINDING_slot_name, FINDING_slot_exists, FINDING_publication,
                                            FINDING_tables_match, FINDING_primary_key, FINDING_replica_identity, FINDING_types,   FINDING_topics,    FINDING_prefix_in_use,
                                            FINDING_wal_limit,    FINDING_headroom,    FINDING_snapshot_size,    FINDING_disk_here, FINDING_clock};

    good_begin();
    assert_string_equal(judged(), "");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_non_null(findings_find(&findings, all[i]));
}

#define CHECK(expected, ...)                        \
    do {                                            \
        good_begin();                               \
        __VA_ARGS__;                                \
        assert_string_equal(judged(), expected);    \
    } while (0)

TEST(a_server_that_does_not_fit_is_said_with_its_remedy)
{
    CHECK("server_version error", facts.server.version_number = 90600);
    CHECK("server_version warn, wal_limit info", facts.server.version_number = 120004, facts.server.wal_limit_bytes = -2);
    CHECK("standby error, publication error", facts.server.is_standby = true);
    CHECK("wal_level error", facts.server.wal_level = "replica");
    assert_string_equal(found(FINDING_wal_level, FINDING_IS_ERROR)->sql, "ALTER SYSTEM SET wal_level = logical;\n-- then restart PostgreSQL: systemctl restart postgresql");
    assert_true(found(FINDING_wal_level, FINDING_IS_ERROR)->is_safe);
    CHECK("wal_level error", facts.server.wal_level = "replica", facts.server.wal_level_in_file = "logical");
    assert_null(found(FINDING_wal_level, FINDING_IS_ERROR)->sql);
    CHECK("wal_level warn", facts.server.wal_level_in_file = "minimal");
    CHECK("replication_role error, publication error", facts.server.is_superuser = false, facts.server.role = "Reader \"x\"");
    assert_string_equal(found(FINDING_replication_role, FINDING_IS_ERROR)->sql, "ALTER ROLE \"Reader \"\"x\"\"\" REPLICATION;");
    CHECK("replication_role error", facts.server.replication_failure = "FATAL: no pg_hba.conf entry\nadd a line");
    assert_string_equal(found(FINDING_replication_role, FINDING_IS_ERROR)->found, "FATAL: no pg_hba.conf entry");
    assert_string_equal(found(FINDING_replication_role, FINDING_IS_ERROR)->todo, "add a line");
    CHECK("clock info", facts.server.skew_us = -2500000);
    CHECK("clock warn", facts.server.skew_us = 90000000);
    CHECK("clock info", facts.server.skew_within_us = -1);
    CHECK("", facts.server.skew_us = 90000000, facts.server.skew_within_us = 90000000);
}

TEST(slots_and_senders_that_are_left_are_counted)
{
    CHECK("slots_free error", facts.server.slots_used = 10);
    assert_null(found(FINDING_slots_free, FINDING_IS_ERROR)->todo);
    CHECK("slots_free error", facts.server.slots_used = 10, slot.is_active = false);
    assert_non_null(strstr(found(FINDING_slots_free, FINDING_IS_ERROR)->todo, "pg_drop_replication_slot('other')"));
    CHECK("senders_free error", facts.server.senders_max = 1);
    CHECK("slot_exists info", facts.server.slots_used = 10, facts.slot = "other", slot.is_active = false);
    CHECK("", facts.server.slots_used = 10, facts.server.senders_used = 10, facts.is_running = true);
    CHECK("slot_exists error", facts.slot = "other");
    CHECK("", facts.slot = "other", facts.is_running = true);
    CHECK("slot_exists error", facts.slot = "other", slot.is_active = false, slot.plugin = "wal2json");
    CHECK("slot_exists error", facts.slot = "other", slot.is_active = false, slot.status = "lost");
    CHECK("slot_name error", facts.slot_taken_by = "first");
    assert_string_equal(found(FINDING_slot_name, FINDING_IS_ERROR)->set_value, "mine_2");
    CHECK("prefix_in_use warn", facts.prefix_taken_by = "first");
}

#define OWN_SLOT facts.slot = "other", slot.is_active = false, slot.restart_lsn = 0x100, slot.confirmed_lsn = 0x200, facts.server.wal_end_lsn = 0x300

TEST(a_stored_position_that_the_slot_cannot_serve_is_an_error)
{
    CHECK("slot_exists error", OWN_SLOT, facts.stored_lsn = 0x1ff);
    assert_string_equal(found(FINDING_slot_exists, FINDING_IS_ERROR)->found,
                        "Connector c has the stored position 0/1FF, and slot other stands at 0/200, past it: what was committed in between cannot be streamed.");
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->todo, "snapshot.mode=when_needed"));
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->todo, "trust_slot"));
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->todo, "another name"));
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->todo, "offsets c reset"));
    CHECK("slot_exists info", OWN_SLOT, facts.stored_lsn = 0x200);
    CHECK("slot_exists info", OWN_SLOT, facts.stored_lsn = 0x300);
    CHECK("slot_exists info", OWN_SLOT, facts.stored_lsn = 0x1ff, facts.trusts_slot = true);
    CHECK("slot_exists info", OWN_SLOT, facts.stored_lsn = 0x1ff, facts.reads_when_lost = true);
    CHECK("", OWN_SLOT, facts.stored_lsn = 0x1ff, facts.streams = false);
    CHECK("", OWN_SLOT, facts.stored_lsn = 0x1ff, facts.is_running = true);
    CHECK("slot_exists error", OWN_SLOT, facts.stored_lsn = 0x301, facts.trusts_slot = true, facts.reads_when_lost = true);
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->found, "0/301, and this PostgreSQL's WAL ends at 0/300"));
    CHECK("slot_exists info", OWN_SLOT, facts.stored_lsn = 0x301, facts.reads_when_lost = true, facts.always_reads = true);
    CHECK("slot_exists error", facts.stored_lsn = 0x1ff, facts.trusts_slot = true);
    assert_non_null(strstr(found(FINDING_slot_exists, FINDING_IS_ERROR)->found, "slot mine does not exist"));
    CHECK("", facts.stored_lsn = 0x1ff, facts.reads_when_lost = true);
}

TEST(a_publication_is_judged_by_who_makes_it)
{
    CHECK("publication error", facts.publication_mode = PUBLICATION_DISABLED);
    assert_string_equal(found(FINDING_publication, FINDING_IS_ERROR)->sql, "CREATE PUBLICATION \"dbz_publication\" FOR ALL TABLES;");
    CHECK("publication error", facts.server.is_superuser = false, facts.server.may_replicate = true);
    assert_string_equal(found(FINDING_publication, FINDING_IS_ERROR)->set_value, "filtered");
    CHECK("", facts.server.is_superuser = false, facts.server.may_replicate = true, facts.publication_mode = PUBLICATION_FILTERED);
    CHECK("publication error", facts.server.is_superuser = false, facts.server.may_replicate = true, facts.publication_mode = PUBLICATION_FILTERED, facts.server.may_create = false);
    assert_string_equal(found(FINDING_publication, FINDING_IS_ERROR)->sql, "GRANT CREATE ON DATABASE \"shop\" TO \"postgres\";");
    CHECK("publication error", facts.server.is_superuser = false, facts.server.may_replicate = true, facts.publication_mode = PUBLICATION_FILTERED, tables[1].is_owner = false);
    CHECK("publication error", facts.publication = ((struct preflight_publication){"p", true, false, true, true, true, true}), tables[0].is_published = true);
    assert_string_equal(found(FINDING_publication, FINDING_IS_ERROR)->sql, "ALTER PUBLICATION \"p\" ADD TABLE public.b;");
    CHECK("publication error", facts.publication = ((struct preflight_publication){"p", true, true, true, true, true, true}), facts.publication_mode = PUBLICATION_FILTERED);
    CHECK("publication warn", facts.publication = ((struct preflight_publication){"p", true, true, true, false, true, true}));
    CHECK("", facts.publication = ((struct preflight_publication){"p", true, true, true, true, true, true}));
}

TEST(tables_are_judged_by_key_identity_rights_and_types)
{
    CHECK("primary_key warn, replica_identity warn", tables[0].has_primary_key = tables[0].has_unique_index = false, tables[0].replica_identity = 'd');
    assert_string_equal(found(FINDING_replica_identity, FINDING_IS_WARN)->sql, "ALTER TABLE public.a REPLICA IDENTITY FULL;");
    CHECK("", tables[0].has_primary_key = tables[0].has_unique_index = false, tables[0].replica_identity = 'f', tables[0].has_own_key = true);
    CHECK("replica_identity warn", tables[1].replica_identity = 'n');
    CHECK("replica_identity info", tables[1].replica_identity = 'd');
    CHECK("replica_identity info", tables[1].replica_identity = 'n', facts.skips_updates = facts.skips_deletes = true);
    CHECK("table_rights error", tables[0].may_read = tables[1].may_read = false);
    assert_string_equal(found(FINDING_table_rights, FINDING_IS_ERROR)->sql,
                        "GRANT USAGE ON SCHEMA \"public\" TO \"postgres\";\nGRANT SELECT ON public.a TO \"postgres\";\nGRANT SELECT ON public.b TO \"postgres\";");
    CHECK("table_rights info", tables[0].may_read = false, facts.reads_rows = false);
    CHECK("tables_match warn", tables[0].is_captured = tables[1].is_captured = false);
    CHECK("tables_match info", facts.table_count = 0, facts.types_looked_at = 0);
    CHECK("tables_match warn", facts.unmatched = "public.c");
    CHECK("tables_match warn", tables[0].persistence = 'u');
    assert_false(found(FINDING_tables_match, FINDING_IS_WARN)->is_safe);
    CHECK("tables_match error", facts.filter_problem = "bad expression");
    CHECK("tables_match info", facts.tables_why = "permission denied");
    CHECK("types warn", tables[0].left_out = "x (point)");
    CHECK("types error", tables[0].problem = "columns differ by case only");
    CHECK("types info", facts.types_why = "the time for it was over");
    CHECK("topics info", tables[0].topic_exists = true);
    CHECK("topics info", facts.topics_known = false);
}

TEST(room_is_judged_here_and_there)
{
    CHECK("wal_limit warn", facts.server.wal_limit_bytes = -1);
    assert_string_equal(found(FINDING_wal_limit, FINDING_IS_WARN)->sql, "ALTER SYSTEM SET max_slot_wal_keep_size = '25GB';\nSELECT pg_reload_conf();");
    CHECK("wal_limit warn, headroom info", facts.server.wal_limit_bytes = -1, facts.server.disk_free_bytes = -1, facts.server.disk_why = "elsewhere");
    assert_non_null(strstr(found(FINDING_wal_limit, FINDING_IS_WARN)->sql, "'20GB'"));
    assert_string_equal(found(FINDING_headroom, FINDING_IS_INFO)->found, "not known: elsewhere");
    CHECK("wal_limit warn", facts.server.wal_limit_bytes = (int64_t)60 << 30);
    CHECK("headroom warn", slot.wal_bytes = (int64_t)3 << 30, slot.is_active = false);
    CHECK("headroom warn", slot.status = "unreserved");
    CHECK("headroom warn", slot.safe_bytes = 1000, slot.wal_bytes = 0);
    CHECK("disk_here warn", facts.disk_here_bytes = 10);
    CHECK("disk_here warn", tables[0].bytes = (int64_t)60 << 30);
    CHECK("disk_here info", facts.disk_here_bytes = -1, facts.disk_here_why = "no data directory");
}

TEST(a_refused_connection_says_which_property)
{
    good_begin();
    facts.server.is_connected = false;
    (void)error_set(&facts.server.failure, ERROR_DATABASE, "connect to PostgreSQL at h:1 as u: FATAL: password authentication failed for user \"u\"\ncorrect database.user and database.password");
    assert_string_equal(judged(), "login error");
    assert_string_equal(found(FINDING_login, FINDING_IS_ERROR)->property, "database.password");
    assert_string_equal(found(FINDING_login, FINDING_IS_ERROR)->todo, "correct database.user and database.password");
    (void)error_set(&facts.server.failure, ERROR_DATABASE, "connect to PostgreSQL at h:1 as u: FATAL: database \"d\" does not exist");
    assert_string_equal(judged(), "login error");
    assert_string_equal(found(FINDING_login, FINDING_IS_ERROR)->title, "The database does not exist");
    assert_string_equal(found(FINDING_login, FINDING_IS_ERROR)->property, "database.dbname");
    (void)error_set(&facts.server.failure, ERROR_UNAVAILABLE, "connect to PostgreSQL at h:1 as u: Connection refused");
    assert_string_equal(judged(), "connect error");
    assert_int_equal(findings.count, 1);
}

TEST(a_configuration_is_read_from_every_form_it_comes_in)
{
    static const struct {
        const char *text, *name, *host;
    } rows[] = {
        {"{\"name\": \"c\", \"config\": {\"database.hostname\": \"h\", \"tasks.max\": 1, \"x\": true}}", "c", "h"},
        {"{\"database.hostname\": \"h\", \"name\": \"n\"}", "n", "h"},
        {"{\"database.hostname\": \"h\"}", NULL, "h"},
        {"# standalone\nname=s\ndatabase.hostname=h\n", "s", "h"},
        {"debezium.source.database.hostname=h\ndebezium.sink.type=kafka\n", NULL, "h"},
    };
    static const char *const bad[] = {"", "nothing", "[1]", "{\"a\": ", "{} {}", "{\"a\": {\"b\": 1}}", "{\"config\": {\"a\": [1]}}"};
    struct properties config;
    const char *name;
    struct error error;

    arena_finish(&arena);
    arena_init(&arena, 16384);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(preflight_config_read(slice_from_string(rows[i].text), &arena, &name, &config, &error), OK);
        assert_string_equal(properties_get(&config, "database.hostname"), rows[i].host);
        assert_null(properties_get(&config, "debezium.sink.type"));
        if (rows[i].name == NULL)
            assert_null(name);
        else
            assert_string_equal(name, rows[i].name);
        properties_finish(&config);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(preflight_config_read(slice_from_string(bad[i]), &arena, &name, &config, &error), ERROR_BAD_INPUT);
        assert_true(error.message[0] != '\0');
        properties_finish(&config);
    }
}

TEST(names_are_cut_when_there_are_many)
{
    struct name_list list;
    struct arena own;

    arena_init(&own, 1024);
    name_list_init(&list, 2);
    assert_null(name_list_end(&list, &own));
    name_list_init(&list, 2);
    for (int i = 0; i < 5; i++)
        name_list_add(&list, "x");
    assert_string_equal(name_list_end(&list, &own), "x, x and 3 more");
    assert_string_equal(bytes_text(&own, 1536), "1.5 KiB");
    assert_string_equal(bytes_text(&own, 12), "12 B");
    assert_string_equal(bytes_text(&own, (int64_t)200 << 20), "200.0 MiB");
    arena_finish(&own);
}

static int all_freed(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_has_no_complaint_and_every_check_is_named),
        cmocka_unit_test(a_server_that_does_not_fit_is_said_with_its_remedy),
        cmocka_unit_test(slots_and_senders_that_are_left_are_counted),
        cmocka_unit_test(a_stored_position_that_the_slot_cannot_serve_is_an_error),
        cmocka_unit_test(a_publication_is_judged_by_who_makes_it),
        cmocka_unit_test(tables_are_judged_by_key_identity_rights_and_types),
        cmocka_unit_test(room_is_judged_here_and_there),
        cmocka_unit_test(a_refused_connection_says_which_property),
        cmocka_unit_test(a_configuration_is_read_from_every_form_it_comes_in),
        cmocka_unit_test(names_are_cut_when_there_are_many),
    };

    return cmocka_run_group_tests(tests, NULL, all_freed);
}
