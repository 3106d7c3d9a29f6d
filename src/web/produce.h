/* web/produce.h: writes a batch as any producer does, through our broker. */
#ifndef WEB_PRODUCE_H
#define WEB_PRODUCE_H

#include "web/api.h"

#define PRODUCE_BYTES_MAX ((size_t)120 << 20) /* of a batch; the topic's max.message.bytes is the broker's matter */

/* Durable when it returns. offset: of its first record. False with the answer given. */
bool produce(struct api_call *call, const char *topic, int32_t partition, struct slice batch, int64_t *offset);

#endif
