#include "os/tree.h"

#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

static struct error error;

static void file_make(const char *directory, const char *name)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("x", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

TEST(a_tree_is_synced_and_removed_without_following_links)
{
    char root[] = "/tmp/tailrace-tree-XXXXXX", outside[] = "/tmp/tailrace-tree-XXXXXX", path[256];

    assert_non_null(mkdtemp(root));
    assert_non_null(mkdtemp(outside));
    file_make(outside, "kept");
    (void)snprintf(path, sizeof(path), "%s/a", root);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < 100; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "file%d", i);
        file_make(path, name);
    }
    (void)snprintf(path, sizeof(path), "%s/a/link", root);
    assert_int_equal(symlink(outside, path), 0);
    (void)snprintf(path, sizeof(path), "%s/a/nowhere", root);
    assert_int_equal(symlink("/nonexistent", path), 0);
    assert_int_equal(tree_sync(root, 8, &error), OK);
    assert_int_equal(tree_remove(root, &error), OK);
    assert_int_equal(access(root, F_OK), -1);
    (void)snprintf(path, sizeof(path), "%s/kept", outside);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(tree_remove(outside, &error), OK);
}

TEST(a_missing_tree_can_be_removed_but_not_synced)
{
    assert_int_equal(tree_remove("/tmp/tailrace-tree-nothing", &error), OK);
    assert_int_equal(tree_sync("/tmp/tailrace-tree-nothing", 2, &error), ERROR_DISK);
    assert_string_equal(error.message, "read /tmp/tailrace-tree-nothing: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_synced_and_removed_without_following_links),
        cmocka_unit_test(a_missing_tree_can_be_removed_but_not_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
