#include "server/ports.h"

#include "check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error error;

static void parses(const char *text, const char *expected_host, int expected_port)
{
    char host[HOST_BYTES_MAX];
    int port = -1;

    assert_true(listener_parse(slice_from_string(text), host, &port));
    assert_string_equal(host, expected_host);
    assert_int_equal(port, expected_port);
}

TEST(listeners_are_taken_apart)
{
    char host[HOST_BYTES_MAX];
    int port;

    parses("127.0.0.1:9092", "127.0.0.1", 9092);
    parses("PLAINTEXT://broker.example:19092", "broker.example", 19092);
    parses("[::1]:0", "::1", 0);
    parses(":9092", "", 9092);
    assert_false(listener_parse(slice_from_string("localhost"), host, &port));
    assert_false(listener_parse(slice_from_string("localhost:"), host, &port));
    assert_false(listener_parse(slice_from_string("localhost:65536"), host, &port));
    assert_false(listener_parse(slice_from_string(""), host, &port));
}

TEST(a_port_in_use_is_named_with_its_setting)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char expected[256];
    int port;

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    assert_int_equal(port_check("127.0.0.1", port, "rest.port", &error), ERROR_UNAVAILABLE);
    (void)snprintf(expected, sizeof(expected),
                   "port %d on 127.0.0.1 is in use by another program (setting rest.port); \"ss -ltnp sport = :%d\" shows by which, "
                   "\"--set rest.port=…\" chooses another",
                   port, port);
    assert_string_equal(error.message, expected);
    (void)close(fd);
    assert_int_equal(port_check("127.0.0.1", port, "rest.port", &error), OK);
    assert_int_equal(port_check("not an address", 1, "rest.host.name", &error), ERROR_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_are_taken_apart),
        cmocka_unit_test(a_port_in_use_is_named_with_its_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
