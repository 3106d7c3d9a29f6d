"""tailrace doctor: what it finds on a machine, in a PostgreSQL and in a configuration, and what --fix mends."""
import json
import os
import pty
import select
import socket
import subprocess
import threading

import pytest

import harness
from capture_help import topic_end, wait_caught_up
from console_help import Console


@pytest.fixture(scope="module")
def wrong_postgres():
    """A server that nothing can be captured from: no logical WAL, one slot, a role without rights."""
    server = harness.Postgres(("wal_level=replica", "max_replication_slots=1"))
    server.execute("postgres", "CREATE ROLE reader LOGIN PASSWORD 'secretword'")
    yield server
    server.destroy()


@pytest.fixture
def wrong_database(wrong_postgres, request):
    name = "d" + str(abs(hash(request.node.name)) % 10**8)
    wrong_postgres.create_database(name)
    yield name
    wrong_postgres.drop_database(name)


class Doctor:
    def __init__(self, directory):
        self.directory = directory
        self.data = directory / "data"
        self.ports = [harness.free_port() for _ in range(3)]

    def command(self, *arguments):
        return [str(harness.build_directory() / "tailrace"), "doctor", "--data-dir", str(self.data), "--set", f"listeners=127.0.0.1:{self.ports[0]}", "--set", f"rest.port={self.ports[1]}",
                "--set", f"console.port={self.ports[2]}", *arguments]

    def run(self, *arguments, input=None, env=None):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        done = subprocess.run(self.command(*arguments), input=input, capture_output=True, text=True, timeout=60, stdin=None if input is not None else subprocess.DEVNULL,
                              env={**clean, **(env or {})})
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done

    def find(self, *arguments, code=None, **more):
        """All findings, as {code: [finding, …]}."""
        done = self.run("--json", *arguments, **more)
        answer = json.loads(done.stdout)
        assert done.returncode == (1 if answer["errors"] else 0)
        assert (answer["verdict"] == "error") == (answer["errors"] > 0)
        found = {}
        for group in answer["groups"]:
            for finding in group["findings"]:
                found.setdefault(finding["code"], []).append({**finding, "subject": group["subject"]})
        return found


@pytest.fixture
def doctor(tmp_path):
    return Doctor(tmp_path)


def uri(server, database, user=harness.USER, password=harness.PASSWORD):
    return f"postgresql://{user}:{password}@127.0.0.1:{server.port}/{database}"


def states(found, code):
    return [finding["state"] for finding in found.get(code, [])]


def reader_config(server, database, **extra):
    return {"name": "shop", "config": harness.connector_config(server, database, database__user="reader", database__password="secretword", **extra)}


ALL = ("connect login replication_role wal_level slots_free senders_free slot_name slot_exists publication tables_match primary_key replica_identity types topics prefix_in_use converters "
       "transforms unknown_property wal_limit headroom snapshot_size disk_here server_version standby clock").split()


# ---- The machine ----

def test_before_the_first_start_nothing_is_made_and_the_next_step_is_named(doctor):
    found = doctor.find()
    assert not doctor.data.exists()
    assert "will be made" in found["data_dir"][0]["found"] and states(found, "port") == ["ok"] * 3
    assert "--postgres" in found["database"][0]["found"]
    text = doctor.run().stdout
    assert "\033" not in text and "This machine" in text


def test_a_port_that_somebody_else_has_is_named_with_its_owner(doctor):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", doctor.ports[1]))
        taken.listen()
        found = doctor.find()
    wrong = [finding for finding in found["port"] if finding["state"] == "error"]
    assert len(wrong) == 1 and f"127.0.0.1:{doctor.ports[1]} is taken by process {os.getpid()}" in wrong[0]["found"]
    assert wrong[0]["command"].startswith(f"tailrace up --data-dir {doctor.data} --set rest.port=")
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(wrong[0]["command"].rpartition("=")[2])))


def test_a_data_directory_that_cannot_be_used_is_an_error(doctor, tmp_path):
    doctor.data = tmp_path / "file"
    doctor.data.write_text("")
    assert states(doctor.find(), "data_dir") == ["error"]
    doctor.data = tmp_path / "open"
    doctor.data.mkdir(mode=0o755)
    found = doctor.find()
    assert states(found, "data_dir") == ["warn"] and found["data_dir"][0]["command"] == f"chmod 700 {doctor.data}"


def test_settings_that_are_refused_are_an_error(doctor):
    found = doctor.find("--set", "num.partitions=0")
    assert states(found, "settings") == ["error"] and "num.partitions" in found["settings"][0]["found"]


# ---- A PostgreSQL ----

def test_a_server_that_does_not_fit_is_said_with_statements_that_mend_it(doctor, wrong_postgres, wrong_database):
    wrong_postgres.execute(wrong_database, "CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(x text)", "CREATE UNLOGGED TABLE c(id int PRIMARY KEY)")
    wrong_postgres.execute(wrong_database, "SELECT pg_create_physical_replication_slot('only')")
    try:
        found = doctor.find("--postgres", uri(wrong_postgres, wrong_database))
    finally:
        wrong_postgres.execute(wrong_database, "SELECT pg_drop_replication_slot('only')")
    assert states(found, "wal_level") == ["error"] and found["wal_level"][0]["sql"].startswith("ALTER SYSTEM SET wal_level = logical;\n-- then restart")
    assert states(found, "slots_free") == ["error"] and "pg_drop_replication_slot('only')" in found["slots_free"][0]["todo"]
    assert "public.b" in found["primary_key"][0]["found"] and found["replica_identity"][0]["sql"] == "ALTER TABLE public.b REPLICA IDENTITY FULL;"
    assert any("public.c" in finding["found"] and not finding["safe"] for finding in found["tables_match"])
    assert states(found, "clock") == ["ok"]
    assert {"slot_exists", "publication"}.isdisjoint(found)


def test_the_environment_names_a_database_and_no_password_is_shown(doctor, wrong_postgres):
    env = {"PGHOST": "127.0.0.1", "PGPORT": str(wrong_postgres.port), "PGUSER": "reader", "PGPASSWORD": "secretword", "PGDATABASE": "postgres"}
    done = doctor.run(env=env)
    assert "as reader in database postgres" in done.stdout and "The role may not replicate" in done.stdout
    done = doctor.run("--postgres", uri(wrong_postgres, "postgres", "reader", "wrongsecret"))
    assert "PostgreSQL does not let us in" in done.stdout and "wrongsecret" not in done.stdout + done.stderr
    done = doctor.run("--postgres", "postgresql://u:wrongsecret@[")
    assert done.returncode == 1 and "is no URI" in done.stdout and "wrongsecret" not in done.stdout + done.stderr
    done = doctor.run("--postgres", f"postgresql://127.0.0.1:{doctor.ports[0]}/x")
    assert done.returncode == 1 and "cannot be reached" in done.stdout and "start PostgreSQL" in done.stdout


def test_a_server_that_never_answers_is_given_up(doctor):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        found = doctor.find("--postgres", f"postgresql://127.0.0.1:{silent.getsockname()[1]}/x")
    assert states(found, "connect") == ["error"] and "no answer from PostgreSQL within" in found["connect"][0]["found"]
    assert found["connect"][0]["todo"] == "correct its host and port, or let the firewalls between here and there pass the connection"


def test_a_port_of_something_else_is_said(doctor):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        threading.Thread(target=lambda: other.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True).start()
        found = doctor.find("--postgres", f"postgresql://127.0.0.1:{port}/x?sslmode=prefer")
    assert states(found, "connect") == ["error"] and found["connect"][0]["todo"] == "what answers there is not PostgreSQL: correct its host and port"


# ---- A configuration ----

def test_every_check_is_made_of_a_connector_that_will_work(doctor, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY)", "ANALYZE")
    config = {"name": "good", "config": harness.connector_config(postgres, database)}
    found = doctor.find("--config", "-", input=json.dumps(config))
    assert set(ALL) <= set(found), set(ALL) - set(found)
    assert not [finding for group in found.values() for finding in group if finding["state"] == "error"]
    (doctor.directory / "c.properties").write_text("name=good\n" + "".join(f"{key}={value}\n" for key, value in config["config"].items()))
    assert set(doctor.find("--config", str(doctor.directory / "c.properties"))) == set(found)
    assert postgres.execute(database, "SELECT count(*) FROM pg_publication", f"SELECT count(*) FROM pg_replication_slots WHERE database = '{database}'") == [(0,)]


def test_a_connector_that_will_not_work_is_told_everything_at_once(doctor, wrong_postgres, wrong_database):
    wrong_postgres.execute(wrong_database, "CREATE TABLE orders(id int PRIMARY KEY, p path)", "CREATE TABLE log(line text)")
    config = reader_config(wrong_postgres, wrong_database, table__include__list="public.order,public.log,public.orders")
    config["config"]["database.replication.slot.name"] = "x"
    config["config"]["value.converter"] = "no.such.Converter"
    done = doctor.run("--config", "-", input=json.dumps(config))
    found = doctor.find("--config", "-", input=json.dumps(config))
    assert "secretword" not in done.stdout + done.stderr
    for code, state in (("unknown_property", "warn"), ("converters", "error"), ("wal_level", "error"), ("replication_role", "error"), ("publication", "error"), ("table_rights", "error"),
                        ("primary_key", "warn"), ("replica_identity", "warn")):
        assert state in states(found, code), (code, found.get(code))
    assert any("is public.orders meant?" in finding["found"] for finding in found["tables_match"])
    assert found["unknown_property"][0]["set"] == {"database.replication.slot.name": None}
    assert "p (path)" in found["types"][0]["found"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": 1, "a": {}}'])
def test_what_is_no_configuration_is_refused_in_one_line(doctor, text):
    done = doctor.run("--config", "-", input=text)
    assert done.returncode != 0 and done.stdout == "" and done.stderr.count("\n") == 1 and "standard input" in done.stderr


# ---- Remedies that are pasted ----

@pytest.fixture
def plain_postgres(tmp_path):
    """A server as initdb leaves it, whose settings stand in its file: what ALTER SYSTEM and a restart change."""
    server = harness.Postgres()
    server.stop()
    with open(server.data / "postgresql.conf", "a") as conf:
        conf.write(f"port={server.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{server.directory}'\nfsync=off\nmax_replication_slots=1\n"
                   "wal_level=replica\n")
    pg_ctl = [server.bin / "pg_ctl", "-w", "-D", server.data, "-l", server.directory / "log-of-it"]
    server._run([*pg_ctl, "start"])
    yield server
    server._run([*pg_ctl, "-m", "immediate", "stop"])
    server.destroy()


def test_every_remedy_works_when_it_is_pasted(doctor, plain_postgres):
    """From a server that nothing can be captured from to a connector without an error, by what the doctor says and nothing else."""
    server = plain_postgres
    server.create_database("my-shop")
    server.execute("postgres", "CREATE ROLE \"the reader\" LOGIN PASSWORD 'secretword'", "SELECT pg_create_physical_replication_slot('only')")
    server.execute("my-shop", "CREATE SCHEMA \"Out\"", "CREATE TABLE \"Out\".\"It's\"(id int PRIMARY KEY)", "CREATE TABLE log(line text)")
    config = {"name": "shop", "config": {**harness.connector_config(server, "my-shop"), "database.user": "the reader", "database.password": "secretword", "publication.autocreate.mode": "disabled"}}
    path = doctor.directory / "c.json"
    path.write_text(json.dumps(config))
    pasted, environment = [], {**os.environ, "PGPASSWORD": harness.PASSWORD, "PATH": f"{server.bin}:{harness.build_directory()}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"}
    for _ in range(6):
        found = doctor.find("--config", str(path))
        wrong = [finding for group in found.values() for finding in group if finding["state"] in ("warn", "error") and finding["sql"] or finding["state"] == "error"]
        assert harness.PASSWORD not in json.dumps(found) and "secretword" not in json.dumps(found)
        if not wrong:
            break
        for finding in wrong:
            if finding["command"] in pasted and "restart" not in finding["command"]:
                continue
            pasted.append(finding["command"])
            done = subprocess.run(["bash", "-c", finding["command"]], capture_output=True, text=True, timeout=90, env=environment, cwd="/")
            assert done.returncode == 0 and "ERROR" not in done.stderr, (finding, done.stdout, done.stderr)
            if "restart" in finding["command"]:
                break  # what is asked of the server now is another question
    assert not wrong, wrong
    assert server.execute("postgres", "SHOW wal_level") == [("logical",)] and server.execute("my-shop", "SELECT count(*) FROM pg_publication") == [(1,)]
    assert server.execute("my-shop", "SELECT relreplident FROM pg_class WHERE relname = 'log'") == [("f",)]
    assert len(pasted) >= 5, pasted


# ---- Mending ----

def test_what_is_safe_is_mended_and_looked_at_again(doctor, wrong_postgres, wrong_database):
    wrong_postgres.execute(wrong_database, "CREATE TABLE orders(id int PRIMARY KEY)", "CREATE TABLE log(line text)", "ALTER ROLE reader NOREPLICATION")
    config = json.dumps(reader_config(wrong_postgres, wrong_database, publication__autocreate__mode="disabled"))
    path = doctor.directory / "c.json"
    path.write_text(config)
    admin = uri(wrong_postgres, wrong_database)
    done = doctor.run("--config", str(path), "--fix", "--postgres", admin)
    assert "nobody can answer here" in done.stderr and "Looked at again" not in done.stdout
    assert wrong_postgres.execute(wrong_database, "SELECT rolreplication FROM pg_roles WHERE rolname = 'reader'") == [(False,)]
    done = doctor.run("--config", str(path), "--fix", "--yes")
    assert "not mended" in done.stderr and "permission denied" in done.stderr
    found = doctor.find("--config", str(path), "--fix", "--yes", "--postgres", admin)
    for code in ("replication_role", "publication", "table_rights"):
        assert set(states(found, code)) == {"ok"}, (code, found[code])
    assert "warn" not in states(found, "replica_identity") and states(found, "wal_limit") == ["ok"]
    assert wrong_postgres.execute(wrong_database, "SELECT setting FROM pg_file_settings WHERE name = 'wal_level' ORDER BY seqno DESC LIMIT 1") == [("logical",)]
    assert states(found, "wal_level") == ["error"]
    wrong_postgres.execute(wrong_database, "ALTER SYSTEM RESET wal_level", "ALTER SYSTEM RESET max_slot_wal_keep_size", "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader",
                           "REVOKE USAGE ON SCHEMA public FROM reader", "SELECT pg_reload_conf()")


def on_a_terminal(command, answers, env):
    """Runs it on a terminal of its own and answers its questions in turn; gives all that it printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, env)
    text, given = b"", 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, text
        try:
            got = os.read(terminal, 65536)
        except OSError:
            got = b""
        if not got:
            break
        text += got
        while given < min(len(answers), text.count(b"[y/N]")):
            os.write(terminal, answers[given])
            given += 1
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return text.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def test_each_is_asked_for_and_no_is_no(doctor, postgres, database):
    postgres.execute(database, "CREATE TABLE a(x int)", "CREATE PUBLICATION p FOR ALL TABLES")
    env = {key: value for key, value in os.environ.items() if not key.startswith("PG") and key not in ("NO_COLOR", "TERM")}
    env["TERM"] = "xterm"
    command = doctor.command("--fix", "--postgres", uri(postgres, database))
    text, _ = on_a_terminal(command, [b"y\n", b"n\n"], env)
    assert text.count("[y/N]") == 2 and "\033[" in text and "Looked at again" in text
    assert postgres.execute(database, "SELECT relreplident FROM pg_class WHERE relname = 'a'") == [("f",)]
    assert postgres.execute(database, "SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size'") == [("-1",)]
    text, _ = on_a_terminal(command, [b"\n"], {**env, "NO_COLOR": "1"})
    assert "\033[" not in text and "Looked at again" not in text


# ---- Beside a running program ----

def test_the_connectors_of_a_running_program_are_looked_at(doctor, tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a')")
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("one", config)
    harness.wait_until(lambda: postgres.execute(database, f"SELECT active FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'") == [(True,)])
    doctor.data = tailrace.data
    found = doctor.find()
    assert states(found, "running") == ["ok"] and set(states(found, "port")) == {"ok"} and states(found, "partition") == ["ok"]
    assert found["slot_exists"][0]["subject"] == "Connector one" and "read by this connector" in found["slot_exists"][0]["found"]
    second = doctor.find("--config", "-", input=json.dumps({"name": "two", "config": config}))
    assert "Connector one" in second["slot_name"][0]["found"] and second["slot_name"][0]["set"] == {"slot.name": config["slot.name"] + "_2"}
    assert states(second, "prefix_in_use") == ["warn"]
    masked = doctor.find("--config", "-", input=json.dumps({"name": "one", "config": {**config, "database.password": "********"}}))
    assert states(masked, "login") == ["ok"]
    harness.wait_until(lambda: "1 batches" in doctor.find("--topic", f"{database}.public.t")["partition"][0]["found"])
    tailrace.kill9()
    found = doctor.find()
    assert states(found, "shutdown") == ["info"] and "not known" in found["partition"][0]["found"]
    tailrace.start()
    tailrace.stop()
    assert states(doctor.find(), "shutdown") == ["ok"]


def test_a_stored_position_that_the_slot_cannot_serve_is_found_before_the_start(doctor, tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    config = harness.connector_config(postgres, database)
    slot = config["slot.name"]
    tailrace.create_connector("again", config)
    harness.wait_until(lambda: topic_end(tailrace.bootstrap, f"{database}.public.t") == 1)
    wait_caught_up(postgres, slot)
    assert tailrace.rest("DELETE", "/connectors/again").status == 204
    harness.wait_until(lambda: postgres.execute(database, f"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'") == [(False,)])
    doctor.data = tailrace.data
    find = lambda name="again", **extra: doctor.find("--config", "-", input=json.dumps({"name": name, "config": {**config, **extra}}))["slot_exists"]  # noqa: E731
    assert [finding["state"] for finding in find()] == ["info"]
    postgres.execute(database, "SET synchronous_commit = on", "INSERT INTO t VALUES (2)", f"SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())")
    moved = postgres.execute(database, f"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{slot}'")[0][0]
    [wrong] = find()
    assert wrong["state"] == "error" and f"stands at {moved}, past it" in wrong["found"] and "another name" in wrong["todo"] and wrong["set"] == {"snapshot.mode": "when_needed"}
    [same] = [check for check in Console(tailrace).change("POST", "/preflight", {"name": "again", "config": config}, kind="Preflight")["checks"] if check["code"] == "slot_exists"]
    assert same["state"] == "crit" and same["found"] == wrong["found"]
    assert [finding["state"] for finding in find("fresh") + find(**{"snapshot.mode": "when_needed"})] == ["info", "info"]
    postgres.execute(database, f"SELECT pg_drop_replication_slot('{slot}')")
    [gone] = find()
    assert gone["state"] == "error" and "does not exist" in gone["found"]
    tailrace.create_connector("again", config, wait=False)
    tailrace.wait_connector("again", "RUNNING/FAILED")  # as it was said
    assert "does not exist" in tailrace.connector_state("again")[1]


def test_a_corrupt_batch_is_found_with_its_offset(doctor, tailrace):
    for line in range(3):
        tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", "words", input=f"word {line}\n", check=True)
    tailrace.stop()
    doctor.data = tailrace.data
    assert states(doctor.find("--topic", "words"), "partition") == ["ok"]
    log = tailrace.data / "log" / "words-0" / f"{0:020}.log"
    data = bytearray(log.read_bytes())
    second = 12 + int.from_bytes(data[8:12], "big")
    data[second + 70] ^= 0xFF
    log.write_bytes(data)
    wrong = doctor.find("--topic", "words")["partition"]
    assert [finding["state"] for finding in wrong] == ["error"] and f"at byte {second} of {log.name}, offset 1" in wrong[0]["found"]
    done = doctor.run("--topic", "word")
    assert done.returncode == 1 and "is words meant?" in done.stderr
