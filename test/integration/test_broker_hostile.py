"""What comes in over the Kafka port is not trusted: lies and garbage end one connection and nothing else."""
import os
import random
import struct

import pytest
from harness import wait_until
from kafka_wire import Raw, header, string

API_VERSIONS, METADATA, PRODUCE, FETCH, JOIN_GROUP, INIT_PRODUCER_ID = 18, 3, 0, 1, 11, 22
COORDINATOR_LOAD_IN_PROGRESS = 14


def is_well(program):
    with Raw(program.bootstrap) as raw:
        answer = raw.request(API_VERSIONS, 0, correlation=77).read()
    return answer is not None and answer[:6] == struct.pack(">ih", 77, 0)


@pytest.mark.parametrize("data, said", [
    (struct.pack(">i", -1), "bytes long"),
    (struct.pack(">i", 104857601), "bytes long"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
    (struct.pack(">i", 0), "too few"),
    (struct.pack(">i", 3) + b"abc", "too few"),
    (struct.pack(">i", 14) + header(999, 0), "999"),
    (struct.pack(">i", 14) + header(METADATA, 99), "99"),
    (struct.pack(">i", 14) + header(METADATA, -1), "-1"),
    (struct.pack(">i", 18) + header(METADATA, 1) + struct.pack(">i", 2**31 - 1), "Metadata"),
    (struct.pack(">i", 15) + header(METADATA, 1) + b"\0", "Metadata"),
], ids=["negative", "too-large", "tls", "http", "empty", "three-bytes", "unknown-api", "unknown-version", "negative-version", "count-lies", "half"])
def test_what_is_not_a_request_closes_the_connection_with_one_line(tailrace, data, said):
    with Raw(tailrace.bootstrap) as good, Raw(tailrace.bootstrap) as bad:
        before = tailrace.log.count("closed the connection")
        assert bad.send(data).is_closed()
        assert good.request(API_VERSIONS, 0).read() is not None
        wait_until(lambda: tailrace.log.count("closed the connection") == before + 1, what="one line in the log")
        line = [line for line in tailrace.log.splitlines() if "closed the connection" in line][-1]
        assert said in line and "peer=127.0.0.1:" in line
    assert is_well(tailrace)


def test_an_unknown_version_of_apiversions_is_answered(tailrace):
    with Raw(tailrace.bootstrap) as raw:
        assert raw.request(API_VERSIONS, 9, correlation=5, flexible=True).read() == struct.pack(">ihihhh", 5, 35, 1, 18, 0, 4)
        assert raw.request(API_VERSIONS, 0, correlation=6).read()[:6] == struct.pack(">ih", 6, 0)


def test_producers_that_come_faster_than_their_ids_are_written_are_told_to_ask_again(tailrace):
    with Raw(tailrace.bootstrap) as raw:
        body = header(INIT_PRODUCER_ID, 0) + struct.pack(">hi", -1, 60000)
        raw.send((struct.pack(">i", len(body)) + body) * 5000)
        answers = [struct.unpack(">ihqh", raw.read()[4:]) for _ in range(5000)]
    given = [producer for _, code, producer, _ in answers if code == 0]
    assert len(given) >= 1000 and len(set(given)) == len(given)
    # Not "no coordinator": a client may look for one then, and a producer without transactions has none.
    assert {code for _, code, _, _ in answers} <= {0, COORDINATOR_LOAD_IN_PROGRESS}


def test_a_request_may_come_byte_by_byte_and_several_at_once(tailrace):
    with Raw(tailrace.bootstrap) as raw:
        body = header(API_VERSIONS, 0, 1)
        for byte in struct.pack(">i", len(body)) + body:
            raw.send(bytes([byte]))
        assert raw.read()[:4] == struct.pack(">i", 1)
        many = b"".join(struct.pack(">i", len(body)) + header(API_VERSIONS, 0, number) for number in range(300))
        raw.send(many)
        for number in range(300):
            assert raw.read()[:4] == struct.pack(">i", number)


def test_a_large_size_without_bytes_costs_no_memory(tailrace):
    def resident():
        with open(f"/proc/{tailrace.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    assert is_well(tailrace)
    before = resident()
    connections = [Raw(tailrace.bootstrap).send(struct.pack(">i", 104857600) + b"x" * 100) for _ in range(100)]
    assert is_well(tailrace)
    assert resident() - before < 200 * 1024 * 1024
    for connection in connections:
        connection.socket.close()
    assert is_well(tailrace)


def test_five_hundred_idle_connections_are_nothing(tailrace):
    connections = [Raw(tailrace.bootstrap) for _ in range(500)]
    for number, connection in enumerate(connections[::50]):
        assert connection.request(API_VERSIONS, 0, correlation=number).read()[:4] == struct.pack(">i", number)
    assert is_well(tailrace)
    for connection in connections:
        connection.socket.close()
    assert is_well(tailrace)


def test_random_bytes_behind_valid_headers_harm_nobody(tailrace):
    randomness = random.Random(20261124)
    with Raw(tailrace.bootstrap) as good:
        for number in range(600):
            with Raw(tailrace.bootstrap) as bad:
                key = randomness.choice([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 29, 32, 33, 35, 37, 42, 44, 46, 47, 48, 60, 75])
                size = randomness.choice([0, 1, 7, 40, 300])
                bad.request(key, randomness.randrange(0, 14), randomness.randbytes(size), flexible=randomness.random() < 0.5)
                bad.socket.shutdown(1)
            if number % 50 == 0:
                assert good.request(API_VERSIONS, 0, correlation=number).read()[:4] == struct.pack(">i", number)
    assert is_well(tailrace)


def test_a_broken_batch_is_refused_and_the_partition_goes_on(tailrace):
    with Raw(tailrace.bootstrap) as raw:
        asked = struct.pack(">i", 1) + string("broken")
        # The error code of a topic stands before its name.
        wait_until(lambda: raw.request(METADATA, 1, asked).read().split(string("broken"))[0][-2:] == b"\0\0", what="the topic being made")
        batch = bytearray(61 + 10)
        batch[8:12] = struct.pack(">i", len(batch) - 12)
        batch[16] = 2
        body = struct.pack(">hhi", -1, -1, 1000) + struct.pack(">i", 1) + string("broken") + struct.pack(">iii", 1, 0, len(batch)) + bytes(batch)
        answer = raw.request(PRODUCE, 3, body).read()
        code = struct.unpack(">h", answer[4 + 4 + 2 + 6 + 4 + 4:][:2])[0]
        assert code in (2, 87)
    from kafka import KafkaProducer
    producer = KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    assert producer.send("broken", b"fine").get(10).offset == 0
    producer.close()


def test_who_does_not_read_is_not_read_from(tailrace):
    """Pipelined requests without reading answers: the program stops reading instead of piling answers up."""
    with Raw(tailrace.bootstrap, timeout=2) as raw:
        body = header(32, 1, client="x" * 4000) + struct.pack(">ib", 1, 4) + string("1") + struct.pack(">ib", -1, 1)
        frame = struct.pack(">i", len(body)) + body
        sent = 0
        try:
            for _ in range(20000):
                raw.send(frame)
                sent += 1
        except TimeoutError:
            pass
        assert sent < 20000
        assert is_well(tailrace)


def test_connections_beyond_the_limit_are_refused_and_idle_ones_closed(tailrace_factory):
    program = tailrace_factory({"max.connections.per.ip": 3, "connections.max.idle.ms": 4000})
    three = [Raw(program.bootstrap) for _ in range(3)]
    assert all(raw.request(API_VERSIONS, 0).read() for raw in three)
    with Raw(program.bootstrap) as fourth:
        assert fourth.is_closed()
    wait_until(lambda: "max.connections.per.ip is reached" in program.log, what="the line in the log")
    assert all(raw.is_closed() for raw in three)  # after four seconds without a word
    assert is_well(program)
