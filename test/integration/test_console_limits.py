"""The console under load and bad input: a clear word, bounded answers, and the pipeline goes on."""
import http.client
import json
import re
import socket
import threading
import urllib.parse

import kafka
import kafka.admin
import pytest

import harness
from console_help import Console, produce


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


def ask(console, path):
    connection = http.client.HTTPConnection("127.0.0.1", console.tailrace.console_port, timeout=20)
    connection.request("GET", "/api/v1" + path)
    return connection, connection.getresponse()


def test_two_hundred_event_streams_are_asked_for(console, tailrace):
    held, refused = [], 0
    for _ in range(200):
        connection, response = ask(console, "/stream?watch=overview")
        if response.status == 200:
            held.append(connection)
        else:
            error = json.loads(response.read())["error"]
            assert response.status == 503 and error["code"] == "BUSY" and "64 pages" in error["what"] and error["todo"]
            refused += 1
            connection.close()
    assert (len(held), refused) == (64, 136)
    console.change("POST", "/topics", {"name": "meanwhile", "partitions": 1}, status=201)
    produce(tailrace, "meanwhile", [b"x"] * 1000)
    assert console.get("/topics/meanwhile")["topic"]["messages"] == 1000 and harness.http("GET", tailrace.console_url + "/healthz").status == 200
    for connection in held:
        connection.close()

    def again():
        connection, response = ask(console, "/stream?watch=overview")
        connection.close()
        return response.status == 200

    harness.wait_until(again)


def test_a_page_that_does_not_read_holds_up_nobody(console, tailrace):
    slow = socket.create_connection(("127.0.0.1", tailrace.console_port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(b"GET /api/v1/stream?watch=overview,topic:busy HTTP/1.1\r\nHost: localhost\r\n\r\n")
    console.change("POST", "/topics", {"name": "busy", "partitions": 1}, status=201)
    for _ in range(3):
        produce(tailrace, "busy", [b"x" * 100] * 2000)
        found = console.events("/stream?watch=topic:busy", lambda name, data: name == "topic")
        assert found[-1][1]["topic"]["name"] == "busy"
    slow.close()


def test_bodies_that_are_none_are_answered_with_what_is_wrong(console):
    for body, place in (("{", "Line 1"), ("{\n\"name\": }", "Line 2"), ("[" * 5000, "Line 1"), ('{"a":1,"a":2}', "Line 1"), ("{\"name\": \"\\ud800\"}", "Line 1"), ("nonsense", "Line 1")):
        error = console.change("POST", "/topics", body, status=400)["error"]
        assert error["code"] == "BAD_JSON" and place in error["why"], body
    for path in ("/topics", "/topics/x/copy", "/groups/g/offsets", "/connectors/c/snapshots", "/agents/a", "/reports/r", "/settings", "/alerts/a/state", "/mutes", "/agents/a/backtest"):
        method = {"/agents/a": "PUT", "/reports/r": "PUT", "/settings": "PATCH"}.get(path, "POST")
        for body in (b"[]", b"1", b"null", b'"text"', b"{}", b'{"name":{},"config":[],"tables":{},"messages":3,"to":[],"set":[],"unset":{},"state":1,"plan":[],"partitions":"x"}'):
            answer = harness.http(method, console.base + path, body, {"X-Tailrace": "1"})
            assert 400 <= answer.status < 500 and answer.json()["error"]["what"], (path, body, answer)
    answer = harness.http("POST", console.base + "/topics", b"x" * (2 << 20), {"X-Tailrace": "1"})
    assert answer.status == 413
    for path in ("/topics/%00", "/topics/" + "x" * 4000, "/topics/a/messages/x/y", "/topics/%ff%fe", "//topics", "/connectors/../x", "/series?names=" + "a," * 500, "/find?q=%zz",
                 "/stream?watch=" + "topic:x," * 100, "/trace?topic=a&p=99999999999999999999&o=-1", "/events?limit=-5&before_ms=x", "/topics?sort=%00&limit=abc&offset=-1"):
        connection, response = ask(console, path)
        assert response.status < 500 or path.startswith("/trace"), (path, response.status)
        connection.close()
    assert harness.http("GET", console.tailrace.console_url + "/healthz").status == 200


def test_actions_on_what_was_just_deleted_say_so(console, tailrace):
    console.change("POST", "/topics", {"name": "gone", "partitions": 1}, status=201)
    console.change("DELETE", "/topics/gone?confirm=gone", status=204)
    for method, path, body, code in (("DELETE", "/topics/gone?confirm=gone", None, "UNKNOWN_TOPIC"), ("PATCH", "/topics/gone/config", {"set": {"retention.ms": "1"}}, "UNKNOWN_TOPIC"),
                                     ("POST", "/topics/gone/partitions", {"count": 3}, "UNKNOWN_TOPIC"), ("POST", "/topics/gone/empty", {"confirm": "gone"}, "UNKNOWN_TOPIC"),
                                     ("POST", "/topics/gone/messages", {"value": "x"}, "UNKNOWN_TOPIC"), ("POST", "/topics/gone/copy", {"messages": [[0, 0]], "to": "x"}, "UNKNOWN_TOPIC"),
                                     ("DELETE", "/groups/gone", {"confirm": "gone"}, "UNKNOWN_GROUP"), ("POST", "/groups/gone/offsets", {"to": {"kind": "end"}}, "UNKNOWN_GROUP"),
                                     ("POST", "/connectors/gone/snapshots", {"tables": ["a.b"]}, "UNKNOWN_CONNECTOR"), ("POST", "/agents/gone/state", {"state": "paused"}, "UNKNOWN_AGENT"),
                                     ("DELETE", "/agents/gone?confirm=gone", None, "UNKNOWN_AGENT"), ("POST", "/reports/gone/run", {}, "UNKNOWN_REPORT"), ("DELETE", "/slots/gone", {"confirm": "gone"}, "UNKNOWN_SLOT")):
        error = console.change(method, path, body, status=404)["error"]
        assert error["code"] == code and "gone" in error["what"], (path, error)


def test_what_was_deleted_says_when_and_by_whom(console, tailrace):
    for name in ("mine", "theirs"):
        console.change("POST", "/topics", {"name": name, "partitions": 1}, status=201)
    for name in ("mine", "theirs"):  # it has been looked at, so that its end is seen
        harness.wait_until(lambda: console.get(f"/topics/{name}")["topic"]["in_per_s"] is not None)  # noqa: B023
    there, gone = set(), {}

    def is_gone(kind, data):
        if kind == "topic":
            there.add(data["topic"]["name"])
            if there == {"mine", "theirs"} and not deleted:
                deleted.append(True)
                console.change("DELETE", "/topics/mine?confirm=mine", status=204)
                assert tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--delete", "--topic", "theirs").returncode == 0
        if kind == "gone":
            gone[data["name"]] = data
        return len(gone) == 2

    deleted = []
    console.events("/stream?watch=topic:mine,topic:theirs", is_gone)
    assert gone["mine"]["kind"] == "topic" and re.search(r"^It was deleted at \d\d:\d\d:\d\d UTC by console\.$", gone["mine"]["error"]["why"])
    assert console.get("/topics/mine", status=404)["error"]["why"] == gone["mine"]["error"]["why"]
    why = harness.wait_until(lambda: console.get("/topics/theirs", status=404)["error"]["why"])
    assert "gone since about" in why and "Kafka protocol" in why
    console.change("POST", "/topics", {"name": "mine", "partitions": 1}, status=201)
    assert console.get("/topics/mine")["topic"]["name"] == "mine"
    assert console.get("/topics/never", status=404)["error"]["why"] is None


def test_topics_come_by_kind_then_by_traffic_and_sorted_as_asked(console, tailrace):
    for name in ("quiet", "busy", "a.alerts"):
        console.change("POST", "/topics", {"name": name, "partitions": 1}, status=201)
    produce(tailrace, "quiet", [b"x" * 5000])
    names = lambda query="": [t["name"] for t in console.get("/topics" + query)["items"]]  # noqa: E731

    def is_ordered():
        produce(tailrace, "busy", [b"x"] * 3)
        return names()[:3] == ["busy", "quiet", "a.alerts"]

    harness.wait_until(is_ordered)
    kinds = [t["kind"] for t in console.get("/topics")["items"]]
    assert kinds == sorted(kinds, key=["table", "plain", "alerts", "internal"].index) and "internal" in kinds
    assert names("?sort=bytes&dir=desc&q=u")[0] == "quiet" and names("?sort=messages&dir=desc&q=u&limit=1") == ["busy"]
    assert names("?sort=name") == sorted(names()) and names("?sort=name&dir=desc") == sorted(names(), reverse=True)
    assert names("?kind=plain&sort=bytes") == ["busy", "quiet"] and names("?sort=name&offset=1&limit=2") == sorted(names())[1:3]


def test_an_unknown_problem_cannot_be_quieted(console):
    assert console.change("POST", "/problems/none:at-all/quiet", {"minutes": 5}, status=404)["error"]["code"] == "UNKNOWN_PROBLEM"


def test_two_people_reset_the_same_group(console, tailrace):
    console.change("POST", "/topics", {"name": "g", "partitions": 1}, status=201)
    produce(tailrace, "g", [b"x"] * 20)
    consumer = kafka.KafkaConsumer("g", bootstrap_servers=tailrace.bootstrap, group_id="readers", auto_offset_reset="earliest", enable_auto_commit=False)
    harness.wait_until(lambda: consumer.poll(500))
    consumer.commit({kafka.TopicPartition("g", 0): kafka.OffsetAndMetadata(12, "", -1)})
    consumer.close(autocommit=False)
    harness.wait_until(lambda: console.get("/groups/readers")["kafka_state"] == "Empty")
    plans = [console.change("POST", "/groups/readers/offsets", {"to": to, "dry_run": True})["plan"] for to in ({"kind": "beginning"}, {"kind": "offset", "offset": 5})]
    answers = []
    threads = [threading.Thread(target=lambda plan=plan: answers.append(harness.http("POST", console.base + "/groups/readers/offsets", {"plan": plan}, {"X-Tailrace": "1"}))) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 409], answers
    stale = next(answer for answer in answers if answer.status == 409).json()["error"]
    assert stale["code"] == "STALE_PLAN" and stale["todo"]
    assert console.get("/groups/readers")["partitions"][0]["committed"] in (0, 5)


def test_a_search_over_very_many_messages_is_given_up_while_others_produce(console, tailrace):
    console.change("POST", "/topics", {"name": "many", "partitions": 4}, status=201)
    done = tailrace.run("kafka-producer-perf-test", "--topic", "many", "--num-records", "400000", "--record-size", "50", "--throughput", "-1", "--bootstrap-server", tailrace.bootstrap, timeout=120)
    assert done.returncode == 0, done
    found = console.events("/topics/many/messages?" + urllib.parse.urlencode({"filter": "nowhere_to_be_found", "budget_ms": 1}), lambda name, data: name == "done")
    assert found[-1][1]["why"] == "budget" and found[-1][1]["scanned"] < 400000 and found[-1][1]["cursor"]
    held = []
    for _ in range(4):
        connection, response = ask(console, "/topics/many/messages?" + urllib.parse.urlencode({"filter": "nowhere_to_be_found", "budget_ms": 600000}))
        assert response.status == 200 and response.readline() == b"event: progress\n"
        held.append(response)  # it has the connection
    produce(tailrace, "many", [b"meanwhile"] * 100, partition=0)
    for response in held:
        response.close()

    def is_free():
        connection, response = ask(console, "/topics/many/messages?limit=1")
        connection.close()
        return response.status == 200

    harness.wait_until(is_free, 10)
    assert console.search("many", key="", filter="meanwhile", p=0, limit=500)[0]


def test_lists_stay_small_however_much_there_is(console, tailrace):
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=tailrace.bootstrap)
    admin.create_topics([kafka.admin.NewTopic(f"some-topic-with-a-long-name-{n:04}", 2, 1) for n in range(600)], timeout_ms=60000)
    admin.close()
    answer = harness.http("GET", console.base + "/topics?limit=200&sort=name&offset=200")
    assert len(answer.body) < 60 * 1024 and answer.json()["total"] >= 600 and len(answer.json()["items"]) == 200
    assert len(harness.http("GET", console.base + "/topics?limit=100000").json()["items"]) == 500
    harness.wait_until(lambda: console.get("/overview")["counts"]["topics"] >= 600)
    assert len(harness.http("GET", console.base + "/overview").body) < 16 * 1024


def test_a_large_message_does_no_harm_to_the_list(console, tailrace):
    console.change("POST", "/topics", {"name": "large", "partitions": 1, "config": {"max.message.bytes": 3 << 20}}, status=201)
    value = json.dumps({"text": "ä" * (1 << 19), "n": 12345678901234567890}, ensure_ascii=False).encode()
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap, max_request_size=4 << 20)
    for _ in range(3):
        producer.send("large", value)
    producer.close()
    messages, done = console.search("large")
    assert done["why"] == "end" and all(m["value"]["bytes"] == len(value) and len(json.dumps(m)) < 2000 and m["value"]["cut"] == len(value) - len(m["value"]["text"].encode()) for m in messages)
    whole, at = b"", 0
    while at < len(value):
        piece = harness.http("GET", f"{console.base}/topics/large/messages/0/1?part=value&from={at}&bytes=65536").body
        assert 0 < len(piece) <= 65536
        whole, at = whole + piece, at + len(piece)
    assert whole == value and harness.http("GET", console.base + "/topics/large/messages/0/1?part=value&download=1").body == value


def test_pages_carry_their_defences(console, tailrace):
    page = harness.http("GET", tailrace.console_url + "/", headers={"Accept": "text/html"})
    if "Content-Security-Policy" in page.headers:  # a console is built in
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert b"<script>" not in page.body and b" style=" not in page.body and b"onload=" not in page.body
    assert harness.http("GET", console.base + "/overview").headers["Cache-Control"] == "no-store"
    assert harness.http("GET", console.base + "/overview", headers={"Host": "evil.example"}).status == 421
    assert harness.http("GET", console.base + "/overview", headers={"Origin": "http://evil.example"}).status == 403
    assert harness.http("GET", tailrace.rest_url + "/connectors", headers={"Host": "evil.example"}).status == 421
    for headers in ({}, {"X-Tailrace": "1", "Origin": "https://evil.example"}, {"X-Tailrace": "1", "Content-Type": "text/plain"}):
        assert harness.http("POST", console.base + "/topics", b'{"name":"t","partitions":1}', headers).status in (403, 415), headers
    assert console.get("/topics")["total"] == 0
