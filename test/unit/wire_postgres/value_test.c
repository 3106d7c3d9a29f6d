#include "check.h"

#include "wire/postgres/value.h"

static struct pg_timestamp read_timestamp(const char *text, bool zone)
{
    struct pg_timestamp timestamp;

    if (!pg_timestamp_read(slice_from_string(text), zone, &timestamp))
        fail_msg("%s is a timestamp", text);
    return timestamp;
}

TEST(days_go_both_ways)
{
    static const struct {
        int64_t year;
        unsigned month, day;
        int64_t days;
    } rows[] = {{1970, 1, 1, 0},         {2000, 2, 29, 11016},  {2024, 3, 1, 19783},     {1969, 12, 31, -1},
                {1, 1, 1, -719162},      {0, 12, 31, -719163},  {-4712, 1, 1, -2440550}, {5874897, 12, 31, INT64_C(2145042905)},
                {1582, 10, 15, -141427}, {1600, 2, 29, -135081}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t year;
        unsigned month, day;

        assert_int_equal(days_from_civil(rows[i].year, rows[i].month, rows[i].day), rows[i].days);
        civil_from_days(rows[i].days, &year, &month, &day);
        assert_int_equal(year, rows[i].year);
        assert_int_equal(month, rows[i].month);
        assert_int_equal(day, rows[i].day);
    }
    for (int64_t days = -800000; days < 800000; days += 37) {
        int64_t year;
        unsigned month, day;

        civil_from_days(days, &year, &month, &day);
        assert_int_equal(days_from_civil(year, month, day), days);
    }
}

TEST(timestamps_are_taken_apart)
{
    struct pg_timestamp t = read_timestamp("2024-02-29 13:14:15.123456", false);

    assert_int_equal(t.days, 19782);
    assert_int_equal(t.micros, INT64_C(47655123456));
    t = read_timestamp("2024-02-29 13:14:15.1+05:30", true);
    assert_int_equal(t.micros, INT64_C(47655100000));
    assert_int_equal(t.offset_seconds, 19800);
    t = read_timestamp("1883-11-18 12:03:57-04:56:02", true);
    assert_int_equal(t.offset_seconds, -17762);
    t = read_timestamp("0044-03-15 10:00:00 BC", false);
    assert_true(t.before_christ);
    assert_int_equal(t.days, -735160);
    t = read_timestamp("294276-12-31 23:59:59.999999", false);
    assert_int_equal(t.days, days_from_civil(294276, 12, 31));
    assert_int_equal(read_timestamp("infinity", false).infinity, 1);
    assert_int_equal(read_timestamp("-infinity", true).infinity, -1);
}

TEST(what_is_no_timestamp_is_refused)
{
    const char *wrong[] = {"",
                           "2024-02-29",
                           "2024-2-29 00:00:00",
                           "2024-13-01 00:00:00",
                           "2024-12-32 00:00:00",
                           "2024-02-29T13:14:15",
                           "2024-02-29 13:14",
                           "2024-02-29 13:60:15",
                           "2024-02-29 24:00:01",
                           "2024-02-29 13:14:15.",
                           "2024-02-29 13:14:15x",
                           "0000-01-01 00:00:00",
                           "999999999-01-01 00:00:00",
                           "Infinity"};
    struct pg_timestamp timestamp;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(pg_timestamp_read(slice_from_string(wrong[i]), false, &timestamp));
    assert_false(pg_timestamp_read(slice_from_string("2024-02-29 13:14:15"), true, &timestamp)); /* the zone is missing */
}

TEST(times_reach_to_midnight)
{
    struct pg_timestamp t;

    assert_true(pg_time_read(slice_from_string("24:00:00"), false, &t));
    assert_int_equal(t.micros, INT64_C(86400000000));
    assert_true(pg_time_read(slice_from_string("23:59:59.999999-15:59"), true, &t));
    assert_int_equal(t.offset_seconds, -57540);
    assert_false(pg_time_read(slice_from_string("24:00:00.000001"), false, &t));
    assert_false(pg_time_read(slice_from_string("12:00"), false, &t));
    assert_true(pg_date_read(slice_from_string("5874897-12-31"), &t));
    assert_false(pg_date_read(slice_from_string("2024-01-01 "), &t));
}

static void check_interval(const char *text, int64_t years, int64_t months, int64_t days, int64_t hours, int64_t minutes, int64_t micros)
{
    struct pg_interval i;

    assert_true(pg_interval_read(slice_from_string(text), &i));
    assert_int_equal(i.years, years);
    assert_int_equal(i.months, months);
    assert_int_equal(i.days, days);
    assert_int_equal(i.hours, hours);
    assert_int_equal(i.minutes, minutes);
    assert_int_equal(i.micros, micros);
}

TEST(intervals_have_a_sign_for_each_part)
{
    const char *wrong[] = {"", "1", "1 week", "1 year ", "1 year  2 mons", "-04:05", "1 day 04:05:06 1 day", "year", "99999999999999 days"};
    struct pg_interval interval;

    check_interval("1 year 2 mons 3 days 04:05:06.789", 1, 2, 3, 4, 5, 6789000);
    check_interval("-1 mons +2 days -00:00:00.000001", 0, -1, 2, 0, 0, -1);
    check_interval("-13 mons", 0, -13, 0, 0, 0, 0);
    check_interval("2147483648:00:00", 0, 0, 0, INT64_C(2147483648), 0, 0);
    check_interval("00:00:00", 0, 0, 0, 0, 0, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(pg_interval_read(slice_from_string(wrong[i]), &interval));
}

TEST(numerics_and_integers_are_told_from_others)
{
    const char *wrong[] = {"", "-", ".5", "1.", "1e5", "+1", "nan", "1 "};
    struct pg_numeric numeric;
    int64_t value;

    assert_true(pg_numeric_read(slice_from_string("-0012.340"), &numeric));
    assert_true(numeric.negative);
    assert_true(slice_equal_string(numeric.whole, "0012"));
    assert_true(slice_equal_string(numeric.fraction, "340"));
    assert_true(pg_numeric_read(slice_from_string("-Infinity"), &numeric));
    assert_int_equal(numeric.special, PG_MINUS_INFINITY);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(pg_numeric_read(slice_from_string(wrong[i]), &numeric));
    assert_true(pg_integer_read(slice_from_string("-9223372036854775808"), &value));
    assert_int_equal(value, INT64_MIN);
    assert_false(pg_integer_read(slice_from_string("9223372036854775808"), &value));
    assert_false(pg_integer_read(slice_from_string("99999999999999999999"), &value));
    assert_false(pg_integer_read(slice_from_string("1a"), &value));
}

TEST(bytea_is_decoded)
{
    struct buffer out;

    buffer_init(&out, 100);
    assert_true(pg_bytea_read(slice_from_string("\\xDeadbeef00"), &out));
    assert_int_equal(out.size, 5);
    assert_memory_equal(out.data, "\xde\xad\xbe\xef\x00", 5);
    assert_false(pg_bytea_read(slice_from_string("\\xabc"), &out));
    assert_false(pg_bytea_read(slice_from_string("\\xzz"), &out));
    assert_false(pg_bytea_read(slice_from_string("abcd"), &out));
    assert_false(pg_bytea_read(slice_from_string(""), &out));
    buffer_finish(&out);
}

/* All elements joined by '|', NULL as ~, nested ones in <>; "!" when it is broken. */
static void check_array(const char *text, const char *expected)
{
    struct pg_array_reader reader;
    struct buffer unescaped, joined;
    struct slice element;
    enum pg_next next;

    buffer_init(&unescaped, 1000);
    buffer_init(&joined, 1000);
    if (!pg_array_start(&reader, slice_from_string(text), ',')) {
        buffer_append_string(&joined, "!");
    } else {
        while ((next = pg_array_next(&reader, &unescaped, &element)) == PG_NEXT_ELEMENT || next == PG_NEXT_NULL) {
            if (next == PG_NEXT_NULL)
                buffer_append_string(&joined, "~|");
            else
                buffer_append_format(&joined, reader.nested ? "<%.*s>|" : "%.*s|", (int)element.size, (const char *)element.data);
        }
        buffer_append_string(&joined, next == PG_NEXT_END ? "" : "!");
    }
    buffer_append_u8(&joined, 0);
    assert_string_equal(joined.data, expected);
    buffer_finish(&unescaped);
    buffer_finish(&joined);
}

TEST(arrays_are_walked)
{
    check_array("{}", "");
    check_array("{1,NULL,3}", "1|~|3|");
    check_array("{\"a b\",null,\"\",\"NULL\",\"q\\\"\\\\\"}", "a b|~||NULL|q\"\\|");
    check_array("[5:6]={1,2}", "1|2|");
    check_array("{{1,2},{3,\"}\"}}", "<{1,2}>|<{3,\"}\"}>|");
    check_array("{a\\,b,c}", "a,b|c|");
    check_array("", "!");
    check_array("{", "!");
    check_array("{1", "!");
    check_array("{1,}", "1|!");
    check_array("{,1}", "!");
    check_array("{\"a}", "!");
    check_array("{1}x}", "1|!");
    check_array("{{1}", "<{1}>|!");
    check_array("{a\\}", "!");
    check_array("[1:2]", "!");
}

TEST(hstores_are_walked)
{
    struct slice rest = slice_from_string("\"k\"=>\"v w\", \"n\"=>NULL, \"q\\\"\"=>\"b\\\\s\"");
    struct buffer key, value;
    bool is_null;

    buffer_init(&key, 1000);
    buffer_init(&value, 1000);
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_ELEMENT);
    assert_true(slice_equal_string(buffer_slice(&key), "k"));
    assert_true(slice_equal_string(buffer_slice(&value), "v w"));
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_ELEMENT);
    assert_true(is_null);
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_ELEMENT);
    assert_true(slice_equal_string(buffer_slice(&key), "q\""));
    assert_true(slice_equal_string(buffer_slice(&value), "b\\s"));
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_END);
    rest = slice_from_string("\"k\"=>\"v\",");
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_BROKEN);
    rest = slice_from_string("k=>v");
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_BROKEN);
    rest = slice_from_string("\"k\"=>");
    assert_int_equal(pg_hstore_next(&rest, &key, &value, &is_null), PG_NEXT_BROKEN);
    buffer_finish(&key);
    buffer_finish(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_go_both_ways),
        cmocka_unit_test(timestamps_are_taken_apart),
        cmocka_unit_test(what_is_no_timestamp_is_refused),
        cmocka_unit_test(times_reach_to_midnight),
        cmocka_unit_test(intervals_have_a_sign_for_each_part),
        cmocka_unit_test(numerics_and_integers_are_told_from_others),
        cmocka_unit_test(bytea_is_decoded),
        cmocka_unit_test(arrays_are_walked),
        cmocka_unit_test(hstores_are_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
