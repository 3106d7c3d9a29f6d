/* tools/consumer_groups.h: what the sources of kafka-consumer-groups share. */
#ifndef TOOLS_CONSUMER_GROUPS_H
#define TOOLS_CONSUMER_GROUPS_H

#include "tools/arguments.h"
#include "tools/groups.h"

/* One run of the tool. */
struct consumer_groups {
    struct arena *arena;
    struct arguments options;
    struct client *client;
};

/* The groups that the options name, or all; each once. */
const struct failure *consumer_groups_chosen(struct consumer_groups *tool, struct slice **ids, size_t *count);

/* "\nError: message" */
void consumer_groups_print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* consumer_groups_describe.c */
const struct failure *consumer_groups_describe(struct consumer_groups *tool);

/* consumer_groups_reset.c */
const struct failure *consumer_groups_reset(struct consumer_groups *tool);

/* Text of a slice or a number, in the arena; for columns. */
const char *column_slice(struct arena *arena, struct slice text);
const char *column_number(struct arena *arena, int64_t number, bool is_known); /* "-" when it is not known */

#endif
