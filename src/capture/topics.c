#include "capture/topics.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/regexes.h"
#include "base/text.h"

#define PREFIX "topic.creation."
#define DEFAULT_GROUP "default"

struct group {
    struct regexes *include; /* NULL for the default group */
    struct regexes *exclude;
    int32_t partitions;
    struct properties settings;
};

struct topic_rules {
    struct group *groups; /* the default group last */
    size_t count;
};

static enum status read_partitions(const struct properties *config, const char *name, int32_t otherwise, int32_t *partitions,
                                   struct error *error)
{
    char *key = memory_format(PREFIX "%s.partitions", name);
    const char *value = properties_get(config, key);
    enum status status = OK;

    *partitions = otherwise;
    if (value != NULL && (!text_parse_int32(text_trim(slice_from_string(value)), partitions) || *partitions == 0 || *partitions < -1))
        status = error_set(error, ERROR_BAD_INPUT,
                           "Invalid value %s for configuration %s: Number of partitions must be a positive integer or -1", value, key);
    memory_free(key);
    return status;
}

/* Whatever else the group sets is a setting of the topic. */
static void read_settings(const struct properties *config, const char *name, struct properties *settings)
{
    static const char *const own[] = {"include", "exclude", "partitions", "replication.factor", NULL};
    char *prefix = memory_format(PREFIX "%s.", name);
    size_t length = strlen(prefix);

    for (size_t i = 0; i < config->count; i++) {
        const char *key = config->items[i].key;
        bool is_own = false;

        if (strncmp(key, prefix, length) != 0 || config->items[i].value == NULL)
            continue;
        for (size_t j = 0; own[j] != NULL; j++)
            is_own = is_own || strcmp(key + length, own[j]) == 0;
        if (!is_own)
            properties_set(settings, key + length, config->items[i].value);
    }
    memory_free(prefix);
}

static enum status read_patterns(const struct properties *config, const char *name, const char *which, struct regexes **regexes,
                                 struct error *error)
{
    char *key = memory_format(PREFIX "%s.%s", name, which);
    enum status status = regexes_create(properties_get(config, key), REGEXES_EXACT_CASE, regexes, error);

    if (status != OK)
        error_context(error, "%s", key);
    memory_free(key);
    return status;
}

static enum status read_group(struct topic_rules *rules, const struct properties *config, const char *name, int32_t default_partitions,
                              struct error *error)
{
    struct group *group;
    enum status status;

    rules->groups = memory_resize(rules->groups, (rules->count + 1) * sizeof(*rules->groups));
    group = &rules->groups[rules->count++];
    memset(group, 0, sizeof(*group));
    properties_init(&group->settings);
    status = read_partitions(config, name, default_partitions, &group->partitions, error);
    if (status == OK)
        read_settings(config, name, &group->settings);
    if (status == OK && strcmp(name, DEFAULT_GROUP) != 0) {
        status = read_patterns(config, name, "include", &group->include, error);
        if (status == OK)
            status = read_patterns(config, name, "exclude", &group->exclude, error);
    }
    return status;
}

enum status topic_rules_create(const struct properties *config, struct topic_rules **created, struct error *error)
{
    struct topic_rules *rules = memory_new(sizeof(*rules));
    const char *names = properties_get(config, PREFIX "groups");
    struct slice rest = slice_from_string(names == NULL ? "" : names);
    struct slice name;
    int32_t partitions = -1;
    enum status status = OK;

    /* Without the default group Connect leaves topics to the broker. */
    if (properties_get(config, PREFIX DEFAULT_GROUP ".partitions") != NULL ||
        properties_get(config, PREFIX DEFAULT_GROUP ".replication.factor") != NULL) {
        status = read_partitions(config, DEFAULT_GROUP, -1, &partitions, error);
        while (status == OK && text_next_field(&rest, ',', &name)) {
            char *group = memory_copy_bytes(text_trim(name).data, text_trim(name).size);

            if (group[0] != '\0' && strcmp(group, DEFAULT_GROUP) != 0)
                status = read_group(rules, config, group, partitions, error);
            memory_free(group);
        }
        if (status == OK)
            status = read_group(rules, config, DEFAULT_GROUP, -1, error);
    }
    if (status == OK)
        *created = rules;
    else
        topic_rules_destroy(rules);
    return status;
}

void topic_rules_destroy(struct topic_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++) {
        regexes_destroy(rules->groups[i].include);
        regexes_destroy(rules->groups[i].exclude);
        properties_finish(&rules->groups[i].settings);
    }
    memory_free(rules->groups);
    memory_free(rules);
}

void topic_rules_find(const struct topic_rules *rules, const char *topic, int32_t *partitions, const struct properties **settings)
{
    struct slice name = slice_from_string(topic);

    *partitions = -1;
    *settings = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct group *group = &rules->groups[i];

        if (group->include != NULL && (!regexes_match(group->include, name) || regexes_match(group->exclude, name)))
            continue;
        *partitions = group->partitions;
        *settings = group->settings.count == 0 ? NULL : &group->settings;
        return;
    }
}
