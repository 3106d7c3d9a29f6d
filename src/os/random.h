/* os/random.h: unpredictable bytes from the kernel. */
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include "base/uuid.h"

void random_bytes(void *bytes, size_t size);
struct uuid random_uuid(void); /* version 4 */

#endif
