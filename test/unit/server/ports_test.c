#include "server/ports.h"

#include "check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error error;

TEST(a_port_in_use_is_named_with_its_setting)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char expected[256];
    struct socket_address wanted = {.host = "127.0.0.1"};

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    wanted.port = ntohs(address.sin_port);
    assert_int_equal(port_check(&wanted, "rest.port", &error), ERROR_UNAVAILABLE);
    (void)snprintf(expected, sizeof(expected),
                   "setting rest.port: listen on 127.0.0.1:%d: Address already in use by process %d (server_ports_te); stop it, or choose another port "
                   "with \"--set rest.port=…\"",
                   wanted.port, (int)getpid());
    assert_string_equal(error.message, expected);
    (void)close(fd);
    assert_int_equal(port_check(&wanted, "rest.port", &error), OK);
    (void)snprintf(wanted.host, sizeof(wanted.host), "not an address");
    assert_int_equal(port_check(&wanted, "rest.host.name", &error), ERROR_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_in_use_is_named_with_its_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
