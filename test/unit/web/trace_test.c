#include "web/trace.h"

#include "check.h"
#include "os/clock.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include <ftw.h>
#include <limits.h>
#include <unistd.h>

#define TOPIC "shop.public.items"

static char directory[PATH_MAX];
static struct store *store;
static struct log *the_log;
static struct arena arena;
static struct api_call call;
static struct api_settings settings;
static struct trace trace;

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static void trace_begin(void)
{
    call = (struct api_call){.arena = &arena};
    settings = (struct api_settings){.log = the_log, .store = store};
    trace = (struct trace){.call = &call, .settings = &settings, .deadline_ms = clock_monotonic_ms() + 60000};
    trace.scan = scan_create(the_log);
    trace.decoder = change_decoder_create();
    trace.key_decoder = change_decoder_create();
    arena_init(&trace.scratch, 4096);
    trace.description = json_pack("{s:[{s:s}], s:[]}", "connectors", "name", "c", "agents");
    trace.groups = json_array();
}

static void trace_end(void)
{
    json_decref(trace.groups);
    json_decref(trace.description);
    arena_finish(&trace.scratch);
    change_decoder_destroy(trace.key_decoder);
    change_decoder_destroy(trace.decoder);
    scan_destroy(trace.scan);
}

static int setup(void **state)
{
    struct store_settings wanted = {.directory = directory, .default_partitions = 1, .flush_acks = false, .sync_threads = 1};
    struct log_topic_spec spec = {.name = TOPIC, .partitions = 3};
    struct error error;

    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-trace-test-XXXXXX");
    if (mkdtemp(directory) == NULL || store_open(&wanted, &store, &error) != OK)
        return 1;
    the_log = log_open_embedded(store);
    arena_init(&arena, 65536);
    if (stamps_start(the_log, 1 << 20, &error) != OK || log_topic_ensure(the_log, &spec, &error) != OK)
        return 1;
    trace_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    trace_end();
    stamps_stop(the_log);
    log_close(the_log);
    store_close(store);
    arena_finish(&arena);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One row of a transaction as the connector "c" publishes it, in a batch of its own. */
static void row_publish(int id, const char *operation, int64_t lsn, int64_t transaction, int64_t committed_us)
{
    const struct log_stamp stamp = {(uint64_t)lsn, (uint64_t)lsn, (uint64_t)transaction, (uint64_t)transaction, committed_us, committed_us, committed_us + 500, committed_us + 500};
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    struct log_writer *writer;
    struct buffer position;
    char key[40], value[400];
    uint64_t ticket;

    buffer_init(&position, 1000);
    (void)snprintf(key, sizeof(key), "{\"id\":%d}", id);
    (void)snprintf(value, sizeof(value),
                   "{\"before\":null,\"after\":{\"id\":%d},\"source\":{\"schema\":\"public\",\"table\":\"items\",\"ts_ms\":%lld,\"ts_us\":%lld,\"lsn\":%lld,\"txId\":%lld},\"op\":\"%s\",\"ts_ms\":%lld,\"ts_us\":%lld}", id,
                   (long long)committed_us / 1000, (long long)committed_us, (long long)lsn, (long long)transaction, operation, (long long)(committed_us + 500) / 1000, (long long)committed_us + 500);
    record_builder_init(&builder, 10000);
    assert_true(record_builder_append(&builder, (committed_us + 500) / 1000, slice_from_string(key), slice_from_string(value), NULL, 0));
    assert_int_equal(log_writer_open(the_log, "connector/c", &writer, &position, NULL), OK);
    assert_int_equal(log_append(writer, TOPIC, kafka_partition_for_key(slice_from_string(key), 3), record_builder_seal(&builder, &spec, NULL), NULL), OK);
    log_writer_stamp(writer, &stamp);
    assert_int_equal(log_publish(writer, slice_from_string("x"), &ticket, NULL), OK);
    assert_int_equal(log_flush(writer, NULL), OK);
    log_writer_close(writer);
    record_builder_finish(&builder);
    buffer_finish(&position);
}

/* `count` rows, ids, LSNs (×100) and transactions (+1000) from 1 on, received just now. */
static void rows_publish(int count)
{
    for (int i = 1; i <= count; i++)
        row_publish(i, "c", i * 100, 1000 + i, clock_now_us() - 1000);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
}

TEST(a_row_is_found_by_key_with_every_change_of_it)
{
    rows_publish(30);
    row_publish(7, "u", 5000, 2000, clock_now_us() - 1000);
    trace_find_key(&trace, "public.items", "id=7");
    assert_int_equal(trace.row_count, 2);
    assert_int_equal(trace.rows[0]->operation, 'c');
    assert_int_equal(trace.rows[0]->lsn, 700);
    assert_int_equal(trace.rows[1]->operation, 'u');
    assert_true(trace.looked.records > 0 && trace.looked.records < 31); /* only the partition of the key */
    assert_false(trace.looked.cut);
    trace_end();
    trace_begin();
    trace_find_key(&trace, "public.others", "id=7");
    trace_find_key(&trace, NULL, "id=31");
    assert_int_equal(trace.row_count, 0);
}

TEST(a_row_is_found_by_lsn_and_the_one_before_where_none_has_it)
{
    rows_publish(50);
    trace_find_lsn(&trace, 2300);
    assert_int_equal(trace.row_count, 1);
    assert_int_equal(trace.rows[0]->transaction_id, 1023);
    assert_null(trace.note);
    trace_end();
    trace_begin();
    trace_find_lsn(&trace, 2350); /* its commit record, say */
    assert_int_equal(trace.row_count, 1);
    assert_int_equal(trace.rows[0]->lsn, 2300);
    assert_non_null(trace.note);
    trace_end();
    trace_begin();
    trace_find_lsn(&trace, 50);
    assert_int_equal(trace.row_count, 0);
}

TEST(a_transaction_is_found_with_and_without_stamps)
{
    rows_publish(50);
    trace_find_transaction(&trace, 1042);
    assert_int_equal(trace.row_count, 1);
    assert_int_equal(trace.rows[0]->lsn, 4200);
    assert_true(trace.looked.records < 50); /* led there by the stamps */
    trace_end();
    stamps_stop(the_log);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string(STAMPS_TOPIC), NULL), OK);
    trace_begin();
    trace_find_transaction(&trace, 1042);
    assert_int_equal(trace.row_count, 1);
    assert_int_equal(trace.looked.records, 50);
    trace_way(&trace, trace.rows[0]);
    assert_int_equal(trace.rows[0]->known, TRACE_OFF);
}

TEST(the_way_of_a_row_has_its_batch_and_its_readers)
{
    const struct trace_pass *pass;
    struct trace_row *row;
    int64_t offset;

    rows_publish(20);
    trace_find_lsn(&trace, 1500);
    assert_int_equal(trace.row_count, 1);
    row = trace.rows[0];
    offset = row->offset;
    log_passed(the_log, LOG_READER_GROUP, "g\n127.0.0.1 c", TOPIC, row->partition, offset);     /* not past it yet */
    log_passed(the_log, LOG_READER_GROUP, "g\n127.0.0.1 c", TOPIC, row->partition, offset + 2);
    log_passed(the_log, LOG_READER_CLIENT, "127.0.0.1 c", TOPIC, row->partition, offset + 1);
    log_passed(the_log, LOG_READER_AGENT, "slow", TOPIC, row->partition, offset);
    log_passed(the_log, LOG_READER_AGENT, "other", TOPIC, (row->partition + 1) % 3, offset + 9);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    trace_way(&trace, row);
    assert_int_equal(row->known, TRACE_STAMPED);
    assert_true(row->committed_us < row->received_us && row->received_us <= row->appended_us && row->appended_us <= row->durable_us && row->durable_us <= row->published_us);
    pass = trace_pass_of(row, LOG_READER_GROUP, "g");
    assert_non_null(pass);
    assert_string_equal(pass->client, "127.0.0.1 c");
    assert_true(pass->exact && pass->after_us != 0 && pass->after_us <= pass->passed_us && pass->passed_us >= row->published_us);
    assert_non_null(trace_pass_of(row, LOG_READER_CLIENT, "127.0.0.1 c"));
    assert_null(trace_pass_of(row, LOG_READER_AGENT, "slow"));
    assert_null(trace_pass_of(row, LOG_READER_AGENT, "other"));
}

TEST(what_rolled_away_or_was_never_stamped_is_told_apart)
{
    struct log_record record = {slice_from_string("k"), slice_from_string("plain"), -1, NULL, 0};

    row_publish(1, "c", 100, 1001, clock_now_us() - 86400000000); /* received a day ago, long before the first stamp */
    stamps_stop(the_log);
    row_publish(2, "c", 200, 1002, clock_now_us() - 86400000000);
    assert_int_equal(stamps_start(the_log, 1 << 20, NULL), OK);
    log_passed(the_log, LOG_READER_AGENT, "a", TOPIC, 0, 1);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    assert_int_equal(log_write(the_log, TOPIC, 0, &record, 1, NULL, NULL), OK);
    trace_find_key(&trace, NULL, "id=2");
    trace_find_key(&trace, NULL, "k");
    assert_int_equal(trace.row_count, 2);
    for (size_t i = 0; i < trace.row_count; i++) {
        trace_way(&trace, trace.rows[i]);
        assert_int_equal(trace.rows[i]->known, trace.rows[i]->is_change ? TRACE_ROLLED : TRACE_UNSTAMPED);
    }
}

TEST(alerts_of_a_row_are_found_by_the_row_and_by_id)
{
    struct log_topic_spec spec = {.name = "shop.alerts", .partitions = 1};
    struct log_record alert = {slice_from_string("A-1"), slice_null(), -1, NULL, 0};
    json_t *found;
    char value[300];

    rows_publish(3);
    trace_find_lsn(&trace, 200);
    assert_int_equal(trace.row_count, 1);
    (void)snprintf(value, sizeof(value), "{\"id\":\"A-1\",\"agent\":\"f\",\"source\":{\"topic\":\"" TOPIC "\",\"partition\":%d,\"offset\":%lld,\"scored_us\":5}}", trace.rows[0]->partition,
                   (long long)trace.rows[0]->offset);
    alert.value = slice_from_string(value);
    assert_int_equal(log_topic_ensure(the_log, &spec, NULL), OK);
    assert_int_equal(log_write(the_log, "shop.alerts", 0, &alert, 1, NULL, NULL), OK);
    alert.value = slice_from_string("{\"id\":\"A-2\",\"note\":\"A-1\"}");
    assert_int_equal(log_write(the_log, "shop.alerts", 0, &alert, 1, NULL, NULL), OK);
    found = trace_alerts_of(&trace, trace.rows[0]);
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(member_text(json_array_get(found, 0), "id"), "A-1");
    json_decref(found);
    found = trace_find_alert(&trace, "A-1");
    assert_string_equal(member_text(json_object_get(found, "place"), "topic"), "shop.alerts");
    json_decref(found);
    assert_null(trace_find_alert(&trace, "A-3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_is_found_by_key_with_every_change_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_is_found_by_lsn_and_the_one_before_where_none_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_is_found_with_and_without_stamps, setup, teardown),
        cmocka_unit_test_setup_teardown(the_way_of_a_row_has_its_batch_and_its_readers, setup, teardown),
        cmocka_unit_test_setup_teardown(what_rolled_away_or_was_never_stamped_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(alerts_of_a_row_are_found_by_the_row_and_by_id, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
