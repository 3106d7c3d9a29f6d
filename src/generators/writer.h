/*
 * generators/writer.h: writes invented transactions into PostgreSQL: all that is asked for, or at a rate, over one connection or
 * several at once. One stream of rows feeds all connections, so a seed gives the same rows however many there are.
 */
#ifndef GENERATORS_WRITER_H
#define GENERATORS_WRITER_H

#include "generators/database.h"

#include <stdbool.h>
#include <stdint.h>

#define WRITER_CONNECTIONS_MAX 64
#define WRITER_BATCH_MAX 100000

struct writer_spec {
    struct database database;
    int64_t rate;         /* rows a second; 0: as fast as it goes */
    int64_t count;        /* rows; 0: until it is stopped */
    int64_t batch;        /* rows of one transaction when it goes as fast as it can */
    int64_t connections;  /* that write at once when it goes as fast as it can */
    uint64_t seed;
    double unusual_ratio; /* as in transactions_init */
    double update_share, delete_share; /* of the rows written */
    bool labels;          /* which rows are unusual goes to the table fraud_labels */
    bool quiet;           /* nothing on stdout */
};

struct writer_result {
    int64_t written, unusual, updated, deleted;
    double seconds; /* that the writing took */
};

/* Makes database and tables that are missing, and writes. The result tells how far it came, also with an error. Errors: DATABASE */
enum status writer_run(const struct writer_spec *spec, struct writer_result *result, struct error *error);

/* Ends writer_run after the transactions it is in; async-signal-safe. */
void writer_stop(void);

#endif
