"""The clients that people have, against the program: produce, consume, groups, commits, admin."""
import json
import struct
import threading
import time
import uuid

import pytest
from harness import wait_until
from kafka_wire import Raw, string

confluent_kafka = pytest.importorskip("confluent_kafka")
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic  # noqa: E402


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def confluent_consume(bootstrap, topics, group, count, timeout=20, **settings):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                                         "enable.auto.commit": False, **settings})
    consumer.subscribe(topics)
    got = []
    end = time.monotonic() + timeout
    while len(got) < count and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None:
            assert message.error() is None, message.error()
            got.append(message)
    if got:
        consumer.commit(asynchronous=False)
    consumer.close()
    return got


# ---- kafka-python: whatever version is installed; the tutorials have 2.0.2 ----

def test_kafka_python_produces_and_consumes_with_keys_and_headers(tailrace):
    from kafka import KafkaConsumer, KafkaProducer
    topic = unique("python")
    producer = KafkaProducer(bootstrap_servers=tailrace.bootstrap, value_serializer=lambda value: json.dumps(value).encode())
    for number in range(100):
        producer.send(topic, {"n": number}, key=str(number % 7).encode(), headers=[("h", b"\x00\xff")])
    producer.flush()
    consumer = KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, group_id=unique("g"), auto_offset_reset="earliest",
                             enable_auto_commit=True, consumer_timeout_ms=15000, value_deserializer=lambda value: json.loads(value))
    got = []
    for message in consumer:
        got.append(message)
        if len(got) == 100:
            break
    assert [message.value["n"] for message in got] == list(range(100))
    assert got[8].key == b"1" and list(got[8].headers) == [("h", b"\x00\xff")]
    consumer.close()
    producer.close()


def test_two_kafka_python_groups_go_on_where_they_were_after_restarts(tailrace):
    from kafka import KafkaConsumer, KafkaProducer
    topic, groups = unique("resume"), [unique("a"), unique("b")]

    def produce(numbers):
        producer = KafkaProducer(bootstrap_servers=tailrace.bootstrap)
        for number in numbers:
            producer.send(topic, str(number).encode())
        producer.flush()
        producer.close()

    def consume(group, count):
        consumer = KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, group_id=group, auto_offset_reset="earliest",
                                 enable_auto_commit=True, consumer_timeout_ms=15000)
        got = []
        for message in consumer:
            got.append(int(message.value))
            if len(got) == count:
                break
        consumer.close()  # commits
        return got

    produce(range(10))
    assert consume(groups[0], 10) == list(range(10))
    assert consume(groups[1], 4) == list(range(4))
    produce(range(10, 15))
    tailrace.restart()
    assert consume(groups[0], 5) == list(range(10, 15))
    produce(range(15, 17))
    tailrace.kill9()
    tailrace.start()
    assert consume(groups[0], 2) == [15, 16]


# ---- librdkafka ----

@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_codec_and_acks_by_librdkafka(tailrace_shared, codec, acks):
    topic = unique("codec")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap, "compression.type": codec, "acks": acks, "linger.ms": 5})
    values = [f"{number:05d}".encode() * 20 for number in range(1000)]
    for number, value in enumerate(values):
        producer.produce(topic, value, key=str(number % 3), headers={"n": str(number)}, partition=0)
        producer.poll(0)
    assert producer.flush(20) == 0
    got = confluent_consume(tailrace_shared.bootstrap, [topic], unique("g"), 1000)
    assert [message.value() for message in got] == values
    assert got[999].headers() == [("n", b"999")] and [message.offset() for message in got] == list(range(1000))


def test_an_idempotent_producer_writes_once(tailrace_shared):
    topic = unique("idempotent")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap, "enable.idempotence": True})
    for number in range(5000):
        producer.produce(topic, str(number).encode(), partition=0)
        producer.poll(0)
    assert producer.flush(20) == 0
    got = confluent_consume(tailrace_shared.bootstrap, [topic], unique("g"), 5000)
    assert [int(message.value()) for message in got] == list(range(5000))


def test_transactions_are_refused_at_once_and_clearly(tailrace_shared):
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap, "transactional.id": "t"})
    began = time.monotonic()
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        producer.init_transactions(20)
    assert time.monotonic() - began < 5 and not caught.value.args[0].retriable()


def test_a_consumer_of_the_new_group_protocol_fails_at_once(tailrace_shared):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace_shared.bootstrap, "group.id": unique("g"), "group.protocol": "consumer"})
    consumer.subscribe([unique("new-protocol")])
    error = wait_until(lambda: (message := consumer.poll(0.5)) and message.error(), timeout=60)
    assert error.code() == confluent_kafka.KafkaError._FATAL and "not supported" in error.str()
    consumer.close()
    assert "refused a consumer with group.protocol=consumer" in tailrace_shared.log


def test_credentials_are_refused_with_a_reason_and_none_are_described(tailrace_shared):
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    kinds = confluent_kafka.admin
    wanted = kinds.UserScramCredentialUpsertion("somebody", kinds.ScramCredentialInfo(kinds.ScramMechanism.SCRAM_SHA_256, 4096), b"password")
    with pytest.raises(confluent_kafka.KafkaException, match="Tailrace has no SASL"):
        admin.alter_user_scram_credentials([wanted])["somebody"].result(20)
    with pytest.raises(confluent_kafka.KafkaException, match="does not exist: somebody"):
        admin.describe_user_scram_credentials(["somebody"])["somebody"].result(20)
    assert admin.describe_user_scram_credentials().result(20) == {}


def test_groups_and_client_metrics_have_no_settings(tailrace_shared):
    kinds = {16: 0, 32: 0, 8: 42}  # client metrics, groups; loggers, which are not there: INVALID_REQUEST
    for kind, error in kinds.items():
        with Raw(tailrace_shared.bootstrap) as raw:
            resource = struct.pack(">b", kind) + string("x") + struct.pack(">i", -1)
            answer = raw.request(32, 1, struct.pack(">i", 1) + resource + b"\0").read()
        assert struct.unpack(">iiih", answer[:14]) == (1, 0, 1, error)
        assert error or answer[14:] == string("") + struct.pack(">b", kind) + string("x") + struct.pack(">i", 0)


def test_a_partition_can_be_where_it_is_and_nowhere_else(tailrace_shared):
    kafka = pytest.importorskip("kafka", minversion="3.0")
    topic = unique("reassigned")
    maker = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    maker.create_topics([NewTopic(topic, 1)])[topic].result(20)
    admin = kafka.KafkaAdminClient(bootstrap_servers=tailrace_shared.bootstrap)
    said = {}
    for asked in ([1], [2], [1, 2], None):
        for partition in (0, 7):
            error = admin.alter_partition_reassignments({kafka.TopicPartition(topic, partition): asked}).popitem()[1]
            said[str(asked), partition] = getattr(error, "__name__", None)
    admin.close()
    assert {key: name for key, name in said.items() if key[1] == 0} == {
        ("[1]", 0): None, ("[2]", 0): "InvalidReplicationAssignmentError", ("[1, 2]", 0): "InvalidReplicationAssignmentError",
        ("None", 0): "NoReassignmentInProgressError"}
    assert {name for key, name in said.items() if key[1] == 7} == {"UnknownTopicOrPartitionError"}


def test_partitions_are_shared_by_members_that_come_and_go(tailrace_shared):
    topic, group = unique("shared"), unique("g")
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    admin.create_topics([NewTopic(topic, 6, 1)])[topic].result(10)
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap})
    for number in range(600):
        producer.produce(topic, str(number).encode(), partition=number % 6)
    assert producer.flush(10) == 0

    lock, seen, assignments, stop = threading.Lock(), {}, {}, {}

    def member(name):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace_shared.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                                             "session.timeout.ms": 6000, "heartbeat.interval.ms": 200, "auto.commit.interval.ms": 100, "client.id": name})
        consumer.subscribe([topic])
        while not stop[name].is_set():
            message = consumer.poll(0.05)
            with lock:
                assignments[name] = len(consumer.assignment())
                if message is not None and message.error() is None:
                    seen[message.value()] = seen.get(message.value(), 0) + 1
        consumer.close()
        with lock:
            assignments.pop(name)

    threads = {}

    def begin(name):
        stop[name] = threading.Event()
        threads[name] = threading.Thread(target=member, args=(name,))
        threads[name].start()

    def spread():
        with lock:
            return sorted(assignments.values())

    try:
        begin("one")
        wait_until(lambda: spread() == [6], what="one member having all partitions")
        begin("two")
        wait_until(lambda: spread() == [3, 3], what="two members sharing")
        begin("three")
        wait_until(lambda: spread() == [2, 2, 2], what="three members sharing")
        described = admin.describe_consumer_groups([group])[group].result(10)
        assert described.state.name == "STABLE" and sorted(member.client_id for member in described.members) == ["one", "three", "two"]
        stop["two"].set()
        wait_until(lambda: spread() == [3, 3], what="two members sharing again")
        wait_until(lambda: len(seen) == 600, what="all records having been seen")
    finally:
        for event in stop.values():
            event.set()
        for thread in threads.values():
            thread.join(20)


def test_a_static_member_comes_back_without_a_rebalance(tailrace_shared):
    topic, group = unique("static"), unique("g")
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(10)

    def member(instance):
        rebalances = []
        consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace_shared.bootstrap, "group.id": group, "group.instance.id": instance,
                                             "auto.offset.reset": "earliest", "session.timeout.ms": 20000, "heartbeat.interval.ms": 200})
        consumer.subscribe([topic], on_assign=lambda _, partitions: rebalances.append(len(partitions)),
                           on_revoke=lambda _, partitions: rebalances.append(-len(partitions)))
        return consumer, rebalances

    def turn(*consumers):
        for consumer in consumers:
            consumer.poll(0.05)
        return [len(consumer.assignment()) for consumer in consumers]

    one, seen_by_one = member("one")
    two, _ = member("two")
    wait_until(lambda: turn(one, two) == [1, 1], what="both having a partition")
    seen_by_one.clear()
    two.close()  # a static member does not leave
    two, _ = member("two")
    wait_until(lambda: turn(one, two) == [1, 1], what="the second one being back")
    assert seen_by_one == []
    one.close()
    two.close()


def test_a_long_poll_is_answered_when_a_record_comes(tailrace_shared):
    topic = unique("poll")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap, "linger.ms": 0})
    producer.produce(topic, b"first")
    assert producer.flush(10) == 0
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace_shared.bootstrap, "group.id": unique("g"), "auto.offset.reset": "earliest",
                                         "fetch.wait.max.ms": 5000, "enable.auto.commit": False})
    consumer.subscribe([topic])
    assert wait_until(lambda: consumer.poll(0.5), what="the first record").value() == b"first"
    delays = []
    for number in range(30):
        time.sleep(0.02)
        began = time.monotonic()
        producer.produce(topic, str(number).encode())
        producer.poll(0)
        message = wait_until(lambda: consumer.poll(5), what="the next record")
        delays.append(time.monotonic() - began)
        assert message.value() == str(number).encode()
    consumer.close()
    assert sorted(delays)[len(delays) // 2] < 1  # far below the 5 s that the fetch may wait


def test_admin_by_librdkafka(tailrace_shared):
    topic = unique("admin")
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    admin.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "60000"})])[topic].result(10)
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(10)
    assert caught.value.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        list(admin.create_topics([NewTopic(unique("x"), 1, 1, config={"no.such": "1"})], validate_only=True).values())[0].result(10)
    assert "Unknown topic config name: no.such" in str(caught.value)
    admin.create_partitions([NewPartitions(topic, 5)])[topic].result(10)
    assert len(admin.list_topics(topic, 10).topics[topic].partitions) == 5
    resource = ConfigResource("topic", topic)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["retention.ms"].value == "60000" and config["segment.bytes"].value == "1073741824"
    broker = ConfigResource("broker", "1")
    assert admin.describe_configs([broker])[broker].result(10)["auto.create.topics.enable"].value == "true"
    admin.delete_topics([topic])[topic].result(10)
    assert topic not in admin.list_topics(timeout=10).topics


def test_offsets_by_time_and_after_deleting_records(tailrace_shared):
    topic = unique("times")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap})
    now = int(time.time() * 1000)
    for number in range(10):
        producer.produce(topic, str(number).encode(), partition=0, timestamp=now - 10000 + number * 1000)
        assert producer.flush(10) == 0
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace_shared.bootstrap, "group.id": unique("g")})
    partition = confluent_kafka.TopicPartition(topic, 0)
    assert consumer.get_watermark_offsets(partition, 10) == (0, 10)
    assert consumer.offsets_for_times([confluent_kafka.TopicPartition(topic, 0, now - 7000)], 10)[0].offset == 3
    assert consumer.offsets_for_times([confluent_kafka.TopicPartition(topic, 0, now - 6500)], 10)[0].offset == 4
    assert consumer.offsets_for_times([confluent_kafka.TopicPartition(topic, 0, now + 5000)], 10)[0].offset == confluent_kafka.OFFSET_END
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    deleted = list(admin.delete_records([confluent_kafka.TopicPartition(topic, 0, 4)]).values())[0].result(10)
    assert deleted.low_watermark == 4
    assert consumer.get_watermark_offsets(partition, 10) == (4, 10)
    consumer.close()


def test_groups_survive_a_kill_with_their_members_and_offsets(tailrace):
    topic, group = unique("kill"), unique("g")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace.bootstrap})
    for number in range(100):
        producer.produce(topic, str(number).encode())
    assert producer.flush(10) == 0
    consumer = confluent_kafka.Consumer({"bootstrap.servers": tailrace.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                                         "enable.auto.commit": False})
    consumer.subscribe([topic])
    first = [wait_until(lambda: consumer.poll(0.5), what="a record") for _ in range(50)]
    consumer.commit(message=first[-1], asynchronous=False)
    tailrace.kill9()
    tailrace.start()
    # The member goes on in its generation; nothing is read twice, nothing is left out.
    rest = [wait_until(lambda: next((message for message in [consumer.poll(0.5)] if message is not None and message.error() is None), None),
                       60, "a record after the kill") for _ in range(50)]
    assert [int(message.value()) for message in rest] == list(range(50, 100))
    consumer.commit(message=rest[-1], asynchronous=False)
    consumer.close()
    assert confluent_consume(tailrace.bootstrap, [topic], group, 1, timeout=3) == []


def test_group_offsets_are_listed_altered_and_deleted(tailrace_shared):
    from confluent_kafka import ConsumerGroupTopicPartitions
    topic, group = unique("alter"), unique("g")
    producer = confluent_kafka.Producer({"bootstrap.servers": tailrace_shared.bootstrap})
    for number in range(10):
        producer.produce(topic, str(number).encode())
    assert producer.flush(10) == 0
    assert len(confluent_consume(tailrace_shared.bootstrap, [topic], group, 10)) == 10
    admin = AdminClient({"bootstrap.servers": tailrace_shared.bootstrap})
    listed = list(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values())[0].result(10)
    assert [(part.topic, part.offset) for part in listed.topic_partitions] == [(topic, 10)]
    moved = ConsumerGroupTopicPartitions(group, [confluent_kafka.TopicPartition(topic, 0, 7)])
    list(admin.alter_consumer_group_offsets([moved]).values())[0].result(10)
    assert [int(message.value()) for message in confluent_consume(tailrace_shared.bootstrap, [topic], group, 3)] == [7, 8, 9]
    admin.delete_consumer_groups([group])[group].result(10)
    assert group not in [found.group_id for found in admin.list_consumer_groups().result(10).valid]
