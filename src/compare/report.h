/* compare/report.h: the result of a comparison, for people and as JSON. Pure. */
#ifndef COMPARE_REPORT_H
#define COMPARE_REPORT_H

#include "base/buffer.h"
#include "compare/account.h"

#define SIDES_MAX 4

/* One way of reading, and what it cost. */
struct side {
    const struct method *method;
    struct account account;
    int64_t queries, rows;                /* SELECTs of the table; rows (or records) that came */
    int64_t again;                        /* of them known already */
    double query_s;                       /* waited for answers */
    double database_cpu_s;                /* of the backend or walsender; below 0: unknown, the server runs elsewhere */
    double consumer_cpu_s, program_cpu_s; /* program: only of change capture */
    double consumer_mb, program_mb;       /* peak of resident memory */
};

struct conditions {
    int64_t rate, interval_ms, overlap_ms, table_rows;
    double seconds;
    int64_t inserts, updates, deletes, late; /* late: of the transactions that were open for long */
    long cores;
    const char *server; /* PostgreSQL's version */
};

void report_text(const struct conditions *conditions, const struct side *sides, size_t count, struct buffer *out);
void report_json(const struct conditions *conditions, const struct side *sides, size_t count, struct buffer *out);

#endif
