/* trace_command.c: `tailrace trace`: one row's way, from its commit to everything that came of it. */
#include "cli/commands.h"

#include "base/banned.h"
#include "base/memory.h"
#include "cli/client.h"
#include "cli/trace_screen.h"
#include "os/command.h"
#include "os/terminal.h"

#define SHOWN_BYTES_MAX ((size_t)64 << 20)
#define BUDGET_S_MAX 60

int trace_main(int argc, char **argv)
{
    static const char *data_dir, *console;
    static int64_t budget_s;
    static bool json;
    static const struct option_row rows[] = {
        {"json", OPTION_FLAG, &json, NULL, "As JSON, with the time of each step in microseconds since 1970", 0, 0, NULL},
        {"budget", OPTION_NUMBER, &budget_s, "SECONDS", "How long the log may be looked through (default 2)", 1, BUDGET_S_MAX, NULL},
        {"data-dir", OPTION_TEXT, &data_dir, "DIR", "Where the program runs (default ./tailrace-data)", 0, 0, NULL},
        {"console", OPTION_TEXT, &console, "URL", "Ask the console at this address instead; TAILRACE_TOKEN holds the token where it needs one", 0, 0, NULL},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0, NULL},
    };
    static const struct options options = {
        .command = "tailrace trace",
        .operands = "TABLE KEY | LSN | xid:N | TOPIC:PARTITION:OFFSET | ALERT-ID",
        .summary = "Shows one row's way: when it was committed, received, durable, read by each reader, scored, alerted, delivered, and where it waits.",
        .rows = rows,
        .operands_max = 2,
        .examples = "tailrace trace public.transactions 42\ntailrace trace orders 'id=42'\ntailrace trace 2A/91F3C0E8\ntailrace trace xid:91204417\n"
                    "tailrace trace dbserver1.public.transactions:2:32100611 --json",
        .description = "A key is the value of a key of one column, column=value, or the key as JSON. Exit code 0: the row is in the log; 1: it is not, and it is said where it waits, or nobody could "
                       "be asked; 2: wrong usage.",
    };
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    struct client *client = NULL;
    struct buffer path = {0}, shown;
    json_t *answer = NULL;
    struct error error;
    size_t count = 0;
    bool found = false;
    enum status status;
    int code = command_options(&options, argc, argv, operands, &count);

    if (code >= 0) {
        memory_free(operands);
        return code;
    }
    status = trace_question(operands, count, budget_s, &path, &error);
    if (status == OK)
        status = client_open(CLIENT_CONSOLE, data_dir, console, &client, &error);
    if (status == OK)
        status = client_ask(client, "GET", (const char *)path.data, NULL, &answer, &error);
    if (status == OK && json) {
        found = json_array_size(json_object_get(answer, "changes")) > 0;
        code = client_print_json(answer);
    } else if (status == OK) {
        struct page page = terminal_page(&shown);

        buffer_init(&shown, SHOWN_BYTES_MAX);
        found = trace_screen_render(answer, &page);
        code = command_print(buffer_slice(&shown));
        buffer_finish(&shown);
    }
    json_decref(answer);
    client_close(client);
    buffer_finish(&path);
    memory_free(operands);
    return status != OK ? command_fail(&error) : code != 0 ? code : found ? 0 : 1;
}
