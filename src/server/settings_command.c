#include "server/commands.h"

#include "base/banned.h"
#include "server/command.h"
#include "server/settings.h"

#define SETTINGS_BYTES_MAX (4 << 20)

int settings_manual_main(void)
{
    struct buffer page;
    int code;

    buffer_init(&page, SETTINGS_BYTES_MAX);
    settings_manual(&page);
    code = command_print(buffer_slice(&page));
    buffer_finish(&page);
    return code;
}

int settings_main(int argc, char **argv)
{
    static const char *config;
    static bool json;
    static struct option_list assignments;
    static const struct option_row rows[] = {
        {"config", OPTION_TEXT, &config, "FILE", "Show the values that are in effect with this properties file", 0, 0},
        {"set", OPTION_LIST, &assignments, "KEY=VALUE", "… and with this setting", 0, 0},
        {"json", OPTION_FLAG, &json, NULL, "As JSON, passwords masked", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace settings",
        .summary = "Prints every setting with its meaning, range and value, as a properties file that tailrace up --config reads.",
        .rows = rows,
        .examples = "tailrace settings > tailrace.properties\ntailrace settings --set log.segment.bytes=67108864 --json",
        .description = "Names are those of Kafka and Kafka Connect where they have the setting.",
    };
    size_t operand_count;
    struct settings_source source = {0};
    struct settings settings;
    struct buffer out;
    struct error error;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    source = (struct settings_source){config, assignments.items, assignments.count};
    if (settings_load(&settings, &source, &error) != OK)
        return command_fail(&error);
    buffer_init(&out, SETTINGS_BYTES_MAX);
    if (json)
        settings_print_json(&settings, &out);
    else
        settings_print(&settings, &out);
    code = command_print(buffer_slice(&out));
    buffer_finish(&out);
    settings_finish(&settings);
    return code;
}
