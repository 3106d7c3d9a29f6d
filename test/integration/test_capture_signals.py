"""Signals: snapshots on request beside the stream, what is wrong with them, and restarts in the middle."""
import json
import time

import harness
from capture_help import Replay, read_topic, topic_end, wait_caught_up

SIGNALS = "CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))"


def streaming(postgres, config):
    harness.wait_until(lambda: postgres.execute("postgres", "SELECT active FROM pg_replication_slots "
                                                            f"WHERE slot_name = '{config['slot.name']}'") == [(True,)], 30, "the stream")


def signal(postgres, database, name, kind, **data):
    text = json.dumps({key.replace("_", "-"): value for key, value in data.items()}).replace("'", "''")
    postgres.execute(database, f"INSERT INTO signals VALUES ('{name}', '{kind}', '{text}')")


def notifications(tailrace, topic):
    return [json.loads(value)["payload"] for _, _, value in read_topic(tailrace.bootstrap, topic)]


def make(postgres, database, tailrace, rows, **extra):
    postgres.execute(database, SIGNALS, "CREATE TABLE t (id int PRIMARY KEY, v text)", f"INSERT INTO t SELECT i, 'old' FROM generate_series(1, {rows}) i")
    config = harness.connector_config(postgres, database, snapshot__mode="no_data", signal__data__collection="public.signals",
                                      notification__enabled__channels="sink", notification__sink__topic__name=f"{database}.notes", **extra)
    tailrace.create_connector("c", config)
    streaming(postgres, config)
    return config


def test_an_incremental_snapshot_goes_on_after_a_kill(postgres, database, tailrace):
    config = make(postgres, database, tailrace, 5000, incremental__snapshot__chunk__size=100)
    topic = f"{database}.public.t"
    signal(postgres, database, "s1", "execute-snapshot", data_collections=["public.t"])
    for _ in range(3):
        seen = topic_end(tailrace.bootstrap, topic)
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > seen, 30, "more of the snapshot")
        tailrace.kill9()
        postgres.execute(database, f"UPDATE t SET v = 'new' WHERE id % 50 = {seen % 50}")
        tailrace.start()
    harness.wait_until(lambda: any(note["type"] == "COMPLETED" for note in notifications(tailrace, f"{database}.notes")), 60, "the end")
    wait_caught_up(postgres, config["slot.name"])
    replay = Replay(read_topic(tailrace.bootstrap, topic))
    assert {key: row["v"] for key, row in replay.rows.items()} == dict(postgres.execute(database, "SELECT id, v FROM t"))
    assert replay.events["r"] <= 5000 and max(replay.reads.values()) == 1


def test_what_postgres_refuses_ends_the_snapshot_and_not_the_stream(postgres, database, tailrace):
    config = make(postgres, database, tailrace, 10)
    topic = f"{database}.public.t"
    signal(postgres, database, "wrong", "execute-snapshot", data_collections=["public.t"],
           additional_conditions=[{"data-collection": "public.t", "filter": "no_such_column = 1"}])
    signal(postgres, database, "wrong too", "execute-snapshot", data_collections=["public.t"], type="blocking",
           additional_conditions=[{"data-collection": "public.t", "filter": "SELECT nonsense"}])
    signal(postgres, database, "unknown", "dance")
    postgres.execute(database, "INSERT INTO signals VALUES ('no json', 'execute-snapshot', 'nonsense')", "INSERT INTO t VALUES (11, 'streamed')")
    wait_caught_up(postgres, config["slot.name"])
    assert Replay(read_topic(tailrace.bootstrap, topic)).rows.keys() == {11}
    statuses = {note["additional_data"].get("status") for note in notifications(tailrace, f"{database}.notes")}
    assert "SQL_EXCEPTION" in statuses
    signal(postgres, database, "right", "execute-snapshot", data_collections=["public.t"])
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) == 12, 30, "the rows of the right one")
    tailrace.wait_connector("c")


def test_an_incremental_snapshot_is_paused_and_stopped(postgres, database, tailrace):
    make(postgres, database, tailrace, 2000, incremental__snapshot__chunk__size=10)
    topic, notes = f"{database}.public.t", f"{database}.notes"
    signal(postgres, database, "s1", "execute-snapshot", data_collections=["public.t"])
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > 0, 30, "the first rows")
    signal(postgres, database, "s2", "pause-snapshot", type="incremental")
    harness.wait_until(lambda: any(note["type"] == "PAUSED" for note in notifications(tailrace, notes)), 30, "the pause")
    seen = topic_end(tailrace.bootstrap, topic)
    time.sleep(0.5)
    assert topic_end(tailrace.bootstrap, topic) - seen <= 10
    signal(postgres, database, "s3", "resume-snapshot", type="incremental")
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > seen + 20, 30, "it going on")
    signal(postgres, database, "s4", "stop-snapshot", type="incremental")
    harness.wait_until(lambda: any(note["type"] == "ABORTED" for note in notifications(tailrace, notes)), 30, "the stop")
    assert topic_end(tailrace.bootstrap, topic) < 2000
    tailrace.wait_connector("c")


def test_a_blocking_snapshot_is_taken_again_after_a_kill(postgres, database, tailrace):
    config = make(postgres, database, tailrace, 30000, producer__override__compression__type="none")
    topic = f"{database}.public.t"
    signal(postgres, database, "s1", "execute-snapshot", data_collections=["public.t"], type="blocking")
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) > 0, 30, "the first rows")
    tailrace.kill9()
    tailrace.start()
    harness.wait_until(lambda: any(note["type"] == "COMPLETED" for note in notifications(tailrace, f"{database}.notes")), 60, "the end")
    postgres.execute(database, "INSERT INTO t VALUES (30001, 'streamed')")
    wait_caught_up(postgres, config["slot.name"])
    assert len(Replay(read_topic(tailrace.bootstrap, topic)).rows) == 30001
