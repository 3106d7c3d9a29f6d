/* tools/configs.h: what the sources of kafka-configs share. */
#ifndef TOOLS_CONFIGS_H
#define TOOLS_CONFIGS_H

#include "tools/arguments.h"
#include "tools/client.h"

#define CONFIGS_ENTITIES_MAX 16

struct config_pair {
    struct slice name;
    struct slice value;
};

/* One run of the tool. */
struct configs {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    const char *types[CONFIGS_ENTITIES_MAX]; /* "topics" */
    size_t type_count;
    const char *names[CONFIGS_ENTITIES_MAX]; /* "" is the default of its type */
    size_t name_count;
    struct config_pair *added;
    size_t added_count;
    struct slice *deleted;
    size_t deleted_count;
};

bool configs_has_type(const struct configs *tool, const char *type);

/* configs_quota.c: users, clients and addresses: quotas and SCRAM credentials */
const struct failure *configs_quota_describe(struct configs *tool);
const struct failure *configs_quota_alter(struct configs *tool);

#endif
