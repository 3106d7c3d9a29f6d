#include "server/doctor_remedy.h"

#include "base/banned.h"
#include "base/text.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_BYTES_MAX (1 << 20)

static void word_append(struct buffer *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";

    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        buffer_append_string(out, text);
        return;
    }
    buffer_append_u8(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_append_string(out, "'\\''");
        else
            buffer_append_u8(out, (uint8_t)*text);
    }
    buffer_append_u8(out, '\'');
}

const char *shell_word(struct arena *arena, const char *text)
{
    struct buffer out;
    const char *word;

    buffer_init(&out, COMMAND_BYTES_MAX);
    word_append(&out, text);
    word = arena_copy_string(arena, buffer_slice(&out));
    buffer_finish(&out);
    return word;
}

/* ---- psql ---- */

/* A value of libpq's key=value pairs. */
static const char *pair(struct arena *arena, const char *key, const char *value)
{
    struct buffer out;
    const char *text;
    bool is_plain = *value != '\0' && value[strcspn(value, " '\\")] == '\0';

    buffer_init(&out, COMMAND_BYTES_MAX);
    buffer_append_format(&out, is_plain ? "%s=" : "%s='", key);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            buffer_append_u8(&out, '\\');
        buffer_append_u8(&out, (uint8_t)*at);
    }
    buffer_append_string(&out, is_plain ? "" : "'");
    text = arena_copy_string(arena, buffer_slice(&out));
    buffer_finish(&out);
    return text;
}

static void psql_append(struct buffer *out, const struct preflight_server *server, const char *private_data_dir, struct arena *arena)
{
    const char *role = server->is_superuser || server->superuser == NULL ? server->role : server->superuser;

    if (private_data_dir != NULL) {
        buffer_append_string(out, "tailrace psql --data-dir ");
        word_append(out, private_data_dir);
        buffer_append_u8(out, ' ');
        word_append(out, server->database);
        return;
    }
    buffer_append_string(out, "psql ");
    word_append(out, arena_format(arena, "%s %s %s %s", pair(arena, "host", server->host), pair(arena, "port", server->port), pair(arena, "user", role), pair(arena, "dbname", server->database)));
}

/* ---- Restart ---- */

/* "/etc/postgresql/15/main/postgresql.conf" to "15 main": Debian keeps clusters so. */
static const char *debian_cluster(const struct preflight_server *server, struct arena *arena)
{
    static const char place[] = "/etc/postgresql/";
    struct slice rest, version, name;

    if (server->config_file == NULL || strncmp(server->config_file, place, strlen(place)) != 0)
        return NULL;
    rest = slice_from_string(server->config_file + strlen(place));
    if (!text_next_field(&rest, '/', &version) || !text_next_field(&rest, '/', &name) || rest.size == 0)
        return NULL;
    return arena_format(arena, "%.*s %.*s", (int)version.size, (const char *)version.data, (int)name.size, (const char *)name.data);
}

static void restart_append(struct buffer *out, const struct preflight_server *server, struct arena *arena)
{
    const char *cluster = debian_cluster(server, arena), *sudo = geteuid() == 0 ? "" : "sudo ";
    const struct passwd *owner = NULL;
    struct stat found;

    if (cluster != NULL) {
        buffer_append_format(out, "%spg_ctlcluster %s restart", sudo, cluster);
        return;
    }
    if (server->data_directory == NULL || server->bin_directory == NULL || stat(server->data_directory, &found) != 0) {
        buffer_append_format(out, "%ssystemctl restart postgresql", sudo);
        return;
    }
    if (found.st_uid != geteuid())
        owner = getpwuid(found.st_uid);
    if (owner != NULL)
        buffer_append_format(out, geteuid() == 0 ? "runuser -u %s -- " : "sudo -u %s ", owner->pw_name);
    word_append(out, arena_format(arena, "%s/pg_ctl", server->bin_directory));
    buffer_append_string(out, " -w -m fast -D ");
    word_append(out, server->data_directory);
    buffer_append_string(out, " -l ");
    word_append(out, arena_format(arena, "%s/restart.log", server->data_directory));
    buffer_append_string(out, " restart");
}

/* ---- The whole ---- */

static const char *command_of(const struct finding *finding, const struct preflight_server *server, const char *private_data_dir, struct arena *arena)
{
    struct slice rest = slice_from_string(finding->sql), line;
    bool restarts = false;
    const char *command;
    struct buffer out;

    buffer_init(&out, COMMAND_BYTES_MAX);
    psql_append(&out, server, private_data_dir, arena);
    while (text_next_field(&rest, '\n', &line)) {
        const char *statement = arena_copy_string(arena, line);

        if (strncmp(statement, "--", 2) == 0) {
            restarts = restarts || strstr(statement, "restart PostgreSQL") != NULL;
            continue;
        }
        buffer_append_string(&out, " -c ");
        word_append(&out, statement);
    }
    if (restarts && private_data_dir == NULL) {
        buffer_append_string(&out, " && ");
        restart_append(&out, server, arena);
    } else if (restarts) {
        buffer_append_string(&out, " && tailrace down --data-dir ");
        word_append(&out, private_data_dir);
        buffer_append_string(&out, " && tailrace up --with-postgres --detach --data-dir ");
        word_append(&out, private_data_dir);
    }
    command = out.failed ? NULL : arena_copy_string(arena, buffer_slice(&out));
    buffer_finish(&out);
    return command;
}

void remedy_commands_add(struct findings *findings, const struct preflight_server *server, const char *private_data_dir)
{
    struct buffer out;

    for (size_t i = 0; i < findings->count && server->is_connected; i++) {
        struct finding *finding = findings->items[i];

        if (finding->sql != NULL && finding->command == NULL)
            finding->command = command_of(finding, server, private_data_dir, findings->arena);
        if (finding->code != FINDING_wal_level || finding->sql != NULL || finding->state != FINDING_IS_ERROR)
            continue;
        buffer_init(&out, COMMAND_BYTES_MAX); /* it is set, and wants a restart only */
        restart_append(&out, server, findings->arena);
        finding->command = arena_copy_string(findings->arena, buffer_slice(&out));
        buffer_finish(&out);
    }
}
