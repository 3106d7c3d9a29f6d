/*
 * bench/latency.c: time from commit in PostgreSQL to a Kafka consumer, at a steady rate.
 *
 *   latency CONNINFO BOOTSTRAP TOPIC ROWS_PER_SECOND ROWS_PER_TRANSACTION SECONDS [alerts]
 *
 * Writers insert into public.transactions in small transactions, a librdkafka consumer reads the topic from its end. The
 * commit time is what PostgreSQL put into the WAL (source.ts_us of the event), the arrival is this machine's clock when
 * the consumer hands the record over: one clock, one machine. Prints one line of JSON.
 *
 * With "alerts" TOPIC is that of the agents' alerts: every tenth transaction holds a row of 4,500.00 among rows of 123.45, all of
 * 1,000 users, and what is measured is the time from commit to the consumer of alerts.
 */
#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WRITERS 4
#define WARM_UP_SECONDS 2

struct run {
    const char *conninfo;
    const char *bootstrap;
    const char *topic;
    double rows_per_second;
    int rows_per_transaction;
    int seconds;
    bool alerts;
    int64_t started_ns;
    int64_t samples_max;
    int64_t *samples_us;
    _Atomic int64_t inserted;
    int64_t received;   /* consumer thread */
    int64_t kept;       /* after the warm-up */
    atomic_bool assigned;
    atomic_bool failed;
    int64_t last_inserted_ns;
};

static void sleep_until(int64_t monotonic_ns)
{
    struct timespec at = {monotonic_ns / NS_PER_SECOND, monotonic_ns % NS_PER_SECOND};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

#define LARGE_EVERY 10 /* transactions */

static char *insert_statement(const struct run *run, bool large)
{
    char *sql = memory_copy_string("INSERT INTO transactions (user_id, amount, merchant, location, transaction_time) VALUES ");

    for (int i = 0; i < run->rows_per_transaction; i++) {
        char *user = run->alerts ? memory_copy_string("1 + floor(random() * 1000)") : memory_format("%d", i + 1);
        char *longer = memory_format("%s%s(%s, %s, 'Amazon', 'New York', now())", sql, i == 0 ? "" : ", ", user, large && i == 0 ? "4500" : "123.45");

        memory_free(user);
        memory_free(sql);
        sql = longer;
    }
    return sql;
}

struct writer {
    struct run *run;
    int index;
    pthread_t thread;
};

static void *writer_main(void *context)
{
    struct writer *writer = context;
    struct run *run = writer->run;
    double interval_ns = 1e9 * run->rows_per_transaction * WRITERS / run->rows_per_second;
    int64_t first_ns = run->started_ns + (int64_t)(interval_ns * writer->index / WRITERS);
    int64_t transactions = (int64_t)(run->seconds * 1e9 / interval_ns);
    char *sql = insert_statement(run, false), *large = insert_statement(run, run->alerts);
    PGconn *connection = PQconnectdb(run->conninfo);

    for (int64_t i = 0; i < transactions && !run->failed; i++) {
        PGresult *result;

        sleep_until(first_ns + (int64_t)(interval_ns * (double)i));
        result = PQexec(connection, i % LARGE_EVERY == LARGE_EVERY - 1 ? large : sql);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            (void)fprintf(stderr, "latency: insert failed: %s", PQerrorMessage(connection));
            run->failed = true;
        }
        PQclear(result);
        (void)atomic_fetch_add(&run->inserted, run->rows_per_transaction);
    }
    PQfinish(connection);
    memory_free(large);
    memory_free(sql);
    return NULL;
}

static const char *find(const char *value, const char *end, const char *text)
{
    const char *at = value == NULL ? NULL : memmem(value, (size_t)(end - value), text, strlen(text));

    return at == NULL ? NULL : at + strlen(text);
}

/* An event's commit time: the number behind the first "ts_us": of the payload, which is that of source. An alert's has its own name. -1: none. */
static int64_t commit_time_us(const struct run *run, const char *value, size_t size)
{
    const char *end = value + size;
    const char *at = run->alerts ? find(value, end, "\"committed_us\":") : find(find(value, end, "\"payload\":{"), end, "\"ts_us\":");

    return at == NULL ? -1 : strtoll(at, NULL, 10);
}

static void record_take(struct run *run, const rd_kafka_message_t *message)
{
    int64_t now_us = clock_now_us();
    int64_t committed_us = message->payload == NULL ? -1 : commit_time_us(run, message->payload, message->len);

    if (committed_us < 0)
        return;
    run->received++;
    if (clock_monotonic_ns() - run->started_ns > WARM_UP_SECONDS * NS_PER_SECOND && run->kept < run->samples_max)
        run->samples_us[run->kept++] = now_us - committed_us;
}

static rd_kafka_t *consumer_open(struct run *run)
{
    static const char *const settings[][2] = {
        {"group.id", "latency-bench"},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "latest"},
        {"fetch.wait.max.ms", "500"},
        {"fetch.queue.backoff.ms", "1"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    char text[512];
    rd_kafka_t *consumer;

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", run->bootstrap, text, sizeof(text));
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        (void)rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (consumer == NULL) {
        (void)fprintf(stderr, "latency: %s\n", text);
        exit(1);
    }
    rd_kafka_topic_partition_list_add(topics, run->topic, 0)->offset = RD_KAFKA_OFFSET_END;
    (void)rd_kafka_assign(consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return consumer;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(struct run *run)
{
    int64_t n = run->kept;

    qsort(run->samples_us, (size_t)n, sizeof(*run->samples_us), compare);
    (void)printf("{\"rows_per_second\": %.0f, \"rows_per_transaction\": %d, \"inserted\": %lld, \"received\": %lld, \"samples\": %lld, "
                 "\"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
                 run->rows_per_second, run->rows_per_transaction, (long long)run->inserted, (long long)run->received, (long long)n,
                 (double)run->samples_us[n / 2] / 1e3, (double)run->samples_us[n * 9 / 10] / 1e3, (double)run->samples_us[n * 99 / 100] / 1e3,
                 (double)run->samples_us[n - 1] / 1e3);
}

int main(int argc, char **argv)
{
    struct writer writers[WRITERS];
    struct run run = {0};
    rd_kafka_t *consumer;
    int64_t deadline_ns;

    if (argc != 7 && (argc != 8 || strcmp(argv[7], "alerts") != 0)) {
        (void)fprintf(stderr, "usage: latency CONNINFO BOOTSTRAP TOPIC ROWS_PER_SECOND ROWS_PER_TRANSACTION SECONDS [alerts]\n");
        return 2;
    }
    run.conninfo = argv[1];
    run.bootstrap = argv[2];
    run.topic = argv[3];
    run.rows_per_second = strtod(argv[4], NULL);
    run.rows_per_transaction = (int)strtol(argv[5], NULL, 10);
    run.seconds = (int)strtol(argv[6], NULL, 10);
    run.alerts = argc == 8;
    if (run.rows_per_second <= 0 || run.rows_per_transaction <= 0 || run.seconds <= WARM_UP_SECONDS)
        return 2;
    run.samples_max = (int64_t)(run.rows_per_second * run.seconds * 2);
    run.samples_us = memory_new_array((size_t)run.samples_max, sizeof(*run.samples_us));
    consumer = consumer_open(&run);
    /* A few empty polls, so that the consumer stands at the end of the topic before the first row. */
    for (int i = 0; i < 20; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    run.started_ns = clock_monotonic_ns();
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.run = &run, .index = i};
        (void)pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]);
    }
    deadline_ns = run.started_ns + (run.seconds + 20) * NS_PER_SECOND;
    while (!run.failed && clock_monotonic_ns() < deadline_ns) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);

        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            record_take(&run, message);
        if (message != NULL)
            rd_kafka_message_destroy(message);
        else if (clock_monotonic_ns() - run.started_ns > (run.seconds + (run.alerts ? 1 : 0)) * NS_PER_SECOND && (run.alerts || run.received >= run.inserted))
            break; /* nobody knows how many alerts there have to be: a second without any is the end */
    }
    for (int i = 0; i < WRITERS; i++)
        (void)pthread_join(writers[i].thread, NULL);
    (void)rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    if (run.failed || run.kept == 0) {
        (void)fprintf(stderr, "latency: no figures: inserted %lld, received %lld\n", (long long)run.inserted, (long long)run.received);
        return 1;
    }
    report(&run);
    memory_free(run.samples_us);
    return run.alerts || run.received == run.inserted ? 0 : 1;
}
