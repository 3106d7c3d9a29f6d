/* model.c as it is built where XGBoost's header is missing. */
#include "agents/model.h"

#include "check.h"

TEST(a_build_without_xgboost_says_what_to_install)
{
    struct model *model;
    struct error failure;

    assert_string_equal(model_why_not(), "this build cannot use models: install libxgboost-dev and build again");
    assert_int_equal(model_load("any.json", &model, &failure), ERROR_MODEL);
    assert_string_equal(failure.message, model_why_not());
    assert_null(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_xgboost_says_what_to_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
