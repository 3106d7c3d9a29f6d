/* server/status_screen.h: what `tailrace status` prints, from the description that the running program gives. Pure. */
#ifndef SERVER_STATUS_SCREEN_H
#define SERVER_STATUS_SCREEN_H

#include "base/page.h"

#include <jansson.h>

/*
 * One screen: what is wrong first, each with cause and remedy, then services, connectors, slots, topics, groups, agents, sinks and
 * reports, of each list the first ten.
 */
void status_screen_render(const json_t *description, int64_t now_ms, struct page *page);

#endif
