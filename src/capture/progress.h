/*
 * capture/progress.h: how far a snapshot is, as it lies in the position that is published with its rows, so that after a
 * crash it goes on behind the last published row.
 *
 * A crash ends the exported snapshot. What it saw can still be told: rows whose xmin it could see and that still are there are
 * as they were; all other rows came or changed later, and the stream, which begins at the snapshot's LSN, has them. So a
 * later transaction reads behind the last published row, only rows that the first snapshot could see.
 */
#ifndef CAPTURE_PROGRESS_H
#define CAPTURE_PROGRESS_H

#include "base/buffer.h"
#include "base/error.h"

struct progress {
    uint64_t lsn;               /* consistent point of the snapshot */
    int64_t xid;                /* source.txId of its rows; -1: null */
    int64_t time_us;            /* source.ts_us of its rows */
    uint32_t config_hash;       /* of what decides which tables are read, and how */
    struct slice snapshot;      /* pg_current_snapshot of the first transaction; empty: it cannot be continued */
    struct slice schema, table; /* the table being read; all before it in the order are done. Empty: none is begun */
    uint32_t oid, file;         /* of that table */
    uint32_t block, item;       /* ctid of its last published row; 0,0: none */
    uint64_t rows;              /* published so far, of all tables */
};

void progress_write(const struct progress *progress, struct buffer *out);

/* Slices borrow from `bytes`. False: not of this format. */
bool progress_read(struct slice bytes, struct progress *progress);

/* "(12,3)" */
bool progress_read_ctid(struct slice text, uint32_t *block, uint32_t *item);

#endif
