#include "check.h"

#include "base/buffer.h"
#include "base/time.h"
#include "wire/postgres/pgoutput.h"

static struct buffer bytes;
static struct pgoutput_decoder decoder;
static struct pgoutput_message message;

static int before(void **state __attribute__((unused)))
{
    buffer_init(&bytes, 1 << 20);
    pgoutput_decoder_init(&decoder);
    return 0;
}

static int after(void **state __attribute__((unused)))
{
    buffer_finish(&bytes);
    pgoutput_decoder_finish(&decoder);
    return 0;
}

static void put_cstring(const char *text)
{
    buffer_append(&bytes, text, strlen(text) + 1);
}

static void put_text(const char *text)
{
    buffer_append_u8(&bytes, 't');
    buffer_append_u32(&bytes, (uint32_t)strlen(text));
    buffer_append_string(&bytes, text);
}

static bool decode(void)
{
    return pgoutput_decode(&decoder, buffer_slice(&bytes), &message);
}

/* Whatever is cut off must be noticed, and nothing read past the end (the sanitizer watches: each cut is a copy of its size). */
static void check_every_cut_fails(void)
{
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *cut = malloc(size + (size == 0));
        struct pgoutput_message ignored;

        memcpy(cut, bytes.data, size);
        assert_false(pgoutput_decode(&decoder, slice_of(cut, size), &ignored));
        free(cut);
    }
    buffer_append_u8(&bytes, 0);
    assert_false(decode());
    bytes.size--;
    assert_true(decode());
}

TEST(lsn_text_goes_both_ways)
{
    char text[PG_LSN_TEXT_SIZE];
    uint64_t lsn;

    pg_lsn_to_text(UINT64_C(0x16B374D848), text);
    assert_string_equal(text, "16/B374D848");
    pg_lsn_to_text(UINT64_MAX, text);
    assert_string_equal(text, "FFFFFFFF/FFFFFFFF");
    assert_true(pg_lsn_from_text(slice_from_string("16/b374D848"), &lsn));
    assert_int_equal(lsn, UINT64_C(0x16B374D848));
    assert_true(pg_lsn_from_text(slice_from_string("0/0"), &lsn));
    assert_int_equal(lsn, 0);
}

TEST(lsn_text_that_is_none_is_refused)
{
    const char *wrong[] = {"", "/", "1/", "/1", "1", "123456789/0", "0/123456789", "0/1 ", "x/1", "1/1/1", "-1/1"};
    uint64_t lsn;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(pg_lsn_from_text(slice_from_string(wrong[i]), &lsn));
}

TEST(stream_data_and_keepalives_are_told_apart)
{
    struct replication_message in;

    buffer_append_u8(&bytes, 'w');
    buffer_append_u64(&bytes, 100);
    buffer_append_u64(&bytes, 200);
    buffer_append_u64(&bytes, 5);
    buffer_append_string(&bytes, "xyz");
    assert_true(replication_message_read(buffer_slice(&bytes), &in));
    assert_int_equal(in.kind, REPLICATION_DATA);
    assert_int_equal(in.start_lsn, 100);
    assert_int_equal(in.end_lsn, 200);
    assert_int_equal(in.sent_us, INT64_C(946684800000005));
    assert_true(slice_equal_string(in.data, "xyz"));

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'k');
    buffer_append_u64(&bytes, 300);
    buffer_append_u64(&bytes, 0);
    assert_false(replication_message_read(buffer_slice(&bytes), &in));
    buffer_append_u8(&bytes, 1);
    assert_true(replication_message_read(buffer_slice(&bytes), &in));
    assert_int_equal(in.end_lsn, 300);
    assert_true(in.reply_requested);

    bytes.data[0] = 'z';
    assert_false(replication_message_read(buffer_slice(&bytes), &in));
    assert_false(replication_message_read(slice_null(), &in));
}

TEST(standby_status_has_postgres_bytes)
{
    uint8_t out[STANDBY_STATUS_SIZE];
    static const uint8_t expected[] = {'r', 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2,
                                       0,   0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1};

    standby_status_write(out, 3, 2, 1, POSTGRES_EPOCH_SECONDS * US_PER_SECOND + 7, true);
    assert_memory_equal(out, expected, sizeof(expected));
}

TEST(begin_and_commit_give_times_since_1970)
{
    buffer_append_u8(&bytes, 'B');
    buffer_append_u64(&bytes, 77);
    buffer_append_u64(&bytes, (uint64_t)INT64_C(-1));
    buffer_append_u32(&bytes, 731);
    assert_true(decode());
    assert_int_equal(message.kind, PGOUTPUT_BEGIN);
    assert_int_equal(message.begin.final_lsn, 77);
    assert_int_equal(message.begin.commit_time_us, INT64_C(946684799999999));
    assert_int_equal(message.begin.xid, 731);
    check_every_cut_fails();

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'C');
    buffer_append_u8(&bytes, 0);
    buffer_append_u64(&bytes, 78);
    buffer_append_u64(&bytes, 79);
    buffer_append_u64(&bytes, 0);
    assert_true(decode());
    assert_int_equal(message.commit.end_lsn, 79);
    check_every_cut_fails();
}

TEST(relation_gives_its_columns)
{
    struct pgoutput_column column;

    buffer_append_u8(&bytes, 'R');
    buffer_append_u32(&bytes, 16384);
    put_cstring("public");
    put_cstring("t");
    buffer_append_u8(&bytes, 'd');
    buffer_append_u16(&bytes, 2);
    buffer_append_u8(&bytes, 1);
    put_cstring("id");
    buffer_append_u32(&bytes, 23);
    buffer_append_u32(&bytes, UINT32_MAX);
    buffer_append_u8(&bytes, 0);
    put_cstring("v");
    buffer_append_u32(&bytes, 1043);
    buffer_append_u32(&bytes, 44);
    assert_true(decode());
    assert_int_equal(message.relation.oid, 16384);
    assert_string_equal(message.relation.schema, "public");
    assert_string_equal(message.relation.name, "t");
    assert_int_equal(message.relation.replica_identity, 'd');
    assert_int_equal(message.relation.column_count, 2);
    assert_true(pgoutput_column_next(&message.relation, &column));
    assert_string_equal(column.name, "id");
    assert_true(column.in_key);
    assert_int_equal(column.modifier, -1);
    assert_true(pgoutput_column_next(&message.relation, &column));
    assert_string_equal(column.name, "v");
    assert_false(column.in_key);
    assert_int_equal(column.type_oid, 1043);
    assert_int_equal(column.modifier, 44);
    assert_false(pgoutput_column_next(&message.relation, &column));
    check_every_cut_fails();
}

TEST(changes_carry_their_rows)
{
    buffer_append_u8(&bytes, 'U');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'K');
    buffer_append_u16(&bytes, 2);
    put_text("1");
    buffer_append_u8(&bytes, 'n');
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 2);
    put_text("2");
    buffer_append_u8(&bytes, 'u');
    assert_true(decode());
    assert_true(message.change.has_old);
    assert_true(message.change.old_is_key);
    assert_int_equal(message.change.old.count, 2);
    assert_true(slice_equal_string(message.change.old.values[0].text, "1"));
    assert_int_equal(message.change.old.values[1].kind, PG_VALUE_NULL);
    assert_true(slice_equal_string(message.change.new.values[0].text, "2"));
    assert_int_equal(message.change.new.values[1].kind, PG_VALUE_UNCHANGED);
    check_every_cut_fails();

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'I');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 1);
    put_text("");
    assert_true(decode());
    assert_false(message.change.has_old);
    assert_int_equal(message.change.new.count, 1);
    check_every_cut_fails();

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'D');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'O');
    buffer_append_u16(&bytes, 1);
    put_text("x");
    assert_true(decode());
    assert_true(message.change.has_old);
    assert_false(message.change.old_is_key);
    check_every_cut_fails();
}

TEST(counts_that_lie_are_refused)
{
    buffer_append_u8(&bytes, 'I');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 0xffff);
    put_text("1");
    assert_false(decode());

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'T');
    buffer_append_u32(&bytes, 0x40000001);
    buffer_append_u8(&bytes, 0);
    buffer_append_u32(&bytes, 1);
    assert_false(decode());

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'I');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 1);
    buffer_append_u8(&bytes, 't');
    buffer_append_u32(&bytes, UINT32_MAX);
    assert_false(decode());
}

TEST(truncate_lists_its_tables)
{
    buffer_append_u8(&bytes, 'T');
    buffer_append_u32(&bytes, 2);
    buffer_append_u8(&bytes, PGOUTPUT_TRUNCATE_CASCADE);
    buffer_append_u32(&bytes, 11);
    buffer_append_u32(&bytes, 12);
    assert_true(decode());
    assert_int_equal(message.truncate.options, PGOUTPUT_TRUNCATE_CASCADE);
    assert_int_equal(message.truncate.relation_count, 2);
    assert_int_equal(read_u32(&message.truncate.relations), 11);
    assert_int_equal(read_u32(&message.truncate.relations), 12);
    check_every_cut_fails();
}

TEST(emitted_messages_origins_and_types_are_read)
{
    buffer_append_u8(&bytes, 'M');
    buffer_append_u8(&bytes, 1);
    buffer_append_u64(&bytes, 9);
    put_cstring("pfx");
    buffer_append_u32(&bytes, 5);
    buffer_append_string(&bytes, "hello");
    assert_true(decode());
    assert_true(message.message.transactional);
    assert_string_equal(message.message.prefix, "pfx");
    assert_true(slice_equal_string(message.message.content, "hello"));
    check_every_cut_fails();

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'O');
    buffer_append_u64(&bytes, 9);
    put_cstring("elsewhere");
    assert_true(decode());
    assert_string_equal(message.origin.name, "elsewhere");
    check_every_cut_fails();

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'Y');
    buffer_append_u32(&bytes, 16400);
    put_cstring("public");
    put_cstring("mood");
    assert_true(decode());
    assert_string_equal(message.type.name, "mood");
    check_every_cut_fails();
}

TEST(changes_in_a_streamed_block_name_their_transaction)
{
    buffer_append_u8(&bytes, 'S');
    buffer_append_u32(&bytes, 900);
    buffer_append_u8(&bytes, 1);
    assert_true(decode());
    assert_true(message.stream_start.first_segment);

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'I');
    buffer_append_u32(&bytes, 901);
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 0);
    assert_true(decode());
    assert_int_equal(message.xid, 901);
    assert_int_equal(message.change.relation_oid, 5);

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'E');
    assert_true(decode());
    assert_false(decoder.in_stream);

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'c');
    buffer_append_u32(&bytes, 900);
    buffer_append_u8(&bytes, 0);
    for (uint64_t i = 1; i <= 3; i++)
        buffer_append_u64(&bytes, i);
    assert_true(decode());
    assert_int_equal(message.commit.xid, 900);
    assert_int_equal(message.commit.end_lsn, 2);

    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'A');
    buffer_append_u32(&bytes, 900);
    buffer_append_u32(&bytes, 902);
    assert_true(decode());
    assert_int_equal(message.stream_abort.subxid, 902);
    assert_false(message.stream_abort.has_abort);
    buffer_append_u64(&bytes, 55);
    buffer_append_u64(&bytes, 0);
    assert_true(decode());
    assert_true(message.stream_abort.has_abort);
    assert_int_equal(message.stream_abort.abort_lsn, 55);
}

TEST(unknown_messages_and_values_are_refused)
{
    buffer_append_u8(&bytes, '?');
    assert_false(decode());
    buffer_reset(&bytes);
    buffer_append_u8(&bytes, 'I');
    buffer_append_u32(&bytes, 5);
    buffer_append_u8(&bytes, 'N');
    buffer_append_u16(&bytes, 1);
    buffer_append_u8(&bytes, 'b'); /* binary: never asked for */
    buffer_append_u32(&bytes, 0);
    assert_false(decode());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lsn_text_goes_both_ways),
        cmocka_unit_test(lsn_text_that_is_none_is_refused),
        cmocka_unit_test_setup_teardown(stream_data_and_keepalives_are_told_apart, before, after),
        cmocka_unit_test(standby_status_has_postgres_bytes),
        cmocka_unit_test_setup_teardown(begin_and_commit_give_times_since_1970, before, after),
        cmocka_unit_test_setup_teardown(relation_gives_its_columns, before, after),
        cmocka_unit_test_setup_teardown(changes_carry_their_rows, before, after),
        cmocka_unit_test_setup_teardown(counts_that_lie_are_refused, before, after),
        cmocka_unit_test_setup_teardown(truncate_lists_its_tables, before, after),
        cmocka_unit_test_setup_teardown(emitted_messages_origins_and_types_are_read, before, after),
        cmocka_unit_test_setup_teardown(changes_in_a_streamed_block_name_their_transaction, before, after),
        cmocka_unit_test_setup_teardown(unknown_messages_and_values_are_refused, before, after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
