#include "cli/secrets.h"

#include "check.h"

static void masks(const char *before, const char *after)
{
    json_t *value = json_loads(before, JSON_DECODE_ANY, NULL), *expected = json_loads(after, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    assert_non_null(expected);
    secrets_mask_json(value);
    assert_true(json_equal(value, expected));
    json_decref(value);
    json_decref(expected);
}

TEST(passwords_are_masked_at_any_depth)
{
    masks("{\"database.password\":\"a\",\"name\":\"x\",\"tasks\":[{\"config\":{\"ssl.keystore.password\":\"b\",\"api.token\":\"c\"}}]}",
          "{\"database.password\":\"********\",\"name\":\"x\",\"tasks\":[{\"config\":{\"ssl.keystore.password\":\"********\",\"api.token\":\"********\"}}]}");
}

TEST(values_of_named_settings_are_masked)
{
    masks("[{\"name\":\"database.password\",\"value\":\"a\"},{\"name\":\"database.user\",\"value\":\"b\"}]",
          "[{\"name\":\"database.password\",\"value\":\"********\"},{\"name\":\"database.user\",\"value\":\"b\"}]");
}

TEST(placeholders_and_empty_values_stay)
{
    masks("{\"database.password\":\"${file:/s:pw}\",\"sasl.jaas.config\":\"\",\"other.secret\":null}",
          "{\"database.password\":\"${file:/s:pw}\",\"sasl.jaas.config\":\"\",\"other.secret\":null}");
}

TEST(what_is_only_named_like_a_secret_is_looked_into)
{
    masks("{\"password-reset\":{\"status\":\"RUNNING\",\"config\":{\"my.password\":\"a\"}}}",
          "{\"password-reset\":{\"status\":\"RUNNING\",\"config\":{\"my.password\":\"********\"}}}");
    masks("\"text\"", "\"text\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_masked_at_any_depth),
        cmocka_unit_test(values_of_named_settings_are_masked),
        cmocka_unit_test(placeholders_and_empty_values_stay),
        cmocka_unit_test(what_is_only_named_like_a_secret_is_looked_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
