"""The command line against a real program with its private PostgreSQL: status, connectors, topics, groups, completion, manual."""
import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading

import pytest

import harness
from harness import wait_until

CLASS = "io.debezium.connector.postgresql.PostgresConnector"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    made = harness.Tailrace(tmp_path_factory.mktemp("command-line"), {"postgres.port": harness.free_port()}, ["--with-postgres"])
    made.start(timeout=60)
    made.run("tailrace", "psql", "--data-dir", made.data, "postgres", "-qc", "CREATE DATABASE shop", check=True)
    made.run("tailrace", "psql", "--data-dir", made.data, "shop", "-qc",
             "CREATE TABLE orders (id serial PRIMARY KEY, name text); INSERT INTO orders (name) SELECT 'n' || i FROM generate_series(1, 100) i", check=True)
    yield made
    made.stop()
    made.run("tailrace", "down", "--data-dir", made.data)


def config(program, slot, **extra):
    return {"connector.class": CLASS, "tasks.max": "1", "database.hostname": "postgres", "database.port": str(program.settings["postgres.port"]),
            "database.user": "postgres", "database.password": "postgrespw", "database.dbname": "shop", "topic.prefix": slot, "slot.name": slot,
            "plugin.name": "pgoutput", **extra}


def call(program, command, *words, code=0, **options):
    done = program.run("tailrace", command, *words, "--data-dir", program.data, **options)
    assert done.returncode == code, f"{command} {words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def slots(program):
    done = program.run("tailrace", "psql", "--data-dir", program.data, "postgres", "-Atc", "SELECT slot_name FROM pg_replication_slots", check=True)
    return set(done.stdout.split())


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, program, *arguments, environment=None):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(program.program, [str(word) for word in (program.program, *arguments)], {**os.environ, "TERM": "xterm", **(environment or {})})

    def read_until(self, pattern, timeout=30):
        def found():
            while select.select([self.fd], [], [], 0)[0]:
                try:
                    piece = os.read(self.fd, 65536)
                except OSError:
                    break
                if not piece:
                    break
                self.text += piece.decode(errors="replace")
            return re.search(pattern, self.text)

        return wait_until(found, timeout, f"{pattern!r} on the terminal, after {self.text[-2000:]!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def code(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# ---- Status ----

def test_status_shows_every_part_and_says_what_is_wrong(program, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(config(program, "seen")))
    call(program, "connectors", "create", tmp_path / "c.json", "seen")
    wait_until(lambda: " seen.public.orders " in " " + call(program, "status").stdout.replace("\n", " "), what="the topic being shown")
    program.run("kafka-console-consumer", "--bootstrap-server", program.bootstrap, "--topic", "seen.public.orders", "--group", "readers", "--from-beginning",
                "--max-messages", "40", check=True)

    def shown():
        text = call(program, "status").stdout
        return text if re.search(r"^readers .* (Empty|Nobody reads) ", text, re.M) and re.search(r"^seen +seen +read ", text, re.M) else None

    text = wait_until(shown, what="group and slot being shown")
    assert "Everything runs." in text and "\033" not in text
    assert re.search(r"^seen +RUNNING +streaming +100 ", text, re.M)
    for heading in ("service ", "connector ", "slot ", "topic ", "group "):
        assert re.search(f"^{heading}", text, re.M), heading
    described = json.loads(call(program, "status", "--json").stdout)
    assert described["healthy"] is True and [p for p in described["problems"] if p["severity"] != "info"] == []
    group = next(group for group in described["groups"] if group["group"] == "readers")
    assert group["waiting"] is not None and group["lag_ms"] is not None
    assert next(slot for slot in described["slots"] if slot["slot"] == "seen")["wal_bytes"] >= 0
    assert "postgrespw" not in json.dumps(described)


def test_a_problem_is_the_same_everywhere_with_cause_and_remedy(program, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(config(program, "broken")))
    call(program, "connectors", "create", tmp_path / "c.json", "broken")
    call(program, "connectors", "stop", "broken")
    program.run("tailrace", "psql", "--data-dir", program.data, "postgres", "-qc", "SELECT pg_drop_replication_slot('broken')", check=True)
    program.run("tailrace", "psql", "--data-dir", program.data, "shop", "-qc", "INSERT INTO orders (name) VALUES ('nobody saw it')", check=True)
    assert "FAILED" in call(program, "connectors", "resume", "broken", code=1).stdout

    def trouble():
        done = program.run("tailrace", "status", "--data-dir", program.data)
        return done if done.returncode == 1 else None

    try:
        done = wait_until(trouble, 40, "the problem being seen")
        assert re.search(r"^PROBLEM  .*broken.*\n   why:  .+\n(?:  .+\n)*?  lost:  .+\n(?:  .+\n)*?    do:  .+", done.stdout, re.M)
        problem = json.loads(program.run("tailrace", "status", "--data-dir", program.data, "--json").stdout)["problems"][0]
        page = harness.http("GET", program.console_url + "/status.json").json()["problems"][0]
        console = harness.http("GET", program.console_url + "/api/v1/problems").json()["items"][0]
        assert problem["id"] == page["id"] == console["id"]
        assert problem["what"] == console["title"] and problem["do"] == console["todo"] and problem["severity"] == "crit"
    finally:
        call(program, "connectors", "delete", "broken")
    wait_until(lambda: program.run("tailrace", "status", "--data-dir", program.data).returncode == 0, 60, "the problem being over")


def test_status_says_that_nothing_runs(program, tmp_path):
    done = program.run("tailrace", "status", "--data-dir", tmp_path)
    assert done.returncode == 3 and done.stdout == "" and "does not run on data directory" in done.stderr and "tailrace up" in done.stderr
    done = program.run("tailrace", "status", "--data-dir", tmp_path, "--json")
    assert done.returncode == 3 and json.loads(done.stdout)["running"] is False


def test_watch_prints_blocks_into_a_pipe_and_ends_cleanly(program):
    watch = subprocess.Popen([program.program, "status", "--data-dir", str(program.data), "--watch", "--every", "1", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        looks = [json.loads(watch.stdout.readline()) for _ in range(2)]
        assert all(look["pid"] == program.process.pid for look in looks)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == 0
    finally:
        watch.kill()
        watch.wait()


def test_watch_draws_over_itself_on_a_terminal_and_gives_it_back(program):
    terminal = Terminal(program, "status", "--data-dir", program.data, "--watch", "--every", "1")
    terminal.read_until(r"(?s)\033\[2J.*\033\[H.*tailrace.*\033\[J.*\033\[H.*\033\[J")
    assert "\033[32m" in terminal.text  # colours
    terminal.type("\x03")
    terminal.read_until(r"\033\[\?25h")
    assert terminal.code() == 0


def test_no_color_is_respected(program):
    terminal = Terminal(program, "topics", "--data-dir", program.data, "list", "--internal", environment={"NO_COLOR": "1"})
    assert terminal.code() == 0
    terminal.read_until("connect-configs")
    assert "\033" not in terminal.text
    terminal = Terminal(program, "topics", "--data-dir", program.data, "list", "--internal")
    assert terminal.code() == 0
    terminal.read_until("connect-configs")
    assert "\033[2mtopic\033[0m" in terminal.text


def test_a_narrow_page_is_filled_and_not_run_over(program):
    call(program, "topics", "create", "size-" + "x" * 80)
    wait_until(lambda: "size-" in call(program, "status").stdout, what="the topic being seen")
    for columns in (60, 100):
        for command in (["status"], ["topics"], ["doctor"], ["groups"], ["connectors"], ["topics", "list", "--internal"]):
            shown = program.run("tailrace", *command, "--data-dir", program.data, env={"COLUMNS": str(columns)}).stdout
            wide = [line for line in shown.splitlines() if len(line) > columns and not re.match(r" {9,}(SQL|run|   ) +\S|data in |.*(: |  )/\S+$", line)]
            assert shown and not wide, (command, wide)
    assert "x" * 50 in call(program, "topics").stdout  # whole lines for programs
    call(program, "topics", "delete", "size-" + "x" * 80, "--yes")


# ---- Connectors ----

def test_a_connector_from_its_creation_to_its_end(program, tmp_path):
    whole, alone, lines = tmp_path / "whole.json", tmp_path / "alone.json", tmp_path / "lines.properties"
    whole.write_text(json.dumps({"name": "one", "config": config(program, "one")}))
    alone.write_text(json.dumps(config(program, "two")))
    lines.write_text("name=three\n" + "".join(f"{key}={value}\n" for key, value in config(program, "three").items()))
    assert "RUNNING" in call(program, "connectors", "create", whole).stdout
    assert "names no connector" in call(program, "connectors", "create", alone, code=2).stderr
    call(program, "connectors", "create", "-", "two", input=alone.read_text())
    call(program, "connectors", "create", lines)
    listed = call(program, "connectors").stdout
    for name in ("one", "two", "three"):
        assert re.search(rf"^{name} +RUNNING +1 of 1 +source +PostgresConnector", listed, re.M)
    assert set(json.loads(call(program, "connectors", "list", "--json").stdout)) >= {"one", "two", "three"}
    again = call(program, "connectors", "create", whole, code=1).stderr
    assert "already exists" in again and "tailrace connectors config one" in again

    assert "PAUSED" in call(program, "connectors", "pause", "one").stdout
    assert program.connector_state("one")[0] == "PAUSED/PAUSED"
    assert "resume" in call(program, "connectors", "restart", "one", code=1).stderr
    assert "RUNNING" in call(program, "connectors", "resume", "one").stdout
    assert json.loads(call(program, "connectors", "restart", "one", "--json").stdout)["connector"]["state"] == "RUNNING"

    shown = call(program, "connectors", "config", "one").stdout
    assert "database.password=********" in shown and "slot.name=one" in shown
    assert "postgrespw" not in shown + call(program, "connectors", "list", "--json").stdout + call(program, "connectors", "config", "one", "--json").stdout
    call(program, "connectors", "config", "one", "--set", "poll.interval.ms=200")
    assert program.rest("GET", "/connectors/one/config").json()["poll.interval.ms"] == "200"
    call(program, "connectors", "config", "one", "--unset", "poll.interval.ms")
    assert "poll.interval.ms" not in program.rest("GET", "/connectors/one/config").json()

    assert '"lsn"' in wait_until(lambda: (text := call(program, "connectors", "offsets", "one").stdout) and "lsn" in text and text)
    refused = call(program, "connectors", "offsets", "one", "reset", "--yes", code=1).stderr
    assert "tailrace connectors stop one" in refused
    call(program, "connectors", "stop", "one")
    saved = call(program, "connectors", "offsets", "one", "--json").stdout
    assert "nothing was changed" in call(program, "connectors", "offsets", "one", "reset", code=2).stderr
    call(program, "connectors", "offsets", "one", "reset", "--yes")
    assert "no offsets" in call(program, "connectors", "offsets", "one").stdout
    call(program, "connectors", "offsets", "one", "set", input=saved)
    assert json.loads(call(program, "connectors", "offsets", "one", "--json").stdout) == json.loads(saved)

    kept = call(program, "connectors", "delete", "two").stdout
    assert "1 topic" in kept and "pg_drop_replication_slot('two')" in kept and "two" in slots(program)
    call(program, "connectors", "delete", "three", "--drop-slot", code=2)
    assert "three" in slots(program)
    assert "Dropped: replication slot three" in call(program, "connectors", "delete", "three", "--drop-slot", "--yes").stdout
    assert "three" not in slots(program)
    call(program, "connectors", "delete", "one")
    assert call(program, "connectors", "status", "one", code=1).stderr == "tailrace: No status found for connector one\n"


def test_a_wrong_configuration_is_said_in_words(program, tmp_path):
    (tmp_path / "wrong.json").write_text(json.dumps(config(program, "wrong", **{"database.password": "not it"})))
    assert "password authentication failed" in call(program, "connectors", "create", tmp_path / "wrong.json", "wrong", code=1).stderr
    text = call(program, "connectors", "validate", "-", input=f"connector.class={CLASS}\nname=x\n", code=1).stdout
    assert re.search(r"^database.hostname .*required", text, re.M)
    (tmp_path / "good.json").write_text(json.dumps({"name": "good", "config": config(program, "good")}))
    assert "Nothing is wrong" in call(program, "connectors", "validate", tmp_path / "good.json").stdout
    assert "postgrespw" not in call(program, "connectors", "validate", tmp_path / "good.json", "--json").stdout
    (tmp_path / "broken.json").write_text('{"a": ')
    assert "line 1" in call(program, "connectors", "create", tmp_path / "broken.json", code=1).stderr
    assert CLASS in call(program, "connectors", "plugins").stdout


def test_it_speaks_to_any_kafka_connect(program):
    trace = "org.apache.kafka.connect.errors.ConnectException: outer\n\tat x\nCaused by: java.lang.RuntimeException: the disk is gone\n\tat y\n"

    class Apache(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"a/b": {"info": {"config": {"connector.class": "org.example.Sink", "connection.password": "geheim"}}, "status": {
                "name": "a/b", "connector": {"state": "RUNNING", "worker_id": "w:1"}, "type": "sink",
                "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w:1", "trace": trace}]}}}
            code = 200
            if self.path == "/connectors/a%2Fb/status":
                body = body["a/b"]["status"]
            elif self.path == "/connectors/a%2Fb/config":
                body = body["a/b"]["info"]["config"]
            elif not self.path.startswith("/connectors?"):
                code, body = 404, {"error_code": 404, "message": "Connector none not found"}
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Apache)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        listed = program.run("tailrace", "connectors", "--rest", url)
        assert listed.returncode == 1 and re.search(r"^a/b +RUNNING +0 of 1 +sink +Sink +the disk is gone$", listed.stdout, re.M)
        assert "geheim" not in program.run("tailrace", "connectors", "list", "--json", "--rest", url).stdout
        assert "the disk is gone" in program.run("tailrace", "connectors", "status", "a/b", "--rest", url + "/").stdout
        refused = program.run("tailrace", "connectors", "delete", "a/b", "--drop-slot", "--yes", "--rest", url)
        assert refused.returncode == 2 and "--console" in refused.stderr
        assert program.run("tailrace", "connectors", "config", "none", "--rest", url).stderr == "tailrace: Connector none not found\n"
    finally:
        server.shutdown()
    done = program.run("tailrace", "connectors", "--rest", f"http://127.0.0.1:{harness.free_port()}")
    assert done.returncode == 1 and "nothing answers at http://127.0.0.1" in done.stderr
    assert program.run("tailrace", "connectors", "--rest", "localhost:8083").returncode == 2


# ---- Topics and groups ----

def test_a_topic_from_its_creation_to_its_end(program):
    assert call(program, "topics", "create", "things", "--partitions", "2", "--set", "retention.ms=86400000").stdout == "Topic things is created, with 2 partitions.\n"
    event = next(event for event in harness.http("GET", program.console_url + "/api/v1/events?kind=change").json()["items"] if event["subject"] == "things")
    assert event["by"] == "command line"
    assert "already exists" in call(program, "topics", "create", "things", code=1).stderr
    call(program, "topics", "produce", "things", input="".join(f"record {i}\n" for i in range(50)))
    assert re.search(r"^things +plain +2 +50 ", call(program, "topics").stdout, re.M)
    assert "connect-configs" not in call(program, "topics").stdout and "connect-configs" in call(program, "topics", "list", "--internal").stdout
    described = call(program, "topics", "describe", "things").stdout
    assert re.search(r"^retention.ms +86400000 +topic", described, re.M) and "segment.bytes" not in described
    assert call(program, "topics", "config", "things", "--set", "retention.ms=1000000", "--unset", "max.message.bytes").stdout.startswith("retention.ms is 1000000 now")
    assert "Unknown topic config name" in call(program, "topics", "config", "things", "--set", "retention.m=1", code=1).stderr
    call(program, "topics", "grow", "things", "--partitions", "3")
    assert json.loads(call(program, "topics", "describe", "things", "--json").stdout)["topic"]["partitions"] == 3
    asked = call(program, "topics", "empty", "things", code=2)
    assert "50 messages are deleted." in asked.stderr and "nothing was changed" in asked.stderr
    call(program, "topics", "empty", "things", "--yes")
    assert re.search(r"^things +plain +3 +0 ", call(program, "topics").stdout, re.M)

    terminal = Terminal(program, "topics", "--data-dir", program.data, "delete", "things")
    terminal.read_until(r"Do it\? \[y/N\]")
    terminal.type("n\n")
    assert terminal.code() == 1
    terminal = Terminal(program, "topics", "--data-dir", program.data, "delete", "things")
    terminal.read_until(r"Do it\? \[y/N\]")
    terminal.type("y\n")
    terminal.read_until("Topic things is deleted.")
    assert terminal.code() == 0
    assert "does not exist" in call(program, "topics", "describe", "things", code=1).stderr


def test_a_group_is_moved_after_a_preview(program):
    call(program, "topics", "create", "read", "--partitions", "1")
    call(program, "topics", "produce", "read", input="".join(f"record {i}\n" for i in range(20)))
    program.run("kafka-console-consumer", "--bootstrap-server", program.bootstrap, "--topic", "read", "--group", "movers", "--from-beginning",
                "--max-messages", "20", check=True)
    assert re.search(r"^movers +Empty +0 +1 +0 +0 s", call(program, "groups").stdout, re.M)
    preview = call(program, "groups", "reset", "movers", "--to", "-5", "--dry-run").stdout
    assert re.search(r"^read +0 +20 +15 ", preview, re.M) and "5 messages are read again." in preview
    refused = call(program, "groups", "reset", "movers", "--to", "beginning", code=2)
    assert "20 messages are read again." in refused.stdout and "nothing was changed" in refused.stderr
    assert re.search(r"^read +0 +20 +20 +0 ", call(program, "groups", "describe", "movers").stdout, re.M)
    assert "Group movers is moved." in call(program, "groups", "reset", "movers", "--to", "beginning", "--yes").stdout
    described = call(program, "groups", "describe", "movers").stdout
    assert re.search(r"^read +0 +0 +20 +20 .* nobody reads", described, re.M) and "why:" in described and "do:" in described
    for place, offset in (("end", 20), ("7", 7), ("next", 8), ("+2", 10), ("1h", 0)):
        call(program, "groups", "reset", "movers", "--to", place, "--topic", "read", "--yes")
        assert json.loads(call(program, "groups", "describe", "movers", "--json").stdout)["partitions"][0]["committed"] == offset, place
    assert "it has to be beginning" in call(program, "groups", "reset", "movers", "--to", "nowhere", code=2).stderr
    assert "no position in topic none" in call(program, "groups", "reset", "movers", "--to", "end", "--topic", "none", code=1).stderr

    reading = subprocess.Popen([program.bin / "kafka-console-consumer", "--bootstrap-server", program.bootstrap, "--topic", "read", "--group", "movers"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: json.loads(call(program, "groups", "describe", "movers", "--json").stdout)["members_count"] == 1, what="the member")
        assert "Stop it first." in call(program, "groups", "reset", "movers", "--to", "end", "--yes", code=1).stderr
        assert call(program, "groups", "delete", "movers", "--yes", code=1).stderr
    finally:
        reading.send_signal(signal.SIGINT)
        reading.wait(20)
    wait_until(lambda: program.run("tailrace", "groups", "delete", "movers", "--yes", "--data-dir", program.data).returncode == 0, what="the group being empty")
    assert "does not exist" in call(program, "groups", "describe", "movers", code=1).stderr


def test_the_owner_of_the_data_directory_needs_no_token(tailrace_factory):
    program = tailrace_factory({"console.token": "geheim"})
    assert harness.http("GET", program.console_url + "/api/v1/topics").status == 401
    call(program, "topics", "create", "mine")
    assert re.search(r"^mine ", call(program, "topics").stdout, re.M)
    elsewhere = [program.program, "topics", "--console", program.console_url]
    refused = subprocess.run(elsewhere, capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1 and "TAILRACE_TOKEN" in refused.stderr
    allowed = subprocess.run(elsewhere, capture_output=True, text=True, timeout=20, env={**os.environ, "TAILRACE_TOKEN": "geheim"})
    assert allowed.returncode == 0 and "mine" in allowed.stdout


def test_alerts_are_found_by_the_data_directory_too(program, tmp_path):
    call(program, "topics", "create", "shop.alerts")
    assert call(program, "alerts").stdout == "No alerts.\n"
    alert = {"id": "A-0123456789abcdef", "agent": "watch", "title": "Strange", "severity": "warn", "source": {"scored_us": 1795502000000000}}
    call(program, "topics", "produce", "shop.alerts", input=json.dumps(alert) + "\n")
    assert re.search(r"^A-0123456789abcdef +2026-11-24 06:33:20Z +watch +open +Strange$", call(program, "alerts").stdout, re.M)
    call(program, "alerts", "ack", "A-0123456789abcdef")
    assert json.loads(call(program, "alerts", "list", "--json").stdout)["state"] == "acknowledged"
    nowhere = program.run("tailrace", "alerts", "--data-dir", tmp_path)
    assert nowhere.returncode != 0 and "tailrace up --data-dir" in nowhere.stderr


# ---- Completion, help, manual ----

def complete(program, line):
    """What bash offers for a line, through the script that is installed."""
    script = '''source <(tailrace completion bash)
COMP_LINE=$1 COMP_POINT=${#1}
read -ra COMP_WORDS <<<"$COMP_LINE"
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_tailrace "${COMP_WORDS[0]}"
printf '%s\\n' "${COMPREPLY[@]}"'''
    done = subprocess.run(["bash", "-c", script, "bash", line], capture_output=True, text=True, timeout=30, env={**os.environ, "PATH": f"{program.bin}:{os.environ['PATH']}"})
    return done.stdout.split()


def test_bash_completes_commands_options_and_names(program):
    call(program, "topics", "create", "complete-me")
    assert complete(program, "tailrace conn") == ["connectors"]
    assert complete(program, "tailrace connectors re") == ["resume", "restart"]
    assert complete(program, "tailrace generate tr") == ["transactions"]
    assert complete(program, "tailrace topics create --part") == ["--partitions"]
    assert complete(program, "tailrace topics list --part") == []
    assert complete(program, "tailrace alerts --state res") == ["resolved"]
    assert complete(program, f"tailrace topics --data-dir {program.data} describe compl") == ["complete-me"]
    assert complete(program, f"kafka-topics.sh --bootstrap-server {program.bootstrap} --describe --topic compl") == ["complete-me"]
    assert complete(program, "kafka-topics --desc") == ["--describe"]
    assert complete(program, "tailrace up --config /etc/host.con") == ["/etc/host.conf"]
    assert complete(program, "tailrace up --set log.segment.b") == ["log.segment.bytes="]
    assert complete(program, "tailrace events --bootstrap-server localhost:1 x") == []
    assert complete(program, "tailrace nonsense ") == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_commands_options_and_names(program, tmp_path):
    call(program, "topics", "create", "complete-fish")
    script = tmp_path / "tailrace.fish"
    script.write_text(program.run("tailrace", "completion", "fish", check=True).stdout)

    def offered(line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C $argv[1]", line], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PATH": f"{program.bin}:{os.environ['PATH']}", "HOME": str(tmp_path)})
        assert done.stderr == "", done.stderr
        return {word.split("\t")[0] for word in done.stdout.splitlines()}

    assert offered("tailrace conn") == {"connectors"}
    assert offered("tailrace connectors re") == {"resume", "restart"}
    assert offered("tailrace topics create --part") == {"--partitions"}
    assert offered("kafka-topics --desc") == {"--describe"}
    assert offered(f"tailrace topics --data-dir {program.data} describe complete-f") == {"complete-fish"}
    assert offered("tailrace up --config /etc/host.con") == {"/etc/host.conf"}


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_completes_commands_options_and_names(program, tmp_path):
    call(program, "topics", "create", "complete-zsh")
    (tmp_path / "_tailrace").write_text(program.run("tailrace", "completion", "zsh", check=True).stdout)
    (tmp_path / ".zshrc").write_text(f"fpath=({tmp_path} $fpath)\nPROMPT='ready> '\nautoload -U compinit; compinit -u -D\n"
                                     "zstyle ':completion:*' list-prompt ''\nunsetopt zle_bracketed_paste\n")

    def typed(line, wanted):
        """What stands on the command line, or below it, once Tab was pressed."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-i"], {"PATH": f"{program.bin}:{os.environ['PATH']}", "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "TERM": "dumb", "LANG": "C.UTF-8"})
        shown = ""

        def seen(pattern):
            nonlocal shown
            while select.select([fd], [], [], 0)[0]:
                shown += os.read(fd, 65536).decode(errors="replace")
            return re.search(pattern, shown)

        try:
            wait_until(lambda: seen("ready> "), what="the prompt of zsh")
            shown = ""
            os.write(fd, (line + "\t").encode())
            wait_until(lambda: seen(wanted), what=f"{wanted} behind {line!r}")
        except AssertionError:
            raise AssertionError(f"{wanted} behind {line!r}: {shown!r}") from None
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)

    typed("tailrace conn", "ectors ")
    typed("tailrace connectors resu", "me ")
    typed("tailrace topics create --part", "itions ")
    typed("kafka-topics --desc", "ribe ")
    typed(f"tailrace topics --data-dir {program.data} describe complete-z", "sh ")


def commands(program):
    """Every command of every list of commands."""
    found = []
    for line in program.run("tailrace", "--complete", "", check=True).stdout.splitlines():
        name = line.split("\t")[0]
        if name.startswith("-") or name.startswith("kafka-"):
            continue
        below = [part.split("\t")[0] for part in program.run("tailrace", name, "--complete", "", check=True).stdout.splitlines()] if name == "generate" else []
        found += [[name, one] for one in below if not one.startswith("-")] or [[name]]
    return found


def test_every_command_has_help_of_one_form_and_knows_the_nearest_option(program):
    listed = commands(program)
    assert ["connectors"] in listed and ["generate", "transactions"] in listed
    for command in listed:
        done = program.run("tailrace", *command, "--help")
        assert done.returncode == 0 and done.stderr == "", command
        assert re.match(rf"usage: tailrace {' '.join(command)} \[option\]….*\n[A-Z](.+\n)*?.*\.\n\n", done.stdout), done.stdout[:300]
        assert max(map(len, done.stdout.splitlines())) <= 100, command
        assert "\n  --help " in done.stdout and "\nexamples:\n  " in done.stdout, command
        if command == ["psql"]:  # what it does not know is psql's
            continue
        assert program.run("tailrace", "help", *command).stdout == done.stdout
        wrong = program.run("tailrace", *command, "--hlep")
        assert wrong.returncode == 2 and "--help" in wrong.stderr and wrong.stdout == "", command


@pytest.mark.skipif(shutil.which("mandoc") is None and shutil.which("groff") is None, reason="needs mandoc or groff")
def test_the_manual_is_sound_and_has_every_option(program):
    share = program.build / "share" / "man"
    pages = sorted(share.glob("man*/*"))
    assert {"tailrace.1", "kafka-topics.1", "kafka-producer-perf-test.1", "tailrace-settings.5"} <= {page.name for page in pages}
    for page in pages:
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, timeout=60)
            assert done.stdout + done.stderr == "", page.name
        if shutil.which("man"):
            done = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", page], capture_output=True, text=True, timeout=60, env={**os.environ, "MANWIDTH": "100"})
            assert done.stderr == "" and done.returncode == 0, (page.name, done.stderr)
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-ww", "-mdoc", "-Tutf8", "-z", page], capture_output=True, text=True, timeout=60)
            assert done.stdout + done.stderr == "", page.name
    text = (share / "man1" / "tailrace.1").read_text()
    for command in commands(program):
        assert f".Ss tailrace {' '.join(command)}\n" in text, command
        for option in re.findall(r"^  --([a-z-]+)", program.run("tailrace", *command, "--help").stdout, re.M):
            assert option == "help" or '.It Fl "\\&\\-' + option.replace("-", "\\-") + '"' in text, (command, option)
