"""The console about the program itself: health, settings that apply at once, the support bundle."""
import io
import json
import zipfile

import pytest

import harness
from console_help import Console


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


def test_health_tells_of_threads_memory_and_disk(console, tailrace):
    health = harness.wait_until(lambda: (lambda h: h if any(t["cpu_cores"] is not None for t in h["threads"]) else None)(console.get("/health", "Health")))
    threads = {thread["name"]: thread for thread in health["threads"]}
    assert {"network", "committer", "console"} <= set(threads) and threads["committer"]["mailbox"] is not None and threads["network"]["mailbox"] is None
    assert health["disk"]["path"] == str(tailrace.data) and health["disk"]["total_bytes"] > health["disk"]["free_bytes"] > 0
    assert health["memory"]["parts"] and health["memory"]["total_bytes"] > 0


def test_levels_of_the_log_change_at_once_and_hold(console, tailrace):
    level = lambda name: next(s for s in console.get("/settings")["items"] if s["name"] == name)  # noqa: E731
    assert level("logger.level.broker")["value"] is None and level("logger.level")["applies"] == "now" and level("num.partitions")["applies"] == "restart"
    body = {"set": {"logger.level.web": "error"}}
    changes = console.change("PATCH", "/settings", {**body, "dry_run": True})["changes"]
    assert changes[0]["old"] is None and changes[0]["new"] == "error" and "at once" in changes[0]["effect"] and level("logger.level.web")["value"] is None
    console.change("POST", "/topics", {"name": "heard", "partitions": 1}, status=201)
    console.change("PATCH", "/settings", body)
    console.change("POST", "/topics", {"name": "unheard", "partitions": 1}, status=201)
    assert "Topic heard was created" in tailrace.log and "Topic unheard" not in tailrace.log
    tailrace.restart()
    assert (level("logger.level.web")["value"], level("logger.level.web")["source"]) == ("error", "console")
    console.change("POST", "/topics", {"name": "unheard2", "partitions": 1}, status=201)
    assert "Topic unheard2" not in tailrace.log
    console.change("PATCH", "/settings", {"unset": ["logger.level.web"]})
    console.change("POST", "/topics", {"name": "heard2", "partitions": 1}, status=201)
    assert "Topic heard2 was created" in tailrace.log and level("logger.level.web")["source"] == "default"
    for wrong, code in (({"set": {"num.partitions": "3"}}, "NOT_NOW"), ({"set": {"logger.level": "loud"}}, "BAD_VALUE"), ({"set": {"logger.level": 3}}, "BAD_VALUE"),
                        ({"set": {"no.such": "x"}}, "NOT_NOW"), ({}, "NOTHING_TO_CHANGE"), ({"unset": [1]}, "NOT_NOW"), ([], "NOTHING_TO_CHANGE")):
        assert console.change("PATCH", "/settings", wrong, status=400)["error"]["code"] == code, wrong
    assert [c["text"] for c in console.get("/events?kind=change")["items"] if "logger" in c["text"]] == ["Setting logger.level.web: error → not set."]


def test_the_room_for_wal_changes_at_once_and_holds(console, tailrace):
    room = lambda: next(s for s in console.get("/settings", "List<Setting>")["items"] if s["name"] == "wal.headroom.bytes")  # noqa: E731
    assert (room()["value"], room()["applies"], room()["source"], room()["unit"]) == ("0", "now", "default", "bytes")
    assert console.change("PATCH", "/settings", {"set": {"wal.headroom.bytes": "much"}}, status=400)["error"]["what"] == "wal.headroom.bytes has to be a number of bytes, 0 for not known."
    assert console.change("PATCH", "/settings", {"set": {"wal.headroom.bytes": "5000000"}})["changes"][0]["old"] == "0"
    tailrace.restart()
    assert (room()["value"], room()["source"]) == ("5000000", "console")
    console.change("PATCH", "/settings", {"unset": ["wal.headroom.bytes"]})
    assert (room()["value"], room()["source"]) == ("0", "default")


def test_the_bundle_has_what_helps_and_no_secret(tailrace_factory, postgres, database):
    tailrace = tailrace_factory({"console.token": "t0ken-of-mine", "postgres.password": "other", "sinks.case.kind": "webhook", "sinks.case.url": "http://127.0.0.1:9/x", "sinks.case.topic": "x.alerts",
                                 "sinks.case.secret": "h00k-secret"})
    console = Console(tailrace)
    mine = {"Authorization": "Bearer t0ken-of-mine"}
    config = harness.connector_config(postgres, database)
    assert harness.http("POST", tailrace.rest_url + "/connectors", {"name": "pay", "config": config}).status == 201
    harness.wait_until(lambda: console.get("/connectors/pay", headers=mine)["state"] == "ok")
    listed = console.get("/bundle?dry_run=1", "BundleList", headers=mine)["files"]
    assert harness.http("GET", console.base + "/bundle").status == 401
    answer = harness.http("GET", console.base + "/bundle", headers=mine)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/zip" and "attachment" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as bundle:
        assert bundle.testzip() is None
        assert [info.filename for info in bundle.infolist()] == [file["name"] for file in listed]
        files = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert {"about.txt", "status.json", "overview.json", "health.json", "settings.json", "groups.json", "events.json", "metrics.txt", "log.txt"} <= set(files)
    for name, text in files.items():
        assert name in files["about.txt"] or name == "about.txt", name
        for secret in ("t0ken-of-mine", "h00k-secret", harness.PASSWORD):
            assert secret not in text, (name, secret)
        if name.endswith(".json"):
            json.loads(text)
    assert "tailrace_info" in files["metrics.txt"] and "committer" in files["health.json"]
