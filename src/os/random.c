#include "os/random.h"

#include "base/banned.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *bytes, size_t size)
{
    uint8_t *at = bytes;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno != EINTR)
            abort(); /* the kernel has always had it since 3.17 */
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

struct uuid random_uuid(void)
{
    struct uuid uuid;

    random_bytes(uuid.bytes, sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}
