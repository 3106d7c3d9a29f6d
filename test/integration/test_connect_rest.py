"""Kafka Connect's REST API of the built program: connectors over restarts, secrets, browsers, bad requests. The recorded answers: test/golden."""
import json
import re
import socket
import subprocess
import threading
import time

from harness import PASSWORD, USER, connector_config, wait_until


def records(tailrace, topic):
    """All records of a topic as (key, value), by Apache's console consumer or ours."""
    done = tailrace.run("kafka-console-consumer", "--bootstrap-server", tailrace.bootstrap, "--topic", topic, "--from-beginning",
                        "--property", "print.key=true", "--timeout-ms", "3000")
    return [tuple(line.split("\t", 1)) for line in done.stdout.splitlines() if "\t" in line]


def raw(tailrace, data, timeout=10):
    """What the server sends to these bytes until it closes or the time is up."""
    got = b""
    with socket.create_connection(("127.0.0.1", tailrace.rest_port), timeout=timeout) as connection:
        connection.sendall(data)
        try:
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return got
                got += piece
        except (TimeoutError, ConnectionError):
            return got


def table(postgres, database, rows=1):
    postgres.execute(database, "CREATE TABLE t (id serial PRIMARY KEY, name text)",
                     *[f"INSERT INTO t (name) VALUES ('row {number}')" for number in range(rows)])


# ---- Connectors over time ----

def test_the_tutorial_typed_by_hand(tailrace_factory, postgres, database):
    tailrace = tailrace_factory({"host.aliases": "postgres=127.0.0.1"})
    postgres.execute(database, "CREATE TABLE activity (id serial PRIMARY KEY, name varchar(255) NOT NULL, email varchar(255))",
                     "INSERT INTO activity (name) VALUES ('before')")
    body = json.dumps({"name": "activity-connector", "config": {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "database.hostname": "postgres",
        "database.port": str(postgres.port), "database.user": USER, "database.password": PASSWORD, "database.dbname": database,
        "slot.name": "activityslot", "topic.prefix": "dbserver1", "plugin.name": "pgoutput",
        "database.replication.slot.name": "debeziumactivity"}})
    done = subprocess.run(["curl", "-si", "-X", "POST", "-H", "Accept:application/json", "-H", "Content-Type:application/json",
                           f"localhost:{tailrace.rest_port}/connectors/", "-d", body], capture_output=True, timeout=30)
    assert done.stdout.startswith(b"HTTP/1.1 201 Created\r\n"), done.stdout
    assert b"Location: http://localhost:%d/connectors/activity-connector\r\n" % tailrace.rest_port in done.stdout
    tailrace.wait_connector("activity-connector")
    wait_until(lambda: tailrace.rest("GET", "/connectors/activity-connector/topics").json()
               == {"activity-connector": {"topics": ["dbserver1.public.activity"]}}, what="the topic being active")
    assert "settings without effect connector=activity-connector: database.replication.slot.name (did you mean slot.name?)" in tailrace.log
    assert tailrace.rest("GET", "/connectors").json() == ["activity-connector"]
    tailrace.delete_connector("activity-connector")
    assert tailrace.rest("GET", "/connectors/activity-connector/status").status == 404
    assert postgres.execute(database, "SELECT active FROM pg_replication_slots WHERE slot_name = 'activityslot'") == [(False,)]


def test_two_connectors_on_two_databases_and_a_restart(tailrace, postgres, database):
    second = postgres.create_database(database[:50] + "_two")
    try:
        for name in (database, second):
            table(postgres, name)
            tailrace.create_connector(name, connector_config(postgres, name))
        tailrace.rest("PUT", f"/connectors/{second}/pause")
        tailrace.wait_connector(second, "PAUSED/PAUSED")
        assert tailrace.restart() is tailrace
        tailrace.wait_connector(database)
        tailrace.wait_connector(second, "PAUSED/PAUSED")
        for name in (database, second):
            postgres.execute(name, "INSERT INTO t (name) VALUES ('after')")
        wait_until(lambda: len(records(tailrace, f"{database}.public.t")) == 2, what="the row after the restart", interval=0.5)
        tailrace.rest("PUT", f"/connectors/{second}/resume")
        tailrace.wait_connector(second)
        wait_until(lambda: len(records(tailrace, f"{second}.public.t")) == 2, what="the row that waited", interval=0.5)
        tailrace.kill9()
        tailrace.start()
        for name in (database, second):
            tailrace.wait_connector(name)
            assert len(records(tailrace, f"{name}.public.t")) == 2
    finally:
        tailrace.stop()
        postgres.drop_database(second)


def test_the_internal_topics_have_connects_records(tailrace, postgres, database):
    table(postgres, database)
    tailrace.create_connector("c", connector_config(postgres, database, "p"))
    wait_until(lambda: len(records(tailrace, "p.public.t")) == 1, what="the snapshot", interval=0.5)
    tailrace.rest("PUT", "/connectors/c/stop")
    tailrace.wait_connector("c", "STOPPED/-")
    described = tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--describe").stdout
    for topic, partitions in (("connect-configs", 1), ("connect-offsets", 25), ("connect-statuses", 5)):
        assert re.search(rf"Topic: {topic}\t.*PartitionCount: {partitions}\t.*cleanup.policy=compact", described), described
    configs = records(tailrace, "connect-configs")
    assert [key for key, _ in configs] == ["session-key", "connector-c", "task-c-0", "commit-c", "commit-c", "target-state-c"]
    assert json.loads(configs[1][1])["properties"]["name"] == "c"
    assert configs[4][1] == '{"tasks":0}'
    assert configs[5][1] == '{"state":"PAUSED","state.v2":"STOPPED"}'
    offsets = dict(records(tailrace, "connect-offsets"))
    position = json.loads(offsets['["c",{"server":"p"}]'])
    assert position["snapshot_completed"] is True and position["lsn"] > 0
    statuses = dict(records(tailrace, "connect-statuses"))
    assert json.loads(statuses["status-connector-c"])["state"] == "STOPPED"
    assert statuses["status-task-c-0"] == "null"


def test_resetting_offsets_takes_the_snapshot_again(tailrace, postgres, database):
    table(postgres, database, rows=3)
    tailrace.create_connector("c", connector_config(postgres, database, "p"))
    wait_until(lambda: len(records(tailrace, "p.public.t")) == 3, what="the snapshot", interval=0.5)
    assert tailrace.rest("DELETE", "/connectors/c/offsets").status == 400
    tailrace.rest("PUT", "/connectors/c/stop")
    answer = tailrace.rest("DELETE", "/connectors/c/offsets")
    assert answer.status == 200 and "have been reset successfully" in answer.text
    assert tailrace.rest("GET", "/connectors/c/offsets").json() == {"offsets": []}
    tailrace.rest("PUT", "/connectors/c/resume")
    tailrace.wait_connector("c")
    wait_until(lambda: len(records(tailrace, "p.public.t")) == 6, what="the second snapshot", interval=0.5)


def test_a_database_that_is_down_is_said_and_waited_for(tailrace, postgres, database):
    table(postgres, database)
    tailrace.create_connector("c", connector_config(postgres, database, "p"))
    postgres.stop()
    try:
        tailrace.wait_connector("c", "RUNNING/FAILED")
        trace = wait_until(lambda: (tailrace.connector_state("c")[1] if "next attempt at" in tailrace.connector_state("c")[1] else None))
        assert trace.startswith("org.apache.kafka.connect.errors.ConnectException: An exception occurred in the change event producer. "
                                "This connector will be restarted.\n")
        answer = tailrace.rest("POST", "/connectors", {"name": "d", "config": connector_config(postgres, database, "q")})
        assert answer.status == 400
        assert answer.json()["message"].startswith("Connector configuration is invalid and contains the following 1 error(s):\n"
                                                   "Error while validating connector config: Connection to 127.0.0.1:")
    finally:
        postgres.start()
    tailrace.wait_connector("c", timeout=60)
    postgres.execute(database, "INSERT INTO t (name) VALUES ('after')")
    wait_until(lambda: len(records(tailrace, "p.public.t")) == 2, what="the row after the outage", interval=0.5)


def test_odd_names_of_connectors(tailrace, postgres, database):
    table(postgres, database)
    for number, (name, path) in enumerate((("a b", "a%20b"), ("ä/ö", "%C3%A4%2F%C3%B6"), ("50%", "50%25"), ('q"\\', "q%22%5C"), ("..", "%2E%2E"))):
        config = connector_config(postgres, database, f"p{number}")
        answer = tailrace.rest("POST", "/connectors", {"name": name, "config": config, "initial_state": "STOPPED"})
        assert answer.status == 201, answer
        assert tailrace.rest("GET", f"/connectors/{path}").json()["name"] == name
        assert tailrace.rest("GET", f"/connectors/{path}/status").json()["name"] == name
        assert tailrace.rest("PUT", f"/connectors/{path}/pause").status == 202
    assert len(tailrace.restart().rest("GET", "/connectors").json()) == 5
    for name in ("a%20b", "%C3%A4%2F%C3%B6", "50%25", "q%22%5C", "%2E%2E"):
        assert tailrace.rest("DELETE", f"/connectors/{name}").status == 204
    assert tailrace.rest("GET", "/connectors").json() == []


# ---- Secrets and browsers ----

def test_masked_passwords_can_be_put_back(tailrace_factory, postgres, database, tmp_path):
    tailrace = tailrace_factory({"connect.mask.passwords": "true"})
    table(postgres, database)
    config = connector_config(postgres, database, "p")
    tailrace.create_connector("c", config)
    shown = tailrace.rest("GET", "/connectors/c/config").json()
    assert shown["database.password"] == "********"
    shown["max.batch.size"] = "1000"
    answer = tailrace.rest("PUT", "/connectors/c/config", shown)
    assert answer.status == 200 and answer.json()["config"]["database.password"] == "********"
    tailrace.wait_connector("c")
    assert PASSWORD in dict(records(tailrace, "connect-configs"))["connector-c"]
    assert f'"{PASSWORD}"' not in tailrace.log
    secrets = tmp_path / "secrets.properties"
    secrets.write_text(f"password={PASSWORD}\n")
    config = connector_config(postgres, database, "q", database__password="${file:%s:password}" % secrets)
    tailrace.create_connector("d", config)
    assert tailrace.rest("GET", "/connectors/d/config").json()["database.password"] == "${file:%s:password}" % secrets
    missing = connector_config(postgres, database, "r", database__password="${file:%s:nothing}" % secrets)
    answer = tailrace.rest("POST", "/connectors", {"name": "e", "config": missing})
    assert answer.status == 400 and "has no value for nothing" in answer.text


def test_browsers_are_no_way_in(tailrace):
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        for method in ("GET", "DELETE", "OPTIONS"):
            answer = tailrace.rest(method, "/connectors/x", headers=headers)
            assert answer.status == (421 if "Host" in headers else 403) and "console.hosts" in answer.text, answer
    assert tailrace.rest("GET", "/connectors", headers={"Origin": tailrace.rest_url}).status == 200


# ---- Bad requests ----

def test_a_port_in_use_is_said_with_port_and_setting(tailrace, tailrace_factory):
    second = tailrace_factory({"rest.port": tailrace.rest_port}, start=False)
    second.start(wait=False)
    assert second.process.wait(20) != 0
    assert str(tailrace.rest_port) in second.log and "rest.port" in second.log


def test_requests_that_are_none_leave_the_others_unharmed(tailrace):
    host = b"Host: localhost\r\n"
    for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"POST /connectors HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
                 b"POST /connectors HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999999999\r\n\r\n",
                 b"POST /connectors HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"GET /connectors/%ff HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n",
                 b"GET /connectors/\xff\xfe HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"):
        raw(tailrace, data, timeout=1)
        assert tailrace.rest("GET", "/connectors").status == 200
    answer = tailrace.rest("POST", "/connectors", b"{" * 2_000_000)
    assert answer.status == 413
    chunks = b"POST /connectors HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks += b"".join(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
    assert raw(tailrace, chunks).startswith(b"HTTP/1.1 413 ")
    deep = tailrace.rest("PUT", "/connectors/x/config", "[" * 500_000)
    assert deep.status == 500


def test_slow_clients_do_not_keep_others_out(tailrace):
    slow = [socket.create_connection(("127.0.0.1", tailrace.rest_port)) for _ in range(30)]
    try:
        for connection in slow:
            connection.sendall(b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        began = time.monotonic()
        assert tailrace.rest("GET", "/connectors").status == 200
        assert time.monotonic() - began < 2
        assert tailrace.stop() == 0
    finally:
        for connection in slow:
            connection.close()


def test_a_validation_that_waits_does_not_delay_the_stop(tailrace, postgres, database):
    """A server that accepts and says nothing: the validation of a configuration waits for it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        config = connector_config(postgres, database, "p")
        config["database.port"] = str(silent.getsockname()[1])
        asking = threading.Thread(target=lambda: raw(tailrace, (
            "PUT /connector-plugins/PostgresConnector/config/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: %d\r\n\r\n%s" % (len(json.dumps(config)), json.dumps(config))).encode()))
        asking.start()
        silent.settimeout(10)
        connection, _ = silent.accept()
        assert tailrace.rest("GET", "/connectors").status == 200
        began = time.monotonic()
        assert tailrace.stop() == 0
        assert time.monotonic() - began < 5
        connection.close()
        asking.join(15)


def test_many_changes_at_once(tailrace, postgres, database):
    """Eight clients pause, resume, restart, stop and configure one connector: every answer is one of Connect's, and it runs in the end."""
    table(postgres, database)
    config = connector_config(postgres, database, "p")
    tailrace.create_connector("c", config)
    strange = []

    def change(seed):
        for number in range(12):
            kind = (seed * 7 + number * 5) % 8
            answer = (tailrace.rest("PUT", "/connectors/c/pause") if kind == 0 else
                      tailrace.rest("PUT", "/connectors/c/resume") if kind in (1, 2) else
                      tailrace.rest("PUT", "/connectors/c/stop") if kind == 3 else
                      tailrace.rest("POST", "/connectors/c/restart?includeTasks=true", b"") if kind == 4 else
                      tailrace.rest("POST", "/connectors/c/tasks/0/restart", b"") if kind == 5 else
                      tailrace.rest("PUT", "/connectors/c/config", dict(config, **{"max.batch.size": str(1000 + seed * 100 + number)})) if kind == 6 else
                      tailrace.rest("GET", "/connectors/c/status"))
            if answer.status not in (200, 202, 204) and not (kind == 5 and answer.status == 404):
                strange.append(answer)

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not strange
    tailrace.rest("PUT", "/connectors/c/resume")
    tailrace.wait_connector("c", timeout=60)
    postgres.execute(database, "INSERT INTO t (name) VALUES ('last')")
    wait_until(lambda: len(records(tailrace, "p.public.t")) == 2, what="both rows, once each", interval=0.5)
