"""What the integration tests start and talk to: a private PostgreSQL, the built program, and waiting for conditions.

Environment:
  TAILRACE_BUILD       build directory to test (default: build-asan, then build, beside the sources)
  TAILRACE_TEST_POSTGRES  directory of another PostgreSQL's programs (default: /usr/lib/postgresql/15/bin, then the newest there)
  TAILRACE_TEST_PORTS  "from-to": take ports from this range instead of asking the kernel for free ones
"""
import json
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
USER, PASSWORD = "postgres", "postgrespw"


def build_directory():
    named = os.environ.get("TAILRACE_BUILD")
    candidates = [pathlib.Path(named)] if named else [ROOT / "build-asan", ROOT / "build"]
    for candidate in candidates:
        candidate = candidate if candidate.is_absolute() else ROOT / candidate
        if (candidate / "tailrace").exists():
            return candidate
    raise RuntimeError("nothing is built; run make build, or meson and ninja into build-asan")


def wait_until(condition, timeout=30, what="the condition", interval=0.02):
    """Calls until the result is true and gives it back. An exception counts as "not yet" and is shown when time is up."""
    deadline = time.monotonic() + timeout
    while True:
        trouble = None
        try:
            result = condition()
            if result:
                return result
        except Exception as error:  # noqa: BLE001 - whatever it is, it may pass
            trouble = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s" + (f": {trouble!r}" if trouble else ""))
        time.sleep(interval)


def is_alive(pid):
    """A process that has ended but was not waited for is not alive."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


_taken = set()


def free_port():
    """
    A TCP port of 127.0.0.1 that nobody listens on; not given out again before all others were. Below the range that the
    kernel gives to outgoing connections, so that none of those takes it before the program does.
    """
    wanted = os.environ.get("TAILRACE_TEST_PORTS")
    for _ in range(2):
        for candidate in range(*(int(part) for part in wanted.split("-"))) if wanted else random.sample(range(10000, 32000), 1000):
            if candidate in _taken:
                continue
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", candidate))
                    probe.listen()
                except OSError:
                    continue
                port = probe.getsockname()[1]
            if port not in _taken:
                _taken.add(port)
                return port
        _taken.clear()
    raise RuntimeError("no free port")


def postgres_bin():
    if os.environ.get("TAILRACE_TEST_POSTGRES"):
        return pathlib.Path(os.environ["TAILRACE_TEST_POSTGRES"])
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    for path in [pathlib.Path("/usr/lib/postgresql/15/bin/postgres"), *reversed(found)]:
        if path.exists():
            return path.parent
    which = shutil.which("postgres")
    if which:
        return pathlib.Path(which).parent
    raise RuntimeError("no PostgreSQL is installed; apt-get install postgresql-15")


class Postgres:
    """A PostgreSQL server of the tests' own: TCP on 127.0.0.1, logical WAL, superuser postgres / postgrespw.

    As root it runs as user postgres, below the system's temporary directory, because a checkout may lie where that user
    cannot go. It does not sync, so it is for tests that kill Tailrace, not for tests that kill PostgreSQL's machine.
    """

    def __init__(self, settings=()):
        self.bin = postgres_bin()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tailrace-pg-"))
        self.user = None
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self.user = "postgres"
        self.data = self.directory / "data"
        self.port = free_port()
        self.process = None
        self.settings = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=logical", "max_wal_senders=40",
                         "max_replication_slots=40", "max_connections=200", "listen_addresses=127.0.0.1", f"port={self.port}",
                         f"unix_socket_directories={self.directory}", "timezone=UTC", "log_timezone=UTC",
                         "autovacuum=off", "shared_buffers=64MB", "max_wal_size=2GB", *settings]
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD + "\n")
        self._run([self.bin / "initdb", "-D", self.data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={password_file}",
                   "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
        self.start()

    def _command(self, arguments):
        command = [str(argument) for argument in arguments]
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", *command] if self.user else command

    def _run(self, arguments):
        done = subprocess.run(self._command(arguments), cwd="/", capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {done.stdout}{done.stderr}")

    @property
    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    @property
    def socket_directory(self):
        return str(self.directory)

    def start(self):
        arguments = [self.bin / "postgres", "-D", self.data]
        for setting in self.settings:
            arguments += ["-c", setting]
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(self._command(arguments), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended: {self.log[-2000:]}")
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.process.pid)

        wait_until(ready, 60, "PostgreSQL being ready")

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: as in a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(30)
        self.process = None

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def destroy(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def dsn(self, database="postgres"):
        return f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database}"

    def connect(self, database="postgres", autocommit=True):
        import psycopg2
        connection = psycopg2.connect(self.dsn(database))
        connection.autocommit = autocommit
        return connection

    def execute(self, database, *statements):
        """Runs statements, each in a transaction of its own; gives the rows of the last one, if it has any."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def create_database(self, name):
        """A fresh database; what used it before (slots, connections) is removed."""
        self.drop_database(name)
        self.execute("postgres", f'CREATE DATABASE "{name}"')
        return name

    def drop_slots(self, database):
        def gone():
            self.execute("postgres", f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
                                     f"WHERE database = '{database}' AND active")
            self.execute("postgres", f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                                     f"WHERE database = '{database}' AND NOT active")
            return self.execute("postgres", f"SELECT count(*) FROM pg_replication_slots WHERE database = '{database}'") == [(0,)]

        wait_until(gone, 20, f"the slots of {database} being gone")

    def drop_database(self, name):
        if self.execute("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.drop_slots(name)
            self.execute("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


class Answer:
    """One answer of an HTTP server."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"Answer({self.status}, {self.body[:300]!r})"


def http(method, url, body=None, headers=None, timeout=30):
    """One request; body may be bytes, text or anything that JSON can hold. Errors of HTTP are answers, not exceptions."""
    data = body if body is None or isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    request = urllib.request.Request(url, data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            return Answer(response.status, dict(response.headers), response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


class Tailrace:
    """The built program on a data directory of its own and on ports that stay the same over restarts."""

    def __init__(self, directory, settings=None, arguments=()):
        self.build = build_directory()
        self.program = self.build / "tailrace"
        self.bin = self.build / "bin"
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.output_path = self.directory / "output"
        self.kafka_port, self.second_kafka_port = free_port(), free_port()
        self.rest_port, self.console_port = free_port(), free_port()
        self.settings = {
            "listeners": f"127.0.0.1:{self.kafka_port},127.0.0.1:{self.second_kafka_port}",
            "rest.port": self.rest_port,
            "console.port": self.console_port,
            **(settings or {}),
        }
        self.arguments = list(arguments)
        self.process = None

    bootstrap = property(lambda self: f"localhost:{self.kafka_port}")
    second_bootstrap = property(lambda self: f"localhost:{self.second_kafka_port}")
    rest_url = property(lambda self: f"http://localhost:{self.rest_port}")
    console_url = property(lambda self: f"http://localhost:{self.console_port}")

    @property
    def log(self):
        """Everything that it printed, over all its lives."""
        return self.output_path.read_text(errors="replace") if self.output_path.exists() else ""

    def command(self):
        command = [str(self.program), "up", "--data-dir", str(self.data)]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        return command + [str(argument) for argument in self.arguments]

    def start(self, wait=True, timeout=30):
        offset = self.output_path.stat().st_size if self.output_path.exists() else 0
        with open(self.output_path, "ab") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        if wait:
            def ready():
                if self.process.poll() is not None:
                    raise RuntimeError(f"tailrace ended with {self.process.returncode}: {self.log[-3000:]}")
                return "tailrace is ready" in self.output_path.read_bytes()[offset:].decode(errors="replace")

            try:
                wait_until(ready, timeout, "tailrace being ready")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.log[-3000:]}") from None
        return self

    def stop(self, timeout=10):
        """SIGTERM; gives the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"tailrace did not stop within {timeout} s:\n{self.log[-3000:]}") from None
        self.process = None
        return code

    def kill9(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def restart(self, **settings):
        self.stop()
        self.settings.update(settings)
        return self.start()

    def run(self, name, *arguments, input=None, timeout=60, check=False, env=None):
        """Runs a command of bin/ (or "tailrace") and gives the finished process with text output. env: beside the environment"""
        program = self.program if name == "tailrace" else self.bin / name
        done = subprocess.run([str(program), *(str(argument) for argument in arguments)], input=input, capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise AssertionError(f"{name} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    # ---- Connect's REST API ----

    def rest(self, method, path, body=None, headers=None):
        return http(method, self.rest_url + path, body, headers)

    def create_connector(self, name, config, wait=True, timeout=30):
        answer = self.rest("POST", "/connectors", {"name": name, "config": config})
        assert answer.status == 201, answer
        if wait:
            self.wait_connector(name, timeout=timeout)
        return answer

    def connector_state(self, name):
        """The states of connector and task, "RUNNING/RUNNING", and the task's trace."""
        status = self.rest("GET", f"/connectors/{name}/status").json()
        task = status["tasks"][0] if status.get("tasks") else {}
        return f"{status['connector']['state']}/{task.get('state', '-')}", task.get("trace", "")

    def wait_connector(self, name, state="RUNNING/RUNNING", timeout=30):
        return wait_until(lambda: self.connector_state(name)[0] == state or None, timeout, f"connector {name} being {state}")

    def delete_connector(self, name):
        answer = self.rest("DELETE", f"/connectors/{name}")
        assert answer.status == 204, answer

    def metrics(self):
        """The numbers of /metrics by name (with labels as printed)."""
        values = {}
        for line in http("GET", self.console_url + "/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, value = re.match(r"(\S+(?:\{.*\})?) (\S+)$", line).groups()
                values[name] = float(value)
        return values


def connector_config(postgres, database, prefix=None, **extra):
    """A Debezium configuration of one database; keys of `extra` may write dots as double underscores."""
    prefix = prefix or database
    config = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "database.hostname": "127.0.0.1",
        "database.port": str(postgres.port),
        "database.user": USER,
        "database.password": PASSWORD,
        "database.dbname": database,
        "topic.prefix": prefix,
        "slot.name": re.sub(r"[^a-z0-9_]", "_", prefix.lower()) + "_slot",
        "publication.name": re.sub(r"[^a-z0-9_]", "_", prefix.lower()) + "_publication",
        "plugin.name": "pgoutput",
    }
    config.update({key.replace("__", "."): str(value) for key, value in extra.items()})
    return config
