#include "capture/notify.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"

#define LOG_SUBSYSTEM "capture"
#define DATA_MAX 6

enum status notify(struct task *task, const struct notice *notice, struct error *error)
{
    const char *pairs[DATA_MAX + 1][2] = {{"connector_name", task->config->prefix}};
    const char *const(*data)[2] = (const char *const(*)[2])pairs;
    const char *topic = properties_get(&task->settings->values, "notification.sink.topic.name");
    struct debezium_notification notification = {
        .topic = topic, .id = notice->id, .type = notice->type, .aggregate_type = notice->aggregate, .data = data};
    struct debezium_output output;
    struct uuid uuid = random_uuid();
    char random[UUID_HEX_SIZE];
    enum status status;

    if (capture_settings_lists(task->settings, "notification.enabled.channels", "", "log"))
        LOG_INFO("%s: %s %s connector=%s", notice->aggregate, notice->type, notice->id == NULL ? "" : notice->id,
                 task->settings->connector);
    if (topic == NULL || !capture_settings_lists(task->settings, "notification.enabled.channels", "", "sink"))
        return OK;
    uuid_to_hex(&uuid, random);
    if (notice->id == NULL)
        notification.id = random;
    notification.count = 1;
    for (size_t i = 0; i < DATA_MAX && notice->data[i][0] != NULL; i++) {
        pairs[notification.count][0] = notice->data[i][0];
        pairs[notification.count++][1] = notice->data[i][1];
    }
    notification.now_ms = clock_now_ms();
    status = debezium_encode_notification(task->encoder, &notification, &output, error);
    return status == OK ? output_add(task->output, &output, notification.now_ms, error) : status;
}
