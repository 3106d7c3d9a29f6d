#include "connect/secrets.h"

#include "check.h"

#include <unistd.h>

static enum status resolve(const char *value, char *found, size_t size, struct error *error)
{
    struct properties config, resolved;
    enum status status;

    properties_init(&config);
    properties_set(&config, "database.password", value);
    status = secrets_resolve(&config, &resolved, error);
    (void)snprintf(found, size, "%s", properties_get(&resolved, "database.password"));
    properties_finish(&resolved);
    properties_finish(&config);
    return status;
}

TEST(placeholders_are_replaced_wherever_they_stand)
{
    char path[] = "/tmp/secrets_test_XXXXXX";
    int fd = mkstemp(path);
    char value[256], found[256];
    struct error error;

    assert_int_equal(write(fd, "password = open:sesame\nuser=x\n", 30), 30);
    (void)close(fd);
    (void)setenv("TAILRACE_TEST_VALUE", "v", 1);
    assert_int_equal(resolve("plain", found, sizeof(found), &error), OK);
    assert_string_equal(found, "plain");
    (void)snprintf(value, sizeof(value), "a${file:%s:password}b${env:TAILRACE_TEST_VALUE}", path);
    assert_int_equal(resolve(value, found, sizeof(found), &error), OK);
    assert_string_equal(found, "aopen:sesamebv");
    assert_int_equal(resolve("${other:x:y} ${unfinished", found, sizeof(found), &error), OK);
    assert_string_equal(found, "${other:x:y} ${unfinished");
    (void)snprintf(value, sizeof(value), "${file:%s:missing}", path);
    assert_int_equal(resolve(value, found, sizeof(found), &error), ERROR_BAD_INPUT);
    assert_non_null(strstr(error.message, "setting database.password: the file /tmp/secrets_test_"));
    assert_null(strstr(error.message, "sesame"));
    (void)unlink(path);
    assert_int_equal(resolve("${env:TAILRACE_NO_SUCH}", found, sizeof(found), &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "setting database.password: the environment variable TAILRACE_NO_SUCH is not set");
}

TEST(a_masked_value_that_comes_back_is_the_stored_one)
{
    struct properties stored, shown;

    properties_init(&stored);
    properties_set(&stored, "database.password", "secret");
    properties_set(&stored, "database.sslpassword", "${env:X}");
    properties_set(&stored, "database.user", "********");
    properties_copy(&shown, &stored);
    secrets_mask(&shown);
    assert_string_equal(properties_get(&shown, "database.password"), SECRET_MASK);
    assert_string_equal(properties_get(&shown, "database.sslpassword"), "${env:X}");
    secrets_unmask(&shown, &stored);
    assert_string_equal(properties_get(&shown, "database.password"), "secret");
    assert_string_equal(properties_get(&shown, "database.user"), "********");
    properties_finish(&shown);
    properties_finish(&stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_are_replaced_wherever_they_stand),
        cmocka_unit_test(a_masked_value_that_comes_back_is_the_stored_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
