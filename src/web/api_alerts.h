/* web/api_alerts.h: what api_alerts.c (the inbox), api_alert.c (one alert), api_mutes.c and stream.c share. */
#ifndef WEB_API_ALERTS_H
#define WEB_API_ALERTS_H

#include "agents/mutes.h"
#include "web/alert_list.h"
#include "web/api.h"

#define ALERT_NEWS_MAX 20 /* lines that a stream is told at once; the rest is counted */

/* What people said of alerts, and their mutes, as of one moment. */
struct alert_book_view {
    json_t *states, *mutes;
};
void alert_book_open(struct api *api, struct alert_book_view *book);
void alert_book_close(struct alert_book_view *book);

/* A line of the inbox, as (i) of the API begins; a new reference. */
json_t *alert_line_json(const struct alert_book_view *book, const struct alert_line *line);

/* False, with the answer given, when there is no such alert. */
bool alert_exists(struct api_call *call, const char *id);

/* Lines that are new or changed since *seen, which moves; the last item may be {"more":n}. seen -1: nothing is old, begin here. */
json_t *alerts_news(struct api *api, const json_t *description, int64_t *seen);

#endif
