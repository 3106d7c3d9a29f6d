#include "cli/session.h"

#include "base/banned.h"
#include "base/memory.h"
#include "cli/secrets.h"
#include "os/command.h"
#include "os/terminal.h"

#define SHOWN_BYTES_MAX ((size_t)256 << 20)

const char *session_operand(const struct session *session, size_t index)
{
    return index < session->operand_count ? session->operands[index] : NULL;
}

enum status session_ask(struct session *session, const char *method, const char *below, const json_t *body, json_t **answer, struct error *error)
{
    struct buffer name, path;
    enum status status;

    client_path(&name, "/%s", session->operands[0]);
    buffer_init(&path, name.size + strlen(session->collection) + strlen(below) + 1);
    buffer_append_format(&path, "%s%s%s", session->collection, (const char *)name.data, below);
    buffer_append_u8(&path, '\0');
    status = client_ask(session->client, method, (const char *)path.data, body, answer, error);
    buffer_finish(&path);
    buffer_finish(&name);
    return status;
}

bool session_printed_json(struct session *session, json_t *answer)
{
    if (!session->json)
        return false;
    secrets_mask_json(answer);
    (void)client_print_json(answer);
    return true;
}

static enum status handle(struct session *session, const struct session_handler *handlers, const char *verb, struct error *error)
{
    while (strcmp(handlers->verb, verb) != 0)
        handlers++;
    return handlers->handle(session, error);
}

int session_run(struct session *session, enum client_api api, const struct options *options, const struct session_handler *handlers, int argc, char **argv)
{
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    enum status status;
    struct buffer shown;
    struct error error;
    size_t count = 0;
    int code = command_options(options, argc, argv, operands, &count);

    if (code < 0) {
        buffer_init(&shown, SHOWN_BYTES_MAX);
        session->page = terminal_page(&shown);
        session->operands = operands + 1;
        session->operand_count = count - 1;
        status = client_open(api, session->data_dir, session->url, &session->client, &error);
        if (status == OK)
            status = handle(session, handlers, operands[0], &error);
        code = command_print(buffer_slice(&shown));
        if (status != OK)
            code = command_fail(&error);
        else if (code == 0 && session->is_trouble)
            code = 1;
        client_close(session->client);
        buffer_finish(&shown);
    }
    memory_free(operands);
    return code;
}
