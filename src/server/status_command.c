/* status_command.c: `tailrace status`. */
#include "server/commands.h"

#include "base/banned.h"
#include "os/clock.h"
#include "server/command.h"
#include "server/data_directory.h"
#include "server/status_screen.h"

#define ANSWER_BYTES_MAX (256 << 20)

/* 1 when something is wrong, so that scripts see it. */
static int screen_print(struct slice answer)
{
    json_t *description = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    struct buffer text;
    int code;

    buffer_init(&text, ANSWER_BYTES_MAX);
    status_screen_render(description, clock_now_ms(), &text);
    code = command_print(buffer_slice(&text));
    if (code == 0 && !json_is_true(json_object_get(description, "healthy")))
        code = 1;
    buffer_finish(&text);
    json_decref(description);
    return code;
}

int status_main(int argc, char **argv)
{
    static const char *data_dir = "./tailrace-data";
    static bool json;
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &data_dir, "DIR", "Where it runs (default ./tailrace-data)", 0, 0},
        {"json", OPTION_FLAG, &json, NULL, "As JSON, with all numbers; passwords masked", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        "tailrace status", NULL, "Shows what runs on a data directory, and how it does; exit code 1 when something is wrong.", rows, 0};
    struct buffer answer;
    struct error error;
    size_t operand_count;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    buffer_init(&answer, ANSWER_BYTES_MAX);
    if (data_directory_ask(data_dir, "status", &answer, &error) != OK)
        code = command_fail(&error);
    else
        code = json ? command_print(buffer_slice(&answer)) : screen_print(buffer_slice(&answer));
    buffer_finish(&answer);
    return code;
}
