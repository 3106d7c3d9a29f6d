/* web/status_page.h: the page at /: what runs, what is wrong, which topics and connectors there are. Pure. */
#ifndef WEB_STATUS_PAGE_H
#define WEB_STATUS_PAGE_H

#include "base/buffer.h"

#include <jansson.h>

/* HTML without scripts or outside assets; every text of the description is escaped. */
void status_page_render(const json_t *description, struct buffer *html);

#endif
