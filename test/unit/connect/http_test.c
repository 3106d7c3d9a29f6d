#include "connect/http.h"

#include "check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    response->status = 200;
    buffer_append_format(&response->body, "%s %.*s %.*s %zu", request->method, (int)request->path.size, (const char *)request->path.data,
                         (int)request->query.size, (const char *)request->query.data, request->body.size);
}

static struct http_server *server_create(void)
{
    struct http_settings settings = {.listener = "127.0.0.1:0", .hosts = "proxy.example, ", .handle = say};
    struct http_server *server;
    struct error error;

    assert_int_equal(http_listen(&settings, &server, &error), OK);
    assert_int_equal(http_serve(server, &error), OK);
    return server;
}

/* Sends bytes and reads until the server closes. */
static const char *exchange(const struct http_server *server, const char *request)
{
    static char answer[65536];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = 0;
    ssize_t got;

    address.sin_port = htons((uint16_t)strtol(strrchr(http_listener(server), ':') + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while ((got = recv(fd, answer + size, sizeof(answer) - 1 - size, 0)) > 0)
        size += (size_t)got;
    answer[size] = '\0';
    (void)close(fd);
    return answer;
}

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

TEST(only_names_of_this_server_may_stand_in_the_host_header)
{
    static const struct {
        const char *host;
        bool ours;
    } hosts[] = {{"localhost", true},
                 {"LOCALHOST:8083", true},
                 {"127.0.0.1:1", true},
                 {"[::1]:8083", true},
                 {"192.168.1.5", true},
                 {"connect:8083", true},
                 {"proxy.example", true},
                 {"second.example:80", true},
                 {"evil.example", false},
                 {"", false},
                 {":8083", false},
                 {"localhost.evil.example", false},
                 {"127.0.0.1.evil.io", false},
                 {"[evil]", false},
                 {"[::1", false},
                 {"proxy.example.evil", false}};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (http_host_is_ours(hosts[i].host, "connect", "proxy.example, second.example") != hosts[i].ours)
            fail_msg("%s", hosts[i].host);
    }
}

TEST(foreign_hosts_and_origins_are_refused)
{
    struct http_server *server = server_create();

    assert_true(starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), "HTTP/1.1 421 Misdirected Request\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n"),
                    "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nConnection: close\r\n\r\n"),
                            "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nConnection: close\r\n\r\n"),
                    "HTTP/1.1 200 OK\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:3000\r\nConnection: close\r\n\r\n"),
                    "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://203.0.113.9\r\nConnection: close\r\n\r\n"),
                    "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(
        starts_with(exchange(server, "POST / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-site\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                    "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(
        starts_with(exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n"), "HTTP/1.1 200 OK\r\n"));
    http_stop(server);
}

TEST(paths_reach_the_handler_as_they_came)
{
    struct http_server *server = server_create();

    assert_non_null(
        strstr(exchange(server, "PATCH /a%2Fb//c?x=%20&y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
               "\r\n\r\nPATCH /a%2Fb//c x=%20&y 3"));
    assert_non_null(strstr(exchange(server, "GET http://localhost/a?b#c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                           "\r\n\r\nGET /a b 0"));
    http_stop(server);
}

TEST(a_body_that_is_far_too_long_is_refused_before_it_is_sent)
{
    struct http_server *server = server_create();
    const char *answer = exchange(server, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nConnection: close\r\n\r\n");

    assert_true(starts_with(answer, "HTTP/1.1 413 Payload Too Large\r\n"));
    assert_non_null(strstr(answer, "The request body is longer than 1048576 bytes"));
    http_stop(server);
}

TEST(a_port_in_use_names_the_port_and_the_setting)
{
    struct http_server *server = server_create();
    struct http_settings settings = {.listener = http_listener(server), .handle = say};
    struct http_server *second = NULL;
    struct error error;

    assert_int_equal(http_listen(&settings, &second, &error), ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, strrchr(http_listener(server), ':') + 1));
    assert_non_null(strstr(error.message, "rest.port"));
    http_stop(server);
    settings.listener = "nonsense";
    assert_int_equal(http_listen(&settings, &second, &error), ERROR_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_this_server_may_stand_in_the_host_header),
        cmocka_unit_test(foreign_hosts_and_origins_are_refused),
        cmocka_unit_test(paths_reach_the_handler_as_they_came),
        cmocka_unit_test(a_body_that_is_far_too_long_is_refused_before_it_is_sent),
        cmocka_unit_test(a_port_in_use_names_the_port_and_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
