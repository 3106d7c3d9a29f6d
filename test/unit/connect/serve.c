/* test/unit/connect/serve.c: connect alone, over a log and a capture in memory, for trying requests by hand: serve PORT */
#include "connect/connect.h"

#include "fake_capture.h"
#include "fake_log.h"

#include <signal.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    struct log *log = fake_log_create();
    struct properties values;
    struct connect_settings settings = {.values = &values, .cluster_id = "4L6g3nShT-eMCtK--X86sw"};
    struct connect *connect;
    struct error error;
    char listener[64];
    sigset_t signals;
    int signal_number;

    (void)snprintf(listener, sizeof(listener), "127.0.0.1:%s", count > 1 ? arguments[1] : "8083");
    settings.listener = listener;
    properties_init(&values);
    properties_set(&values, "offset.flush.interval.ms", "1000");
    for (int i = 2; i < count; i++)
        (void)properties_set_assignment(&values, arguments[i], &error);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    fake_capture_stream_at_once(true);
    if (connect_start(&settings, log, &connect, &error) != OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    (void)printf("%s\n", connect_listener(connect));
    (void)fflush(stdout);
    sigwait(&signals, &signal_number);
    connect_stop(connect);
    properties_finish(&values);
    fake_log_destroy(log);
    return 0;
}
