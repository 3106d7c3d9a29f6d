#include "broker/topic_name.h"

#include "base/banned.h"
#include "store/store.h"

#define NAME_BYTES_MAX 249

static bool is_legal(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

enum status topic_name_check(struct slice name, struct error *error)
{
    int shown = name.size > 700 ? 700 : (int)name.size;

    if (name.size == 0)
        return error_set(error, ERROR_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: the empty string is not allowed");
    if (slice_equal_string(name, ".") || slice_equal_string(name, ".."))
        return error_set(error, ERROR_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '%.*s' is not allowed", shown,
                         (const char *)name.data);
    if (name.size > NAME_BYTES_MAX)
        return error_set(error, ERROR_INVALID_TOPIC_EXCEPTION,
                         "Topic name is invalid: the length of '%.*s' is longer than the max allowed length %d", shown,
                         (const char *)name.data, NAME_BYTES_MAX);
    for (size_t i = 0; i < name.size; i++) {
        if (!is_legal(name.data[i]))
            return error_set(
                error, ERROR_INVALID_TOPIC_EXCEPTION,
                "Topic name is invalid: '%.*s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", shown,
                (const char *)name.data);
    }
    return OK;
}

bool topic_name_is_internal(struct slice name)
{
    return slice_equal_string(name, "__consumer_offsets") || slice_equal_string(name, "__transaction_state") ||
           slice_equal_string(name, "__share_group_state");
}

bool topic_name_is_reserved(struct slice name)
{
    return slice_equal_string(name, "__cluster_metadata");
}

/* Do two names collide? */
static bool topic_names_collide(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        uint8_t left = a.data[i] == '.' ? '_' : a.data[i];
        uint8_t right = b.data[i] == '.' ? '_' : b.data[i];

        if (left != right)
            return false;
    }
    return true;
}

bool topic_name_collides(struct store *store, struct slice name, struct error *error)
{
    struct arena arena;
    struct topic **topics;
    size_t count = 0;
    bool collides = false;

    if (memchr(name.data, '.', name.size) == NULL && memchr(name.data, '_', name.size) == NULL)
        return false;
    arena_init(&arena, 4096);
    topics = store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct slice other = slice_from_string(topic_name(topics[i]));

        if (!collides && !slice_equal(name, other) && topic_names_collide(name, other)) {
            collides = true;
            (void)error_set(error, ERROR_INVALID_TOPIC_EXCEPTION, "Topic '%.*s' collides with existing topic: %s", (int)name.size,
                            (const char *)name.data, topic_name(topics[i]));
        }
        topic_release(topics[i]);
    }
    arena_finish(&arena);
    return collides;
}
