/* Bodies of REST requests: whatever they are, they are read or refused with a message; what was read writes itself again. */
#include "connect/bind.h"
#include "connect/java_regex.h"

#include "base/memory.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What json_write wrote reads as the same again. */
static void write_again(struct arena *arena, const struct json *root)
{
    struct json_document document;
    struct buffer first, second;

    buffer_init(&first, 16 << 20);
    buffer_init(&second, 16 << 20);
    json_write(&first, root);
    json_read(arena, buffer_slice(&first), &document);
    if (document.broken || document.root == NULL)
        abort();
    json_write(&second, document.root);
    if (!slice_equal(buffer_slice(&first), buffer_slice(&second)))
        abort();
    buffer_finish(&second);
    buffer_finish(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_new(size); /* of its very size, for the sanitizer */
    struct json_document document;
    struct create_request request;
    struct offset_changes changes;
    struct properties map;
    struct arena arena;
    bool present;

    if (size > 0)
        memcpy(copy, data, size);
    arena_init(&arena, 4096);
    json_read(&arena, slice_of(copy, size), &document);
    if (document.broken && document.problem == NULL)
        abort();
    if (!document.broken && document.root != NULL)
        write_again(&arena, document.root);
    (void)bind_create(&arena, slice_of(copy, size), &request);
    (void)bind_offsets(&arena, slice_of(copy, size), &changes);
    (void)bind_map(&arena, slice_of(copy, size), &present, &map);
    (void)java_regex_problem(&arena, slice_of(copy, size));
    properties_finish(&map);
    properties_finish(&request.config);
    arena_finish(&arena);
    memory_free(copy);
    return 0;
}
