/*
 * bench/agents.c: transactions a second that one agent judges on one core, from a gzip topic with the full schema in every
 * message, as connectors write it.
 *
 *   agents RULE ROWS DIRECTORY [KEY=VALUE…]      settings of the rule: lua needs script=FILE
 *
 * Fills a topic in a new log in DIRECTORY, then reads it with the agent until its end. Prints one line of JSON; the CPU time is
 * that of the whole process while the agent ran.
 */
#include "agents/agent.h"
#include "base/banned.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <sys/resource.h>

#define USERS 10000
#define TOPIC "bench.public.transactions"
#define BATCH_BYTES 1000000

#define ROW_FIELDS                                                                                                                         \
    "[{\"type\":\"int32\",\"optional\":false,\"default\":0,\"field\":\"id\"},{\"type\":\"int32\",\"optional\":true,\"field\":\"user_id\"},"    \
    "{\"type\":\"bytes\",\"optional\":true,\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"," \
    "\"connect.decimal.precision\":\"10\"},\"field\":\"amount\"},{\"type\":\"string\",\"optional\":true,\"field\":\"merchant\"},"             \
    "{\"type\":\"string\",\"optional\":true,\"field\":\"location\"},{\"type\":\"int64\",\"optional\":true,\"name\":"                          \
    "\"io.debezium.time.MicroTimestamp\",\"version\":1,\"field\":\"transaction_time\"}]"
#define ROW(field)                                                                                                                         \
    "{\"type\":\"struct\",\"fields\":" ROW_FIELDS ",\"optional\":true,\"name\":\"" TOPIC ".Value\",\"field\":\"" field "\"}"
#define SOURCE_SCHEMA                                                                                                                      \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"version\"},{\"type\":\"string\",\"optional\":false,"  \
    "\"field\":\"connector\"},{\"type\":\"string\",\"optional\":false,\"field\":\"name\"},{\"type\":\"int64\",\"optional\":false,"            \
    "\"field\":\"ts_ms\"},{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":"            \
    "{\"allowed\":\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},\"default\":\"false\","            \
    "\"field\":\"snapshot\"},{\"type\":\"string\",\"optional\":false,\"field\":\"db\"},{\"type\":\"string\",\"optional\":true,"              \
    "\"field\":\"sequence\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"},{\"type\":\"int64\",\"optional\":true,"              \
    "\"field\":\"ts_ns\"},{\"type\":\"string\",\"optional\":false,\"field\":\"schema\"},{\"type\":\"string\",\"optional\":false,"            \
    "\"field\":\"table\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"txId\"},{\"type\":\"int64\",\"optional\":true,\"field\":"        \
    "\"lsn\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"xmin\"}],\"optional\":false,\"name\":"                                       \
    "\"io.debezium.connector.postgresql.Source\",\"version\":1,\"field\":\"source\"}"
#define SCHEMA                                                                                                                             \
    "{\"schema\":{\"type\":\"struct\",\"fields\":[" ROW("before") "," ROW("after") "," SOURCE_SCHEMA                                          \
    ",{\"type\":\"string\",\"optional\":false,\"field\":\"op\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ms\"}],"                 \
    "\"optional\":false,\"name\":\"" TOPIC ".Envelope\",\"version\":2},\"payload\":"

static struct error failure;

static void check(enum status status)
{
    if (status == OK)
        return;
    (void)fprintf(stderr, "agents: %s\n", failure.message);
    exit(1);
}

static void base64_amount(int64_t cents, char text[8])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)cents & 0xffffff; /* three bytes: up to 83,886.07 */

    for (int i = 0; i < 4; i++)
        text[i] = alphabet[bits >> (18 - 6 * i) & 63];
    text[4] = '\0';
}

static size_t value_write(char *to, size_t room, int64_t row, uint64_t *random)
{
    char amount[8];
    int64_t us = 1795349063628447 + row * 10000; /* 100 a second */
    int user;

    *random = *random * 6364136223846793005u + 1442695040888963407u;
    user = (int)((*random >> 33) % USERS) + 1;
    base64_amount((int64_t)((*random >> 20) % 499900) + 100, amount);
    return (size_t)snprintf(to, room,
                            SCHEMA "{\"before\":null,\"after\":{\"id\":%" PRId64 ",\"user_id\":%d,\"amount\":\"%s\",\"merchant\":\"Amazon\",\"location\":\"New York\","
                                   "\"transaction_time\":%" PRId64 "},\"source\":{\"version\":\"3.6.1.Final\",\"connector\":\"postgresql\",\"name\":\"bench\","
                                   "\"ts_ms\":%" PRId64 ",\"snapshot\":\"false\",\"db\":\"mydb\",\"sequence\":\"[null,\\\"26537120\\\"]\",\"ts_us\":%" PRId64
                                   ",\"ts_ns\":%" PRId64 "000,\"schema\":\"public\",\"table\":\"transactions\",\"txId\":731,\"lsn\":%" PRId64 ",\"xmin\":null},"
                                   "\"transaction\":null,\"op\":\"c\",\"ts_ms\":%" PRId64 "}}",
                            row, user, amount, us, us / 1000, us, us, 26537120 + row * 100, us / 1000);
}

static void topic_fill(struct log *log, int64_t rows)
{
    struct log_topic_spec spec = {.name = TOPIC, .partitions = 1};
    struct compressor *gzip = compressor_create(COMPRESSION_GZIP);
    struct record_batch_spec plain = record_batch_spec_plain();
    struct record_builder builder;
    struct log_writer *writer;
    struct buffer position;
    uint64_t random = 42, ticket;
    static char value[8192];

    buffer_init(&position, 1 << 16);
    check(log_topic_ensure(log, &spec, &failure));
    check(log_writer_open(log, "bench", &writer, &position, &failure));
    record_builder_init(&builder, BATCH_BYTES);
    for (int64_t row = 0; row < rows;) {
        size_t size = value_write(value, sizeof(value), row, &random);

        if (record_builder_append(&builder, 1795349063628 + row * 10, slice_from_string("k"), slice_of(value, size), NULL, 0)) {
            row++;
            if (row < rows)
                continue;
        }
        check(log_append(writer, TOPIC, 0, record_builder_seal(&builder, &plain, gzip), &failure));
        check(log_publish(writer, slice_from_string("p"), &ticket, &failure));
        record_builder_reset(&builder);
    }
    check(log_flush(writer, &failure));
    log_writer_close(writer);
    record_builder_finish(&builder);
    compressor_destroy(gzip);
    buffer_finish(&position);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct store_settings settings = {.default_partitions = 1, .flush_acks = true, .sync_threads = 2};
    struct agent_spec spec;
    struct agent_status status;
    struct store *store;
    struct log *log;
    struct agent *agent;
    struct properties rule;
    int64_t rows = argc >= 4 ? strtoll(argv[2], NULL, 10) : 0;
    double cpu;
    int64_t began_ns;

    if (rows <= 0) {
        (void)fprintf(stderr, "usage: agents RULE ROWS DIRECTORY [KEY=VALUE…]\n");
        return 2;
    }
    (void)logger_set_level(NULL, "warning");
    settings.directory = argv[3];
    check(store_open(&settings, &store, &failure));
    log = log_open_embedded(store);
    topic_fill(log, rows);
    properties_init(&rule);
    for (int i = 4; i < argc; i++)
        check(properties_set_assignment(&rule, argv[i], &failure));
    agent_spec_init(&spec);
    spec.settings = &rule;
    spec.name = "bench";
    spec.rule = argv[1];
    spec.topic = TOPIC;
    spec.from_beginning = true;
    spec.log = log;
    check(agent_create(&spec, &agent, &failure));
    cpu = cpu_seconds();
    began_ns = clock_monotonic_ns();
    check(agent_run(agent, true, &failure));
    began_ns = clock_monotonic_ns() - began_ns;
    cpu = cpu_seconds() - cpu;
    agent_status_read(agent, &status);
    (void)printf("{\"rule\": \"%s\", \"rows\": %" PRId64 ", \"seconds\": %.3f, \"rows_per_second\": %.0f, \"rows_per_cpu_second\": %.0f, \"alerts\": %" PRId64
                 ", \"keys\": %zu, \"state_mb\": %.1f, \"checkpoints\": %" PRId64 "}\n",
                 argv[1], status.judged, (double)began_ns / 1e9, (double)status.judged * 1e9 / (double)began_ns, (double)status.judged / cpu, status.alerts,
                 status.states.keys, (double)status.states.bytes / 1e6, status.checkpoints);
    agent_destroy(agent);
    properties_finish(&rule);
    log_close(log);
    store_close(store);
    return status.judged == rows ? 0 : 1;
}
