"""The console's HTTP API: shapes against console/src/lib/types.ts, changes, errors, searches, resets, connectors, the stream."""
import gzip
import hashlib
import http.client
import json
import re
import threading
import time
import urllib.parse

import kafka
import pytest

import harness
from console_help import Console, fits, produce


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


# ---- Shapes of an empty program ----

def test_every_page_has_its_shape_with_nothing_there(console):
    console.get("/me", "Me")
    console.get("/overview", "Overview")
    for path, kind in (("/problems", "List<Problem>"), ("/topics", "List<TopicItem>"), ("/groups", "List<GroupItem>"), ("/connectors", "List<Connector>"),
                       ("/agents", "List<AgentItem>"), ("/alerts", "AlertList"), ("/reports", "List<ReportItem>"), ("/settings", "List<Setting>"),
                       ("/health", "Health"), ("/series?names=rows_in,rows_out", "Series"), ("/filters", "List<Filter>")):
        console.get(path, kind)
    assert fits(console.get("/find?q=top")["items"], "Found[]", "find") is None
    assert fits(console.get("/events")["items"], "EventLine[]", "events") is None


def test_errors_say_what_and_what_to_do(console):
    assert console.get("/nothing", status=404)["error"]["code"] == "NO_SUCH_PATH"
    assert console.get("/topics/none", status=404)["error"]["code"] == "UNKNOWN_TOPIC"
    assert console.get("/groups/none", status=404)["error"]["code"] == "UNKNOWN_GROUP"
    assert console.get("/connectors/none", status=404)["error"]["code"] == "UNKNOWN_CONNECTOR"
    assert console.get("/agents/none", status=404)["error"]["code"] == "UNKNOWN_AGENT"
    assert console.get("/alerts/none", status=404)["error"]["code"] == "UNKNOWN_ALERT"
    assert console.get("/reports/none", status=404)["error"]["code"] == "UNKNOWN_REPORT"
    console.change("PUT", "/me", status=405)
    console.change("POST", "/topics", "{not json", status=400)
    console.change("POST", "/topics", {"partitions": 1}, status=400)
    assert harness.http("POST", console.base + "/topics", {"name": "t"}).json()["error"]["code"] == "NOT_FROM_THE_CONSOLE"
    assert harness.http("POST", console.base + "/topics", {"name": "t"}, {"X-Tailrace": "1", "Origin": "http://evil.example"}).status == 403
    assert harness.http("POST", console.base + "/topics", b"x", {"X-Tailrace": "1", "Content-Type": "text/plain"}).status in (400, 415)


def test_a_read_only_console_changes_nothing(tailrace_factory):
    console = Console(tailrace_factory({"console.access": "read"}))
    assert console.get("/me")["access"] == "read"
    assert console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=403)["error"]["code"] == "READ_ONLY"
    assert console.change("POST", "/connect/connectors", {"name": "c", "config": {}}, status=403)["error"]["code"] == "READ_ONLY"
    assert console.get("/topics")["total"] == 0


def test_a_token_lets_in_and_reads_only_with_the_other_one(tailrace_factory):
    tailrace = tailrace_factory({"console.token": "t0ken-to-write", "console.read.token": "t0ken-to-read"})
    console = Console(tailrace)
    assert console.get("/me", "Me")["login"] == "required" and console.get("/me")["access"] == "none"
    assert console.get("/topics", status=401)["error"]["code"] == "LOGIN"
    assert harness.http("GET", tailrace.console_url + "/healthz").status == 200 and harness.http("GET", tailrace.console_url + "/metrics").status == 401
    reads, writes = {"Authorization": "Bearer t0ken-to-read"}, {"Authorization": "Bearer t0ken-to-write"}
    assert console.get("/me", headers=reads)["access"] == "read"
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=403, headers=reads)
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=201, headers=writes)
    answer = harness.http("POST", console.base + "/login", {"token": "t0ken-to-write"}, {"X-Tailrace": "1"})
    cookie = answer.headers["Set-Cookie"]
    assert answer.status == 204 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    mine = {"Cookie": cookie.split(";")[0]}
    assert console.get("/me", headers=mine)["access"] == "write" and console.get("/topics?kind=plain", headers=mine)["total"] == 1
    console.change("POST", "/logout", {}, status=204, headers=mine)
    console.get("/topics", status=401, headers=mine)
    assert [harness.http("POST", console.base + "/login", {"token": "guess"}, {"X-Tailrace": "1"}).status for _ in range(6)] == [401] * 5 + [429]
    assert "t0ken" not in tailrace.log and "t0ken" not in json.dumps(console.get("/settings", headers=writes))


def test_a_console_that_others_reach_makes_itself_a_token(tailrace_factory):
    tailrace = tailrace_factory({"console.host.name": "0.0.0.0"})
    token = re.search(r"#token=([0-9a-f]{48})", tailrace.log)[1]
    kept = (tailrace.data / "console.token").read_text()
    assert kept == "sha256:" + hashlib.sha256(token.encode()).hexdigest() and (tailrace.data / "console.token").stat().st_mode & 0o777 == 0o600
    console = Console(tailrace)
    console.get("/overview", status=401)
    console.get("/overview", status=401, headers={"Authorization": "Bearer " + kept})
    mine = {"Authorization": "Bearer " + token}
    console.get("/overview", headers=mine)
    assert token not in json.dumps(console.get("/logs", headers=mine))
    tailrace.restart()
    assert len(set(re.findall(r"#token=([0-9a-f]{48})", tailrace.log))) <= 1 and tailrace.log.count("said only now") == 1
    console.get("/topics", headers=mine)


# ---- Topics ----

def test_a_topic_from_creation_to_deletion(console, tailrace):
    effect = console.change("POST", "/topics", {"name": "orders", "partitions": 2, "dry_run": True}, kind="Effect")
    assert "2 partitions" in effect["effect"] and console.get("/topics")["total"] == 0
    console.change("POST", "/topics", {"name": "orders", "partitions": 2, "config": {"retention.ms": 86400000}}, status=201, kind="Topic")
    assert console.change("POST", "/topics", {"name": "orders", "partitions": 2}, status=409)["error"]["code"] == "TOPIC_ALREADY_EXISTS"
    item = console.get("/topics?kind=plain", "List<TopicItem>")["items"][0]
    assert item["kept_ms"] == 86400000 and item["kind"] == "plain"
    changes = console.change("PATCH", "/topics/orders/config", {"set": {"retention.ms": "5000"}, "unset": [], "dry_run": True})["changes"]
    assert fits(changes, "ConfigChange[]", "changes") is None and changes[0]["old"] == "86400000" and changes[0]["new"] == "5000"
    assert console.get("/topics?kind=plain")["items"][0]["kept_ms"] == 86400000
    console.change("PATCH", "/topics/orders/config", {"set": {"retention.ms": "5000000"}, "unset": []})
    entry = next(e for e in console.get("/topics/orders", "Topic")["config"] if e["name"] == "retention.ms")
    assert entry["value"] == "5000000" and entry["source"] == "topic"
    assert len(console.change("POST", "/topics/orders/partitions", {"count": 4})["partitions"]) == 4
    produce(tailrace, "orders", [b"x"] * 10, partition=0)
    assert "10 messages" in console.change("POST", "/topics/orders/empty", {"dry_run": True}, kind="Effect")["effect"]
    assert console.change("POST", "/topics/orders/empty", {"before": {"0": 4}, "confirm": "orders"})["partitions"][0]["first"] == 4
    assert console.change("DELETE", "/topics/orders", {"confirm": "order"}, status=400)["error"]["code"] == "NOT_CONFIRMED"
    console.change("DELETE", "/topics/orders?confirm=orders", status=204)
    console.get("/topics/orders", status=404)
    changes = console.get("/events?kind=change")["items"]
    audited = kafka.KafkaConsumer("tailrace-console-changes", bootstrap_servers=tailrace.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=2000)
    assert [json.loads(record.value)["text"] for record in audited][::-1] == [change["text"] for change in changes]
    audited.close()
    assert "deleted" in changes[0]["text"] and len(changes) == 5 and fits(changes, "EventLine[]", "events") is None


def test_lists_are_cut_sorted_and_searched(console):
    for name in ("b", "a", "ab"):
        console.change("POST", "/topics", {"name": name, "partitions": 1}, status=201)
    packed = harness.http("GET", console.base + "/settings", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and json.loads(gzip.decompress(packed.body)) == console.get("/settings")
    names = lambda path: [item["name"] for item in console.get(path)["items"]]  # noqa: E731
    assert names("/topics?q=a&sort=name&kind=plain") == ["a", "ab"]
    assert names("/topics?sort=name&dir=desc&limit=2&kind=plain") == ["b", "ab"]
    assert names("/topics?sort=name&offset=2&kind=plain") == ["b"] and console.get("/topics?offset=2&kind=plain")["total"] == 3
    tag = harness.http("GET", console.base + "/topics").headers["ETag"]
    assert harness.http("GET", console.base + "/topics", headers={"If-None-Match": tag}).status == 304


# ---- Messages ----

def test_messages_are_found_by_place_time_key_and_content(console, tailrace):
    console.change("POST", "/topics", {"name": "m", "partitions": 2}, status=201)
    produce(tailrace, "m", [json.dumps({"n": n, "price": "12.30"}).encode() for n in range(100)], key=b"k0", partition=0)
    middle_ms = int(time.time() * 1000)
    time.sleep(0.02)
    produce(tailrace, "m", [json.dumps({"n": n, "big": 12345678901234567890}).encode() for n in range(100, 150)], key=b"k1", partition=1)
    messages, done = console.search("m", limit=20)
    assert [m["offset"] for m in messages] == list(range(49, 29, -1)) and done["why"] == "limit"
    more, done = console.search("m", limit=100, cursor=done["cursor"])
    assert [(m["partition"], m["offset"]) for m in more] == [(1, o) for o in range(29, -1, -1)] + [(0, o) for o in range(99, 29, -1)]
    rest, done = console.search("m", limit=100, cursor=done["cursor"])
    assert len(rest) == 30 and done["why"] == "end" and done["cursor"] is None
    assert [m["offset"] for m in console.search("m", **{"from": "offset", "at": 95, "p": 0})[0]] == [95, 96, 97, 98, 99]
    assert {m["partition"] for m in console.search("m", **{"from": "time", "at": middle_ms + 1})[0]} == {1}
    assert len(console.search("m", key="k1", limit=500)[0]) == 50
    assert [m["offset"] for m in console.search("m", filter="n >= 98 and n < 102", **{"from": "oldest"})[0]] == [98, 99, 0, 1]
    assert len(console.search("m", filter="price = 12.3 and not n > 5", limit=500)[0]) == 6
    assert len(console.search("m", filter="12345678901234567890", limit=500)[0]) == 50
    assert len(console.search("m", filter="partition = 1 and offset >= 48")[0]) == 2
    assert "12345678901234567890" in console.search("m", p=1, limit=1)[0][0]["value"]["text"]
    for text, position in (("n >", 3), ("n = 1 and", 9), ("(n = 1", 6), ("n = 'x", 6)):
        error = console.get("/topics/m/messages?" + urllib.parse.urlencode({"filter": text}), status=400)["error"]
        assert error["field"] == "filter" and error["position"] == position, (text, error)


def test_large_messages_come_in_pieces(console, tailrace):
    value = ("ä" * 300000).encode()
    produce(tailrace, "large", [value])
    listed = console.search("large")[0][0]["value"]
    assert listed["bytes"] == 600000 and listed["cut"] == 600000 - 512 and listed["text"] == "ä" * 256
    alone = console.get("/topics/large/messages/0/0", "Message")["value"]
    assert alone["cut"] == 600000 - 65536
    piece = harness.http("GET", console.base + "/topics/large/messages/0/0?part=value&from=65536&bytes=65536")
    assert piece.body == value[65536:131072] and piece.headers["Content-Type"].startswith("text/plain")
    whole = harness.http("GET", console.base + "/topics/large/messages/0/0?part=value&download=1")
    assert whole.body == value and whole.headers["Content-Type"] == "application/octet-stream"
    assert harness.http("GET", console.base + "/topics/large/messages/0/0?part=value&from=2&bytes=65535").body == value[2:65536]  # not within a character
    assert harness.http("GET", console.base + "/topics/large/messages/0/0?part=value&from=2049&bytes=2048&download=1").body == value[2049:4097]
    console.get("/topics/large/messages/0/7", status=404)
    console.get("/topics/large/messages/0/0?part=nothing", status=400)


def test_messages_are_produced_with_key_headers_and_tombstone(console):
    console.change("POST", "/topics", {"name": "p", "partitions": 3}, status=201)
    first = console.change("POST", "/topics/p/messages", {"key": "k", "value": "v", "headers": [{"name": "h", "value": "1"}], "partition": None, "count": 3})
    message = console.get(f"/topics/p/messages/{first['partition']}/{first['offset'] + 2}", "Message")
    assert message["key"]["text"] == "k" and message["headers"] == [{"name": "h", "value": "1"}] and message["batch"]["count"] == 3
    tomb = console.change("POST", "/topics/p/messages", {"key": "k", "value": None})
    assert tomb["partition"] == first["partition"]  # as Kafka's clients choose it
    assert console.get(f"/topics/p/messages/{tomb['partition']}/{tomb['offset']}")["value"] is None
    console.change("POST", "/topics/p/messages", {"value": "v", "partition": 9}, status=400)
    console.change("POST", "/topics/none/messages", {"value": "v"}, status=404)


def test_live_messages_arrive_and_more_than_four_searches_are_refused(console, tailrace):
    console.change("POST", "/topics", {"name": "live", "partitions": 1}, status=201)
    threading.Timer(0.5, produce, (tailrace, "live", [b"now"])).start()
    found = console.events("/topics/live/messages?from=live", lambda name, data: name == "messages")
    assert found[-1][1][0]["value"]["text"] == "now"
    held = []
    try:
        for _ in range(4):
            def begins():
                held.append(http.client.HTTPConnection("127.0.0.1", tailrace.console_port, timeout=10))
                held[-1].request("GET", "/api/v1/topics/live/messages?from=live")
                return held[-1].getresponse().status == 200
            harness.wait_until(begins, 10)  # the one before may still be ending

        def refused():
            return harness.http("GET", console.base + "/topics/live/messages").status == 503
        harness.wait_until(refused, 10)
    finally:
        for connection in held:
            connection.sock and connection.sock.close()
            connection.close()
    harness.wait_until(lambda: console.search("live"), 10)  # the places are free again


# ---- Groups ----

def consume(tailrace, topic, group, count):
    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    for _ in range(count):
        next(consumer)
    consumer.commit()
    return consumer


def test_a_group_shows_its_lag_and_is_moved_by_the_plan_that_was_shown(console, tailrace):
    console.change("POST", "/topics", {"name": "g", "partitions": 1}, status=201)
    produce(tailrace, "g", [b"x"] * 20)
    consumer = consume(tailrace, "g", "readers", 12)
    group = console.get("/groups/readers", "Group")
    assert group["waiting"] == 8 and group["members"][0]["partitions"] == {"g": [0]} and group["partitions"][0]["member"]
    time.sleep(1.1)
    assert 1000 <= console.get("/groups/readers")["lag_ms"] < 60000
    assert console.get("/groups", "List<GroupItem>")["items"][0]["group"] == "readers"
    plan = console.change("POST", "/groups/readers/offsets", {"to": {"kind": "beginning"}, "dry_run": True}, kind="ResetPlan")
    assert plan["read_again"] == 12 and "1 member" in plan["blocked"]
    assert console.change("POST", "/groups/readers/offsets", {"to": {"kind": "beginning"}, "plan": plan["plan"]}, status=409)["error"]["code"] == "GROUP_NOT_EMPTY"
    consumer.close(autocommit=False)
    harness.wait_until(lambda: console.get("/groups/readers")["kafka_state"] == "Empty")
    plan = console.change("POST", "/groups/readers/offsets", {"to": {"kind": "past_one"}, "partitions": {"g": [0]}, "dry_run": True}, kind="ResetPlan")
    assert (plan["skipped"], plan["partitions"][0]["from"], plan["partitions"][0]["to"]) == (1, 12, 13) and plan["blocked"] is None
    other = console.change("POST", "/groups/readers/offsets", {"to": {"kind": "offset", "offset": 3}, "dry_run": True})
    console.change("POST", "/groups/readers/offsets", {"to": {"kind": "past_one"}, "plan": plan["plan"]}, kind="ResetPlan")
    assert console.get("/events?kind=change")["items"][0]["text"] == "Group readers was moved in 1 partition."
    assert console.get("/groups/readers")["partitions"][0]["committed"] == 13
    assert console.change("POST", "/groups/readers/offsets", {"plan": other["plan"]}, status=409)["error"]["code"] == "STALE_PLAN"
    assert console.change("POST", "/groups/readers/offsets", {"plan": "p-none"}, status=409)["error"]["code"] == "STALE_PLAN"
    console.change("POST", "/groups/readers/offsets", {"to": {"kind": "nowhere"}}, status=400)
    for to, offset in (({"kind": "end"}, 20), ({"kind": "by", "count": -5}, 15), ({"kind": "time", "at_ms": 0}, 0), ({"kind": "offset", "offset": 99}, 20)):
        console.change("POST", "/groups/readers/offsets", {"to": to})
        assert console.get("/groups/readers")["partitions"][0]["committed"] == offset, to
    console.change("DELETE", "/groups/readers/offsets?topic=g", {"topic": "g"}, status=204)
    assert console.get("/groups/readers")["partitions"] == []
    console.change("DELETE", "/groups/readers", {}, status=400)
    console.change("DELETE", "/groups/readers", {"confirm": "readers"}, status=204)
    console.get("/groups/readers", status=404)


# ---- Connectors ----

def test_a_connector_is_checked_made_read_and_deleted(postgres, database, console):
    postgres.execute(database, "CREATE TABLE payments(id serial PRIMARY KEY, amount numeric(10,2), at timestamp)", "ALTER TABLE payments REPLICA IDENTITY FULL")
    config = harness.connector_config(postgres, database)
    assert {"checks", "tables"} <= set(console.change("POST", "/preflight", config, kind="Preflight"))
    checked = console.change("POST", "/preflight", {"name": "pay", "config": config}, kind="Preflight")
    assert checked["verdict"] != "crit", [c for c in checked["checks"] if c["state"] == "crit"]
    assert [t["table"] for t in checked["tables"]] == ["public.payments"] and checked["tables"][0]["key"] == ["id"]
    bad = console.change("POST", "/preflight", {**config, "database.password": "wrong"}, kind="Preflight")
    assert bad["verdict"] == "crit" and "wrong" not in json.dumps(bad).replace("A property is wrong", "")
    console.change("POST", "/connect/connectors", {"name": "pay", "config": config}, status=201)
    harness.wait_until(lambda: console.get("/connectors/pay", "Connector")["state"] == "ok")
    postgres.execute(database, "INSERT INTO payments (amount, at) VALUES (120.50, '2026-10-01 12:00:00.5')", "UPDATE payments SET amount = 3927.52")
    topic = f"{database}.public.payments"
    messages = harness.wait_until(lambda: (lambda found: found if len(found) == 2 else None)(console.search(topic, **{"from": "oldest"})[0]))
    columns = {column["name"]: column for column in messages[1]["row"]["columns"]}
    assert messages[1]["row"]["op"] == "u" and (columns["amount"]["before"], columns["amount"]["after"]) == ("120.50", "3927.52")
    assert columns["amount"]["changed"] and columns["id"]["key"] and columns["at"]["after"] == "2026-10-01 12:00:00.5"
    assert messages[1]["value"].get("schema_folded", 0) > 0 and messages[1]["row"]["commit_us"] > 0
    for text, count in (("amount > 200", 1), ("changed(amount)", 1), ("before.amount = 120.5", 1), ("op = c", 1), ("op = update", 1), ("at >= '2026-10-01T12:00'", 2), ("amount is null", 0), ("time < 1999-01-01", 0)):
        assert len(console.search(topic, filter=text)[0]) == count, text
    assert console.search(topic, key="1")[0] and not console.search(topic, key="2")[0]
    assert next(t for t in console.get("/topics")["items"] if t["name"] == topic)["kind"] == "table"
    trace = console.get(f"/trace?topic={topic}&p=0&o=1", "Trace")
    assert trace["changes"][0]["op"] == "u" and trace["changes"][0]["hops"]
    assert len(console.get("/trace?table=public.payments&key=1", "Trace")["changes"]) == 2
    assert len(console.get("/trace?xid=" + messages[1]["row"]["xid"], "Trace")["changes"]) == 1
    console.get("/trace?lsn=nonsense", status=400)
    schema = console.get(f"/topics/{topic}/schema")["versions"]
    assert fits(schema, "SchemaVersion[]", "schema") is None and [c["name"] for c in schema[0]["columns"]] == ["id", "amount", "at"]
    console.get("/connectors/pay/tables", "List<ConnectorTable>")
    overview = harness.wait_until(lambda: (lambda o: o if o["counts"]["connectors"] == 1 else None)(console.get("/overview", "Overview")))
    assert {edge["to"] for edge in overview["edges"]} >= {"connector:pay", "log"}
    slot = harness.wait_until(lambda: next(s for s in console.get("/overview", "Overview")["slots"] if s["connector"] == "pay"))
    assert slot["active"] and slot["ours"] and slot["wal_bytes"] >= 0
    connector = harness.wait_until(lambda: (lambda c: c if c["server_version"] else None)(console.get("/connectors/pay", "Connector")))
    assert connector["positions"]["server"] and connector["wal_bytes"] >= 0
    wrote, received = ([int(part, 16) for part in connector["positions"][step].split("/")] for step in ("server", "received"))
    assert wrote >= received
    harness.wait_until(lambda: console.get("/connectors/pay")["lag_ms"] == 0)
    assert postgres_password_is_hidden(console)
    assert console.change("DELETE", f"/slots/{slot['slot']}", {"confirm": slot["slot"]}, status=409)["error"]["code"] == "SLOT_IN_USE"
    console.change("PUT", "/connect/connectors/pay/pause", status=202)
    changes = [(c["subject"], c["text"]) for c in console.get("/events?kind=change")["items"]]
    assert changes[0] == ("pay", "Connector pay was paused.") and ("pay", "Connector pay was created.") in changes
    harness.wait_until(lambda: console.get("/connectors/pay")["word"] == "Paused")
    console.change("DELETE", "/slots/none", {"confirm": "none"}, status=404)
    harness.wait_until(lambda: not next(s for s in console.get("/overview")["slots"] if s["slot"] == slot["slot"])["active"])
    console.change("DELETE", f"/slots/{slot['slot']}", {}, status=400)
    for state in ("as listed", "made since the last look"):
        console.change("DELETE", f"/slots/{slot['slot']}", {"confirm": slot["slot"]}, status=204)
        assert postgres.execute(database, f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot['slot']}'") == [(0,)], state
        console.change("DELETE", f"/slots/{slot['slot']}", {"confirm": slot["slot"]}, status=404)
        if state == "as listed":
            harness.wait_until(lambda: not any(s["slot"] == slot["slot"] for s in console.get("/overview")["slots"]))
            postgres.execute(database, f"SELECT pg_create_logical_replication_slot('{slot['slot']}', 'pgoutput')")
    console.change("DELETE", "/connect/connectors/pay", status=204)
    console.get("/connectors/pay", status=404)


def test_a_connector_says_since_when_by_whom_and_how_fast(postgres, database, tailrace, console):
    postgres.execute(database, "CREATE TABLE t(id serial PRIMARY KEY, v text)")
    tailrace.create_connector("way", harness.connector_config(postgres, database))
    began_ms = time.time() * 1000
    connector = harness.wait_until(lambda: (lambda found: found if found["word"] == "Running" else None)(console.get("/connectors/way", "Connector")))
    assert connector["since_ms"] > began_ms - 60000 and connector["by"] is None and connector["retry"] is None
    for value in range(5):
        postgres.execute(database, f"INSERT INTO t (v) VALUES ('{value}')")
    timed = harness.wait_until(lambda: (lambda found: found if (found["ages_ms"] or {}).get("confirmed") is not None and found["commit_to_durable_ms"] else None)(console.get("/connectors/way", "Connector")))
    ages = timed["ages_ms"]
    assert 0 <= ages["received"] <= ages["appended"] <= ages["durable"] <= ages["confirmed"] < 60000
    assert 0 <= timed["commit_to_durable_ms"]["p50"] <= timed["commit_to_durable_ms"]["p99"] < 60000
    console.change("PUT", "/connect/connectors/way/pause", {}, status=202)
    paused = harness.wait_until(lambda: (lambda found: found if found["word"] == "Paused" else None)(console.get("/connectors/way", "Connector")))
    assert paused["by"].startswith("console, 127.") and began_ms <= paused["since_ms"] <= time.time() * 1000
    tailrace.restart()
    again = harness.wait_until(lambda: (lambda found: found if found["word"] == "Paused" else None)(Console(tailrace).get("/connectors/way", "Connector")))
    assert (again["by"], again["since_ms"] // 1000) == (paused["by"], paused["since_ms"] // 1000)
    assert tailrace.rest("PUT", "/connectors/way/resume").status == 202
    assert tailrace.rest("PUT", "/connectors/way/stop").status == 204
    stopped = harness.wait_until(lambda: (lambda found: found if found["word"] == "Stopped" else None)(Console(tailrace).get("/connectors/way", "Connector")))
    assert stopped["by"].startswith("REST API, 127.")


def test_versions_of_a_table_are_kept_and_say_why_before_is_empty(postgres, database, tailrace, console):
    postgres.execute(database, "CREATE TABLE t(id serial PRIMARY KEY, amount numeric(10,2), gone text)", "INSERT INTO t (amount) VALUES (1)")
    tailrace.create_connector("versions", harness.connector_config(postgres, database))
    topic = f"{database}.public.t"
    harness.wait_until(lambda: console.get("/connectors/versions")["word"] == "Running" and console.get(f"/topics/{topic}/schema")["versions"])
    postgres.execute(database, "UPDATE t SET amount = 2")
    postgres.execute(database, "ALTER TABLE t ADD note varchar(20) NOT NULL DEFAULT 'x'", "ALTER TABLE t ALTER amount TYPE numeric(12,3)", "ALTER TABLE t DROP gone", "ALTER TABLE t REPLICA IDENTITY FULL",
                     "UPDATE t SET amount = 3")
    versions = harness.wait_until(lambda: (lambda found: found if len(found) > 1 else None)(console.get(f"/topics/{topic}/schema")["versions"]))
    assert [version["version"] for version in versions] == [2, 1] and [version["replica_identity"] for version in versions] == ["full", "default"]
    assert {column["name"]: (column["type"], column["key"], column["nullable"], column["change"]) for column in versions[0]["columns"]} == {
        "id": ("int4", True, False, None), "amount": ("numeric(12,3)", False, True, "changed"), "note": ("varchar(20)", False, False, "added"), "gone": ("text", False, True, "removed")}
    assert {column["change"] for column in versions[1]["columns"]} == {None} and versions[0]["from_lsn"] > versions[1]["from_lsn"]
    rows = harness.wait_until(lambda: (lambda found: found if len(found) == 3 else None)([message["row"] for message in console.search(topic, **{"from": "oldest"})[0]]))
    assert [(row["op"], row.get("before_missing")) for row in rows] == [("r", None), ("u", "default"), ("u", None)]
    assert console.get(f"/topics/{topic}")["topic"]["schema_version"] == 2
    table = console.get("/connectors/versions/tables", "List<ConnectorTable>")["items"][0]
    assert (table["key"], table["replica_identity"], table["schema_version"]) == (["id"], "full", 2)
    tailrace.restart()
    postgres.execute(database, "UPDATE t SET amount = 4")
    harness.wait_until(lambda: len(Console(tailrace).search(topic, **{"from": "oldest"})[0]) == 4)
    assert len(Console(tailrace).get(f"/topics/{topic}/schema")["versions"]) == 2


def test_failed_tries_are_counted(postgres, database, tailrace, console):
    config = harness.connector_config(postgres, database, retriable__restart__connector__wait__ms=100)
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY)")
    tailrace.create_connector("tries", config)
    console.change("PUT", "/connect/connectors/tries/stop", {}, status=204)
    harness.wait_until(lambda: console.get("/connectors/tries")["word"] == "Stopped")
    postgres.execute("postgres", f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    try:
        console.change("PUT", "/connect/connectors/tries/resume", {}, status=202)
        first = harness.wait_until(lambda: (lambda found: found if found["retry"] else None)(console.get("/connectors/tries", "Connector")))
        again = harness.wait_until(lambda: (lambda found: found if (found["retry"] or {}).get("tries", 0) >= 3 else None)(console.get("/connectors/tries", "Connector")))
        assert again["retry"]["passes_by_itself"] and again["since_ms"] == first["since_ms"] > 0
    finally:
        postgres.execute("postgres", f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    harness.wait_until(lambda: console.get("/connectors/tries")["word"] == "Running")



def postgres_password_is_hidden(console):
    return all(harness.PASSWORD not in json.dumps(console.get(path)) for path in ("/overview", "/connectors", "/connectors/pay", "/settings", "/events"))


def test_a_failed_connector_is_a_problem_with_its_cause(postgres, database, console, tailrace):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY)")
    tailrace.create_connector("broken", harness.connector_config(postgres, database))
    postgres.stop()
    try:
        problem = harness.wait_until(lambda: next((p for p in console.get("/problems", "List<Problem>")["items"] if p["severity"] == "crit"), None), 40)
        assert problem["code"] == "pg_unreachable" and problem["subject"] == {"kind": "connector", "name": "broken"}, problem
        overview = console.get("/overview", "Overview")
        assert overview["verdict"]["severity"] == "crit" and overview["problems"][0]["id"] == problem["id"]
        connector = console.get("/connectors/broken", "Connector")
        assert connector["state"] == "crit" and connector["error"]["todo"]
        assert any(event["severity"] == "crit" for event in console.get("/events")["items"])
        console.change("POST", f"/problems/{problem['id']}/quiet", {"minutes": 5}, status=204)
        harness.wait_until(lambda: all(p["severity"] == "info" for p in console.get("/problems")["items"]))
    finally:
        postgres.start()


# ---- The stream ----

def test_the_stream_says_when_what_is_watched_is_gone(console):
    console.change("POST", "/topics", {"name": "passing", "partitions": 1}, status=201)
    threading.Timer(1.5, console.change, ("DELETE", "/topics/passing?confirm=passing"), {"status": 204}).start()
    found = console.events("/stream?watch=topic:passing", lambda name, _: name == "gone")
    assert (found[-1][1]["kind"], found[-1][1]["name"]) == ("topic", "passing") and "console" in found[-1][1]["error"]["why"]
    assert any(name == "topic" for name, _ in found)


def test_the_stream_sends_whole_objects_when_they_change(console, tailrace):
    console.change("POST", "/topics", {"name": "s", "partitions": 1}, status=201)
    threading.Timer(1.5, produce, (tailrace, "s", [b"x"] * 5)).start()
    found = console.events("/stream?watch=overview,topic:s,group:none", lambda name, data: name == "topic" and data["partitions"][0]["end"] == 5)
    assert found[0][0] == "hello" and fits(found[0][1], "{ now_ms: number; version: string; access: string }", "hello") is None
    kinds = {"overview": "Overview", "topic": "Topic", "problem": "{ opened: Problem[]; changed: Problem[]; closed: string[] }", "revision": "Record<string, number>", "event": "EventLine", "gone": "{ kind: string; name: string }"}
    for name, data in found[1:]:
        assert fits(data, kinds[name], name) is None, fits(data, kinds[name], name)
    assert {"overview", "topic", "problem", "revision"} <= {name for name, _ in found}


def test_streams_are_bounded_and_end_with_the_program(console, tailrace):
    held = []
    try:
        while len(held) < 64:
            held.append(http.client.HTTPConnection("127.0.0.1", tailrace.console_port, timeout=10))
            held[-1].request("GET", "/api/v1/stream")
            assert held[-1].getresponse().status == 200
        refused = console.get("/stream", status=503)
        assert "64 pages" in refused["error"]["what"]
        assert console.get("/me")["access"] == "write"  # everything else goes on
        assert tailrace.stop() == 0
    finally:
        for connection in held:
            connection.close()


def test_log_lines_are_listed_and_followed(console):
    console.change("POST", "/topics", {"name": "first", "partitions": 1}, status=201)
    lines = console.get("/logs")["items"]
    assert lines and fits(lines, "LogLine[]", "logs") is None
    assert all(line["level"] in ("warning", "error") for line in console.get("/logs?level=warning")["items"])
    threading.Timer(0.3, console.change, ("POST", "/topics", {"name": "said", "partitions": 1}, 201)).start()
    found = console.events(f"/logs?follow=1&after={lines[-1]['id']}", lambda name, data: "said" in data["text"])
    assert found[-1][0] == "line" and fits(found[-1][1], "LogLine", "line") is None and "said" in found[-1][1]["text"]
    console.get("/connectors/none/log")


# ---- What people tell the console is kept ----

def test_saved_filters_outlive_a_restart(console, tailrace):
    console.change("PUT", "/filters/f1", {"topic": "t", "name": "large", "filter": "amount > 100"}, status=204)
    tailrace.restart()
    assert console.get("/filters", "List<Filter>")["items"] == [{"topic": "t", "name": "large", "filter": "amount > 100", "id": "f1"}]
    console.change("DELETE", "/filters/f1", status=204)
    assert console.get("/filters")["total"] == 0


# ---- Agents, alerts, reports ----

def test_an_alert_explains_itself_and_is_answered(postgres, database, tailrace_factory):
    postgres.execute(database, "CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar, location varchar, transaction_time timestamp DEFAULT now())",
                     "CREATE TABLE readings(id serial PRIMARY KEY, temperature numeric(5,2), recorded_at timestamp DEFAULT now())", "INSERT INTO readings (temperature) VALUES (20.00), (30.00)")
    tailrace = tailrace_factory({"agents.spending.rule": "spending-pattern", "agents.spending.topic": f"{database}.public.transactions",
                                 "reports.warm.conninfo": postgres.dsn(database), "reports.warm.table": "readings", "reports.warm.column": "temperature", "reports.warm.every": "1s"})
    console = Console(tailrace)
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    for amount in ("10.00", "10.00", "10.00", "4000.00"):
        postgres.execute(database, f"INSERT INTO transactions (user_id, amount, merchant, location) VALUES (7, {amount}, 'Amazon', 'Berlin')")
    alerts = harness.wait_until(lambda: (lambda a: a if a["items"] else None)(console.get("/alerts", "AlertList")))
    assert alerts["open"] == 1 and alerts["items"][0]["subject"] == "User 7"
    path = "/alerts/" + alerts["items"][0]["id"]
    alert = console.get(path, "Alert")
    assert any(condition["held"] for condition in alert["conditions"]) and next(c for c in alert["row"]["columns"] if c["name"] == "amount")["after"] == "4000.00"
    assert console.change("POST", path + "/state", {"state": "false_positive", "note": "a gift"}, kind="Alert")["history"][-1]["note"] == "a gift"
    console.change("POST", path + "/state", {"state": "lost"}, status=400)
    assert console.get("/alerts?before=" + alert["id"])["items"] == []
    assert console.get("/alerts")["open"] == 0 and console.get("/alerts?state=false_positive")["total"] == 1
    console.get("/agents", "List<AgentItem>")
    assert console.get("/agents/spending", "Agent")["config"]["rule"] == "spending-pattern"
    # The agent is a consumer of the topic too, and what it reads goes out.
    topic = f"{database}.public.transactions"
    assert console.get(f"/topics/{topic}")["topic"]["readers"] == 1
    assert "1 consumer has a position" in console.change("DELETE", f"/topics/{topic}", {"dry_run": True})["effect"]
    harness.wait_until(lambda: any(value for value in console.get("/series?names=rows_out")["series"]["rows_out"]))
    harness.wait_until(lambda: console.get("/reports/warm", "Report")["runs"])
    assert console.get("/reports", "List<ReportItem>")["items"][0]["report"] == "warm"
    harness.wait_until(lambda: {"agent:spending", "alerts", "report:warm"} <= {n["id"] for c in console.get("/overview", "Overview")["columns"] for n in c["nodes"]})
