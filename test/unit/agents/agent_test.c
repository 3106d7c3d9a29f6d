#include "agents/agent.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include "check.h"

#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

static char directory[PATH_MAX];
static struct store *store;
static struct log *the_log;
static struct error failure;

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static void open_log(void)
{
    struct store_settings settings = {.directory = directory, .default_partitions = 1, .flush_acks = true, .sync_threads = 2};

    if (store_open(&settings, &store, &failure) != OK)
        fail_msg("%s", failure.message);
    the_log = log_open_embedded(store);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-agent-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return 1;
    open_log();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_close(the_log);
    store_close(store);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void topic_make(const char *name, int32_t partitions)
{
    struct log_topic_spec spec = {.name = name, .partitions = partitions};

    assert_int_equal(log_topic_ensure(the_log, &spec, &failure), OK);
}

static void row_write(const char *topic, int32_t partition, int id, int user, const char *amount)
{
    char value[256];
    struct log_record record = {slice_from_string("k"), slice_null(), -1, NULL, 0};
    int64_t offset;

    (void)snprintf(value, sizeof(value),
                   "{\"before\":null,\"after\":{\"id\":%d,\"user_id\":%d,\"amount\":%s},\"source\":{\"ts_us\":%d,\"lsn\":%d},\"op\":\"c\"}", id, user, amount,
                   1000000 + id, id);
    record.value = slice_from_string(value);
    assert_int_equal(log_write(the_log, topic, partition, &record, 1, &offset, &failure), OK);
}

static void text_write(const char *topic, const char *text)
{
    struct log_record record = {slice_null(), slice_from_string(text), -1, NULL, 0};
    int64_t offset;

    assert_int_equal(log_write(the_log, topic, 0, &record, 1, &offset, &failure), OK);
}

static struct agent *agent_of_every(const char *rule, const char *topic, bool from_beginning, int64_t checkpoint_ms)
{
    struct agent_spec spec;
    struct agent *agent;

    agent_spec_init(&spec);
    spec.name = "fraud";
    spec.rule = rule;
    spec.topic = topic;
    spec.from_beginning = from_beginning;
    spec.log = the_log;
    spec.checkpoint_ms = checkpoint_ms;
    if (agent_create(&spec, &agent, &failure) != OK)
        fail_msg("%s", failure.message);
    return agent;
}

static struct agent *agent_of(const char *rule, const char *topic, bool from_beginning)
{
    return agent_of_every(rule, topic, from_beginning, 1);
}

static struct agent_status run_to_end(const char *rule, const char *topic, bool from_beginning)
{
    struct agent *agent = agent_of(rule, topic, from_beginning);
    struct agent_status status;

    if (agent_run(agent, true, &failure) != OK)
        fail_msg("%s", failure.message);
    agent_status_read(agent, &status);
    agent_destroy(agent);
    return status;
}

/* Ids of all alerts in a topic, each with a newline; how many there are. They lie there compressed. */
static int alerts_read(const char *topic, struct buffer *ids)
{
    struct decompressor *decompressor = decompressor_create();
    struct buffer batches, plain;
    int64_t at, end;
    int count = 0;

    buffer_init(&batches, 64 << 20);
    buffer_init(&plain, 1 << 20);
    assert_int_equal(log_bounds(the_log, topic, 0, &at, &end, &failure), OK);
    while (at < end) {
        struct slice rest;
        struct record_batch batch;
        struct record_iterator records;
        struct record record;

        buffer_reset(&batches);
        assert_int_equal(log_read(the_log, topic, 0, at, 1 << 20, &batches, &at, &failure), OK);
        for (rest = buffer_slice(&batches); rest.size > 0; rest = slice_from(rest, batch.bytes.size)) {
            assert_int_equal(record_batch_read(rest, &batch, &failure), OK);
            assert_int_equal(record_batch_codec(&batch), COMPRESSION_GZIP);
            assert_int_equal(record_iterator_init(&records, &batch, decompressor, 1 << 20, &plain, &failure), OK);
            while (record_iterator_next(&records, &record)) {
                buffer_append_slice(ids, record.key);
                buffer_append_u8(ids, '\n');
                count++;
            }
        }
    }
    buffer_finish(&batches);
    buffer_finish(&plain);
    decompressor_destroy(decompressor);
    return count;
}

static int alerts_count(const char *topic)
{
    struct buffer ids;
    int count;

    buffer_init(&ids, 1 << 20);
    count = alerts_read(topic, &ids);
    buffer_finish(&ids);
    return count;
}

TEST(state_and_place_survive_a_restart_and_nothing_is_said_twice)
{
    topic_make("p.public.t", 1);
    for (int i = 0; i < 3; i++)
        row_write("p.public.t", 0, i, 7, "100.00");
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).read, 3);
    row_write("p.public.t", 0, 3, 7, "5000.00"); /* an anomaly only for one who remembers the first three */
    log_close(the_log);
    store_close(store);
    open_log();
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).read, 1);
    assert_int_equal(alerts_count("p.alerts"), 1);
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).read, 0);
    assert_int_equal(alerts_count("p.alerts"), 1);
}

TEST(what_was_not_checkpointed_happens_again_with_the_same_alerts)
{
    struct buffer once, again;
    char first[24];

    topic_make("p.public.t", 1);
    for (int i = 0; i < 50; i++)
        row_write("p.public.t", 0, i, i % 3, i % 10 == 9 ? "9000.00" : "20.00");
    buffer_init(&once, 1 << 20);
    buffer_init(&again, 1 << 20);
    (void)run_to_end("spending-pattern", "p.public.t", true);
    assert_true(alerts_read("p.alerts", &once) > 0);
    /* The position is taken away, and with it the state: all is read again. */
    assert_int_equal(log_position_remove(the_log, "agent/fraud", &failure), OK);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("tailrace-agent-fraud-state"), &failure), OK);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("p.alerts"), &failure), OK);
    (void)run_to_end("spending-pattern", "p.public.t", true);
    (void)alerts_read("p.alerts", &again);
    assert_true(slice_equal(buffer_slice(&once), buffer_slice(&again)));
    alert_id(first, "fraud", 1, "p.public.t", 0, 9);
    assert_memory_equal(once.data, first, strlen(first));
    buffer_finish(&once);
    buffer_finish(&again);
}

static bool position_says(const char *text)
{
    struct buffer position;
    bool says;

    buffer_init(&position, 1 << 20);
    says = log_position(the_log, "agent/fraud", &position);
    buffer_append_u8(&position, '\0');
    says = says && strcmp((const char *)position.data, text) == 0;
    buffer_finish(&position);
    return says;
}

static void wait_for_alerts(int count)
{
    for (int i = 0; i < 3000 && alerts_count("p.alerts") < count; i++)
        (void)usleep(10000);
    assert_int_equal(alerts_count("p.alerts"), count);
}

TEST(an_alert_goes_out_before_the_checkpoint_and_comes_once_all_the_same)
{
    struct log_writer *writer;
    struct buffer position;
    struct agent *agent;
    struct agent_status status;

    topic_make("p.public.t", 1);
    topic_make("p.alerts", 1);
    for (int i = 0; i < 3; i++)
        row_write("p.public.t", 0, i, 7, "100.00");
    row_write("p.public.t", 0, 3, 7, "5000.00");
    agent = agent_of_every("spending-pattern", "p.public.t", true, 1000000000);
    assert_int_equal(agent_start(agent, &failure), OK);
    wait_for_alerts(1);
    assert_true(position_says("{\"topic\":\"p.public.t\",\"offsets\":[0],\"told\":[4]}"));
    row_write("p.public.t", 0, 4, 7, "9000.00");
    wait_for_alerts(2);
    /* The owner is taken away, so that nothing more is kept of it: as good as a crash. */
    buffer_init(&position, 1 << 20);
    assert_int_equal(log_writer_open(the_log, "agent/fraud", &writer, &position, &failure), OK);
    agent_stop(agent);
    agent_destroy(agent);
    log_writer_close(writer);
    buffer_finish(&position);
    assert_true(position_says("{\"topic\":\"p.public.t\",\"offsets\":[0],\"told\":[5]}"));

    row_write("p.public.t", 0, 5, 7, "20000.00"); /* this one has not been told */
    status = run_to_end("spending-pattern", "p.public.t", true);
    assert_int_equal(status.judged, 6);
    assert_int_equal(status.alerts, 1);
    assert_int_equal(alerts_count("p.alerts"), 3);
    assert_true(position_says("{\"topic\":\"p.public.t\",\"offsets\":[6]}"));
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).read, 0);
}

TEST(all_partitions_are_read_into_one_state)
{
    topic_make("p.public.t", 3);
    for (int i = 0; i < 6; i++)
        row_write("p.public.t", i % 3, i, 7, "100.00");
    row_write("p.public.t", 2, 6, 7, "4000.00");
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).judged, 7);
    assert_int_equal(alerts_count("p.alerts"), 1);
}

TEST(foreign_records_go_to_the_dead_letters_and_stop_nobody)
{
    struct agent_status status;

    topic_make("p.public.t", 1);
    text_write("p.public.t", "hello");
    text_write("p.public.t", "{\"before\":null,\"after\":{\"id\":1,\"user_id\":1},\"op\":\"c\"}");
    text_write("p.public.t", "{\"before\":null,\"after\":{\"id\":1,\"user_id\":1,\"amount\":null},\"op\":\"c\"}");
    text_write("p.public.t", "{\"before\":{\"id\":1,\"user_id\":1,\"amount\":5},\"after\":null,\"op\":\"d\"}");
    row_write("p.public.t", 0, 1, 1, "1.00");
    status = run_to_end("velocity-score", "p.public.t", true);
    assert_int_equal(status.read, 5);
    assert_int_equal(status.judged, 1);
    assert_int_equal(status.ignored, 1);
    assert_int_equal(status.dead_letters, 3);
    assert_int_equal(alerts_count("tailrace-agent-fraud-dead-letters"), 3);
}

TEST(a_new_agent_begins_at_the_end_unless_told_otherwise)
{
    topic_make("p.public.t", 1);
    row_write("p.public.t", 0, 1, 1, "1.00");
    assert_int_equal(run_to_end("velocity-score", "p.public.t", false).read, 0);
    row_write("p.public.t", 0, 2, 1, "1.00");
    assert_int_equal(run_to_end("velocity-score", "p.public.t", false).read, 1);
}

TEST(a_topic_that_comes_later_is_waited_for_and_read_whole)
{
    struct agent *agent = agent_of("velocity-score", "later.public.t", false);
    struct agent_status status;

    assert_int_equal(agent_start(agent, &failure), OK);
    do
        agent_status_read(agent, &status);
    while (status.state != AGENT_WAITING_FOR_TOPIC);
    topic_make("later.public.t", 1);
    row_write("later.public.t", 0, 1, 1, "1.00");
    do
        agent_status_read(agent, &status);
    while (status.judged < 1);
    agent_stop(agent);
    agent_destroy(agent);
}

/* Row 3 of them raises an alert. */
static void topic_fill(int rows)
{
    topic_make("p.public.t", 1);
    for (int i = 0; i < rows; i++)
        row_write("p.public.t", 0, i, 7, i == 3 ? "5000.00" : "100.00");
}

static void topic_make_anew(int rows)
{
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("p.public.t"), &failure), OK);
    topic_fill(rows);
}

TEST(a_topic_that_was_made_anew_is_read_from_its_start)
{
    topic_fill(8);
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).alerts, 1);
    topic_make_anew(4);
    assert_int_equal(run_to_end("spending-pattern", "p.public.t", true).read, 4);
    assert_int_equal(alerts_count("p.alerts"), 2);
}

TEST(a_topic_that_is_made_anew_while_it_is_read_is_told_of_again)
{
    struct agent *agent;

    topic_make("p.alerts", 1);
    topic_fill(8);
    agent = agent_of_every("spending-pattern", "p.public.t", true, 1000000000);
    assert_int_equal(agent_start(agent, &failure), OK);
    wait_for_alerts(1);
    topic_make_anew(4);
    wait_for_alerts(2);
    agent_stop(agent);
    agent_destroy(agent);
}

static void wait_for_tries(struct agent *agent, int64_t tries)
{
    struct agent_status status = {0};

    for (int i = 0; i < 3000 && status.tries < tries; i++) {
        (void)usleep(10000);
        agent_status_read(agent, &status);
    }
    assert_int_equal(status.tries, tries);
}

TEST(tries_that_fail_again_soon_are_counted_on)
{
    struct agent *agent;

    topic_fill(3);
    agent = agent_of("spending-pattern", "p.public.t", true);
    assert_int_equal(agent_start(agent, &failure), OK);
    for (int i = 1; i <= 2; i++) {
        struct agent_status status;

        do
            agent_status_read(agent, &status);
        while (status.state != AGENT_RUNNING || status.lag != 0 || status.read < 3);
        assert_int_equal(store_topic_delete_wait(store, slice_from_string("p.alerts"), &failure), OK);
        row_write("p.public.t", 0, 10 + i, 7, i == 1 ? "9000.00" : "90000.00");
        wait_for_tries(agent, i);
    }
    agent_stop(agent);
    agent_destroy(agent);
}

TEST(a_second_agent_of_the_same_name_takes_over)
{
    struct agent *one, *two;
    struct agent_status status;

    topic_make("p.public.t", 1);
    one = agent_of("velocity-score", "p.public.t", true);
    two = agent_of("velocity-score", "p.public.t", true);
    assert_int_equal(agent_start(one, &failure), OK);
    do
        agent_status_read(one, &status);
    while (status.state != AGENT_RUNNING);
    assert_int_equal(agent_start(two, &failure), OK);
    do
        agent_status_read(two, &status);
    while (status.state != AGENT_RUNNING);
    row_write("p.public.t", 0, 1, 1, "1.00");
    do
        agent_status_read(two, &status);
    while (status.judged < 1);
    agent_stop(one);
    agent_stop(two);
    agent_destroy(one);
    agent_destroy(two);
}

TEST(keys_are_described_while_the_agent_is_there)
{
    struct agent *agent = agent_of("spending-pattern", "p.public.t", true);
    struct buffer json;

    buffer_init(&json, 4096);
    topic_make("p.public.t", 1);
    row_write("p.public.t", 0, 1, 42, "12.50");
    assert_int_equal(agent_run(agent, true, &failure), OK);
    assert_true(agent_key_describe(agent, "42", &json));
    assert_non_null(memmem(json.data, json.size, "\"12.50\"", 7));
    assert_false(agent_key_describe(agent, "43", &json));
    buffer_finish(&json);
    agent_destroy(agent);
}

TEST(unknown_rules_are_told_which_there_are)
{
    struct agent_spec spec;
    struct agent *agent;

    agent_spec_init(&spec);
    spec.name = spec.rule = "spendings";
    spec.topic = "t";
    assert_int_equal(agent_create(&spec, &agent, &failure), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "there is no rule \"spendings\"; there are: spending-pattern, spending-pattern-robust, velocity-score, "
                                         "velocity-score-event, model, lua");
}

static struct agent *folding_agent(void)
{
    struct agent_spec spec;
    struct agent *agent;

    agent_spec_init(&spec);
    spec.name = "fraud";
    spec.rule = "spending-pattern";
    spec.topic = "p.public.t";
    spec.from_beginning = true;
    spec.time = AGENT_TIME_EVENT;
    spec.log = the_log;
    spec.fold_ms = 1; /* the rows of these tests are a microsecond apart by their id */
    if (agent_create(&spec, &agent, &failure) != OK)
        fail_msg("%s", failure.message);
    return agent;
}

static int64_t folded_now(void)
{
    struct agent *agent = folding_agent();
    struct agent_status status;

    if (agent_run(agent, true, &failure) != OK)
        fail_msg("%s", failure.message);
    agent_status_read(agent, &status);
    agent_destroy(agent);
    return status.folded;
}

TEST(alerts_of_a_key_in_quick_succession_are_folded_and_counted)
{
    topic_make("p.public.t", 1);
    for (int i = 0; i < 30; i++)
        row_write("p.public.t", 0, i, i % 2 + 1, "1.00");
    for (int i = 30; i < 33; i++)
        row_write("p.public.t", 0, i, 1, "900.00"); /* 900 is above 3 times the mean each time */
    row_write("p.public.t", 0, 33, 2, "900.00");
    assert_int_equal(folded_now(), 2);
    assert_int_equal(alerts_count("p.alerts"), 2); /* one of each user */
    row_write("p.public.t", 0, 500, 1, "900.00");
    assert_int_equal(folded_now(), 1); /* remembered over the restart */
    row_write("p.public.t", 0, 2000, 1, "4900.00");
    assert_int_equal(folded_now(), 0);
    assert_int_equal(alerts_count("p.alerts"), 3);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(alerts_of_a_key_in_quick_succession_are_folded_and_counted),
        WITH(state_and_place_survive_a_restart_and_nothing_is_said_twice),
        WITH(what_was_not_checkpointed_happens_again_with_the_same_alerts),
        WITH(an_alert_goes_out_before_the_checkpoint_and_comes_once_all_the_same),
        WITH(all_partitions_are_read_into_one_state),
        WITH(foreign_records_go_to_the_dead_letters_and_stop_nobody),
        WITH(a_new_agent_begins_at_the_end_unless_told_otherwise),
        WITH(a_topic_that_comes_later_is_waited_for_and_read_whole),
        WITH(a_topic_that_was_made_anew_is_read_from_its_start),
        WITH(a_topic_that_is_made_anew_while_it_is_read_is_told_of_again),
        WITH(tries_that_fail_again_soon_are_counted_on),
        WITH(a_second_agent_of_the_same_name_takes_over),
        WITH(keys_are_described_while_the_agent_is_there),
        WITH(unknown_rules_are_told_which_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
