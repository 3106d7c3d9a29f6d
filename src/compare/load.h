/*
 * compare/load.h: the changes that everybody has to see, and the truth about them: each with the moment its COMMIT was sent.
 *
 * One connection writes short transactions at a steady rate: 6 of 10 changes insert a row, 3 update one (half of them one that has just
 * changed), 1 deletes one. A second connection has a transaction open for one and a half poll intervals, again and again; its rows have
 * ids and timestamps from its beginning, and appear at its end.
 */
#ifndef COMPARE_LOAD_H
#define COMPARE_LOAD_H

#include "compare/account.h"
#include "compare/subject.h"

struct load_spec {
    const struct database *database;
    int64_t rows; /* ids 1 to this one are in the table, in version 1 */
    int64_t seconds, rate;
    int64_t interval_ms; /* of the pollers */
};

struct load {
    struct written *writes; /* in order of commit; owned */
    size_t count, capacity;
    double seconds; /* from the first change to the last */
};

/* Writes until the time is over or stop_fd is readable (CLOSED). load_finish in any case. Errors: DATABASE, CLOSED */
enum status load_run(const struct load_spec *spec, int stop_fd, struct load *load, struct error *error);
void load_finish(struct load *load);

#endif
