/* A file that is said to hold a model, JSON or UBJSON: it is refused with a reason, or what comes out of it is a model again. */
#include "agents/model_file.h"

#include "base/banned.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_copy_bytes(data, size); /* of its very size, for the sanitizer */
    struct model_facts facts, again;
    struct buffer checked;
    struct error error;

    buffer_init(&checked, 1 << 24);
    if (model_file_read(slice_of(copy, size), &facts, &checked, &error) == OK) {
        if (model_file_read(buffer_slice(&checked), &again, NULL, &error) != OK || again.tree_count != facts.tree_count)
            __builtin_trap();
        model_facts_finish(&again);
        model_facts_finish(&facts);
    }
    buffer_finish(&checked);
    memory_free(copy);
    return 0;
}
