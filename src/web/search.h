/*
 * web/search.h: looking for messages of a topic by the parameters of GET /topics/:t/messages (from at p key filter limit budget_ms
 * cursor). It answers while it looks: each step scans for a few dozen milliseconds at most, so a client that is gone ends it soon.
 * A taker gets what is found instead of the console: an export, a copy.
 */
#ifndef WEB_SEARCH_H
#define WEB_SEARCH_H

#include "web/api.h"
#include "web/message.h"

struct search_taker {
    /* What is kept of a match until it is given, most usefully a string; a new reference. change: NULL when it is none */
    json_t *(*make)(void *context, int32_t partition, const struct record *record, const struct change *change, struct arena *arena);
    /* Up to 50 of these, in order, as an array that is borrowed; may write what the client gets to `out`. */
    void (*give)(void *context, const json_t *made, struct buffer *out);
    /* The last thing. why: "end", "limit", "budget" or "stopped"; trouble: NULL, or what could not be read */
    void (*done)(void *context, const char *why, const char *trouble, size_t given, struct buffer *out);
    void (*end)(void *context); /* always called, once; may be NULL */
};

/* Answers with what the taker writes; the caller sets the content type afterwards. limit: when the query names none */
void search_stream(struct api_call *call, const struct search_taker *taker, void *context, size_t limit, size_t limit_max);

/* Looks until it is done; what was written to `out` is dropped. False: the answer is given (no such topic, bad filter, too many searches). */
bool search_run(struct api_call *call, const struct search_taker *taker, void *context, size_t limit_max);

#endif
