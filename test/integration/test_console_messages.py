"""What the console does with found messages (export, copy) and what it never shows (masked columns)."""
import csv
import io
import json
import socket
import time
import urllib.parse

import kafka
import pytest

import harness
from console_help import Console, produce


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


def change(row, op="c", before=None, table="users", lsn=1000):
    return json.dumps({"before": before, "after": row, "source": {"schema": "public", "table": table, "lsn": lsn, "txId": 7, "ts_us": 1700000000000000}, "op": op, "ts_ms": 1700000000000})


def send(tailrace, topic, records, partition=0):
    """records: (key, value, headers)"""
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap, max_request_size=8 << 20)
    for key, value, headers in records:
        producer.send(topic, value=value, key=key, headers=headers, partition=partition)
    producer.flush()
    producer.close()


def read(tailrace, topic, count):
    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=5000)
    found = [record for record, _ in zip(consumer, range(count))]
    consumer.close()
    return found


def export(console, topic, status=200, headers=None, **asked):
    answer = harness.http("GET", f"{console.base}/topics/{topic}/export?" + urllib.parse.urlencode(asked), headers=headers, timeout=60)
    assert answer.status == status, answer
    return answer


def lines(answer):
    *messages, last = [json.loads(line) for line in answer.text.splitlines()]
    return messages, last


# ---- Export ----

def test_what_was_found_is_exported_as_json_lines(console, tailrace):
    console.change("POST", "/topics", {"name": "e", "partitions": 2}, status=201)
    send(tailrace, "e", [(b"k%d" % n, json.dumps({"n": n, "big": 12345678901234567890}).encode(), [("h", b"v"), ("b", b"\xff\x00")]) for n in range(30)])
    send(tailrace, "e", [(b"t", None, []), (b"\xfe", b"\xff\x00raw", [])], partition=1)
    answer = export(console, "e", **{"from": "oldest"})
    assert answer.headers["Content-Type"] == "application/octet-stream" and answer.headers["Content-Disposition"] == "attachment"
    messages, last = lines(answer)
    assert last == {"complete": True, "why": "end", "messages": 32, "error": None}
    first = next(m for m in messages if m["partition"] == 0)
    assert (first["offset"], first["key"], first["value"]) == (0, "k0", '{"n": 0, "big": 12345678901234567890}') and first["at_ms"] > 0
    assert first["headers"] == [{"name": "h", "value": "v"}, {"name": "b", "value": {"base64": "/wA="}}]
    tombstone, raw = [m for m in messages if m["partition"] == 1]
    assert tombstone["key"] == "t" and tombstone["value"] is None and raw["value"] == {"base64": "/wByYXc="} and raw["key"] == {"base64": "/g=="}
    messages, last = lines(export(console, "e", p=0, limit=5))
    assert [m["offset"] for m in messages] == [29, 28, 27, 26, 25] and (last["complete"], last["why"]) == (False, "limit")
    messages, _ = lines(export(console, "e", filter="n >= 10 and n < 13", **{"from": "oldest"}))
    assert [m["offset"] for m in messages] == [10, 11, 12]
    assert lines(export(console, "e", key="k3"))[0][0]["offset"] == 3
    assert export(console, "e", status=400, format="xml").json()["error"]["code"] == "BAD_FORMAT"
    assert export(console, "e", status=400, filter="n >>").json()["error"]["code"] == "BAD_FILTER"
    assert export(console, "none", status=404).json()["error"]["code"] == "UNKNOWN_TOPIC"


def test_rows_are_exported_as_csv_that_a_spreadsheet_does_not_run(console, tailrace):
    console.change("POST", "/topics", {"name": "c", "partitions": 1}, status=201)
    rows = [{"id": 1, "name": "=1+1", "note": None}, {"id": 2, "name": 'say "x", \n', "note": ""}, {"id": 3, "name": "@cmd", "note": "-5"}]
    produce(tailrace, "c", [change(row).encode() for row in rows] + [b"no row"])
    answer = export(console, "c", format="csv", **{"from": "oldest"})
    head, *found, last = csv.reader(io.StringIO(answer.text, newline=""))
    assert head == ["__op", "__partition", "__offset", "__source_ts_us", "__lsn", "id", "name", "note"]
    assert found[0] == ["c", "0", "0", "1700000000000000", "1000", "1", "'=1+1", ""] and found[1][6] == 'say "x", \n' and found[2][5:] == ["3", "'@cmd", "-5"]
    assert answer.text.splitlines()[-1] == "# complete: 4 messages; 1 had no row, or columns that the first one did not have", last
    console.change("POST", "/topics", {"name": "plain", "partitions": 1}, status=201)
    produce(tailrace, "plain", [b"a,b", b"=x"])
    answer = export(console, "plain", format="csv", limit=1, **{"from": "oldest"})
    head, row, last = csv.reader(io.StringIO(answer.text, newline=""))
    assert head == ["__partition", "__offset", "__at_ms", "key", "value"] and row[:2] == ["0", "0"] and row[3:] == ["", "a,b"]
    assert answer.text.splitlines()[-1] == "# cut: 1 messages, limit"


def test_large_messages_are_exported_whole_and_in_order(console, tailrace):
    console.change("POST", "/topics", {"name": "large", "partitions": 1, "config": {"max.message.bytes": 8 << 20}}, status=201)
    send(tailrace, "large", [(b"%d" % n, bytes([65 + n]) * (3 << 20), []) for n in range(7)])
    for asked, offsets in (({"from": "oldest"}, list(range(7))), ({}, list(range(6, -1, -1)))):
        messages, last = lines(export(console, "large", **asked))
        assert [m["offset"] for m in messages] == offsets and last["complete"]
        assert all(m["value"] == chr(65 + m["offset"]) * (3 << 20) for m in messages)


def test_an_export_that_nobody_reads_ends_and_lets_others_search(console, tailrace):
    produce(tailrace, "much", [b"x" * 1000] * 20000)
    held = []
    for _ in range(4):
        client = socket.create_connection(("127.0.0.1", tailrace.console_port))
        client.sendall(b"GET /api/v1/topics/much/export?limit=1000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        held.append(client)
    error = harness.wait_until(lambda: export(console, "much", status=503).json()["error"])
    assert error["code"] == "BUSY" and "4 searches" in error["what"]
    for client in held:
        client.close()
    harness.wait_until(lambda: lines(export(console, "much", limit=5))[1]["why"] == "limit")


# ---- Copy ----

def test_messages_are_copied_as_they_are(console, tailrace):
    console.change("POST", "/topics", {"name": "from", "partitions": 2}, status=201)
    console.change("POST", "/topics", {"name": "to", "partitions": 2}, status=201)
    console.change("POST", "/topics", {"name": "narrow", "partitions": 1}, status=201)
    send(tailrace, "from", [(b"k%d" % n, b"\xff%d" % n, [("h", b"\x00"), ("n", b"")]) for n in range(20)], partition=1)
    send(tailrace, "from", [(b"gone", None, [])], partition=0)
    body = {"messages": [[1, 3], [1, 7], [0, 0]], "to": "to", "keep_partition": True}
    effect = console.change("POST", "/topics/from/copy", {**body, "dry_run": True}, kind="CopyEffect")
    assert effect == {"count": 3, "first": [1, 3], "last": [0, 0]} and not read(tailrace, "to", 1)
    assert console.change("POST", "/topics/from/copy", body, kind="CopyEffect") == effect
    found = {(r.partition, r.offset): r for r in read(tailrace, "to", 3)}
    assert found[1, 0].key == b"k3" and found[1, 0].value == b"\xff3" and found[1, 1].value == b"\xff7" and found[0, 0].value is None
    assert found[1, 0].headers == [("h", b"\x00"), ("n", b"")] and found[1, 0].timestamp > time.time() * 1000 - 60000
    effect = console.change("POST", "/topics/from/copy", {"search": {"from": "oldest", "filter": "offset >= 5 and partition = 1"}, "to": "narrow"}, kind="CopyEffect")
    assert effect == {"count": 15, "first": [1, 5], "last": [1, 19]}
    assert [r.value for r in read(tailrace, "narrow", 15)] == [b"\xff%d" % n for n in range(5, 20)]
    for wrong, status, code in (({**body, "to": "none"}, 404, "UNKNOWN_TOPIC"), ({**body, "to": None}, 400, "NO_TOPIC"), ({**body, "to": "narrow"}, 400, "UNKNOWN_PARTITION"),
                                ({**body, "messages": [[5, 0]]}, 400, "BAD_PLACE"), ({**body, "messages": [[1, 99]]}, 404, "NO_SUCH_MESSAGE"),
                                ({**body, "messages": ["x", 3]}, 400, "BAD_PLACE"), ({**body, "messages": []}, 404, "NOTHING_FOUND"),
                                ({"to": "to", "search": {"filter": "n >>"}}, 400, "BAD_FILTER"), ({"to": "to", "search": {"filter": "'nowhere'"}}, 404, "NOTHING_FOUND")):
        assert console.change("POST", "/topics/from/copy", wrong, status=status)["error"]["code"] == code
    assert console.change("POST", "/topics/none/copy", body, status=404)["error"]["code"] == "UNKNOWN_TOPIC"
    assert any("15 messages were copied from from" in e["text"] for e in console.get("/events?kind=change")["items"])


# ---- Masked columns ----

MASKED = "public.users.email"


def test_a_masked_column_shows_nowhere(tailrace_factory):
    tailrace = tailrace_factory({"console.mask": MASKED})
    console = Console(tailrace)
    row = {"id": 1, "email": "s3cret@example.org", "name": "Ann"}
    console.change("POST", "/topics", {"name": "users", "partitions": 1}, status=201)
    send(tailrace, "users", [(json.dumps({"id": 1}).encode(), change(row).encode(), []), (json.dumps({"email": "s3cret@example.org"}).encode(), None, []),
                             (b"x", change({"id": 2, "email": "other"}, table="guests").encode(), []), (b"y", json.dumps(row).encode(), []),
                             (b"z", json.dumps({"id": "A-1", "agent": "watch", "of": [{"row": row}]}).encode(), [])])
    found = {m["offset"]: m for m in console.search("users", limit=10)[0]}
    columns = {c["name"]: c for c in found[0]["row"]["columns"]}
    assert columns["email"]["masked"] and columns["email"]["after"] is None and columns["name"]["after"] == "Ann" and found[0]["value"]["text"] is None
    assert found[1]["key"]["text"] is None and found[2]["value"]["text"] and found[0]["key"]["text"] == '{"id": 1}'
    assert found[3]["value"]["text"] is None, "a row without its table is hidden by the column's name alone"
    assert found[4]["value"]["text"] is None, "nor does what was made of the row show it"
    shown = json.dumps(list(found.values()))
    for offset in range(5):
        shown += json.dumps(console.get(f"/topics/users/messages/0/{offset}", "Message"))
    for offset, part in ((0, "value"), (1, "key"), (3, "value"), (4, "value")):
        for path in (f"?part={part}", f"?part={part}&download=1"):
            assert console.get(f"/topics/users/messages/0/{offset}{path}", status=403)["error"]["code"] == "MASKED"
    assert harness.http("GET", console.base + "/topics/users/messages/0/2?part=value").status == 200
    for form in ("jsonl", "csv"):
        shown += export(console, "users", format=form).text
    messages, _ = lines(export(console, "users", **{"from": "oldest"}))
    assert messages[0]["value"] is None and messages[0]["after"] == {"id": "1", "name": "Ann"}
    for text in ("email = 's3cret@example.org'", "after.email is null", "changed(email)", "s3cret", "'s3cret'", "value contains 's3'", "key = 'x'", "not (value contains 's3')"):
        error = console.get("/topics/users/messages?" + urllib.parse.urlencode({"filter": text}), status=400)["error"]
        assert error["code"] == "BAD_FILTER" and "console.mask" in error["what"], text
    assert [m["offset"] for m in console.search("users", filter="name = 'Ann'", limit=10)[0]] == [3, 0]
    assert "s3cret" not in shown


# ---- Stopping ----

def test_stopping_ends_searches_exports_and_requests_that_wait(tailrace_factory, postgres):
    """A stop during long work ends it, and nothing that it uses is freed before (AddressSanitizer would say so)."""
    tailrace = tailrace_factory()
    console = Console(tailrace)
    produce(tailrace, "much", [json.dumps({"n": n, "text": "x" * 500}).encode() for n in range(30000)])
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing, as a server that hangs does
    config = {"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "127.0.0.1", "database.port": str(silent.getsockname()[1]),
              "database.user": "x", "database.password": "y", "database.dbname": "z", "topic.prefix": "p"}
    clients = []
    for request in (b"GET /api/v1/topics/much/messages?filter=nowhere_to_be_found&budget_ms=600000", b"GET /api/v1/topics/much/export?limit=10000000",
                    b"GET /api/v1/topics/much/messages?from=live", b"GET /api/v1/stream?watch=overview"):
        client = socket.create_connection(("127.0.0.1", tailrace.console_port))
        client.sendall(request + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        clients.append(client)
    body = json.dumps(config).encode()
    client = socket.create_connection(("127.0.0.1", tailrace.console_port))
    client.sendall(b"POST /api/v1/preflight HTTP/1.1\r\nHost: localhost\r\nX-Tailrace: 1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    silent.settimeout(20)
    held, _ = silent.accept()  # the preflight waits for this server now
    clients.append(client)
    tailrace.stop()
    assert "stopping took too long" not in tailrace.log and "stopped after" in tailrace.log
    for one in (*clients, held, silent):
        one.close()
    assert console.tailrace is tailrace
