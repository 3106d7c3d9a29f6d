"""One row's way: from its commit in PostgreSQL to the alert at the webhook, by every question; where it waits; what a crash leaves."""
import contextlib
import json
import urllib.parse

import pytest

import harness
from agents_help import Receiver
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

TABLE = "CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount decimal(10,2))"
CHAIN = ["committed", "received", "appended", "durable", "published", "read", "scored", "alerted", "delivered"]
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def settings(database, receiver=None):
    values = {"agents.spending.rule": "spending-pattern", "agents.spending.topic": f"{database}.public.transactions", "agents.spending.enriched": "true"}
    if receiver:
        values |= {"sinks.case.kind": "webhook", "sinks.case.topic": f"{database}.alerts", "sinks.case.url": receiver.url, "sinks.case.from": "beginning"}
    return values


def ask(tailrace, **query):
    answer = harness.http("GET", tailrace.console_url + "/api/v1/trace?" + "&".join(f"{name}={urllib.parse.quote(str(value))}" for name, value in query.items()))
    return answer.status, answer.json()


def trace(tailrace, *words, code=0):
    """`tailrace trace`: its answer, and that text and JSON end alike."""
    done = tailrace.run("tailrace", "trace", *words, "--json", "--data-dir", tailrace.data)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    text = tailrace.run("tailrace", "trace", *words, "--data-dir", tailrace.data)
    assert text.returncode == code, text.stdout
    return json.loads(done.stdout), text.stdout


def insert(postgres, database, *rows):
    """Each in a transaction of its own; gives the last one's number."""
    with contextlib.closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        for user, amount in rows:
            cursor.execute("INSERT INTO transactions (user_id, amount) VALUES (%s, %s) RETURNING xmin::text", (user, amount))
        return int(cursor.fetchone()[0])


def spend(postgres, database):
    """Four usual amounts, and one that is not: the row with id 5."""
    return insert(postgres, database, (1, 10), (1, 11), (1, 12), (1, 10), (1, 2000))


def hop(change, step, who=None):
    found = [one for one in change["hops"] if one["step"] == step and (who is None or who in (one["note"] or ""))]
    assert found, (step, who, change["hops"])
    return found[0]


def reader(change, name):
    return {one["reader"]: one for one in change["readers"]}[name]


def read_by_group(tailrace, topic, count, group="orders"):
    consumer = KafkaConsumer(bootstrap_servers=tailrace.bootstrap, group_id=group, client_id=group + "-app", auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.subscribe([topic])
    seen = []

    def all_there():
        for messages in consumer.poll(200).values():
            seen.extend(messages)
        return len(seen) >= count

    harness.wait_until(all_there, what=f"{count} messages in {topic}")
    consumer.commit()
    return consumer


def test_a_row_is_traced_to_its_alert_by_every_question(postgres, database, tailrace_factory, receiver):
    topic = f"{database}.public.transactions"
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory(settings(database, receiver))
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    xid = spend(postgres, database)
    harness.wait_until(lambda: receiver.delivered())
    alert = receiver.delivered()[0]
    consumer = read_by_group(tailrace, topic, 5)
    sleeper = KafkaConsumer(bootstrap_servers=tailrace.bootstrap, group_id="asleep", enable_auto_commit=False)
    sleeper.assign([TopicPartition(topic, 0)])
    sleeper.commit({TopicPartition(topic, 0): OffsetAndMetadata(2, "", -1)})
    sleeper.close()

    def delivered():
        return any(one["step"] == "delivered" for one in trace(tailrace, alert)[0]["changes"][0]["hops"])

    harness.wait_until(delivered)
    whole, text = trace(tailrace, alert)
    change = whole["changes"][0]
    assert (change["topic"], change["partition"], change["op"], change["xid"]) == (topic, 0, "c", str(xid))
    for words in (["transactions", "5"], ["public.transactions", "id=5"], [topic, '{"id":5}'], [change["lsn"]], [f"xid:{xid}"], [f"{topic}:0:{change['offset']}"]):
        found = trace(tailrace, *words)[0]["changes"]
        assert [one["offset"] for one in found] == [change["offset"]], words
        assert [(one["step"], one["at_us"]) for one in found[0]["hops"]] == [(one["step"], one["at_us"]) for one in change["hops"]], words

    way = [hop(change, step, "agent" if step == "read" else None) for step in CHAIN]
    times = [one["at_us"] for one in way]
    assert times == sorted(times) and times[0] == change["commit_us"]
    assert all(one["start_us"] >= 0 and one["took_us"] >= 0 for one in change["hops"])
    assert change["known"] == "batch" and change["to_alert_us"] == way[7]["at_us"] - times[0]
    assert change["alerts"][0]["id"] == alert
    assert reader(change, "orders")["state"] == "ok" and reader(change, "orders")["at_us"] >= way[4]["at_us"]
    assert hop(change, "read", "group orders")["at_us"] == reader(change, "orders")["at_us"]
    assert reader(change, "orders")["committed_us"] >= reader(change, "orders")["at_us"]
    assert reader(change, "spending")["state"] == "ok" and reader(change, "asleep")["after_us"] is None
    waiting = {one["who"]: one for one in change["waits"]}
    assert set(waiting) == {"asleep"} and "no members" in waiting["asleep"]["why"] and waiting["asleep"]["todo"]
    assert all(step in text for step in CHAIN) and "by sink case" in text and "Waits to be read" in text
    consumer.close()


KEYS = {  # a type: the key as SQL, ways in which people write it, and one that it is not
    "bigint": ("-9007199254740993", ["-9007199254740993", "k=-9007199254740993"], "-9007199254740992"),
    "text": ("'it''s \"x\" /y\\z, ž=🐎'", ["it's \"x\" /y\\z, ž=🐎", "k=it's \"x\" /y\\z, ž=🐎"], "it's"),
    "uuid": ("'0e37df36-f698-11e6-8dd4-cb9ced3df976'", ["0e37df36-f698-11e6-8dd4-cb9ced3df976", "0E37DF36-F698-11E6-8DD4-CB9CED3DF976"], "0e37df36-f698-11e6-8dd4-cb9ced3df977"),
    "numeric(20,4)": ("12345.6", ["12345.6", "12345.6000", "k=12345.6"], "12345.7"),
    "timestamp": ("'2026-01-02 03:04:05.5'", ["2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500Z"], "2026-01-02 03:04:05.6"),
    "timestamptz": ("'2026-01-02 03:04:05.123456+00'", ["2026-01-02 03:04:05.123456+00", "2026-01-02 05:04:05.123456+02", "2026-01-02T03:04:05.123456Z"], "2026-01-02 03:04:05.123456+02"),
    "date": ("'2026-01-02'", ["2026-01-02"], "2026-01-03"),
    "time": ("'03:04:05.5'", ["03:04:05.5"], "03:04:05"),
    "bytea": ("'\\xdeadbeef00'", ["\\xdeadbeef00", "3q2+7wA="], "\\xdeadbeef"),
    "boolean": ("true", ["true", "t"], "f"),
}


def test_a_key_of_any_type_is_found_as_postgresql_prints_it(postgres, database, tailrace_factory):
    """In topics of three partitions: also where the key's bytes cannot be made from what was typed, the row is found."""
    names = {kind: "t_" + kind.split("(")[0] for kind in KEYS}
    for kind, (value, _, _) in KEYS.items():
        postgres.execute(database, f"CREATE TABLE {names[kind]}(k {kind} PRIMARY KEY)", f"INSERT INTO {names[kind]} VALUES ({value})")
    postgres.execute(database, "CREATE TABLE two(a int, b text, v int, PRIMARY KEY (a, b))", "INSERT INTO two VALUES (1, 'x'), (1, 'y'), (2, 'x')", "CREATE TABLE none(v int)", "INSERT INTO none VALUES (1)")
    tailrace = tailrace_factory({"num.partitions": "3"})
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    for table, rows in [*((name, 1) for name in names.values()), ("two", 3), ("none", 1)]:
        harness.wait_until(lambda: sum(ask(tailrace, topic=f"{database}.public.{table}", p=p, o=o)[0] == 200 for p in range(3) for o in range(rows)) == rows, what=table)
    for kind, (_, ways, other) in KEYS.items():
        for way in ways:
            assert len(trace(tailrace, names[kind], way)[0]["changes"]) == 1, (kind, way)
        assert trace(tailrace, names[kind], other, code=1)[0]["changes"] == [], kind
    places = {trace(tailrace, "two", way)[0]["changes"][0]["offset"] * 3 + trace(tailrace, "two", way)[0]["changes"][0]["partition"] for way in ("1,y", "a=1,b=y", "b=y, a=1", '{"b": "y", "a": 1}')}
    assert len(places) == 1
    whole, text = trace(tailrace, "none", "1", code=1)
    assert "no primary key" in whole["waits"][0]["why"] and "xid:" in whole["waits"][0]["todo"] and "no primary key" in text


def test_a_row_that_has_not_come_is_told_where_it_waits_and_why(postgres, database, tailrace_factory):
    postgres.execute(database, TABLE, "CREATE TABLE aside(id int PRIMARY KEY)", f"DROP ROLE IF EXISTS {database}", f"CREATE ROLE {database} LOGIN SUPERUSER PASSWORD 'first'")
    tailrace = tailrace_factory()
    waits, _ = trace(tailrace, "transactions", "1", code=1)
    assert waits["waits"][0]["step"] == "received" and "no connector" in waits["waits"][0]["why"]
    tailrace.create_connector("c", harness.connector_config(postgres, database, publication__autocreate__mode="filtered", table__include__list="public.transactions",
                                                           database__user=database, database__password="first"))
    insert(postgres, database, (1, 10))
    harness.wait_until(lambda: ask(tailrace, table="transactions", key=1)[1]["changes"])

    def wait_for(*words, step, said):
        answer, text = trace(tailrace, *words, code=1)
        wait = answer["waits"][0]
        assert answer["changes"] == [] and (wait["connector"], wait["step"]) == ("c", step) and said in wait["why"], wait
        assert wait["why"] in text
        return wait

    wait_for("transactions", "77", step="committed", said="has everything that was committed up to")
    wait_for("nonesuch", "1", step="received", said="has no table nonesuch")
    wait_for("public.aside", "1", step="received", said="lists leave it out")
    with contextlib.closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO transactions (user_id, amount) VALUES (2, 20) RETURNING xmin::text")
        xid = cursor.fetchone()[0]
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
        assert f"pg_terminate_backend({pid})" in wait_for(f"xid:{xid}", step="committed", said="is still open")["todo"]
        cursor.execute("ROLLBACK")
        wait_for(f"xid:{xid}", step="committed", said="was rolled back")
    postgres.execute(database, f"ALTER PUBLICATION {database}_publication SET TABLE public.aside")
    wait_for("transactions", "77", step="received", said="is not in publication")
    postgres.execute(database, f"ALTER PUBLICATION {database}_publication SET TABLE public.transactions")

    for action, word in (("pause", "is paused"), ("stop", "is stopped")):
        assert tailrace.rest("PUT", f"/connectors/c/{action}").status in (202, 204)
        harness.wait_until(lambda: tailrace.connector_state("c")[0].startswith(action[:4].upper()))
        insert(postgres, database, (3, 30))
        identity = postgres.execute(database, "SELECT max(id) FROM transactions")[0][0]
        assert "resume c" in wait_for("transactions", identity, step="received", said=word)["todo"]
        again, _ = trace(tailrace, "transactions", "1")  # what is here is shown, and that its next change waits
        assert again["changes"] and word in again["waits"][0]["why"]
    lsn = postgres.execute(database, "SELECT pg_current_wal_lsn()::text")[0][0]
    wait_for(lsn, step="received", said="is stopped")
    assert tailrace.rest("PUT", "/connectors/c/resume").status == 202
    harness.wait_until(lambda: ask(tailrace, table="transactions", key=identity)[1]["changes"], what="the row that waited")
    postgres.execute(database, f"ALTER ROLE {database} PASSWORD 'another'", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{database}'")

    def failure():
        return next((wait for wait in ask(tailrace, table="transactions", key=99)[1]["waits"] if wait["state"] == "crit" and "password authentication failed" in wait["why"]), None)

    failed = harness.wait_until(failure, what="the failure being told")
    assert failed["step"] == "received" and failed["todo"] and "Nothing is lost" in failed["why"], failed


def test_questions_that_cannot_be_answered_say_why(tailrace):
    for query, status, code in (({}, 400, "NOTHING_ASKED"), ({"lsn": "x/y"}, 400, "BAD_LSN"), ({"topic": "t"}, 400, "BAD_PLACE"), ({"topic": "t", "o": 1}, 404, "UNKNOWN_TOPIC"),
                                ({"alert": "A-0000000000000000"}, 404, "UNKNOWN_ALERT")):
        got, body = ask(tailrace, **query)
        assert (got, body["error"]["code"]) == (status, code), query
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--create", "--topic", "t", check=True)
    assert ask(tailrace, topic="t", o=3)[1]["error"]["code"] == "OFFSET_NOT_YET"
    for words in ([], ["nonsense"], ["a", "b", "c"], ["xid:x"]):
        done = tailrace.run("tailrace", "trace", *words, "--data-dir", tailrace.data)
        assert done.returncode == 2 and done.stderr.startswith("tailrace") and done.stderr.count("\n") == 1, done
    done = tailrace.run("tailrace", "trace", "1/2", "--data-dir", tailrace.directory / "nowhere")
    assert done.returncode == 1 and "nowhere" in done.stderr


def test_kill_9_leaves_what_was_kept(postgres, database, tailrace_factory, receiver):
    topic = f"{database}.public.transactions"
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory(settings(database, receiver))
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    spend(postgres, database)
    harness.wait_until(lambda: receiver.delivered())
    read_by_group(tailrace, topic, 5).close()

    def delivered():
        change = ask(tailrace, table="transactions", key=5)[1]["changes"][0]
        return change if change["hops"][-1]["step"] == "delivered" or any(one["step"] == "delivered" for one in change["hops"]) else None

    before = harness.wait_until(delivered)
    judged = [hop(before, step, "agent" if step == "read" else None) for step in ("read", "scored", "alerted")]
    assert judged[0]["known"] == "exact" and sorted(h["at_us"] for h in judged) == [h["at_us"] for h in judged]
    tailrace.kill9()
    tailrace.start()
    after = ask(tailrace, table="transactions", key=5)[1]["changes"][0]
    assert after["known"] == "batch"
    for step in CHAIN:
        who = "agent" if step == "read" else None
        assert hop(after, step, who)["at_us"] == hop(before, step, who)["at_us"], step
    assert reader(after, "orders") == reader(before, "orders")


def test_a_program_that_keeps_no_stamps_says_so(postgres, database, tailrace_factory):
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory(settings(database) | {"trace": "false"})
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    xid = spend(postgres, database)
    change = harness.wait_until(lambda: (ask(tailrace, xid=xid)[1]["changes"] or [{}])[0].get("alerts") and ask(tailrace, xid=xid)[1]["changes"][0])
    assert change["known"] == "partly" and "trace=false" in change["known_why"]
    assert hop(change, "committed")["known"] == "exact" and hop(change, "durable")["known"] == "no" and hop(change, "durable")["took_us"] is None
    assert hop(change, "scored")["known"] == "exact"  # the alert keeps it for good
    assert reader(change, "spending")["state"] == "ok"
    topics = tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--list", check=True).stdout.split()
    assert f"{database}.alerts" in topics and "tailrace-traces" not in topics


def test_a_producers_trace_context_goes_on_to_alert_enriched_event_and_webhook(database, tailrace_factory, receiver):
    topic = f"{database}.public.transactions"
    tailrace = tailrace_factory(settings(database, receiver))
    producer = KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for identity, amount in enumerate((10, 11, 12, 10, 2000), 1):
        row = {"before": None, "after": {"id": identity, "user_id": 1, "amount": amount}, "op": "c", "source": {"ts_us": 1791289863014764 + identity, "lsn": 100 + identity, "txId": 7}}
        producer.send(topic, json.dumps(row).encode(), headers=[("traceparent", PARENT.encode()), ("tracestate", b"shop=1")] if identity != 2 else [("traceparent", b"no such thing")])
    producer.flush()
    harness.wait_until(lambda: receiver.delivered())
    _, headers, body = receiver.requests[0]
    assert headers["traceparent"] == PARENT and headers["tracestate"] == "shop=1"
    assert json.loads(body)["source"]["traceparent"] == PARENT

    def messages(name, count):
        consumer = KafkaConsumer(name, bootstrap_servers=tailrace.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20000)
        found = [message for message, _ in zip(consumer, range(count))]
        consumer.close()
        return found

    assert messages(f"{database}.alerts", 1)[0].headers == [("traceparent", PARENT.encode()), ("tracestate", b"shop=1")]
    assert [len(message.headers) for message in messages(f"{database}.enriched", 5)] == [2, 0, 2, 2, 2]
    change = ask(tailrace, topic=topic, o=4)[1]["changes"][0]
    assert change["traceparent"] == PARENT and ask(tailrace, topic=topic, o=1)[1]["changes"][0]["traceparent"] is None
    assert f"traceparent {PARENT}" in trace(tailrace, f"{topic}:0:4")[1]
