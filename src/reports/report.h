/*
 * reports/report.h: scheduled batch reports: an SQL aggregate over the last N minutes, every N minutes, straight from
 * PostgreSQL. No slot, no topic is read. Each run says its window exactly; a run that was missed is caught up, for the
 * window that it would have had.
 */
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

#define REPORT_VALUES_MAX 16
#define REPORT_CATCH_UP_MAX 1000 /* missed runs that are made up for, the newest; the older ones are told as one that failed */

struct report_spec {
    const char *name;
    const char *conninfo;     /* libpq */
    const char *table;        /* "temperature_readings" or "schema.table"; NULL with sql */
    const char *column;       /* what is averaged */
    const char *function;     /* "avg", "sum", "min", "max", "count" */
    const char *time_column;  /* "recorded_at" */
    const char *sql;          /* any SELECT of one row; $1 and $2 are the window's two ends (timestamptz); NULL with table */
    const char *unit;         /* "°C"; "" */
    int64_t window_s;
    int64_t every_s;
};

enum report_outcome { REPORT_VALUE, REPORT_NO_DATA, REPORT_FAILED };

struct report_result {
    enum report_outcome outcome;
    int64_t run_us;               /* when it ran, wall clock */
    int64_t window_from_us, window_to_us; /* by the database's clock */
    int64_t rows;                 /* in the window; -1 with sql */
    size_t value_count;
    struct {
        char name[64];
        char text[256];           /* exact, as PostgreSQL gives it; cut with "…" when longer */
    } values[REPORT_VALUES_MAX];
    int64_t took_us;
    bool caught_up;               /* its time had passed */
    struct error error;           /* FAILED */
};

/* Checks the spec. Errors: BAD_INPUT: which option. */
enum status report_check(const struct report_spec *spec, struct error *error);

/* "10m", "30 s", "1h", "2d" into seconds; false when it is none or not positive. */
bool report_duration(const char *text, int64_t *seconds);

/* "10 minutes", "1 hour", "90 seconds" */
void report_duration_text(int64_t seconds, char text[48]);

struct report_runner;

/* Called after each run. Errors: it could not be kept; report_run ends with that, so that it can begin again with this window. */
typedef enum status report_done(void *context, const struct report_spec *spec, const struct report_result *result, struct error *error);

/*
 * Runs one report again and again until *stop is set, calling `done` after each run. Keeps one connection, which is opened
 * again when it broke; while the database is down runs wait and are caught up after.
 * last_to_us  end of the last window that is known to be done, by the database's clock, to go on from; 0: begin now
 * wake_fd     readable when *stop was set; -1: looked at every 200 ms
 * Errors      BAD_INPUT; DATABASE (the query is wrong: goes on failing, so it ends); those of done
 */
enum status report_run(const struct report_spec *spec, int64_t last_to_us, const atomic_bool *stop, int wake_fd, report_done *done, void *context,
                       struct error *error);

/*
 * One run over the window that ends now, in a read-only transaction with a time limit; nothing is kept.
 * stop, wake_fd  as for report_run; stop may be NULL: then a readable wake_fd ends it
 * Errors         BAD_INPUT, DATABASE (refused, too slow, or it wanted to write), UNAVAILABLE, CLOSED (stopped)
 */
enum status report_once(const struct report_spec *spec, int64_t timeout_ms, const atomic_bool *stop, int wake_fd, struct report_result *result, struct error *error);

/* The SQL that it runs; to be freed by memory_free. */
char *report_query(const struct report_spec *spec);

/* The result as a JSON object, for the topic tailrace-reports and the console. */
void report_write(const struct report_spec *spec, const struct report_result *result, struct buffer *json);

/* "2026-01-07 17:30:41.027669 - Average temperature last 10 minutes: 26.38 °C" */
void report_line(const struct report_spec *spec, const struct report_result *result, struct buffer *line);

#endif
