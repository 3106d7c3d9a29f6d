"""
Agents on an Apache Kafka cluster, whose transactions they use: alerts and enriched events exactly once though processes are killed.
Runs only where a cluster is given: TAILRACE_TEST_KAFKA=host:port
"""
import collections
import json
import os
import random
import subprocess
from decimal import Decimal

import pytest

import harness

KAFKA = os.environ.get("TAILRACE_TEST_KAFKA")
ROWS, USERS, PARTITIONS, KILLS = 60000, 40, 4, 6

pytestmark = pytest.mark.skipif(not KAFKA, reason="no Apache Kafka is given: TAILRACE_TEST_KAFKA=host:port")


def rows_make():
    chance = random.Random(7)
    amounts = (Decimal(chance.randrange(100, 20000) if chance.random() < 0.9 else chance.randrange(100000, 500000)) / 100 for _ in range(ROWS))
    return [(identity, chance.randrange(1, USERS), amount) for identity, amount in enumerate(amounts, 1)]


def topic_make(topic):
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": KAFKA})
    for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        made.result()


def produce(topic, rows):
    from confluent_kafka import Producer
    producer = Producer({"bootstrap.servers": KAFKA, "compression.type": "gzip", "linger.ms": 50})
    for identity, user, amount in rows:
        value = {"before": None, "after": {"id": identity, "user_id": user, "amount": float(amount)}, "op": "c",
                 "source": {"ts_ms": 1700000000000 + identity, "lsn": identity}}
        producer.produce(topic, json.dumps(value).encode(), key=str(user).encode(), partition=user % PARTITIONS)
        producer.poll(0)
    producer.flush()


def committed(topic):
    """Every committed record of a topic."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": KAFKA, "group.id": "check", "isolation.level": "read_committed", "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = [TopicPartition(topic, number, 0) for number in consumer.list_topics(topic, timeout=20).topics[topic].partitions]
    consumer.assign(partitions)
    found, ended = [], 0
    while ended < len(partitions):
        message = consumer.poll(30)
        assert message is not None, f"{topic} gave nothing for 30 s"
        if message.error() is None:
            found.append(json.loads(message.value()))
        else:
            ended += 1
    consumer.close()
    return found


def lag(topic, group):
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": KAFKA, "group.id": group, "enable.auto.commit": False})
    behind = sum(consumer.get_watermark_offsets(place, timeout=20)[1] - max(place.offset, 0)
                 for place in consumer.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=20))
    consumer.close()
    return behind


def test_two_processes_killed_again_and_again_say_everything_once(tmp_path):
    tag = f"shop{random.randrange(10 ** 9)}"
    topic = f"{tag}.public.transactions"
    rows = rows_make()
    topic_make(topic)
    command = [str(harness.build_directory() / "tailrace"), "agent", "spending-pattern", "--topic", topic, "--bootstrap-server", KAFKA, "--from-beginning", "--quiet",
               "--name", tag, "--enriched"]

    lives = []

    def start():
        lives.append(tmp_path / f"life{len(lives)}")
        return subprocess.Popen(command, stdout=open(lives[-1], "wb"), stderr=open(tmp_path / "said", "ab")), lives[-1]

    running = [start(), start()]
    try:
        share = ROWS // (KILLS + 1)
        for kill in range(KILLS + 1):
            before = [said.stat().st_size for _, said in running]
            produce(topic, rows[kill * share:] if kill == KILLS else rows[kill * share:(kill + 1) * share])
            if kill == KILLS:
                break
            grown = harness.wait_until(lambda: [at for at in (0, 1) if running[at][1].stat().st_size > before[at]], 120, "an alert", 0.002)
            victim, _ = running.pop(grown[0])  # it said an alert that is hardly committed yet
            victim.kill()
            victim.wait()
            running.append(start())
        harness.wait_until(lambda: lag(topic, tag) == 0, 180, "everything being read", 0.5)
    finally:
        for process, _ in running:
            process.terminate()
        ended = [process.wait(60) for process, _ in running]
    assert ended == [0, 0], (tmp_path / "said").read_text()

    history = collections.defaultdict(lambda: collections.deque(maxlen=50))
    expected, alerts = {}, []
    for identity, user, amount in rows:
        past = history[user]
        mean = sum(past) / len(past) if past else Decimal(0)
        is_alert = len(past) >= 3 and amount > 3 * mean and amount > 500
        expected[identity] = (str(user), len(past), is_alert, round(float(mean), 3))
        alerts += [identity] * is_alert
        past.append(amount)
    # What those wrote last that were killed is held back until the cluster ends their transactions.
    harness.wait_until(lambda: len(committed(f"{tag}.enriched")) >= ROWS, 120, "everything being committed", 1)
    enriched = committed(f"{tag}.enriched")
    found = {event["row"]["id"]: (event["key"], event["features"]["kept"], event["alert"], round(float(event["features"]["mean"]), 3)) for event in enriched}
    assert len(enriched) == ROWS == len({event["id"] for event in enriched})
    wrong = {identity: (expected[identity], found.get(identity)) for identity in expected if expected[identity][:3] != found.get(identity, ())[:3]
             or abs(expected[identity][3] - found[identity][3]) > 0.011}
    assert not wrong, list(wrong.items())[:5]
    said = committed(f"{tag}.alerts")
    assert sorted(alert["row"]["id"] for alert in said) == alerts and len({alert["id"] for alert in said}) == len(alerts)
