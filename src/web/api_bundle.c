/* api_bundle.c: a ZIP file with what somebody needs who is to help: state, settings, log; no row, no secret. */
#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger_recent.h"
#include "web/metrics.h"
#include "web/redact.h"
#include "web/zip.h"

#include <sys/utsname.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)32 << 20)
#define LOG_FILE_BYTES ((size_t)1 << 20) /* the end of the program's log */
#define EVENTS_MAX 500

struct bundle {
    struct api_call *call;
    struct redactor *redactor;
    struct zip zip;
    json_t *files;   /* what the console lists */
    json_t *description;
    struct buffer text; /* of the file under way */
};

/* ---- One file ---- */

static void file_add(struct bundle *bundle, const char *name)
{
    struct buffer clean;
    size_t removed;

    buffer_init(&clean, 2 * FILE_BYTES_MAX);
    removed = redactor_append(bundle->redactor, buffer_slice(&bundle->text), &clean);
    zip_add(&bundle->zip, name, buffer_slice(&clean));
    json_add(bundle->files, json_pack("{s:s, s:I, s:o}", "name", name, "bytes", (json_int_t)clean.size, "removed",
                                      removed == 0 ? json_null() : json_sprintf("%zu secret%s", removed, removed == 1 ? "" : "s")));
    buffer_finish(&clean);
    buffer_reset(&bundle->text);
}

/* Takes the reference. */
static void json_file_add(struct bundle *bundle, const char *name, json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

    buffer_append_string(&bundle->text, text == NULL ? "null" : text);
    free(text);
    json_decref(value);
    file_add(bundle, name);
}

/* ---- The files ---- */

static void about_write(struct bundle *bundle)
{
    struct utsname system;

    buffer_append_format(&bundle->text, "Tailrace %s, %lld ms since 1970\n", api_settings_of(bundle->call->api)->version, (long long)clock_now_ms());
    if (uname(&system) == 0)
        buffer_append_format(&bundle->text, "%s %s %s, %ld processors, %lld MiB of memory\n", system.sysname, system.release, system.machine, sysconf(_SC_NPROCESSORS_ONLN),
                             (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20);
    buffer_append_string(&bundle->text, "\nstatus.json    tailrace status --json\noverview.json  the console's first page: problems, pipeline, slots\n"
                                        "health.json    threads, disk, memory, listeners\nsettings.json  every setting\ngroups.json    consumer groups with their lag\n"
                                        "events.json    what happened, and who changed what\nmetrics.txt    /metrics\n"
                                        "log.txt        the last lines of the log\nlog-file.txt   the end of tailrace.log, when the program is detached\n\n"
                                        "No file holds rows, keys or values of messages. Secrets are replaced by ********.\n");
    file_add(bundle, "about.txt");
}

static void log_write_recent(struct bundle *bundle)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    struct logger_line *lines = memory_new_array(LOGGER_KEPT, sizeof(*lines));
    size_t count = logger_recent(0, lines);

    for (size_t i = 0; i < count; i++)
        buffer_append_format(&bundle->text, "%lld %s %s %s: %s\n", (long long)lines[i].at_ms, levels[lines[i].level], lines[i].thread, lines[i].part, lines[i].text);
    memory_free(lines);
    file_add(bundle, "log.txt");
}

static void log_file_add(struct bundle *bundle)
{
    const char *path = arena_format(bundle->call->arena, "%s/tailrace.log", member_text(bundle->description, "data_dir"));
    struct disk_file *file = NULL;
    int64_t size;
    size_t got = 0;
    uint8_t *to;

    if (disk_file_size(disk_real(), path, &size, NULL) != OK || disk_open(disk_real(), path, DISK_READ, &file, NULL) != OK)
        return;
    to = buffer_reserve(&bundle->text, LOG_FILE_BYTES);
    if (disk_read(file, to, LOG_FILE_BYTES, size > (int64_t)LOG_FILE_BYTES ? size - (int64_t)LOG_FILE_BYTES : 0, &got, NULL) == OK)
        bundle->text.size += got;
    disk_close(file);
    file_add(bundle, "log-file.txt");
}

static void settings_add(struct bundle *bundle)
{
    const struct api_settings *settings = api_settings_of(bundle->call->api);

    settings->settings(settings->context, &bundle->text);
    file_add(bundle, "settings.json");
}

static void files_add(struct bundle *bundle)
{
    struct api *api = bundle->call->api;
    struct error error;

    about_write(bundle);
    json_file_add(bundle, "status.json", json_incref(bundle->description));
    json_file_add(bundle, "overview.json", sampler_overview(api_sampler(api)));
    json_file_add(bundle, "health.json", health_make(api, bundle->call->arena));
    settings_add(bundle);
    json_file_add(bundle, "groups.json", groups_make(api, bundle->call->arena, &error));
    json_file_add(bundle, "events.json", api_events(api, EVENTS_MAX, NULL));
    sampler_describe(api_sampler(api), bundle->description);
    metrics_render(bundle->description, &bundle->text);
    file_add(bundle, "metrics.txt");
    log_write_recent(bundle);
    log_file_add(bundle);
}

/* ---- The whole ---- */

static struct redactor *redactor_make(struct api_call *call)
{
    const struct api_settings *settings = api_settings_of(call->api);
    struct redactor *redactor = redactor_create();
    struct connect_database *databases;
    size_t count;

    redactor_learn(redactor, settings->values);
    databases = connect_databases(settings->connect, true, call->arena, &count);
    for (size_t i = 0; i < count; i++) {
        redactor_learn(redactor, &databases[i].config);
        properties_finish(&databases[i].config);
    }
    return redactor;
}

void api_bundle(struct api_call *call)
{
    static const char *const download[] = {"Content-Disposition", "attachment; filename=\"tailrace-bundle.zip\"", NULL};
    struct bundle bundle = {.call = call, .redactor = redactor_make(call), .files = json_array(), .description = api_describe(call->api)};
    struct buffer *body = &call->response->body;

    buffer_init(&bundle.text, FILE_BYTES_MAX);
    zip_begin(&bundle.zip, body, clock_now_ms());
    files_add(&bundle);
    zip_end(&bundle.zip);
    if (api_query(call, "dry_run") != NULL) {
        buffer_reset(body);
        api_json(call, 200, json_pack("{s:O}", "files", bundle.files));
    } else {
        call->response->status = 200;
        call->response->content_type = "application/zip";
        call->response->headers = download;
    }
    buffer_finish(&bundle.text);
    json_decref(bundle.files);
    json_decref(bundle.description);
    redactor_destroy(bundle.redactor);
}
