#include "tools/consumer_groups.h"

#include "base/banned.h"
#include "tools/console.h"

#define WIDTH_MIN 15

/* ---- Common ---- */

static int id_order(const void *a, const void *b)
{
    return slice_compare(((const struct group_description *)a)->id, ((const struct group_description *)b)->id);
}

static const struct failure *describe_chosen(struct consumer_groups *tool, struct group_description **groups, size_t *count)
{
    struct slice *ids;
    const struct failure *failure = consumer_groups_chosen(tool, &ids, count);

    if (failure != NULL)
        return failure;
    *groups = arena_new_array(tool->arena, *count + 1, sizeof(**groups));
    for (size_t i = 0; i < *count && failure == NULL; i++) {
        failure = groups_describe(tool->client, tool->arena, ids[i], &(*groups)[i]);
        if (failure != NULL)
            failure = failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    }
    if (failure == NULL)
        qsort(*groups, *count, sizeof(**groups), id_order);
    return failure;
}

/* What is to be said of the state; false when there is nothing to show below. */
static bool state_say(const struct group_description *group, size_t rows)
{
    int size = (int)group->id.size;
    const char *id = (const char *)group->id.data;

    if (strcmp(group->state, "Dead") == 0)
        consumer_groups_print_error("Consumer group '%.*s' does not exist.", size, id);
    else if (strcmp(group->state, "Empty") == 0)
        (void)fprintf(stderr, "\nConsumer group '%.*s' has no active members.\n", size, id);
    else if (strcmp(group->state, "Stable") != 0)
        (void)fprintf(stderr, "\nWarning: Consumer group '%.*s' is rebalancing.\n", size, id);
    return strcmp(group->state, "Dead") != 0 && rows > 0;
}

/* ---- Positions ---- */

struct offset_row {
    const char *topic, *partition, *leader_epoch, *offset, *end, *lag, *consumer, *host, *client;
};

struct offset_rows {
    struct offset_row *items;
    size_t count;
};

static int partition_order(const void *a, const void *b)
{
    int32_t left = ((const struct partition_offset *)a)->of.partition;
    int32_t right = ((const struct partition_offset *)b)->of.partition;

    return left < right ? -1 : left > right;
}

static const struct group_offset *committed_find(const struct group_offset *committed, size_t count, const struct topic_partition *of)
{
    for (size_t i = 0; i < count; i++) {
        if (committed[i].of.partition == of->partition && slice_equal(committed[i].of.topic, of->topic))
            return &committed[i];
    }
    return NULL;
}

static void row_add(struct arena *arena, struct offset_rows *rows, const struct partition_offset *end, const struct group_offset *committed,
                    const struct group_member *member)
{
    bool has_end = end->error_code == 0 && end->offset >= 0;

    rows->items[rows->count++] =
        (struct offset_row){.topic = column_slice(arena, end->of.topic),
                            .partition = column_number(arena, end->of.partition, true),
                            .leader_epoch = column_number(arena, committed == NULL ? -1 : committed->leader_epoch,
                                                          committed != NULL && committed->leader_epoch >= 0),
                            .offset = column_number(arena, committed == NULL ? -1 : committed->offset, committed != NULL),
                            .end = column_number(arena, end->offset, has_end),
                            .lag = column_number(arena, committed == NULL ? 0 : end->offset - committed->offset, committed != NULL && has_end),
                            .consumer = member == NULL ? "-" : column_slice(arena, member->id),
                            .host = member == NULL ? "-" : column_slice(arena, member->host),
                            .client = member == NULL ? "-" : column_slice(arena, member->client_id)};
}

/* The rows of one member, or of nobody: by partition, then in the order of the map that Java gathers the end offsets in. */
static const struct failure *rows_add(struct consumer_groups *tool, struct offset_rows *rows, const struct topic_partition *partitions, size_t count,
                                      const struct group_offset *committed, size_t committed_count, const struct group_member *member)
{
    struct partition_offset *ends = arena_new_array(tool->arena, count + 1, sizeof(*ends));
    struct topic_partition *sorted = arena_new_array(tool->arena, count + 1, sizeof(*sorted));
    const struct failure *failure;
    size_t *order;

    for (size_t i = 0; i < count; i++)
        ends[i].of = partitions[i];
    qsort(ends, count, sizeof(*ends), partition_order);
    failure = offsets_list(tool->client, tool->arena, ends, count, OFFSETS_LATEST);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_RUNTIME, failure_wrap(tool->arena, FAILURE_EXECUTION, failure));
    for (size_t i = 0; i < count; i++)
        sorted[i] = ends[i].of;
    order = offsets_map_order(tool->arena, sorted, count);
    for (size_t i = 0; i < count; i++)
        row_add(tool->arena, rows, &ends[order[i]], committed_find(committed, committed_count, &ends[order[i]].of), member);
    return NULL;
}

static bool is_assigned(const struct group_description *group, const struct topic_partition *of)
{
    for (size_t i = 0; i < group->member_count; i++) {
        for (size_t j = 0; j < group->members[i].assigned_count; j++) {
            if (group->members[i].assigned[j].partition == of->partition && slice_equal(group->members[i].assigned[j].topic, of->topic))
                return true;
        }
    }
    return false;
}

/* Members with most partitions first; equal ones stay as the broker gave them. */
static const struct group_member **members_sorted(struct arena *arena, const struct group_description *group)
{
    const struct group_member **sorted = arena_new_array(arena, group->member_count + 1, sizeof(*sorted));

    for (size_t i = 0; i < group->member_count; i++) {
        size_t at = i;

        for (; at > 0 && sorted[at - 1]->assigned_count < group->members[i].assigned_count; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &group->members[i];
    }
    return sorted;
}

static const struct failure *rows_collect(struct consumer_groups *tool, const struct group_description *group, struct offset_rows *rows)
{
    const struct group_member **members = members_sorted(tool->arena, group);
    struct group_offset *committed;
    struct topic_partition *free_partitions;
    size_t committed_count;
    size_t capacity = 1;
    size_t free_count = 0;
    const struct failure *failure = groups_offsets(tool->client, tool->arena, group->id, &committed, &committed_count);

    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    for (size_t i = 0; i < group->member_count; i++)
        capacity += group->members[i].assigned_count;
    rows->items = arena_new_array(tool->arena, capacity + committed_count, sizeof(*rows->items));
    for (size_t i = 0; i < group->member_count && failure == NULL; i++) {
        if (members[i]->assigned_count > 0)
            failure = rows_add(tool, rows, members[i]->assigned, members[i]->assigned_count, committed, committed_count, members[i]);
    }
    free_partitions = arena_new_array(tool->arena, committed_count + 1, sizeof(*free_partitions));
    for (size_t i = 0; i < committed_count; i++) {
        if (!is_assigned(group, &committed[i].of))
            free_partitions[free_count++] = committed[i].of;
    }
    if (failure == NULL && free_count > 0)
        failure = rows_add(tool, rows, free_partitions, free_count, committed, committed_count, NULL);
    return failure;
}

struct offset_widths {
    int group, topic, consumer, host;
};

static void offset_row_print(const char *group, const struct offset_row *row, const struct offset_widths *widths, bool is_verbose)
{
    (void)putchar('\n');
    console_pad(group, widths->group);
    (void)putchar(' ');
    console_pad(row->topic, widths->topic);
    (void)printf(" %-10s ", row->partition);
    if (is_verbose)
        (void)printf("%-15s ", row->leader_epoch);
    (void)printf("%-15s %-15s %-15s ", row->offset, row->end, row->lag);
    console_pad(row->consumer, widths->consumer);
    (void)putchar(' ');
    console_pad(row->host, widths->host);
    (void)printf(" %s", row->client);
}

static void offset_rows_print(struct consumer_groups *tool, const struct group_description *group, const struct offset_rows *rows)
{
    static const struct offset_row head = {"TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST",
                                           "CLIENT-ID"};
    const char *id = column_slice(tool->arena, group->id);
    bool is_verbose = arguments_has(&tool->options, "verbose");
    struct offset_widths widths = {console_wider(WIDTH_MIN, id), WIDTH_MIN, WIDTH_MIN, WIDTH_MIN};

    for (size_t i = 0; i < rows->count; i++) {
        widths.topic = console_wider(widths.topic, rows->items[i].topic);
        widths.consumer = console_wider(widths.consumer, rows->items[i].consumer);
        widths.host = console_wider(widths.host, rows->items[i].host);
    }
    offset_row_print("GROUP", &head, &widths, is_verbose);
    for (size_t i = 0; i < rows->count; i++)
        offset_row_print(id, &rows->items[i], &widths, is_verbose);
    (void)putchar('\n');
}

static const struct failure *offsets_describe(struct consumer_groups *tool, const struct group_description *groups, size_t count)
{
    struct offset_rows *rows = arena_new_array(tool->arena, count + 1, sizeof(*rows));
    const struct failure *failure = NULL;

    for (size_t i = 0; i < count && failure == NULL; i++)
        failure = rows_collect(tool, &groups[i], &rows[i]);
    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (state_say(&groups[i], rows[i].count))
            offset_rows_print(tool, &groups[i], &rows[i]);
    }
    return failure;
}

/* ---- Members ---- */

static int topic_order(const void *a, const void *b)
{
    const struct topic_partition *left = a;
    const struct topic_partition *right = b;
    int order = slice_compare(left->topic, right->topic);

    return order != 0 ? order : left->partition < right->partition ? -1 : left->partition > right->partition;
}

/* "a:0,1;b:0", or "-". */
static const char *assignment_text(struct arena *arena, const struct topic_partition *partitions, size_t count)
{
    struct topic_partition *sorted = arena_new_array(arena, count + 1, sizeof(*sorted));
    const char *text = count == 0 ? "-" : "";

    if (count > 0)
        memcpy(sorted, partitions, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), topic_order);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && slice_equal(sorted[i].topic, sorted[i - 1].topic))
            text = arena_format(arena, "%s,%d", text, sorted[i].partition);
        else
            text = arena_format(arena, "%s%s%.*s:%d", text, i == 0 ? "" : ";", (int)sorted[i].topic.size, (const char *)sorted[i].topic.data,
                                sorted[i].partition);
    }
    return text;
}

struct member_row {
    const char *id, *instance, *host, *client, *partitions, *epoch, *assigned, *target_epoch, *target;
};

struct member_widths {
    int group, id, instance, host, client, assigned, target;
    bool has_instances;
};

static void member_row_print(const char *group, const struct member_row *row, const struct member_widths *widths, bool is_verbose)
{
    console_pad(group, widths->group);
    (void)putchar(' ');
    console_pad(row->id, widths->id);
    (void)putchar(' ');
    if (widths->has_instances) {
        console_pad(row->instance, widths->instance);
        (void)putchar(' ');
    }
    console_pad(row->host, widths->host);
    (void)putchar(' ');
    console_pad(row->client, widths->client);
    (void)printf(" %-15s ", row->partitions);
    if (is_verbose) {
        (void)printf("%-15s ", row->epoch);
        console_pad(row->assigned, widths->assigned);
        (void)printf(" %-15s ", row->target_epoch);
        console_pad(row->target, widths->target);
    }
    (void)putchar('\n');
}

static struct member_row member_row_make(struct arena *arena, const struct group_description *group, const struct group_member *member)
{
    return (struct member_row){.id = column_slice(arena, member->id),
                               .instance = column_slice(arena, member->instance_id),
                               .host = column_slice(arena, member->host),
                               .client = column_slice(arena, member->client_id),
                               .partitions = column_number(arena, (int64_t)member->assigned_count, true),
                               .epoch = column_number(arena, member->epoch, member->epoch >= 0),
                               .assigned = assignment_text(arena, member->assigned, member->assigned_count),
                               .target_epoch = column_number(arena, group->target_epoch, group->has_epochs),
                               .target = member->has_target ? assignment_text(arena, member->target, member->target_count) : "-"};
}

static void members_print(struct consumer_groups *tool, const struct group_description *group)
{
    static const struct member_row head = {"CONSUMER-ID",   "GROUP-INSTANCE-ID",  "HOST",         "CLIENT-ID",        "#PARTITIONS",
                                           "CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT"};
    const char *id = column_slice(tool->arena, group->id);
    bool is_verbose = arguments_has(&tool->options, "verbose");
    struct member_widths widths = {WIDTH_MIN, WIDTH_MIN, 17, WIDTH_MIN, WIDTH_MIN, 20, 20, false};
    struct member_row *rows = arena_new_array(tool->arena, group->member_count + 1, sizeof(*rows));

    for (size_t i = 0; i < group->member_count; i++) {
        rows[i] = member_row_make(tool->arena, group, &group->members[i]);
        widths.group = console_wider(widths.group, id);
        widths.id = console_wider(widths.id, rows[i].id);
        widths.instance = console_wider(widths.instance, rows[i].instance);
        widths.host = console_wider(widths.host, rows[i].host);
        widths.client = console_wider(widths.client, rows[i].client);
        widths.assigned = console_wider(widths.assigned, rows[i].assigned);
        widths.target = console_wider(widths.target, rows[i].target);
        widths.has_instances = widths.has_instances || rows[i].instance[0] != '\0';
    }
    (void)putchar('\n');
    member_row_print("GROUP", &head, &widths, is_verbose);
    for (size_t i = 0; i < group->member_count; i++)
        member_row_print(id, &rows[i], &widths, is_verbose);
}

/* ---- States ---- */

static void state_print(struct consumer_groups *tool, const struct group_description *group)
{
    const char *id = column_slice(tool->arena, group->id);
    const char *coordinator =
        arena_format(tool->arena, "%s:%d  (%d)", group->coordinator_host, group->coordinator_port, group->coordinator);
    bool is_verbose = arguments_has(&tool->options, "verbose");
    int group_width = console_wider(WIDTH_MIN, id);
    int coordinator_width = console_wider(25, coordinator);

    (void)putchar('\n');
    console_pad("GROUP", group_width);
    (void)putchar(' ');
    console_pad("COORDINATOR (ID)", coordinator_width);
    (void)printf(" %-20s %-20s ", "ASSIGNMENT-STRATEGY", "STATE");
    if (is_verbose)
        (void)printf("%-15s %-25s ", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH");
    (void)fputs("#MEMBERS\n", stdout);
    console_pad(id, group_width);
    (void)putchar(' ');
    console_pad(coordinator, coordinator_width);
    (void)printf(" %-20s %-20s ", group->assignor[0] == '\0' ? "-" : group->assignor, group->state);
    if (is_verbose)
        (void)printf("%-15s %-25s ", column_number(tool->arena, group->epoch, group->has_epochs),
                     column_number(tool->arena, group->target_epoch, group->has_epochs));
    (void)printf("%zu\n", group->member_count);
}

const struct failure *consumer_groups_describe(struct consumer_groups *tool)
{
    struct group_description *groups;
    size_t count;
    const struct failure *failure = describe_chosen(tool, &groups, &count);

    if (failure != NULL)
        return failure;
    if (!arguments_has(&tool->options, "members") && !arguments_has(&tool->options, "state"))
        return offsets_describe(tool, groups, count);
    for (size_t i = 0; i < count; i++) {
        bool is_shown = state_say(&groups[i], 1);

        if (arguments_has(&tool->options, "members"))
            members_print(tool, &groups[i]);
        else if (is_shown)
            state_print(tool, &groups[i]);
    }
    return NULL;
}
