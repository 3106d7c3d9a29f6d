#include "log/audit.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"

#include <jansson.h>

#define LOG_SUBSYSTEM "log"
#define KEPT_MS "7776000000" /* 90 days */

static char *line_of(const struct audit_change *change)
{
    json_t *object = json_pack("{s:I, s:s, s:s, s:s}", "at_ms", (json_int_t)change->at_ms, "by", change->by, "subject", change->subject, "text", change->text);
    char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT); /* NULL: not UTF-8 */

    json_decref(object);
    return line;
}

void audit_write(struct log *log, const struct audit_change *changes, size_t count)
{
    struct properties config = {0};
    struct log_topic_spec topic = {AUDIT_TOPIC, 1, &config};
    struct log_record *records = memory_new_array(count, sizeof(*records));
    size_t written = 0;
    struct error error;
    int64_t offset;

    properties_set(&config, "retention.ms", KEPT_MS);
    for (size_t i = 0; i < count; i++) {
        char *line = line_of(&changes[i]);

        if (line != NULL)
            records[written++] = (struct log_record){.key = slice_from_string(changes[i].subject), .value = slice_from_string(line), .timestamp_ms = changes[i].at_ms};
    }
    if (written > 0 && (log_topic_ensure(log, &topic, &error) != OK || log_write(log, AUDIT_TOPIC, 0, records, written, &offset, &error) != OK))
        LOG_WARNING("%zu changes could not be written to topic %s: %s", written, AUDIT_TOPIC, error.message);
    for (size_t i = 0; i < written; i++)
        free((void *)(uintptr_t)records[i].value.data);
    memory_free(records);
    properties_finish(&config);
}

void audit_write_now(struct log *log, const char *by, const char *subject, const char *text)
{
    struct audit_change change = {clock_now_ms(), by, subject, text};

    audit_write(log, &change, 1);
}
