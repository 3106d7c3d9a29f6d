/*
 * store/recovery.h: brings a partition's files to a state that can be trusted when the store is opened.
 *
 * After a clean end (the mark .kafka_cleanshutdown) sizes and ends are taken as the file clean-state has them, without a
 * look at the files; those are compared when they are opened. Otherwise the segments from the known end on are read and checked, their indexes and the producers' state made anew, and
 *   - a partition that an owner writes is cut exactly to its end in the commit journal, no matter what stands behind it;
 *   - any other is cut where the first bad batch stands, for that was written after the last sync.
 * After a failed sync the system may show bytes that the disk has not got and will never get. Until the next start of the
 * system, what recovery wants to keep behind the known end is therefore written anew before it is synced.
 *
 * The known end is the larger of recovery point and journal end: all before it was once durable. When a batch before it is
 * bad, nothing is cut: the partition becomes read-only, and what lies before the bad place can still be read.
 */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include "store/clean.h"

struct recovery_facts {
    const struct clean_entry *clean; /* what the last end left, when it was clean; NULL otherwise */
    bool listed;            /* the data directory has a directory of the partition's name */
    bool suspect;           /* a sync has failed since the system was started */
    int64_t start;          /* log start by the checkpoint file; -1 not in it */
    int64_t recovery_point; /* all below was durable, by the checkpoint file; -1 not in it */
};

/* Errors: DISK, DISK_FULL. Corruption is no error here: it is logged and the partition read-only. */
enum status partition_recover(struct partition *partition, const struct recovery_facts *facts, struct error *error);

#endif
