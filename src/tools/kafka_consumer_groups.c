/* kafka-consumer-groups: list, describe, reset and delete consumer groups. Source: Apache Kafka's ConsumerGroupCommand. */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/regexes.h"
#include "base/text.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/consumer_groups.h"

#include <stdarg.h>

#define PAGE_PARTITIONS 2000
#define NAMES_MAX 64

static const struct argument_spec specs[] = {
    {.name = "all-groups", .help = "Describe, delete, reset: all groups."},
    {.name = "all-topics", .help = "Reset: all topics the group has positions for."},
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "REQUIRED: the brokers to connect to."},
    {.name = "by-duration", .argument = ARGUMENT_REQUIRED, .value = "duration", .help = "Reset: so long ago, as PnDTnHnMnS."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "command config property file", .help = "File with client settings."},
    {.name = "delete", .help = "Delete groups with all their positions."},
    {.name = "delete-offsets", .help = "Delete positions of a group; a topic is needed."},
    {.name = "describe", .help = "Show positions, members or state of groups."},
    {.name = "dry-run", .help = "Reset: only show what would be done."},
    {.name = "execute", .help = "Reset: do it."},
    {.name = "export", .help = "Reset: show what would be done as CSV."},
    {.name = "from-file", .argument = ARGUMENT_REQUIRED, .value = "path to CSV file", .help = "Reset: positions from such a file."},
    {.name = "group", .argument = ARGUMENT_REQUIRED, .value = "consumer group", .help = "The group; may be given again."},
    {.name = "list", .help = "List all groups."},
    {.name = "members", .help = "Describe: the members.", .only_with = "describe"},
    {.name = "offsets", .help = "Describe: the positions; the default.", .only_with = "describe"},
    {.name = "reset-offsets", .help = "Move the positions of a group without members."},
    {.name = "shift-by", .argument = ARGUMENT_REQUIRED, .value = "number-of-offsets", .help = "Reset: forward, or back when negative."},
    {.name = "state", .argument = ARGUMENT_OPTIONAL, .value = "states", .help = "Describe: the state. List: with states, or only these.",
     .only_with = "describe,list"},
    {.name = "timeout", .argument = ARGUMENT_REQUIRED, .value = "timeout (ms)", .help = "How long an answer may take.", .default_value = "30000"},
    {.name = "to-current", .help = "Reset: to where they are."},
    {.name = "to-datetime", .argument = ARGUMENT_REQUIRED, .value = "datetime", .help = "Reset: to a moment, as YYYY-MM-DDTHH:mm:SS.sss."},
    {.name = "to-earliest", .help = "Reset: to the beginning."},
    {.name = "to-latest", .help = "Reset: to the end."},
    {.name = "to-offset", .argument = ARGUMENT_REQUIRED, .value = "offset", .help = "Reset: to this offset."},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "Reset, delete offsets: topic or topic:0,1,2; may be given again."},
    {.name = "type", .argument = ARGUMENT_OPTIONAL, .value = "types", .help = "List: with types, or only these.", .only_with = "list"},
    {.name = "validate-regex", .argument = ARGUMENT_REQUIRED, .value = "regex", .help = "Say whether a regular expression is one."},
    {.name = "verbose", .help = "Describe: more columns.", .only_with = "describe"},
    ARGUMENTS_COMMON,
    {0},
};

/* ---- Options ---- */

static const char *const scenarios[] = {"to-offset",   "to-datetime", "by-duration", "to-earliest",
                                        "to-latest",   "to-current",  "shift-by",    "from-file"};

static const struct failure *describe_check(struct consumer_groups *tool)
{
    const struct arguments *options = &tool->options;

    if (!arguments_has(options, "describe"))
        return NULL;
    if (!arguments_has(options, "group") && !arguments_has(options, "all-groups"))
        return failure_usage(tool->arena, "Option [describe] takes one of these options: [group], [all-groups]");
    if (arguments_has(options, "members") + arguments_has(options, "offsets") + arguments_has(options, "state") > 1)
        return failure_usage(tool->arena, "Option [describe] takes at most one of these options: [members], [offsets], [state]");
    if (arguments_has(options, "state") && arguments_nth(options, "state", 0) != NULL)
        return failure_usage(tool->arena, "Option [describe] does not take a value for [state]");
    return NULL;
}

static const struct failure *delete_check(struct consumer_groups *tool)
{
    const struct arguments *options = &tool->options;

    if (arguments_has(options, "delete")) {
        if (!arguments_has(options, "group") && !arguments_has(options, "all-groups"))
            return failure_usage(tool->arena, "Option [delete] takes one of these options: [all-groups], [group]");
        if (arguments_has(options, "topic"))
            return failure_usage(tool->arena, "The consumer does not support topic-specific offset deletion from a consumer group.");
    }
    if (arguments_has(options, "delete-offsets") && (!arguments_has(options, "group") || !arguments_has(options, "topic")))
        return failure_usage(tool->arena, "Option [delete-offsets] takes the following options: [group], [topic]");
    return NULL;
}

static const struct failure *scenarios_check(struct consumer_groups *tool)
{
    const struct failure *failure = NULL;
    size_t count = sizeof(scenarios) / sizeof(scenarios[0]);

    for (size_t i = 0; i < count && failure == NULL; i++) {
        for (size_t j = 0; j < count && failure == NULL; j++) {
            if (i != j)
                failure = arguments_exclude(&tool->options, scenarios[i], scenarios[j], NULL);
        }
    }
    return failure;
}

static const struct failure *reset_check(struct consumer_groups *tool)
{
    const struct arguments *options = &tool->options;

    if (!arguments_has(options, "reset-offsets"))
        return NULL;
    if (arguments_has(options, "dry-run") && arguments_has(options, "execute"))
        return failure_usage(tool->arena, "Option [reset-offsets] only accepts one of [execute] and [dry-run]");
    if (!arguments_has(options, "dry-run") && !arguments_has(options, "execute"))
        (void)fprintf(stderr,
                      "WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either "
                      "--dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this "
                      "command and want to keep the current default behavior without prompting.\n");
    if (!arguments_has(options, "group") && !arguments_has(options, "all-groups"))
        return failure_usage(tool->arena, "Option [reset-offsets] takes one of these options: [group], [all-groups]");
    return scenarios_check(tool);
}

static const struct failure *options_check(struct consumer_groups *tool)
{
    const struct arguments *options = &tool->options;
    const struct failure *failure = NULL;

    if (!arguments_has(options, "validate-regex"))
        failure = arguments_require(options, "bootstrap-server", NULL);
    if (failure == NULL)
        failure = describe_check(tool);
    if (failure == NULL)
        failure = delete_check(tool);
    if (failure == NULL)
        failure = reset_check(tool);
    if (failure == NULL)
        failure = arguments_exclude(options, "group", "all-groups", NULL);
    if (failure == NULL)
        failure = arguments_exclude(options, "group", "list", NULL);
    if (failure == NULL)
        failure = arguments_exclude(options, "topic", "list", "describe", NULL);
    if (failure == NULL && arguments_has(options, "list") + arguments_has(options, "describe") + arguments_has(options, "delete") +
                                   arguments_has(options, "reset-offsets") + arguments_has(options, "delete-offsets") +
                                   arguments_has(options, "validate-regex") !=
                               1)
        failure = failure_usage(tool->arena, "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
                                             "--delete-offsets, --validate-regex");
    return failure;
}

/* ---- Shared ---- */

void consumer_groups_print_error(const char *format, ...)
{
    va_list arguments;

    (void)fputs("\nError: ", stdout);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
}

const char *column_slice(struct arena *arena, struct slice text)
{
    return text.data == NULL ? "" : arena_copy_string(arena, text);
}

const char *column_number(struct arena *arena, int64_t number, bool is_known)
{
    return is_known ? arena_format(arena, "%lld", (long long)number) : "-";
}

/* Java wraps what its futures fail with. */
static const struct failure *list_all(struct consumer_groups *tool, const char *const *states, size_t state_count, const char *const *types,
                                      size_t type_count, struct group_listing **groups, size_t *count)
{
    const struct failure *failure = groups_list(tool->client, tool->arena, states, state_count, types, type_count, groups, count);

    if (failure == NULL)
        return NULL;
    failure = failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    return state_count + type_count > 0 ? failure : failure_wrap(tool->arena, FAILURE_RUNTIME, failure);
}

const struct failure *consumer_groups_chosen(struct consumer_groups *tool, struct slice **ids, size_t *count)
{
    size_t given = arguments_count(&tool->options, "group");
    struct group_listing *groups;
    const struct failure *failure;

    *count = 0;
    if (arguments_has(&tool->options, "all-groups")) {
        failure = list_all(tool, NULL, 0, NULL, 0, &groups, count);
        *ids = arena_new_array(tool->arena, *count + 1, sizeof(**ids));
        for (size_t i = 0; failure == NULL && i < *count; i++)
            (*ids)[i] = groups[i].id;
        return failure;
    }
    *ids = arena_new_array(tool->arena, given + 1, sizeof(**ids));
    for (size_t i = 0; i < given; i++) {
        struct slice id = slice_from_string(arguments_nth(&tool->options, "group", i));
        size_t at = 0;

        while (at < *count && !slice_equal((*ids)[at], id))
            at++;
        if (at == *count)
            (*ids)[(*count)++] = id;
    }
    return NULL;
}

/* ---- list ---- */

/* Cuts "a,b" into known names; IllegalArgumentException with the complaint, which holds the text, when one is not. */
static const struct failure *names_parse(struct consumer_groups *tool, const char *option, const char *(*parse)(struct slice),
                                         const char *list_name, const char *valid, const char **names, size_t *count)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, option, &text);
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct slice field;

    *count = 0;
    while (failure == NULL && *count < NAMES_MAX && text_next_field(&rest, ',', &field)) {
        names[*count] = parse(field);
        if (names[(*count)++] == NULL)
            failure = failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid %s list '%s'. Valid %s", list_name, text, valid);
    }
    return failure;
}

static void listing_print(const struct group_listing *groups, size_t count, bool with_type, bool with_state, struct arena *arena)
{
    int width = 15;

    for (size_t i = 0; i < count; i++)
        width = console_wider(width, column_slice(arena, groups[i].id));
    width += 10;
    console_pad("GROUP", width);
    (void)printf("%s%s\n", with_type ? " TYPE                " : "", with_state ? " STATE               " : "");
    for (size_t i = 0; i < count; i++) {
        console_pad(column_slice(arena, groups[i].id), width);
        if (with_type)
            (void)printf(" %-20s", groups[i].type);
        if (with_state)
            (void)printf(" %-20s", groups[i].state);
        (void)putchar('\n');
    }
}

static const struct failure *groups_show(struct consumer_groups *tool)
{
    bool with_type = arguments_has(&tool->options, "type");
    bool with_state = arguments_has(&tool->options, "state");
    const char *states[NAMES_MAX];
    const char *types[NAMES_MAX];
    size_t state_count, type_count, count;
    struct group_listing *groups;
    const struct failure *failure = names_parse(tool, "type", group_type_parse, "types", "types are: Consumer, Classic", types, &type_count);

    if (failure == NULL)
        failure = names_parse(tool, "state", group_state_parse, "state",
                              "states are: Reconciling, CompletingRebalance, Empty, PreparingRebalance, Assigning, Dead, Stable", states,
                              &state_count);
    if (failure == NULL)
        failure = list_all(tool, states, state_count, types, type_count, &groups, &count);
    if (failure != NULL)
        return failure;
    if (with_type || with_state) {
        listing_print(groups, count, with_type, with_state, tool->arena);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        (void)printf("%.*s\n", (int)groups[i].id.size, (const char *)groups[i].id.data);
    return NULL;
}

/* ---- delete ---- */

static size_t *ids_order(struct arena *arena, const struct slice *ids, size_t count)
{
    uint32_t *hashes = arena_new_array(arena, count + 1, sizeof(*hashes));

    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash_code(ids[i]);
    return java_map_order_new(arena, hashes, count, 0);
}

/* "'a', 'b'" of those whose failure is NULL. */
static const char *deleted_names(struct arena *arena, const struct slice *ids, const struct failure **failures, const size_t *order, size_t count)
{
    const char *list = "";

    for (size_t i = 0; i < count; i++) {
        const struct slice *id = &ids[order[i]];

        if (failures[order[i]] == NULL)
            list = arena_format(arena, "%s%s'%.*s'", list, *list == '\0' ? "" : ", ", (int)id->size, (const char *)id->data);
    }
    return list;
}

static const struct failure *groups_remove(struct consumer_groups *tool)
{
    struct slice *ids;
    size_t count;
    size_t failed = 0;
    size_t *order;
    const struct failure **failures;
    const struct failure *failure = consumer_groups_chosen(tool, &ids, &count);
    const char *deleted;

    if (failure != NULL)
        return failure;
    failures = arena_new_array(tool->arena, count + 1, sizeof(*failures));
    for (size_t i = 0; i < count; i++) {
        failures[i] = groups_delete(tool->client, tool->arena, ids[i]);
        failed += failures[i] != NULL;
    }
    order = ids_order(tool->arena, ids, count);
    deleted = deleted_names(tool->arena, ids, failures, order, count);
    if (failed == 0) {
        (void)printf("Deletion of requested consumer groups (%s) was successful.\n", deleted);
        return NULL;
    }
    consumer_groups_print_error("Deletion of some consumer groups failed:");
    for (size_t i = 0; i < count; i++) {
        if (failures[order[i]] != NULL)
            (void)printf("* Group '%.*s' could not be deleted due to: %s\n", (int)ids[order[i]].size, (const char *)ids[order[i]].data,
                         failure_text(tool->arena, failures[order[i]]));
    }
    if (failed < count)
        (void)printf("\nThese consumer groups were deleted successfully: %s\n", deleted);
    return NULL;
}

/* ---- delete-offsets ---- */

struct deletion {
    struct topic_partition of; /* partition -1: the topic is not there */
    int16_t code;
    const char *key; /* rows are ordered by topic and partition as one text */
};

static int deletion_order(const void *a, const void *b)
{
    return strcmp(((const struct deletion *)a)->key, ((const struct deletion *)b)->key);
}

static void deletions_print(struct arena *arena, const struct deletion *rows, size_t count)
{
    int width = 15;

    for (size_t i = 0; i < count; i++)
        width = console_wider(width, column_slice(arena, rows[i].of.topic));
    (void)putchar('\n');
    console_pad("TOPIC", width);
    (void)fputs(" PARTITION  STATUS         ", stdout);
    for (size_t i = 0; i < count; i++) {
        const char *status = rows[i].code == 0
                                 ? "Successful"
                                 : arena_format(arena, "Error: %s", failure_text(arena, failure_from_kafka(arena, rows[i].code, slice_null())));

        (void)putchar('\n');
        console_pad(column_slice(arena, rows[i].of.topic), width);
        (void)printf(" %-10s %-15s", column_number(arena, rows[i].of.partition, rows[i].of.partition >= 0), status);
    }
    (void)putchar('\n');
}

static void deletion_result_print(struct arena *arena, const char *group, int16_t code)
{
    const char *text = status_text(status_from_kafka_code(code));

    switch (code) {
    case 0: (void)printf("Request succeeded for deleting offsets from group %s.\n", group); break;
    case 24:   /* INVALID_GROUP_ID */
    case 30:   /* GROUP_AUTHORIZATION_FAILED */
    case 68:   /* NON_EMPTY_GROUP */
    case 69:   /* GROUP_ID_NOT_FOUND */
        consumer_groups_print_error("%s", text);
        break;
    case 3:    /* UNKNOWN_TOPIC_OR_PARTITION */
    case 29:   /* TOPIC_AUTHORIZATION_FAILED */
    case 86:   /* GROUP_SUBSCRIBED_TO_TOPIC */
        consumer_groups_print_error("Encountered some partition-level error, see the follow-up details.");
        break;
    default: consumer_groups_print_error("Encountered some unknown error: %s", status_name(status_from_kafka_code(code))); break;
    }
    (void)arena;
}

/* The partitions of "topic" and "topic:0,1"; a topic that is not there becomes a row with partition -1. */
static const struct failure *deletions_parse(struct consumer_groups *tool, struct topic_partition **partitions, size_t *count,
                                             struct deletion **missing, size_t *missing_count)
{
    size_t topics = arguments_count(&tool->options, "topic");
    const struct failure *failure = NULL;

    *partitions = NULL;
    *count = *missing_count = 0;
    *missing = arena_new_array(tool->arena, topics + 1, sizeof(**missing));
    for (size_t i = 0; i < topics && failure == NULL; i++) {
        const char *text = arguments_nth(&tool->options, "topic", i);
        const char *colon = strrchr(text, ':');
        struct slice name = slice_of(text, colon == NULL ? strlen(text) : (size_t)(colon - text));
        struct slice rest = colon == NULL ? slice_null() : slice_from_string(colon + 1);
        struct topic_description *topic = NULL;
        struct topic_partition *all;
        struct slice field;
        size_t more;

        if (colon == NULL)
            failure = admin_describe_topics(tool->client, tool->arena, &name, 1, PAGE_PARTITIONS, &topic);
        if (failure != NULL)
            break;
        more = colon == NULL ? topic->partition_count : strlen(colon);
        all = arena_new_array(tool->arena, *count + more + 1, sizeof(*all));
        if (*count > 0)
            memcpy(all, *partitions, *count * sizeof(*all));
        *partitions = all;
        for (size_t j = 0; topic != NULL && j < topic->partition_count; j++)
            all[(*count)++] = (struct topic_partition){name, topic->partitions[j].index};
        if (topic != NULL && topic->error_code != 0)
            (*missing)[(*missing_count)++] = (struct deletion){.of = {name, -1}, .code = topic->error_code};
        while (failure == NULL && text_next_field(&rest, ',', &field)) {
            all[*count].topic = name;
            if (!text_parse_int32(field, &all[(*count)++].partition))
                failure = failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid partition '%.*s' specified in topic arg '%s''",
                                     (int)field.size, (const char *)field.data, text);
        }
    }
    return failure;
}

static const struct failure *offsets_remove(struct consumer_groups *tool)
{
    const char *group = NULL;
    struct topic_partition *partitions;
    struct deletion *missing, *rows;
    size_t count, missing_count;
    int16_t code = 0;
    int16_t *codes;
    const struct failure *failure = arguments_text(&tool->options, "group", &group);

    if (failure == NULL)
        failure = deletions_parse(tool, &partitions, &count, &missing, &missing_count);
    if (failure != NULL)
        return failure;
    codes = arena_new_array(tool->arena, count + 1, sizeof(*codes));
    failure = groups_delete_offsets(tool->client, tool->arena, slice_from_string(group), partitions, count, &code, codes);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    rows = arena_new_array(tool->arena, count + missing_count + 1, sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct deletion){.of = partitions[i], .code = codes[i]};
    for (size_t i = 0; i < missing_count; i++)
        rows[count + i] = missing[i];
    for (size_t i = 0; i < count + missing_count; i++)
        rows[i].key = arena_format(tool->arena, "%.*s%d", (int)rows[i].of.topic.size, (const char *)rows[i].of.topic.data, rows[i].of.partition);
    qsort(rows, count + missing_count, sizeof(*rows), deletion_order);
    deletion_result_print(tool->arena, group, code);
    deletions_print(tool->arena, rows, count + missing_count);
    return NULL;
}

/* ---- validate-regex ---- */

static const struct failure *regex_validate(struct consumer_groups *tool)
{
    const char *text = NULL;
    struct regexes *regexes = NULL;
    struct error error;
    const struct failure *failure = arguments_text(&tool->options, "validate-regex", &text);

    if (failure != NULL)
        return failure;
    if (regexes_create_one(slice_from_string(text), REGEXES_EXACT_CASE, &regexes, &error) == OK)
        (void)printf("The regular expression `%s` is valid.\n", text);
    else
        (void)printf("The regular expression `%s` is invalid: %s.\n", text, strrchr(text, '[') != NULL && strchr(text, ']') == NULL
                                                                                  ? "missing closing ]"
                                                                                  : error.message);
    regexes_destroy(regexes);
    return NULL;
}

/* ---- The tool ---- */

static const struct failure *action_run(struct consumer_groups *tool)
{
    int64_t timeout_ms;
    const struct failure *failure;

    if (arguments_has(&tool->options, "validate-regex"))
        return regex_validate(tool);
    failure = arguments_long(&tool->options, "timeout", &timeout_ms);
    if (failure == NULL)
        failure = admin_open(&tool->options, NULL, &tool->client);
    if (failure != NULL)
        return failure;
    client_set_api_timeout_ms(tool->client, timeout_ms);
    if (arguments_has(&tool->options, "list"))
        return groups_show(tool);
    if (arguments_has(&tool->options, "describe"))
        return consumer_groups_describe(tool);
    if (arguments_has(&tool->options, "delete"))
        return groups_remove(tool);
    if (arguments_has(&tool->options, "reset-offsets"))
        return consumer_groups_reset(tool);
    return offsets_remove(tool);
}

/* Most failures are told and end with exit code 0; a bad argument is wrong usage. */
static int action_failed(struct consumer_groups *tool, const struct failure *failure)
{
    if (failure->class_name == NULL || strcmp(failure->class_name, FAILURE_ILLEGAL_ARGUMENT) == 0)
        return arguments_print_usage(&tool->options, failure_message(failure));
    consumer_groups_print_error("Executing consumer group command failed due to %s", failure_message(failure));
    failure_print(stderr, failure);
    return 0;
}

static int consumer_groups_run(struct arena *arena, int argc, char **argv)
{
    struct consumer_groups tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure != NULL) {
        (void)fputs("Exception in thread \"main\" ", stderr);
        failure_print(stderr, failure);
        return 1;
    }
    if (arguments_help_or_version(&tool.options,
                                  "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset "
                                  "consumer group offsets.",
                                  &exit_code))
        return exit_code;
    failure = options_check(&tool);
    if (failure != NULL)
        return arguments_print_usage(&tool.options, failure_message(failure));
    failure = action_run(&tool);
    if (failure != NULL)
        exit_code = action_failed(&tool, failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_consumer_groups_main(int argc, char **argv)
{
    return command_run(argc, argv, consumer_groups_run);
}
