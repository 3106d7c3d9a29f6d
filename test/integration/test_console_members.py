"""Members of groups as the broker has seen them: software, last heartbeat, last poll; and the member that is to blame when a partition stands."""
import threading
import time

import confluent_kafka
import kafka
import pytest

import harness
from console_help import Console, produce


@pytest.fixture
def console(tailrace):
    return Console(tailrace)


def members(console, group):
    return console.get(f"/groups/{group}", "Group")["members"]


def text_of(rich):
    return "".join(piece if isinstance(piece, str) else piece.get("text") or piece.get("code") for piece in rich)


def test_a_member_shows_its_software_its_heartbeat_and_its_poll(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 2}, status=201)
    produce(tailrace, "t", [b"x"] * 5)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace.bootstrap, "group.id": "g", "client.id": "one", "auto.offset.reset": "earliest", "heartbeat.interval.ms": 300})
    consumer.subscribe(["t"])
    harness.wait_until(lambda: consumer.poll(0.2))
    consumer.commit(asynchronous=False)
    one = harness.wait_until(lambda: (lambda found: found[0] if found and found[0]["last_heartbeat_ms"] and found[0]["last_poll_ms"] else None)(members(console, "g")))
    assert one["client_id"] == "one" and one["host"] == "127.0.0.1" and "rdkafka" in one["software"], one
    assert abs(one["last_poll_ms"] - time.time() * 1000) < 60000 and console.get("/groups/g")["generation"] == 1
    later = harness.wait_until(lambda: (lambda found: found if found["last_heartbeat_ms"] > one["last_heartbeat_ms"] and found["last_poll_ms"] > one["last_poll_ms"] else None)(members(console, "g")[0]))
    assert later["software"] == one["software"]
    said = tailrace.run("tailrace", "groups", "describe", "g", "--console", tailrace.console_url, check=True).stdout
    assert one["software"] in said and "generation 1" in said and "last poll ago" in said, said
    consumer.close()


def test_a_member_that_lives_but_does_not_poll_is_named_not_its_neighbour(console, tailrace):
    console.change("POST", "/topics", {"name": "t", "partitions": 2}, status=201)
    options = dict(bootstrap_servers=tailrace.bootstrap, group_id="g", auto_offset_reset="earliest", enable_auto_commit=False)
    busy, idle = kafka.KafkaConsumer("t", client_id="busy", **options), kafka.KafkaConsumer("t", client_id="hangs", **options)
    stop = threading.Event()

    def work():  # reads and commits for ever
        while not stop.is_set():
            if busy.poll(200):
                busy.commit()
        busy.close(autocommit=False)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        harness.wait_until(lambda: idle.poll(200) is not None and len(idle.assignment()) == 1 and len(members(console, "g")) == 2)
        idle.commit({partition: kafka.OffsetAndMetadata(0, "", -1) for partition in idle.assignment()})
        for partition in (0, 1):
            produce(tailrace, "t", [b"x"] * 5, partition=partition)
        harness.wait_until(lambda: idle.poll(200))  # it has what it hangs in; its thread goes on with heartbeats
        found = harness.wait_until(lambda: next((p for p in console.get("/problems", "List<Problem>")["items"] if p["code"] == "group_stuck"), None), 120, interval=1)
        why = text_of(found["why"])
        assert "Member hangs on 127.0.0.1 has not polled since" in why and "5 messages wait" in why, why
        by_client = {m["client_id"]: m for m in members(console, "g")}
        assert by_client["busy"]["last_poll_ms"] - by_client["hangs"]["last_poll_ms"] > 20000, by_client
        assert by_client["hangs"]["last_heartbeat_ms"] > by_client["hangs"]["last_poll_ms"], by_client
        assert console.get("/groups/g")["why"]["code"] == "member_not_polling"
    finally:
        stop.set()
        thread.join()
        idle.close(autocommit=False)
