"""tailrace up --with-postgres, psql, generate: the private PostgreSQL."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import harness
from harness import wait_until


@pytest.fixture
def private(tailrace_factory):
    program = tailrace_factory({"postgres.port": harness.free_port()}, ["--with-postgres"], start=False)
    yield program.start(timeout=60)
    program.stop()
    program.run("tailrace", "down", "--data-dir", program.data)  # whatever a killed one left


def psql(program, database, sql):
    done = program.run("tailrace", "psql", "--data-dir", program.data, database, "-Atc", sql)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def postgres_status(program):
    import json
    return json.loads(program.run("tailrace", "status", "--json", "--data-dir", program.data).stdout)["postgres"]


def config(program, hostname="postgres", port="5432", **extra):
    return {"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": hostname, "database.port": port,
            "database.user": "postgres", "database.password": "postgrespw", "database.dbname": "mydb", "topic.prefix": "shop",
            "slot.name": "shop", "plugin.name": "pgoutput", **extra}


def test_it_is_made_with_logical_wal_and_reached_by_tcp_and_psql(private):
    import psycopg2
    assert psql(private, "postgres", "SHOW wal_level") == "logical"
    assert psql(private, "postgres", "SHOW fsync") == psql(private, "postgres", "SHOW synchronous_commit") == "on"
    dsn = f"host=127.0.0.1 port={private.settings['postgres.port']} user=postgres dbname=postgres"
    connection = psycopg2.connect(dsn + " password=postgrespw")
    connection.close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(dsn + " password=wrong")
    if os.getuid() == 0:
        assert os.stat(private.data / "postgres").st_uid != 0


def test_rows_reach_the_topic_under_the_usual_container_name_and_its_own_address(private):
    done = private.run("tailrace", "generate", "transactions", "--port", private.settings["postgres.port"], "--count", "2500", "--seed", "1", check=True)
    assert done.stdout.splitlines()[:3] == ["Created database mydb", "Inserted 1000 transactions...", "Inserted 1000 transactions..."]
    assert psql(private, "mydb", "SELECT count(*) FROM transactions") == "2500"
    private.create_connector("by-name", config(private))
    private.create_connector("by-address", config(private, "localhost", str(private.settings["postgres.port"]), **{"topic.prefix": "other", "slot.name": "other"}))
    for prefix in ("shop", "other"):
        done = private.run("kafka-console-consumer", "--bootstrap-server", private.bootstrap, "--topic", f"{prefix}.public.transactions",
                           "--from-beginning", "--max-messages", "2500", "--timeout-ms", "30000")
        assert len(done.stdout.splitlines()) == 2500
    # Both went over its socket: nobody is connected to its TCP port.
    assert psql(private, "postgres", "SELECT count(*) FROM pg_stat_replication WHERE client_addr IS NULL") == "2"


def test_another_server_on_this_machine_is_still_another_one(private, postgres):
    postgres.create_database("mydb")
    try:
        postgres.execute("mydb", "CREATE TABLE there (id int PRIMARY KEY)", "INSERT INTO there VALUES (42)")
        private.create_connector("elsewhere", config(private, "127.0.0.1", str(postgres.port)))
        done = private.run("kafka-console-consumer", "--bootstrap-server", private.bootstrap, "--topic", "shop.public.there", "--from-beginning",
                           "--max-messages", "1", "--timeout-ms", "20000")
        assert '"id":42' in done.stdout
        private.delete_connector("elsewhere")
        wait_until(lambda: private.rest("GET", "/connectors").json() == [], 10, "the connector being gone")
    finally:
        postgres.drop_database("mydb")


def test_it_is_started_again_when_it_dies(private):
    before = postgres_status(private)
    os.kill(before["pid"], signal.SIGKILL)

    def back():
        now = postgres_status(private)
        return now["running"] and now["pid"] != before["pid"] and psql(private, "postgres", "SELECT 1") == "1"

    wait_until(back, 30, "PostgreSQL being started again")
    wait_until(lambda: harness.http("GET", private.console_url + "/healthz").status == 200, what="health seeing it")


def test_it_stops_with_the_program_and_keeps_its_rows(private):
    psql(private, "postgres", "CREATE TABLE kept AS SELECT 7 AS number")
    pid = postgres_status(private)["pid"]
    started = time.monotonic()
    assert private.stop() == 0
    assert time.monotonic() - started < 5
    assert not harness.is_alive(pid)
    private.start()
    assert psql(private, "postgres", "SELECT number FROM kept") == "7"


def test_what_a_killed_program_left_running_is_taken_over_or_stopped(private):
    pid = postgres_status(private)["pid"]
    private.kill9()
    assert harness.is_alive(pid)
    private.start()
    assert postgres_status(private)["pid"] == pid
    assert psql(private, "postgres", "SELECT 1") == "1"
    private.kill9()
    done = private.run("tailrace", "down", "--data-dir", private.data)
    assert (done.returncode, done.stdout) == (0, "stopped the PostgreSQL that a killed tailrace had left running\n")
    assert not harness.is_alive(pid)


def test_a_taken_port_is_named_and_nothing_is_left(tailrace_factory, postgres):
    program = tailrace_factory({"postgres.port": postgres.port}, ["--with-postgres"], start=False)
    done = subprocess.run(program.command(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert f"setting postgres.port: listen on 127.0.0.1:{postgres.port}: Address already in use" in done.stderr
    assert not program.data.exists()


def test_it_runs_below_directories_that_its_user_cannot_enter_and_under_long_paths(tailrace_factory):
    outside = tempfile.mkdtemp(prefix="tailrace-closed-")  # mode 0700
    try:
        program = tailrace_factory({"postgres.port": harness.free_port()}, ["--with-postgres"], start=False)
        program.data = program.directory.__class__(outside) / ("long" * 30) / "data"
        program.start(timeout=60)
        assert psql(program, "postgres", "SELECT 1") == "1"
        socket_directory = postgres_status(program)["socket"]
        assert len(socket_directory) < 90
        assert program.stop() == 0
        assert not os.path.exists(socket_directory) or socket_directory.startswith(outside)
    finally:
        shutil.rmtree(outside, ignore_errors=True)


def test_without_one_psql_says_so(tailrace):
    done = tailrace.run("tailrace", "psql", "--data-dir", tailrace.data)
    assert done.returncode == 1 and "without a private PostgreSQL" in done.stderr


def test_a_server_that_hangs_delays_stopping_by_less_than_five_seconds(private):
    pid = postgres_status(private)["pid"]
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    assert private.stop() == 0
    assert time.monotonic() - started < 5
    assert not harness.is_alive(pid)


def test_a_second_signal_ends_everything_at_once(private):
    pid = postgres_status(private)["pid"]
    os.kill(pid, signal.SIGSTOP)
    private.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping on signal 15" in private.log, 10, "the first signal being seen")
    started = time.monotonic()
    wait_until(lambda: private.process.send_signal(signal.SIGTERM) or private.process.poll() is not None, 3, "the program having ended")
    assert time.monotonic() - started < 2
    assert private.process.poll() == 1
    assert "ended at once. Nothing that was acknowledged is lost" in private.log
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not harness.is_alive(pid), 10, "PostgreSQL having ended too")
    private.start()


def test_its_slots_room_is_the_free_space_of_its_disk(private):
    private.run("tailrace", "generate", "transactions", "--port", private.settings["postgres.port"], "--count", "10", check=True)
    private.create_connector("roomy", config(private))

    def slots():
        return harness.http("GET", private.console_url + "/api/v1/overview").json()["slots"]

    wait_until(slots, 20, "the slot being looked at")
    slot, disk = slots()[0], os.statvfs(private.data)
    free = disk.f_bavail * disk.f_frsize
    assert slot["room_from"] == "local_disk" and free / 2 < slot["room_bytes"] < free * 2
