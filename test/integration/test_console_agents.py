"""Agents and reports changed in the console: new versions, pauses, a dry run beside, runs now; kept in the log, over restarts."""
import json
import time

import kafka
import pytest

import harness
from console_help import Console, fits


def change(n, user=7, amount="120.50"):
    row = {"id": n, "user_id": user, "amount": amount}
    now_us = int(time.time() * 1e6)
    return json.dumps({"before": None, "after": row, "source": {"schema": "public", "table": "payments", "lsn": 1000 + n, "txId": n, "ts_us": now_us}, "op": "c", "ts_ms": now_us // 1000}).encode()


def send(tailrace, values, topic="s.public.payments"):
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for value in values:
        producer.send(topic, value)
    producer.flush()
    producer.close()


AGENT = {"agents.fraud.rule": "spending-pattern", "agents.fraud.topic": "s.public.payments", "agents.fraud.rule.column.amount": "amount"}


@pytest.fixture
def console(tailrace_factory):
    console = Console(tailrace_factory({**AGENT}))
    console.change("POST", "/topics", {"name": "s.public.payments", "partitions": 1}, status=201)
    harness.wait_until(lambda: console.get("/agents/fraud")["word"] == "Running")
    return console


def read_rows(console, name="fraud"):
    return next(a for a in harness.http("GET", console.tailrace.console_url + "/status.json").json()["agents"] if a["name"] == name)


def test_an_agent_is_paused_and_goes_on_where_it_was(console):
    send(console.tailrace, [change(n) for n in range(5)])
    harness.wait_until(lambda: read_rows(console)["judged"] == 5)
    assert console.change("POST", "/agents/fraud/state", {"state": "paused"}, kind="Agent")["word"] == "Paused"
    send(console.tailrace, [change(n) for n in range(5, 8)])
    console.tailrace.restart()
    assert console.get("/agents/fraud", "Agent")["word"] == "Paused" and read_rows(console)["judged"] == 0
    console.change("POST", "/agents/fraud/state", {"state": "running"}, kind="Agent")
    harness.wait_until(lambda: read_rows(console)["judged"] == 3)
    for body, code, status in (({"state": "off"}, "BAD_STATE", 400), ({}, "BAD_STATE", 400), ([], "BAD_STATE", 400)):
        assert console.change("POST", "/agents/fraud/state", body, status=status)["error"]["code"] == code
    assert console.change("POST", "/agents/none/state", {"state": "paused"}, status=404)["error"]["code"] == "UNKNOWN_AGENT"
    texts = [c["text"] for c in console.get("/events?kind=change")["items"]]
    assert texts[0] == "Agent fraud goes on."


def test_an_agent_gets_a_new_version_that_holds(console):
    agent = console.get("/agents/fraud", "Agent")
    assert agent["rule_version"] == 1 and agent["versions"] == [] and agent["config"]["topic"] == "s.public.payments"
    config = {**agent["config"], "rule.factor": "5"}
    effect = console.change("PUT", "/agents/fraud", {"config": config, "dry_run": True})
    assert effect["changes"] == [{"name": "rule.factor", "old": None, "new": "5"}] and console.get("/agents/fraud")["rule_version"] == 1
    changed = console.change("PUT", "/agents/fraud", {"config": config}, kind="Agent")
    assert changed["rule_version"] == 2 and changed["config"]["rule.factor"] == "5" and changed["versions"][0]["changes"] == effect["changes"]
    assert "rule.factor not set → 5" in console.get("/events?kind=change")["items"][0]["text"]
    console.tailrace.restart()
    assert console.get("/agents/fraud")["config"]["rule.factor"] == "5" and "not as the settings file says" in console.tailrace.log
    console.change("PUT", "/agents/fraud", {"config": agent["config"]})
    agent = console.get("/agents/fraud", "Agent")
    assert "rule.factor" not in agent["config"] and agent["rule_version"] == 3
    for wrong, code in (({"config": {**config, "rule.factor": "many"}}, "BAD_CONFIG"), ({"config": {**config, "no.such": "1"}}, "BAD_CONFIG"), ({"config": {}}, "BAD_CONFIG"),
                        ({"config": {**config, "rule.factor": 5}}, "BAD_VALUE"), ({}, "BAD_CONFIG"), ({"config": agent["config"]}, "NOTHING_TO_CHANGE")):
        assert console.change("PUT", "/agents/fraud", wrong, status=400)["error"]["code"] == code, wrong
    assert console.get("/agents/fraud")["rule_version"] == 3 and console.get("/agents/fraud")["state"] != "crit"


def test_a_new_version_runs_dry_beside_the_old_one(console):
    agent = console.get("/agents/fraud")
    beside = console.change("PUT", "/agents/fraud", {"config": {**agent["config"], "rule.floor": "1"}, "mode": "dry_run_beside"}, kind="Agent")
    assert beside["agent"] == "fraud-dry" and beside["dry_run"] and console.get("/agents/fraud")["rule_version"] == 1
    send(console.tailrace, [change(n, amount="10.00") for n in range(10)] + [change(10, amount="400.00")])
    harness.wait_until(lambda: read_rows(console, "fraud-dry")["alerts"] == 1 and read_rows(console)["judged"] == 11)
    assert read_rows(console)["alerts"] == 0 and console.get("/alerts")["total"] == 0
    assert console.change("DELETE", "/agents/fraud-dry", {}, status=400)["error"]["code"] == "NOT_CONFIRMED"
    console.change("DELETE", "/agents/fraud-dry", {"confirm": "fraud-dry"}, status=204)
    console.get("/agents/fraud-dry", status=404)
    console.tailrace.restart()
    assert [a["agent"] for a in console.get("/agents")["items"]] == ["fraud"]


def test_agents_are_made_and_deleted_without_a_settings_file(tailrace_factory):
    console = Console(tailrace_factory({}))
    console.change("POST", "/topics", {"name": "s.public.payments", "partitions": 1}, status=201)
    assert console.change("PUT", "/agents/a.b", {"config": {"topic": "s.public.payments"}}, status=400)["error"]["code"] == "BAD_NAME"
    made = console.change("PUT", "/agents/mine", {"config": {"rule": "velocity-score", "topic": "s.public.payments"}}, kind="Agent")
    assert made["rule"] == "velocity-score"
    console.tailrace.restart()
    assert console.get("/agents/mine")["rule"] == "velocity-score"
    assert "stay in the log" in console.change("DELETE", "/agents/mine", {"dry_run": True})["effect"]
    console.change("DELETE", "/agents/mine?confirm=mine", status=204)
    assert console.change("DELETE", "/agents/mine?confirm=mine", status=404)["error"]["code"] == "UNKNOWN_AGENT"


def test_an_agent_of_the_settings_stays_deleted_until_it_is_made_again(console):
    console.change("DELETE", "/agents/fraud?confirm=fraud", status=204)
    console.tailrace.restart()
    assert console.get("/agents")["total"] == 0
    console.change("PUT", "/agents/fraud", {"config": {"rule": "spending-pattern", "topic": "s.public.payments", "rule.column.amount": "amount"}}, kind="Agent")
    assert console.get("/agents")["total"] == 1


def test_times_from_commit_to_agent_are_measured(console):
    send(console.tailrace, [change(n) for n in range(50)])
    vitals = harness.wait_until(lambda: (lambda v: v if v["commit_to_agent_p99_ms"] is not None else None)(console.get("/overview", "Overview")["vitals"]))
    assert 0 <= vitals["commit_to_agent_p50_ms"] <= vitals["commit_to_agent_p99_ms"] < 60000
    agent = console.get("/agents/fraud", "Agent")
    assert agent["row_us"]["p99"] >= agent["row_us"]["p50"] > 0 and agent["state_limit_bytes"] is None


def test_reports_run_now_pause_and_change(tailrace_factory, postgres, database):
    postgres.execute(database, "CREATE TABLE t(recorded_at timestamptz DEFAULT now(), temperature numeric)", "INSERT INTO t (temperature) VALUES (20), (30)")
    console = Console(tailrace_factory({"reports.warm.conninfo": postgres.dsn(database), "reports.warm.table": "t", "reports.warm.column": "temperature",
                                        "reports.warm.every": "1d", "reports.warm.window": "1d", "reports.warm.unit": "°C"}))
    report = harness.wait_until(lambda: (lambda r: r if r["value"] else None)(console.get("/reports/warm", "Report")))
    assert float(report["value"]) == 25 and database in report["database"] and report["query"].startswith('SELECT avg("temperature")') and report["next_ms"] > time.time() * 1000
    assert harness.PASSWORD not in json.dumps(report)
    postgres.execute(database, "INSERT INTO t (temperature) VALUES (40)")
    assert float(console.change("POST", "/reports/warm/run", {}, kind="Report")["value"]) == 30
    assert console.change("POST", "/reports/warm/state", {"state": "paused"}, kind="Report")["paused"]
    assert float(console.change("POST", "/reports/warm/run", {}, kind="Report")["value"]) == 30, "also while it is paused"
    assert [float(run["value"]) for run in console.get("/reports/warm/runs")["items"]] == [30, 30, 25]
    body = {"query": "SELECT max(temperature) AS hottest FROM t", "every_ms": 3600000}
    effect = console.change("PUT", "/reports/warm", {**body, "dry_run": True}, kind="Effect")["effect"]
    assert "hottest 40 °C" in effect and console.get("/reports/warm")["query"] == report["query"]
    changed = console.change("PUT", "/reports/warm", body, kind="Report")
    assert changed["query"] == body["query"] and changed["every_ms"] == 3600000 and changed["paused"]
    for query in ("INSERT INTO t (temperature) VALUES (1) RETURNING temperature", "SELECT 1; DROP TABLE t", "SELECT pg_sleep(60)", "nonsense", "COMMIT"):
        error = console.change("PUT", "/reports/warm", {"query": query, "dry_run": True}, status=400)["error"]
        assert error["code"] == "PREVIEW_FAILED" and harness.PASSWORD not in json.dumps(error), query
    assert postgres.execute(database, "SELECT count(*) FROM t") == [(3,)]
    console.tailrace.restart()
    report = console.get("/reports/warm", "Report")
    assert report["query"] == body["query"] and report["paused"]
    assert console.change("POST", "/reports/warm/state", {"state": "running"}, kind="Report")["word"] == "Has not run yet"
    assert console.change("POST", "/reports/warm/run", {}, kind="Report")["value"] == "40"
    assert console.change("PUT", "/reports/warm", body, status=400)["error"]["code"] == "NOTHING_TO_CHANGE"
    assert console.change("POST", "/reports/none/run", {}, status=404)["error"]["code"] == "UNKNOWN_REPORT"
    console.change("DELETE", "/reports/warm?confirm=warm", status=204)
    console.get("/reports/warm", status=404)
    assert harness.PASSWORD not in console.tailrace.log


def test_a_new_version_is_tried_on_history(console):
    send(console.tailrace, [change(n, amount="100.00") for n in range(20)] + [change(20, amount="900.00"), change(21, amount="450.00")])
    harness.wait_until(lambda: read_rows(console)["judged"] == 22)
    alert = harness.wait_until(lambda: console.get("/alerts")["items"])[0]
    console.change("POST", f"/alerts/{alert['id']}/state", {"state": "false_positive"})
    assert console.get("/alerts?state=all")["total"] == 1 and console.get("/alerts?state=open")["total"] == 0
    assert console.get("/events?kind=change")["items"][0]["text"].endswith("is a false positive now.")
    config = {**console.get("/agents/fraud")["config"], "rule.floor": "10"}
    found = console.events("/agents/fraud/backtest", lambda name, data: name == "done", body={"config": config, "from_ms": 0})
    done = found[-1][1]
    assert fits(done, "BacktestDone", "done") is None, fits(done, "BacktestDone", "done")
    assert (done["old"], done["new"], done["both"], done["only_old"], done["only_new"]) == (1, 2, 1, 0, 1) and done["precision_old"] == 0
    assert done["samples"][0]["which"] == "only_new" and done["samples"][0]["path"].endswith("?p=0&o=21")
    assert any(name == "progress" and data["total"] == 22 for name, data in found)
    assert console.get("/agents/fraud")["rule_version"] == 1 and console.get("/alerts")["total"] == 1
    for body, code in (({"config": {**config, "rule": "none"}}, "BAD_CONFIG"), ({}, "BAD_CONFIG"), ({"config": {**config, "rule.floor": 3}}, "BAD_VALUE")):
        assert console.change("POST", "/agents/fraud/backtest", body, status=400)["error"]["code"] == code
    assert console.change("POST", "/agents/none/backtest", {"config": {}}, status=400)["error"]["code"] == "BAD_CONFIG"  # a new one may be tried, but needs a topic
