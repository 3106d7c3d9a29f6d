"""Every committed row is in its topic exactly once, whatever is killed when."""
import random
import threading
import time

import pytest

import harness
from capture_help import Replay, read_topic, topic_end, wait_caught_up

SEED = int(time.time())


@pytest.fixture
def chance():
    print("seed", SEED)
    return random.Random(SEED)


class Load(threading.Thread):
    """Transactions of many shapes until stopped: one row, many rows of one statement, COPY, updates, deletes, rollbacks, savepoints."""

    def __init__(self, postgres, database, seed):
        super().__init__(daemon=True)
        self.postgres, self.database, self.random = postgres, database, random.Random(seed)
        self.stopping, self.trouble = threading.Event(), None

    def run(self):
        try:
            connection = self.postgres.connect(self.database, autocommit=False)
            with connection.cursor() as cursor:
                while not self.stopping.is_set():
                    getattr(self, self.random.choice(["one", "many", "copy", "update", "delete", "lost", "savepoint", "two_tables"]))(cursor)
                    connection.commit()
                    time.sleep(self.random.choice([0, 0, 0.001, 0.01]))
            connection.close()
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.trouble = error

    def one(self, cursor):
        cursor.execute("INSERT INTO t(v) VALUES ('one')")

    def many(self, cursor):
        cursor.execute("INSERT INTO t(v) SELECT 'many ' || i FROM generate_series(1, %s) i", (self.random.randint(2, 300),))

    def copy(self, cursor):
        import io
        cursor.copy_expert("COPY t(v) FROM STDIN", io.StringIO("".join(f"copied {i}\n" for i in range(self.random.randint(1, 200)))))

    def update(self, cursor):
        cursor.execute("UPDATE t SET v = 'changed ' || %s WHERE id %% 97 = %s", (self.random.random(), self.random.randint(0, 96)))

    def delete(self, cursor):
        cursor.execute("DELETE FROM t WHERE id %% 101 = %s", (self.random.randint(0, 100),))

    def lost(self, cursor):
        cursor.execute("INSERT INTO t(v) SELECT 'lost' FROM generate_series(1, 50)")
        cursor.connection.rollback()

    def savepoint(self, cursor):
        cursor.execute("INSERT INTO t(v) VALUES ('kept'); SAVEPOINT s; INSERT INTO t(v) VALUES ('lost'); ROLLBACK TO s; INSERT INTO t(v) VALUES ('kept')")

    def two_tables(self, cursor):
        cursor.execute("INSERT INTO t(v) VALUES ('both'); INSERT INTO u(v) VALUES ('both')")

    def finish(self):
        self.stopping.set()
        self.join(30)
        assert self.trouble is None, self.trouble


def check_table(postgres, database, bootstrap, prefix, table):
    replay = Replay(read_topic(bootstrap, f"{prefix}.public.{table}"))
    expected = {row[0]: row[1] for row in postgres.execute(database, f"SELECT id, v FROM {table}")}
    assert replay.doubles() == []
    assert {key: row["v"] for key, row in replay.rows.items()} == expected
    return replay


def test_killed_at_random_under_load(postgres, database, tailrace, chance):
    postgres.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)", "CREATE TABLE u (id bigserial PRIMARY KEY, v text)",
                     "INSERT INTO t(v) SELECT 'before' FROM generate_series(1, 1000)")
    config = harness.connector_config(postgres, database)
    loads = [Load(postgres, database, chance.random()) for _ in range(3)]
    tailrace.create_connector("c", config)
    for load in loads:
        load.start()
    for _ in range(8):
        time.sleep(chance.uniform(0.1, 1.2))
        tailrace.kill9()
        tailrace.start()
    time.sleep(0.5)
    for load in loads:
        load.finish()
    tailrace.wait_connector("c")
    wait_caught_up(postgres, config["slot.name"])
    replay = check_table(postgres, database, tailrace.bootstrap, database, "t")
    assert replay.events["c"] > 0 and replay.events["u"] > 0 and replay.events["d"] > 0
    check_table(postgres, database, tailrace.bootstrap, database, "u")


def test_killed_in_the_middle_of_a_huge_transaction(postgres, database, tailrace, chance):
    postgres.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)")
    # Uncompressed, so that it is published in many parts.
    config = harness.connector_config(postgres, database, producer__override__compression__type="none")
    tailrace.create_connector("c", config)
    harness.wait_until(lambda: postgres.execute("postgres", f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
    postgres.execute(database, "INSERT INTO t(v) SELECT 'row ' || i || repeat('x', 100) FROM generate_series(1, 150000) i")
    topic = f"{database}.public.t"
    seen = 0
    for _ in range(3):
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > seen, 60, "more of the transaction")
        tailrace.kill9()
        tailrace.start()
        seen = topic_end(tailrace.bootstrap, topic)
    wait_caught_up(postgres, config["slot.name"], 120)
    replay = check_table(postgres, database, tailrace.bootstrap, database, "t")
    assert replay.events == {"c": 150000}


def test_killed_in_the_middle_of_the_snapshot(postgres, database, tailrace, chance):
    postgres.execute(database, "CREATE TABLE a (id bigserial PRIMARY KEY, v text)", "CREATE TABLE t (id bigserial PRIMARY KEY, v text)",
                     "CREATE TABLE u (id bigserial PRIMARY KEY, v text)", "INSERT INTO a(v) VALUES ('first')", "INSERT INTO u(v) VALUES ('last')",
                     "INSERT INTO t(v) SELECT 'row ' || i || repeat('x', 100) FROM generate_series(1, 300000) i")
    config = harness.connector_config(postgres, database)
    load = Load(postgres, database, chance.random())
    tailrace.create_connector("c", config, wait=False)
    topic = f"{database}.public.t"
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > 0, 60, "the first rows")
    load.start()
    for _ in range(3):
        tailrace.kill9()
        seen = 0
        tailrace.start()
        seen = topic_end(tailrace.bootstrap, topic)
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > seen, 60, "more rows")
    load.finish()
    wait_caught_up(postgres, config["slot.name"], 120)
    replay = check_table(postgres, database, tailrace.bootstrap, database, "t")
    assert max(replay.reads) <= 300000
    for table in ("a", "u"):
        check_table(postgres, database, tailrace.bootstrap, database, table)


def test_postgres_killed_under_load(tailrace, chance):
    """The server dies and recovers; what was committed comes, once. (Its own copy, because others use the shared one.)"""
    server = harness.Postgres(["fsync=on", "full_page_writes=on", "synchronous_commit=on"])
    try:
        database = server.create_database("crash")
        server.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)", "CREATE TABLE u (id bigserial PRIMARY KEY, v text)")
        config = harness.connector_config(server, database)
        tailrace.create_connector("c", config)
        for _ in range(3):
            load = Load(server, database, chance.random())
            load.start()
            time.sleep(chance.uniform(0.3, 1))
            server.restart(harness.signal.SIGQUIT)
            load.stopping.set()
            load.join(30)
        wait_caught_up(server, config["slot.name"], 60)
        check_table(server, database, tailrace.bootstrap, database, "t")
        check_table(server, database, tailrace.bootstrap, database, "u")
    finally:
        server.destroy()


def test_stopped_and_resumed_cleanly_under_load(postgres, database, tailrace, chance):
    postgres.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)", "CREATE TABLE u (id bigserial PRIMARY KEY, v text)")
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("c", config)
    load = Load(postgres, database, chance.random())
    load.start()
    for _ in range(4):
        time.sleep(chance.uniform(0.1, 0.5))
        assert tailrace.rest("PUT", "/connectors/c/stop").status in (202, 204)
        tailrace.wait_connector("c", "STOPPED/-")
        assert tailrace.rest("PUT", "/connectors/c/resume").status == 202
        tailrace.wait_connector("c")
    load.finish()
    wait_caught_up(postgres, config["slot.name"])
    check_table(postgres, database, tailrace.bootstrap, database, "t")
