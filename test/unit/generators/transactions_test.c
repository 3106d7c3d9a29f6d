#include "generators/transactions.h"

#include "check.h"

TEST(the_same_seed_gives_the_same_rows)
{
    struct transactions first, second, other;
    int different = 0;

    transactions_init(&first, 7, 0.1);
    transactions_init(&second, 7, 0.1);
    transactions_init(&other, 8, 0.1);
    for (int i = 0; i < 1000; i++) {
        struct transaction a = transactions_next(&first), b = transactions_next(&second), c = transactions_next(&other);

        assert_int_equal(a.user_id, b.user_id);
        assert_int_equal(a.amount_cents, b.amount_cents);
        assert_ptr_equal(a.merchant, b.merchant);
        different += a.user_id != c.user_id;
    }
    assert_true(different > 900);
}

TEST(amounts_fit_the_column_and_unusual_ones_stand_out)
{
    struct transactions transactions;
    int unusual = 0, large = 0;

    transactions_init(&transactions, 42, 0.01);
    for (int i = 0; i < 100000; i++) {
        struct transaction made = transactions_next(&transactions);

        assert_in_range(made.user_id, 1, 1000);
        assert_in_range(made.amount_cents, 1, 950000);
        if (made.amount_cents >= 150000) {
            assert_true(made.is_unusual);
            large++;
        }
        unusual += made.is_unusual;
    }
    assert_in_range(unusual, 1500, 6000); /* 1 % begin something, and half of those are bursts */
    assert_in_range(large, 300, 700);
}

TEST(without_unusual_ones_there_are_none)
{
    struct transactions transactions;

    transactions_init(&transactions, 1, 0);
    for (int i = 0; i < 10000; i++)
        assert_false(transactions_next(&transactions).is_unusual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_rows),
        cmocka_unit_test(amounts_fit_the_column_and_unusual_ones_stand_out),
        cmocka_unit_test(without_unusual_ones_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
