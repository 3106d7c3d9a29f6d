"""The usual tutorial, typed as it stands there: connectors by curl, rows by psql, consumers in Python."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

import harness
from harness import wait_until

HERE = pathlib.Path(__file__).resolve().parent
READER = HERE / "programs" / "transaction_reader.py"
OLD_CLIENT = harness.ROOT / ".venv" / "kafka-python-2.0.2"
ACTIVITY = {"name": "activity-connector", "config": {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "database.hostname": "postgres",
    "database.port": "5432", "database.user": "postgres", "database.password": "postgrespw", "database.dbname": "activity",
    "slot.name": "activityslot", "topic.prefix": "dbserver1", "plugin.name": "pgoutput", "database.replication.slot.name": "debeziumactivity"}}
FRAUD = {"name": "fraud-detection-connector", "config": {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "database.hostname": "postgres",
    "database.port": "5432", "database.user": "postgres", "database.password": "postgrespw", "database.dbname": "mydb",
    "table.include.list": "public.transactions", "slot.name": "fraudslot", "topic.prefix": "fraud-detection", "plugin.name": "pgoutput"}}
FRAUD_TOPIC = "fraud-detection.public.transactions"
TRANSACTIONS = ("CREATE TABLE transactions (id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar, location varchar, "
                "transaction_time timestamp)")


@pytest.fixture
def stack(postgres, tailrace_factory):
    """Tailrace beside a PostgreSQL that is called postgres:5432, and the tutorial's two databases."""
    for database in ("activity", "mydb"):
        postgres.create_database(database)
    tailrace = tailrace_factory({"host.aliases": f"postgres=127.0.0.1:{postgres.port}"})
    yield tailrace
    tailrace.stop()
    for database in ("activity", "mydb"):
        postgres.drop_database(database)


def create(tailrace, connector):
    answer = tailrace.rest("POST", "/connectors/", connector, {"Accept": "application/json"})
    assert answer.status == 201, answer
    tailrace.wait_connector(connector["name"])
    return answer


def records(tailrace, topic, count):
    """The first `count` records of a topic with keys, as the console consumer prints them."""
    done = tailrace.run("kafka-console-consumer.sh", "--bootstrap-server", tailrace.second_bootstrap, "--topic", topic, "--from-beginning",
                        "--formatter-property", "print.key=true", "--formatter-property", "key.separator=|", "--max-messages", count, "--timeout-ms", "20000")
    lines = done.stdout.splitlines()
    assert len(lines) == count, (done.stdout, done.stderr)
    return [tuple(None if part == "null" else json.loads(part) for part in line.split("|", 1)) for line in lines]


def test_a_connector_by_curl_and_rows_by_psql(postgres, stack):
    postgres.execute("activity", "CREATE TABLE activity (id serial PRIMARY KEY, name varchar(40), amount decimal(10,2))",
                     "INSERT INTO activity (name, amount) VALUES ('before', 1.50)")
    answer = create(stack, ACTIVITY)
    assert answer.json()["config"]["database.replication.slot.name"] == "debeziumactivity"
    assert "database.replication.slot.name" in stack.log  # nobody knows it, so it is a warning
    postgres.execute("activity", "INSERT INTO activity (name, amount) VALUES ('after', 12.30)", "UPDATE activity SET amount = 99.99 WHERE id = 1",
                     "DELETE FROM activity WHERE id = 2")
    got = records(stack, "dbserver1.public.activity", 5)
    operations = [value and value["payload"]["op"] for _, value in got]
    assert operations == ["r", "c", "u", "d", None]
    assert [key["payload"]["id"] for key, _ in got] == [1, 2, 1, 2, 2]
    read = got[0][1]
    assert set(read) == {"schema", "payload"}
    assert {"before", "after", "source", "op", "ts_ms", "transaction"} <= set(read["payload"])
    assert read["payload"]["after"] == {"id": 1, "name": "before", "amount": "AJY="}
    assert read["schema"]["name"] == "dbserver1.public.activity.Envelope"
    source = got[1][1]["payload"]["source"]
    assert (source["db"], source["table"], source["snapshot"]) == ("activity", "activity", "false")


def test_two_connectors_on_two_databases_at_once(postgres, stack):
    postgres.execute("activity", "CREATE TABLE activity (id int PRIMARY KEY)", "INSERT INTO activity VALUES (1)")
    postgres.execute("mydb", TRANSACTIONS, "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO other VALUES (1)",
                     "INSERT INTO transactions (user_id, amount) VALUES (1, 10)")
    create(stack, ACTIVITY)
    create(stack, FRAUD)
    assert sorted(stack.rest("GET", "/connectors").json()) == ["activity-connector", "fraud-detection-connector"]
    status = stack.rest("GET", "/connectors/activity-connector/status").json()
    assert status["connector"]["state"] == status["tasks"][0]["state"] == "RUNNING"
    plugins = stack.rest("GET", "/connector-plugins").json()
    assert {"class": "io.debezium.connector.postgresql.PostgresConnector", "type": "source", "version": "3.6.1.Final"} in plugins
    records(stack, "dbserver1.public.activity", 1)
    records(stack, FRAUD_TOPIC, 1)
    topics = stack.run("kafka-topics.sh", "--bootstrap-server", stack.bootstrap, "--list", check=True).stdout.split()
    assert {"connect-configs", "connect-offsets", "connect-statuses", "dbserver1.public.activity", FRAUD_TOPIC} <= set(topics)
    assert not any("other" in topic for topic in topics)
    stack.delete_connector("activity-connector")
    wait_until(lambda: stack.rest("GET", "/connectors").json() == ["fraud-detection-connector"], 10, "the connector being gone")


class Reader:
    """transaction_reader.py as a process of its own."""

    def __init__(self, tailrace, group, path, count=None, client=None):
        self.output = path
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        if client:
            environment["PYTHONPATH"] = str(client)
        command = [sys.executable, str(READER), tailrace.second_bootstrap, group, FRAUD_TOPIC] + ([str(count)] if count else [])
        with open(path, "wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)

    def rows(self):
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def wait_rows(self, count, timeout=60):
        def enough():
            assert self.process.poll() is None or len(self.rows()) >= count, self.output.read_text()
            return len(self.rows()) >= count

        wait_until(enough, timeout, f"{count} rows in {self.output.name}")
        return self.rows()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def insert(postgres, first, count):
    values = ", ".join(f"({i}, {i}, {i}.25, 'shop', 'here', now())" for i in range(first, first + count))
    postgres.execute("mydb", f"INSERT INTO transactions VALUES {values}")


CLIENTS = [pytest.param(None, id="kafka-python-3"), pytest.param(OLD_CLIENT, id="kafka-python-2.0.2",
                                                                 marks=pytest.mark.skipif(not OLD_CLIENT.exists(), reason="not installed"))]


@pytest.mark.parametrize("client", CLIENTS)
def test_two_python_programs_in_two_groups_go_on_where_they_were(postgres, stack, tmp_path, client):
    postgres.execute("mydb", TRANSACTIONS)
    insert(postgres, 1, 10)
    create(stack, FRAUD)
    first = [Reader(stack, group, tmp_path / f"{group}-1", 10, client) for group in ("agent-1", "agent-2")]
    for reader in first:
        assert [row["id"] for row in reader.wait_rows(10)] == list(range(1, 11))
        assert reader.rows()[4]["amount"] == 5.25
        assert reader.process.wait(20) == 0
    insert(postgres, 11, 5)
    stack.restart()
    second = [Reader(stack, group, tmp_path / f"{group}-2", None, client) for group in ("agent-1", "agent-2")]
    try:
        for reader in second:
            assert [row["id"] for row in reader.wait_rows(5)] == list(range(11, 16))
        # Now Tailrace restarts under programs that run.
        stack.restart()
        stack.wait_connector(FRAUD["name"])
        insert(postgres, 16, 5)
        for reader in second:
            assert [row["id"] for row in reader.wait_rows(10)] == list(range(11, 21))
    finally:
        for reader in second:
            reader.end()


def test_connectors_and_rows_come_back_after_kill_9(postgres, stack):
    postgres.execute("mydb", TRANSACTIONS)
    insert(postgres, 1, 5)
    create(stack, FRAUD)
    records(stack, FRAUD_TOPIC, 5)
    stack.kill9()
    insert(postgres, 6, 5)
    stack.start()
    stack.wait_connector(FRAUD["name"])
    got = records(stack, FRAUD_TOPIC, 10)
    assert [value["payload"]["after"]["id"] for _, value in got] == list(range(1, 11))


def test_events_are_printed_as_rows(postgres, stack):
    postgres.execute("mydb", TRANSACTIONS)
    insert(postgres, 1, 1)
    create(stack, FRAUD)
    postgres.execute("mydb", "ALTER TABLE transactions REPLICA IDENTITY FULL", "UPDATE transactions SET amount = 7.5 WHERE id = 1")
    done = stack.run("tailrace", "events", FRAUD_TOPIC, "--bootstrap-server", stack.bootstrap, "--from-beginning", "--max", "2", check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("READ   id=1 user_id=1 amount=1.25 merchant=shop location=here transaction_time=")
    assert " amount=1.25→7.50 " in second
