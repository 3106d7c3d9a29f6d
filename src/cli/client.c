#include "cli/client.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/command.h"
#include "server/data_directory.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#define DEFAULT_DATA_DIR "./tailrace-data"
#define CONNECT_TIMEOUT_MS 5000
#define ANSWER_TIMEOUT_MS 120000 /* a connector's validation asks a database */
#define ANSWER_BYTES_MAX ((size_t)256 << 20)
#define INPUT_BYTES_MAX ((size_t)4 << 20)
#define PATH_BYTES_MAX 8192
#define LIST_PAGE 500

struct client {
    enum client_api api;
    char *url, *kafka;
    char *authorization; /* a header, or NULL */
    CURL *curl;
};

/* ---- Finding it ---- */

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

int64_t json_number(const json_t *object, const char *name, int64_t absent)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? (int64_t)json_number_value(value) : absent;
}

/* Asks the program that runs on the directory where it listens, and for what lets its owner in. */
static enum status addresses_take(struct client *client, const char *data_dir, struct error *error)
{
    struct buffer answer;
    json_t *addresses = NULL;
    enum status status;

    buffer_init(&answer, ANSWER_BYTES_MAX);
    status = data_directory_ask(data_dir, "addresses", &answer, error);
    if (status == OK)
        addresses = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    buffer_finish(&answer);
    if (status == OK && *json_text(addresses, client->api == CLIENT_REST ? "rest" : "console") == '\0')
        status = error_set(error, ERROR_UNAVAILABLE, "tailrace is still starting on data directory %s; \"tailrace status\" says how far it is", data_dir);
    if (status == OK) {
        client->url = memory_copy_string(json_text(addresses, client->api == CLIENT_REST ? "rest" : "console"));
        client->kafka = memory_copy_string(json_text(addresses, "kafka"));
        if (client->api == CLIENT_CONSOLE && *json_text(addresses, "login") != '\0')
            client->authorization = memory_format("Cookie: %s", json_text(addresses, "login"));
    }
    json_decref(addresses);
    return status;
}

static enum status url_take(struct client *client, const char *url, struct error *error)
{
    const char *token = getenv("TAILRACE_TOKEN");
    size_t size = strlen(url);

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return error_set(error, ERROR_USAGE, "%s is no address; it has to begin with http:// or https://", url);
    while (size > 0 && url[size - 1] == '/')
        size--;
    client->url = memory_copy_bytes(url, size);
    if (token != NULL && *token != '\0')
        client->authorization = memory_format("Authorization: Bearer %s", token);
    return OK;
}

enum status client_open(enum client_api api, const char *data_dir, const char *url, struct client **opened, struct error *error)
{
    struct client *client = memory_new(sizeof(*client));
    enum status status = OK;

    client->api = api;
    if (url != NULL)
        status = url_take(client, url, error);
    else if (data_dir != NULL || data_directory_owner(DEFAULT_DATA_DIR) != 0)
        status = addresses_take(client, data_dir == NULL ? DEFAULT_DATA_DIR : data_dir, error);
    else
        status = url_take(client, api == CLIENT_REST ? "http://localhost:8083" : "http://localhost:8080", error);
    if (status == OK && (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (client->curl = curl_easy_init()) == NULL))
        status = error_set(error, ERROR_LIMIT, "libcurl could not be set up");
    if (client->kafka == NULL)
        client->kafka = memory_copy_string("localhost:9092");
    if (status == OK)
        *opened = client;
    else
        client_close(client);
    return status;
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    if (client->curl != NULL)
        curl_easy_cleanup(client->curl);
    memory_free(client->url);
    memory_free(client->kafka);
    memory_free(client->authorization);
    memory_free(client);
}

const char *client_kafka(const struct client *client)
{
    return client->kafka;
}

/* ---- Asking ---- */

static size_t answer_append(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *answer = context;

    buffer_append(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

static enum status status_of(long code)
{
    switch (code) {
    case 400:
    case 415:
    case 422: return ERROR_BAD_INPUT;
    case 404: return ERROR_NOT_FOUND;
    case 409: return ERROR_CONFLICT;
    case 504: return ERROR_REQUEST_TIMED_OUT;
    case 503: return ERROR_UNAVAILABLE;
    default: return ERROR_UNKNOWN_SERVER_ERROR;
    }
}

/* One line of what the other side says. The console: {"error":{what, why, todo}}; Connect: {"error_code", "message"}; else its text. */
static enum status refused(const struct client *client, const char *method, const char *path, long code, const json_t *answer, const struct buffer *text,
                           struct error *error)
{
    const json_t *said = json_object_get(answer, "error");

    if (code == 401)
        return error_set(error, ERROR_BAD_INPUT, "%s needs a token: put it into the environment variable TAILRACE_TOKEN, or name the --data-dir of the program",
                         client->url);
    if (json_is_object(said))
        (void)error_set(error, status_of(code), "%s%s%s%s%s", json_text(said, "what"), *json_text(said, "why") == '\0' ? "" : " ", json_text(said, "why"),
                        *json_text(said, "todo") == '\0' ? "" : " ", json_text(said, "todo"));
    else if (*json_text(answer, "message") != '\0')
        (void)error_set(error, status_of(code), "%s", json_text(answer, "message"));
    else
        (void)error_set(error, status_of(code), "%s %s%s: HTTP status %ld%s%.*s", method, client->url, path, code, text->size == 0 ? "" : ": ",
                        (int)(text->size > 300 ? 300 : text->size), (const char *)text->data);
    for (size_t size = strlen(error->message); size > 0 && strchr(" \r\n", error->message[size - 1]) != NULL; size--)
        error->message[size - 1] = '\0';
    for (char *at = error->message; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' && (*at != '\n' || answer == NULL)) /* only what was meant for people has lines */
            *at = ' ';
    }
    return error->status;
}

static enum status unreachable(const struct client *client, CURLcode code, const char *details, struct error *error)
{
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return error_set(error, ERROR_UNAVAILABLE, "nothing answers at %s; \"tailrace up\" starts a program, --data-dir or --%s says where one runs", client->url,
                         client->api == CLIENT_REST ? "rest" : "console");
    return error_set(error, ERROR_UNAVAILABLE, "%s: %s", client->url, *details == '\0' ? curl_easy_strerror(code) : details);
}

enum status client_ask(struct client *client, const char *method, const char *path, const json_t *body, json_t **answer, struct error *error)
{
    char details[CURL_ERROR_SIZE] = "", *url = memory_format("%s%s%s", client->url, client->api == CLIENT_CONSOLE ? "/api/v1" : "", path);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    enum status status = OK;
    struct buffer bytes;
    json_t *parsed;
    long code = 0;
    CURLcode done;

    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "X-Tailrace: command line");
    if (client->authorization != NULL)
        headers = curl_slist_append(headers, client->authorization);
    buffer_init(&bytes, ANSWER_BYTES_MAX);
    curl_easy_reset(client->curl);
    (void)curl_easy_setopt(client->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    (void)curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_TIMEOUT_MS);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, details);
    (void)curl_easy_setopt(client->curl, CURLOPT_USERAGENT, "tailrace/" TAILRACE_VERSION);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, answer_append);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &bytes);
    if (text != NULL)
        (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
    else if (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0)
        (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, "");
    done = curl_easy_perform(client->curl);
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    parsed = json_loadb((const char *)bytes.data, bytes.size, JSON_DECODE_ANY, NULL);
    if (done != CURLE_OK)
        status = unreachable(client, done, details, error);
    else if (code < 200 || code > 299)
        status = refused(client, method, path, code, parsed, &bytes, error);
    else if (parsed == NULL && bytes.size > 0)
        status = error_set(error, ERROR_BAD_INPUT, "%s does not answer with JSON: is this really %s?", url,
                           client->api == CLIENT_REST ? "Connect's REST API" : "tailrace's console");
    if (status == OK && answer != NULL)
        *answer = parsed == NULL ? json_null() : parsed;
    else
        json_decref(parsed);
    buffer_finish(&bytes);
    curl_slist_free_all(headers);
    free(text);
    memory_free(url);
    return status;
}

enum status client_ask_list(struct client *client, const char *path, json_t **items, struct error *error)
{
    json_t *all = json_array(), *page = NULL;
    enum status status = OK;
    size_t total = 1;

    while (status == OK && json_array_size(all) < total) {
        char *full = memory_format("%s?limit=%d&offset=%zu", path, LIST_PAGE, json_array_size(all));

        status = client_ask(client, "GET", full, NULL, &page, error);
        memory_free(full);
        if (status != OK)
            break;
        total = json_array_size(json_object_get(page, "items")) == 0 ? 0 : (size_t)json_number(page, "total", 0);
        (void)json_array_extend(all, json_object_get(page, "items"));
        json_decref(page);
    }
    if (status == OK)
        *items = all;
    else
        json_decref(all);
    return status;
}

void client_path(struct buffer *path, const char *format, ...)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    va_list arguments;

    buffer_init(path, PATH_BYTES_MAX);
    va_start(arguments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] != '%' || at[1] != 's') {
            buffer_append_u8(path, (uint8_t)*at);
            continue;
        }
        for (const char *word = va_arg(arguments, const char *); *word != '\0'; word++)
            buffer_append_format(path, strchr(plain, *word) != NULL ? "%c" : "%%%02X", (unsigned char)*word);
        at++;
    }
    va_end(arguments);
    buffer_append_u8(path, '\0');
}

/* ---- Files and printing ---- */

enum status client_read_input(const char *file, struct buffer *text, struct error *error)
{
    bool from_stdin = strcmp(file, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    enum status status = OK;
    ssize_t got = 1;

    if (fd < 0)
        return error_set_system(error, ERROR_NOT_FOUND, errno, "could not open %s", file);
    buffer_init(text, INPUT_BYTES_MAX);
    while (status == OK && got > 0) {
        uint8_t *to = buffer_reserve(text, 4096);

        got = to == NULL ? 0 : read(fd, to, 4096);
        if (to == NULL)
            status = error_set(error, ERROR_LIMIT, "%s is longer than %zu MiB", from_stdin ? "standard input" : file, INPUT_BYTES_MAX >> 20);
        else if (got < 0)
            status = error_set_system(error, ERROR_DISK, errno, "could not read %s", from_stdin ? "standard input" : file);
        else
            text->size += (size_t)got;
    }
    if (!from_stdin)
        (void)close(fd);
    if (status != OK)
        buffer_finish(text);
    return status;
}

int client_print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    int code;

    (void)printf("%s\n", text == NULL ? "null" : text);
    free(text);
    code = command_print(slice_null());
    return code;
}

void client_append_cause(struct buffer *text, const char *trace)
{
    const char *caused = trace, *next, *end, *colon;

    while ((next = strstr(caused, "Caused by: ")) != NULL)
        caused = next + strlen("Caused by: ");
    end = strchrnul(caused, '\n');
    colon = memchr(caused, ':', (size_t)(end - caused));
    if (colon != NULL && colon[1] == ' ' && memchr(caused, ' ', (size_t)(colon - caused)) == NULL && memchr(caused, '.', (size_t)(colon - caused)) != NULL)
        caused = colon + 2;
    buffer_append(text, caused, (size_t)(end - caused));
}
