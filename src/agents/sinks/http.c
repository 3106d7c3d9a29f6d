#include "agents/sinks/http.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int progress(void *context, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
    const struct stop *stop = context;

    (void)down, (void)down_now, (void)up, (void)up_now;
    return stop->asked; /* anything but 0 ends it */
}

CURL *http_handle_create(int64_t timeout_ms, const char *ca_file, const struct stop *stop)
{
    CURL *handle;

    (void)pthread_once(&once, init);
    handle = curl_easy_init();
    if (handle == NULL)
        memory_exhausted(0);
    (void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
    (void)curl_easy_setopt(handle, CURLOPT_XFERINFODATA, (void *)(uintptr_t)stop);
    (void)curl_easy_setopt(handle, CURLOPT_USERAGENT, "tailrace/" TAILRACE_VERSION);
    if (ca_file != NULL)
        (void)curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file);
    return handle;
}

enum status http_failure(CURLcode code, const char *what, struct error *error)
{
    if (code == CURLE_OK)
        return OK;
    return error_set(error, ERROR_UNAVAILABLE, "%s: %s%s", what, curl_easy_strerror(code),
                     code == CURLE_PEER_FAILED_VERIFICATION ? "; where an authority of your own signed its certificate, name that one's file in setting ca.file" : "");
}

enum status http_timeout_read(const struct properties *settings, int64_t *timeout_ms, struct error *error)
{
    const char *text = properties_get(settings, "timeout.ms");

    *timeout_ms = 5000;
    if (text != NULL && (!text_parse_int64(slice_from_string(text), timeout_ms) || *timeout_ms < 100 || *timeout_ms > 60000))
        return error_set(error, ERROR_BAD_INPUT, "setting timeout.ms=%s: it has to be a whole number from 100 to 60000", text);
    return OK;
}

void http_receiver_name(const char *url, char name[200])
{
    const char *host = strstr(url, "://");
    const char *at, *end;

    host = host == NULL ? url : host + 3;
    end = host + strcspn(host, "/?#");
    at = memchr(host, '@', (size_t)(end - host));
    (void)snprintf(name, 200, "%.*s%.*s", (int)(host - url), url, (int)(end - (at == NULL ? host : at + 1)), at == NULL ? host : at + 1);
}
