/* kafka-topics: list, create, describe, alter and delete topics. Source: Apache Kafka's TopicCommand. */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/topic_filter.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_topic.h"

#define LOGGER "org.apache.kafka.tools.TopicCommand"
#define REQUEST_TIMEOUT_MS 30000
#define PAGE_PARTITIONS 2000
#define CODE_TOPIC_EXISTS 36
#define CODE_INVALID_CONFIG 40

static const struct argument_spec specs[] = {
    {.name = "alter", .help = "Change the number of partitions. (kafka-configs changes the settings of a topic.)"},
    {.name = "at-min-isr-partitions", .help = "Describe: only partitions with just as many replicas in sync as required."},
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "command config property file", .help = "File with client settings."},
    {.name = "config", .argument = ARGUMENT_REQUIRED, .value = "name=value", .help = "Create: a setting of the topic; may be given again."},
    {.name = "create", .help = "Create a topic."},
    {.name = "delete", .help = "Delete topics."},
    {.name = "delete-config", .argument = ARGUMENT_REQUIRED, .value = "name", .help = "No longer supported."},
    {.name = "describe", .help = "Show details of topics."},
    {.name = "exclude-internal", .help = "List, describe: leave the brokers' own topics out."},
    {.name = "if-exists", .help = "Alter, delete, describe: do nothing when there is no such topic."},
    {.name = "if-not-exists", .help = "Create: do nothing when the topic exists."},
    {.name = "list", .help = "List all topics."},
    {.name = "partition-size-limit-per-response", .argument = ARGUMENT_REQUIRED, .value = "maximum number of partitions per response",
     .help = "Describe: partitions to ask for at a time."},
    {.name = "partitions", .argument = ARGUMENT_REQUIRED, .value = "# of partitions", .help = "Create, alter: how many partitions."},
    {.name = "replica-assignment", .argument = ARGUMENT_REQUIRED, .value = "broker:broker,broker:broker,...",
     .help = "Create, alter: the brokers of each partition."},
    {.name = "replication-factor", .argument = ARGUMENT_REQUIRED, .value = "replication factor", .help = "Create: copies of each partition."},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "A name, or but for create a regular expression."},
    {.name = "topic-id", .argument = ARGUMENT_REQUIRED, .value = "topic-id", .help = "Describe: the topic with this id."},
    {.name = "topics-with-overrides", .help = "Describe: only topics with settings of their own."},
    {.name = "unavailable-partitions", .help = "Describe: only partitions without a leader."},
    {.name = "under-min-isr-partitions", .help = "Describe: only partitions with fewer replicas in sync than required."},
    {.name = "under-replicated-partitions", .help = "Describe: only partitions with replicas behind."},
    ARGUMENTS_COMMON,
    {0},
};

/* One run of the tool. */
struct topics {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    struct topic_listing *found; /* topics that the options name */
    size_t found_count;
};

/* ---- Options ---- */

static const char *const actions[] = {"create", "list", "alter", "describe", "delete", NULL};

static bool name_in(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* `option` is refused with every action but those in `allowed`. */
static const struct failure *allow_only_with(const struct arguments *options, const char *option, const char *const *allowed)
{
    const struct failure *failure = NULL;

    for (const char *const *action = actions; *action != NULL && failure == NULL; action++) {
        if (!name_in(*action, allowed))
            failure = arguments_exclude(options, option, *action, NULL);
    }
    return failure;
}

static const struct failure *check_required(struct topics *tool)
{
    const struct arguments *options = &tool->options;
    const struct failure *failure = NULL;

    if (!arguments_has(options, "bootstrap-server"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "--bootstrap-server must be specified");
    if (arguments_has(options, "describe") && arguments_has(options, "if-exists")) {
        if (!arguments_has(options, "topic") && !arguments_has(options, "topic-id"))
            return failure_usage(tool->arena, "--topic or --topic-id is required to describe a topic");
        if (arguments_has(options, "topic") && arguments_has(options, "topic-id"))
            (void)puts("Only topic id will be used when both --topic and --topic-id are specified and topicId is not Uuid.ZERO_UUID");
    }
    if (!arguments_has(options, "list") && !arguments_has(options, "describe"))
        failure = arguments_require(options, "topic", NULL);
    if (failure == NULL && arguments_has(options, "alter")) {
        if (arguments_has(options, "config"))
            return failure_usage(tool->arena, "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" "
                                              "(To alter topic configurations, the kafka-configs tool can be used.)");
        failure = arguments_require(options, "partitions", NULL);
    }
    return failure;
}

static const struct failure *check_combinations(const struct arguments *options)
{
    static const struct {
        const char *option;
        const char *allowed[4];
    } rows[] = {
        {"config", {"alter", "create"}},
        {"partitions", {"alter", "create"}},
        {"replication-factor", {"create"}},
        {"replica-assignment", {"alter", "create"}},
        {"under-replicated-partitions", {"describe"}},
        {"under-min-isr-partitions", {"describe"}},
        {"at-min-isr-partitions", {"describe"}},
        {"unavailable-partitions", {"describe"}},
        {"topics-with-overrides", {"describe"}},
        {"if-exists", {"alter", "delete", "describe"}},
        {"if-not-exists", {"create"}},
        {"exclude-internal", {"list", "describe"}},
    };
    const struct failure *failure = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && failure == NULL; i++) {
        failure = allow_only_with(options, rows[i].option, rows[i].allowed);
        if (failure == NULL && strcmp(rows[i].option, "replica-assignment") == 0 && arguments_has(options, "create"))
            failure = arguments_exclude(options, "replica-assignment", "partitions", "replication-factor", NULL);
        if (failure == NULL && strstr(rows[i].option, "-partitions") != NULL)
            failure = arguments_exclude(options, rows[i].option, "topics-with-overrides", NULL);
    }
    return failure;
}

static const struct failure *check_options(struct topics *tool)
{
    const struct failure *failure;
    int count = 0;

    for (const char *const *action = actions; *action != NULL; action++)
        count += arguments_has(&tool->options, *action);
    if (count != 1)
        return failure_usage(tool->arena, "Command must include exactly one action: --list, --describe, --create, --alter or --delete");
    if (arguments_has(&tool->options, "delete-config"))
        (void)fprintf(stderr, "delete-config option is no longer supported and deprecated since version 4.0. "
                              "The config will be fully removed in future releases.\n");
    failure = check_required(tool);
    return failure != NULL ? failure : check_combinations(&tool->options);
}

/* ---- Which topics ---- */

/* Fills tool->found with the topics that --topic names, all without it. */
static const struct failure *topics_find(struct topics *tool)
{
    const char *list = NULL;
    struct regexes *filter = NULL;
    bool excludes_internal = arguments_has(&tool->options, "exclude-internal");
    size_t kept = 0;
    const struct failure *failure = admin_list_topics(tool->client, tool->arena, &tool->found, &tool->found_count);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "topic", &list);
    if (failure == NULL && list != NULL)
        failure = topic_filter_create(tool->arena, list, &filter);
    if (failure != NULL)
        return failure;
    for (size_t i = 0; i < tool->found_count; i++) {
        struct topic_listing topic = tool->found[i];

        if ((filter == NULL || regexes_match(filter, topic.name)) && !(excludes_internal && is_internal_topic(topic.name)))
            tool->found[kept++] = topic;
    }
    tool->found_count = kept;
    regexes_destroy(filter);
    return NULL;
}

static const struct failure *topics_must_exist(struct topics *tool)
{
    const char *list = NULL;
    const struct failure *failure = arguments_text(&tool->options, "topic", &list);

    if (failure != NULL || list == NULL || *list == '\0' || arguments_has(&tool->options, "if-exists") || tool->found_count > 0)
        return failure;
    return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Topic '%s' does not exist as expected", list);
}

/* ---- list ---- */

static const struct failure *topics_list(struct topics *tool)
{
    const struct failure *failure = topics_find(tool);

    if (failure != NULL)
        return failure;
    for (size_t i = 0; i < tool->found_count; i++)
        (void)printf("%s%.*s", i == 0 ? "" : "\n", (int)tool->found[i].name.size, (const char *)tool->found[i].name.data);
    (void)putchar('\n');
    return NULL;
}

/* ---- Replica assignments ---- */

struct assignment {
    wire_int32_array *partitions;
    size_t count;
};

static const struct failure *brokers_parse(struct arena *arena, struct slice text, wire_int32_array *brokers)
{
    struct slice field;
    size_t capacity = text.size + 1;
    const struct failure *failure;

    *brokers = (wire_int32_array){.items = arena_new_array(arena, capacity, sizeof(int32_t))};
    while (text_next_field(&text, ':', &field)) {
        int32_t id;

        failure = arguments_parse_int(arena, arena_copy_string(arena, text_trim(field)), &id);
        if (failure != NULL)
            return failure;
        for (int32_t i = 0; i < brokers->count; i++) {
            if (brokers->items[i] == id)
                return failure_of(arena, "org.apache.kafka.tools.AdminCommandFailedException",
                                  "Partition replica lists may not contain duplicate entries: %d", id);
        }
        brokers->items[brokers->count++] = id;
    }
    return NULL;
}

static const struct failure *assignment_parse(struct topics *tool, struct assignment *assignment)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, "replica-assignment", &text);
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct slice field;

    *assignment = (struct assignment){.partitions = arena_new_array(tool->arena, rest.size + 1, sizeof(wire_int32_array))};
    while (failure == NULL && text_next_field(&rest, ',', &field)) {
        wire_int32_array *brokers = &assignment->partitions[assignment->count];

        failure = brokers_parse(tool->arena, field, brokers);
        if (failure == NULL && brokers->count != assignment->partitions[0].count)
            failure = failure_of(tool->arena, "org.apache.kafka.tools.AdminOperationException",
                                 "Partition %zu has different replication factor: %.*s", assignment->count, (int)field.size,
                                 (const char *)field.data);
        assignment->count++;
    }
    return failure;
}

/* ---- create ---- */

/* "name = value" in two; false when it has not exactly one '=' with something behind it. */
static bool config_split(struct slice text, struct slice *name, struct slice *value)
{
    const uint8_t *equals = memchr(text.data, '=', text.size);

    if (equals == NULL)
        return false;
    *name = text_trim(slice_of(text.data, (size_t)(equals - text.data)));
    *value = text_trim(slice_from(text, (size_t)(equals - text.data) + 1));
    return value->size > 0 && memchr(value->data, '=', value->size) == NULL;
}

static const struct failure *configs_parse(struct topics *tool, struct kafka_create_topics_request_topic *topic)
{
    size_t count = arguments_count(&tool->options, "config");

    topic->configs.items = arena_new_array(tool->arena, count + 1, sizeof(*topic->configs.items));
    for (size_t i = 0; i < count; i++) {
        struct slice name, value;
        int32_t at = 0;

        if (!config_split(slice_from_string(arguments_nth(&tool->options, "config", i)), &name, &value))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                              "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".");
        while (at < topic->configs.count && !slice_equal(topic->configs.items[at].name, name))
            at++;
        topic->configs.items[at].name = name;
        topic->configs.items[at].value = value;
        if (at == topic->configs.count)
            topic->configs.count++;
    }
    return NULL;
}

static const struct failure *sizes_parse(struct topics *tool, struct kafka_create_topics_request_topic *topic)
{
    int32_t partitions = 0;
    int32_t replicas = 0;
    const struct failure *failure = arguments_int(&tool->options, "partitions", &partitions);

    if (failure == NULL)
        failure = arguments_int(&tool->options, "replication-factor", &replicas);
    if (failure != NULL)
        return failure;
    topic->num_partitions = arguments_has(&tool->options, "partitions") ? partitions : -1;
    topic->replication_factor = arguments_has(&tool->options, "replication-factor") ? (int16_t)replicas : -1;
    if (arguments_has(&tool->options, "replication-factor") && (replicas < 1 || replicas > INT16_MAX))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "The replication factor must be between 1 and %d inclusive", INT16_MAX);
    if (arguments_has(&tool->options, "partitions") && partitions < 1)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "The partitions must be greater than 0");
    return NULL;
}

static void assignment_use(struct topics *tool, const struct assignment *assignment, struct kafka_create_topics_request_topic *topic)
{
    topic->assignments.items = arena_new_array(tool->arena, assignment->count + 1, sizeof(*topic->assignments.items));
    topic->assignments.count = (int32_t)assignment->count;
    for (size_t i = 0; i < assignment->count; i++) {
        topic->assignments.items[i].partition_index = (int32_t)i;
        topic->assignments.items[i].broker_ids = assignment->partitions[i];
    }
}

/* What the broker refused, as the exception that Java's tool finds: it checks the values of settings itself. */
static const struct failure *create_failure(struct topics *tool, int16_t code, struct slice message)
{
    const char *invalid_value = "Invalid value ";

    if (code == CODE_INVALID_CONFIG && message.size > strlen(invalid_value) && memcmp(message.data, invalid_value, strlen(invalid_value)) == 0)
        return failure_of(tool->arena, FAILURE_CONFIG, "%.*s", (int)message.size, (const char *)message.data);
    return failure_from_kafka(tool->arena, code, message);
}

static const struct failure *create_send(struct topics *tool, struct kafka_create_topics_request_topic *topic)
{
    struct kafka_create_topics_request request;
    struct kafka_create_topics_response response;
    const struct failure *failure;
    int16_t code;

    if (topic->name.size == 0)
        return failure_of(tool->arena, "org.apache.kafka.common.errors.InvalidTopicException",
                          "The given topic name '' cannot be represented in a request.");
    wire_init_defaults(&kafka_create_topics_request_message, &request);
    request.topics.items = topic;
    request.topics.count = 1;
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    failure = client_call(tool->client, CLIENT_CONTROLLER, "createTopics", KAFKA_CREATE_TOPICS, &request, &response, tool->arena);
    if (failure != NULL)
        return failure;
    if (response.topics.count < 1)
        return failure_of(tool->arena, FAILURE_KAFKA, "The broker response did not contain a result for the topic");
    code = response.topics.items[0].error_code;
    if (code == 0)
        (void)printf("Created topic %.*s.\n", (int)topic->name.size, (const char *)topic->name.data);
    else if (code != CODE_TOPIC_EXISTS || !arguments_has(&tool->options, "if-not-exists"))
        return create_failure(tool, code, response.topics.items[0].error_message);
    return NULL;
}

static const struct failure *topics_create(struct topics *tool)
{
    struct kafka_create_topics_request_topic topic;
    struct assignment assignment;
    const char *name = NULL;
    const struct failure *failure = arguments_text(&tool->options, "topic", &name);

    wire_init_defaults(&kafka_create_topics_request_topic_message, &topic);
    topic.name = slice_from_string(name);
    if (failure == NULL)
        failure = sizes_parse(tool, &topic);
    if (failure == NULL)
        failure = assignment_parse(tool, &assignment);
    if (failure == NULL)
        failure = configs_parse(tool, &topic);
    if (failure != NULL)
        return failure;
    if (assignment.count > 0)
        assignment_use(tool, &assignment, &topic);
    if (strpbrk(name, "._") != NULL)
        (void)puts("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. "
                   "To avoid issues it is best to use either, but not both.");
    return create_send(tool, &topic);
}

/* ---- alter ---- */

static const struct failure *alter_one(struct topics *tool, struct slice name, int32_t partitions, const struct assignment *assignment,
                                       struct kafka_create_partitions_request_topic *topic)
{
    struct topic_description *description;
    size_t more;
    const struct failure *failure;

    wire_init_defaults(&kafka_create_partitions_request_topic_message, topic);
    topic->name = name;
    topic->count = partitions;
    topic->assignments.count = -1;
    if (assignment->count == 0)
        return NULL;
    failure = admin_describe_topics(tool->client, tool->arena, &name, 1, PAGE_PARTITIONS, &description);
    if (failure != NULL)
        return failure;
    more = assignment->count > description->partition_count ? assignment->count - description->partition_count : 0;
    topic->assignments.items = arena_new_array(tool->arena, more + 1, sizeof(*topic->assignments.items));
    topic->assignments.count = (int32_t)more;
    for (size_t i = 0; i < more; i++)
        topic->assignments.items[i].broker_ids = assignment->partitions[description->partition_count + i];
    return NULL;
}

static const struct failure *alter_send(struct topics *tool, struct kafka_create_partitions_request *request)
{
    struct kafka_create_partitions_response response;
    const struct failure *failure =
        client_call(tool->client, CLIENT_CONTROLLER, "createPartitions", KAFKA_CREATE_PARTITIONS, request, &response, tool->arena);

    if (failure != NULL)
        return failure;
    for (int32_t i = 0; i < response.results.count; i++) {
        if (response.results.items[i].error_code != 0)
            return failure_from_kafka(tool->arena, response.results.items[i].error_code, response.results.items[i].error_message);
    }
    return NULL;
}

static const struct failure *topics_alter(struct topics *tool)
{
    struct kafka_create_partitions_request request;
    struct assignment assignment;
    int32_t partitions = 0;
    const struct failure *failure = arguments_int(&tool->options, "partitions", &partitions);

    if (failure == NULL)
        failure = assignment_parse(tool, &assignment);
    if (failure == NULL)
        failure = topics_find(tool);
    if (failure == NULL)
        failure = topics_must_exist(tool);
    if (failure != NULL || tool->found_count == 0)
        return failure;
    wire_init_defaults(&kafka_create_partitions_request_message, &request);
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    request.topics.items = arena_new_array(tool->arena, tool->found_count, sizeof(*request.topics.items));
    request.topics.count = (int32_t)tool->found_count;
    for (size_t i = 0; i < tool->found_count && failure == NULL; i++)
        failure = alter_one(tool, tool->found[i].name, partitions, &assignment, &request.topics.items[i]);
    return failure != NULL ? failure : alter_send(tool, &request);
}

/* ---- delete ---- */

static const struct failure *topics_delete(struct topics *tool)
{
    struct kafka_delete_topics_request request;
    struct kafka_delete_topics_response response;
    const struct failure *failure = topics_find(tool);

    if (failure == NULL)
        failure = topics_must_exist(tool);
    if (failure != NULL || tool->found_count == 0)
        return failure;
    wire_init_defaults(&kafka_delete_topics_request_message, &request);
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    request.topics.items = arena_new_array(tool->arena, tool->found_count, sizeof(*request.topics.items));
    request.topic_names.items = arena_new_array(tool->arena, tool->found_count, sizeof(*request.topic_names.items));
    request.topics.count = request.topic_names.count = (int32_t)tool->found_count;
    for (size_t i = 0; i < tool->found_count; i++)
        request.topics.items[i].name = request.topic_names.items[i] = tool->found[i].name;
    failure = client_call(tool->client, CLIENT_CONTROLLER, "deleteTopics", KAFKA_DELETE_TOPICS, &request, &response, tool->arena);
    for (int32_t i = 0; failure == NULL && i < response.responses.count; i++) {
        if (response.responses.items[i].error_code != 0)
            failure = failure_from_kafka(tool->arena, response.responses.items[i].error_code, response.responses.items[i].error_message);
    }
    return failure;
}

/* ---- describe ---- */

struct reassignments {
    struct kafka_list_partition_reassignments_response response;
};

static const struct kafka_list_partition_reassignments_response_partition *reassignment_find(const struct reassignments *all,
                                                                                             struct slice topic, int32_t partition)
{
    for (int32_t i = 0; i < all->response.topics.count; i++) {
        if (!slice_equal(all->response.topics.items[i].name, topic))
            continue;
        for (int32_t j = 0; j < all->response.topics.items[i].partitions.count; j++) {
            if (all->response.topics.items[i].partitions.items[j].partition_index == partition)
                return &all->response.topics.items[i].partitions.items[j];
        }
    }
    return NULL;
}

static const struct failure *reassignments_list(struct topics *tool, struct reassignments *all)
{
    struct kafka_list_partition_reassignments_request request;
    const struct failure *failure;

    wire_init_defaults(&kafka_list_partition_reassignments_request_message, &request);
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    request.topics.count = -1;
    *all = (struct reassignments){0};
    failure = client_call(tool->client, CLIENT_CONTROLLER, "listPartitionReassignments", KAFKA_LIST_PARTITION_REASSIGNMENTS, &request,
                          &all->response, tool->arena);
    if (failure != NULL && strstr(failure->class_name, "UnsupportedVersion") != NULL) {
        all->response.topics.count = 0;
        failure = NULL;
    }
    return failure;
}

static void numbers_print(const char *label, const wire_int32_array *numbers)
{
    (void)printf("\t%s: ", label);
    if (numbers->count < 0)
        (void)fputs("N/A", stdout);
    for (int32_t i = 0; i < numbers->count; i++)
        (void)printf("%s%d", i == 0 ? "" : ",", numbers->items[i]);
}

static size_t replication_factor(const struct partition_description *partition,
                                 const struct kafka_list_partition_reassignments_response_partition *reassignment)
{
    if (reassignment == NULL)
        return (size_t)partition->replicas.count;
    return (size_t)(reassignment->replicas.count - reassignment->adding_replicas.count);
}

static void partition_print(struct slice topic, const struct partition_description *partition,
                            const struct kafka_list_partition_reassignments_response_partition *reassignment)
{
    (void)printf("\tTopic: %.*s\tPartition: %d", (int)topic.size, (const char *)topic.data, partition->index);
    if (partition->leader < 0)
        (void)fputs("\tLeader: none", stdout);
    else
        (void)printf("\tLeader: %d", partition->leader);
    numbers_print("Replicas", &partition->replicas);
    numbers_print("Isr", &partition->isr);
    if (reassignment != NULL) {
        numbers_print("Adding Replicas", &reassignment->adding_replicas);
        numbers_print("Removing Replicas", &reassignment->removing_replicas);
    }
    numbers_print("Elr", &partition->eligible);
    numbers_print("LastKnownElr", &partition->last_known_eligible);
    (void)putchar('\n');
}

static void topic_print(struct topics *tool, const struct topic_description *topic, const struct config_listing *configs,
                        const struct reassignments *all)
{
    char id[UUID_BASE64_SIZE];
    uint32_t *hashes = arena_new_array(tool->arena, configs->count + 1, sizeof(*hashes));
    const char *separator = "";
    size_t *order;

    uuid_to_base64(&topic->id, id);
    (void)printf("Topic: %.*s", (int)topic->name.size, (const char *)topic->name.data);
    if (!uuid_is_zero(&topic->id))
        (void)printf("\tTopicId: %s", id);
    (void)printf("\tPartitionCount: %zu\tReplicationFactor: %zu\tConfigs: ", topic->partition_count,
                 topic->partition_count == 0
                     ? 0
                     : replication_factor(&topic->partitions[0], reassignment_find(all, topic->name, topic->partitions[0].index)));
    for (size_t i = 0; i < configs->count; i++)
        hashes[i] = java_hash_code(configs->entries[i].name);
    order = java_map_order_new(tool->arena, hashes, configs->count, 0);
    for (size_t i = 0; i < configs->count; i++) {
        const struct kafka_describe_configs_response_config *entry = &configs->entries[order[i]];

        if (entry->config_source == CONFIG_SOURCE_DEFAULT)
            continue;
        (void)printf("%s%.*s=%.*s", separator, (int)entry->name.size, (const char *)entry->name.data,
                     slice_is_null(entry->value) ? 4 : (int)entry->value.size,
                     slice_is_null(entry->value) ? "null" : (const char *)entry->value.data);
        separator = ",";
    }
    (void)putchar('\n');
}

static int32_t min_isr_of(const struct config_listing *configs)
{
    int32_t number = 1;

    for (size_t i = 0; i < configs->count; i++) {
        if (slice_equal_string(configs->entries[i].name, "min.insync.replicas"))
            (void)text_parse_int32(configs->entries[i].value, &number);
    }
    return number;
}

static bool is_partition_filter(const struct arguments *options)
{
    return arguments_has(options, "under-replicated-partitions") || arguments_has(options, "unavailable-partitions") ||
           arguments_has(options, "under-min-isr-partitions") || arguments_has(options, "at-min-isr-partitions");
}

static bool partition_is_wanted(struct topics *tool, const struct partition_description *partition,
                                const struct kafka_list_partition_reassignments_response_partition *reassignment, int32_t min_isr)
{
    const struct arguments *options = &tool->options;
    bool has_leader = partition->leader >= 0;

    if (!is_partition_filter(options))
        return true;
    return (arguments_has(options, "under-replicated-partitions") &&
            (size_t)partition->isr.count < replication_factor(partition, reassignment)) ||
           (arguments_has(options, "unavailable-partitions") &&
            (!has_leader || client_node_find(tool->client, partition->leader) == NULL)) ||
           (arguments_has(options, "under-min-isr-partitions") && (!has_leader || partition->isr.count < min_isr)) ||
           (arguments_has(options, "at-min-isr-partitions") && partition->isr.count == min_isr);
}

static const struct failure *describe_one(struct topics *tool, const struct topic_description *topic, const struct reassignments *all)
{
    struct config_listing configs;
    const struct failure *failure = admin_describe_configs(tool->client, tool->arena, RESOURCE_TOPIC, topic->name, false, &configs);
    bool only_overrides = arguments_has(&tool->options, "topics-with-overrides");
    bool has_override = false;

    if (failure != NULL)
        return failure;
    for (size_t i = 0; i < configs.count; i++)
        has_override = has_override || configs.entries[i].config_source != CONFIG_SOURCE_DEFAULT;
    if (!is_partition_filter(&tool->options) && (!only_overrides || has_override))
        topic_print(tool, topic, &configs, all);
    for (size_t i = 0; i < topic->partition_count && !only_overrides; i++) {
        const struct kafka_list_partition_reassignments_response_partition *reassignment =
            reassignment_find(all, topic->name, topic->partitions[i].index);

        if (partition_is_wanted(tool, &topic->partitions[i], reassignment, min_isr_of(&configs)))
            partition_print(topic->name, &topic->partitions[i], reassignment);
    }
    return NULL;
}

/* Leaves only the topic with that id in tool->found. */
static const struct failure *topics_find_by_id(struct topics *tool, const char *text, const struct uuid *id)
{
    const struct failure *failure = admin_list_topics(tool->client, tool->arena, &tool->found, &tool->found_count);
    size_t kept = 0;

    for (size_t i = 0; failure == NULL && i < tool->found_count; i++) {
        if (memcmp(&tool->found[i].id, id, sizeof(*id)) == 0 &&
            !(tool->found[i].is_internal && arguments_has(&tool->options, "exclude-internal")))
            tool->found[kept++] = tool->found[i];
    }
    tool->found_count = kept;
    if (failure == NULL && kept == 0 && !arguments_has(&tool->options, "if-exists"))
        failure = failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "TopicId '%s' does not exist as expected", text);
    return failure;
}

/* Bytes that so many characters of base64 hold. */
static size_t base64_bytes(const char *text)
{
    size_t size = strlen(text);

    while (size > 0 && text[size - 1] == '=')
        size--;
    return size * 3 / 4;
}

static const struct failure *topics_find_for_describe(struct topics *tool)
{
    const char *text = NULL;
    struct uuid id = {0};
    const struct failure *failure = arguments_text(&tool->options, "topic-id", &text);

    if (failure == NULL && text != NULL && !uuid_from_base64(slice_from_string(text), &id)) {
        if (strlen(text) > 24)
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                              "Input string with prefix `%.24s` is too long to be decoded as a base64 UUID", text);
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "Input string `%s` decoded as %zu bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID", text,
                          base64_bytes(text));
    }
    if (failure == NULL && text != NULL && !uuid_is_zero(&id))
        return topics_find_by_id(tool, text, &id);
    if (failure == NULL)
        failure = topics_find(tool);
    return failure != NULL ? failure : topics_must_exist(tool);
}

/* The topics come in the order of the map that Java's client collects them in. */
static const struct failure *describe_all(struct topics *tool, const struct topic_description *topics, const struct reassignments *all)
{
    uint32_t *hashes = arena_new_array(tool->arena, tool->found_count + 1, sizeof(*hashes));
    const struct failure *failure = NULL;
    size_t *order;

    for (size_t i = 0; i < tool->found_count; i++) {
        if (topics[i].error_code != 0)
            return failure_from_kafka(tool->arena, topics[i].error_code, slice_null());
        hashes[i] = java_hash_code(topics[i].name);
    }
    order = java_map_order_new(tool->arena, hashes, tool->found_count, tool->found_count);
    for (size_t i = 0; i < tool->found_count && failure == NULL; i++)
        failure = describe_one(tool, &topics[order[i]], all);
    return failure;
}

static const struct failure *topics_describe(struct topics *tool)
{
    struct topic_description *topics;
    struct reassignments all;
    int32_t page_partitions = PAGE_PARTITIONS;
    struct slice *names;
    const struct failure *failure = topics_find_for_describe(tool);

    if (failure == NULL)
        failure = arguments_int(&tool->options, "partition-size-limit-per-response", &page_partitions);
    if (failure != NULL || tool->found_count == 0)
        return failure;
    names = arena_new_array(tool->arena, tool->found_count, sizeof(*names));
    for (size_t i = 0; i < tool->found_count; i++)
        names[i] = tool->found[i].name;
    failure = admin_describe_topics(tool->client, tool->arena, names, tool->found_count, page_partitions, &topics);
    if (failure == NULL)
        failure = reassignments_list(tool, &all);
    return failure != NULL ? failure : describe_all(tool, topics, &all);
}

/* ---- The tool ---- */

static const struct failure *action_run(struct topics *tool)
{
    if (arguments_has(&tool->options, "create"))
        return topics_create(tool);
    if (arguments_has(&tool->options, "alter"))
        return topics_alter(tool);
    if (arguments_has(&tool->options, "list"))
        return topics_list(tool);
    if (arguments_has(&tool->options, "describe"))
        return topics_describe(tool);
    return topics_delete(tool);
}

/* "Error while executing topic command : …" and a line of the log. */
static int action_failed(const struct failure *failure)
{
    (void)printf("Error while executing topic command : %s\n", failure_message(failure));
    console_log_open("ERROR");
    failure_print(stderr, failure);
    (void)fprintf(stderr, " (%s)\n", LOGGER);
    return 1;
}

static int topics_run(struct arena *arena, int argc, char **argv)
{
    struct topics tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure != NULL)
        return console_print_fatal(stderr, failure);
    if (argc <= 1)
        return arguments_print_usage(&tool.options, "Create, delete, describe, or change a topic.");
    if (arguments_help_or_version(&tool.options, "This tool helps to create, delete, describe, or change a topic.", &exit_code))
        return exit_code;
    failure = check_options(&tool);
    if (failure != NULL && failure->class_name == NULL)
        return arguments_print_usage(&tool.options, failure->message);
    if (failure == NULL)
        failure = admin_open(&tool.options, NULL, &tool.client);
    if (failure != NULL)
        return console_print_fatal(stderr, failure);
    failure = action_run(&tool);
    if (failure != NULL)
        exit_code = action_failed(failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_topics_main(int argc, char **argv)
{
    return command_run(argc, argv, topics_run);
}
