#include "server/doctor_here.h"
#include "server/doctor_remedy.h"
#include "server/doctor_page.h"
#include "server/ports.h"

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct here_facts facts;
static struct findings findings;
static struct arena arena;

/* A data directory that will be made, and free ports. */
static void good_begin(void)
{
    facts = (struct here_facts){.data_dir = "/d", .look_failed = ENOENT, .parent = "/", .may_write = true, .owner = "ann", .user = "ann", .filesystem = "ext4",
                                .free_bytes = (int64_t)100 << 30, .total_bytes = (int64_t)200 << 30, .free_inodes = 1000000, .read_only_partitions = -1, .partitions = -1,
                                .ports = {{.setting = "rest.port", .address = {.host = "127.0.0.1", .port = 8083}, .is_free = true, .name = ""}}, .port_count = 1,
                                .files_max = 65536, .files_open = -1, .memory_free_bytes = (int64_t)1 << 30};
}

/* "code state, …" of all that is neither ok nor said for information. */
static const char *judged(void)
{
    static char text[4096];

    text[0] = '\0';
    arena_finish(&arena);
    arena_init(&arena, 16384);
    findings_init(&findings, &arena);
    here_judge(&facts, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        if (findings.items[i]->state >= FINDING_IS_WARN)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s", *text == '\0' ? "" : ", ", finding_code_name(findings.items[i]->code),
                           finding_state_name(findings.items[i]->state));
    }
    return text;
}

#define CHECK(expected, ...)                     \
    do {                                         \
        good_begin();                            \
        __VA_ARGS__;                             \
        assert_string_equal(judged(), expected); \
    } while (0)

TEST(a_machine_is_judged_by_its_facts)
{
    CHECK("");
    CHECK("settings error", facts.settings_problem = "num.partitions: 0 is below 1");
    CHECK("data_dir error", facts.may_write = false);
    assert_string_equal(findings_find(&findings, FINDING_data_dir)->command, "sudo install -d -m 700 -o ann /d");
    CHECK("data_dir error", facts.look_failed = ENOTDIR);
    CHECK("data_dir error", facts.look_failed = 0, facts.may_write = false);
    CHECK("data_dir warn", facts.look_failed = 0, facts.owner_differs = true);
    CHECK("data_dir warn", facts.look_failed = 0, facts.open_to_others = true);
    CHECK("", facts.look_failed = 0);
    CHECK("filesystem error", facts.is_read_only_mount = true);
    CHECK("filesystem warn", facts.filesystem = "tmpfs", facts.doubt = "it is memory");
    CHECK("filesystem error", facts.filesystem = "nfs", facts.doubt = "locks", facts.loses_syncs = true);
    CHECK("", facts.filesystem = NULL);
    assert_int_equal(findings_find(&findings, FINDING_filesystem)->state, FINDING_IS_INFO);
    CHECK("disk_here warn", facts.free_bytes = (int64_t)500 << 20);
    CHECK("disk_here error", facts.free_bytes = 1 << 20);
    CHECK("disk_here warn", facts.free_inodes = 5);
    CHECK("", facts.free_bytes = -1);
    CHECK("open_files warn", facts.files_max = 1024);
    CHECK("open_files warn", facts.files_open = 65000);
    CHECK("memory warn", facts.memory_free_bytes = 1 << 20);
    CHECK("", facts.memory_free_bytes = -1);
    CHECK("", facts.has_log = true, facts.was_killed = true);
    assert_non_null(findings_find(&findings, FINDING_shutdown));
}

TEST(a_running_program_is_judged_by_what_it_says)
{
    CHECK("", facts.running = 7, facts.answers = true, facts.ports[0].is_free = false, facts.ports[0].owner = 7, facts.read_only_partitions = 0, facts.partitions = 9);
    CHECK("running error", facts.running = 7, facts.ports[0].is_free = false, facts.ports[0].owner = 7);
    CHECK("partition error", facts.running = 7, facts.answers = true, facts.ports[0].is_free = false, facts.ports[0].owner = 7, facts.read_only_partitions = 1, facts.partitions = 9);
    CHECK("partition error", facts.running = 7, facts.answers = true, facts.ports[0].is_free = false, facts.ports[0].owner = 7, facts.degraded = true);
    CHECK("port warn", facts.running = 7, facts.answers = true);
    CHECK("port warn", facts.running = 7, facts.answers = true, facts.ports[0].is_free = false, facts.ports[0].owner = 8, facts.ports[0].name = "java");
    CHECK("", facts.running = 7, facts.answers = true, facts.ports[0].is_free = false);
    CHECK("", facts.running = 7, facts.answers = true, facts.ports[0].setting = "postgres.port", facts.ports[0].is_free = false, facts.ports[0].owner = 8, facts.ports[0].name = "postgres");
    CHECK("port error", facts.ports[0].is_free = false, facts.ports[0].owner = 8, facts.ports[0].name = "java", facts.ports[0].instead = 8085);
    assert_string_equal(findings_find(&findings, FINDING_port)->found, "127.0.0.1:8083 is taken by process 8 (java).");
    assert_string_equal(findings_find(&findings, FINDING_port)->command, "tailrace up --data-dir /d --set rest.port=8085");
    CHECK("port error", facts.ports[0].is_free = false, facts.ports[0].why = "not an address of this machine");
}

static const char *remedy(const struct preflight_server *server, const char *private_data_dir, enum finding_code code, const char *sql)
{
    struct finding *finding;

    arena_finish(&arena);
    arena_init(&arena, 4096);
    findings_init(&findings, &arena);
    finding = findings_add(&findings, code, FINDING_IS_ERROR, "it is wrong");
    finding->sql = sql;
    remedy_commands_add(&findings, server, private_data_dir);
    return finding->command;
}

TEST(a_remedy_is_a_command_for_a_shell)
{
    struct preflight_server server = {.is_connected = true, .host = "db.example", .port = "5432", .role = "reader", .database = "my shop", .superuser = "postgres"};

    assert_string_equal(remedy(&server, NULL, FINDING_table_rights, "GRANT SELECT ON a.\"B\" TO reader;\nGRANT SELECT ON a.\"it's\" TO reader;"),
                        "psql 'host=db.example port=5432 user=postgres dbname='\\''my shop'\\''' -c 'GRANT SELECT ON a.\"B\" TO reader;' -c 'GRANT SELECT ON a.\"it'\\''s\" TO reader;'");
    server.database = "shop";
    server.config_file = "/etc/postgresql/15/main/postgresql.conf";
    assert_non_null(strstr(remedy(&server, NULL, FINDING_wal_level, "ALTER SYSTEM SET wal_level = logical;\n-- then restart PostgreSQL: systemctl restart postgresql"),
                           "psql 'host=db.example port=5432 user=postgres dbname=shop' -c 'ALTER SYSTEM SET wal_level = logical;' && "));
    assert_non_null(strstr(findings.items[0]->command, "pg_ctlcluster 15 main restart"));
    assert_non_null(strstr(remedy(&server, NULL, FINDING_wal_level, NULL), "pg_ctlcluster 15 main restart"));
    server.config_file = NULL;
    assert_non_null(strstr(remedy(&server, NULL, FINDING_wal_level, NULL), "systemctl restart postgresql"));
    assert_string_equal(remedy(&server, "/d 1", FINDING_wal_limit, "SELECT pg_reload_conf();"), "tailrace psql --data-dir '/d 1' shop -c 'SELECT pg_reload_conf();'");
    server.is_connected = false;
    assert_null(remedy(&server, NULL, FINDING_wal_limit, "SELECT 1;"));
}

TEST(who_listens_on_a_port_is_found)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char name[64];

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(port_owner(ntohs(address.sin_port), name, sizeof(name)), getpid());
    assert_int_equal(strncmp(name, "server_doctor_t", 15), 0);
    (void)close(fd);
    assert_int_equal(port_owner(ntohs(address.sin_port), name, sizeof(name)), 0);
    assert_string_equal(name, "");
}

TEST(findings_are_printed_for_people_and_for_programs)
{
    struct buffer text;
    struct page page = {&text, false};
    struct doctor_group group = {"This machine", &findings};
    struct finding *finding;

    arena_finish(&arena);
    arena_init(&arena, 16384);
    findings_init(&findings, &arena);
    (void)findings_add(&findings, FINDING_filesystem, FINDING_IS_OK, "ext4");
    finding = findings_add(&findings, FINDING_wal_level, FINDING_IS_ERROR, "It is %s.", "replica\033[31m");
    finding->title = "wal_level is not logical";
    finding->sql = "ALTER SYSTEM SET wal_level = logical;\n-- then restart";
    finding->set_key = "a";
    finding->set_value = "b";
    buffer_init(&text, 65536);
    doctor_page_print(&page, &group, 1);
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, "This machine\n"
                                           "  ok     File system                ext4\n"
                                           "  error  wal_level is not logical\n"
                                           "               It is replica [31m.\n"
                                           "          why  Only with wal_level = logical does the write-ahead log say which rows changed.\n"
                                           "          set  \"a\": \"b\"\n"
                                           "          SQL  ALTER SYSTEM SET wal_level = logical;\n"
                                           "               -- then restart\n"
                                           "\n1 error, 0 warnings.\n");
    buffer_reset(&text);
    finding->found = "not utf-8: \xff";
    doctor_page_json(&text, &group, 1);
    buffer_append_u8(&text, 0);
    assert_non_null(strstr((char *)text.data, "\"verdict\": \"error\""));
    assert_non_null(strstr((char *)text.data, "\"found\": \"not utf-8: ?\""));
    assert_non_null(strstr((char *)text.data, "\"set\": {\n            \"a\": \"b\""));
    buffer_finish(&text);
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
        cmocka_unit_test(a_machine_is_judged_by_its_facts),
        cmocka_unit_test(a_running_program_is_judged_by_what_it_says),
        cmocka_unit_test(a_remedy_is_a_command_for_a_shell),
        cmocka_unit_test(who_listens_on_a_port_is_found),
        cmocka_unit_test(findings_are_printed_for_people_and_for_programs),
    };

    return cmocka_run_group_tests(tests, NULL, all_freed);
}
