"""What the tests of capture share: reading topics whole, and taking change events apart."""
import collections
import json

import confluent_kafka

import harness


def read_topic(bootstrap, topic, timeout=60):
    """All records of a topic, in order per partition: (partition, key, value), decoded JSON or None."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "capture-tests", "enable.auto.commit": False,
                                         "auto.offset.reset": "earliest", "log_level": 3, "allow.auto.create.topics": False,
                                         "fetch.message.max.bytes": 20971520})
    try:
        metadata = consumer.list_topics(topic, timeout=20)
        partitions = sorted(metadata.topics[topic].partitions)
        ends = {partition: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=20)[1]
                for partition in partitions}
        consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0) for partition in partitions])
        records, at = [], {partition: 0 for partition in partitions}

        def more():
            for message in consumer.consume(10000, 0.2):
                if message.error():
                    raise AssertionError(message.error())
                assert message.offset() == at[message.partition()], "offsets have a gap"
                at[message.partition()] = message.offset() + 1
                records.append((message.partition(), message.key(), message.value()))
            return all(at[partition] >= ends[partition] for partition in partitions)

        harness.wait_until(more, timeout, f"topic {topic} being read to {ends}")
        return records
    finally:
        consumer.close()


def topic_end(bootstrap, topic):
    """Number of records; 0 when there is no such topic."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "capture-tests", "log_level": 3,
                                         "allow.auto.create.topics": False})
    try:
        found = consumer.list_topics(topic, timeout=20).topics[topic]
        if found.error:
            return 0
        return sum(consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=20)[1] for partition in found.partitions)
    finally:
        consumer.close()


class Replay:
    """What a consumer makes of a table's topic: rows by key, and how often each came into being."""

    def __init__(self, records, key="id"):
        self.rows, self.births, self.events = {}, collections.Counter(), collections.Counter()
        self.reads = collections.Counter()
        for _, raw_key, raw_value in records:
            if raw_value is None:
                continue
            event = json.loads(raw_value)["payload"]
            row = event["after"] or event["before"]
            self.events[event["op"]] += 1
            if event["op"] in ("c", "r"):
                self.births[row[key]] += 1
            if event["op"] == "r":
                self.reads[row[key]] += 1
            if event["op"] == "d":
                self.rows.pop(row[key], None)
            else:
                self.rows[row[key]] = event["after"]

    def doubles(self):
        return sorted(key for key, count in self.births.items() if count > 1)


def wait_caught_up(postgres, slot, timeout=60):
    """Until everything committed by now is confirmed by the slot: it is durable in the log then."""
    target = postgres.execute("postgres", "SELECT pg_current_wal_insert_lsn()")[0][0]

    def confirmed():
        rows = postgres.execute("postgres", f"SELECT confirmed_flush_lsn >= '{target}' FROM pg_replication_slots WHERE slot_name = '{slot}'")
        return rows and rows[0][0]

    harness.wait_until(confirmed, timeout, f"slot {slot} being confirmed to {target}", 0.05)
