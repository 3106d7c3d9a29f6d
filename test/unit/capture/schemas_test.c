#include "capture/schemas.h"

#include "check.h"
#include "store/store.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX];
static struct store *store;
static struct log *the_log;

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static int setup(void **state)
{
    struct store_settings settings = {.directory = directory, .default_partitions = 3, .flush_acks = true, .sync_threads = 1};
    struct error error;

    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-schemas-test-XXXXXX");
    if (mkdtemp(directory) == NULL || store_open(&settings, &store, &error) != OK)
        return 1;
    the_log = log_open_embedded(store);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_close(the_log);
    store_close(store);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- A table ---- */

static const struct pg_type int4 = {.name = "int4", .kind = 'b'}, numeric = {.name = "numeric", .kind = 'b'}, numerics = {.name = "_numeric", .kind = 'b', .element = &numeric};
static struct pg_column columns[3];
static struct pg_relation relation;

static void table_begin(void)
{
    columns[0] = (struct pg_column){.name = "id", .type = &int4, .modifier = -1, .not_null = true, .key_position = 1};
    columns[1] = (struct pg_column){.name = "amount", .type = &numeric, .modifier = (10 << 16 | 2) + 4};
    columns[2] = (struct pg_column){.name = "made", .type = &int4, .modifier = -1, .generated = true};
    relation = (struct pg_relation){.schema = "public", .name = "t", .replica_identity = 'd', .column_count = 3, .columns = columns};
}

static int seen;
static json_t *newest;
static void visit(void *context, const json_t *version)
{
    (void)context;
    seen++;
    json_decref(newest);
    newest = json_deep_copy(version);
}

static int versions_from(int64_t *offset)
{
    struct error error;

    seen = 0;
    assert_int_equal(schemas_read(the_log, offset, visit, NULL, &error), OK);
    return seen;
}

static const char *type_of(size_t column)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(newest, "columns"), column), "type"));
}

TEST(only_what_differs_is_a_version)
{
    struct schemas *schemas = schemas_create("c", the_log);
    int64_t offset = 0;

    table_begin();
    assert_int_equal(versions_from(&offset), 0);
    schemas_note(schemas, "p.public.t", &relation, 0, 5);
    schemas_note(schemas, "p.public.t", &relation, 0x100, 6);
    assert_int_equal(versions_from(&offset), 0);
    schemas_write(schemas);
    assert_int_equal(versions_from(&offset), 1);
    assert_int_equal(json_integer_value(json_object_get(newest, "version")), 1);
    assert_true(json_is_null(json_object_get(newest, "from_lsn")));
    assert_int_equal(json_array_size(json_object_get(newest, "columns")), 2);
    assert_string_equal(type_of(1), "numeric(10,2)");
    columns[1].type = &numerics;
    columns[1].modifier = (5 << 16 | (uint16_t)(-2 & 0x7ff)) + 4;
    schemas_note(schemas, "p.public.t", &relation, 0x1000000AB, 7);
    relation.replica_identity = 'f';
    schemas_note(schemas, "p.public.t", &relation, 0x1000000AC, 8);
    schemas_write(schemas);
    assert_int_equal(versions_from(&offset), 2);
    assert_string_equal(type_of(1), "numeric(5,-2)[]");
    assert_string_equal(json_string_value(json_object_get(newest, "replica_identity")), "full");
    assert_string_equal(json_string_value(json_object_get(newest, "from_lsn")), "1/AC");
    assert_int_equal(json_integer_value(json_object_get(newest, "version")), 3);
    schemas_destroy(schemas);
}

TEST(a_restart_goes_on_with_the_last_version)
{
    struct schemas *schemas = schemas_create("c", the_log);
    int64_t offset = 0;

    schemas_note(schemas, "p.public.t", &relation, 1, 9);
    schemas_write(schemas);
    assert_int_equal(versions_from(&offset), 3);
    columns[0].not_null = false;
    schemas_note(schemas, "p.public.t", &relation, 1, 9);
    schemas_note(schemas, "p.public.other", &relation, 1, 9);
    schemas_write(schemas);
    assert_int_equal(versions_from(&offset), 2);
    assert_int_equal(json_integer_value(json_object_get(newest, "version")), 1);
    schemas_destroy(schemas);
    json_decref(newest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_is_a_version),
        cmocka_unit_test(a_restart_goes_on_with_the_last_version),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
