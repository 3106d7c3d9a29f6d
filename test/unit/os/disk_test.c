#include "os/disk.h"

#include "check.h"

#include <limits.h>
#include <unistd.h>

static char directory[] = "/tmp/tailrace-disk-test-XXXXXX";
static char path[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/file", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)disk_unlink(disk_real(), path, NULL);
    return rmdir(directory);
}

TEST(parts_are_written_one_behind_the_other_and_read_back)
{
    struct disk_file *file;
    static char ab[] = "ab";
    struct iovec parts[2500];
    char back[5000];
    size_t got;
    int64_t size;

    for (size_t i = 0; i < 2500; i++)
        parts[i] = (struct iovec){ab, i % 3 == 0 ? 2 : 0};
    assert_int_equal(disk_open(disk_real(), path, DISK_REPLACE, &file, NULL), OK);
    assert_int_equal(disk_write_parts(file, parts, 2500, 10, NULL), OK);
    assert_int_equal(disk_sync(file, NULL), OK);
    assert_int_equal(disk_size(file, &size, NULL), OK);
    assert_int_equal(size, 10 + 834 * 2);
    assert_int_equal(disk_read(file, back, sizeof(back), 10, &got, NULL), OK);
    assert_int_equal(got, 834 * 2);
    assert_memory_equal(back + got - 4, "abab", 4);
    assert_int_equal(disk_truncate(file, 3, NULL), OK);
    assert_int_equal(disk_file_size(disk_real(), path, &size, NULL), OK);
    assert_int_equal(size, 3);
    disk_close(file);
}

TEST(a_replaced_file_has_the_new_bytes_and_no_temporary_is_left)
{
    struct buffer bytes;
    struct arena arena;
    struct disk_entry *entries;
    size_t count;

    buffer_init(&bytes, 100);
    arena_init(&arena, 1024);
    assert_int_equal(disk_replace_file(disk_real(), directory, "file", slice_from_string("one"), NULL), OK);
    assert_int_equal(disk_replace_file(disk_real(), directory, "file", slice_from_string("two!"), NULL), OK);
    assert_int_equal(disk_read_file(disk_real(), path, &bytes, NULL), OK);
    assert_true(slice_equal_string(buffer_slice(&bytes), "two!"));
    assert_int_equal(disk_list(disk_real(), directory, &arena, &entries, &count, NULL), OK);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].name, "file");
    assert_false(entries[0].is_directory);
    arena_finish(&arena);
    buffer_finish(&bytes);
}

TEST(errors_name_the_path_and_the_reason)
{
    struct disk_file *file;
    struct error error;
    char expected[PATH_MAX + 64];

    (void)snprintf(expected, sizeof(expected), "open %s/missing/file: No such file or directory", directory);
    (void)snprintf(path, sizeof(path), "%s/missing/file", directory);
    assert_int_equal(disk_open(disk_real(), path, DISK_CREATE, &file, &error), ERROR_NOT_FOUND);
    assert_string_equal(error.message, expected);
    (void)snprintf(path, sizeof(path), "%s/file", directory);
}

TEST(a_locked_file_is_refused_to_a_second_opener)
{
    struct disk_file *first, *second;
    struct error error;

    assert_int_equal(disk_open(disk_real(), path, DISK_CREATE, &first, NULL), OK);
    assert_int_equal(disk_open(disk_real(), path, DISK_CREATE, &second, NULL), OK);
    assert_int_equal(disk_lock(first, &error), OK);
    assert_int_equal(disk_lock(second, &error), ERROR_CONFLICT);
    disk_close(first);
    assert_int_equal(disk_lock(second, &error), OK);
    disk_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_written_one_behind_the_other_and_read_back),
        cmocka_unit_test(a_replaced_file_has_the_new_bytes_and_no_temporary_is_left),
        cmocka_unit_test(errors_name_the_path_and_the_reason),
        cmocka_unit_test(a_locked_file_is_refused_to_a_second_opener),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
