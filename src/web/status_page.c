#include "web/status_page.h"

#include "base/banned.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Tailrace</title><style>"
    "body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}"
    "h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde3ea;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#a4161a}.good{color:#1a6b3c}code{font-size:.95em}"
    "@media(prefers-color-scheme:dark){body{background:#12181f;color:#dbe3ec}th,td{border-color:#2a3542}.bad{color:#ff8a80}.good{color:#"
    "7ddc9f}}"
    "</style></head><body>\n";

static void text_append(struct buffer *html, const char *text)
{
    for (const char *at = text == NULL ? "" : text; *at != '\0'; at++) {
        switch (*at) {
        case '<': buffer_append_string(html, "&lt;"); break;
        case '>': buffer_append_string(html, "&gt;"); break;
        case '&': buffer_append_string(html, "&amp;"); break;
        case '"': buffer_append_string(html, "&quot;"); break;
        default: buffer_append_u8(html, (uint8_t)*at);
        }
    }
}

static const char *member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static long long member_number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void cell_append(struct buffer *html, const char *text)
{
    buffer_append_string(html, "<td>");
    text_append(html, text);
    buffer_append_string(html, "</td>");
}

static void problems_render(const json_t *description, struct buffer *html)
{
    const json_t *problems = json_object_get(description, "problems"), *problem;
    size_t index;

    if (json_array_size(problems) == 0) {
        buffer_append_format(html, "<p class=\"good\">%s</p>\n",
                             json_is_true(json_object_get(description, "ready")) ? "Everything runs." : "Starting.");
        return;
    }
    json_array_foreach(problems, index, problem)
    {
        buffer_append_string(html, strcmp(member_text(problem, "severity"), "info") == 0 ? "<p><b>" : "<p><b class=\"bad\">");
        text_append(html, member_text(problem, "what"));
        buffer_append_string(html, "</b><br>");
        text_append(html, member_text(problem, "why"));
        buffer_append_string(html, "<br>Do: ");
        text_append(html, member_text(problem, "do"));
        buffer_append_string(html, "</p>\n");
    }
}

static void addresses_render(const json_t *description, struct buffer *html)
{
    const json_t *listeners = json_object_get(json_object_get(description, "broker"), "listeners"), *listener;
    const json_t *postgres = json_object_get(description, "postgres");
    size_t index;

    buffer_append_string(html, "<h2>Where</h2><table>\n");
    json_array_foreach(listeners, index, listener)
    {
        buffer_append_string(html, "<tr><td>Kafka protocol</td>");
        cell_append(html, json_string_value(listener));
        buffer_append_string(html, "</tr>\n");
    }
    buffer_append_string(html, "<tr><td>Connect REST</td>");
    cell_append(html, member_text(description, "rest"));
    buffer_append_string(html, "</tr>\n");
    if (json_is_object(postgres)) {
        buffer_append_string(html, "<tr><td>Private PostgreSQL</td><td>");
        text_append(html, member_text(postgres, "host"));
        buffer_append_format(html, ":%lld, ", member_number(postgres, "port"));
        text_append(html, member_text(postgres, "state"));
        buffer_append_string(html, "</td></tr>\n");
    }
    buffer_append_string(html, "<tr><td>Numbers</td><td><a href=\"/metrics\">/metrics</a> <a href=\"/healthz\">/healthz</a> "
                               "<a href=\"/readyz\">/readyz</a> <a href=\"/status.json\">/status.json</a></td></tr></table>\n");
}

static void connectors_render(const json_t *description, struct buffer *html)
{
    const json_t *connectors = json_object_get(description, "connectors"), *connector;
    size_t index;

    buffer_append_string(html, "<h2>Connectors</h2>\n");
    if (json_array_size(connectors) == 0) {
        buffer_append_string(html, "<p>None. POST a Debezium configuration to <code>/connectors</code> of the Connect REST address.</p>\n");
        return;
    }
    buffer_append_string(html, "<table><tr><th>name</th><th>state</th><th>doing</th><th class=\"n\">rows</th><th>trouble</th></tr>\n");
    json_array_foreach(connectors, index, connector)
    {
        const json_t *capture = json_object_get(connector, "capture");

        buffer_append_string(html, "<tr>");
        cell_append(html, member_text(connector, "name"));
        cell_append(html, member_text(connector, "state"));
        cell_append(html, member_text(capture, "state"));
        buffer_append_format(html, "<td class=\"n\">%lld</td>", member_number(capture, "rows"));
        cell_append(html, member_text(capture, "error"));
        buffer_append_string(html, "</tr>\n");
    }
    buffer_append_string(html, "</table>\n");
}

static void topics_render(const json_t *description, struct buffer *html)
{
    const json_t *topics = json_object_get(description, "topics"), *topic;
    size_t index;

    buffer_append_string(html, "<h2>Topics</h2><table><tr><th>name</th><th class=\"n\">partitions</th><th class=\"n\">records</th>"
                               "<th class=\"n\">bytes</th></tr>\n");
    json_array_foreach(topics, index, topic)
    {
        buffer_append_string(html, "<tr>");
        cell_append(html, member_text(topic, "name"));
        buffer_append_format(html, "<td class=\"n\">%lld</td><td class=\"n\">%lld</td><td class=\"n\">%lld</td></tr>\n",
                             member_number(topic, "partitions"), member_number(topic, "records"), member_number(topic, "bytes"));
    }
    buffer_append_string(html, "</table>\n");
}

void status_page_render(const json_t *description, struct buffer *html)
{
    buffer_append_string(html, head);
    buffer_append_string(html, "<h1>Tailrace ");
    text_append(html, member_text(description, "version"));
    buffer_append_string(html, "</h1>\n");
    problems_render(description, html);
    addresses_render(description, html);
    connectors_render(description, html);
    topics_render(description, html);
    buffer_append_string(html, "<p>This page renews itself every five seconds.</p></body></html>\n");
}
