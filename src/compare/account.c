#include "compare/account.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"

#include <stdlib.h>

/* One change of the truth, in order of row and version, with what became of it. */
struct fate {
    const struct written *write;
    bool seen;
};

static int by_row(const void *a, const void *b)
{
    const struct written *first = ((const struct fate *)a)->write, *second = ((const struct fate *)b)->write;

    if (first->id != second->id)
        return first->id < second->id ? -1 : 1;
    return first->version < second->version ? -1 : first->version > second->version;
}

static int by_size(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return first < second ? -1 : first > second;
}

/* The first change of the row that has this version or a later one. */
static size_t place_of(const struct fate *fates, size_t count, int64_t id, int32_t version)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct written *write = fates[middle].write;

        if (write->id < id || (write->id == id && write->version < version))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The change that was sighted; NULL when nobody committed it. */
static struct fate *sighted(struct fate *fates, size_t count, const struct sighting *sighting)
{
    size_t at = place_of(fates, count, sighting->id, sighting->version);

    if (sighting->version == VERSION_GONE)
        return at > 0 && fates[at - 1].write->id == sighting->id && fates[at - 1].write->kind == WRITE_DELETE ? &fates[at - 1] : NULL;
    return at < count && fates[at].write->id == sighting->id && fates[at].write->version == sighting->version &&
                   fates[at].write->kind != WRITE_DELETE
               ? &fates[at]
               : NULL;
}

/* was_known: a state of the row from before this change was seen; is_last: nothing came after it */
static enum miss cause_of(const struct method *method, const struct fate *fate, bool was_known, bool is_last)
{
    enum write_kind kind = fate->write->kind;

    if (!method->polls)
        return MISS_OTHER;
    if (kind == WRITE_DELETE && !method->sees_deletes)
        return MISS_DELETE;
    if (kind == WRITE_UPDATE && !method->sees_updates)
        return MISS_UPDATE;
    if (fate->write->late && method->uses_mark)
        return MISS_MARK;
    return is_last && (kind != WRITE_DELETE || was_known) ? MISS_OTHER : MISS_BETWEEN;
}

/* Counts what was not seen, row by row. */
static void misses_count(const struct method *method, const struct fate *fates, size_t count, struct account *account)
{
    bool known = false;

    for (size_t i = 0; i < count; i++) {
        bool is_first = i == 0 || fates[i - 1].write->id != fates[i].write->id;
        bool is_last = i + 1 == count || fates[i + 1].write->id != fates[i].write->id;

        if (is_first) /* rows that were there before are known to everybody */
            known = fates[i].write->kind != WRITE_INSERT;
        if (fates[i].seen) {
            known = true;
        } else {
            account->missed[cause_of(method, &fates[i], known, is_last)]++;
            account->missed_total++;
        }
    }
}

static double ms_at(const int64_t *sorted_ns, size_t count, size_t percent)
{
    return count == 0 ? 0 : (double)sorted_ns[(count - 1) * percent / 100] / NS_PER_MS;
}

struct account account_make(const struct method *method, const struct written *writes, size_t write_count, const struct sighting *sightings,
                            size_t sighting_count)
{
    struct account account = {.written = (int64_t)write_count};
    struct fate *fates = memory_new_array(write_count + 1, sizeof(*fates));
    int64_t *latencies = memory_new_array(write_count + 1, sizeof(*latencies));
    size_t seen = 0;

    for (size_t i = 0; i < write_count; i++)
        fates[i].write = &writes[i];
    qsort(fates, write_count, sizeof(*fates), by_row);
    for (size_t i = 0; i < sighting_count; i++) {
        struct fate *fate = sighted(fates, write_count, &sightings[i]);

        if (fate == NULL) {
            account.unexpected++;
        } else if (fate->seen) {
            account.twice++;
        } else {
            fate->seen = true;
            latencies[seen++] = sightings[i].at_ns - fate->write->at_ns;
        }
    }
    misses_count(method, fates, write_count, &account);
    qsort(latencies, seen, sizeof(*latencies), by_size);
    account.seen = (int64_t)seen;
    account.p50_ms = ms_at(latencies, seen, 50);
    account.p90_ms = ms_at(latencies, seen, 90);
    account.p99_ms = ms_at(latencies, seen, 99);
    account.max_ms = ms_at(latencies, seen, 100);
    memory_free(latencies);
    memory_free(fates);
    return account;
}
