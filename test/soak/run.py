#!/usr/bin/env python3
"""One long life of the program under load, killed at random, checked row by row after each round.

    run.py [--seconds N] [--seed N] [--build DIR]

A round is a fresh database with a connector, three sessions that write transactions of many shapes, a producer and a consumer group
beside them, and kills: of the program (SIGKILL, SIGTERM), of the replication connection, and of PostgreSQL itself. After it every committed row
has to be in its topic exactly once, every acknowledged record has to be there in order, and the group has to have seen each at
least once. The data directory is the same over all rounds. Ends with "N passed, N failed" (rounds).
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import harness  # noqa: E402
from capture_help import read_topic, wait_caught_up  # noqa: E402
from test_capture_exactly_once import Load, check_table  # noqa: E402

KILLS = ["kill9", "kill9", "kill9", "stop", "walsender", "postgres"]


class Producer(threading.Thread):
    """Numbered records with acks=all and idempotence; remembers which were acknowledged."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.stopping = bootstrap, topic, threading.Event()
        self.acknowledged, self.trouble = [], None

    def done(self, error, message):
        if error is None:
            self.acknowledged.append(int(message.value()))

    def run(self):
        import confluent_kafka
        producer = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0,
                                             "message.timeout.ms": 120000, "reconnect.backoff.max.ms": 200})
        number = 0
        try:
            while not self.stopping.is_set():
                for _ in range(50):
                    producer.produce(self.topic, value=str(number).encode(), partition=0, on_delivery=self.done)
                    number += 1
                producer.poll(0.05)
            producer.flush(60)
        except Exception as error:  # noqa: BLE001 - shown at the end of the round
            self.trouble = error


class Reader(threading.Thread):
    """A consumer group that commits as it reads."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.stopping = bootstrap, topic, threading.Event()
        self.seen = set()

    def run(self):
        import confluent_kafka
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": "soak-" + self.topic, "auto.offset.reset": "earliest",
                                             "auto.commit.interval.ms": 200, "log_level": 0, "reconnect.backoff.max.ms": 200})
        consumer.subscribe([self.topic])
        while not self.stopping.is_set():
            message = consumer.poll(0.1)
            if message is not None and not message.error():
                self.seen.add(int(message.value()))
        consumer.close()


def check_produced(tailrace, producer, reader, topic):
    assert producer.trouble is None, producer.trouble
    values = [int(value) for _, _, value in read_topic(tailrace.bootstrap, topic, 120)]
    assert values == sorted(set(values)), "produced records are doubled or out of order"
    missing = set(producer.acknowledged) - set(values)
    assert not missing, f"{len(missing)} acknowledged records are missing, as {sorted(missing)[:5]}"
    harness.wait_until(lambda: reader.seen >= set(values), 60, "the group having seen every record")
    return len(values)


def kill(kind, tailrace, postgres, slot):
    if kind == "kill9":
        tailrace.kill9()
        tailrace.start()
    elif kind == "stop":
        assert tailrace.stop() == 0
        tailrace.start()
    elif kind == "walsender":
        postgres.execute("postgres", f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{slot}' AND active")
    else:
        postgres.restart(signal.SIGINT)


class PatientLoad(Load):
    """Goes on when PostgreSQL was restarted: what was not committed was not written."""

    def run(self):
        import psycopg2
        while not self.stopping.is_set():
            self.trouble = None
            super().run()
            if self.trouble is not None and not isinstance(self.trouble, psycopg2.OperationalError | psycopg2.InterfaceError):
                return
        if isinstance(self.trouble, psycopg2.OperationalError | psycopg2.InterfaceError):
            self.trouble = None


def one_round(number, tailrace, postgres, chance):
    name = f"soak{number}"
    postgres.create_database(name)
    postgres.execute(name, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)", "CREATE TABLE u (id bigserial PRIMARY KEY, v text)",
                     "INSERT INTO t(v) SELECT 'before' FROM generate_series(1, 500)")
    config = harness.connector_config(postgres, name)
    tailrace.create_connector(name, config)
    topic = f"{name}.produced"
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--create", "--topic", topic, check=True)
    threads = [PatientLoad(postgres, name, chance.random()) for _ in range(3)]
    producer, reader = Producer(tailrace.bootstrap, topic), Reader(tailrace.bootstrap, topic)
    for thread in [*threads, producer, reader]:
        thread.start()
    kills = []
    for _ in range(chance.randint(5, 12)):
        time.sleep(chance.uniform(0.05, 2))
        kills.append(chance.choice(KILLS))
        kill(kills[-1], tailrace, postgres, config["slot.name"])
    for load in threads:
        load.finish()
    producer.stopping.set()
    producer.join(90)
    tailrace.wait_connector(name, timeout=90)
    wait_caught_up(postgres, config["slot.name"], 120)
    for table in ("t", "u"):
        check_table(postgres, name, tailrace.bootstrap, name, table)
    produced = check_produced(tailrace, producer, reader, topic)
    reader.stopping.set()
    reader.join(30)
    tailrace.delete_connector(name)
    rows = postgres.execute(name, "SELECT count(*) FROM t")[0][0]
    harness.wait_until(lambda: tailrace.rest("GET", "/connectors").json() == [], 20, "the connector being gone")
    postgres.drop_database(name)
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--delete", "--topic", f"{name}[.].*", check=True)
    return f"{rows} rows, {produced} produced records, kills: {' '.join(kills)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("SECONDS_TO_RUN", "600")))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--build", help="build directory (default: build-asan or build)")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["TAILRACE_BUILD"] = arguments.build
    print(f"seed {arguments.seed}, {arguments.seconds} s", flush=True)
    chance = random.Random(arguments.seed)
    directory = tempfile.mkdtemp(prefix="tailrace-soak-")
    postgres = harness.Postgres(["fsync=on", "synchronous_commit=on"])
    tailrace = harness.Tailrace(directory)
    deadline, number, failed = time.monotonic() + arguments.seconds, 0, 0
    try:
        tailrace.start()
        while time.monotonic() < deadline and not failed:
            number += 1
            try:
                print(f"round {number}: {one_round(number, tailrace, postgres, chance)}", flush=True)
            except Exception as error:  # noqa: BLE001 - the round has failed; what is left is kept
                failed = 1
                print(f"round {number} FAILED: {error!r}\n{tailrace.log[-6000:]}", flush=True)
        if "AddressSanitizer" in tailrace.log or "runtime error:" in tailrace.log:
            failed = 1
            print(tailrace.log[-6000:])
    finally:
        tailrace.kill9()
        postgres.destroy()
        if failed:
            print(f"kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{number - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
