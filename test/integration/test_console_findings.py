"""What a look at the databases of running connectors finds: raised by the real condition, with numbers and a remedy that mends it, and gone with it."""
import os
import subprocess
import time

import psycopg2
import pytest

import harness
from console_help import Console

GONE_S = 120  # a look every ten seconds or so, then half a minute of good

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int gettimeofday(struct timeval *tv, void *tz) { static int (*real)(struct timeval *, void *); if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int r = real(tv, tz); tv->tv_sec += SKEW; return r; }
int clock_gettime(clockid_t id, struct timespec *ts) { static int (*real)(clockid_t, struct timespec *); if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, ts); if (id == CLOCK_REALTIME) ts->tv_sec += SKEW; return r; }
"""


def text_of(rich):
    return "".join(piece if isinstance(piece, str) else piece.get("text") or piece.get("code") for piece in rich)


def finder(console, code, name=None):
    return lambda: next((p for p in console.get("/problems", "List<Problem>")["items"] if p["code"] == code and name in (None, p["subject"]["name"])), None)


def status(console):
    return " ".join(console.tailrace.run("tailrace", "status", "--data-dir", console.tailrace.data).stdout.split())  # lines are wrapped


def running(tailrace, postgres, database, name="c", **more):
    console = Console(tailrace)
    tailrace.create_connector(name, harness.connector_config(postgres, database, **more))
    harness.wait_until(lambda: console.get(f"/connectors/{name}")["state"] == "ok")
    return console


def test_no_limit_of_wal_and_updates_without_the_old_row_are_notes(tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY, v text)")
    console = running(tailrace, postgres, database)
    wal, identity = finder(console, "no_wal_limit"), finder(console, "replica_identity", "c")
    try:
        found = harness.wait_until(wal)
        assert found["severity"] == "info" and found["subject"] == {"kind": "database", "name": f"127.0.0.1:{postgres.port}"} and "max_slot_wal_keep_size is -1" in text_of(found["why"])
        assert "Run ALTER SYSTEM SET max_slot_wal_keep_size = '" in found["todo"] and "pg_reload_conf" in found["todo"]
        old = harness.wait_until(identity)
        assert "public.t" in text_of(old["why"]) and "ALTER TABLE public.t REPLICA IDENTITY FULL;" in old["todo"]
        assert harness.http("GET", tailrace.console_url + "/healthz").text == "ok\n" and console.get("/overview")["verdict"]["severity"] == "ok"
        assert tailrace.metrics()["tailrace_problems"] == 0
        said = status(console)
        assert "Everything runs." in said and "note: A stopped connector could fill the disk" in said and "PROBLEM" not in said, said
        postgres.execute("postgres", "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'", "SELECT pg_reload_conf()")
        postgres.execute(database, "ALTER TABLE public.t REPLICA IDENTITY FULL")
        harness.wait_until(lambda: wal() is None and identity() is None, GONE_S)
        assert any(e["text"].startswith("Over: A stopped connector could fill") for e in console.get("/events")["items"])
    finally:
        postgres.execute("postgres", "ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")


def test_a_table_that_is_not_published_is_told_with_the_statement_that_mends_it(tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)", "CREATE PUBLICATION chosen FOR TABLE a")
    console = running(tailrace, postgres, database, **{"publication.name": "chosen", "publication.autocreate.mode": "disabled"})
    lacking = finder(console, "table_not_published", "c")
    found = harness.wait_until(lacking)
    assert found["severity"] == "warn" and found["title"] == "public.b is not published; its changes do not arrive" and "publication chosen lacks it" in text_of(found["why"]), found
    assert "not in the log" in found["lost"]
    statement = found["todo"].removeprefix("Run ")
    assert statement == 'ALTER PUBLICATION "chosen" ADD TABLE public.b;', found
    assert "WATCH" in status(console) and "public.b is not published" in status(console)
    postgres.execute(database, statement)
    harness.wait_until(lambda: lacking() is None, GONE_S)


def test_a_huge_open_transaction_names_who_runs_it(tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY, v text)", "ALTER TABLE t ALTER v SET STORAGE PLAIN")
    console = running(tailrace, postgres, database)
    connection = psycopg2.connect(postgres.dsn(database) + " application_name=loader")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t SELECT g, repeat(md5(g::text), 200) FROM generate_series(1, 16000) g")
        huge = finder(console, "huge_transaction")
        found = harness.wait_until(huge, 60)
        why = text_of(found["why"])
        assert found["severity"] == "warn" and "MiB and is still open" in found["title"] and "user postgres, loader" in why and "idle in transaction" in why, found
        cursor.execute("SELECT pg_backend_pid()")
        assert f"pg_terminate_backend({cursor.fetchone()[0]})" in found["todo"]
        connection.rollback()
    connection.close()
    harness.wait_until(lambda: huge() is None, GONE_S)


def test_a_clock_that_differs_is_told(tailrace_factory, tmp_path, monkeypatch):
    library = harness.pathlib.Path(harness.tempfile.gettempdir()) / f"tailrace-clock-{os.getpid()}.so"
    (tmp_path / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-DSKEW=30", "-o", library, tmp_path / "shim.c", "-ldl"], check=True)
    library.chmod(0o755)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    postgres = harness.Postgres()
    monkeypatch.delenv("LD_PRELOAD")
    try:
        postgres.create_database("skewed")
        postgres.execute("skewed", "CREATE TABLE t(id int PRIMARY KEY)")
        skew = postgres.execute("skewed", "SELECT extract(epoch FROM clock_timestamp())")[0][0]
        assert 25 < float(skew) - time.time() < 35
        console = running(tailrace_factory({}), postgres, "skewed")
        found = harness.wait_until(finder(console, "clock_skew"))
        assert found["severity"] == "info" and "ahead of this one" in found["title"] and ("29 s" in found["title"] or "30 s" in found["title"]) and "look shorter" in text_of(found["why"]), found
    finally:
        postgres.destroy()
        library.unlink()


def test_a_postgres_that_comes_up_after_us_raises_no_alarm(tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY)")
    console = running(tailrace, postgres, database)
    tailrace.stop()
    postgres.stop()
    try:
        tailrace.start()
        waiting = harness.wait_until(lambda: (lambda c: c if c["word"] == "Waiting for PostgreSQL" else None)(console.get("/connectors/c", "Connector")))
        assert waiting["state"] == "busy" and waiting["error"] is None and waiting["retry"]["next_ms"]
        assert harness.http("GET", tailrace.console_url + "/healthz").text == "ok\n" and "Everything runs." in status(console)
    finally:
        postgres.start()
    harness.wait_until(lambda: console.get("/connectors/c")["word"] == "Running")
    assert [e for e in console.get("/events")["items"] if e["severity"] in ("crit", "warn")] == []
    postgres.stop()
    try:  # for longer it is one
        found = harness.wait_until(finder(console, "pg_unreachable", "c"), 60)
        connector = console.get("/connectors/c", "Connector")
        assert found["severity"] == "crit" and connector["state"] == "crit" and connector["word"] == "Waiting for PostgreSQL" and connector["error"]["lost"] == "Nothing is lost so far."
        assert connector["error"]["why"] == [] and connector["error"]["quote"] and connector["error"]["code"] is None
    finally:
        postgres.start()


@pytest.mark.parametrize("path", ["/healthz?verbose", "/readyz?verbose"])
def test_what_is_said_of_a_program_without_anything(tailrace, path):
    answer = harness.http("GET", tailrace.console_url + path)
    assert answer.status == 200 and "ok   log: Nothing was written yet." in answer.text and "All services run" in answer.text
