#include "broker/changes.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdarg.h>

struct kept {
    int64_t at_ms;
    char *client_id, *host, *subject, *text;
};

struct changes {
    pthread_mutex_t lock; /* guards the rest; a leaf */
    struct kept kept[CHANGES_KEPT_MAX];
    size_t count, lost;
};

static void kept_free(struct kept *kept)
{
    memory_free(kept->client_id);
    memory_free(kept->host);
    memory_free(kept->subject);
    memory_free(kept->text);
}

struct changes *changes_create(void)
{
    struct changes *changes = memory_new(sizeof(*changes));

    (void)pthread_mutex_init(&changes->lock, NULL);
    return changes;
}

void changes_destroy(struct changes *changes)
{
    if (changes == NULL)
        return;
    for (size_t i = 0; i < changes->count; i++)
        kept_free(&changes->kept[i]);
    (void)pthread_mutex_destroy(&changes->lock);
    memory_free(changes);
}

static char *slice_text(struct slice text, size_t size_max)
{
    return memory_format("%.*s", (int)(text.size > size_max ? size_max : text.size), text.size == 0 ? "" : (const char *)text.data);
}

void change_note(struct request *request, struct slice subject, const char *format, ...)
{
    struct changes *changes = request->broker->changes;
    const char *host = request_client_host(request);
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&changes->lock);
    if (changes->count < CHANGES_KEPT_MAX)
        changes->kept[changes->count++] = (struct kept){clock_now_ms(), slice_text(request->header.client_id, 128), memory_copy_string(*host == '/' ? host + 1 : host), slice_text(subject, 255),
                                                        memory_copy_string(text)};
    else
        changes->lost++;
    (void)pthread_mutex_unlock(&changes->lock);
}

struct broker_change *broker_changes_take(struct broker *broker, struct arena *arena, size_t *count, size_t *lost)
{
    struct changes *changes = broker->changes;
    struct broker_change *taken;

    (void)pthread_mutex_lock(&changes->lock);
    taken = arena_new_array(arena, changes->count, sizeof(*taken));
    for (size_t i = 0; i < changes->count; i++) {
        struct kept *kept = &changes->kept[i];

        taken[i] = (struct broker_change){kept->at_ms, arena_copy_string(arena, slice_from_string(kept->client_id)), arena_copy_string(arena, slice_from_string(kept->host)),
                                          arena_copy_string(arena, slice_from_string(kept->subject)), arena_copy_string(arena, slice_from_string(kept->text))};
        kept_free(kept);
    }
    *count = changes->count;
    *lost = changes->lost;
    changes->count = changes->lost = 0;
    (void)pthread_mutex_unlock(&changes->lock);
    return taken;
}
