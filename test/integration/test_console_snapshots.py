"""Incremental snapshots begun, paused and stopped in the console."""
import pytest

import harness
from console_help import Console


def start(tailrace_factory, postgres, database, **more):
    postgres.execute(database, "CREATE TABLE signals(id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data text)",
                     "CREATE TABLE users(id serial PRIMARY KEY, name text)", "INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 5000) n", "ANALYZE users")
    console = Console(tailrace_factory({}))
    config = harness.connector_config(postgres, database, **{"snapshot.mode": "no_data", "signal.data.collection": "public.signals", "incremental.snapshot.chunk.size": "100", **more})
    console.change("POST", "/connect/connectors", {"name": "c", "config": config}, status=201)
    harness.wait_until(lambda: console.get("/connectors/c")["state"] == "ok")
    return console


def rows(console, database):
    topics = {t["name"]: t["messages"] for t in console.get("/topics")["items"]}
    return topics.get(f"{database}.public.users", 0)


@pytest.mark.parametrize("channels", [{}, {"signal.enabled.channels": "source,kafka", "signal.poll.interval.ms": "200"}])
def test_a_snapshot_is_begun_beside_the_stream_and_told_when_it_is_done(tailrace_factory, postgres, database, channels):
    console = start(tailrace_factory, postgres, database, **channels)
    body = {"tables": ["public.users"], "condition": None, "load_max": 0.05}
    assert "About 5,000 rows" in console.change("POST", "/connectors/c/snapshots", {**body, "dry_run": True})["effect"] and rows(console, database) == 0
    begun = console.change("POST", "/connectors/c/snapshots", body, status=201, kind="Snapshot")
    assert begun["kind"] == "incremental" and begun["tables"][0]["rows_about"] == 5000
    harness.wait_until(lambda: rows(console, database) == 5000)
    done = harness.wait_until(lambda: (lambda s: s if s["state"] == "done" else None)(console.get("/connectors/c/snapshots", "List<Snapshot>")["items"][0]), 60)
    assert done["id"] == begun["id"] and done["ended_ms"] >= done["started_ms"]
    assert done["load_max"] == 0.05 and done["tables"][0]["left_ms"] == 0
    console.tailrace.restart()
    assert console.get("/connectors/c/snapshots")["items"][0]["id"] == begun["id"]


def test_the_initial_snapshot_is_told_table_by_table_and_after_a_restart(tailrace_factory, postgres, database):
    postgres.execute(database, "CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)", "INSERT INTO a SELECT generate_series(1, 30)", "INSERT INTO b SELECT generate_series(1, 7)",
                     "ANALYZE")
    console = Console(tailrace_factory({}))
    assert console.change("POST", "/connect/connectors", {"name": "c", "config": harness.connector_config(postgres, database)}, status=201)
    done = harness.wait_until(lambda: (lambda found: found[0] if found and found[0]["state"] == "done" else None)(console.get("/connectors/c/snapshots", "List<Snapshot>")["items"]))
    assert done["kind"] == "initial" and [(t["table"], t["rows"], t["rows_about"]) for t in done["tables"]] == [("public.a", 30, 30), ("public.b", 7, 7)], done
    assert done["started_ms"] <= done["ended_ms"] and console.get("/connectors/c", "Connector")["snapshot"]["id"] == done["id"]
    console.tailrace.restart()
    harness.wait_until(lambda: console.get("/connectors/c")["state"] == "ok")
    kept = console.get("/connectors/c/snapshots", "List<Snapshot>")["items"]
    assert [(s["id"], s["state"], s["ended_ms"], s["tables"]) for s in kept] == [(done["id"], "done", done["ended_ms"], done["tables"])]


def test_a_limit_of_load_holds_the_snapshot_down_until_it_is_raised(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    assert console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"], "load_max": 2}, status=400)["error"]["code"] == "BAD_LOAD"
    body = {"tables": ["public.users"], "load_max": 0.001}
    assert "at most 0.1 %" in console.change("POST", "/connectors/c/snapshots", {**body, "dry_run": True})["effect"]
    postgres.execute(database, "UPDATE pg_class SET reltuples = 1e9 WHERE relname = 'users'")  # so that there is far to go
    begun = console.change("POST", "/connectors/c/snapshots", body, status=201)
    held = harness.wait_until(lambda: (lambda s: s if s["load"] and s["tables"][0]["rows"] >= 300 and s["tables"][0]["left_ms"] else None)(console.get("/connectors/c", "Connector")["snapshot"]), 180)  # it rests for a minute at most between two chunks
    assert held["load_max"] == 0.001 and held["load"] < 0.002 and held["state"] == "running", held  # by what PostgreSQL was kept busy for it
    slow = harness.wait_until(lambda: next((p for p in console.get("/problems", "List<Problem>")["items"] if p["code"] == "snapshot_slow"), None))
    assert slow["severity"] == "info" and "0.1 % of one PostgreSQL process" in slow["why"][-1] and "Raise its load limit" in slow["todo"], slow
    assert rows(console, database) < 4000
    assert console.change("PATCH", f"/connectors/c/snapshots/{begun['id']}", {"load_max": 1}, kind="Snapshot")["id"] == begun["id"]
    done = harness.wait_until(lambda: (lambda s: s if s["state"] == "done" else None)(console.get("/connectors/c/snapshots", "List<Snapshot>")["items"][0]), 60)
    assert done["load_max"] == 1 and rows(console, database) == 5000
    harness.wait_until(lambda: all(p["code"] != "snapshot_slow" for p in console.get("/problems")["items"]), 60)


def test_rows_come_once_though_the_program_restarts_while_the_snapshot_rests(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    begun = console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"], "load_max": 0.01}, status=201)
    harness.wait_until(lambda: rows(console, database) >= 300, 180)
    console.tailrace.restart()
    harness.wait_until(lambda: (console.get("/connectors/c")["snapshot"] or {}).get("state") == "running", 60)
    console.change("PATCH", f"/connectors/c/snapshots/{begun['id']}", {"load_max": 1})
    harness.wait_until(lambda: console.get("/connectors/c/snapshots")["items"][0]["state"] == "done", 60)
    assert rows(console, database) == 5000


def test_a_snapshot_that_fails_is_a_problem_until_one_is_done(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    begun = console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"], "condition": "no_such_column > 1"}, status=201)
    failed = harness.wait_until(lambda: (lambda s: s if s["state"] == "failed" else None)(console.get("/connectors/c/snapshots", "List<Snapshot>")["items"][0]), 60)
    assert failed["id"] == begun["id"] and "public.users stopped after 0 rows" in failed["error"] and "no_such_column" in failed["error"]
    problem = lambda: next((p for p in console.get("/problems", "List<Problem>")["items"] if p["code"] == "snapshot_failed"), None)  # noqa: E731
    found = harness.wait_until(problem)
    assert found["severity"] == "crit" and "no_such_column" in found["why"][-1] and "begin it again" in found["todo"]
    assert "The snapshot of c stopped" in harness.http("GET", console.tailrace.console_url + "/healthz").text
    console.tailrace.restart()
    assert "no_such_column" in harness.wait_until(problem)["why"][-1]
    harness.wait_until(lambda: console.get("/connectors/c")["state"] == "ok")
    console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"]}, status=201)
    harness.wait_until(lambda: problem() is None, 90)
    assert console.get("/connectors/c/snapshots")["items"][0]["state"] == "done" and rows(console, database) == 5000


def test_a_connector_that_is_deleted_takes_its_snapshots_with_it(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"], "condition": "no_such_column > 1"}, status=201)
    harness.wait_until(lambda: any(p["code"] == "snapshot_failed" for p in console.get("/problems")["items"]), 60)
    config = console.get("/connect/connectors/c/config")
    console.change("DELETE", "/connect/connectors/c", {"confirm": "c"}, status=204)
    harness.wait_until(lambda: all(p["code"] != "snapshot_failed" for p in console.get("/problems")["items"]), 60)
    console.change("POST", "/connect/connectors", {"name": "c", "config": config}, status=201)
    harness.wait_until(lambda: console.get("/connectors/c")["state"] == "ok", 60)
    assert console.get("/connectors/c/snapshots")["items"] == [] and all(p["code"] != "snapshot_failed" for p in console.get("/problems")["items"])


def test_a_snapshot_is_paused_goes_on_and_is_stopped(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    postgres.execute(database, "INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 60000) n", "ANALYZE users")
    begun = console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"]}, status=201)
    assert console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"]}, status=409)["error"]["code"] == "SNAPSHOT_RUNNING"
    path = f"/connectors/c/snapshots/{begun['id']}"
    paused = console.change("PATCH", path, {"state": "paused"}, kind="Snapshot")
    assert paused["state"] == "paused" and 0 < paused["tables"][0]["rows"] < 65000
    seen = rows(console, database)
    assert console.get("/connectors/c", "Connector")["snapshot"]["state"] == "paused"
    assert console.change("PATCH", path, {"state": "running"}, kind="Snapshot")["state"] == "running"
    harness.wait_until(lambda: rows(console, database) > seen + 200)
    assert "stay in the topic" in console.change("DELETE", path, {"dry_run": True})["effect"]
    console.change("DELETE", path, status=204)
    assert console.get("/connectors/c/snapshots")["items"][0]["state"] == "stopped"
    assert console.change("PATCH", path, {"load_max": 0.5}, status=404)["error"]["code"] == "UNKNOWN_SNAPSHOT"
    assert console.change("PATCH", path, {"state": "paused"}, status=404)["error"]["code"] == "UNKNOWN_SNAPSHOT"
    harness.wait_until(lambda: console.get("/connectors/c")["snapshot"] is None or console.get("/connectors/c")["snapshot"]["kind"] == "initial")


def test_what_cannot_be_is_said(tailrace_factory, postgres, database):
    console = start(tailrace_factory, postgres, database)
    for body, status, code in (({"tables": ["public.none"]}, 400, "UNKNOWN_TABLE"), ({"tables": []}, 400, "NO_TABLES"), ({}, 400, "NO_TABLES"), ({"tables": [1]}, 400, "NO_TABLES"),
                               ({"tables": "public.users"}, 400, "NO_TABLES")):
        assert console.change("POST", "/connectors/c/snapshots", body, status=status)["error"]["code"] == code, body
    assert console.change("PATCH", "/connectors/c/snapshots/s-1", {"state": "gone"}, status=400)["error"]["code"] == "BAD_STATE"
    assert console.change("POST", "/connectors/none/snapshots", {"tables": ["a.b"]}, status=404)["error"]["code"] == "UNKNOWN_CONNECTOR"
    console.get("/connectors/none/snapshots", status=404)
    console.change("PUT", "/connect/connectors/c/pause", status=202)
    harness.wait_until(lambda: console.get("/connectors/c")["word"] == "Paused")
    assert console.change("POST", "/connectors/c/snapshots", {"tables": ["public.users"]}, status=409)["error"]["code"] == "NOT_RUNNING"
    config = harness.connector_config(postgres, database, **{"slot.name": "other", "publication.name": "other", "topic.prefix": "other"})
    console.change("POST", "/connect/connectors", {"name": "d", "config": config}, status=201)
    harness.wait_until(lambda: console.get("/connectors/d")["state"] == "ok")
    error = console.change("POST", "/connectors/d/snapshots", {"tables": ["public.users"]}, status=409)["error"]
    assert error["code"] == "NO_SIGNAL_TABLE" and "signal.data.collection" in error["todo"]
