/* A row of COPY: what is taken apart lies within the bytes given, and nothing is longer than it was. */
#include "wire/postgres/copy.h"

#include "base/memory.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_value values[16];
    struct pg_row row;
    uint8_t *copy;
    size_t sum = 0;

    if (size == 0)
        return 0;
    copy = memory_new(size); /* of its very size, for the sanitizer */
    memcpy(copy, data, size);
    if (copy_row_read(copy, size, values, data[0] % 17, &row)) {
        for (size_t i = 0; i < row.count; i++) {
            if (row.values[i].kind == PG_VALUE_TEXT &&
                (row.values[i].text.data < copy || row.values[i].text.data + row.values[i].text.size > copy + size))
                abort();
            sum += row.values[i].text.size;
        }
        if (sum > size)
            abort();
    }
    memory_free(copy);
    return 0;
}
