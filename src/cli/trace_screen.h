/* cli/trace_screen.h: what GET /trace answers, for people: the steps of a row with a drawing, who read it, where it waits. Pure. */
#ifndef CLI_TRACE_SCREEN_H
#define CLI_TRACE_SCREEN_H

#include "base/error.h"
#include "base/page.h"

#include <jansson.h>

/* Gives whether any row was found. */
bool trace_screen_render(const json_t *answer, struct page *page);

/*
 * The question for the API, "/trace?…", from what was typed: TABLE KEY, or one of LSN, xid:N, TOPIC:PARTITION:OFFSET, alert id.
 * budget_s  0: as long as the program looks by itself
 * Errors    USAGE: what it may be
 */
enum status trace_question(const char *const *operands, size_t count, int64_t budget_s, struct buffer *path, struct error *error);

#endif
