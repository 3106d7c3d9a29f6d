/* status_command.c: `tailrace status`: once, or again and again until Ctrl-C. */
#include "server/commands.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/command.h"
#include "os/stop.h"
#include "os/terminal.h"
#include "server/data_directory.h"
#include "server/status_screen.h"

#include <signal.h>

#define ANSWER_BYTES_MAX (256 << 20)

enum { FINE = 0, NOT_RUNNING = 3 };

struct watch {
    const char *data_dir;
    bool json, is_watched;
    int64_t every_s;
    bool redraws; /* on a terminal: the same screen again */
};

static struct stop stopped;

static void on_signal(int number)
{
    (void)number;
    stop_ask(&stopped);
}

/* ---- One look ---- */

/* The screen's first lines, as many as fit. */
static struct slice lines_that_fit(struct slice text)
{
    int rows, columns;

    terminal_size(1, &rows, &columns);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n' && --rows <= 1)
            return slice_of(text.data, i);
    }
    return text;
}

/* Draws over what was there: each line cleared to its end, and all below it. */
static int redraw(struct slice text)
{
    struct slice fits = lines_that_fit(text);
    struct buffer drawn;
    int code;

    buffer_init(&drawn, ANSWER_BYTES_MAX);
    buffer_append_string(&drawn, "\033[H");
    for (size_t i = 0; i < fits.size; i++) {
        if (fits.data[i] == '\n')
            buffer_append_string(&drawn, "\033[K");
        buffer_append_u8(&drawn, fits.data[i]);
    }
    buffer_append_string(&drawn, "\033[K\033[J");
    code = command_print(buffer_slice(&drawn));
    buffer_finish(&drawn);
    return code;
}

static int show(const struct watch *watch, struct slice text)
{
    return watch->redraws ? redraw(text) : command_print(text);
}

/* 1 when something is wrong, so that scripts see it. */
static int answer_show(const struct watch *watch, struct slice answer)
{
    json_t *description = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    struct buffer text;
    struct page page = terminal_page(&text);
    char *line;
    int code;

    buffer_init(&text, ANSWER_BYTES_MAX);
    if (watch->json && watch->is_watched) { /* one line each */
        line = json_dumps(description, JSON_COMPACT | JSON_REAL_PRECISION(15));
        buffer_append_string(&text, line == NULL ? "{}" : line);
        buffer_append_u8(&text, '\n');
        free(line);
    } else if (watch->json) {
        buffer_append_slice(&text, answer);
    } else {
        status_screen_render(description, clock_now_ms(), &page);
        if (watch->is_watched && !watch->redraws)
            buffer_append_u8(&text, '\n');
    }
    code = show(watch, buffer_slice(&text));
    if (code == 0 && !json_is_true(json_object_get(description, "healthy")))
        code = 1;
    buffer_finish(&text);
    json_decref(description);
    return code;
}

/* What --json says when nothing runs, so that whoever reads it need not read stderr too. */
static void nothing_runs_json(const struct error *error)
{
    json_t *object = json_pack("{s:b, s:s}", "running", 0, "error", error->message);
    char *text = json_dumps(object, JSON_COMPACT);

    (void)printf("%s\n", text);
    (void)fflush(stdout);
    free(text);
    json_decref(object);
}

static int failure_show(const struct watch *watch, const struct error *error)
{
    char text[sizeof(error->message) + 32];

    if (watch->json)
        nothing_runs_json(error);
    if (watch->redraws) {
        (void)snprintf(text, sizeof(text), "%s\nWaiting for it.\n", error->message);
        (void)redraw(slice_from_string(text));
    } else if (!watch->json || !watch->is_watched) {
        (void)command_fail(error);
    }
    return error->status == ERROR_NOT_FOUND ? NOT_RUNNING : status_exit_code(error->status);
}

static int look(const struct watch *watch)
{
    struct buffer answer;
    struct error error;
    int code;

    buffer_init(&answer, ANSWER_BYTES_MAX);
    if (data_directory_ask(watch->data_dir, "status", &answer, &error) == OK)
        code = answer_show(watch, buffer_slice(&answer));
    else
        code = failure_show(watch, &error);
    buffer_finish(&answer);
    return code;
}

/* ---- Again and again ---- */

static int watch_run(struct watch *watch)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}; /* a second one ends at once */
    int64_t next_ms = clock_monotonic_ms(), left_ms;

    stop_init(&stopped);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (watch->redraws) /* clear, no line breaks of its own, no cursor */
        (void)printf("\033[2J\033[?7l\033[?25l");
    do {
        (void)look(watch);
        next_ms += watch->every_s * MS_PER_SECOND;
        left_ms = next_ms - clock_monotonic_ms();
    } while (ferror(stdout) == 0 && !stop_wait(&stopped, left_ms < 0 ? 0 : left_ms));
    if (watch->redraws)
        (void)printf("\033[?7h\033[?25h\n");
    return fflush(stdout) == 0 ? FINE : 1;
}

int status_main(int argc, char **argv)
{
    static struct watch watch = {.data_dir = "./tailrace-data", .every_s = 2};
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &watch.data_dir, "DIR", "Where it runs (default ./tailrace-data)", 0, 0},
        {"watch", OPTION_FLAG, &watch.is_watched, NULL, "Again and again until Ctrl-C: on a terminal the same screen, otherwise one behind the other", 0, 0},
        {"every", OPTION_NUMBER, &watch.every_s, "SECONDS", "Time between two looks with --watch (default 2)", 1, 86400},
        {"json", OPTION_FLAG, &watch.json, NULL, "As JSON, with all numbers; passwords masked. With --watch one line each", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace status",
        .summary = "Shows what runs on a data directory, and how it does: problems with cause and remedy, services, connectors, slots, topics, groups, agents.",
        .rows = rows,
        .examples = "tailrace status --watch\ntailrace status --json | jq .problems",
        .description = "Exit code 0: everything runs; 1: something needs you now, or it is still starting; 2: wrong usage; 3: nothing runs there. "
                       "With --watch it is 0 after Ctrl-C.",
    };
    size_t operand_count;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    watch.redraws = watch.is_watched && !watch.json && terminal_is(1);
    return watch.is_watched ? watch_run(&watch) : look(&watch);
}
