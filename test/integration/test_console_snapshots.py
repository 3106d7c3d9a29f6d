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
    assert "About 5000 rows" in console.change("POST", "/connectors/c/snapshots", {**body, "dry_run": True})["effect"] and rows(console, database) == 0
    begun = console.change("POST", "/connectors/c/snapshots", body, status=201, kind="Snapshot")
    assert begun["kind"] == "incremental" and begun["tables"][0]["rows_about"] == 5000
    harness.wait_until(lambda: rows(console, database) == 5000)
    done = harness.wait_until(lambda: (lambda s: s if s["state"] == "done" else None)(console.get("/connectors/c/snapshots", "List<Snapshot>")["items"][0]), 60)
    assert done["id"] == begun["id"] and done["ended_ms"] >= done["started_ms"]
    console.tailrace.restart()
    assert console.get("/connectors/c/snapshots")["items"][0]["id"] == begun["id"]


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
