/* preflight_look.c: what PostgreSQL says of itself, of its slots and of a publication. */
#include "connect/preflight_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "capture/slot.h"
#include "os/clock.h"

#include <sys/statvfs.h>

#define APPLICATION "tailrace preflight"
#define MB (INT64_C(1) << 20)

/* ---- Connecting ---- */

static int64_t time_left_ms(const struct look *look)
{
    int64_t left = look->deadline_ms - clock_monotonic_ms();

    return left < 1 ? 1 : left;
}

static enum status open_connection(const struct preflight_request *request, enum connection_kind kind, int64_t timeout_ms, struct pg_connection **opened,
                                   struct error *error)
{
    if (request->conninfo != NULL)
        return pg_connection_open_conninfo(request->conninfo, kind, APPLICATION, timeout_ms, opened, error);
    return pg_connection_open_config(request->config, request->aliases, kind, APPLICATION, timeout_ms, request->stop_fd > 0 ? request->stop_fd : -1, opened, error);
}

enum status preflight_connect(const struct preflight_request *request, struct pg_connection **opened, struct error *error)
{
    return open_connection(request, CONNECTION_SQL, PREFLIGHT_PATIENCE_MS, opened, error);
}

/* ---- Asking ---- */

PGresult *look_query(struct look *look, const char *sql, int count, const char *const *values, struct error *error)
{
    PGresult *result = NULL;
    struct error ignored;

    look->sql->query_timeout_ms = time_left_ms(look);
    if (pg_connection_run_with(look->sql, sql, count, values, &result, error == NULL ? &ignored : error) != OK)
        return NULL;
    return result;
}

const char *look_text(struct look *look, const PGresult *result, int row, int column)
{
    return arena_copy_string(look->arena, slice_from_string(PQgetvalue(result, row, column)));
}

static bool field_true(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static const char server_sql[] =
    "SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('wal_level'),"
    " current_setting('max_replication_slots')::bigint, (SELECT count(*) FROM pg_replication_slots),"
    " current_setting('max_wal_senders')::bigint, (SELECT count(*) FROM pg_stat_replication),"
    " coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), -2),"
    " current_user, current_database(), r.rolsuper, r.rolreplication, has_database_privilege(current_database(), 'CREATE'),"
    " EXISTS (SELECT FROM pg_roles m WHERE m.rolname = 'rds_replication' AND pg_has_role(current_user, m.oid, 'MEMBER'))"
    ", (SELECT s.rolname FROM pg_roles s WHERE s.rolsuper AND s.rolcanlogin ORDER BY s.oid LIMIT 1)"
    " FROM pg_roles r WHERE r.rolname = current_user";

static bool server_read(struct look *look)
{
    struct preflight_server *server = &look->facts->server;
    PGresult *result = look_query(look, server_sql, 0, NULL, &server->failure);
    int64_t limit_mb;

    if (result == NULL || PQntuples(result) != 1) {
        PQclear(result);
        return false;
    }
    server->version = look_text(look, result, 0, 0);
    server->version_number = look->sql->version;
    server->is_standby = field_true(result, 0, 1);
    server->wal_level = look_text(look, result, 0, 2);
    server->slots_max = pg_result_number(result, 0, 3, -1);
    server->slots_used = pg_result_number(result, 0, 4, -1);
    server->senders_max = pg_result_number(result, 0, 5, -1);
    server->senders_used = pg_result_number(result, 0, 6, -1);
    limit_mb = pg_result_number(result, 0, 7, -2);
    server->wal_limit_bytes = limit_mb < 0 ? limit_mb : limit_mb * MB;
    server->role = look_text(look, result, 0, 8);
    server->database = look_text(look, result, 0, 9);
    server->is_superuser = field_true(result, 0, 10);
    server->may_replicate = field_true(result, 0, 11);
    server->may_create = field_true(result, 0, 12);
    server->has_rds_role = field_true(result, 0, 13);
    server->superuser = PQgetisnull(result, 0, 14) ? NULL : look_text(look, result, 0, 14);
    server->host = arena_copy_string(look->arena, slice_from_string(PQhost(look->sql->pg)));
    server->port = arena_copy_string(look->arena, slice_from_string(PQport(look->sql->pg)));
    PQclear(result);
    return true;
}

/* What a restart would bring; only superusers may look into the files. */
static void wal_level_in_file_read(struct look *look)
{
    PGresult *result;

    if (strcmp(look->facts->server.wal_level, "logical") == 0)
        return;
    result = look_query(look, "SELECT setting FROM pg_file_settings WHERE name = 'wal_level' ORDER BY seqno DESC LIMIT 1", 0, NULL, NULL);
    if (result != NULL && PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), look->facts->server.wal_level) != 0)
        look->facts->server.wal_level_in_file = look_text(look, result, 0, 0);
    PQclear(result);
}

static void slots_read(struct look *look)
{
    struct preflight_server *server = &look->facts->server;
    const char *sql = arena_format(look->arena,
                                   "SELECT s.slot_name, coalesce(s.plugin, ''), coalesce(s.database, ''), s.slot_type = 'logical', coalesce(s.database = current_database(), false), s.active,"
                                   " s.active_pid, coalesce(a.application_name, ''), pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE"
                                   " pg_current_wal_lsn() END, s.restart_lsn)::bigint, %s, s.restart_lsn, s.confirmed_flush_lsn FROM pg_replication_slots s LEFT JOIN pg_stat_replication a ON a.pid = s.active_pid ORDER BY 1",
                                   look->sql->version >= 130000 ? "coalesce(s.wal_status, ''), s.safe_wal_size" : "'', NULL");
    PGresult *result = look_query(look, sql, 0, NULL, NULL);

    server->slot_count = result == NULL ? 0 : (size_t)PQntuples(result);
    server->slots = arena_new_array(look->arena, server->slot_count + 1, sizeof(*server->slots));
    for (int row = 0; row < (int)server->slot_count; row++)
        server->slots[row] = (struct preflight_slot){
            .name = look_text(look, result, row, 0),
            .plugin = look_text(look, result, row, 1),
            .database = look_text(look, result, row, 2),
            .is_logical = field_true(result, row, 3),
            .is_here = field_true(result, row, 4),
            .is_active = field_true(result, row, 5),
            .pid = pg_result_number(result, row, 6, 0),
            .application = look_text(look, result, row, 7),
            .wal_bytes = pg_result_number(result, row, 8, -1),
            .status = look_text(look, result, row, 9),
            .safe_bytes = pg_result_number(result, row, 10, -1),
            .restart_lsn = pg_result_lsn(result, row, 11),
            .confirmed_lsn = pg_result_lsn(result, row, 12),
        };
    PQclear(result);
}

/* Behind the slots: what they say is not past it. */
static void wal_end_read(struct look *look)
{
    PGresult *result = look_query(look, "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END", 0, NULL, NULL);

    look->facts->server.wal_end_lsn = result == NULL ? 0 : pg_result_lsn(result, 0, 0);
    PQclear(result);
}

static void publication_read(struct look *look)
{
    struct preflight_publication *publication = &look->facts->publication;
    const char *values[] = {publication->name};
    const char *sql = look->sql->version >= 110000 ? "SELECT puballtables, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication WHERE pubname = $1"
                                                    : "SELECT puballtables, pubinsert, pubupdate, pubdelete, false FROM pg_publication WHERE pubname = $1";
    PGresult *result = look_query(look, sql, 1, values, NULL);

    if (result != NULL && PQntuples(result) == 1) {
        publication->exists = true;
        publication->is_all_tables = field_true(result, 0, 0);
        publication->inserts = field_true(result, 0, 1);
        publication->updates = field_true(result, 0, 2);
        publication->deletes = field_true(result, 0, 3);
        publication->truncates = field_true(result, 0, 4);
    }
    PQclear(result);
}

/* The middle of the question's time is when the server looked at its clock. */
static void clock_read(struct look *look)
{
    struct preflight_server *server = &look->facts->server;
    int64_t before_us = clock_now_us(), after_us, theirs_us;
    PGresult *result = look_query(look, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", 0, NULL, NULL);

    after_us = clock_now_us();
    theirs_us = result == NULL ? 0 : pg_result_number(result, 0, 0, 0);
    server->skew_within_us = theirs_us == 0 || after_us < before_us ? -1 : (after_us - before_us) / 2;
    server->skew_us = theirs_us - (before_us + (after_us - before_us) / 2);
    PQclear(result);
}

/* Is the server a process of this machine? A container's is not seen under its own number, and its paths are not ours. */
static bool server_is_here(const struct look *look)
{
    char path[64], name[32] = "";
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/comm", PQbackendPID(look->sql->pg));
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    if (fgets(name, sizeof(name), file) == NULL)
        name[0] = '\0';
    (void)fclose(file);
    return strncmp(name, "postgres", strlen("postgres")) == 0;
}

/* A private PostgreSQL knows its directory as a descriptor of its own processes. */
static const char *path_seen_from_here(const struct look *look, const char *path)
{
    static const char own[] = "/proc/self/";

    return strncmp(path, own, strlen(own)) == 0 ? arena_format(look->arena, "/proc/%d/%s", PQbackendPID(look->sql->pg), path + strlen(own)) : path;
}

/* A process's parent; 0: not known. */
static int parent_of(int pid)
{
    char path[64], line[1024];
    const char *behind;
    FILE *file;
    int parent = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    behind = fgets(line, sizeof(line), file) == NULL ? NULL : strrchr(line, ')'); /* the name before it may hold anything */
    (void)fclose(file);
    if (behind != NULL && sscanf(behind, ") %*c %d", &parent) != 1)
        parent = 0;
    return parent;
}

/* The part of a path before its last '/'; NULL when it is not absolute. */
static const char *directory_of(const struct look *look, const char *path)
{
    const char *slash = strrchr(path, '/');

    return path[0] != '/' || slash == NULL ? NULL : arena_copy_string(look->arena, slice_of(path, (size_t)(slash - path)));
}

/* How the server was started tells everybody of this machine where its programs, its data and its configuration are. */
static void start_read(struct look *look)
{
    static const char config[] = "config_file=";
    struct preflight_server *server = &look->facts->server;
    char path[64], words[4096];
    bool is_data = false;
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", parent_of(PQbackendPID(look->sql->pg)));
    file = fopen(path, "re");
    if (file == NULL)
        return;
    size = fread(words, 1, sizeof(words) - 1, file);
    (void)fclose(file);
    words[size] = '\0';
    for (const char *word = words; word < words + size; word += strlen(word) + 1) {
        const char *value = word + (strncmp(word, "--", 2) == 0 ? 2 : 0);

        if (word == words)
            server->bin_directory = directory_of(look, word);
        else if (is_data && word[0] == '/')
            server->data_directory = arena_copy_string(look->arena, slice_from_string(word));
        else if (strncmp(value, config, strlen(config)) == 0)
            server->config_file = arena_copy_string(look->arena, slice_from_string(value + strlen(config)));
        is_data = strcmp(word, "-D") == 0;
    }
}

static void disk_read(struct look *look)
{
    struct preflight_server *server = &look->facts->server;
    bool is_here = server_is_here(look);
    PGresult *result = is_here ? look_query(look, "SELECT setting FROM pg_settings WHERE name = 'data_directory'", 0, NULL, NULL) : NULL;
    const char *path = result != NULL && PQntuples(result) == 1 ? path_seen_from_here(look, PQgetvalue(result, 0, 0)) : NULL;
    struct statvfs disk;

    if (is_here)
        start_read(look);
    if (path == NULL)
        path = server->data_directory;
    server->disk_free_bytes = -1;
    if (!is_here)
        server->disk_why = "PostgreSQL runs on another machine, or in a container";
    else if (path == NULL)
        server->disk_why = arena_format(look->arena, "role %s may not ask for data_directory (GRANT pg_read_all_settings)", server->role);
    else if (statvfs(path, &disk) != 0)
        server->disk_why = arena_format(look->arena, "%s cannot be looked at from here", path);
    else
        server->disk_free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    PQclear(result);
}

/* Only a try tells whether pg_hba.conf, the role and max_wal_senders let us in. */
static void replication_try(struct look *look)
{
    struct pg_connection *connection = NULL;
    struct error error;

    if (open_connection(look->request, CONNECTION_REPLICATION, time_left_ms(look), &connection, &error) != OK ||
        pg_connection_run(connection, "IDENTIFY_SYSTEM", NULL, &error) != OK)
        look->facts->server.replication_failure = arena_copy_string(look->arena, slice_from_string(error.message));
    pg_connection_close(connection);
}

void look_at_server(struct look *look)
{
    struct preflight_server *server = &look->facts->server;

    server->is_connected = open_connection(look->request, CONNECTION_SQL, time_left_ms(look), &look->sql, &server->failure) == OK && server_read(look);
    if (!server->is_connected)
        return;
    wal_level_in_file_read(look);
    slots_read(look);
    wal_end_read(look);
    publication_read(look);
    clock_read(look);
    disk_read(look);
    replication_try(look);
}
