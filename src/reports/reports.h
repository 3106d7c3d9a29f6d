/*
 * reports/reports.h: the reports that run inside `up`, one thread each, asleep between its runs: those of the settings, and what people
 * want of them at run time (log/control.h): another query, a pause, a run now, a new report. That is in force within a second.
 */
#ifndef REPORTS_REPORTS_H
#define REPORTS_REPORTS_H

#include "base/properties.h"
#include "log/log.h"
#include "reports/report.h"

#define REPORTS_TOPIC "tailrace-reports"

struct reports;

/*
 * Starts every report of the settings "reports.<name>.<key>": conninfo, table, column, function, time.column, sql, unit, window,
 * every. Each result is a record of the topic tailrace-reports, published together with how far the report has come, so that
 * a run missed while stopped is made up for at the next start, and none is there twice.
 * values  all settings; borrowed until reports_stop
 * Errors  BAD_INPUT: which report and setting
 */
enum status reports_start(const struct properties *values, struct log *log, struct reports **started, struct error *error);
void reports_stop(struct reports *reports); /* NULL is fine */

/* One JSON array: name, state, runs, the last result, when the next is due. */
void reports_describe(struct reports *reports, struct buffer *json);

/* What can be said of a report, "reports.<name>.<key>"; `initial` NULL: not set. */
struct report_setting {
    const char *key, *initial, *help;
};
const struct report_setting *report_settings_list(size_t *count);

#endif
