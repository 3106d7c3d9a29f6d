/* agents/source_internal.h: what both kinds of source are made of. */
#ifndef AGENTS_SOURCE_INTERNAL_H
#define AGENTS_SOURCE_INTERNAL_H

#include "agents/source.h"

/* One function per function of source.h. */
struct source_kind {
    void (*close)(struct source *source);
    enum status (*next)(struct source *source, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error);
    uint64_t (*generation)(struct source *source);
    bool (*is_drained)(struct source *source);
    bool (*is_at_end)(struct source *source);
    bool (*is_ready)(struct source *source);
    int64_t (*lag)(struct source *source);
    enum status (*topic_ensure)(struct source *source, const char *topic, int32_t partitions, const char *const *settings, struct error *error);
    enum status (*load)(struct source *source, source_state *take, void *context, struct error *error);
    enum status (*write)(struct source *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error);
    enum status (*checkpoint)(struct source *source, struct error *error);
    enum status (*send)(struct source *source, struct error *error); /* NULL: it cannot */
};

struct source {
    const struct source_kind *kind;
};

enum status source_log_open(const struct source_spec *spec, struct source **opened, struct error *error);
enum status source_kafka_open(const struct source_spec *spec, struct source **opened, struct error *error);

#endif
