#include "server/data_directory.h"

#include "check.h"
#include "os/thread.h"
#include "os/tree.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error error;
static char root[] = "/tmp/tailrace-data-XXXXXX";

static void answer_reversed(void *context, const char *question, struct buffer *text)
{
    (void)context;
    for (size_t at = strlen(question); at > 0; at--)
        buffer_append_u8(text, (uint8_t)question[at - 1]);
}

static void serve_one(void *context)
{
    struct pollfd asked = {.fd = data_directory_control_fd(context), .events = POLLIN};

    if (poll(&asked, 1, 10000) == 1)
        data_directory_serve(context, answer_reversed, NULL);
}

TEST(a_second_program_is_refused_by_the_first_ones_process_id)
{
    struct data_directory *first = NULL, *second = NULL;
    char path[128], expected[512];

    (void)snprintf(path, sizeof(path), "%s/a/b", root);
    assert_int_equal(data_directory_open(path, &first, &error), OK);
    assert_int_equal(data_directory_claim(first, &error), OK);
    assert_int_equal(data_directory_owner(path), getpid());
    assert_int_equal(data_directory_open(path, &second, &error), ERROR_CONFLICT);
    (void)snprintf(expected, sizeof(expected),
                   "tailrace runs already on data directory %s (process %d); stop it with \"tailrace down\" or choose another --data-dir",
                   path, (int)getpid());
    assert_string_equal(error.message, expected);
    data_directory_close(first);
    assert_int_equal(data_directory_owner(path), 0);
    assert_int_equal(data_directory_open(path, &second, &error), OK);
    data_directory_close(second);
}

TEST(questions_are_answered_also_under_a_path_too_long_for_a_socket)
{
    struct data_directory *directory = NULL;
    struct thread *server = NULL;
    struct buffer answer;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%0200d", root, 0);
    buffer_init(&answer, 1024);
    assert_int_equal(data_directory_ask(path, "status", &answer, &error), ERROR_NOT_FOUND);
    assert_int_equal(data_directory_open(path, &directory, &error), OK);
    assert_int_equal(data_directory_claim(directory, &error), OK);
    assert_int_equal(thread_start(&server, "serve", serve_one, directory, &error), OK);
    if (data_directory_ask(path, "status", &answer, &error) != OK)
        fail_msg("%s", error.message);
    thread_join(server);
    assert_true(slice_equal_string(buffer_slice(&answer), "sutats"));
    buffer_finish(&answer);
    data_directory_close(directory);
}

TEST(a_directory_that_cannot_be_made_is_named)
{
    struct data_directory *directory = NULL;

    assert_int_equal(data_directory_open("/proc/nothing", &directory, &error), ERROR_DISK);
    assert_string_equal(error.message, "data directory /proc/nothing: No such file or directory");
}

static int root_make(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int root_remove(void **state)
{
    (void)state;
    return tree_remove(root, &error) == OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_program_is_refused_by_the_first_ones_process_id),
        cmocka_unit_test(questions_are_answered_also_under_a_path_too_long_for_a_socket),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, root_make, root_remove);
}
