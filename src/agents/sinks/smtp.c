/*
 * agents/sinks/smtp.c: an e-mail per alert.
 *
 *   url         smtp://host:port or smtps://host:port (required)
 *   from, to    addresses (required); several in `to` with commas
 *   user, password
 *   timeout.ms  default 5000
 */
#include "agents/sink.h"
#include "agents/sinks/http.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"

#include <time.h>

struct smtp {
    char *url, *from, *to, *user, *password;
    char name[200];
    CURL *handle;
    struct buffer mail;
    size_t sent; /* bytes of mail handed to libcurl */
};

static bool is_address(const char *text)
{
    return text != NULL && strchr(text, '@') != NULL && strpbrk(text, "\r\n<>") == NULL;
}

static enum status create(const struct properties *settings, void **created, struct error *error)
{
    struct smtp *sink = memory_new(sizeof(*sink));
    int64_t timeout_ms;
    enum status status;

    *created = sink;
    sink->url = memory_copy_string(properties_get(settings, "url"));
    sink->from = memory_copy_string(properties_get(settings, "from"));
    sink->to = memory_copy_string(properties_get(settings, "to"));
    sink->user = memory_copy_string(properties_get(settings, "user"));
    sink->password = memory_copy_string(properties_get(settings, "password"));
    buffer_init(&sink->mail, 1 << 20);
    if (sink->url == NULL || (strncmp(sink->url, "smtp://", 7) != 0 && strncmp(sink->url, "smtps://", 8) != 0))
        return error_set(error, ERROR_BAD_INPUT, "setting url has to be an smtp:// or smtps:// address");
    if (!is_address(sink->from) || !is_address(sink->to))
        return error_set(error, ERROR_BAD_INPUT, "settings from and to have to be e-mail addresses");
    http_receiver_name(sink->url, sink->name);
    status = http_timeout_read(settings, &timeout_ms, error);
    if (status == OK)
        sink->handle = http_handle_create(timeout_ms);
    return status;
}

static void destroy(void *context)
{
    struct smtp *sink = context;

    if (sink->handle != NULL)
        curl_easy_cleanup(sink->handle);
    memory_free(sink->url);
    memory_free(sink->from);
    memory_free(sink->to);
    memory_free(sink->user);
    memory_free(sink->password);
    buffer_finish(&sink->mail);
    memory_free(sink);
}

static size_t mail_read(char *to, size_t size, size_t count, void *context)
{
    struct smtp *sink = context;
    struct slice rest = slice_from(buffer_slice(&sink->mail), sink->sent);
    size_t given = rest.size < size * count ? rest.size : size * count;

    if (given > 0)
        memcpy(to, rest.data, given);
    sink->sent += given;
    return given;
}

/* A line of a header: no line breaks from data. */
static void line_append(struct buffer *mail, const char *name, const char *value)
{
    buffer_append_format(mail, "%s: ", name);
    for (const char *at = value == NULL ? "" : value; *at != '\0'; at++)
        buffer_append_u8(mail, (unsigned char)*at < ' ' ? (uint8_t)' ' : (uint8_t)*at);
    buffer_append_string(mail, "\r\n");
}

static void mail_write(struct smtp *sink, const struct delivery *delivery)
{
    const struct alert *alert = delivery->alert;
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm parts;
    char date[64], id[200];

    (void)gmtime_r(&now, &parts);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &parts);
    (void)snprintf(id, sizeof(id), "<%s@tailrace>", alert->id);
    buffer_reset(&sink->mail);
    line_append(&sink->mail, "Date", date);
    line_append(&sink->mail, "From", sink->from);
    line_append(&sink->mail, "To", sink->to);
    line_append(&sink->mail, "Message-ID", id);
    line_append(&sink->mail, "Subject", alert->title);
    buffer_append_string(&sink->mail, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    buffer_append_format(&sink->mail, "%s\r\n\r\nRule %s, version %d, agent %s\r\n", alert->title == NULL ? "" : alert->title, alert->rule == NULL ? "" : alert->rule,
                         alert->rule_version, alert->agent);
    for (size_t i = 0; i < alert->condition_count; i++)
        buffer_append_format(&sink->mail, "%s: %s, limit %s\r\n", alert->conditions[i].text == NULL ? "" : alert->conditions[i].text,
                             alert->conditions[i].was == NULL ? "" : alert->conditions[i].was, alert->conditions[i].limit == NULL ? "" : alert->conditions[i].limit);
    buffer_append_format(&sink->mail, "\r\nTopic %s, partition %d, offset %lld\r\n%.*s\r\n", alert->topic == NULL ? "" : alert->topic, alert->partition,
                         (long long)alert->offset, (int)delivery->json.size, (const char *)delivery->json.data);
}

static struct curl_slist *recipients(const struct smtp *sink)
{
    struct slice rest = slice_from_string(sink->to), field;
    struct curl_slist *list = NULL;

    while (text_next_field(&rest, ',', &field)) {
        struct slice address = text_trim(field);
        char *text = memory_format("<%.*s>", (int)address.size, (const char *)address.data);

        list = curl_slist_append(list, text);
        memory_free(text);
    }
    return list;
}

static enum status send_one(struct smtp *sink, const struct delivery *delivery, struct error *error)
{
    struct curl_slist *to = recipients(sink);
    char *from = memory_format("<%s>", sink->from);
    CURLcode result;

    mail_write(sink, delivery);
    sink->sent = 0;
    (void)curl_easy_setopt(sink->handle, CURLOPT_URL, sink->url);
    (void)curl_easy_setopt(sink->handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(sink->handle, CURLOPT_USERNAME, sink->user);
    (void)curl_easy_setopt(sink->handle, CURLOPT_PASSWORD, sink->password);
    (void)curl_easy_setopt(sink->handle, CURLOPT_MAIL_FROM, from);
    (void)curl_easy_setopt(sink->handle, CURLOPT_MAIL_RCPT, to);
    (void)curl_easy_setopt(sink->handle, CURLOPT_READFUNCTION, mail_read);
    (void)curl_easy_setopt(sink->handle, CURLOPT_READDATA, sink);
    (void)curl_easy_setopt(sink->handle, CURLOPT_UPLOAD, 1L);
    result = curl_easy_perform(sink->handle);
    curl_slist_free_all(to);
    memory_free(from);
    return http_failure(result, sink->name, error);
}

static enum status deliver(void *context, const struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    enum status status = OK;

    for (*delivered = 0; *delivered < count && status == OK; *delivered += status == OK)
        status = send_one(context, &deliveries[*delivered], error);
    return status;
}

static const char *const keys[] = {"url", "from", "to", "user", "password", "timeout.ms", NULL};

const struct sink_kind sink_smtp = {"smtp", keys, create, destroy, deliver};
