"""tailrace up, down, status, settings: starting, being refused, stopping."""
import os
import signal
import socket
import subprocess
import time

import harness


def listening_socket():
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", harness.free_port()))
    taken.listen()
    return taken


def test_every_listener_is_printed_before_ready(tailrace):
    lines = tailrace.log.splitlines()
    assert f"Kafka protocol    127.0.0.1:{tailrace.kafka_port}" in lines
    assert f"Kafka protocol    127.0.0.1:{tailrace.second_kafka_port}" in lines
    assert f"Connect REST      http://127.0.0.1:{tailrace.rest_port}" in lines
    assert f"Console           http://127.0.0.1:{tailrace.console_port}" in lines
    assert lines[-1] == "tailrace is ready"


def test_sigterm_stops_within_five_seconds_and_leaves_no_lock(tailrace):
    tailrace.process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert tailrace.process.wait(10) == 0
    assert time.monotonic() - started < 5
    assert not (tailrace.data / "tailrace.pid").exists()
    assert not (tailrace.data / "control.sock").exists()
    tailrace.start()


def test_ctrl_c_stops_too(tailrace):
    tailrace.process.send_signal(signal.SIGINT)
    assert tailrace.process.wait(10) == 0


def test_a_port_in_use_is_named_with_its_setting_and_nothing_is_left(tailrace_factory, tmp_path):
    for setting in ("listeners", "rest.port", "console.port"):
        program = tailrace_factory(start=False)
        with listening_socket() as taken:
            port = taken.getsockname()[1]
            program.settings[setting] = f"127.0.0.1:{port}" if setting == "listeners" else port
            done = subprocess.run(program.command(), capture_output=True, text=True, timeout=20)
        assert done.returncode == 1
        assert f"setting {setting}: listen on 127.0.0.1:{port}: Address already in use" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not program.data.exists()


def test_a_second_program_on_the_same_data_is_refused(tailrace, tailrace_factory):
    second = tailrace_factory(start=False)
    second.data = tailrace.data
    done = subprocess.run(second.command(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert f"(process {tailrace.process.pid})" in done.stderr
    assert tailrace.process.poll() is None


def test_wrong_settings_name_what_is_wrong(tailrace_factory, tmp_path):
    program = tailrace_factory(start=False)

    def refused(*arguments):
        done = program.run("tailrace", "up", "--data-dir", program.data, *arguments, timeout=20)
        assert not program.data.exists()
        return done.returncode, done.stderr

    assert refused("--set", "log.segmnt.bytes=1") == (
        1, 'tailrace: --set: there is no setting "log.segmnt.bytes"; did you mean "log.segment.bytes"?\n')
    config = tmp_path / "server.properties"
    config.write_text("# ours\nnum.partitions=0\n")
    assert refused("--config", config) == (
        1, f"tailrace: {config} line 2: num.partitions=0 is out of range: 1 to 100000 partitions\n")
    code, text = refused("--frob")
    assert code == 2 and "--frob" in text
    assert refused("--set", "listeners=nonsense")[0] == 1


def test_settings_print_what_reads_back(tailrace_factory, tmp_path):
    program = tailrace_factory(start=False)
    printed = program.run("tailrace", "settings", "--set", "num.partitions=7", check=True).stdout
    assert "num.partitions=7\n" in printed
    config = tmp_path / "printed.properties"
    config.write_text(printed)
    again = program.run("tailrace", "settings", "--config", config, check=True).stdout
    assert again == printed


def test_a_properties_file_of_kafka_is_taken_over(tailrace_factory, tmp_path):
    config = tmp_path / "server.properties"
    config.write_text("process.roles=broker,controller\nnode.id=1\nnum.network.threads=3\nnum.io.threads=8\nlog.dirs=/tmp/kraft-combined-logs\n"
                      "num.partitions=3\nlog.retention.hours=168\nlog.segment.bytes=1073741824\n")
    program = tailrace_factory(arguments=["--config", config])
    assert "log.dirs has no effect here: data.dir says where data lies" in program.log
    assert program.run("kafka-topics", "--bootstrap-server", program.bootstrap, "--create", "--topic", "t").returncode == 0
    assert "PartitionCount: 3" in program.run("kafka-topics", "--bootstrap-server", program.bootstrap, "--describe", "--topic", "t").stdout


def test_detached_it_returns_when_ready_and_down_stops_it(tailrace_factory):
    program = tailrace_factory(start=False)
    command = program.command() + ["--detach"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    try:
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "tailrace is ready"
        assert (program.data / "tailrace.log").exists()
        status = program.run("tailrace", "status", "--data-dir", program.data, check=True).stdout
        assert str(program.data) in status
        again = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert again.returncode == 1 and "runs already" in again.stderr
    finally:
        down = program.run("tailrace", "down", "--data-dir", program.data)
    assert down.returncode == 0
    assert program.run("tailrace", "down", "--data-dir", program.data).returncode == 1
    assert program.run("tailrace", "status", "--data-dir", program.data).returncode == 3


def test_detached_a_failure_is_reported_where_it_was_typed(tailrace_factory):
    program = tailrace_factory(start=False)
    program.data.mkdir()
    (program.data / "log").write_text("in the way")
    done = subprocess.run(program.command() + ["--detach"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "tailrace: " in done.stdout + done.stderr
    assert program.run("tailrace", "status", "--data-dir", program.data).returncode == 3


def test_a_killed_program_leaves_a_directory_that_starts_again(tailrace):
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--create", "--topic", "kept", check=True)
    tailrace.kill9()
    assert "does not run" in tailrace.run("tailrace", "status", "--data-dir", tailrace.data).stderr
    tailrace.start()
    assert "kept" in tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--list", check=True).stdout


def test_commands_and_usage():
    program = harness.build_directory() / "tailrace"

    def run(*arguments):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout, done.stderr

    assert run("--version")[1].startswith("tailrace ")
    assert run() == (2, "", 'tailrace: no command; "tailrace help" lists all, "tailrace up" starts everything\n')
    assert run("topcs")[0] == 2
    assert run("stauts") == (2, "", 'tailrace: there is no command "stauts"; did you mean "status"?\n')
    code, out, _ = run("help")
    assert code == 0 and "kafka-topics" in out and "  up " in out
    links = {name for name in os.listdir(program.parent / "bin")}
    assert {"kafka-topics", "kafka-topics.sh", "tailrace"} <= links
