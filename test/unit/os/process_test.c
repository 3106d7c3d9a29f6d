#include "os/process.h"

#include "check.h"

#include <signal.h>
#include <unistd.h>

static struct error error;

static enum status shell(const char *script, int output, struct process *started)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct process_spec spec = {.argv = argv, .output = output};

    return process_start(&spec, started, &error);
}

TEST(exit_codes_and_signals_are_told)
{
    struct process process;
    char ended[64];
    int code;

    assert_int_equal(shell("exit 3", -1, &process), OK);
    assert_true(process_wait(&process, 10000, &code, ended, sizeof(ended)));
    assert_int_equal(code, 3);
    assert_string_equal(ended, "exited with 3");

    assert_int_equal(shell("exec sleep 60", -1, &process), OK);
    assert_false(process_wait(&process, 0, &code, ended, sizeof(ended)));
    process_signal(&process, SIGKILL);
    assert_true(process_wait(&process, 10000, &code, ended, sizeof(ended)));
    assert_int_equal(code, 128 + SIGKILL);
    assert_string_equal(ended, "was ended by signal 9");
}

TEST(a_missing_program_is_an_error_not_a_child)
{
    const char *argv[] = {"/nonexistent/program", NULL};
    struct process_spec spec = {.argv = argv, .output = -1};
    struct process process;

    assert_int_equal(process_start(&spec, &process, &error), ERROR_NOT_FOUND);
    assert_string_equal(error.message, "start /nonexistent/program: No such file or directory");
    assert_int_equal(process.pid, 0);
}

TEST(a_child_has_its_own_session_no_blocked_signals_and_its_output_where_wanted)
{
    struct process process;
    int output[2], code;
    char text[64] = "";
    sigset_t blocked, before;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    assert_int_equal(pipe(output), 0);
    assert_int_equal(shell("echo $$ $(cut -d' ' -f6 /proc/self/stat); kill -TERM $$; exec sleep 60", output[1], &process), OK);
    (void)close(output[1]);
    assert_true(read(output[0], text, sizeof(text) - 1) > 0);
    (void)close(output[0]);
    {
        int pid = 0, session = 1;

        assert_int_equal(sscanf(text, "%d %d", &pid, &session), 2);
        assert_int_equal(pid, session);
        assert_int_equal(pid, process.pid);
    }
    assert_true(process_wait(&process, 10000, &code, NULL, 0));
    assert_int_equal(code, 128 + SIGTERM);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

TEST(an_adopted_process_can_be_watched_and_ended)
{
    struct process process, adopted;
    int code;

    assert_int_equal(shell("exec sleep 60", -1, &process), OK);
    assert_int_equal(process_adopt(process.pid, &adopted, &error), OK);
    assert_false(process_wait(&adopted, 0, &code, NULL, 0));
    process_signal(&adopted, SIGTERM);
    assert_true(process_wait(&adopted, 10000, &code, NULL, 0));
    assert_int_equal(code, -1);
    assert_true(process_wait(&process, 10000, &code, NULL, 0));
    assert_int_equal(process_adopt(1 << 22, &adopted, &error), ERROR_NOT_FOUND);
}

TEST(users_are_found_by_name)
{
    struct process_user user;

    assert_int_equal(process_user_find("root", &user, &error), OK);
    assert_int_equal(user.uid, 0);
    assert_int_equal(process_user_find("nobody-of-that-name", &user, &error), ERROR_NOT_FOUND);
    assert_string_equal(error.message, "there is no user \"nobody-of-that-name\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_and_signals_are_told),
        cmocka_unit_test(a_missing_program_is_an_error_not_a_child),
        cmocka_unit_test(a_child_has_its_own_session_no_blocked_signals_and_its_output_where_wanted),
        cmocka_unit_test(an_adopted_process_can_be_watched_and_ended),
        cmocka_unit_test(users_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
