"""Retention and compaction of the built program, seen by real clients and through the files, kills in the middle included."""
import collections
import json
import random
import re

import confluent_kafka
import confluent_kafka.admin
import kafka
import pytest

from harness import connector_config, wait_until

EAGER = {  # so that what takes hours and days elsewhere happens here at once
    "log.retention.check.interval.ms": 100,
    "log.cleaner.backoff.ms": 50,
    "log.cleaner.min.cleanable.ratio": 0,
    "log.segment.delete.delay.ms": 0,
}


def create(tailrace, topic, partitions=1, **config):
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": tailrace.bootstrap})
    settings = {key.replace("_", "."): str(value) for key, value in config.items()}
    for future in admin.create_topics([confluent_kafka.admin.NewTopic(topic, partitions, config=settings)]).values():
        future.result(30)


def read_all(tailrace, topic, partitions=1):
    """Every record by librdkafka, as {partition: [(offset, key, value, timestamp)]}."""
    found = collections.defaultdict(list)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace.bootstrap, "group.id": "none", "enable.partition.eof": True,
                                         "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in range(partitions)])
    ended = set()

    def more():
        for message in consumer.consume(1000, 1):
            if message.error() is None:
                found[message.partition()].append((message.offset(), message.key(), message.value(), message.timestamp()[1]))
            elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise RuntimeError(message.error())
        return len(ended) == partitions

    wait_until(more, 60, "the end of the topic")
    consumer.close()
    return found


def segments(tailrace, topic, partition=0, suffix=".log"):
    return sorted(path for path in (tailrace.data / "log" / f"{topic}-{partition}").iterdir() if path.name.endswith(suffix))


class Writer:
    """Writes random values of few keys, tombstones among them, and knows for each key what was acknowledged last, and where."""

    def __init__(self, tailrace, topic, partitions, codec, seed):
        self.tailrace, self.topic, self.partitions = tailrace, topic, partitions
        self.random = random.Random(seed)
        self.newest = [{} for _ in range(partitions)]  # key -> (offset, value, timestamp)
        self.written = [{} for _ in range(partitions)]  # offset -> (key, value)
        self.settings = {"bootstrap.servers": tailrace.bootstrap, "enable.idempotence": True, "compression.type": codec, "linger.ms": 5}
        self.number = 0

    def write(self, count):
        producer = confluent_kafka.Producer(self.settings)

        def delivered(error, message):
            assert error is None, error
            place = self.written[message.partition()]
            place[message.offset()] = (message.key(), message.value())
            known = self.newest[message.partition()].get(message.key())
            if known is None or message.offset() > known[0]:
                self.newest[message.partition()][message.key()] = (message.offset(), message.value(), message.timestamp()[1])

        for _ in range(count):
            self.number += 1
            key = b"key-%d" % min(self.random.randrange(300), self.random.randrange(300))
            value = None if self.random.random() < 0.1 else b"%d " % self.number + self.random.randbytes(self.random.randrange(600))
            producer.produce(self.topic, value, key, self.random.randrange(self.partitions), on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(60) == 0

    def check(self):
        """What can be read has the newest value of each key, at its offset, and nothing that was never written."""
        for partition, records in read_all(self.tailrace, self.topic, self.partitions).items():
            offsets = [offset for offset, *_ in records]
            assert offsets == sorted(set(offsets))
            for offset, key, value, _ in records:
                assert self.written[partition][offset] == (key, value)
            seen = {key: (offset, value, timestamp) for offset, key, value, timestamp in records}
            for key, newest in self.newest[partition].items():
                assert seen.get(key, newest if newest[1] is None else None) == newest, key
            assert set(seen) <= set(self.newest[partition])
        return self


def check_by_kafka_python(tailrace, writer):
    consumer = kafka.KafkaConsumer(bootstrap_servers=tailrace.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=2000)
    consumer.assign([kafka.TopicPartition("state", 0)])
    consumer.seek_to_beginning()
    seen = {message.key: message.value for message in consumer}
    consumer.close()
    assert {key: value for key, value in seen.items() if value is not None} == {
        key: value for key, (_, value, _) in writer.newest[0].items() if value is not None}


@pytest.mark.parametrize("codec", ["none", "gzip", "lz4", "zstd", "snappy"])
def test_compaction_keeps_the_newest_values_over_kills(tailrace_factory, codec):
    tailrace = tailrace_factory(EAGER)
    create(tailrace, "state", 2, cleanup_policy="compact", segment_bytes=1 << 20, delete_retention_ms=300, compression_type="producer")
    writer = Writer(tailrace, "state", 2, codec, codec)
    for _ in range(3):
        writer.write(6000)
        tailrace.kill9()  # the cleaner is at it nearly all of the time
        tailrace.start()
        writer.check()
    wait_until(lambda: len(segments(tailrace, "state")) <= 3, what="all closed segments being compacted into one")
    writer.check()
    assert sum(len(found) for found in read_all(tailrace, "state", 2).values()) < 18000 * 0.7
    if codec in ("none", "gzip"):  # what kafka-python reads without further packages
        check_by_kafka_python(tailrace, writer)
    metrics = tailrace.metrics()
    assert metrics["tailrace_store_compacted_kept_bytes_total"] < metrics["tailrace_store_compacted_bytes_total"]
    assert metrics["tailrace_store_uncompactable_partitions"] == 0
    assert tailrace.stop() == 0
    for partition in range(2):
        files = segments(tailrace, "state", partition, "")
        assert not [path for path in files if re.search(r"\.(cleaned|swap|deleted)$", path.name)], files
        logs = ",".join(str(path) for path in files if re.search(r"\.(log|index|timeindex)$", path.name))
        dumped = tailrace.run("kafka-dump-log", "--deep-iteration", "--files", logs, check=True)
        assert "isvalid: false" not in dumped.stdout and "Mismatches" not in dumped.stdout and "does not match" not in dumped.stdout, dumped.stdout[-3000:]
        assert not re.sub(r"Non-consecutive offsets in .*\n(?: *\d+ is followed by \d+\n)*", "", dumped.stderr), dumped.stderr[-3000:]


def test_an_idle_topic_expires_and_a_consumer_goes_on_at_its_end(tailrace_factory):
    tailrace = tailrace_factory(EAGER)
    create(tailrace, "short", retention_ms=500)
    create(tailrace, "long")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace.bootstrap})
    for topic in ("short", "long"):
        for number in range(1000):
            producer.produce(topic, b"%d" % number)
    assert producer.flush(30) == 0
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"})
    wait_until(lambda: consumer.get_watermark_offsets(confluent_kafka.TopicPartition("short", 0)) == (1000, 1000), what="the topic being empty")
    assert consumer.get_watermark_offsets(confluent_kafka.TopicPartition("long", 0)) == (0, 1000)
    tailrace.kill9()
    tailrace.start()
    wait_until(lambda: consumer.get_watermark_offsets(confluent_kafka.TopicPartition("short", 0)) == (1000, 1000), what="the same after the kill")
    tailrace.run("kafka-configs", "--bootstrap-server", tailrace.bootstrap, "--alter", "--entity-type", "topics", "--entity-name", "short",
                 "--add-config", "retention.ms=3600000", check=True)
    producer.produce("short", b"new")
    assert producer.flush(30) == 0
    consumer.assign([confluent_kafka.TopicPartition("short", 0, 17)])  # of a time that is gone: earliest
    message = consumer.poll(20)
    assert message is not None and (message.offset(), message.value()) == (1000, b"new")
    consumer.close()
    assert [path.stat().st_size > 0 for path in segments(tailrace, "short")] == [True]


def test_the_oldest_segments_go_when_a_partition_is_too_large(tailrace_factory):
    tailrace = tailrace_factory(EAGER)
    create(tailrace, "sized", segment_bytes=1 << 20, retention_bytes=3 << 20)
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace.bootstrap, "batch.size": 100000})
    for number in range(10000):
        producer.produce("sized", random.Random(number).randbytes(1000))
        producer.poll(0)
    assert producer.flush(30) == 0
    wait_until(lambda: sum(path.stat().st_size for path in segments(tailrace, "sized")) < 5 << 20, what="the topic being small")
    records = read_all(tailrace, "sized")[0]
    assert records[-1][0] == 9999 and [offset for offset, *_ in records] == list(range(records[0][0], 10000))
    assert len(records) > 3000 and records[0][0] > 3000  # what is left is no less than the limit


def test_a_record_without_key_is_refused_by_a_compacted_topic(tailrace_factory):
    tailrace = tailrace_factory(EAGER)
    create(tailrace, "state", cleanup_policy="compact,delete")
    errors = []
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace.bootstrap})
    producer.produce("state", b"value", on_delivery=lambda error, message: errors.append(error.code() if error else None))
    producer.produce("state", b"value", b"key", on_delivery=lambda error, message: errors.append(error.code() if error else None))
    assert producer.flush(30) == 0
    assert errors[0] == confluent_kafka.KafkaError.INVALID_RECORD


def test_the_programs_own_topics_are_compacted_and_load_the_same(tailrace_factory, postgres, database):
    tailrace = tailrace_factory({**EAGER, "log.cleaner.max.compaction.lag.ms": 200, "log.cleaner.delete.retention.ms": 200, "offset.flush.interval.ms": 100,
                                 "agents.spending.rule": "spending-pattern", "agents.spending.topic": f"{database}.public.transactions"})
    postgres.execute(database, "CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar, location varchar, "
                               "transaction_time timestamp DEFAULT now())")
    tailrace.create_connector("c", connector_config(postgres, database))

    def keys(topic, partitions):
        return [key for records in read_all(tailrace, topic, partitions).values() for _, key, _, _ in records]

    def insert(user, amount):
        postgres.execute(database, f"INSERT INTO transactions (user_id, amount, merchant, location) VALUES ({user}, {amount}, 'm', 'l')")

    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace.bootstrap, "group.id": "g", "enable.auto.commit": False})
    config = tailrace.rest("GET", "/connectors/c/config").json()
    for number in range(8):
        config["poll.interval.ms"] = str(100 + number)
        assert tailrace.rest("PUT", "/connectors/c/config", config).status == 200
        tailrace.wait_connector("c")
        for _ in range(10):
            insert(number % 2, 100)
        for offset in range(20):
            consumer.commit(offsets=[confluent_kafka.TopicPartition(f"{database}.public.transactions", 0, number * 20 + offset)], asynchronous=False)
        if number % 3 == 2:
            tailrace.kill9()
            tailrace.start()
            tailrace.wait_connector("c")
    tailrace.rest("PUT", "/connectors/c/pause")
    tailrace.wait_connector("c", "PAUSED/PAUSED")
    for topic, partitions in (("connect-configs", 1), ("connect-statuses", 5), ("connect-offsets", 25), ("tailrace-agent-spending-state", 1)):
        def compacted():
            found = keys(topic, partitions)
            return len(found) > 0 and len(found) == len(set(found))

        wait_until(compacted, 60, f"{topic} having each key once", interval=0.3)
    before = tailrace.rest("GET", "/connectors/c").json()
    for end in (tailrace.kill9, tailrace.stop):
        end()
        tailrace.start()
        tailrace.wait_connector("c", "PAUSED/PAUSED")
        assert tailrace.rest("GET", "/connectors/c").json() == before
        assert before["config"]["poll.interval.ms"] == "107"
        committed = consumer.committed([confluent_kafka.TopicPartition(f"{database}.public.transactions", 0)], 20)
        assert committed[0].offset == 159
    tailrace.rest("PUT", "/connectors/c/resume")
    tailrace.wait_connector("c")
    insert(1, 900)  # eight times what user 1 spends: the agent still knows that
    wait_until(lambda: len(read_all(tailrace, f"{database}.alerts")[0]) == 1, what="the alert")
    alert = json.loads(read_all(tailrace, f"{database}.alerts")[0][0][2])
    assert alert["row"]["user_id"] == 1 and alert["row"]["id"] == 81
    assert [json.loads(value)["payload"]["after"]["id"] for _, _, value, _ in read_all(tailrace, f"{database}.public.transactions")[0]] == list(range(1, 82))
    consumer.close()
