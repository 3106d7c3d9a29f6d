#include "check.h"

#include "broker/config.h"

static void assert_refused(const char *name, const char *value, const char *message)
{
    struct properties own;
    struct error error = {0};

    properties_init(&own);
    properties_set(&own, name, value);
    assert_int_equal(config_topic_check(&own, &error), ERROR_INVALID_CONFIG);
    assert_string_equal(error.message, message);
    properties_finish(&own);
}

static void assert_allowed(const char *name, const char *value)
{
    struct properties own;
    struct error error = {0};

    properties_init(&own);
    properties_set(&own, name, value);
    assert_int_equal(config_topic_check(&own, &error), OK);
    properties_finish(&own);
}

/* The texts are recorded from the tools of Kafka 4.3. */
TEST(bad_values_are_refused_in_kafkas_words)
{
    assert_refused("no.such.config", "1", "Unknown topic config name: no.such.config");
    assert_refused("", "5", "Unknown topic config name: ");
    assert_refused("retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG");
    assert_refused("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG");
    assert_refused("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1");
    assert_refused("segment.bytes", "100", "Invalid value 100 for configuration segment.bytes: Value must be at least 1048576");
    assert_refused("cleanup.policy", "sometimes",
                   "Invalid value sometimes for configuration cleanup.policy: String must be one of: compact, delete");
    assert_refused(
        "compression.type", "zip",
        "Invalid value zip for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer");
    assert_refused("message.timestamp.type", "Never",
                   "Invalid value Never for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime");
    assert_refused("min.cleanable.dirty.ratio", "2",
                   "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1");
    assert_refused("preallocate", "maybe", "Invalid value maybe for configuration preallocate: Expected value to be either true or false");
    assert_refused("min.insync.replicas", "0", "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1");
    assert_refused("max.message.bytes", "99999999999",
                   "Invalid value 99999999999 for configuration max.message.bytes: Not a number of type INT");
}

TEST(good_values_are_allowed)
{
    assert_allowed("retention.ms", "-1");
    assert_allowed("cleanup.policy", "compact,delete");
    assert_allowed("cleanup.policy", "compact, delete");
    assert_allowed("min.cleanable.dirty.ratio", "0.01");
    assert_allowed("compression.type", "zstd");
    assert_allowed("compression.gzip.level", "-1");
    assert_allowed("segment.bytes", " 1048576 ");
    assert_allowed("preallocate", "TRUE");
}

TEST(the_smallest_lag_may_not_pass_the_largest)
{
    struct properties own;
    struct error error = {0};

    properties_init(&own);
    properties_set(&own, "min.compaction.lag.ms", "10");
    properties_set(&own, "max.compaction.lag.ms", "5");
    assert_int_equal(config_topic_check(&own, &error), ERROR_INVALID_CONFIG);
    assert_string_equal(error.message, "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)");
    properties_finish(&own);
}

static const struct config_entry *entry_of(const struct config_entry *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

TEST(a_topic_is_described_as_kafka_does)
{
    struct properties own, broker;
    struct arena arena;
    struct config_entry *entries;
    const struct config_entry *entry;
    size_t count;

    arena_init(&arena, 4096);
    properties_init(&own);
    properties_init(&broker);
    properties_set(&own, "retention.ms", "1000");
    properties_set(&own, "max.message.bytes", "2000");
    properties_set(&broker, "log.retention.hours", "24");
    properties_set(&broker, "log.segment.bytes", "1073741824");
    entries = config_topic_entries(&own, &broker, &arena, &count);
    assert_int_equal(count, 33);
    assert_string_equal(entries[0].name, "compression.type");
    entry = entry_of(entries, count, "retention.ms");
    assert_string_equal(entry->value, "1000");
    assert_int_equal(entry->source, CONFIG_FROM_TOPIC);
    assert_int_equal(entry->synonym_count, 1);
    entry = entry_of(entries, count, "max.message.bytes");
    assert_int_equal(entry->synonym_count, 2);
    assert_string_equal(entry->synonyms[1].name, "message.max.bytes");
    assert_string_equal(entry->synonyms[1].value, "1048588");
    entry = entry_of(entries, count, "segment.bytes"); /* set in Kafka's shipped file, so users see it */
    assert_int_equal(entry->source, CONFIG_FROM_FILE);
    assert_int_equal(entry->synonym_count, 2);
    entry = entry_of(entries, count, "min.insync.replicas");
    assert_int_equal(entry->source, CONFIG_FROM_CLUSTER);
    entry = entry_of(entries, count, "flush.ms");
    assert_int_equal(entry->source, CONFIG_FROM_DEFAULT);
    assert_int_equal(entry->synonym_count, 0);
    assert_string_equal(config_topic_default("retention.ms", &broker, &arena), "86400000");
    properties_finish(&own);
    properties_finish(&broker);
    arena_finish(&arena);
}

TEST(a_broker_is_described_with_what_it_knows_better)
{
    struct properties broker, facts;
    struct arena arena;
    struct config_entry *entries;
    const struct config_entry *entry;
    size_t count;

    arena_init(&arena, 4096);
    properties_init(&broker);
    properties_init(&facts);
    properties_set(&broker, "num.partitions", "3");
    properties_set(&broker, "log.retention.ms", ""); /* our table's "not set" */
    properties_set(&facts, "node.id", "7");
    entries = config_broker_entries(&broker, &facts, &arena, &count);
    assert_int_equal(count, 340);
    assert_string_equal(entry_of(entries, count, "num.partitions")->value, "3");
    assert_null(entry_of(entries, count, "log.retention.ms")->value);
    entry = entry_of(entries, count, "node.id");
    assert_string_equal(entry->value, "7");
    assert_true(entry->read_only);
    assert_int_equal(entry->source, CONFIG_FROM_FILE);
    entry = entry_of(entries, count, "ssl.key.password");
    assert_true(entry->sensitive);
    assert_null(entry->value);
    entries = config_cluster_entries(&broker, &arena, &count);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].name, "min.insync.replicas");
    properties_finish(&broker);
    properties_finish(&facts);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_values_are_refused_in_kafkas_words),          cmocka_unit_test(good_values_are_allowed),
        cmocka_unit_test(the_smallest_lag_may_not_pass_the_largest),       cmocka_unit_test(a_topic_is_described_as_kafka_does),
        cmocka_unit_test(a_broker_is_described_with_what_it_knows_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
