#include "web/audit.h"

#include "base/banned.h"
#include "os/clock.h"
#include "os/logger.h"

#include <jansson.h>

#define LOG_SUBSYSTEM "web"
#define KEPT_MS "7776000000" /* 90 days */

void audit_write(struct log *log, const char *by, const char *subject, const char *text)
{
    struct properties config = {0};
    struct log_topic_spec topic = {AUDIT_TOPIC, 1, &config};
    json_t *change = json_pack("{s:I, s:s, s:s, s:s}", "at_ms", (json_int_t)clock_now_ms(), "by", by, "subject", subject, "text", text);
    char *line = change == NULL ? NULL : json_dumps(change, JSON_COMPACT);
    struct log_record record = {.key = slice_from_string(subject), .value = slice_from_string(line), .timestamp_ms = -1};
    struct error error;
    int64_t offset;

    properties_set(&config, "retention.ms", KEPT_MS);
    if (line != NULL && (log_topic_ensure(log, &topic, &error) != OK || log_write(log, AUDIT_TOPIC, 0, &record, 1, &offset, &error) != OK))
        LOG_WARNING("a change could not be written to topic %s: %s", AUDIT_TOPIC, error.message);
    properties_finish(&config);
    free(line);
    json_decref(change);
}
