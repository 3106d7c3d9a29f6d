"""A PostgreSQL that hangs, as a stopped machine or a disk that does not answer makes it: its connections stay open and say nothing."""
import contextlib
import json
import os
import pathlib
import signal
import threading

import pytest

import harness
from agents_help import status_of
from capture_help import read_topic, topic_end, wait_caught_up
from console_help import Console


def processes(pid):
    """The process and all below it, parents first."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


class Hanging(harness.Postgres):
    """A server that can be made to stand still."""

    stood = ()

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)  # so that it starts no more
        self.stood = processes(self.process.pid)
        for pid in self.stood:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in reversed(self.stood):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.stood = ()

    def destroy(self):
        self.go_on()
        super().destroy()


@pytest.fixture
def server():
    hanging = Hanging()
    yield hanging
    hanging.destroy()


def problem(tailrace, problem_id):
    return next((p for p in Console(tailrace).get("/problems")["items"] if p["id"] == problem_id), None)


def text_of(rich):
    return "".join(piece if isinstance(piece, str) else piece.get("text") or piece.get("code") for piece in rich)


def connector(tailrace, name):
    return Console(tailrace).get(f"/connectors/{name}", "Connector")


def captured(server, tailrace, name):
    """A connector of this name on a database of this name with one row, caught up."""
    server.create_database(name)
    server.execute(name, "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a')")
    config = harness.connector_config(server, name)
    tailrace.create_connector(name, config)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{name}.public.t") == 1)
    wait_caught_up(server, config["slot.name"])
    harness.wait_until(lambda: connector(tailrace, name)["server_version"])  # it was looked at
    return config


def test_a_server_that_hangs_is_told_and_goes_on_where_it_was(server, postgres, database, tailrace):
    config = captured(server, tailrace, "shop")
    address = f"127.0.0.1:{server.port}"
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)")
    tailrace.create_connector("other", harness.connector_config(postgres, database))
    harness.wait_until(lambda: connector(tailrace, "other")["server_version"])
    stopping = threading.Event()
    rows = [1]

    def write():
        while not stopping.is_set():
            server.execute("shop", f"INSERT INTO t VALUES ({len(rows) + 1}, 'x')")
            rows.append(len(rows) + 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, "shop.public.t") > 20)
        server.hang()
        found = harness.wait_until(lambda: problem(tailrace, f"pg_silent:{address}"))
        assert found["severity"] == "crit" and found["title"] == f"PostgreSQL at {address} does not answer" and found["caused_by"] is None
        assert "no answer from PostgreSQL" in text_of(found["why"]) and found["lost"] == "nothing so far" and "goes on by itself" in found["todo"]
        item = harness.wait_until(lambda: (lambda c: c["state"] == "crit" and c)(connector(tailrace, "shop")))
        assert item["word"] == "Waiting for PostgreSQL" and "no answer from PostgreSQL for" in text_of(item["error"]["quote"]) and item["error"]["cause"] == "pg_silent"
        assert harness.wait_until(lambda: problem(tailrace, "pg_silent:shop"))["caused_by"] == f"pg_silent:{address}"
        status = tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data))
        assert f"PostgreSQL at {address} does not answer" in status.stdout and "Look at its machine" in status.stdout, status.stdout
        health = harness.http("GET", tailrace.console_url + "/healthz")
        assert health.status == 503 and f"PostgreSQL at {address} does not answer" in health.text
        verbose = harness.http("GET", tailrace.console_url + "/readyz?verbose")
        assert verbose.status == 200 and f"crit database: PostgreSQL at {address} does not answer" in verbose.text

        # What has nothing to do with it goes on: the other connector, and looks at its server.
        seen = connector(tailrace, "other")["positions"]["server"]
        postgres.execute(database, "INSERT INTO t SELECT generate_series(1, 100)")
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 100)
        harness.wait_until(lambda: connector(tailrace, "other")["positions"]["server"] > seen)
        assert connector(tailrace, "other")["state"] == "ok"

        # What has to ask it says so.
        console = Console(tailrace)
        assert "no answer from PostgreSQL" in str(console.change("POST", "/preflight", {"name": "shop", "config": config}, kind="Preflight")["checks"])
        server.go_on()
        harness.wait_until(lambda: problem(tailrace, f"pg_silent:{address}") is None and problem(tailrace, "pg_silent:shop") is None, 90)  # 30 s of good
        harness.wait_until(lambda: connector(tailrace, "shop")["state"] == "ok")
    finally:
        server.go_on()
        stopping.set()
        writer.join()
    wait_caught_up(server, config["slot.name"])
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, "shop.public.t") >= len(rows))
    assert [json.loads(key)["payload"]["id"] for _, key, _ in read_topic(tailrace.bootstrap, "shop.public.t")] == rows  # none lost, none doubled
    assert "connector waits" not in tailrace.log  # the stream was not ended for it


def test_a_walsender_alone_that_says_nothing_is_another_matter(server, tailrace):
    config = captured(server, tailrace, "shop")
    [(walsender,)] = server.execute("shop", f"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'")
    os.kill(walsender, signal.SIGSTOP)  # as one is that decodes a large transaction
    server.execute("shop", "INSERT INTO t VALUES (2, 'b')")
    found = harness.wait_until(lambda: problem(tailrace, "walsender_silent:shop"), 60)
    assert found["severity"] == "warn" and "PostgreSQL itself answers" in text_of(found["why"]) and problem(tailrace, f"pg_silent:127.0.0.1:{server.port}") is None
    assert connector(tailrace, "shop")["silent_ms"] >= 30000
    os.kill(walsender, signal.SIGCONT)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, "shop.public.t") == 2)
    harness.wait_until(lambda: connector(tailrace, "shop")["silent_ms"] < 10000)
    assert "connector waits" not in tailrace.log


def test_a_stop_does_not_wait_for_a_statement_of_a_server_that_hangs(server, tailrace):
    server.create_database("shop")
    server.execute("shop", "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    tailrace.create_connector("shop", harness.connector_config(server, "shop", heartbeat__interval__ms=100, heartbeat__action__query="SELECT pg_sleep(600)"))
    harness.wait_until(lambda: server.execute("postgres", "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"))
    harness.wait_until(lambda: connector(tailrace, "shop")["server_version"])
    server.hang()
    harness.wait_until(lambda: problem(tailrace, f"pg_silent:127.0.0.1:{server.port}"))
    assert tailrace.stop() == 0
    assert "stopping took too long" not in tailrace.log


def test_a_report_says_that_its_server_hangs(server, tailrace_factory):
    server.execute("postgres", "CREATE TABLE sums (recorded_at timestamptz, amount int)")
    tailrace = tailrace_factory({"reports.sums.conninfo": server.dsn(), "reports.sums.table": "sums", "reports.sums.column": "amount",
                                 "reports.sums.every": "1s", "reports.sums.window": "1h"})
    report = lambda: status_of(tailrace, "reports", "sums")  # noqa: E731
    harness.wait_until(lambda: report()["state"] not in ("waiting", "failed"))
    server.hang()
    harness.wait_until(lambda: report()["state"] == "failed" and "no answer from PostgreSQL" in str(report()))
    harness.wait_until(lambda: problem(tailrace, "report_failed:sums"))
    server.go_on()
    harness.wait_until(lambda: report()["state"] != "failed", 60)
    server.hang()
    assert tailrace.stop() == 0
