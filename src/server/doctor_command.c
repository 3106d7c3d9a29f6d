/* doctor_command.c: `tailrace doctor`: looks at this machine, at databases and at connectors, says what is wrong, and mends what is safe. */
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "capture/connection.h"
#include "connect/preflight.h"
#include "connect/secrets.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/terminal.h"
#include "server/command.h"
#include "server/commands.h"
#include "server/data_directory.h"
#include "server/doctor_here.h"
#include "server/doctor_page.h"
#include "server/doctor_remedy.h"
#include "server/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DATABASES_MAX 64
#define ALL_PATIENCE_MS 20000 /* for all databases together */
#define CONFIG_BYTES_MAX (1 << 20)
#define ANSWER_BYTES_MAX (256 << 20)
#define PAGE_BYTES_MAX (64 << 20)

/* One database that is looked at. */
struct target {
    const char *subject;
    bool is_private; /* the PostgreSQL that the program runs itself */
    struct preflight_request request;
    struct preflight *preflight;
};

struct doctor {
    /* Given on the command line. */
    const char *data_dir, *settings_file, *config_path, *conninfo, *topic;
    struct option_list assignments;
    bool fix, sure, json;

    struct arena arena;
    struct settings settings;
    const char *settings_problem; /* NULL: they are well */
    const char *directory;        /* the data directory that is in effect */
    json_t *description;          /* of the running program; NULL: it does not run, or does not answer */
    struct properties aliases, worker;
    struct preflight_connector *connectors; /* of the running program */
    size_t connector_count;
    const char *named;        /* the connector of --config; NULL: none */
    struct properties config; /* of --config */
    struct here_facts here;

    struct findings machine, nothing; /* nothing: what is said when no database is looked at */
    struct target targets[DATABASES_MAX];
    size_t target_count;
    struct doctor_group groups[DATABASES_MAX + 2];
    size_t group_count;
};

/* ---- What the running program says ---- */

static json_t *program_ask(const struct doctor *doctor, const char *question)
{
    struct buffer answer;
    json_t *value = NULL;

    buffer_init(&answer, ANSWER_BYTES_MAX);
    if (data_directory_owner(doctor->directory) != 0 && data_directory_ask(doctor->directory, question, &answer, NULL) == OK)
        value = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    buffer_finish(&answer);
    return value;
}

static void object_copy(struct properties *properties, const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value) properties_set(properties, key, json_string_value(value));
}

static void program_look(struct doctor *doctor)
{
    json_t *databases, *connector;
    size_t index;

    doctor->description = program_ask(doctor, "status");
    databases = doctor->description == NULL ? NULL : program_ask(doctor, "databases");
    if (databases == NULL && doctor->settings_problem == NULL) {
        properties_copy(&doctor->aliases, &doctor->settings.aliases);
        properties_copy(&doctor->worker, &doctor->settings.values);
    }
    object_copy(&doctor->aliases, json_object_get(databases, "aliases"));
    object_copy(&doctor->worker, json_object_get(databases, "worker"));
    doctor->connector_count = json_array_size(json_object_get(databases, "connectors"));
    doctor->connectors = arena_new_array(&doctor->arena, doctor->connector_count + 1, sizeof(*doctor->connectors));
    json_array_foreach(json_object_get(databases, "connectors"), index, connector)
    {
        struct properties *config = arena_new(&doctor->arena, sizeof(*config));

        properties_init(config);
        object_copy(config, json_object_get(connector, "config"));
        doctor->connectors[index] = (struct preflight_connector){arena_copy_string(&doctor->arena, slice_from_string(json_string_value(json_object_get(connector, "name")))), config,
                                                                 json_is_true(json_object_get(connector, "running"))};
    }
    json_decref(databases);
}

static bool topic_exists(void *context, const char *topic)
{
    const struct doctor *doctor = context;
    const json_t *known;
    size_t index;

    json_array_foreach(json_object_get(doctor->description, "topics"), index, known) {
        const char *name = json_string_value(json_object_get(known, "name"));

        if (name != NULL && strcmp(name, topic) == 0)
            return true;
    }
    return false;
}

/* ---- Which databases ---- */

static struct preflight_request *target_add(struct doctor *doctor, const char *subject)
{
    struct target *target = &doctor->targets[doctor->target_count++];

    target->subject = subject;
    target->request = (struct preflight_request){
        .aliases = &doctor->aliases,
        .worker = &doctor->worker,
        .connectors = doctor->connectors,
        .connector_count = doctor->connector_count,
        .connectors_known = doctor->description != NULL,
        .topic_exists = doctor->description == NULL ? NULL : topic_exists,
        .context = doctor,
        .disk_here_bytes = doctor->here.free_bytes,
        .disk_here_why = "the file system of the data directory does not say it",
    };
    return &target->request;
}

/* Where a connector of that name goes on; 0: it has no position, or the program does not run. */
static uint64_t stored_lsn(const struct doctor *doctor, const char *name, const struct properties *config)
{
    const char *prefix = properties_get(config, "topic.prefix");
    json_t *answer;
    json_int_t lsn;
    struct buffer question;

    if (name == NULL || doctor->description == NULL)
        return 0;
    buffer_init(&question, CONFIG_BYTES_MAX);
    buffer_append_format(&question, "position %s %s", prefix == NULL ? "" : prefix, name);
    buffer_append_u8(&question, '\0');
    answer = program_ask(doctor, (const char *)question.data);
    lsn = json_integer_value(json_object_get(answer, "lsn"));
    json_decref(answer);
    buffer_finish(&question);
    return (uint64_t)lsn;
}

static enum status config_text_read(const char *path, struct buffer *text, struct error *error)
{
    uint8_t bytes[16384];
    ssize_t got;

    if (strcmp(path, "-") != 0)
        return disk_read_file(disk_real(), path, text, error);
    while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            buffer_append(text, bytes, (size_t)got);
    }
    if (text->failed)
        return error_set(error, ERROR_LIMIT, "standard input has more than %d bytes, which is no configuration", CONFIG_BYTES_MAX);
    return got == 0 ? OK : error_set_system(error, ERROR_DISK, errno, "read standard input");
}

/* Masked secrets of a connector that runs are its own, as in the console. */
static enum status config_target_add(struct doctor *doctor, struct error *error)
{
    struct properties given, *resolved = &doctor->config;
    struct preflight_request *request;
    struct buffer text;
    enum status status;

    buffer_init(&text, CONFIG_BYTES_MAX);
    properties_init(&given);
    status = config_text_read(doctor->config_path, &text, error);
    if (status == OK) {
        status = preflight_config_read(buffer_slice(&text), &doctor->arena, &doctor->named, &given, error);
        if (status != OK)
            error_context(error, "%s", strcmp(doctor->config_path, "-") == 0 ? "standard input" : doctor->config_path);
    }
    for (size_t i = 0; status == OK && doctor->named != NULL && i < doctor->connector_count; i++) {
        if (strcmp(doctor->connectors[i].name, doctor->named) == 0)
            secrets_unmask(&given, doctor->connectors[i].config);
    }
    if (status == OK)
        status = secrets_resolve(&given, resolved, error);
    properties_finish(&given);
    buffer_finish(&text);
    if (status != OK)
        return status;
    request = target_add(doctor, doctor->named == NULL ? "The connector" : arena_format(&doctor->arena, "Connector %s", doctor->named));
    request->config = resolved;
    request->connector = doctor->named;
    request->stored_lsn = stored_lsn(doctor, doctor->named, resolved);
    return OK;
}

static bool environment_names_a_database(void)
{
    static const char *const names[] = {"PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE", "PGPORT"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && *value != '\0')
            return true;
    }
    return false;
}

/* A value for libpq's key=value pairs. */
static void pair_append(struct buffer *text, const char *key, const char *value, size_t size)
{
    buffer_append_format(text, "%s='", key);
    for (size_t i = 0; i < size; i++) {
        if (value[i] == '\'' || value[i] == '\\')
            buffer_append_u8(text, '\\');
        buffer_append_u8(text, (uint8_t)value[i]);
    }
    buffer_append_string(text, "' ");
}

/* The private PostgreSQL of the running program, as `tailrace psql` reaches it; NULL when it has none. */
static const char *private_conninfo(struct doctor *doctor)
{
    static const char *const keys[] = {"host", NULL, "port", "password"};
    struct buffer answer, text;
    struct slice rest, line;
    const char *conninfo = NULL;
    struct error error;

    if (!json_is_object(json_object_get(doctor->description, "postgres")))
        return NULL;
    buffer_init(&answer, ANSWER_BYTES_MAX);
    buffer_init(&text, CONFIG_BYTES_MAX);
    if (data_directory_ask(doctor->directory, "postgres", &answer, &error) == OK && answer.size > 0) {
        rest = buffer_slice(&answer);
        for (size_t i = 0; i < 4 && text_next_field(&rest, '\n', &line); i++) {
            if (keys[i] != NULL)
                pair_append(&text, keys[i], (const char *)line.data, line.size);
        }
        buffer_append_string(&text, "user='postgres' dbname='postgres'");
        conninfo = arena_copy_string(&doctor->arena, buffer_slice(&text));
    }
    buffer_finish(&answer);
    buffer_finish(&text);
    return conninfo;
}

static void connectors_add(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->connector_count && doctor->target_count < DATABASES_MAX; i++) {
        struct preflight_request *request = target_add(doctor, arena_format(&doctor->arena, "Connector %s%s", doctor->connectors[i].name, doctor->connectors[i].is_running ? "" : " (not running)"));

        request->config = doctor->connectors[i].config;
        request->connector = doctor->connectors[i].name;
        request->stored_lsn = stored_lsn(doctor, request->connector, request->config);
    }
    if (doctor->connector_count > DATABASES_MAX)
        (void)findings_add(&doctor->nothing, FINDING_database, FINDING_IS_INFO, "%zu more connectors were not looked at; --config FILE looks at one", doctor->connector_count - DATABASES_MAX);
}

static enum status targets_find(struct doctor *doctor, struct error *error)
{
    const char *private = NULL;
    struct finding *finding;

    if (doctor->topic != NULL)
        return OK;
    if (doctor->config_path != NULL)
        return config_target_add(doctor, error);
    if (doctor->conninfo == NULL && doctor->connector_count > 0) {
        connectors_add(doctor);
        return OK;
    }
    if (doctor->conninfo == NULL && !environment_names_a_database())
        private = private_conninfo(doctor);
    if (doctor->conninfo != NULL || private != NULL || environment_names_a_database()) {
        target_add(doctor, private != NULL ? "The private PostgreSQL" : "PostgreSQL")->conninfo = private != NULL ? private : doctor->conninfo == NULL ? "" : doctor->conninfo;
        doctor->targets[doctor->target_count - 1].is_private = private != NULL;
        return OK;
    }
    finding = findings_add(&doctor->nothing, FINDING_database, FINDING_IS_INFO, "not looked at: %s", doctor->description != NULL ? "there is no connector yet" : "nothing runs that could say which");
    finding->todo = "tailrace doctor --postgres postgresql://USER@HOST:5432/DATABASE, or --config connector.json";
    finding->found = arena_format(&doctor->arena, "%s; name one: %s", finding->found, finding->todo);
    return OK;
}

/* ---- Looking ---- */

static void group_add(struct doctor *doctor, const char *subject, const struct findings *findings)
{
    if (findings->count > 0)
        doctor->groups[doctor->group_count++] = (struct doctor_group){subject, findings};
}

/* Said in place of a look, so that many servers that do not answer are not waited for one after the other for long. */
static struct preflight *not_looked(struct doctor *doctor)
{
    struct preflight *preflight = arena_new(&doctor->arena, sizeof(*preflight));

    preflight->facts.server.database = "";
    findings_init(&preflight->findings, &doctor->arena);
    (void)findings_add(&preflight->findings, FINDING_database, FINDING_IS_INFO, "not looked at, because others took %d s; --config FILE looks at one", ALL_PATIENCE_MS / 1000);
    return preflight;
}

static void look(struct doctor *doctor)
{
    int64_t deadline_ms = clock_monotonic_ms() + ALL_PATIENCE_MS;

    doctor->group_count = 0;
    group_add(doctor, doctor->topic == NULL ? "This machine" : "The topic's files", &doctor->machine);
    for (size_t i = 0; i < doctor->target_count; i++) {
        struct target *target = &doctor->targets[i];

        target->preflight = clock_monotonic_ms() < deadline_ms ? preflight_run(&target->request, &doctor->arena) : not_looked(doctor);
        remedy_commands_add(&target->preflight->findings, &target->preflight->facts.server, target->is_private ? doctor->here.data_dir : NULL);
        group_add(doctor, target->subject, &target->preflight->findings);
    }
    group_add(doctor, "PostgreSQL", &doctor->nothing);
}

/* ---- Mending ---- */

/* One statement after the other, each by itself: ALTER SYSTEM runs in no transaction. */
static enum status statements_run(const struct preflight_request *request, const char *sql, struct error *error)
{
    struct pg_connection *connection = NULL;
    struct slice rest = slice_from_string(sql), line;
    enum status status = preflight_connect(request, &connection, error);

    while (status == OK && text_next_field(&rest, '\n', &line)) {
        char *statement = memory_copy_bytes(line.data, line.size);

        if (strncmp(statement, "--", 2) != 0) {
            status = pg_connection_run(connection, statement, NULL, error);
            if (status != OK)
                error_context(error, "%s", statement);
        }
        memory_free(statement);
    }
    pg_connection_close(connection);
    return status;
}

static bool was_offered(const struct doctor *doctor, size_t target, size_t item)
{
    const struct preflight *preflight = doctor->targets[target].preflight;

    for (size_t t = 0; t < target; t++) {
        const struct preflight *before = doctor->targets[t].preflight;

        for (size_t i = 0; i < before->findings.count; i++) {
            const char *sql = before->findings.items[i]->sql;

            if (sql != NULL && strcmp(sql, preflight->findings.items[item]->sql) == 0 && strcmp(before->facts.server.database, preflight->facts.server.database) == 0)
                return true;
        }
    }
    return false;
}

/* Gives how many were mended; *failed counts those that could not be. Says what it does on stderr, so that --json stays JSON. */
static size_t mend_one(struct doctor *doctor, struct target *target, const struct finding *finding, size_t *failed)
{
    struct preflight_request request = target->request;
    struct error error;
    char *question = memory_format("%s: %s\n%s\nRun this?", target->subject, finding->title, finding->sql);
    enum status status = terminal_confirm(question, doctor->sure, &error);

    memory_free(question);
    if (status == ERROR_USAGE) {
        (void)fprintf(stderr, "tailrace: %s: nobody can answer here, so nothing was run; --yes runs it without asking\n", finding->title);
        ++*failed;
    }
    if (status != OK)
        return 0;
    if (doctor->conninfo != NULL)
        request.conninfo = doctor->conninfo; /* a role that may do more than the connector's */
    if (statements_run(&request, finding->sql, &error) != OK) {
        (void)fprintf(stderr, "tailrace: %s: not mended: %s\n", finding->title, error.message);
        (void)fprintf(stderr, "  with a role that may: tailrace doctor … --fix --postgres postgresql://SUPERUSER@HOST/DATABASE\n");
        ++*failed;
        return 0;
    }
    (void)fprintf(stderr, "%s: done%s\n", finding->title, strstr(finding->sql, "restart PostgreSQL") != NULL ? "; takes effect when PostgreSQL restarts" : "");
    return 1;
}

static size_t mend(struct doctor *doctor)
{
    size_t mended = 0, failed = 0, offered = 0;

    for (size_t t = 0; t < doctor->target_count; t++) {
        struct target *target = &doctor->targets[t];

        for (size_t i = 0; i < target->preflight->findings.count; i++) {
            const struct finding *finding = target->preflight->findings.items[i];

            if (finding->state < FINDING_IS_WARN || !finding->is_safe || finding->sql == NULL || was_offered(doctor, t, i))
                continue;
            offered++;
            mended += mend_one(doctor, target, finding, &failed);
        }
    }
    if (offered == 0)
        (void)fprintf(stderr, "There is nothing that can be mended from here; what is wrong above is yours to do.\n");
    return mended;
}

/* ---- The command ---- */

static int print(const struct doctor *doctor)
{
    struct doctor_totals totals = doctor_count(doctor->groups, doctor->group_count);
    struct buffer text;
    int code;

    buffer_init(&text, PAGE_BYTES_MAX);
    if (doctor->json) {
        doctor_page_json(&text, doctor->groups, doctor->group_count);
    } else {
        struct page page = terminal_page(&text);

        doctor_page_print(&page, doctor->groups, doctor->group_count);
    }
    code = command_print(buffer_slice(&text));
    buffer_finish(&text);
    return code != 0 ? code : totals.errors > 0 ? 1 : 0;
}

static void settings_look(struct doctor *doctor)
{
    struct settings_source source = {doctor->settings_file, doctor->assignments.items, doctor->assignments.count};
    struct error error;

    if (settings_load(&doctor->settings, &source, &error) != OK)
        doctor->settings_problem = arena_copy_string(&doctor->arena, slice_from_string(error.message));
    doctor->directory = doctor->data_dir != NULL ? doctor->data_dir : doctor->settings_problem == NULL ? doctor->settings.data_dir : "./tailrace-data";
}

static int run(struct doctor *doctor)
{
    struct error error;
    enum status status = OK;
    int code;

    program_look(doctor);
    findings_init(&doctor->machine, &doctor->arena);
    findings_init(&doctor->nothing, &doctor->arena);
    here_look(&doctor->settings, doctor->settings_problem, doctor->directory, doctor->description, &doctor->arena, &doctor->here);
    if (doctor->topic != NULL)
        status = topic_look(doctor->directory, doctor->topic, doctor->here.running != 0, &doctor->machine, &error);
    else
        here_judge(&doctor->here, &doctor->machine);
    if (status == OK)
        status = targets_find(doctor, &error);
    if (status != OK)
        return command_fail(&error);
    look(doctor);
    if (!doctor->fix)
        return print(doctor);
    code = doctor->json ? 0 : print(doctor);
    if (mend(doctor) == 0)
        return doctor->json ? print(doctor) : code;
    if (!doctor->json)
        (void)printf("\nLooked at again:\n\n");
    look(doctor);
    return print(doctor);
}

static void finish(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->connector_count; i++)
        properties_finish((struct properties *)(uintptr_t)doctor->connectors[i].config);
    properties_finish(&doctor->config);
    properties_finish(&doctor->aliases);
    properties_finish(&doctor->worker);
    json_decref(doctor->description);
    settings_finish(&doctor->settings);
    arena_finish(&doctor->arena);
}

int doctor_main(int argc, char **argv)
{
    static struct doctor doctor;
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &doctor.data_dir, "DIR", "Where the program runs or will run (default ./tailrace-data)", 0, 0, NULL},
        {"postgres", OPTION_TEXT, &doctor.conninfo, "URI",
         "Look at this PostgreSQL: postgresql://user@host:5432/database; without it PGHOST and the like count. With --config: mend with this role", 0, 0, NULL},
        {"config", OPTION_TEXT, &doctor.config_path, "FILE",
         "Check this connector before it is created: the body of POST /connectors, its config alone, or a properties file; - is standard input", 0, 0, NULL},
        {"topic", OPTION_TEXT, &doctor.topic, "TOPIC", "Read all of a topic's files and check every batch", 0, 0, NULL},
        {"fix", OPTION_FLAG, &doctor.fix, NULL, "Mend what is safe, asking for each: grants, settings, publications, replica identities. Nothing is restarted or dropped", 0, 0, NULL},
        {"yes", OPTION_FLAG, &doctor.sure, NULL, "With --fix: do not ask", 0, 0, NULL},
        {"settings", OPTION_TEXT, &doctor.settings_file, "FILE", "Settings that the program would be started with (its --config)", 0, 0, NULL},
        {"set", OPTION_LIST, &doctor.assignments, "KEY=VALUE", "One setting; goes before the file", 0, 0, NULL},
        {"json", OPTION_FLAG, &doctor.json, NULL, "As JSON", 0, 0, NULL},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0, NULL},
    };
    static const struct options options = {
        .command = "tailrace doctor",
        .summary = "Looks for what is wrong, before the first start and any time; exit code 1 when something keeps it from working.",
        .rows = rows,
        .examples = "tailrace doctor --postgres postgresql://postgres@localhost/shop\ntailrace doctor --config connector.json\ntailrace doctor --config connector.json --fix",
        .description = "It looks at the data directory, its disk, ports and limits, at PostgreSQL (version, wal_level, slots, senders, rights, publication, tables, room for WAL, clock) and, with "
                       "--config, at everything that a connector would meet; while the program runs, at every connector it has. Each finding says what was found, why it matters, and what to do, as SQL "
                       "or a command to copy. What cannot be known is said. Nothing is changed without --fix.",
    };
    size_t operand_count;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    arena_init(&doctor.arena, 65536);
    settings_look(&doctor);
    code = run(&doctor);
    finish(&doctor);
    return code;
}
