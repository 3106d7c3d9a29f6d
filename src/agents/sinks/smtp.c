/*
 * agents/sinks/smtp.c: an e-mail per alert.
 *
 *   url         smtp://host:port (STARTTLS where the server has it) or smtps://host:port (required)
 *   sender, to  addresses (required); several in `to` with commas
 *   user, password
 *   timeout.ms  default 5000
 */
#include "agents/sink.h"
#include "agents/sinks/http.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "wire/json/base64.h"

#include <time.h>

#define MAIL_BYTES_MAX ((size_t)1 << 20)
#define HEADER_TEXT_MAX 900 /* a line may have 998 */
#define WORD_BYTES_MAX 45   /* 60 in base64 */
#define LINE_BYTES_MAX 57   /* 76 in base64 */

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

static enum status create(const struct properties *settings, const struct stop *stop, void **created, struct error *error)
{
    struct smtp *sink = memory_new(sizeof(*sink));
    int64_t timeout_ms;
    enum status status;

    *created = sink;
    sink->url = memory_copy_string(properties_get(settings, "url"));
    sink->from = memory_copy_string(properties_get(settings, "sender"));
    sink->to = memory_copy_string(properties_get(settings, "to"));
    sink->user = memory_copy_string(properties_get(settings, "user"));
    sink->password = memory_copy_string(properties_get(settings, "password"));
    buffer_init(&sink->mail, MAIL_BYTES_MAX);
    if (sink->url == NULL || (strncmp(sink->url, "smtp://", 7) != 0 && strncmp(sink->url, "smtps://", 8) != 0))
        return error_set(error, ERROR_BAD_INPUT, "setting url has to be an smtp:// or smtps:// address");
    if (!is_address(sink->from) || !is_address(sink->to))
        return error_set(error, ERROR_BAD_INPUT, "settings sender and to have to be e-mail addresses");
    http_receiver_name(sink->url, sink->name);
    status = http_timeout_read(settings, &timeout_ms, error);
    if (status == OK)
        sink->handle = http_handle_create(timeout_ms, properties_get(settings, "ca.file"), stop);
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

/* A line of a header: no line breaks from data; what is not ASCII in RFC 2047's words of at most 75 characters. */
static void line_append(struct buffer *mail, const char *name, const char *value)
{
    struct slice rest = slice_from_string(value == NULL ? "" : value);
    bool plain = rest.size <= HEADER_TEXT_MAX;

    for (size_t i = 0; i < rest.size; i++)
        plain = plain && rest.data[i] >= ' ' && rest.data[i] < 0x7f;
    buffer_append_format(mail, "%s: ", name);
    if (plain)
        buffer_append_slice(mail, rest);
    for (bool first = true; !plain && rest.size > 0; first = false) {
        size_t size = rest.size < WORD_BYTES_MAX ? rest.size : WORD_BYTES_MAX;

        while (size < rest.size && size > 1 && (rest.data[size] & 0xc0) == 0x80) /* not inside of a character */
            size--;
        buffer_append_string(mail, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_append(mail, slice_of(rest.data, size), BASE64_STANDARD);
        buffer_append_string(mail, "?=");
        rest = slice_from(rest, size);
    }
    buffer_append_string(mail, "\r\n");
}

static void body_write(const struct alert *alert, struct buffer *body)
{
    buffer_append_format(body, "%s%s\r\n\r\n", alert->closed ? "Over: " : "", alert->title == NULL ? "" : alert->title);
    if (alert->todo != NULL) {
        buffer_append_format(body, "%s\r\nDo: %s\r\n\r\nAlert %s (%s)\r\n", alert->why == NULL ? "" : alert->why, alert->todo, alert->id, alert->rule == NULL ? "" : alert->rule);
        return;
    }
    for (size_t i = 0; i < alert->condition_count; i++)
        buffer_append_format(body, "%s: %s, limit %s%s\r\n", alert->conditions[i].text == NULL ? "" : alert->conditions[i].text,
                             alert->conditions[i].was == NULL ? "" : alert->conditions[i].was, alert->conditions[i].limit == NULL ? "" : alert->conditions[i].limit,
                             alert->conditions[i].held ? "" : " (not reached)");
    buffer_append_format(body, "\r\nAlert %s of agent %s, rule %s, version %d\r\nTopic %s, partition %d, offset %lld\r\n%s\r\n", alert->id, alert->agent,
                         alert->rule == NULL ? "" : alert->rule, alert->rule_version, alert->topic == NULL ? "" : alert->topic, alert->partition,
                         (long long)alert->offset, alert->row == NULL ? "" : alert->row);
}

static void mail_write(struct smtp *sink, const struct delivery *delivery)
{
    const struct alert *alert = delivery->alert;
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm parts;
    char date[64], id[200];
    struct buffer body;

    (void)gmtime_r(&now, &parts);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &parts);
    (void)snprintf(id, sizeof(id), "<%s@tailrace>", alert->id);
    buffer_reset(&sink->mail);
    line_append(&sink->mail, "Date", date);
    line_append(&sink->mail, "From", sink->from);
    line_append(&sink->mail, "To", sink->to);
    line_append(&sink->mail, "Message-ID", id);
    buffer_init(&body, MAIL_BYTES_MAX / 2);
    if (alert->closed)
        buffer_append_string(&body, "Over: ");
    buffer_append_string(&body, alert->title == NULL ? "" : alert->title);
    buffer_append_u8(&body, '\0');
    line_append(&sink->mail, "Subject", body.failed ? "" : (const char *)body.data);
    buffer_append_string(&sink->mail, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    buffer_reset(&body);
    body_write(alert, &body);
    for (struct slice rest = buffer_slice(&body); rest.size > 0;) { /* rows may have longer lines than mail may */
        size_t size = rest.size < LINE_BYTES_MAX ? rest.size : LINE_BYTES_MAX;

        base64_append(&sink->mail, slice_of(rest.data, size), BASE64_STANDARD);
        buffer_append_string(&sink->mail, "\r\n");
        rest = slice_from(rest, size);
    }
    buffer_finish(&body);
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

static enum status send_one(struct smtp *sink, struct delivery *delivery, struct error *error)
{
    int64_t began_ns = clock_monotonic_ns();
    long code = 0;
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
    (void)curl_easy_setopt(sink->handle, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    result = curl_easy_perform(sink->handle);
    (void)curl_easy_getinfo(sink->handle, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(to);
    memory_free(from);
    delivery->took_us = (clock_monotonic_ns() - began_ns) / 1000;
    if (result == CURLE_OK)
        (void)snprintf(delivery->answer, sizeof(delivery->answer), "%ld", code);
    return http_failure(result, sink->name, error);
}

static enum status deliver(void *context, struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    enum status status = OK;

    for (*delivered = 0; *delivered < count && status == OK; *delivered += status == OK)
        status = send_one(context, &deliveries[*delivered], error);
    return status;
}

static const char *const keys[] = {"url", "sender", "to", "user", "password", "ca.file", "timeout.ms", NULL};

const struct sink_kind sink_smtp = {"smtp", keys, create, destroy, deliver};
