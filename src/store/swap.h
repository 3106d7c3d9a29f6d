/*
 * store/swap.h: puts one segment in the place of others, so that after a crash at any moment the partition has either them or it.
 *
 *   <base>.log.cleaned           being written; removed when the partition is opened
 *   <base>.log.swap              whole and durable under a durable name: it stands for everything from its base to behind its
 *                                last batch, whatever else lies there
 *   <base>.log                   as any other, once the files that it stands for are out of the way, durably
 *   <base>.log.deleted           what it stood for, until file.delete.delay.ms has passed; removed when the partition is opened
 *
 * Between two of these steps the directory is synced. Opening a partition goes on from .swap.
 * Source  Kafka's documentation has the suffixes
 */
#ifndef STORE_SWAP_H
#define STORE_SWAP_H

#include "store/partition.h"

#define SWAP_CLEANED ".cleaned"
#define SWAP_SWAP ".swap"
#define SWAP_DELETED ".deleted"

struct swap {
    struct partition *partition;
    struct segment *const *old; /* in order, as the cleaner found them; it holds references */
    size_t old_count;
    int64_t old_bytes; /* what was read of them: when they are longer by now, they are not replaced */
    struct segment *made; /* .cleaned, synced, pinned and loaded; on OK its reference becomes the partition's */
};

/*
 * Lets readers see the new segment in place of the old ones.
 * Errors  CONFLICT (the old ones are not all there any more, or not as they were), CLOSED (topic deleted), KAFKA_STORAGE_ERROR (read-only), DISK,
 *         DISK_FULL: the old ones stay, and nothing is swapped in this partition until swap_settle has gone through
 * Thread  committer
 */
enum status swap_run(const struct swap *swap, struct error *error);

/* Finishes, or takes back, what a swap could not. Thread: committer. Errors: DISK, DISK_FULL */
enum status swap_settle(struct partition *partition, struct error *error);

/* Is there something to settle? Then a clean end must not vouch for the directory. Thread: committer. */
static inline bool swap_is_unsettled(const struct partition *partition)
{
    return partition->swapped != NULL || partition->swap_in_doubt;
}

/*
 * Removes what was never finished from a partition's directory, and finishes what was swapped; before anything else is read there.
 * Errors  DISK, DISK_FULL. A .swap file that is damaged is reported and left alone
 */
enum status swap_recover(struct disk *disk, const char *directory, struct error *error);

/* "<20 digits>.<suffix>"; false for other names. */
bool swap_name_parse(const char *name, int64_t *base, const char **suffix);

#endif
