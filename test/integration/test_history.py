"""Back-tests, export and Lua agents over a running broker, against a recomputation from the table's rows."""
import csv
import datetime
import io
import json
import re
from decimal import Decimal

import pytest

import harness
from agents_help import numbered, produce_rows
from test_agents import TABLE, insert, random_rows, records, rows_of, spending_anomalies, status_of

EXAMPLES = harness.ROOT / "doc/examples/agents"


def filled(postgres, database, tailrace, partitions=1):
    postgres.execute(database, TABLE)
    topic = f"{database}.public.transactions"
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--create", "--topic", topic, "--partitions", str(partitions), check=True)
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    insert(postgres, database, random_rows(400, 8, 5))
    rows = rows_of(postgres, database)
    harness.wait_until(lambda: len(exported(tailrace, topic)) == len(rows))
    return topic, rows


def exported(tailrace, topic, *arguments):
    text = tailrace.run("tailrace", "export", topic, "--bootstrap-server", tailrace.bootstrap, *arguments, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def backtest(tailrace, topic, *arguments):
    ran = tailrace.run("tailrace", "backtest", *arguments, "--topic", topic, "--bootstrap-server", tailrace.bootstrap, "--json", check=True)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return lines[:-1], lines[-1]["summary"]


def test_a_backtest_finds_what_the_rows_say_and_scores_it(postgres, database, tailrace, tmp_path):
    topic, rows = filled(postgres, database, tailrace, partitions=3)
    expected = spending_anomalies(rows)
    alerts, summary = backtest(tailrace, topic, "spending-pattern")
    assert sorted(line["alert"]["row"]["id"] for line in alerts) == expected
    assert summary["rows"] == len(rows) and summary["sides"][0]["alerts"] == len(expected)
    labels = tmp_path / "labels.csv"
    labels.write_text("id,kind\n" + "".join(f"{identity},x\n" for identity in expected[:4] + [1, 2]))
    _, summary = backtest(tailrace, topic, "spending-pattern", "--labels", str(labels))
    assert summary["labelled_rows"] == 6
    assert summary["sides"][0]["precision"] == round(4 / len(expected), 4) and summary["sides"][0]["recall"] == round(4 / 6, 4)
    postgres.execute(database, "CREATE TABLE fraud_labels AS SELECT id, 'x' AS kind FROM transactions WHERE id <= 10")
    _, summary = backtest(tailrace, topic, "spending-pattern", "--labels", "fraud_labels", "--labels-conninfo", postgres.dsn(database))
    assert summary["labels"] == 10


def test_two_rules_are_compared_row_by_row(postgres, database, tailrace):
    topic, rows = filled(postgres, database, tailrace)
    script = EXAMPLES / "spending-pattern.lua"
    _, summary = backtest(tailrace, topic, "spending-pattern", "--against", "lua", "--against-set", f"script={script}")
    assert summary["only_first"] == summary["only_second"] == 0 and summary["both"] == len(spending_anomalies(rows))
    alerts, summary = backtest(tailrace, topic, "spending-pattern", "--against", "spending-pattern", "--against-set", "floor=2000")
    assert summary["only_first"] == len([line for line in alerts if not line["second"]]) > 0
    assert all(Decimal(line["alert"]["number"]) <= 2000 for line in alerts if not line["second"])


def test_export_gives_the_rows_exactly(postgres, database, tailrace):
    topic, rows = filled(postgres, database, tailrace)
    assert [(row["id"], row["user_id"], Decimal(row["amount"])) for row in exported(tailrace, topic)] == rows
    text = tailrace.run("tailrace", "export", topic, "--bootstrap-server", tailrace.bootstrap, "--format", "csv", check=True).stdout
    assert [(int(row["id"]), int(row["user_id"]), Decimal(row["amount"])) for row in csv.DictReader(io.StringIO(text))] == rows
    assert exported(tailrace, topic, "--to", "1d") == []
    between = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    harness.wait_until(lambda: datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") > between)
    insert(postgres, database, [(1, Decimal("1.00"))])
    harness.wait_until(lambda: len(exported(tailrace, topic)) == len(rows) + 1)
    assert [row["id"] for row in exported(tailrace, topic, "--from", between)] == [len(rows) + 1]
    assert [row["id"] for row in exported(tailrace, topic, "--to", between)] == [row[0] for row in rows]


def test_a_script_agent_runs_inside_and_its_mistake_stops_it_alone(postgres, database, tailrace_factory, tmp_path):
    postgres.execute(database, TABLE)
    script = tmp_path / "mine.lua"
    script.write_text((EXAMPLES / "spending-pattern.lua").read_text())
    tailrace = tailrace_factory({
        "agents.mine.rule": "lua", "agents.mine.topic": f"{database}.public.transactions", "agents.mine.rule.script": str(script),
        "agents.other.rule": "velocity-score", "agents.other.topic": f"{database}.public.transactions"})
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    insert(postgres, database, random_rows(200, 8, 1))
    tailrace.kill9()
    tailrace.start()
    insert(postgres, database, random_rows(200, 8, 2))
    expected = spending_anomalies(rows_of(postgres, database))

    def mine():
        return [alert["row"]["id"] for alert in records(tailrace, f"{database}.alerts") if alert["agent"] == "mine"]

    harness.wait_until(lambda: len(mine()) >= len(expected))
    assert mine() == expected
    script.write_text("function on_event(event, key)\n  return event.row.no_such_column\nend\n")

    def stopped():
        insert(postgres, database, [(1, Decimal("1.00"))])
        return "mine.lua:2: there is no column \"no_such_column\"" in tailrace.log

    harness.wait_until(stopped, interval=0.3)
    agents = {agent["name"]: agent for agent in json.loads(tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data), "--json").stdout)["agents"]}
    assert agents["mine"]["state"] == "failed" and agents["other"]["state"] == "running"
    script.write_text((EXAMPLES / "spending-pattern.lua").read_text())
    harness.wait_until(lambda: status_of(tailrace, "agents", "mine")["state"] == "running")
    expected = spending_anomalies(rows_of(postgres, database))  # it went on at the row that it failed at
    harness.wait_until(lambda: mine() == expected)


def test_an_agent_without_its_script_waits_says_so_and_harms_nothing_else(tailrace_factory, tmp_path):
    script = tmp_path / "mine.lua"
    tailrace = tailrace_factory({
        "agents.mine.rule": "lua", "agents.mine.topic": "shop.public.transactions", "agents.mine.rule.script": str(script),
        "agents.other.rule": "velocity-score", "agents.other.topic": "shop.public.transactions"})

    def state(name="mine"):
        return status_of(tailrace, "agents", name)

    def screen():
        return tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data)).stdout

    harness.wait_until(lambda: state()["state"] == "retrying")
    assert str(script) in state()["error"] and state()["tries"] >= 1 and state()["retry_us"] > 0
    assert "Agent mine cannot go on and tries again" in screen() and re.search(r"Try \d+; the next is in \d+ s\.", screen()) and "has stopped" not in screen()
    assert re.search(r"mine +retrying in \d+ s", screen())
    script.write_text("function on_event(event)\n  return 1 +\nend\n")
    harness.wait_until(lambda: "mine.lua:3: unexpected symbol" in (state()["error"] or ""))
    produce_rows(tailrace, "shop.public.transactions", numbered([(1, Decimal("10.00"))] * 3))
    harness.wait_until(lambda: state("other")["judged"] == 3)
    script.write_text("function on_event(event)\n  if event.row.amount == decimal(10) then alert{title = 'ten'} end\nend\n")
    harness.wait_until(lambda: [alert["title"] for alert in records(tailrace, "shop.alerts")] == ["ten"] * 3)
    assert state()["error"] is None and state()["tries"] == 0
    script.write_text("function on_event(event)\n  return 1 +\nend\n")
    harness.wait_until(lambda: "Agent mine goes on with an older script" in screen() and "mine.lua:3:" in screen())
    assert state()["state"] == "running"


@pytest.mark.parametrize("command", (("agent", "spending-pattern", "--topic", "t"), ("backtest", "spending-pattern", "--topic", "t"), ("export", "t")))
def test_a_tool_without_a_broker_says_one_thing(tailrace, command):
    server = f"127.0.0.1:{harness.free_port()}"
    ran = tailrace.run("tailrace", *command, "--bootstrap-server", server)
    assert ran.returncode == 1 and ran.stdout == ""  # an agent greets once a broker answers
    assert server in ran.stderr and len(ran.stderr.splitlines()) == 1 and "rdkafka" not in ran.stderr


def test_an_agent_in_the_foreground_asks_for_transactions_only_where_there_are_some(tailrace):
    produce_rows(tailrace, "shop.public.transactions", numbered([(1, Decimal("10.00"))]))
    for _ in range(2):
        ran = tailrace.run("tailrace", "agent", "spending-pattern", "--topic", "shop.public.transactions", "--bootstrap-server", tailrace.bootstrap, "--from-beginning", "--until-end")
        assert ran.returncode == 0, ran.stderr
    assert "transactional" not in tailrace.log


def test_wrong_arguments_are_said(tailrace):
    def said(*arguments):
        ran = tailrace.run("tailrace", *arguments, "--bootstrap-server", tailrace.bootstrap)
        assert ran.returncode != 0
        return ran.stderr

    assert "there is no topic nothing.here on" in said("backtest", "velocity-score", "--topic", "nothing.here")
    assert "there is no rule \"velocty\"" in said("backtest", "velocty", "--topic", "t")
    assert "--from yesterday: it has to be a time" in said("export", "t", "--from", "yesterday")
    assert "--format has to be csv or jsonl" in said("export", "t", "--format", "xml")
    assert "setting script is missing" in said("agent", "lua", "--topic", "t")


def test_alerts_are_listed_and_what_people_say_is_kept(postgres, database, tailrace_factory):
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory({"agents.spending.rule": "spending-pattern", "agents.spending.topic": f"{database}.public.transactions"})
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    insert(postgres, database, [(1, Decimal("10.00"))] * 3 + [(1, Decimal("4000.00")), (1, Decimal("4900.00"))])

    def alerts(*arguments, check=True):
        return tailrace.run("tailrace", "alerts", *arguments, "--bootstrap-server", tailrace.bootstrap, check=check)

    def listed(*arguments):
        return [json.loads(line) for line in alerts("list", "--json", *arguments).stdout.splitlines()]

    harness.wait_until(lambda: len(listed()) == 2)
    newest, oldest = listed()
    assert newest["state"] == "open" and newest["alert"]["number"] == "4900.00"
    identity = oldest["alert"]["id"]
    assert alerts("false-positive", identity, "--note", "a gift").stdout == f"{identity} is false_positive now.\n"
    assert alerts("ack", newest["alert"]["id"]).returncode == 0
    assert [line["alert"]["id"] for line in listed("--state", "false_positive")] == [identity]
    assert harness.http("GET", f"{tailrace.console_url}/api/v1/alerts/{identity}").json()["state"] == "false_positive"
    tailrace.kill9()
    tailrace.start()
    shown = json.loads(alerts("show", identity, "--json").stdout)
    assert shown["state"] == "false_positive" and shown["history"][0]["note"] == "a gift"
    assert "because" in alerts("show", identity).stdout
    assert alerts("reopen", identity).returncode == 0
    assert listed("--state", "open")[0]["alert"]["id"] == identity
    assert "there is no alert A-1" in alerts("ack", "A-1", check=False).stderr
    assert 'did you mean "list"?' in alerts("lst", check=False).stderr
