/* server/status_screen.h: what `tailrace status` prints, from the description that the running program gives. Pure. */
#ifndef SERVER_STATUS_SCREEN_H
#define SERVER_STATUS_SCREEN_H

#include "base/buffer.h"

#include <jansson.h>

/* One screen: what is wrong first, then where everything is, how much there is, and each connector and agent on a line. */
void status_screen_render(const json_t *description, int64_t now_ms, struct buffer *text);

#endif
