#include "tools/consumer_groups.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "tools/admin.h"
#include "tools/console.h"
#include "tools/instant.h"
#include "tools/settings.h"

#define PAGE_PARTITIONS 2000
#define WIDTH_MIN 15
#define CODE_UNKNOWN_TOPIC 3
#define CODE_GROUP_ID_NOT_FOUND 69

/* What one group is to be moved to. */
struct reset_plan {
    struct slice group;
    struct group_offset *offsets;
    size_t count;
};

static const struct failure *wrapped(struct consumer_groups *tool, const struct failure *failure)
{
    return failure_wrap(tool->arena, FAILURE_RUNTIME, failure_wrap(tool->arena, FAILURE_EXECUTION, failure));
}

/* ---- Which partitions ---- */

/* "topic" or "topic:0,1" */
static const struct failure *topic_parse(struct consumer_groups *tool, const char *text, struct slice *name, int32_t **numbers, size_t *count)
{
    const char *colon = strrchr(text, ':');
    struct slice rest = slice_from_string(colon == NULL ? "" : colon + 1);
    struct slice field;

    *name = slice_of(text, colon == NULL ? strlen(text) : (size_t)(colon - text));
    *numbers = arena_new_array(tool->arena, rest.size + 1, sizeof(**numbers));
    *count = 0;
    while (text_next_field(&rest, ',', &field)) {
        if (!text_parse_int32(field, &(*numbers)[(*count)++]))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid partition '%.*s' specified in topic arg '%s''", (int)field.size,
                              (const char *)field.data, text);
    }
    return NULL;
}

static bool topic_has_partition(const struct topic_description *topic, int32_t number)
{
    for (size_t i = 0; i < topic->partition_count; i++) {
        if (topic->partitions[i].index == number)
            return true;
    }
    return false;
}

static const struct failure *partitions_missing(struct consumer_groups *tool, const struct topic_description *topic, const int32_t *numbers,
                                                size_t count)
{
    const char *list = "";

    for (size_t i = 0; i < count; i++) {
        if (!topic_has_partition(topic, numbers[i]))
            list = arena_format(tool->arena, "%s%s%.*s-%d", list, *list == '\0' ? "" : ",", (int)topic->name.size, (const char *)topic->name.data,
                                numbers[i]);
    }
    if (*list == '\0')
        return NULL;
    return failure_of(tool->arena, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException", "The partitions \"%s\" do not exist", list);
}

/* Adds the partitions of one --topic. */
static const struct failure *topic_add(struct consumer_groups *tool, const char *text, struct topic_partition **partitions, size_t *count)
{
    struct slice name;
    int32_t *numbers;
    size_t number_count;
    struct topic_description *topic = NULL;
    struct topic_partition *all;
    const struct failure *failure = topic_parse(tool, text, &name, &numbers, &number_count);

    if (failure == NULL)
        failure = admin_describe_topics(tool->client, tool->arena, &name, 1, PAGE_PARTITIONS, &topic);
    if (failure == NULL && topic->error_code != 0)
        failure = failure_from_kafka(tool->arena, topic->error_code, slice_null());
    if (failure == NULL)
        failure = partitions_missing(tool, topic, numbers, number_count);
    if (failure != NULL)
        return failure;
    all = arena_new_array(tool->arena, *count + number_count + topic->partition_count + 1, sizeof(*all));
    if (*count > 0)
        memcpy(all, *partitions, *count * sizeof(*all));
    *partitions = all;
    for (size_t i = 0; i < number_count; i++)
        all[(*count)++] = (struct topic_partition){name, numbers[i]};
    for (size_t i = 0; i < topic->partition_count && number_count == 0; i++)
        all[(*count)++] = (struct topic_partition){name, topic->partitions[i].index};
    return NULL;
}

static const struct failure *consumer_groups_parse_topics(struct consumer_groups *tool, struct topic_partition **partitions, size_t *count)
{
    const struct failure *failure = NULL;

    *partitions = NULL;
    *count = 0;
    for (size_t i = 0; i < arguments_count(&tool->options, "topic") && failure == NULL; i++)
        failure = topic_add(tool, arguments_nth(&tool->options, "topic", i), partitions, count);
    return failure;
}

static const struct failure *partitions_choose(struct consumer_groups *tool, struct slice group, struct topic_partition **partitions,
                                               size_t *count)
{
    struct group_offset *committed;
    const struct failure *failure;

    *partitions = NULL;
    *count = 0;
    if (arguments_has(&tool->options, "all-topics")) {
        failure = groups_offsets(tool->client, tool->arena, group, &committed, count);
        if (failure != NULL && failure->kafka_code == CODE_GROUP_ID_NOT_FOUND)
            return NULL;
        *partitions = arena_new_array(tool->arena, *count + 1, sizeof(**partitions));
        for (size_t i = 0; failure == NULL && i < *count; i++)
            (*partitions)[i] = committed[i].of;
        return failure == NULL ? NULL : wrapped(tool, failure);
    }
    if (arguments_has(&tool->options, "topic"))
        return consumer_groups_parse_topics(tool, partitions, count);
    if (arguments_has(&tool->options, "from-file"))
        return NULL;
    return failure_usage(tool->arena, "One of the reset scopes should be defined: --all-topics, --topic.");
}

/* ---- To where ---- */

static struct partition_offset *offsets_of(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count)
{
    struct partition_offset *offsets = arena_new_array(tool->arena, count + 1, sizeof(*offsets));

    for (size_t i = 0; i < count; i++)
        offsets[i].of = partitions[i];
    return offsets;
}

static const struct failure *ends_find(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, int64_t time,
                                       struct partition_offset **offsets)
{
    const struct failure *failure;

    *offsets = offsets_of(tool, partitions, count);
    failure = offsets_list(tool->client, tool->arena, *offsets, count, time);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        if ((*offsets)[i].error_code != 0)
            failure = failure_from_kafka(tool->arena, (*offsets)[i].error_code, slice_null());
    }
    return failure == NULL ? NULL : wrapped(tool, failure);
}

static void plan_set(struct consumer_groups *tool, struct reset_plan *plan, const struct partition_offset *offsets, size_t count)
{
    plan->offsets = arena_new_array(tool->arena, count + 1, sizeof(*plan->offsets));
    plan->count = count;
    for (size_t i = 0; i < count; i++)
        plan->offsets[i] = (struct group_offset){offsets[i].of, offsets[i].offset, -1};
}

static const struct failure *to_time(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, int64_t time,
                                     struct reset_plan *plan)
{
    struct partition_offset *offsets;
    const struct failure *failure = ends_find(tool, partitions, count, time, &offsets);

    if (failure == NULL)
        plan_set(tool, plan, offsets, count);
    return failure;
}

/* Positions that lie outside of the log are moved to its ends. */
static const struct failure *range_check(struct consumer_groups *tool, struct partition_offset *wanted, size_t count, struct reset_plan *plan)
{
    struct topic_partition *partitions = arena_new_array(tool->arena, count + 1, sizeof(*partitions));
    struct partition_offset *begins, *ends;
    const struct failure *failure;

    for (size_t i = 0; i < count; i++)
        partitions[i] = wanted[i].of;
    failure = ends_find(tool, partitions, count, OFFSETS_EARLIEST, &begins);
    if (failure == NULL)
        failure = ends_find(tool, partitions, count, OFFSETS_LATEST, &ends);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        bool is_high = wanted[i].offset > ends[i].offset;
        int64_t to = is_high ? ends[i].offset : begins[i].offset;

        if (!is_high && wanted[i].offset >= begins[i].offset)
            continue;
        console_log("WARN", "org.apache.kafka.tools.OffsetsUtils", "New offset (%lld) is %s offset for topic partition %.*s-%d. Value will be set to %lld",
                    (long long)wanted[i].offset, is_high ? "higher than latest" : "lower than earliest", (int)wanted[i].of.topic.size,
                    (const char *)wanted[i].of.topic.data, wanted[i].of.partition, (long long)to);
        wanted[i].offset = to;
    }
    if (failure == NULL)
        plan_set(tool, plan, wanted, count);
    return failure;
}

static const struct failure *to_offset(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, struct reset_plan *plan)
{
    struct partition_offset *wanted = offsets_of(tool, partitions, count);
    int64_t offset = 0;
    const struct failure *failure = arguments_long(&tool->options, "to-offset", &offset);

    for (size_t i = 0; i < count; i++)
        wanted[i].offset = offset;
    return failure != NULL ? failure : range_check(tool, wanted, count, plan);
}

static const struct group_offset *committed_find(const struct group_offset *committed, size_t count, const struct topic_partition *of)
{
    for (size_t i = 0; i < count; i++) {
        if (committed[i].of.partition == of->partition && slice_equal(committed[i].of.topic, of->topic))
            return &committed[i];
    }
    return NULL;
}

static const struct failure *committed_get(struct consumer_groups *tool, struct slice group, struct group_offset **committed, size_t *count)
{
    const struct failure *failure = groups_offsets(tool->client, tool->arena, group, committed, count);

    if (failure != NULL && failure->kafka_code == CODE_GROUP_ID_NOT_FOUND) {
        *count = 0;
        return NULL;
    }
    return failure == NULL ? NULL : wrapped(tool, failure);
}

static const struct failure *shift_by(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, struct reset_plan *plan)
{
    struct partition_offset *wanted = offsets_of(tool, partitions, count);
    struct group_offset *committed;
    size_t committed_count;
    int64_t shift = 0;
    const struct failure *failure = arguments_long(&tool->options, "shift-by", &shift);

    if (failure == NULL)
        failure = committed_get(tool, plan->group, &committed, &committed_count);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        const struct group_offset *current = committed_find(committed, committed_count, &partitions[i]);

        if (current == NULL)
            failure = failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                                 "Cannot shift offset for partition %.*s-%d since there is no current committed offset",
                                 (int)partitions[i].topic.size, (const char *)partitions[i].topic.data, partitions[i].partition);
        else
            wanted[i].offset = current->offset + shift;
    }
    return failure != NULL ? failure : range_check(tool, wanted, count, plan);
}

/* Where nothing is stored, the end. */
static const struct failure *to_current(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, struct reset_plan *plan)
{
    struct partition_offset *offsets;
    struct group_offset *committed;
    size_t committed_count;
    const struct failure *failure = committed_get(tool, plan->group, &committed, &committed_count);

    if (failure == NULL)
        failure = ends_find(tool, partitions, count, OFFSETS_LATEST, &offsets);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        const struct group_offset *current = committed_find(committed, committed_count, &partitions[i]);

        if (current != NULL)
            offsets[i].offset = current->offset;
    }
    if (failure == NULL)
        plan_set(tool, plan, offsets, count);
    return failure;
}

/* The first record at or behind a moment; the end where there is none. */
static const struct failure *to_moment(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count, int64_t moment_ms,
                                       struct reset_plan *plan)
{
    struct partition_offset *offsets, *ends;
    const struct failure *failure = ends_find(tool, partitions, count, moment_ms, &offsets);

    if (failure == NULL)
        failure = ends_find(tool, partitions, count, OFFSETS_LATEST, &ends);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (offsets[i].offset >= 0)
            continue;
        (void)printf("\nWarn: Partition %d from topic %.*s is empty. Falling back to latest known offset.\n", offsets[i].of.partition,
                     (int)offsets[i].of.topic.size, (const char *)offsets[i].of.topic.data);
        offsets[i].offset = ends[i].offset;
    }
    if (failure == NULL)
        plan_set(tool, plan, offsets, count);
    return failure;
}

static const struct failure *to_datetime(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count,
                                         struct reset_plan *plan)
{
    const char *text = NULL;
    int64_t moment_ms = 0;
    const struct failure *failure = arguments_text(&tool->options, "to-datetime", &text);

    if (failure != NULL)
        return failure;
    failure = instant_parse_datetime(tool->arena, text, &moment_ms);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_RUNTIME, failure);
    return to_moment(tool, partitions, count, moment_ms, plan);
}

static const struct failure *by_duration(struct consumer_groups *tool, const struct topic_partition *partitions, size_t count,
                                         struct reset_plan *plan)
{
    const char *text = NULL;
    int64_t duration_ms = 0;
    const struct failure *failure = arguments_text(&tool->options, "by-duration", &text);

    if (failure == NULL)
        failure = instant_parse_duration(tool->arena, text, &duration_ms);
    return failure != NULL ? failure : to_moment(tool, partitions, count, clock_now_ms() - duration_ms, plan);
}

/* ---- From a file: "topic,partition,offset" or "group,topic,partition,offset" a line ---- */

struct csv_row {
    struct slice fields[4];
    size_t count;
};

static bool csv_line_parse(struct slice *rest, struct csv_row *row)
{
    struct slice line, field;

    do {
        if (!text_next_field(rest, '\n', &line))
            return false;
        line = text_trim(line);
    } while (line.size == 0);
    row->count = 0;
    while (row->count < 4 && text_next_field(&line, ',', &field))
        row->fields[row->count++] = text_trim(field);
    return true;
}

static bool number_of(struct slice field, int64_t *number)
{
    *number = 0;
    return field.size == 0 || text_parse_int64(field, number);
}

/* Java tries the shape without a group first and shows what its CSV reader says, each of the two times that it reads the file. */
static void csv_complain(struct consumer_groups *tool, const struct csv_row *row, bool is_partition)
{
    struct slice field = row->fields[is_partition ? 1 : 2];
    size_t column = row->fields[0].size + 2 + (is_partition ? 0 : row->fields[1].size + 1);
    const struct failure *failure =
        failure_of(tool->arena, "com.fasterxml.jackson.databind.exc.InvalidFormatException",
                   "Cannot deserialize value of type `%s` from String \"%.*s\": not a valid `%s` value\n at [Source: (StringReader); line: 1, "
                   "column: %zu] (through reference chain: org.apache.kafka.tools.consumer.group.CsvUtils$CsvRecordNoGroup[\"%s\"])",
                   is_partition ? "int" : "long", (int)field.size, (const char *)field.data, is_partition ? "int" : "long", column,
                   is_partition ? "partition" : "offset");

    failure_print(stderr, failure);
    failure_print(stderr, failure);
}

static bool csv_has_groups(struct consumer_groups *tool, struct slice content)
{
    struct csv_row row;
    int64_t number;

    if (!csv_line_parse(&content, &row) || row.count < 2)
        return false;
    if (!number_of(row.fields[1], &number)) {
        csv_complain(tool, &row, true);
        return true;
    }
    if (row.count > 2 && !number_of(row.fields[2], &number)) {
        csv_complain(tool, &row, false);
        return true;
    }
    return row.count == 4;
}

static const struct failure *csv_read(struct consumer_groups *tool, struct slice group, struct partition_offset **offsets, size_t *count)
{
    const char *path = NULL;
    struct slice content;
    struct csv_row row;
    bool has_groups;
    const struct failure *failure = arguments_text(&tool->options, "from-file", &path);

    if (failure == NULL)
        failure = settings_read_file(tool->arena, path, &content);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_RUNTIME,
                            failure_caused(tool->arena, failure, "java.io.IOException", "Unable to read file %s", path));
    has_groups = csv_has_groups(tool, content) || arguments_count(&tool->options, "group") != 1;
    *offsets = arena_new_array(tool->arena, content.size / 2 + 1, sizeof(**offsets));
    *count = 0;
    while (csv_line_parse(&content, &row)) {
        const struct slice *fields = row.fields + (has_groups ? 1 : 0);
        int64_t partition = 0;
        int64_t offset = 0;

        if (has_groups && !slice_equal(row.fields[0], group))
            continue;
        (void)number_of(row.count > (has_groups ? 2u : 1u) ? fields[1] : slice_null(), &partition);
        (void)number_of(row.count > (has_groups ? 3u : 2u) ? fields[2] : slice_null(), &offset);
        (*offsets)[(*count)++] = (struct partition_offset){.of = {fields[0], (int32_t)partition}, .offset = offset};
    }
    return NULL;
}

static const struct failure *from_file(struct consumer_groups *tool, struct reset_plan *plan)
{
    struct partition_offset *wanted;
    size_t count;
    const struct failure *failure = csv_read(tool, plan->group, &wanted, &count);

    if (failure != NULL)
        return failure;
    if (count == 0) {
        consumer_groups_print_error("No reset plan for group %.*s found", (int)plan->group.size, (const char *)plan->group.data);
        return NULL;
    }
    return range_check(tool, wanted, count, plan);
}

/* ---- Doing it ---- */

static const struct failure *plan_make(struct consumer_groups *tool, struct reset_plan *plan)
{
    const struct arguments *options = &tool->options;
    struct topic_partition *partitions;
    size_t count;
    const struct failure *failure = partitions_choose(tool, plan->group, &partitions, &count);

    if (failure != NULL)
        return failure;
    if (arguments_has(options, "to-offset"))
        return to_offset(tool, partitions, count, plan);
    if (arguments_has(options, "to-earliest"))
        return to_time(tool, partitions, count, OFFSETS_EARLIEST, plan);
    if (arguments_has(options, "to-latest"))
        return to_time(tool, partitions, count, OFFSETS_LATEST, plan);
    if (arguments_has(options, "shift-by"))
        return shift_by(tool, partitions, count, plan);
    if (arguments_has(options, "to-datetime"))
        return to_datetime(tool, partitions, count, plan);
    if (arguments_has(options, "by-duration"))
        return by_duration(tool, partitions, count, plan);
    if (arguments_has(options, "from-file"))
        return from_file(tool, plan);
    if (arguments_has(options, "to-current"))
        return to_current(tool, partitions, count, plan);
    return failure_usage(tool->arena, "Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], [shift-by], [to-datetime], "
                                      "[by-duration], [to-earliest], [to-latest], [to-current], [from-file]]");
}

static const struct failure *group_reset(struct consumer_groups *tool, struct reset_plan *plan)
{
    struct group_description group;
    const struct failure *failure = groups_describe(tool->client, tool->arena, plan->group, &group);

    if (failure != NULL && failure->kafka_code != CODE_GROUP_ID_NOT_FOUND)
        return wrapped(tool, failure);
    if (failure == NULL && strcmp(group.state, "Empty") != 0 && strcmp(group.state, "Dead") != 0) {
        consumer_groups_print_error("Assignments can only be reset if the group '%.*s' is inactive, but the current state is %s.",
                                    (int)plan->group.size, (const char *)plan->group.data, group.state);
        return NULL;
    }
    failure = plan_make(tool, plan);
    if (failure == NULL && arguments_has(&tool->options, "execute") && plan->count > 0) {
        failure = groups_commit(tool->client, tool->arena, plan->group, plan->offsets, plan->count);
        if (failure != NULL)
            failure = wrapped(tool, failure);
    }
    return failure;
}

/* ---- Showing it ---- */

/* The partitions of a plan in the order of Java's map. */
static size_t *plan_order(struct consumer_groups *tool, const struct reset_plan *plan)
{
    struct topic_partition *partitions = arena_new_array(tool->arena, plan->count + 1, sizeof(*partitions));

    for (size_t i = 0; i < plan->count; i++)
        partitions[i] = plan->offsets[i].of;
    return offsets_map_order(tool->arena, partitions, plan->count);
}

static void plans_export(struct consumer_groups *tool, const struct reset_plan *plans, size_t count)
{
    bool has_one_group = arguments_count(&tool->options, "group") == 1;

    for (size_t i = 0; i < count; i++) {
        size_t *order = plan_order(tool, &plans[i]);

        for (size_t j = 0; j < plans[i].count; j++) {
            const struct group_offset *offset = &plans[i].offsets[order[j]];

            if (!has_one_group)
                (void)printf("%.*s,", (int)plans[i].group.size, (const char *)plans[i].group.data);
            (void)printf("%.*s,%d,%lld\n", (int)offset->of.topic.size, (const char *)offset->of.topic.data, offset->of.partition,
                         (long long)offset->offset);
        }
    }
    (void)putchar('\n');
}

static void plans_print(struct consumer_groups *tool, const struct reset_plan *plans, size_t count)
{
    int group_width = WIDTH_MIN;
    int topic_width = WIDTH_MIN;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < plans[i].count; j++) {
            group_width = console_wider(group_width, column_slice(tool->arena, plans[i].group));
            topic_width = console_wider(topic_width, column_slice(tool->arena, plans[i].offsets[j].of.topic));
        }
    }
    if (count > 0) {
        (void)putchar('\n');
        console_pad("GROUP", group_width);
        (void)putchar(' ');
        console_pad("TOPIC", topic_width);
        (void)printf(" %-10s NEW-OFFSET", "PARTITION");
    }
    for (size_t i = 0; i < count; i++) {
        size_t *order = plan_order(tool, &plans[i]);

        for (size_t j = 0; j < plans[i].count; j++) {
            const struct group_offset *offset = &plans[i].offsets[order[j]];

            (void)putchar('\n');
            console_pad(column_slice(tool->arena, plans[i].group), group_width);
            (void)putchar(' ');
            console_pad(column_slice(tool->arena, offset->of.topic), topic_width);
            (void)printf(" %-10d %lld", offset->of.partition, (long long)offset->offset);
        }
    }
    (void)putchar('\n');
}

const struct failure *consumer_groups_reset(struct consumer_groups *tool)
{
    struct slice *ids;
    struct reset_plan *plans;
    uint32_t *hashes;
    size_t *order;
    size_t count;
    int64_t number;
    const struct failure *failure = arguments_long(&tool->options, "shift-by", &number);

    if (failure == NULL)
        failure = arguments_long(&tool->options, "to-offset", &number);
    if (failure == NULL)
        failure = consumer_groups_chosen(tool, &ids, &count);
    if (failure != NULL)
        return failure;
    plans = arena_new_array(tool->arena, count + 1, sizeof(*plans));
    hashes = arena_new_array(tool->arena, count + 1, sizeof(*hashes));
    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash_code(ids[i]);
    order = java_map_order_new(tool->arena, hashes, count, 0);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        plans[i].group = ids[order[i]];
        failure = group_reset(tool, &plans[i]);
    }
    if (failure != NULL)
        return failure;
    if (arguments_has(&tool->options, "export"))
        plans_export(tool, plans, count);
    else
        plans_print(tool, plans, count);
    return NULL;
}
