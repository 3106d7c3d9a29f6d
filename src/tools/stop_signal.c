#include "tools/stop_signal.h"

#include "base/banned.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A signal handler has nothing else to work with than what is global. */
static volatile sig_atomic_t caught_number;
static int wake_pipe[2] = {-1, -1};

static void handler(int number)
{
    int saved = errno;

    caught_number = number;
    if (wake_pipe[1] >= 0)
        (void)!write(wake_pipe[1], "", 1);
    errno = saved;
}

int stop_signal_catch(void)
{
    struct sigaction action = {.sa_handler = handler};

    if (wake_pipe[0] < 0 && pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        wake_pipe[0] = wake_pipe[1] = -1;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return wake_pipe[0];
}

int stop_signal_number(void)
{
    return caught_number;
}
