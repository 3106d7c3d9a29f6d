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

TEST(users_and_amounts_keep_to_their_limits_and_every_kind_is_there)
{
    struct transactions transactions;
    int unusual = 0, amounts = 0, places = 0, large = 0;
    int64_t largest = 0;
    int32_t highest = 0;

    transactions_init(&transactions, 42, 0.01);
    for (int i = 0; i < 100000; i++) {
        struct transaction made = transactions_next(&transactions);

        assert_in_range(made.user_id, 1, 10000);
        assert_in_range(made.amount_cents, 1, 500000);
        largest = made.amount_cents > largest ? made.amount_cents : largest;
        highest = made.user_id > highest ? made.user_id : highest;
        large += made.kind == NULL && made.amount_cents >= 50000;
        unusual += made.kind != NULL;
        amounts += made.kind != NULL && strcmp(made.kind, "amount") == 0;
        places += made.kind != NULL && strcmp(made.kind, "place") == 0;
        if (made.kind != NULL && strcmp(made.kind, "amount") == 0)
            assert_true(made.amount_cents >= 150000);
    }
    assert_in_range(highest, 9990, 10000);
    assert_in_range(largest, 490000, 500000);
    assert_in_range(amounts, 200, 500); /* 1 % begin something, a third of those each kind */
    assert_in_range(places, 200, 500);
    assert_in_range(unusual - amounts - places, 1500, 4000);
    assert_in_range(large, 100, 400);
}

TEST(a_burst_is_one_user_many_times_and_a_large_amount_at_the_end)
{
    struct transactions transactions;
    int length = 0, bursts = 0;
    int32_t user = 0;

    transactions_init(&transactions, 5, 0.02);
    for (int i = 0; i < 20000; i++) {
        struct transaction made = transactions_next(&transactions);

        if (made.kind == NULL || strcmp(made.kind, "burst") != 0) {
            assert_int_equal(length, 0); /* nobody comes between */
            continue;
        }
        if (length > 0)
            assert_int_equal(made.user_id, user);
        user = made.user_id;
        length++;
        if (made.amount_cents <= 400000)
            continue;
        assert_in_range(length, 6, 9);
        length = 0;
        bursts++;
    }
    assert_true(bursts > 50);
}

TEST(without_unusual_ones_there_are_none)
{
    struct transactions transactions;

    transactions_init(&transactions, 1, 0);
    for (int i = 0; i < 10000; i++) {
        struct transaction made = transactions_next(&transactions);

        assert_null(made.kind);
        assert_in_range(made.amount_cents, 1, 49999); /* nothing that looks so either */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_rows),
        cmocka_unit_test(users_and_amounts_keep_to_their_limits_and_every_kind_is_there),
        cmocka_unit_test(a_burst_is_one_user_many_times_and_a_large_amount_at_the_end),
        cmocka_unit_test(without_unusual_ones_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
