#include "agents/source_internal.h"

#include "base/banned.h"

enum status source_open(const struct source_spec *spec, struct source **opened, struct error *error)
{
    return spec->bootstrap_servers == NULL ? source_log_open(spec, opened, error) : source_kafka_open(spec, opened, error);
}

void source_close(struct source *source)
{
    if (source != NULL)
        source->kind->close(source);
}

enum status source_next(struct source *source, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error)
{
    return source->kind->next(source, timeout_ms, record, got, error);
}

uint64_t source_generation(struct source *source)
{
    return source->kind->generation(source);
}

bool source_is_drained(struct source *source)
{
    return source->kind->is_drained(source);
}

bool source_is_at_end(struct source *source)
{
    return source->kind->is_at_end(source);
}

bool source_is_ready(struct source *source)
{
    return source->kind->is_ready(source);
}

int64_t source_lag(struct source *source)
{
    return source->kind->lag(source);
}

enum status source_topic_ensure(struct source *source, const char *topic, int32_t partitions, const char *const *settings, struct error *error)
{
    return source->kind->topic_ensure(source, topic, partitions, settings, error);
}

enum status source_load(struct source *source, source_state *take, void *context, struct error *error)
{
    return source->kind->load(source, take, context, error);
}

enum status source_write(struct source *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error)
{
    return source->kind->write(source, topic, partition, record, error);
}

enum status source_checkpoint(struct source *source, struct error *error)
{
    return source->kind->checkpoint(source, error);
}

bool source_can_send(const struct source *source)
{
    return source->kind->send != NULL;
}

enum status source_send(struct source *source, struct error *error)
{
    return source->kind->send(source, error);
}
