#include "compare/sightings.h"

#include "base/banned.h"
#include "base/memory.h"

struct known {
    int32_t version; /* 0: never met */
    uint32_t round;  /* in which it was read last */
};

struct sightings {
    struct known *rows; /* by id */
    size_t row_count;
    uint32_t round;
    struct sighting *all;
    size_t count, capacity;
    int64_t again;
};

static struct known *row_of(struct sightings *sightings, int64_t id)
{
    size_t at = (size_t)id;

    if (at >= sightings->row_count) {
        size_t count = at + at / 2 + 1024;

        sightings->rows = memory_resize(sightings->rows, count * sizeof(*sightings->rows));
        memset(sightings->rows + sightings->row_count, 0, (count - sightings->row_count) * sizeof(*sightings->rows));
        sightings->row_count = count;
    }
    return &sightings->rows[at];
}

struct sightings *sightings_create(int64_t known_rows)
{
    struct sightings *sightings = memory_new(sizeof(*sightings));

    for (int64_t id = 1; id <= known_rows; id++)
        row_of(sightings, id)->version = 1;
    return sightings;
}

void sightings_destroy(struct sightings *sightings)
{
    if (sightings == NULL)
        return;
    memory_free(sightings->rows);
    memory_free(sightings->all);
    memory_free(sightings);
}

bool sightings_take(struct sightings *sightings, int64_t id, int32_t version, int64_t at_ns)
{
    struct known *row = row_of(sightings, id);

    row->round = sightings->round;
    if (row->version >= version) {
        sightings->again++;
        return false;
    }
    row->version = version;
    if (sightings->count == sightings->capacity) {
        sightings->capacity = sightings->capacity * 2 + 1024;
        sightings->all = memory_resize(sightings->all, sightings->capacity * sizeof(*sightings->all));
    }
    sightings->all[sightings->count++] = (struct sighting){id, version, at_ns};
    return true;
}

void sightings_round_begin(struct sightings *sightings)
{
    sightings->round++;
}

void sightings_round_end(struct sightings *sightings, int64_t at_ns)
{
    for (size_t id = 0; id < sightings->row_count; id++) {
        const struct known *row = &sightings->rows[id];

        if (row->version != 0 && row->version != VERSION_GONE && row->round != sightings->round)
            (void)sightings_take(sightings, (int64_t)id, VERSION_GONE, at_ns);
    }
}

const struct sighting *sightings_all(const struct sightings *sightings, size_t *count)
{
    *count = sightings->count;
    return sightings->all;
}

int64_t sightings_again(const struct sightings *sightings)
{
    return sightings->again;
}
