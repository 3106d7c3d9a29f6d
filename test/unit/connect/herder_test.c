#include "connect/herder.h"

#include "check.h"
#include "fake_capture.h"
#include "fake_log.h"
#include "os/clock.h"

#include <time.h>

#define CONFIG                                                                                                                             \
    "\"connector.class\":\"io.debezium.connector.postgresql.PostgresConnector\",\"tasks.max\":\"1\",\"database.hostname\":\"postgres\","   \
    "\"database.port\":"                                                                                                                   \
    "\"5432\",\"database.user\":\"postgres\",\"database.password\":\"postgrespw\",\"database.dbname\":\"activity\",\"slot.name\":"         \
    "\"activityslot\","                                                                                                                    \
    "\"topic.prefix\":\"dbserver1\",\"plugin.name\":\"pgoutput\",\"database.replication.slot.name\":\"debeziumactivity\""
#define TASK                                                                                                                               \
    "\"connector.class\":\"io.debezium.connector.postgresql.PostgresConnector\",\"database.user\":\"postgres\",\"database.dbname\":"       \
    "\"activity\","                                                                                                                        \
    "\"slot.name\":\"activityslot\",\"tasks.max\":\"1\",\"database.port\":\"5432\",\"plugin.name\":\"pgoutput\",\"topic.prefix\":"         \
    "\"dbserver1\","                                                                                                                       \
    "\"task.class\":\"io.debezium.connector.postgresql.PostgresConnectorTask\",\"database.hostname\":\"postgres\","                        \
    "\"database.replication.slot.name\":\"debeziumactivity\",\"database.password\":\"postgrespw\",\"name\":\"activity-connector\""
#define STATUS(state, generation, version)                                                                                                 \
    "{\"state\":\"" state "\",\"trace\":null,\"worker_id\":\"localhost:8083\",\"generation\":" #generation ",\"version\":" version "}"
#define VERSION "\"3.6.1.Final\""
#define NAME "activity-connector"

struct fixture {
    struct log *log;
    struct herder *herder;
    struct properties values;
    size_t configs, statuses, offsets; /* records looked at */
};

static void herder_begin(struct fixture *fixture)
{
    struct herder_settings settings = {.values = &fixture->values, .worker_id = "localhost:8083", .log = fixture->log};
    struct error error;

    if (herder_start(&settings, &fixture->herder, &error) != OK)
        fail_msg("%s", error.message);
}

static void herder_end(struct fixture *fixture)
{
    herder_stop(fixture->herder);
    herder_destroy(fixture->herder);
    fixture->herder = NULL;
}

static struct fixture *fixture_create(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->log = fake_log_create();
    properties_init(&fixture->values);
    properties_set(&fixture->values, "offset.flush.interval.ms", "50");
    herder_begin(fixture);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    herder_end(fixture);
    properties_finish(&fixture->values);
    fake_log_destroy(fixture->log);
    free(fixture);
}

static void pause_briefly(void)
{
    struct timespec two_ms = {.tv_nsec = 2000000};

    (void)nanosleep(&two_ms, NULL);
}

/* The next record of a topic is this one; waits for it. A '#' in what is expected stands for a number. */
static void next_is(struct fixture *fixture, const char *topic, size_t *at, const char *expected)
{
    int64_t until = clock_monotonic_ms() + 5000;
    char found[2048], masked[2048];
    size_t size = 0;

    while (!fake_log_record(fixture->log, topic, *at, found, sizeof(found))) {
        if (clock_monotonic_ms() > until)
            fail_msg("%s has no record %zu; expected %s", topic, *at, expected);
        pause_briefly();
    }
    for (const char *from = found; *from != '\0' && size + 1 < sizeof(masked);) {
        if (expected[size] == '#' && *from >= '0' && *from <= '9') {
            while (*from >= '0' && *from <= '9')
                from++;
            masked[size++] = '#';
        } else {
            masked[size++] = *from++;
        }
    }
    masked[size] = '\0';
    assert_string_equal(masked, expected);
    (*at)++;
}

#define CONFIGS(record) next_is(fixture, "connect-configs", &fixture->configs, record)
#define STATUSES(record) next_is(fixture, "connect-statuses", &fixture->statuses, record)
#define OFFSETS(record) next_is(fixture, "connect-offsets", &fixture->offsets, record)

static void config_make(struct properties *config, bool larger)
{
    static const char *const pairs[][2] = {{"connector.class", "io.debezium.connector.postgresql.PostgresConnector"},
                                           {"tasks.max", "1"},
                                           {"database.hostname", "postgres"},
                                           {"database.port", "5432"},
                                           {"database.user", "postgres"},
                                           {"database.password", "postgrespw"},
                                           {"database.dbname", "activity"},
                                           {"slot.name", "activityslot"},
                                           {"topic.prefix", "dbserver1"},
                                           {"plugin.name", "pgoutput"},
                                           {"database.replication.slot.name", "debeziumactivity"}};

    properties_init(config);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        properties_set(config, pairs[i][0], pairs[i][1]);
    if (larger)
        properties_set(config, "max.batch.size", "1024");
    properties_set(config, "name", NAME);
}

static enum status put(struct fixture *fixture, bool larger, struct herder_put *with, struct error *error)
{
    struct properties config;
    struct herder_put put = with == NULL ? (struct herder_put){0} : *with;
    enum status status;

    config_make(&config, larger);
    put.name = NAME;
    put.config = &config;
    status = herder_put(fixture->herder, &put, error);
    properties_finish(&config);
    return status;
}

static struct capture *capture_wait(const char *name, int starts)
{
    int64_t until = clock_monotonic_ms() + 5000;

    while (fake_capture_find(name) == NULL || fake_capture_starts(name) < starts) {
        if (clock_monotonic_ms() > until)
            fail_msg("no capture of %s", name);
        pause_briefly();
    }
    return fake_capture_find(name);
}

static void capture_gone_wait(const char *name)
{
    int64_t until = clock_monotonic_ms() + 5000;

    while (fake_capture_find(name) != NULL) {
        if (clock_monotonic_ms() > until)
            fail_msg("the capture of %s does not stop", name);
        pause_briefly();
    }
}

/* Until the view holds the text. */
static void view_has(struct fixture *fixture, enum status (*write)(struct herder *, const char *, struct buffer *, struct error *),
                     const char *text)
{
    int64_t until = clock_monotonic_ms() + 5000;
    struct buffer out;
    struct error error;

    buffer_init(&out, 1 << 20);
    for (;;) {
        buffer_reset(&out);
        if (write(fixture->herder, NAME, &out, &error) != OK)
            buffer_append_string(&out, error.message);
        buffer_append_u8(&out, 0);
        if (strstr((const char *)out.data, text) != NULL)
            break;
        if (clock_monotonic_ms() > until)
            fail_msg("never has %s: %s", text, (const char *)out.data);
        pause_briefly();
    }
    buffer_finish(&out);
}

TEST(the_life_of_a_connector_is_stored_as_kafka_connect_does)
{
    struct fixture *fixture = fixture_create();
    struct capture *capture;
    struct error error;
    char record[2048];

    assert_int_equal(log_topic_partitions(fixture->log, "connect-configs"), 0); /* nothing is made before it is needed */
    assert_int_equal(put(fixture, false, NULL, &error), OK);
    assert_true(fake_log_record(fixture->log, "connect-configs", fixture->configs++, record, sizeof(record)));
    assert_memory_equal(record, "session-key={\"key\":\"", 20);
    capture = capture_wait(NAME, fake_capture_starts(NAME));
    fake_capture_set(capture, CAPTURE_SNAPSHOT, NULL);
    CONFIGS("connector-" NAME "={\"properties\":{" CONFIG ",\"name\":\"" NAME "\"}}");
    STATUSES("status-connector-" NAME "=" STATUS("RUNNING", 2, VERSION));
    CONFIGS("task-" NAME "-0={\"properties\":{" TASK "}}");
    CONFIGS("commit-" NAME "={\"tasks\":1}");
    STATUSES("status-task-" NAME "-0=" STATUS("RUNNING", 3, VERSION));

    fake_capture_publish(capture, "dbserver1.public.activity", "{\"lsn_proc\":1,\"lsn\":1}");
    STATUSES("status-topic-dbserver1.public.activity:connector-" NAME
             "={\"topic\":{\"name\":\"dbserver1.public.activity\",\"connector\":\"" NAME "\",\"task\":0,\"discoverTimestamp\":#}}");
    OFFSETS("[\"" NAME "\",{\"server\":\"dbserver1\"}]={\"lsn_proc\":1,\"lsn\":1}");

    assert_int_equal(herder_target_set(fixture->herder, NAME, TARGET_PAUSED, NULL, &error), OK);
    CONFIGS("target-state-" NAME "={\"state\":\"PAUSED\",\"state.v2\":\"PAUSED\"}");
    STATUSES("status-connector-" NAME "=" STATUS("PAUSED", 3, VERSION));
    STATUSES("status-task-" NAME "-0=" STATUS("PAUSED", 3, VERSION));
    assert_null(fake_capture_find(NAME));

    assert_int_equal(herder_target_set(fixture->herder, NAME, TARGET_STARTED, NULL, &error), OK);
    CONFIGS("target-state-" NAME "={\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}");
    STATUSES("status-connector-" NAME "=" STATUS("RUNNING", 3, VERSION));
    fake_capture_set(capture_wait(NAME, 2), CAPTURE_STREAMING, NULL);
    STATUSES("status-task-" NAME "-0=" STATUS("RUNNING", 3, VERSION));

    assert_int_equal(herder_restart(fixture->herder, NAME, &error), OK);
    STATUSES("status-connector-" NAME "=" STATUS("UNASSIGNED", 3, "null"));
    STATUSES("status-connector-" NAME "=" STATUS("RUNNING", 3, VERSION));

    assert_int_equal(herder_task_restart(fixture->herder, NAME, 0, &error), OK);
    STATUSES("status-task-" NAME "-0=" STATUS("UNASSIGNED", 3, "null"));
    fake_capture_set(capture_wait(NAME, 3), CAPTURE_STREAMING, NULL);
    STATUSES("status-task-" NAME "-0=" STATUS("RUNNING", 3, VERSION));

    assert_int_equal(put(fixture, true, NULL, &error), OK);
    CONFIGS("connector-" NAME "={\"properties\":{" CONFIG ",\"max.batch.size\":\"1024\",\"name\":\"" NAME "\"}}");
    STATUSES("status-connector-" NAME "=" STATUS("UNASSIGNED", 3, "null"));
    STATUSES("status-connector-" NAME "=" STATUS("RUNNING", 3, VERSION));
    CONFIGS("task-" NAME "-0={\"properties\":{" TASK ",\"max.batch.size\":\"1024\"}}");
    CONFIGS("commit-" NAME "={\"tasks\":1}");
    STATUSES("status-task-" NAME "-0=" STATUS("UNASSIGNED", 3, "null"));
    fake_capture_set(capture_wait(NAME, 4), CAPTURE_STREAMING, NULL);
    STATUSES("status-task-" NAME "-0=" STATUS("RUNNING", 4, VERSION));

    assert_int_equal(herder_topics_reset(fixture->herder, NAME, &error), OK);
    STATUSES("status-topic-dbserver1.public.activity:connector-" NAME "=null");

    assert_int_equal(herder_target_set(fixture->herder, NAME, TARGET_STOPPED, NULL, &error), OK);
    CONFIGS("commit-" NAME "={\"tasks\":0}");
    CONFIGS("target-state-" NAME "={\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}");
    STATUSES("status-connector-" NAME "=" STATUS("STOPPED", 4, VERSION));
    STATUSES("status-task-" NAME "-0=" STATUS("UNASSIGNED", 4, "null"));
    STATUSES("status-task-" NAME "-0=null");

    assert_int_equal(herder_target_set(fixture->herder, NAME, TARGET_STARTED, NULL, &error), OK);
    CONFIGS("target-state-" NAME "={\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}");
    STATUSES("status-connector-" NAME "=" STATUS("RUNNING", 6, VERSION));
    CONFIGS("task-" NAME "-0={\"properties\":{" TASK ",\"max.batch.size\":\"1024\"}}");
    CONFIGS("commit-" NAME "={\"tasks\":1}");
    fake_capture_set(capture_wait(NAME, 5), CAPTURE_STREAMING, NULL);
    STATUSES("status-task-" NAME "-0=" STATUS("RUNNING", 7, VERSION));

    assert_int_equal(herder_delete(fixture->herder, NAME, &error), OK);
    CONFIGS("connector-" NAME "=null");
    CONFIGS("target-state-" NAME "=null");
    STATUSES("status-connector-" NAME "=" STATUS("UNASSIGNED", 7, "null"));
    STATUSES("status-task-" NAME "-0=" STATUS("UNASSIGNED", 7, "null"));
    STATUSES("status-topic-dbserver1.public.activity:connector-" NAME "=null");
    STATUSES("status-task-" NAME "-0=null");
    STATUSES("status-connector-" NAME "=null");
    assert_null(fake_capture_find(NAME));
    assert_false(herder_has(fixture->herder, NAME));
    fixture_destroy(fixture);
}

TEST(connectors_come_back_in_the_state_they_were_left_in)
{
    static const enum target_state targets[] = {TARGET_STARTED, TARGET_PAUSED, TARGET_STOPPED};
    static const char *const states[] = {"\"connector\":{\"state\":\"RUNNING\"", "\"connector\":{\"state\":\"PAUSED\"",
                                         "\"connector\":{\"state\":\"STOPPED\""};

    for (size_t i = 0; i < 3; i++) {
        struct fixture *fixture = fixture_create();
        int starts = fake_capture_starts(NAME);
        struct error error;

        assert_int_equal(put(fixture, false, NULL, &error), OK);
        fake_capture_set(capture_wait(NAME, starts + 1), CAPTURE_STREAMING, NULL);
        view_has(fixture, herder_status_write, "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\"");
        if (targets[i] != TARGET_STARTED)
            assert_int_equal(herder_target_set(fixture->herder, NAME, targets[i], NULL, &error), OK);
        view_has(fixture, herder_status_write, states[i]);
        herder_end(fixture);
        assert_null(fake_capture_find(NAME));
        herder_begin(fixture);
        view_has(fixture, herder_status_write, states[i]);
        view_has(fixture, herder_config_write, "\"database.replication.slot.name\":\"debeziumactivity\"");
        if (targets[i] == TARGET_STARTED)
            fake_capture_set(capture_wait(NAME, starts + 2), CAPTURE_STREAMING, NULL);
        view_has(fixture, herder_status_write,
                 targets[i] == TARGET_STARTED  ? "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\""
                 : targets[i] == TARGET_PAUSED ? "\"tasks\":[{\"id\":0,\"state\":\"PAUSED\""
                                               : "\"tasks\":[]");
        assert_int_equal(fake_capture_find(NAME) != NULL, targets[i] == TARGET_STARTED);
        fixture_destroy(fixture);
    }
}

TEST(a_connector_that_was_deleted_does_not_come_back)
{
    struct fixture *fixture = fixture_create();
    struct error error;

    assert_int_equal(put(fixture, false, NULL, &error), OK);
    assert_int_equal(herder_delete(fixture->herder, NAME, &error), OK);
    assert_int_equal(herder_delete(fixture->herder, NAME, &error), ERROR_NOT_FOUND);
    assert_string_equal(error.message, "Connector " NAME " not found");
    herder_end(fixture);
    herder_begin(fixture);
    assert_false(herder_has(fixture->herder, NAME));
    fixture_destroy(fixture);
}

TEST(creating_twice_is_a_conflict)
{
    struct fixture *fixture = fixture_create();
    struct herder_put only_create = {.only_create = true};
    struct error error;

    assert_int_equal(put(fixture, false, &only_create, &error), OK);
    assert_int_equal(put(fixture, false, &only_create, &error), ERROR_CONFLICT);
    assert_string_equal(error.message, "Connector " NAME " already exists");
    fixture_destroy(fixture);
}

TEST(nothing_is_created_when_it_cannot_be_stored)
{
    struct fixture *fixture = fixture_create();
    struct error error;

    fake_log_fail_with(fixture->log, ERROR_DISK_FULL);
    assert_int_equal(put(fixture, false, NULL, &error), ERROR_DISK_FULL);
    assert_false(herder_has(fixture->herder, NAME));
    assert_null(fake_capture_find(NAME));
    fake_log_fail_with(fixture->log, OK);
    fixture_destroy(fixture);
}

TEST(a_status_that_could_not_be_written_is_written_later)
{
    struct fixture *fixture = fixture_create();
    int starts = fake_capture_starts(NAME);
    struct error error;
    char record[2048] = "";
    int64_t until = clock_monotonic_ms() + 5000;

    assert_int_equal(put(fixture, false, NULL, &error), OK);
    fake_capture_set(capture_wait(NAME, starts + 1), CAPTURE_STREAMING, NULL);
    view_has(fixture, herder_status_write, "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\"");
    fake_log_fail_with(fixture->log, ERROR_DISK_FULL);
    fake_capture_set(fake_capture_find(NAME), CAPTURE_FAILED, "it broke");
    view_has(fixture, herder_status_write, "\"state\":\"FAILED\"");
    fake_log_fail_with(fixture->log, OK);
    while (strstr(record, "\"FAILED\"") == NULL && clock_monotonic_ms() < until) {
        for (size_t i = 0; fake_log_record(fixture->log, "connect-statuses", i, record, sizeof(record)); i++)
            ;
        pause_briefly();
    }
    assert_non_null(strstr(record, "status-task-" NAME "-0={\"state\":\"FAILED\""));
    fixture_destroy(fixture);
}

TEST(failures_show_debeziums_text_the_remedy_and_the_next_attempt)
{
    struct fixture *fixture = fixture_create();
    int starts = fake_capture_starts(NAME);
    struct error error;
    struct capture *capture;

    assert_int_equal(put(fixture, false, NULL, &error), OK);
    capture = capture_wait(NAME, starts + 1);
    fake_capture_set(capture, CAPTURE_FAILED,
                     "Publication autocreation is disabled, please create one and restart the connector.\nCREATE PUBLICATION \"x\"");
    view_has(fixture, herder_status_write,
             "\"state\":\"FAILED\",\"worker_id\":\"localhost:8083\",\"version\":\"3.6.1.Final\",\"trace\":\"org.apache.kafka.connect."
             "errors.ConnectException: "
             "An exception occurred in the change event producer. This connector will be stopped.\\n\\tat tailrace.capture(" NAME
             ")\\nCaused by: "
             "org.apache.kafka.connect.errors.ConnectException: Publication autocreation is disabled, please create one and restart the "
             "connector.\\n"
             "\\tat tailrace.capture(what to do: CREATE PUBLICATION 'x')\\n\"}");
    fake_capture_set(capture, CAPTURE_RETRYING, "connection refused");
    view_has(fixture, herder_status_write, "This connector will be restarted.");
    view_has(fixture, herder_status_write, "Caused by: org.apache.kafka.connect.errors.ConnectException: connection refused\\n");
    fake_capture_set(capture, CAPTURE_STREAMING, NULL);
    view_has(fixture, herder_status_write,
             "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":\"localhost:8083\",\"version\":\"3.6.1.Final\"}]");
    fixture_destroy(fixture);
}

TEST(attempts_that_fail_alike_are_stored_once)
{
    struct fixture *fixture = fixture_create();
    int starts = fake_capture_starts(NAME);
    struct error error;
    struct capture *capture;
    size_t count;

    assert_int_equal(put(fixture, false, NULL, &error), OK);
    capture = capture_wait(NAME, starts + 1);
    fake_capture_set(capture, CAPTURE_RETRYING, "connection refused");
    view_has(fixture, herder_status_write, "connection refused\\n\\tat tailrace.capture(next attempt at ");
    count = fake_log_count(fixture->log, "connect-statuses");
    for (int i = 0; i < 5; i++) {
        fake_capture_set(capture, CAPTURE_STARTING, NULL);
        fake_capture_set(capture, CAPTURE_RETRYING, "connection refused");
    }
    assert_int_equal(herder_restart(fixture->herder, NAME, &error), OK); /* the worker is past them when this is done: two records */
    assert_int_equal(fake_log_count(fixture->log, "connect-statuses"), count + 2);
    fake_capture_set(capture, CAPTURE_RETRYING, "no route to host");
    view_has(fixture, herder_status_write, "no route to host");
    fixture_destroy(fixture);
}

TEST(only_what_failed_is_restarted_when_that_is_asked_for)
{
    struct fixture *fixture = fixture_create();
    int starts = fake_capture_starts(NAME);
    struct error error;
    struct buffer out;

    buffer_init(&out, 1 << 16);
    assert_int_equal(put(fixture, false, NULL, &error), OK);
    fake_capture_set(capture_wait(NAME, starts + 1), CAPTURE_STREAMING, NULL);
    view_has(fixture, herder_status_write, "\"tasks\":[{\"id\":0,\"state\":\"RUNNING\"");
    assert_int_equal(herder_restart_with(fixture->herder, NAME, true, true, &out, &error), OK);
    assert_null(memmem(out.data, out.size, "RESTARTING", 10));
    fake_capture_set(fake_capture_find(NAME), CAPTURE_FAILED, "it broke");
    view_has(fixture, herder_status_write, "\"state\":\"FAILED\"");
    buffer_reset(&out);
    assert_int_equal(herder_restart_with(fixture->herder, NAME, true, true, &out, &error), OK);
    assert_non_null(memmem(out.data, out.size, "\"tasks\":[{\"id\":0,\"state\":\"RESTARTING\"", 35));
    assert_non_null(capture_wait(NAME, starts + 2));
    buffer_finish(&out);
    fixture_destroy(fixture);
}

/* ---- Offsets ---- */

static void offset_patch(struct fixture *fixture, const char *body, enum status expected)
{
    struct offset_changes changes;
    struct arena arena;
    struct error error = {0};

    arena_init(&arena, 4096);
    assert_null(bind_offsets(&arena, slice_from_string(body), &changes));
    assert_int_equal(herder_offsets_alter(fixture->herder, NAME, &changes, &error), expected);
    arena_finish(&arena);
}

TEST(offsets_change_only_while_the_connector_is_stopped)
{
    struct fixture *fixture = fixture_create();
    struct herder_put paused = {.has_target = true, .target = TARGET_PAUSED};
    struct error error;

    assert_int_equal(put(fixture, false, &paused, &error), OK);
    offset_patch(fixture, "{\"offsets\":[]}", ERROR_BAD_INPUT);
    offset_patch(fixture, "{\"offsets\":[{\"partition\":{\"server\":\"dbserver1\"},\"offset\":{\"lsn\":5}}]}", ERROR_BAD_INPUT);
    assert_int_equal(herder_offsets_reset(fixture->herder, NAME, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message,
                        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified "
                        "connector by issuing a 'PUT' request to the '/connectors/" NAME "/stop' endpoint");
    fixture_destroy(fixture);
}

TEST(the_position_follows_the_offset_that_was_set)
{
    struct fixture *fixture = fixture_create();
    struct herder_put stopped = {.has_target = true, .target = TARGET_STOPPED};
    struct buffer position;
    struct error error;

    buffer_init(&position, 65536);
    assert_int_equal(put(fixture, false, &stopped, &error), OK);
    offset_patch(fixture, "{\"offsets\":[{\"partition\":{\"server\":\"dbserver1\"},\"offset\":{\"lsn\":5}}]}", OK);
    assert_true(log_position(fixture->log, "connector/" NAME, &position));
    assert_true(slice_equal_string(buffer_slice(&position), "{\"lsn\":5}"));
    view_has(fixture, herder_offsets_write, "{\"offsets\":[{\"partition\":{\"server\":\"dbserver1\"},\"offset\":{\"lsn\":5}}]}");
    OFFSETS("[\"" NAME "\",{\"server\":\"dbserver1\"}]={\"lsn\":5}");

    offset_patch(fixture, "{\"offsets\":[{\"partition\":{\"other\":\"x\"},\"offset\":{\"lsn\":6}}]}",
                 OK); /* somebody else's: only stored */
    offset_patch(fixture, "{\"offsets\":[{\"partition\":{\"server\":\"dbserver1\"},\"offset\":null}]}", OK);
    buffer_reset(&position);
    assert_false(log_position(fixture->log, "connector/" NAME, &position));
    view_has(fixture, herder_offsets_write, "{\"offsets\":[{\"partition\":{\"other\":\"x\"},\"offset\":{\"lsn\":6}}]}");
    assert_int_equal(herder_offsets_reset(fixture->herder, NAME, &error), OK);
    view_has(fixture, herder_offsets_write, "{\"offsets\":[]}");
    buffer_finish(&position);
    fixture_destroy(fixture);
}

TEST(an_offset_is_believed_where_the_log_has_no_position)
{
    struct fixture *fixture = fixture_create();
    struct log_record adopted = {.key = slice_from_string("[\"" NAME "\",{\"server\":\"dbserver1\"}]"),
                                 .value = slice_from_string("{\"lsn\":77}"),
                                 .timestamp_ms = -1};
    int starts = fake_capture_starts(NAME);
    struct buffer position;
    struct error error;

    buffer_init(&position, 65536);
    assert_int_equal(log_topic_ensure(fixture->log, &(struct log_topic_spec){"connect-offsets", 25, NULL}, &error), OK);
    assert_int_equal(log_write(fixture->log, "connect-offsets", -1, &adopted, 1, NULL, &error), OK);
    assert_int_equal(put(fixture, false, NULL, &error), OK); /* as when taken over from a Connect cluster */
    (void)capture_wait(NAME, starts + 1);
    assert_true(log_position(fixture->log, "connector/" NAME, &position));
    assert_true(slice_equal_string(buffer_slice(&position), "{\"lsn\":77}"));

    fake_capture_publish(fake_capture_find(NAME), "t", "{\"lsn\":99}");
    herder_end(fixture);
    adopted.value = slice_from_string("{\"lsn\":11}"); /* older than what was published: not believed */
    assert_int_equal(log_write(fixture->log, "connect-offsets", -1, &adopted, 1, NULL, &error), OK);
    herder_begin(fixture);
    (void)capture_wait(NAME, starts + 2);
    buffer_reset(&position);
    assert_true(log_position(fixture->log, "connector/" NAME, &position));
    assert_true(slice_equal_string(buffer_slice(&position), "{\"lsn\":99}"));
    buffer_finish(&position);
    fixture_destroy(fixture);
}

TEST(an_offset_that_is_none_fails_the_task_at_the_start)
{
    struct fixture *fixture = fixture_create();
    struct herder_put stopped = {.has_target = true, .target = TARGET_STOPPED};
    struct error error;

    assert_int_equal(put(fixture, false, &stopped, &error), OK);
    offset_patch(fixture, "{\"offsets\":[{\"partition\":{\"server\":\"dbserver1\"},\"offset\":{\"lsn\":\"text\"}}]}", OK);
    assert_int_equal(herder_target_set(fixture->herder, NAME, TARGET_STARTED, NULL, &error), OK);
    view_has(fixture, herder_status_write, "the offset stored in connect-offsets: the offset has no lsn that is a number");
    fixture_destroy(fixture);
}

/* ---- Secrets and defaults ---- */

TEST(the_worker_s_defaults_and_resolved_secrets_reach_the_capture_only)
{
    struct fixture *fixture = fixture_create();
    struct properties config;
    struct herder_put put = {.name = "with-secrets", .config = &config};
    struct capture *capture;
    struct buffer out;
    struct error error;

    herder_end(fixture);
    properties_set(&fixture->values, "value.converter", "org.apache.kafka.connect.json.JsonConverter");
    properties_set(&fixture->values, "value.converter.schemas.enable", "false");
    properties_set(&fixture->values, "producer.compression.type", "zstd");
    properties_set(&fixture->values, "connect.mask.passwords", "true");
    herder_begin(fixture);
    (void)setenv("TAILRACE_TEST_SECRET", "from the environment", 1);
    config_make(&config, false);
    properties_set(&config, "database.password", "${env:TAILRACE_TEST_SECRET}");
    properties_set(&config, "database.sslpassword", "open");
    properties_set(&config, "name", "with-secrets");
    assert_int_equal(herder_put(fixture->herder, &put, &error), OK);
    capture = capture_wait("with-secrets", 1);
    assert_string_equal(fake_capture_config(capture, "database.password"), "from the environment");
    assert_string_equal(fake_capture_config(capture, "database.sslpassword"), "open");
    assert_string_equal(fake_capture_config(capture, "value.converter.schemas.enable"), "false");
    assert_string_equal(fake_capture_config(capture, "producer.override.compression.type"), "zstd");

    buffer_init(&out, 1 << 16);
    assert_int_equal(herder_config_write(fixture->herder, "with-secrets", &out, &error), OK);
    herder_describe(fixture->herder, &out);
    buffer_append_u8(&out, 0);
    assert_non_null(strstr((const char *)out.data, "\"database.password\":\"${env:TAILRACE_TEST_SECRET}\""));
    assert_non_null(strstr((const char *)out.data, "\"database.sslpassword\":\"********\""));
    assert_null(strstr((const char *)out.data, "from the environment"));
    assert_null(strstr((const char *)out.data, "open\""));
    assert_non_null(strstr((const char *)out.data, "{\"setting\":\"database.replication.slot.name\",\"nearest\":\"slot.name\"}"));
    buffer_finish(&out);
    properties_finish(&config);
    fixture_destroy(fixture);
}

TEST(a_secret_that_is_missing_fails_the_task_and_says_which)
{
    struct fixture *fixture = fixture_create();
    struct properties config;
    struct herder_put put = {.name = NAME, .config = &config};
    struct error error;

    config_make(&config, false);
    properties_set(&config, "database.password", "${file:/no/such/file:password}");
    assert_int_equal(herder_put(fixture->herder, &put, &error), OK);
    view_has(fixture, herder_status_write, "setting database.password: could not open the file /no/such/file: No such file or directory");
    properties_finish(&config);
    fixture_destroy(fixture);
}

TEST(many_connectors_stop_at_once)
{
    struct fixture *fixture = fixture_create();
    int64_t began;

    for (int i = 0; i < 20; i++) {
        struct properties config;
        char name[32];
        struct herder_put put = {.name = name, .config = &config};
        struct error error;

        (void)snprintf(name, sizeof(name), "connector-%d", i);
        config_make(&config, false);
        properties_set(&config, "name", name);
        assert_int_equal(herder_put(fixture->herder, &put, &error), OK);
        properties_finish(&config);
    }
    began = clock_monotonic_ms();
    herder_end(fixture);
    assert_true(clock_monotonic_ms() - began < 3000);
    capture_gone_wait("connector-7");
    herder_begin(fixture);
    fixture_destroy(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_life_of_a_connector_is_stored_as_kafka_connect_does),
        cmocka_unit_test(connectors_come_back_in_the_state_they_were_left_in),
        cmocka_unit_test(a_connector_that_was_deleted_does_not_come_back),
        cmocka_unit_test(creating_twice_is_a_conflict),
        cmocka_unit_test(nothing_is_created_when_it_cannot_be_stored),
        cmocka_unit_test(a_status_that_could_not_be_written_is_written_later),
        cmocka_unit_test(failures_show_debeziums_text_the_remedy_and_the_next_attempt),
        cmocka_unit_test(attempts_that_fail_alike_are_stored_once),
        cmocka_unit_test(only_what_failed_is_restarted_when_that_is_asked_for),
        cmocka_unit_test(offsets_change_only_while_the_connector_is_stopped),
        cmocka_unit_test(the_position_follows_the_offset_that_was_set),
        cmocka_unit_test(an_offset_is_believed_where_the_log_has_no_position),
        cmocka_unit_test(an_offset_that_is_none_fails_the_task_at_the_start),
        cmocka_unit_test(the_worker_s_defaults_and_resolved_secrets_reach_the_capture_only),
        cmocka_unit_test(a_secret_that_is_missing_fails_the_task_and_says_which),
        cmocka_unit_test(many_connectors_stop_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
