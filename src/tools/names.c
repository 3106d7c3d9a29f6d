#include "tools/names.h"

#include "base/banned.h"
#include "base/options.h"
#include "tools/admin.h"
#include "tools/groups.h"

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)
#define PATIENCE_MS "2000" /* whoever presses Tab waits */

static void topics_offer(struct client *client, struct arena *arena, const char *typed, struct buffer *out)
{
    struct topic_listing *topics;
    size_t count;

    if (admin_list_topics(client, arena, &topics, &count) != NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!topics[i].is_internal || *typed == '_')
            completion_offer(arena_copy_string(arena, topics[i].name), NULL, typed, out);
    }
}

static void groups_offer(struct client *client, struct arena *arena, const char *typed, struct buffer *out)
{
    struct group_listing *groups;
    size_t count;

    if (groups_list(client, arena, NULL, 0, NULL, 0, &groups, &count) != NULL)
        return;
    for (size_t i = 0; i < count; i++)
        completion_offer(arena_copy_string(arena, groups[i].id), groups[i].state, typed, out);
}

void names_offer(const char *bootstrap_servers, bool groups, const char *typed, struct buffer *out)
{
    struct client *client = NULL;
    struct properties settings;
    struct arena arena;

    arena_init(&arena, ARENA_BLOCK_BYTES);
    properties_init(&settings);
    properties_set(&settings, "bootstrap.servers", bootstrap_servers);
    properties_set(&settings, "request.timeout.ms", PATIENCE_MS);
    properties_set(&settings, "default.api.timeout.ms", PATIENCE_MS);
    if (client_create(&arena, CLIENT_ADMIN, &settings, "completion", NULL, &client) == NULL) {
        if (groups)
            groups_offer(client, &arena, typed, out);
        else
            topics_offer(client, &arena, typed, out);
    }
    client_destroy(client);
    properties_finish(&settings);
    arena_finish(&arena);
}
