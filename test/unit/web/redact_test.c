#include "web/redact.h"

#include "check.h"

static struct redactor *redactor;

static void expect(const char *text, size_t count, const char *wanted)
{
    struct buffer out;

    buffer_init(&out, 4096);
    assert_int_equal(redactor_append(redactor, slice_from_string(text), &out), count);
    buffer_append_u8(&out, '\0');
    assert_string_equal((const char *)out.data, wanted);
    buffer_finish(&out);
}

static int learn(void **state)
{
    struct properties settings;

    (void)state;
    properties_init(&settings);
    properties_set(&settings, "database.password", "s3cret");
    properties_set(&settings, "sinks.mine.secret", "s3cret-and-longer");
    properties_set(&settings, "reports.average.conninfo", "host=db user=me password=conn-pw");
    properties_set(&settings, "console.token", "ab"); /* so short that it would be found everywhere */
    properties_set(&settings, "topic.prefix", "shop");
    redactor = redactor_create();
    redactor_learn(redactor, &settings);
    properties_finish(&settings);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    redactor_destroy(redactor);
    return 0;
}

TEST(known_secrets_are_taken_out_the_longest_first)
{
    expect("one s3cret, two s3cret-and-longer, conn-pw; shop and about stay", 3, "one ********, two ********, ********; shop and about stay");
    expect("s3cre", 0, "s3cre");
    expect("", 0, "");
}

TEST(what_looks_like_a_secret_is_taken_out)
{
    expect("host=db password=abc user=me", 1, "host=db password=******** user=me");
    expect("postgresql://me:pw@db:5432/x and http://db:5432/y", 1, "postgresql://me:********@db:5432/x and http://db:5432/y");
    expect("Authorization: Bearer abc.def, http://h:1/#token=0123", 2, "Authorization: Bearer ********, http://h:1/#token=********");
    expect("password=******** stays", 0, "password=******** stays");
    expect("password=", 0, "password=");
    expect("https://a", 0, "https://a");
}

TEST(names_of_secrets_are_known)
{
    assert_true(redact_is_secret("reports.average.conninfo"));
    assert_true(redact_is_secret("console.read.token"));
    assert_false(redact_is_secret("topic.prefix"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_secrets_are_taken_out_the_longest_first),
        cmocka_unit_test(what_looks_like_a_secret_is_taken_out),
        cmocka_unit_test(names_of_secrets_are_known),
    };
    return cmocka_run_group_tests(tests, learn, forget);
}
