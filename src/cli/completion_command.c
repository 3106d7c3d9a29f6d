/*
 * completion_command.c: `tailrace completion`, the scripts that let a shell complete words, and --names, which they ask for topics,
 * groups and connectors. The scripts know no option: they ask the program with --complete, so they never fall behind it.
 */
#include "cli/commands.h"

#include "base/banned.h"
#include "cli/client.h"
#include "os/command.h"
#include "server/data_directory.h"
#include "server/settings.h"
#include "tools/names.h"
#include "tools/tools.h"

#include <unistd.h>

#define TEXT_BYTES_MAX ((size_t)64 << 20)
#define PATIENCE_S 3 /* whoever presses Tab waits no longer */

/* ---- Scripts ---- */

/* %s: all names of the program, with blanks between. Words are cut at blanks only: bash itself would also cut at : and =. */
static const char bash_script[] =
    "# bash completion of tailrace and Kafka's tools, made by \"tailrace completion bash\".\n"
    "_tailrace() {\n"
    "    local word meaning current before line=${COMP_LINE:0:COMP_POINT}\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
    "    current=${words[${#words[@]}-1]}\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r word meaning; do\n"
    "        case $word in\n"
    "            :FILE) compopt -o filenames 2>/dev/null; while read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -f -- \"$current\") ;;\n"
    "            :DIR) compopt -o filenames 2>/dev/null; while read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -d -- \"$current\") ;;\n"
    "            :*) while IFS=$'\\t' read -r word meaning; do COMPREPLY+=(\"$word\"); done < <(\"$1\" --names \"${word#:}\" \"${words[@]:1}\" 2>/dev/null) ;;\n"
    "            ?*) COMPREPLY+=(\"$word\") ;;\n"
    "        esac\n"
    "    done < <(\"$1\" --complete \"${words[@]:1}\" 2>/dev/null)\n"
    "    before=${current%%\"${COMP_WORDS[COMP_CWORD]}\"}\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
    "}\n"
    "complete -F _tailrace%s\n";

static const char zsh_script[] =
    "#compdef%s\n"
    "# zsh completion of tailrace and Kafka's tools, made by \"tailrace completion zsh\".\n"
    "_tailrace() {\n"
    "    local line word\n"
    "    local -a found names\n"
    "    for line in \"${(@f)$(\"${words[1]}\" --complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        word=${line%%%%$'\\t'*}\n"
    "        case $word in\n"
    "            :FILE) _files; return ;;\n"
    "            :DIR) _files -/; return ;;\n"
    "            :*) for line in \"${(@f)$(\"${words[1]}\" --names \"${word#:}\" \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "                    names+=(\"${line%%%%$'\\t'*}\")\n"
    "                done\n"
    "                compadd -a names; return ;;\n"
    "            ?*) found+=(\"${word//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    (( $#found )) && _describe tailrace found\n"
    "}\n"
    "if [[ $funcstack[1] == _tailrace ]]; then _tailrace \"$@\"; else compdef _tailrace%s; fi\n";

static const char fish_script[] =
    "# fish completion of tailrace and Kafka's tools, made by \"tailrace completion fish\".\n"
    "function __tailrace_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l program $words[1]\n"
    "    set -l current (commandline -ct)\n"
    "    set -e words[1]\n"
    "    for line in ($program --complete $words \"$current\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':FILE'\n"
    "                __fish_complete_path \"$current\"\n"
    "            case ':DIR'\n"
    "                __fish_complete_directories \"$current\"\n"
    "            case ':*'\n"
    "                $program --names (string sub -s 2 -- $line) $words \"$current\" 2>/dev/null\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "for name in%s\n"
    "    complete -c $name -f -a '(__tailrace_complete)'\n"
    "end\n";

static const struct {
    const char *shell, *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

static void script_append(struct buffer *out, const char *script)
{
    struct buffer names;
    const char *at;

    buffer_init(&names, 65536);
    buffer_append_string(&names, " tailrace");
    for (const struct command *tool = tools_table; tool->name != NULL; tool++)
        buffer_append_format(&names, " %s %s.sh", tool->name, tool->name);
    for (at = script; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's')
            buffer_append_slice(out, buffer_slice(&names));
        else
            buffer_append_u8(out, (uint8_t)*at);
        at += at[0] == '%'; /* %% is % */
    }
    buffer_finish(&names);
}

static const struct options options = {
    .command = "tailrace completion",
    .operands = "bash|zsh|fish",
    .summary = "Prints the script that lets a shell complete commands, options, and the names of topics, groups and connectors.",
    .rows = (const struct option_row[]){{NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0}},
    .operands_max = 1,
    .examples = "source <(tailrace completion bash)\n"
                "tailrace completion zsh > ~/.zfunc/_tailrace\n"
                "tailrace completion fish > ~/.config/fish/completions/tailrace.fish",
    .description = "Installed packages have these files already.",
};

int completion_main(int argc, char **argv)
{
    const char *operands[2];
    struct error error;
    struct buffer text;
    size_t count = 0;
    int code = command_options(&options, argc, argv, operands, &count);

    if (code >= 0)
        return code;
    for (size_t i = 0; count == 1 && i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(scripts[i].shell, operands[0]) != 0)
            continue;
        buffer_init(&text, TEXT_BYTES_MAX);
        script_append(&text, scripts[i].script);
        code = command_print(buffer_slice(&text));
        buffer_finish(&text);
        return code;
    }
    (void)error_set(&error, ERROR_USAGE, "tailrace completion: which shell? It has to be bash, zsh or fish");
    return command_fail(&error);
}

/* ---- Names ---- */

/* The value of an option among the words; NULL when it is not there. */
static const char *option_among(int count, char **words, const char *option)
{
    for (int i = 0; i + 2 < count; i++) {
        if (strcmp(words[i], option) == 0)
            return words[i + 1];
    }
    return NULL;
}

/* What the program on that directory has; false: none runs there. */
static bool described_offer(const char *data_dir, const char *list, const char *member, const char *typed, struct buffer *out)
{
    json_t *description = NULL, *item;
    struct buffer answer;
    struct error error;
    size_t index;
    bool runs;

    buffer_init(&answer, TEXT_BYTES_MAX);
    runs = data_directory_ask(data_dir, "status", &answer, &error) == OK;
    if (runs)
        description = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    json_array_foreach(json_object_get(description, list), index, item) {
        if (!json_is_true(json_object_get(item, "internal")) || *typed == '_')
            completion_offer(json_text(item, member), json_text(item, "state"), typed, out);
    }
    json_decref(description);
    buffer_finish(&answer);
    return runs;
}

static void connectors_offer(const char *rest, const char *typed, struct buffer *out)
{
    struct client *client = NULL;
    json_t *names = NULL, *name;
    struct error error;
    size_t index;

    if (client_open(CLIENT_REST, NULL, rest, &client, &error) == OK && client_ask(client, "GET", "/connectors", NULL, &names, &error) == OK) {
        json_array_foreach(names, index, name) completion_offer(json_string_value(name), NULL, typed, out);
    }
    json_decref(names);
    client_close(client);
}

/* "log.segment.bytes=" for each setting of `tailrace up`. */
static void settings_offer(const char *typed, struct buffer *out)
{
    struct settings_source source = {NULL, NULL, 0};
    struct settings settings;
    struct buffer text;
    struct error error;
    json_t *rows = NULL, *row;
    char word[200];
    size_t index;

    if (settings_load(&settings, &source, &error) == OK) {
        buffer_init(&text, TEXT_BYTES_MAX);
        settings_print_json(&settings, &text);
        rows = json_loadb((const char *)text.data, text.size, 0, NULL);
        buffer_finish(&text);
    }
    json_array_foreach(rows, index, row) {
        (void)snprintf(word, sizeof(word), "%s=", json_text(row, "key"));
        completion_offer(word, json_text(row, "help"), typed, out);
    }
    json_decref(rows);
    settings_finish(&settings);
}

/* argv: --names KIND WORD…, the last word being the one that is typed. */
int names_main(int argc, char **argv)
{
    static const struct {
        const char *kind, *list, *member;
    } lists[] = {{"TOPIC", "topics", "name"}, {"GROUP", "groups", "group"}, {"CONNECTOR", "connectors", "name"}, {"AGENT", "agents", "name"}};
    const char *kind = argc > 1 ? argv[1] : "", *typed = argc > 2 ? argv[argc - 1] : "";
    const char *bootstrap = option_among(argc, argv, "--bootstrap-server"), *rest = option_among(argc, argv, "--rest");
    const char *data_dir = option_among(argc, argv, "--data-dir");
    struct buffer out;
    int code;

    (void)alarm(PATIENCE_S);
    buffer_init(&out, TEXT_BYTES_MAX);
    if (strcmp(kind, "KEY=VALUE") == 0 && argc > 2 && (strcmp(argv[2], "up") == 0 || strcmp(argv[2], "settings") == 0))
        settings_offer(typed, &out);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(lists[i].kind, kind) != 0)
            continue;
        if (bootstrap == NULL && rest == NULL && described_offer(data_dir == NULL ? "./tailrace-data" : data_dir, lists[i].list, lists[i].member, typed, &out))
            break;
        if (strcmp(kind, "CONNECTOR") == 0)
            connectors_offer(rest, typed, &out);
        else if (strcmp(kind, "AGENT") != 0)
            names_offer(bootstrap == NULL ? "localhost:9092" : bootstrap, strcmp(kind, "GROUP") == 0, typed, &out);
    }
    code = command_print(buffer_slice(&out));
    buffer_finish(&out);
    return code;
}
