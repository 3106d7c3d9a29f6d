"""make demo, on other ports, on a data directory of the test's own, with the program that is tested."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

import harness
from harness import wait_until

DEMO = harness.ROOT / "make" / "demo"


@pytest.fixture
def demo(tmp_path):
    ports = [harness.free_port() for _ in range(5)]
    environment = dict(os.environ, DEMO_BUILD=str(harness.build_directory()), DEMO_DATA=str(tmp_path / "demo"),
                       DEMO_SET=f"listeners=127.0.0.1:{ports[0]},127.0.0.1:{ports[1]} rest.port={ports[2]} console.port={ports[3]} "
                                f"postgres.port={ports[4]}")
    running = []

    def start(until="Ctrl-C stops everything"):
        output = open(tmp_path / f"output{len(running)}", "wb")
        # As from a terminal: a process group of its own that Ctrl-C reaches, with signals as they are there.
        process = subprocess.Popen([str(DEMO)], stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        process.shown = lambda: (tmp_path / f"output{running.index(process)}").read_text()
        process.ports = ports
        running.append(process)
        wait_until(lambda: until in process.shown() or process.poll() is not None, 120, "the demo being up")
        assert process.poll() is None, process.shown()
        return process

    def command(word):
        return subprocess.run([str(DEMO), word], capture_output=True, text=True, env=environment, timeout=60)

    yield start, command
    command("clean")
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def readme_connector():
    return json.loads(re.search(r"-d '(\{.*?\}\})'", (harness.ROOT / "README.md").read_text(), re.S).group(1))


def test_rows_are_shown_decoded_and_ctrl_c_stops_everything(demo, tmp_path):
    start, command = demo
    process = start()
    rows = re.findall(r"^(READ|INSERT) +id=\d+ user_id=\d+ amount=\d+\.\d\d merchant=", process.shown(), re.M)
    wait_until(lambda: re.search(r"^ALERT  User \d+ (spent|scored) ", process.shown(), re.M), 60, "an alert by webhook")
    assert rows.count("READ") == 6 and rows.count("INSERT") == 6
    for port in process.ports:
        assert str(port) in process.shown()
    # What the README's connector captures is there: its JSON is pasted into the console, and that must do.
    preflight = harness.http("POST", f"http://127.0.0.1:{process.ports[3]}/api/v1/preflight", readme_connector(), headers={"X-Tailrace": "1"}).json()
    assert preflight["errors"] == 0 and [table["table"] for table in preflight["tables"]] == ["public.activity"]
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    assert "Stopping..." in process.shown()
    with pytest.raises(OSError):
        harness.http("GET", f"http://127.0.0.1:{process.ports[3]}/healthz")
    # Again: with the data that is there; and stopped from elsewhere.
    again = start()
    assert "goes on where it was" in again.shown()
    assert "INSERT" in again.shown()
    assert command("stop").returncode == 0
    again.wait(30)
    assert command("clean").returncode == 0
    assert not (tmp_path / "demo").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_running(demo):
    start, _ = demo
    process = start(until="Starting PostgreSQL")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert "Stopping..." in process.shown() and "Transactions go on" not in process.shown()
    for port in process.ports:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))

