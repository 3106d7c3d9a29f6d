/* Compressed bytes of any codec, given by the first byte. */
#include "wire/kafka/compression.h"

#include "base/banned.h"

#define PLAIN_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decompressor *decompressor;
    static struct buffer out;

    if (decompressor == NULL) {
        decompressor = decompressor_create();
        buffer_init(&out, 2 * PLAIN_MAX);
    }
    if (size == 0)
        return 0;
    buffer_reset(&out);
    (void)!decompressor_run(decompressor, (enum compression)(data[0] % COMPRESSION_COUNT), slice_of(data + 1, size - 1), PLAIN_MAX, &out,
                            NULL);
    if (out.size > PLAIN_MAX)
        abort();
    return 0;
}
