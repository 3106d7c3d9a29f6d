"""Problems that open and close: groups that are stuck, flap or lose messages; the same words for console, /healthz and /readyz."""
import threading
import time

import kafka
import pytest

import harness
from console_help import Console, produce


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


def problem(console, code):
    return next((p for p in console.get("/problems", "List<Problem>")["items"] if p["code"] == code), None)


def place(group, partition):
    return next(p for p in group["partitions"] if p["partition"] == partition)


def text_of(rich):
    return "".join(piece if isinstance(piece, str) else piece.get("text") or piece.get("code") for piece in rich)


def member(tailrace, topic, group):
    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    harness.wait_until(lambda: consumer.poll(200) or consumer.assignment())
    return consumer


def test_messages_that_were_deleted_unread_are_told(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=201)
    produce(tailrace, "t", [b"x"] * 20)
    consumer = member(tailrace, "t", "late")
    consumer.commit({kafka.TopicPartition("t", 0): kafka.OffsetAndMetadata(3, "", -1)})
    assert problem(console, "group_lost_messages") is None
    console.change("POST", "/topics/t/empty", {"before": {"0": 10}, "confirm": "t"})
    found = harness.wait_until(lambda: problem(console, "group_lost_messages"))
    assert found["severity"] == "crit" and "7 messages" in text_of(found["why"]) and found["subject"] == {"kind": "group", "name": "late"} and "retention" in found["todo"]
    group = console.get("/groups/late", "Group")
    assert group["why"]["code"] == "group_lost_messages" and group["partitions"][0]["lost"] == 7
    health = harness.http("GET", tailrace.console_url + "/healthz")
    assert health.status == 503 and "late missed messages that retention deleted" in health.text and "Do: " in health.text
    verbose = harness.http("GET", tailrace.console_url + "/readyz?verbose")
    assert verbose.status == 200 and verbose.text.startswith("ready\n") and "crit group: late missed messages" in verbose.text and "ok   log: " in verbose.text
    consumer.commit({kafka.TopicPartition("t", 0): kafka.OffsetAndMetadata(20, "", -1)})
    harness.wait_until(lambda: problem(console, "group_lost_messages") is None, 60)  # 30 s of good
    assert harness.http("GET", tailrace.console_url + "/healthz").text == "ok\n"
    consumer.close(autocommit=False)


def test_a_group_without_members_is_no_problem(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=201)
    produce(tailrace, "t", [b"x"] * 20)
    consumer = member(tailrace, "t", "gone")
    consumer.commit({kafka.TopicPartition("t", 0): kafka.OffsetAndMetadata(3, "", -1)})
    consumer.close(autocommit=False)
    harness.wait_until(lambda: console.get("/groups/gone")["word"] == "Nobody reads")
    assert console.get("/groups/gone", "Group")["why"]["todo"].startswith("Start its consumer")
    console.change("POST", "/topics/t/empty", {"before": {"0": 10}, "confirm": "t"})
    assert console.get("/groups/gone")["partitions"][0]["lost"] == 7
    harness.wait_until(lambda: console.get("/overview")["counts"]["groups"] == 1)
    time.sleep(2.5)  # two looks
    assert console.get("/problems")["total"] == 0


def test_a_group_that_rebalances_again_and_again_is_told(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 2}, status=201)
    first = member(tailrace, "t", "flaps")
    harness.wait_until(lambda: console.get("/groups/flaps")["members_count"] == 1)
    seen = lambda count: harness.wait_until(lambda: first.poll(100) is not None and len(console.get("/groups/flaps")["members"]) == count  # noqa: E731
                                            and console.get("/groups/flaps")["kafka_state"] == "Stable", 90)
    for _ in range(3):
        second = []
        thread = threading.Thread(target=lambda: second.append(member(tailrace, "t", "flaps")))  # noqa: B023
        thread.start()
        while thread.is_alive():
            first.poll(100)
        seen(2)
        time.sleep(1.3)  # one look
        second[0].close(autocommit=False)
        seen(1)
        time.sleep(1.3)
    found = harness.wait_until(lambda: problem(console, "group_flapping"))
    assert found["severity"] == "warn" and "in 10 min" in text_of(found["why"])
    first.close(autocommit=False)


def test_a_stuck_partition_names_the_member_and_the_message(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 2}, status=201)
    produce(tailrace, "t", [b"x"] * 5, partition=0)
    produce(tailrace, "t", [b"x"] * 5, partition=1)
    consumer = member(tailrace, "t", "stuck")
    consumer.commit({kafka.TopicPartition("t", 0): kafka.OffsetAndMetadata(5, "", -1), kafka.TopicPartition("t", 1): kafka.OffsetAndMetadata(2, "", -1)})
    harness.wait_until(lambda: consumer.poll(50) is not None and place(console.get("/groups/stuck"), 1)["stood_ms"] is not None)

    def is_stuck():
        consumer.poll(50)
        return problem(console, "group_stuck")

    found = harness.wait_until(is_stuck, 120, interval=1)
    why = text_of(found["why"])
    assert "offset 2 of t, partition 1" in why and "3 messages wait" in why and "Member kafka-python" in why
    group = console.get("/groups/stuck", "Group")
    assert [place(group, p)["word"] for p in (0, 1)] == ["at the end", "stuck here"] and group["why"]["actions"][0]["open"] == "/topics/t?p=1&o=2"
    harness.wait_until(lambda: consumer.poll(50) is not None and problem(console, "group_behind") is None, 60)  # it gives way to its cause
    consumer.close(autocommit=False)


def test_what_a_group_commits_first_is_no_rate(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=201)
    produce(tailrace, "t", [b"x"] * 50000)
    consumer = member(tailrace, "t", "fresh")
    harness.wait_until(lambda: console.get("/groups/fresh")["arrives_per_s"] == 0)  # looked at twice, and nothing is committed
    consumer.commit({kafka.TopicPartition("t", 0): kafka.OffsetAndMetadata(40000, "", -1)})

    def arrives():
        produce(tailrace, "t", [b"x"])
        return console.get("/groups/fresh")["arrives_per_s"]

    assert harness.wait_until(arrives) < 500
    group = console.get("/groups/fresh", "Group")
    assert group["waiting"] > 10000 and group["reads_per_s"] == 0
    consumer.close(autocommit=False)


def test_the_problem_of_an_agent_ends_with_the_agent(console, tmp_path):
    script = tmp_path / "fails.lua"
    script.write_text("function on_event(event, key)\n  error('boom')\nend\n")
    console.change("POST", "/topics", {"name": "t", "partitions": 1}, status=201)
    for name in ("gone", "kept"):
        console.change("PUT", f"/agents/{name}", {"config": {"rule": "lua", "topic": "t", "rule.script": str(script)}})
    produce(console.tailrace, "t", [b'{"op": "c", "before": null, "after": {"id": 1, "user_id": 7, "amount": "1.00"}, "source": {"schema": "public", "table": "t", "lsn": 1, "txId": 1, "ts_us": 1}, "ts_ms": 1}'])
    named = lambda: sorted(p["subject"]["name"] for p in console.get("/problems")["items"] if p["code"] == "agent_failed")  # noqa: E731
    harness.wait_until(lambda: named() == ["gone", "kept"])
    console.change("DELETE", "/agents/gone?confirm=gone", status=204)
    harness.wait_until(lambda: named() == ["kept"], timeout=20)  # not the 30 s of what is only good again
