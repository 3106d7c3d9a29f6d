#include "check.h"

#include "os/resolver.h"

#include "base/banned.h"

#include <poll.h>

static enum status resolve(const char *name, struct resolved *resolved, struct error *error)
{
    struct resolver *resolver = NULL;
    struct pollfd fd = {.events = POLLIN};
    enum status status;

    assert_int_equal(resolver_start(name, &resolver, error), OK);
    fd.fd = resolver_fd(resolver);
    assert_int_equal(poll(&fd, 1, 30000), 1);
    status = resolver_result(resolver, resolved, error);
    resolver_close(resolver);
    return status;
}

TEST(an_address_means_itself)
{
    struct resolved resolved;
    struct error error;

    assert_int_equal(resolve("127.0.0.1", &resolved, &error), OK);
    assert_int_equal(resolved.count, 1);
    assert_string_equal(resolved.addresses[0], "127.0.0.1");
    assert_int_equal(resolve("::1", &resolved, &error), OK);
    assert_string_equal(resolved.addresses[0], "::1");
}

TEST(a_name_that_cannot_be_is_refused)
{
    struct resolved resolved;
    struct error error;

    assert_int_equal(resolve("not a name", &resolved, &error), ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "could not translate host name \"not a name\" to address: "));
}

TEST(nobody_has_to_wait_for_the_answer)
{
    for (int i = 0; i < 20; i++) {
        struct resolver *resolver = NULL;

        assert_int_equal(resolver_start("127.0.0.1", &resolver, NULL), OK);
        resolver_close(resolver);
    }
    resolver_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_means_itself),
        cmocka_unit_test(a_name_that_cannot_be_is_refused),
        cmocka_unit_test(nobody_has_to_wait_for_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
