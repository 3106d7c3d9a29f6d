/* tools/events.h: `tailrace events`: prints change events as rows: names, types and exact amounts instead of envelopes and base64. */
#ifndef TOOLS_EVENTS_H
#define TOOLS_EVENTS_H

#include "base/buffer.h"
#include "wire/debezium/change.h"

int events_main(int argc, char **argv);

/*
 * One line for one event, without a newline: "INSERT id=1 amount=12.50 …"; of an UPDATE what changed stands as old→new when the row
 * before is known. Pure.
 */
void event_print(const struct change *change, struct buffer *out);

#endif
