/* kafka-get-offsets: offsets of partitions by time. Source: Apache Kafka's GetOffsetShell */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/text.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/offsets.h"
#include "tools/topic_filter.h"

#define PAGE_PARTITIONS 2000
#define HEAD "An interactive shell for getting topic-partition offsets."
#define TERSE "org.apache.kafka.tools.TerseException" /* told in one line */

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "HOST1:PORT1,...,HOST3:PORT3", .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with client settings."},
    {.name = "exclude-internal-topics", .help = "Leave the brokers' own topics out."},
    {.name = "partitions", .argument = ARGUMENT_REQUIRED, .value = "partition ids", .help = "Only these, with commas."},
    {.name = "time", .argument = ARGUMENT_REQUIRED, .value = "timestamp or word",
     .help = "ms since 1970, latest, earliest, max-timestamp, earliest-local, latest-tiered, earliest-pending-upload.", .default_value = "latest"},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "A name or regular expression."},
    {.name = "topic-partitions", .argument = ARGUMENT_REQUIRED, .value = "topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3",
     .help = "Topics by regular expression, each with a partition or a range whose end is not in it."},
    ARGUMENTS_COMMON,
    {0},
};

/* Topics by expression with a range of partitions. */
struct rule {
    struct regexes *topics;
    int32_t first, end;
};

struct get_offsets {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    struct rule *rules;
    size_t rule_count;
    int32_t *partitions; /* only these; count 0: all */
    size_t partition_count;
    int64_t time;
};

/* ---- Options ---- */

static const struct failure *time_parse(struct get_offsets *tool)
{
    static const struct {
        const char *word;
        int64_t time;
    } words[] = {{"latest", OFFSETS_LATEST},
                 {"earliest", OFFSETS_EARLIEST},
                 {"max-timestamp", OFFSETS_MAX_TIMESTAMP},
                 {"earliest-local", OFFSETS_EARLIEST_LOCAL},
                 {"latest-tiered", OFFSETS_LATEST_TIERED},
                 {"earliest-pending-upload", OFFSETS_EARLIEST_PENDING_UPLOAD}};
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, "time", &text);

    if (failure != NULL)
        return failure;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].word) == 0) {
            tool->time = words[i].time;
            return NULL;
        }
    }
    if (text_parse_int64(slice_from_string(text), &tool->time))
        return NULL;
    return failure_of(tool->arena, TERSE,
                      "Malformed time argument %s. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or "
                      "latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp",
                      text);
}

/* Digits only, or nothing: then *number stays. */
static bool bound_parse(struct slice text, int32_t *number)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return text.size == 0 || text_parse_int32(text, number);
}

/* "topic", "topic:3", "topic:1-4", "topic:2-", "topic:-3" or ":3" */
static const struct failure *rule_parse(struct get_offsets *tool, struct slice text, struct rule *rule)
{
    const uint8_t *colon = text.size == 0 ? NULL : memchr(text.data, ':', text.size);
    struct slice topics = colon == NULL ? text : slice_of(text.data, (size_t)(colon - text.data));
    struct slice range = colon == NULL ? slice_null() : slice_from(text, topics.size + 1);
    const uint8_t *dash = range.size == 0 ? NULL : memchr(range.data, '-', range.size);
    bool is_right;

    *rule = (struct rule){.end = INT32_MAX};
    if (dash != NULL) {
        is_right = bound_parse(slice_of(range.data, (size_t)(dash - range.data)), &rule->first) &&
                   bound_parse(slice_from(range, (size_t)(dash - range.data) + 1), &rule->end);
    } else {
        is_right = bound_parse(range, &rule->first);
        if (range.size > 0)
            rule->end = rule->first == INT32_MAX ? INT32_MAX : rule->first + 1;
    }
    if (!is_right)
        return failure_wrap(tool->arena, FAILURE_RUNTIME,
                            failure_of(tool->arena, TERSE, "Invalid rule specification: %.*s", (int)text.size, (const char *)text.data));
    return topic_filter_create(tool->arena, topics.size == 0 ? ".*" : arena_copy_string(tool->arena, topics), &rule->topics);
}

static const struct failure *rules_parse(struct get_offsets *tool, const char *text)
{
    struct slice rest = slice_from_string(text);
    struct slice field;
    const struct failure *failure = NULL;

    tool->rules = arena_new_array(tool->arena, rest.size + 1, sizeof(*tool->rules));
    while (failure == NULL && text_next_field(&rest, ',', &field))
        failure = rule_parse(tool, field, &tool->rules[tool->rule_count++]);
    return failure;
}

static const struct failure *partitions_parse(struct get_offsets *tool, const char *text)
{
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct slice field;

    tool->partitions = arena_new_array(tool->arena, rest.size + 1, sizeof(*tool->partitions));
    while (text_next_field(&rest, ',', &field)) {
        if (!text_parse_int32(field, &tool->partitions[tool->partition_count++]))
            return failure_of(tool->arena, TERSE, "--partitions expects a comma separated list of numeric partition ids, but received: %s", text);
    }
    return NULL;
}

static const struct failure *filter_parse(struct get_offsets *tool)
{
    const char *rules = NULL;
    const char *topic = NULL;
    const char *partitions = NULL;
    const struct failure *failure = arguments_text(&tool->options, "topic-partitions", &rules);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "topic", &topic);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "partitions", &partitions);
    if (failure == NULL && rules != NULL && (topic != NULL || partitions != NULL))
        failure = failure_of(tool->arena, TERSE, "--topic-partitions cannot be used with --topic or --partitions");
    if (failure == NULL)
        failure = time_parse(tool);
    if (failure != NULL)
        return failure;
    if (rules != NULL)
        return rules_parse(tool, rules);
    tool->rules = arena_new(tool->arena, sizeof(*tool->rules));
    tool->rules[0].end = INT32_MAX;
    tool->rule_count = 1;
    failure = partitions_parse(tool, partitions);
    return failure != NULL ? failure : topic_filter_create(tool->arena, topic == NULL ? ".*" : topic, &tool->rules[0].topics);
}

/* ---- Partitions ---- */

static bool topic_is_wanted(const struct get_offsets *tool, struct slice topic)
{
    for (size_t i = 0; i < tool->rule_count; i++) {
        if (regexes_match(tool->rules[i].topics, topic))
            return true;
    }
    return false;
}

static bool partition_is_wanted(const struct get_offsets *tool, struct slice topic, int32_t partition)
{
    bool is_listed = tool->partition_count == 0;

    for (size_t i = 0; i < tool->partition_count; i++)
        is_listed = is_listed || tool->partitions[i] == partition;
    for (size_t i = 0; i < tool->rule_count && is_listed; i++) {
        if (partition >= tool->rules[i].first && partition < tool->rules[i].end && regexes_match(tool->rules[i].topics, topic))
            return true;
    }
    return false;
}

static const struct failure *topics_find(struct get_offsets *tool, struct topic_description **topics, size_t *count)
{
    struct topic_listing *all;
    struct slice *names;
    size_t found = 0;
    const struct failure *failure = admin_list_topics(tool->client, tool->arena, &all, count);

    if (failure != NULL)
        return failure;
    names = arena_new_array(tool->arena, *count + 1, sizeof(*names));
    for (size_t i = 0; i < *count; i++) {
        if (topic_is_wanted(tool, all[i].name) && !(all[i].is_internal && arguments_has(&tool->options, "exclude-internal-topics")))
            names[found++] = all[i].name;
    }
    *count = found;
    return admin_describe_topics(tool->client, tool->arena, names, found, PAGE_PARTITIONS, topics);
}

static const struct failure *partitions_find(struct get_offsets *tool, struct partition_offset **items, size_t *count)
{
    struct topic_description *topics;
    size_t topic_count;
    size_t capacity = 1;
    const struct failure *failure = topics_find(tool, &topics, &topic_count);

    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    for (size_t i = 0; i < topic_count; i++)
        capacity += topics[i].partition_count;
    *items = arena_new_array(tool->arena, capacity, sizeof(**items));
    *count = 0;
    for (size_t i = 0; i < topic_count; i++) {
        for (size_t j = 0; j < topics[i].partition_count; j++) {
            if (partition_is_wanted(tool, topics[i].name, topics[i].partitions[j].index))
                (*items)[(*count)++].of = (struct topic_partition){topics[i].name, topics[i].partitions[j].index};
        }
    }
    if (*count == 0)
        return failure_of(tool->arena, TERSE, "Could not match any topic-partitions with the specified filters");
    return NULL;
}

/* As texts "topic-partition": 10 comes before 2. */
static int item_order(const void *a, const void *b)
{
    const struct partition_offset *left = a;
    const struct partition_offset *right = b;
    char left_number[16], right_number[16];
    int order = slice_compare(left->of.topic, right->of.topic);

    if (order != 0)
        return order;
    (void)snprintf(left_number, sizeof(left_number), "%d", left->of.partition);
    (void)snprintf(right_number, sizeof(right_number), "%d", right->of.partition);
    return strcmp(left_number, right_number);
}

static const struct failure *offsets_print(struct get_offsets *tool)
{
    struct partition_offset *items;
    size_t count;
    const struct failure *failure = partitions_find(tool, &items, &count);

    if (failure != NULL)
        return failure;
    failure = offsets_list(tool->client, tool->arena, items, count, tool->time);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    qsort(items, count, sizeof(*items), item_order);
    for (size_t i = 0; i < count; i++) {
        int size = (int)items[i].of.topic.size;
        const char *topic = (const char *)items[i].of.topic.data;

        if (items[i].error_code != 0)
            (void)fprintf(stderr, "Skip getting offsets for topic-partition %.*s-%d due to error: %s\n", size, topic, items[i].of.partition,
                          failure_text(tool->arena, failure_from_kafka(tool->arena, items[i].error_code, slice_null())));
        else if (items[i].offset >= 0)
            (void)printf("%.*s:%d:%lld\n", size, topic, items[i].of.partition, (long long)items[i].offset);
    }
    return NULL;
}

/* ---- The tool ---- */

static int tool_failed(struct get_offsets *tool, const struct failure *failure)
{
    if (failure->class_name == NULL)
        return arguments_print_usage(&tool->options, failure->message);
    (void)fprintf(stderr, "Error occurred: %s\n", failure_message(failure));
    if (strcmp(failure->class_name, TERSE) != 0 && !arguments_is_failure(failure)) {
        failure_print(stderr, failure);
        (void)fputc('\n', stderr);
    }
    return 1;
}

static int get_offsets_run(struct arena *arena, int argc, char **argv)
{
    struct get_offsets tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure == NULL && arguments_help_or_version(&tool.options, HEAD, &exit_code))
        return exit_code;
    if (failure == NULL)
        failure = arguments_require(&tool.options, "bootstrap-server", NULL);
    if (failure == NULL)
        failure = arguments_check_bootstrap(&tool.options);
    if (failure == NULL)
        failure = filter_parse(&tool);
    if (failure == NULL)
        failure = admin_open(&tool.options, "GetOffsetShell", &tool.client);
    if (failure == NULL)
        failure = offsets_print(&tool);
    if (failure != NULL)
        exit_code = tool_failed(&tool, failure);
    for (size_t i = 0; i < tool.rule_count; i++)
        regexes_destroy(tool.rules[i].topics);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_get_offsets_main(int argc, char **argv)
{
    return command_run(argc, argv, get_offsets_run);
}
