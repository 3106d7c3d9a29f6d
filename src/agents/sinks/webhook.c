/*
 * agents/sinks/webhook.c: an HTTP POST per alert.
 *
 *   url         (required)
 *   template    json (the alert as it is; default), slack, alertmanager
 *   secret      signs the body: X-Tailrace-Signature: sha256=<HMAC-SHA-256 in hexadecimal> over "<timestamp>.<body>"
 *   header      one more, as "Name: value"
 *   timeout.ms  of one try; default 5000
 *
 * Every request has X-Tailrace-Alert (the id, the same again when it is sent again) and X-Tailrace-Timestamp (seconds).
 * Where the row's record had a trace context (traceparent, tracestate), the request has it too.
 * 2xx is delivered; anything else is tried again, but 400, 413 and 422 three times only: a receiver that refuses one alert
 * for good must not hold up the others.
 */
#include "agents/sink.h"
#include "agents/sinks/http.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/text.h"
#include "wire/kafka/trace_context.h"

#include <openssl/hmac.h>
#include <time.h>

#define LOG_SUBSYSTEM "sinks"
#define REFUSALS_MAX 3

struct webhook {
    char *url, *secret, *header;
    char name[200];
    const struct template *template;
    CURL *handle;
    struct buffer body;
    char refused[24]; /* id of the alert that the receiver refused last */
    int refusals;
};

/* ---- Templates ---- */

static void body_json(const struct delivery *delivery, struct buffer *body)
{
    buffer_append_slice(body, delivery->json);
}

static void text_append(struct buffer *body, const char *text)
{
    json_append_string(body, slice_from_string(text == NULL ? "" : text));
}

static bool severity_is(const struct alert *alert, const char *severity)
{
    return alert->severity != NULL && strcmp(alert->severity, severity) == 0;
}

static void body_slack(const struct delivery *delivery, struct buffer *body)
{
    const struct alert *alert = delivery->alert;
    const char *mark = alert->closed ? ":white_check_mark: Over:" : severity_is(alert, "crit") ? ":rotating_light:" : severity_is(alert, "warn") ? ":warning:" : ":information_source:";
    const char *title = alert->title == NULL ? "" : alert->title, *rule = alert->rule == NULL ? "" : alert->rule;
    char *text = alert->todo != NULL ? memory_format("%s %s\n%s\n*Do:* %s (%s; alert %s)", mark, title, alert->why == NULL ? "" : alert->why, alert->todo, rule, alert->id)
                                     : memory_format("%s %s (rule %s, version %d; alert %s)", mark, title, rule, alert->rule_version, alert->id);
    struct buffer escaped; /* Slack reads links and mentions between < and > */

    buffer_init(&escaped, (size_t)1 << 20);
    for (const char *at = text; *at != '\0'; at++)
        buffer_append_string(&escaped, *at == '&' ? "&amp;" : *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : (const char[]){*at, '\0'});
    buffer_append_string(body, "{\"text\":");
    json_append_string(body, buffer_slice(&escaped));
    buffer_append_u8(body, '}');
    buffer_finish(&escaped);
    memory_free(text);
}

/* Prometheus' Alertmanager, POST /api/v2/alerts. */
static void body_alertmanager(const struct delivery *delivery, struct buffer *body)
{
    const struct alert *alert = delivery->alert;
    time_t seconds = (time_t)(alert->scored_us / US_PER_SECOND);
    struct tm parts;
    char text[32];

    buffer_append_string(body, "[{\"labels\":{\"alertname\":");
    text_append(body, alert->rule);
    buffer_append_string(body, ",\"agent\":");
    text_append(body, alert->agent);
    buffer_append_string(body, ",\"severity\":");
    text_append(body, severity_is(alert, "crit") ? "critical" : severity_is(alert, "warn") ? "warning" : "info");
    buffer_append_string(body, ",\"subject\":");
    text_append(body, alert->subject);
    buffer_append_string(body, ",\"alert_id\":");
    text_append(body, alert->id);
    buffer_append_string(body, "},\"annotations\":{\"summary\":");
    text_append(body, alert->title);
    if (alert->todo != NULL) {
        buffer_append_string(body, ",\"description\":");
        text_append(body, alert->why);
        buffer_append_string(body, ",\"todo\":");
        text_append(body, alert->todo);
    }
    buffer_append_u8(body, '}');
    /* One that could not be delivered for long began when it was raised. */
    if (gmtime_r(&seconds, &parts) != NULL && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
        buffer_append_format(body, ",\"%s\":\"%s\"", alert->closed ? "endsAt" : "startsAt", text);
    buffer_append_string(body, "}]");
}

static const struct template {
    const char *name;
    void (*write)(const struct delivery *delivery, struct buffer *body);
} templates[] = {{"json", body_json}, {"slack", body_slack}, {"alertmanager", body_alertmanager}};

/* ---- Life ---- */

static enum status template_find(const char *name, const struct template **found, struct error *error)
{
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        if (name == NULL || strcmp(name, templates[i].name) == 0) {
            *found = &templates[i];
            return OK;
        }
    }
    return error_set(error, ERROR_BAD_INPUT, "setting template=%s: it has to be json, slack or alertmanager", name);
}

static enum status create(const struct properties *settings, const struct stop *stop, void **created, struct error *error)
{
    struct webhook *sink = memory_new(sizeof(*sink));
    int64_t timeout_ms;
    enum status status;

    *created = sink;
    sink->url = memory_copy_string(properties_get(settings, "url"));
    sink->secret = memory_copy_string(properties_get(settings, "secret"));
    sink->header = memory_copy_string(properties_get(settings, "header"));
    buffer_init(&sink->body, 1 << 20);
    if (sink->url == NULL || (strncmp(sink->url, "http://", 7) != 0 && strncmp(sink->url, "https://", 8) != 0))
        return error_set(error, ERROR_BAD_INPUT, "setting url has to be an http:// or https:// address");
    if (sink->header != NULL && (strchr(sink->header, ':') == NULL || strpbrk(sink->header, "\r\n") != NULL))
        return error_set(error, ERROR_BAD_INPUT, "setting header has to be of the form \"Name: value\"");
    http_receiver_name(sink->url, sink->name);
    status = template_find(properties_get(settings, "template"), &sink->template, error);
    if (status == OK)
        status = http_timeout_read(settings, &timeout_ms, error);
    if (status == OK)
        sink->handle = http_handle_create(timeout_ms, properties_get(settings, "ca.file"), stop);
    return status;
}

static void destroy(void *context)
{
    struct webhook *sink = context;

    if (sink->handle != NULL)
        curl_easy_cleanup(sink->handle);
    memory_free(sink->url);
    memory_free(sink->secret);
    memory_free(sink->header);
    buffer_finish(&sink->body);
    memory_free(sink);
}

/* ---- Delivering ---- */

static size_t answer_drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static void signature_write(const struct webhook *sink, int64_t seconds, char text[100])
{
    char *signed_text = memory_format("%lld.%.*s", (long long)seconds, (int)sink->body.size, (const char *)sink->body.data);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    size_t at;

    (void)HMAC(EVP_sha256(), sink->secret, (int)strlen(sink->secret), (const unsigned char *)signed_text, strlen(signed_text), mac, &size);
    at = (size_t)snprintf(text, 100, "X-Tailrace-Signature: sha256=");
    for (unsigned int i = 0; i < size; i++)
        at += (size_t)snprintf(text + at, 100 - at, "%02x", mac[i]);
    memory_free(signed_text);
}

static struct curl_slist *trace_append(struct curl_slist *headers, const struct alert *alert)
{
    struct trace_context trace = trace_context_check(alert->traceparent == NULL ? slice_null() : slice_from_string(alert->traceparent),
                                                     alert->tracestate == NULL ? slice_null() : slice_from_string(alert->tracestate));
    char text[TRACESTATE_BYTES_MAX + 20];

    if (!slice_is_null(trace.parent)) {
        (void)snprintf(text, sizeof(text), "traceparent: %.*s", (int)trace.parent.size, (const char *)trace.parent.data);
        headers = curl_slist_append(headers, text);
    }
    if (!slice_is_null(trace.state)) {
        (void)snprintf(text, sizeof(text), "tracestate: %.*s", (int)trace.state.size, (const char *)trace.state.data);
        headers = curl_slist_append(headers, text);
    }
    return headers;
}

static struct curl_slist *headers_make(const struct webhook *sink, const struct delivery *delivery)
{
    int64_t seconds = clock_now_ms() / 1000;
    char text[160];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    (void)snprintf(text, sizeof(text), "X-Tailrace-Alert: %.100s", delivery->id);
    headers = curl_slist_append(headers, text);
    (void)snprintf(text, sizeof(text), "X-Tailrace-Timestamp: %lld", (long long)seconds);
    headers = curl_slist_append(headers, text);
    if (sink->secret != NULL) {
        signature_write(sink, seconds, text);
        headers = curl_slist_append(headers, text);
    }
    headers = trace_append(headers, delivery->alert);
    return sink->header == NULL ? headers : curl_slist_append(headers, sink->header);
}

/* Has the receiver refused this one so often that it is left out? */
static bool gives_up(struct webhook *sink, const char *id, long code)
{
    if (code != 400 && code != 413 && code != 422)
        return false;
    if (strcmp(sink->refused, id) != 0)
        sink->refusals = 0;
    (void)snprintf(sink->refused, sizeof(sink->refused), "%s", id);
    if (++sink->refusals < REFUSALS_MAX)
        return false;
    LOG_ERROR("%s refused alert %s with %ld, %d times; it is left out", sink->name, id, code, REFUSALS_MAX);
    return true;
}

static enum status post(struct webhook *sink, struct delivery *delivery, struct error *error)
{
    struct curl_slist *headers;
    CURLcode result;
    int64_t began_ns = clock_monotonic_ns();
    long code = 0;
    enum status status;

    buffer_reset(&sink->body);
    sink->template->write(delivery, &sink->body);
    headers = headers_make(sink, delivery);
    (void)curl_easy_setopt(sink->handle, CURLOPT_URL, sink->url);
    (void)curl_easy_setopt(sink->handle, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(sink->handle, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(sink->handle, CURLOPT_POSTFIELDS, sink->body.data);
    (void)curl_easy_setopt(sink->handle, CURLOPT_POSTFIELDSIZE, (long)sink->body.size);
    (void)curl_easy_setopt(sink->handle, CURLOPT_WRITEFUNCTION, answer_drop);
    result = curl_easy_perform(sink->handle);
    (void)curl_easy_getinfo(sink->handle, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(headers);
    status = http_failure(result, sink->name, error);
    delivery->took_us = (clock_monotonic_ns() - began_ns) / 1000;
    if (status != OK)
        return status;
    (void)snprintf(delivery->answer, sizeof(delivery->answer), "%ld", code);
    if (code < 200 || code > 299) {
        delivery->refused = gives_up(sink, delivery->id, code);
        if (!delivery->refused)
            status = error_set(error, ERROR_UNAVAILABLE, "%s answered %ld", sink->name, code);
    }
    return status;
}

static enum status deliver(void *context, struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    enum status status = OK;

    for (*delivered = 0; *delivered < count && status == OK; *delivered += status == OK)
        status = post(context, &deliveries[*delivered], error);
    return status;
}

static const char *const keys[] = {"url", "template", "secret", "header", "ca.file", "timeout.ms", NULL};

const struct sink_kind sink_webhook = {"webhook", keys, create, destroy, deliver};
