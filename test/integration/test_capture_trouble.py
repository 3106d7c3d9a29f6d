"""What goes wrong at the database is said with its remedy, and passes by itself where it can."""
import signal

import pytest

import harness
from capture_help import Replay, read_topic, topic_end, wait_caught_up


def test_wal_level_is_named_and_passes_after_the_restart(tailrace):
    server = harness.Postgres()
    try:
        server.settings = [setting for setting in server.settings if not setting.startswith("wal_level")] + ["wal_level=replica"]
        server.restart()
        database = server.create_database("levels")
        server.execute(database, "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a')")
        tailrace.create_connector("c", harness.connector_config(server, database), wait=False)
        harness.wait_until(lambda: "wal_level property must be 'logical' but is: 'replica'" in tailrace.log, 30, "the log naming wal_level")
        assert "ALTER SYSTEM SET wal_level = logical" in tailrace.log
        server.settings = [setting for setting in server.settings if not setting.startswith("wal_level")] + ["wal_level=logical"]
        server.restart()
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 1, 30, "the row of the snapshot")
        tailrace.wait_connector("c")
    finally:
        server.destroy()


def test_a_restarted_postgres_is_found_again(tailrace):
    server = harness.Postgres()
    try:
        database = server.create_database("again")
        server.execute(database, "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a')")
        config = harness.connector_config(server, database)
        tailrace.create_connector("c", config)
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 1, 30, "the row of the snapshot")
        for how in (signal.SIGINT, signal.SIGQUIT):
            server.restart(how)
        server.execute(database, "INSERT INTO t VALUES (2, 'b')")
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 2, 30, "the row after the restarts")
        wait_caught_up(server, config["slot.name"])
    finally:
        server.destroy()


def test_a_missing_publication_fails_the_task(postgres, database, tailrace):
    tailrace.create_connector("c", harness.connector_config(postgres, database, publication__autocreate__mode="disabled"), wait=False)
    tailrace.wait_connector("c", "RUNNING/FAILED")
    assert "Publication autocreation is disabled, please create one and restart the connector." in tailrace.connector_state("c")[1]
    postgres.execute(database, f"CREATE PUBLICATION {database}_publication FOR ALL TABLES")
    assert tailrace.rest("POST", "/connectors/c/tasks/0/restart").status == 204
    tailrace.wait_connector("c")


def test_a_slot_that_somebody_else_reads_is_named(postgres, database, tailrace):
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("first", config)
    harness.wait_until(lambda: postgres.execute("postgres", f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
    pid = postgres.execute("postgres", f"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'")[0][0]
    tailrace.create_connector("second", {**config, "topic.prefix": "other"}, wait=False)
    harness.wait_until(lambda: f'"{config["slot.name"]}" is active for PID {pid}' in tailrace.log, 30, "the log naming the reader")


def test_a_slot_that_was_moved_past_the_position_is_refused(postgres, database, tailrace):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("c", config)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 1, 30, "the row of the snapshot")
    wait_caught_up(postgres, config["slot.name"])
    tailrace.rest("PUT", "/connectors/c/stop")
    tailrace.wait_connector("c", "STOPPED/-")
    postgres.execute(database, "SET synchronous_commit = on", "INSERT INTO t VALUES (2)")
    postgres.execute(database, f"SELECT pg_replication_slot_advance('{config['slot.name']}', pg_current_wal_lsn())")
    tailrace.rest("PUT", "/connectors/c/resume")
    tailrace.wait_connector("c", "RUNNING/FAILED")
    trace = tailrace.connector_state("c")[1]
    assert "no longer available on the server" in trace and "snapshot.mode=when_needed" in trace
    config["snapshot.mode"] = "when_needed"
    assert tailrace.rest("PUT", "/connectors/c/config", config).status == 200
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 3, 30, "the rows of the new snapshot")
    assert Replay(read_topic(tailrace.bootstrap, f"{database}.public.t")).rows.keys() == {1, 2}


def test_an_idle_database_does_not_hold_wal_back(postgres, database, tailrace):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE busy (id int)")
    config = harness.connector_config(postgres, database, table__include__list="public.t", publication__autocreate__mode="filtered",
                                      status__update__interval__ms=500)
    tailrace.create_connector("c", config)
    harness.wait_until(lambda: postgres.execute("postgres", f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
    for _ in range(3):
        postgres.execute(database, "INSERT INTO busy SELECT generate_series(1, 10000)")
        wait_caught_up(postgres, config["slot.name"], 15)


def test_tables_come_and_go_while_streaming(postgres, database, tailrace):
    config = harness.connector_config(postgres, database)
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY, v text)")
    tailrace.create_connector("c", config)
    harness.wait_until(lambda: postgres.execute("postgres", f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
    postgres.execute(database, "INSERT INTO t VALUES (1, 'a')", "CREATE TABLE made (id int PRIMARY KEY)", "INSERT INTO made VALUES (1)",
                     "ALTER TABLE t ADD COLUMN more int DEFAULT 7", "INSERT INTO t VALUES (2, 'b', 8)", "DROP TABLE made",
                     "CREATE TABLE nokey (v text)", "INSERT INTO nokey VALUES ('x')", "INSERT INTO t VALUES (3, 'c', NULL)")
    wait_caught_up(postgres, config["slot.name"])
    rows = Replay(read_topic(tailrace.bootstrap, f"{database}.public.t")).rows
    assert set(rows[2]) == {"id", "v", "more"} and rows[2]["more"] == 8
    assert len(read_topic(tailrace.bootstrap, f"{database}.public.made")) == 1
    assert read_topic(tailrace.bootstrap, f"{database}.public.nokey")[0][1] is None
    tailrace.wait_connector("c")


def test_stopping_takes_less_than_five_seconds(postgres, database, tailrace):
    postgres.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)",
                     "INSERT INTO t(v) SELECT repeat('x', 200) FROM generate_series(1, 400000)")
    tailrace.create_connector("c", harness.connector_config(postgres, database), wait=False)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") > 0, 60, "the first rows")
    assert tailrace.stop(timeout=5) == 0


def test_a_topic_deleted_under_the_connector_is_made_again(postgres, database, tailrace):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    config = harness.connector_config(postgres, database)
    topic = f"{database}.public.t"
    tailrace.create_connector("c", config)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, topic) == 1, 30, "the row of the snapshot")
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--delete", "--topic", topic, check=True)
    postgres.execute(database, "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
    wait_caught_up(postgres, config["slot.name"])
    replay = Replay(read_topic(tailrace.bootstrap, topic))
    assert replay.rows.keys() == {2, 3} and replay.doubles() == []


def test_a_full_disk_pauses_the_connector_until_space_returns(postgres, database, tailrace_factory, tmp_path):
    """Needs the right to mount a small file system."""
    import subprocess
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("may not mount")
    try:
        program = tailrace_factory(start=False)
        program.data = disk / "data"
        program.start()
        postgres.execute(database, "CREATE TABLE t (id bigserial PRIMARY KEY, v text)")
        config = harness.connector_config(postgres, database, producer__override__compression__type="none")
        program.create_connector("c", config)
        topic = f"{database}.public.t"
        postgres.execute(database, "INSERT INTO t(v) VALUES ('first')")
        harness.wait_until(lambda: topic_end(program.bootstrap, topic) == 1, 30, "the first row")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file:  # a buffer would be tried once more on closing
            try:
                while file.write(b"x" * 65536) > 0:
                    pass
            except OSError:
                pass
        for _ in range(20):
            postgres.execute(database, "INSERT INTO t(v) SELECT 'row ' || i FROM generate_series(1, 100) i")
        harness.wait_until(lambda: "disk is full" in program.log.lower() or "no space left" in program.log.lower(), 30, "the log naming the full disk")
        assert len(read_topic(program.bootstrap, topic)) >= 1
        filler.unlink()
        harness.wait_until(lambda: topic_end(program.bootstrap, topic) == 2001, 60, "the rows after there is space again")
        replay = Replay(read_topic(program.bootstrap, topic))
        assert len(replay.rows) == 2001 and replay.doubles() == []
        program.stop()
    finally:
        subprocess.run(["umount", "-l", disk])


def test_publication_names_are_folded_as_postgres_does(postgres, database, tailrace):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)")
    for number, name in enumerate(["MyPub", '"MyPub"']):
        config = harness.connector_config(postgres, database, prefix=f"{database}{number}", publication__name=name, publication__autocreate__mode="filtered")
        tailrace.create_connector(f"c{number}", config)
        harness.wait_until(lambda: postgres.execute("postgres", f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
        tailrace.rest("POST", f"/connectors/c{number}/restart?includeTasks=true")
    postgres.execute(database, "INSERT INTO t VALUES (1)")
    for number in range(2):
        harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}{number}.public.t") == 1, 30, "the row")
    assert sorted(postgres.execute(database, "SELECT pubname FROM pg_publication")) == [("MyPub",), ("mypub",)]
