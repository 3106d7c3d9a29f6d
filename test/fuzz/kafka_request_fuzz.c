/* A request as it comes off a socket: header, then the body by its table. */
#include "wire/kafka/api.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t request[8192];
    struct kafka_request_header header;
    struct slice body;
    struct error error;
    struct arena arena;

    arena_init(&arena, 4096);
    if (kafka_request_header_decode(slice_of(data, size), &header, &body, &error) == OK)
        (void)!wire_decode(kafka_api_find(header.api_key)->request, header.api_version, body, &arena, request, &error);
    arena_finish(&arena);
    return 0;
}
