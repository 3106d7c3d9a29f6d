"""Agents, sinks and reports inside `up`, against an independent recomputation from the table's rows."""
import collections
import hashlib
import hmac
import json
import os
import random
import subprocess
from decimal import Decimal

import kafka
import pytest

import harness
from agents_help import Receiver, numbered, produce_rows, records, status_of

TABLE = """CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar, location varchar,
           transaction_time timestamp DEFAULT now())"""


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def insert(postgres, database, rows):
    with postgres.connect(database) as connection, connection.cursor() as cursor:
        for user, amount in rows:
            cursor.execute("INSERT INTO transactions (user_id, amount, merchant, location) VALUES (%s, %s, 'Amazon', 'Berlin')", (user, amount))


def rows_of(postgres, database):
    with postgres.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, user_id, amount FROM transactions ORDER BY id")
        return cursor.fetchall()


def spending_anomalies(rows):
    """What the rule is defined as, in exact decimals."""
    history = collections.defaultdict(lambda: collections.deque(maxlen=50))
    found = []
    for identity, user, amount in rows:
        past = history[user]
        if len(past) >= 3 and amount > 3 * sum(past) / len(past) and amount > 500:
            found.append(identity)
        past.append(amount)
    return found


def alerted_ids(tailrace, topic):
    return [alert["row"]["id"] for alert in records(tailrace, topic)]


def random_rows(count, users, seed):
    chance = random.Random(seed)
    return [(chance.randrange(1, users), Decimal(chance.randrange(100, 20000)) / 100 if chance.random() < 0.9 else Decimal(chance.randrange(100000, 500000)) / 100)
            for _ in range(count)]


def settings(database, receiver=None, **more):
    values = {"agents.spending.rule": "spending-pattern", "agents.spending.topic": f"{database}.public.transactions"}
    if receiver:
        values |= {"sinks.case.kind": "webhook", "sinks.case.topic": f"{database}.alerts", "sinks.case.url": receiver.url,
                   "sinks.case.secret": "s3cret", "sinks.case.from": "beginning"}
    return values | more


def test_alerts_are_those_of_the_rows_and_reach_the_webhook_signed(postgres, database, tailrace_factory, receiver):
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory(settings(database, receiver))
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    insert(postgres, database, random_rows(400, 8, 1))
    expected = spending_anomalies(rows_of(postgres, database))
    assert len(expected) > 5
    harness.wait_until(lambda: len(receiver.delivered()) >= len(expected))
    assert alerted_ids(tailrace, f"{database}.alerts") == expected
    assert receiver.delivered() == [alert["id"] for alert in records(tailrace, f"{database}.alerts")]
    _, headers, body = receiver.requests[0]
    signed = hmac.new(b"s3cret", headers["X-Tailrace-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Tailrace-Signature"] == "sha256=" + signed
    alert = json.loads(body)
    assert headers["X-Tailrace-Alert"] == alert["id"]
    assert alert["conditions"][0]["held"] and alert["source"]["committed_us"] > 0 and alert["source"]["lsn"] > 0


def test_kill_9_neither_loses_nor_doubles_an_alert(postgres, database, tailrace_factory):
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory(settings(database))
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    for seed in range(4):
        insert(postgres, database, random_rows(150, 8, seed))
        tailrace.kill9()
        tailrace.start()
    expected = spending_anomalies(rows_of(postgres, database))
    harness.wait_until(lambda: len(alerted_ids(tailrace, f"{database}.alerts")) >= len(expected))
    assert alerted_ids(tailrace, f"{database}.alerts") == expected


def test_a_receiver_that_was_down_gets_everything_once_it_is_back(postgres, database, tailrace_factory, receiver):
    postgres.execute(database, TABLE)
    receiver.answers.extend([500, 503, 500])
    tailrace = tailrace_factory(settings(database, receiver))
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    insert(postgres, database, [(1, Decimal("10.00"))] * 3 + [(1, Decimal("4000.00")), (1, Decimal("4900.00"))])
    harness.wait_until(lambda: len(receiver.delivered()) >= 2)
    assert len(set(receiver.delivered())) == 2 == len(receiver.delivered())
    assert [code for code, _, _ in receiver.requests[:3]] == [500, 503, 500]
    harness.wait_until(lambda: status_of(tailrace, "sinks", "case")["state"] == "ok")
    assert status_of(tailrace, "sinks", "case")["waiting"] == 0


def test_alerts_go_to_a_table_and_a_file_too(postgres, database, tailrace_factory, tmp_path):
    postgres.execute(database, TABLE)
    path = tmp_path / "alerts.jsonl"
    topic = f"{database}.alerts"
    tailrace = tailrace_factory(settings(database, **{
        "sinks.table.kind": "postgres", "sinks.table.topic": topic, "sinks.table.conninfo": postgres.dsn(database), "sinks.table.from": "beginning",
        "sinks.lines.kind": "file", "sinks.lines.topic": topic, "sinks.lines.path": str(path), "sinks.lines.from": "beginning"}))
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database, **{"table.include.list": "public.transactions"}))
    insert(postgres, database, [(1, Decimal("10.00"))] * 3 + [(1, Decimal("4000.00"))])

    def rows():
        with postgres.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('tailrace_alerts')")
            if cursor.fetchone()[0] is None:
                return []
            cursor.execute("SELECT id, subject, alert->'row'->>'amount' FROM tailrace_alerts")
            return cursor.fetchall()

    harness.wait_until(lambda: len(rows()) == 1 and path.exists() and path.read_text().endswith("\n"))
    assert rows()[0][1:] == ("User 1", "4000.00")
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [rows()[0][0]]


def test_wrong_settings_say_which_and_how(tailrace_factory):
    for values, text in (
        ({"agents.a.topic": "t", "agents.a.rule": "nothing"}, "there is no rule \"nothing\""),
        ({"agents.a.rule": "velocity-score"}, "set agents.a.topic"),
        ({"agents.a.topic": "t", "agents.a.rule": "velocity-score", "agents.a.rule.amount.limt": "5"}, "did you mean \"amount.limit\"?"),
        ({"sinks.s.kind": "webhok"}, "has to be webhook, postgres, file or smtp"),
        ({"sinks.s.kind": "webhook", "sinks.s.topic": "t", "sinks.s.url": "ftp://x"}, "http:// or https://"),
        ({"reports.r.table": "t", "reports.r.column": "c"}, "setting reports.r.conninfo is missing"),
    ):
        tailrace = tailrace_factory(values, start=False)
        tailrace.start(wait=False)
        assert tailrace.process.wait(20) == 1
        assert text in tailrace.log


def test_reports_run_inside_and_are_kept(postgres, database, tailrace_factory):
    postgres.execute(database, "CREATE TABLE temperature_readings(id serial PRIMARY KEY, temperature numeric(5,2), recorded_at timestamp DEFAULT now())",
                     "INSERT INTO temperature_readings (temperature) VALUES (20.00), (30.00)")
    tailrace = tailrace_factory({
        "reports.average.conninfo": postgres.dsn(database), "reports.average.table": "temperature_readings", "reports.average.column": "temperature",
        "reports.average.window": "10m", "reports.average.every": "1s", "reports.average.unit": "°C"})
    harness.wait_until(lambda: status_of(tailrace, "reports", "average")["runs"] >= 2)
    first = records(tailrace, "tailrace-reports")[0]
    assert first["outcome"] == "value" and first["rows"] == 2 and Decimal(first["values"]["temperature"]) == 25
    before = len(records(tailrace, "tailrace-reports"))
    tailrace.restart()
    harness.wait_until(lambda: len(records(tailrace, "tailrace-reports")) > before + 1)
    ends = [result["window_to_us"] for result in records(tailrace, "tailrace-reports")]
    assert {b - a for a, b in zip(ends, ends[1:])} == {1_000_000}  # no window missing, none twice


def test_a_table_that_changes_is_read_on_or_said_to_be_another(postgres, database, tailrace_factory, tmp_path):
    postgres.execute(database, TABLE)
    script = tmp_path / "count.lua"
    script.write_text("function on_event(event, key)\n  key.counter('rows'):add()\nend\n")
    topic = f"{database}.public.transactions"
    tailrace = tailrace_factory(settings(database, **{"agents.counting.rule": "lua", "agents.counting.topic": topic, "agents.counting.rule.script": str(script)}))
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))

    def spend(column, *amounts):
        for amount in amounts:
            postgres.execute(database, f"INSERT INTO transactions (user_id, {column}, merchant, location) VALUES (1, {amount}, 'Amazon', 'Berlin')")

    def alerts():
        return [alert["number"] for alert in records(tailrace, f"{database}.alerts")]

    def state(name="spending"):
        return status_of(tailrace, "agents", name)

    def screen():
        return tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data)).stdout

    spend("amount", 10, 10, 10)
    postgres.execute(database, "ALTER TABLE transactions ADD COLUMN card text DEFAULT 'x'", "ALTER TABLE transactions DROP COLUMN merchant",
                     "ALTER TABLE transactions ADD COLUMN merchant text")
    spend("amount", 2000)
    postgres.execute(database, "ALTER TABLE transactions ALTER COLUMN amount TYPE double precision")
    spend("amount", 10, 10, 3000)
    harness.wait_until(lambda: alerts() == ["2000.00", "3000.0"])
    assert state()["dead_letters"] == 0 and "cannot read" not in screen()
    postgres.execute(database, "ALTER TABLE transactions RENAME COLUMN amount TO betrag")
    spend("betrag", 9000, 9000)
    harness.wait_until(lambda: state()["dead_letters"] == 2)
    harness.wait_until(lambda: "Agent spending cannot read what comes" in screen())
    assert 'there is no column "amount"; the rows have: id, user_id, betrag' in state()["dead_letter"] and 'there is no column "amount"' in screen()
    assert state()["state"] == "running" and state("counting")["dead_letters"] == 0
    harness.wait_until(lambda: state("counting")["judged"] == 9)
    postgres.execute(database, "ALTER TABLE transactions RENAME COLUMN betrag TO amount")
    spend("amount", 4000)
    harness.wait_until(lambda: alerts() == ["2000.00", "3000.0", "4000.0"])


def readings(postgres, database, *more):
    postgres.execute(database, "CREATE TABLE temperature_readings(id serial PRIMARY KEY, temperature numeric(5,2), recorded_at timestamp DEFAULT now())", *more)
    return {"reports.average.conninfo": postgres.dsn(database), "reports.average.table": "temperature_readings", "reports.average.column": "temperature",
            "reports.average.window": "10m"}


def test_the_last_result_of_a_report_is_there_at_once_after_a_restart(postgres, database, tailrace_factory):
    tailrace = tailrace_factory(readings(postgres, database, "INSERT INTO temperature_readings (temperature) VALUES (20.00), (30.00)") | {"reports.average.every": "1h"})
    last = harness.wait_until(lambda: status_of(tailrace, "reports", "average")["last"])
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for value in (b"no result", b"[1]", None):  # anybody may write there
        producer.send("tailrace-reports", value, key=b"average")
    producer.close()
    tailrace.restart()
    report = status_of(tailrace, "reports", "average")
    assert report["runs"] == 0 and report["last"] == last and Decimal(last["values"]["temperature"]) == 25


def test_a_report_makes_up_for_the_runs_of_an_outage_and_of_a_stop(postgres, database, tailrace_factory):
    tailrace = tailrace_factory(readings(postgres, database) | {"reports.average.every": "1s"})
    own = harness.Postgres()
    try:
        own.create_database("office")
        for key, value in readings(own, "office").items():
            tailrace.settings[key.replace("average", "other")] = value
        tailrace.restart(**{"reports.other.every": "1s"})

        def ends(name="other"):
            return [result["window_to_us"] for result in records(tailrace, "tailrace-reports") if result["report"] == name and result["outcome"] != "failed"]

        harness.wait_until(lambda: len(ends()) >= 2)
        own.stop()
        seen, average = len(ends()), len(ends("average"))
        harness.wait_until(lambda: len(ends("average")) >= average + 3)  # the other one goes on
        own.start()
        harness.wait_until(lambda: len(ends()) > seen + 3)
        tailrace.kill9()
        tailrace.start()
        seen = len(ends())
        harness.wait_until(lambda: len(ends()) > seen + 1)
        every = ends()
        assert {b - a for a, b in zip(every, every[1:])} == {1_000_000}  # no window missing, none twice
    finally:
        own.destroy()


@pytest.mark.parametrize("zone, kind", (("Asia/Kolkata", "timestamp"), ("America/New_York", "timestamptz"), ("Europe/Berlin", "timestamp")))
def test_windows_of_a_report_go_by_the_databases_clock_and_zone(postgres, database, tailrace, zone, kind):
    postgres.execute(database, f"ALTER DATABASE \"{database}\" SET timezone = '{zone}'")
    postgres.execute(database, f"CREATE TABLE t(v int, recorded_at {kind})",
                     "INSERT INTO t SELECT 1, now() - interval '9 minutes'", "INSERT INTO t SELECT 2, now() - interval '11 minutes'", "INSERT INTO t SELECT 4, now() + interval '1 hour'")
    for client in ("UTC", "Pacific/Auckland"):
        ran = subprocess.run([str(tailrace.program), "report", "sum", "--table", "t", "--column", "v", "--function", "sum", "--window", "10m", "--once", "--json",
                              "--port", str(postgres.port), "--password", harness.PASSWORD, "--database", database], capture_output=True, text=True, timeout=60,
                             env=os.environ | {"TZ": client})
        result = json.loads(ran.stdout)
        assert result["values"] == {"v": "1"} and result["rows"] == 1, ran.stderr


def test_a_report_of_any_sql_says_what_it_gave_or_why_it_is_none(postgres, database, tailrace, tmp_path):
    postgres.execute(database, f"ALTER DATABASE \"{database}\" SET timezone = 'Asia/Kolkata'")
    postgres.execute(database, "CREATE TABLE t(v numeric, recorded_at timestamp DEFAULT now())", "INSERT INTO t VALUES (1), (2)")

    def ran(*arguments, sql=None):
        (tmp_path / "sql").write_text(sql or "")
        return tailrace.run("tailrace", "report", "r", *(() if sql is None else ("--sql", str(tmp_path / "sql"))), *arguments, "--once", "--json", "--host",
                            "127.0.0.1", "--port", str(postgres.port), "--password", harness.PASSWORD, "--database", database)

    def values(sql):
        return json.loads(ran(sql=sql).stdout)["values"]

    counted = "SELECT count(*) AS n FROM t WHERE recorded_at "
    assert values(counted + ">= $1 AND recorded_at < $2") == {"n": "2"}, "parameters without a cast are in the session's time zone too"
    assert values(counted + "< $2 -- not $1") == values("SELECT 2 AS n") == {"n": "2"}
    long = values("SELECT repeat('ü', 200) AS \"größte\", 'x' AS x")
    assert long == {"größte": "ü" * 126 + "…", "x": "x"}
    for sql, message in (("SELECT v FROM t", "r: the SQL gave 2 rows, and a report is one"),
                         ("SELECT " + ", ".join(str(i) for i in range(17)), "r: the SQL gave 17 columns; a report has at most 16"),
                         ("", "r: the SQL gives no row; it has to be a SELECT"), ("DELETE FROM t WHERE false", "r: the SQL gives no row"),
                         ("COPY t TO STDOUT", "r: the SQL gives no row")):
        answer = ran(sql=sql)
        assert answer.returncode == 1 and message in answer.stderr, (sql, answer)
    answer = ran("--table", "public.t", "--column", "w")
    assert answer.returncode == 1 and 'column "w" does not exist; columns of public.t: v, recorded_at' in answer.stderr


def agent(tailrace, topic, *more, rule="spending-pattern"):
    return tailrace.run("tailrace", "agent", rule, "--topic", topic, "--bootstrap-server", tailrace.bootstrap, "--from-beginning", "--until-end", *more)


def test_an_agent_in_the_foreground_says_what_people_know_and_goes_on_where_it_was(tailrace):
    rows = numbered([(9157, Decimal("100.00"))] * 3 + [(3280, Decimal("5.00"))])
    produce_rows(tailrace, "shop.public.transactions", rows)
    first = agent(tailrace, "shop.public.transactions")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == ["🧬 Anomaly Detection Agent started..."] + ["📊 Profile updated for User 9157"] * 3 + ["📊 Profile updated for User 3280"]
    produce_rows(tailrace, "shop.public.transactions", numbered([(9157, Decimal("3927.52"))], 5))
    second = agent(tailrace, "shop.public.transactions")
    assert second.stdout.splitlines()[1:] == ["🚨 ANOMALY DETECTED: User 9157 spent $3927.52 (Significantly higher than average)"]
    assert len(records(tailrace, "shop.alerts")) == 1
    group = tailrace.run("kafka-consumer-groups", "--bootstrap-server", tailrace.bootstrap, "--describe", "--group", "spending-pattern").stdout
    assert [line.split()[3:6] for line in group.splitlines() if "shop.public.transactions" in line] == [["5", "5", "0"]]


def test_what_comes_while_an_agent_is_away_is_read_when_it_is_back(tailrace):
    """Also when it began at the end of the topic and had nothing to read, and when records are gone that it had not read yet."""
    def lines():
        ran = tailrace.run("tailrace", "agent", "spending-pattern", "--topic", "shop.t", "--bootstrap-server", tailrace.bootstrap, "--until-end")
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()[1:], ran.stderr

    produce_rows(tailrace, "shop.t", numbered([(1, 10)] * 2))
    assert lines() == ([], ""), "it begins at the end"
    produce_rows(tailrace, "shop.t", numbered([(2, 10)]))
    assert lines() == (["📊 Profile updated for User 2"], "")
    produce_rows(tailrace, "shop.t", numbered([(3, 10), (4, 10)]))
    offsets = json.dumps({"partitions": [{"topic": "shop.t", "partition": 0, "offset": 4}], "version": 1})
    tailrace.run("kafka-delete-records", "--bootstrap-server", tailrace.bootstrap, "--offset-json-file", "/dev/stdin", input=offsets, check=True)
    said, warned = lines()
    assert said == ["📊 Profile updated for User 4"]
    assert "topic shop.t, partition 0: offsets 3 to 3 were deleted before they were read; going on at 4" in warned


def test_a_topic_or_partition_that_comes_later_is_read_from_its_first_record(tailrace):
    process = subprocess.Popen([str(tailrace.program), "agent", "spending-pattern", "--topic", "late.t", "--bootstrap-server", tailrace.bootstrap],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "🧬 Anomaly Detection Agent started...\n"
        produce_rows(tailrace, "late.t", numbered([(1, 10)]))
        assert process.stdout.readline() == "📊 Profile updated for User 1\n"
        tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--alter", "--topic", "late.t", "--partitions", "2", check=True)
        producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
        producer.send("late.t", b'{"id": 2, "user_id": 2, "amount": 5}', partition=1).get(10)
        producer.close()
        assert process.stdout.readline() == "📊 Profile updated for User 2\n"
    finally:
        process.kill()
        process.wait()


def test_decimals_without_a_schema_are_read_with_their_scale(tailrace):
    """As Debezium's precise mode and a converter without schemas write them: 100.00 three times, then 3927.52."""
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for identity, amount in enumerate(("JxA=", "JxA=", "JxA=", "Bf4w")):
        producer.send("plain.t", json.dumps({"before": None, "after": {"id": identity, "user_id": 1, "amount": amount}, "op": "c", "source": {"ts_us": 1}}).encode())
    producer.close()
    without = agent(tailrace, "plain.t", "--name", "without", "--quiet")
    assert without.stdout == "" and "say its digits behind the point: scale.amount=2" in without.stderr
    for rule in ((), ("lua", "--set", f"script={harness.ROOT}/doc/examples/agents/spending-pattern.lua")):
        ran = agent(tailrace, "plain.t", "--name", "scaled" + "".join(rule[:1]), "--quiet", "--set", "scale.amount=2", *rule[1:], rule=(rule or ("spending-pattern",))[0])
        assert ran.stdout == "🚨 ANOMALY DETECTED: User 1 spent $3927.52 (Significantly higher than average)\n", ran.stderr
    tested = tailrace.run("tailrace", "backtest", "spending-pattern", "--topic", "plain.t", "--bootstrap-server", tailrace.bootstrap, "--set", "scale.amount=2")
    assert "spending-pattern: 1 alerts" in tested.stdout
    exported = tailrace.run("tailrace", "export", "plain.t", "--bootstrap-server", tailrace.bootstrap, "--scale", "amount=2")
    assert [json.loads(line)["amount"] for line in exported.stdout.splitlines()] == ["100.00"] * 3 + ["3927.52"]
    assert "0 to 38" in agent(tailrace, "plain.t", "--set", "scale.amount=x").stderr


@pytest.mark.parametrize("late, counted", (("judge", (0, 1)), ("ignore", (1, 0))))
def test_a_row_is_late_beside_those_of_its_own_partition_also_after_a_restart(tailrace_factory, late, counted):
    """One partition's rows are an hour older than the other's, and one of them comes an hour late in its own partition."""
    tailrace = tailrace_factory({"num.partitions": 2, "agents.a.rule": "velocity-score-event", "agents.a.topic": "two.t", "agents.a.late": late,
                                 "agents.a.rule.window.seconds": 7200, "agents.a.rule.count.limit": 3, "agents.a.rule.score.limit": 30})
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)

    def send(partition, identity, user, second):
        value = {"after": {"id": identity, "user_id": user, "amount": 1}, "op": "c", "source": {"ts_us": second * 1_000_000}}
        producer.send("two.t", json.dumps(value).encode(), partition=partition).get(10)

    for i in range(4):
        send(0, i, 1, 9000 + i)
    harness.wait_until(lambda: status_of(tailrace, "agents", "a")["judged"] == 4)
    for i in range(4):
        send(1, 10 + i, 2, 5000 + i)
    harness.wait_until(lambda: status_of(tailrace, "agents", "a")["read"] == 8)
    harness.wait_until(lambda: alerted_ids(tailrace, "two.alerts") == [3, 13])
    assert status_of(tailrace, "agents", "a")["late"] == 0
    producer.close()
    tailrace.restart()
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    send(1, 20, 2, 1400)
    harness.wait_until(lambda: status_of(tailrace, "agents", "a")["read"] >= 1)
    status = status_of(tailrace, "agents", "a")
    assert (status["late"], status["judged"]) == counted, "where it decides, what was the newest is known after a restart"


def test_an_agent_killed_between_alert_and_checkpoint_says_nothing_twice(tailrace):
    rows = numbered(random_rows(3000, 8, 5))
    expected = spending_anomalies([(i, u, Decimal(repr(float(a)))) for i, u, a in rows])
    command = [str(tailrace.program), "agent", "spending-pattern", "--topic", "shop.public.transactions", "--bootstrap-server", tailrace.bootstrap,
               "--from-beginning", "--quiet"]
    for part in range(0, 3000, 600):  # each life has alerts of its own to say, also when the one before got to the end
        produce_rows(tailrace, "shop.public.transactions", rows[part:part + 600])
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()  # the first alert of this life: its checkpoint may or may not be there yet
        process.kill()
        process.wait()
    assert agent(tailrace, "shop.public.transactions").returncode == 0
    assert alerted_ids(tailrace, "shop.alerts") == expected


def test_json_and_quiet_print_alerts_and_nothing_else(tailrace):
    produce_rows(tailrace, "shop.public.transactions", numbered([(9157, Decimal("100.00"))] * 3 + [(9157, Decimal("3927.52"))]))
    quiet = agent(tailrace, "shop.public.transactions", "--name", "q", "--quiet")
    assert quiet.stdout.splitlines() == ["🚨 ANOMALY DETECTED: User 9157 spent $3927.52 (Significantly higher than average)"]
    lines = agent(tailrace, "shop.public.transactions", "--name", "j", "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == ["3927.52"]


def test_wrong_columns_say_which_there_are_and_judge_nothing(tailrace):
    produce_rows(tailrace, "shop.public.transactions", numbered([(9157, Decimal("100.00"))] * 3 + [(9157, Decimal("3927.52"))]))
    for wrong in (("--set", "column.user=customer"), ("--key", "customer")):
        ran = agent(tailrace, "shop.public.transactions", "--name", wrong[0].strip("-"), "--quiet", *wrong)
        assert ran.stdout == "" and "there is no column \"customer\"; the rows have: id, user_id" in ran.stderr
    ran = tailrace.run("tailrace", "backtest", "spending-pattern", "--topic", "shop.public.transactions", "--bootstrap-server", tailrace.bootstrap,
                       "--set", "column.user=customer")
    assert ran.stdout.startswith("0 rows in ") and "spending-pattern: 0 alerts" in ran.stdout
    assert "4 records that an agent would put to its dead letters (the first: " in ran.stdout and "no column \"customer\"; the rows have: id, user_id" in ran.stdout


def test_a_report_that_runs_once_and_fails_says_so_and_ends_with_1(tailrace):
    ran = tailrace.run("tailrace", "report", "average", "--table", "t", "--column", "c", "--once", "--host", "127.0.0.1", "--port", "1")
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith("tailrace: average: connect to PostgreSQL: ") and "made up for" not in ran.stderr and "\t" not in ran.stderr


def test_an_unknown_rule_and_a_missing_topic_are_wrong_usage(tailrace):
    answer = tailrace.run("tailrace", "agent", "spendin-pattern", "--topic", "t", "--bootstrap-server", tailrace.bootstrap)
    assert answer.returncode == 1 and "there is no rule" in answer.stderr
    answer = tailrace.run("tailrace", "agent", "spending-pattern")
    assert answer.returncode == 2 and "--topic is missing" in answer.stderr
    for wrong, message in ((("--name", "a/b"), "cannot be the name of an agent"), (("--name", ""), "cannot be the name of an agent"),
                           (("--operations", "x"), "some of c,r,u,d"), (("--operations", ","), "some of c,r,u,d"), (("--group", ""), "the group is empty")):
        answer = agent(tailrace, "t", *wrong)
        assert answer.returncode == 1 and message in answer.stderr and answer.stdout == "", answer


def test_an_agent_says_that_no_broker_answers(tailrace):
    answer = tailrace.run("tailrace", "agent", "spending-pattern", "--topic", "t", "--bootstrap-server", f"127.0.0.1:{harness.free_port()}")
    assert answer.returncode == 1 and answer.stdout == "", "nothing has started yet"
    assert "no broker answers at 127.0.0.1:" in answer.stderr and "--bootstrap-server" in answer.stderr
