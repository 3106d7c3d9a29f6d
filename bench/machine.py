"""What the benchmarks start: a private PostgreSQL and Tailrace, each in a temporary directory and on ports of its own."""
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import kafka
import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TAILRACE_BUILD", ROOT / "build"))
TABLE = """CREATE TABLE transactions(id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar,
           location varchar, transaction_time timestamp)"""
FILL = """INSERT INTO transactions (user_id, amount, merchant, location, transaction_time)
          SELECT 1 + (i * 7919) %% 10000, round(((i * 104729) %% 500000)::numeric / 100, 2),
                 (ARRAY['Amazon','Walmart','Target','Costco','Best Buy'])[1 + i %% 5],
                 (ARRAY['New York','London','Berlin','Tokyo','Paris'])[1 + i %% 5], now()
          FROM generate_series(1, %s) i"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def disk_sync_ms(directory, times=1000):
    """What the disk takes to make 4 KB at the end of a file durable, by itself: p50 and p99."""
    took = []
    path = directory / "sync-probe"
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            began = time.monotonic()
            os.fdatasync(file.fileno())
            took.append((time.monotonic() - began) * 1000)
    path.unlink()
    took.sort()
    return took[times // 2], took[times * 99 // 100]


def wait_until(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise SystemExit(f"bench: waited {seconds} s in vain for {what}")


class Postgres:
    """A private server; everything durable as by default."""

    def __init__(self, directory):
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        self.data = directory / "pg"
        self.sockets = directory / "s"
        self.port = free_port()
        self.user = "postgres" if os.geteuid() == 0 else None
        self.sockets.mkdir()
        self.data.mkdir()
        if self.user:
            entry = pwd.getpwnam(self.user)
            for path in (self.data, self.sockets):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"port={self.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{self.sockets}'\nwal_level=logical\n"
                       "max_wal_size=8GB\nshared_buffers=512MB\nmax_replication_slots=20\nmax_wal_senders=20\ncheckpoint_timeout=30min\n")
        self.run("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "start")

    def run(self, tool, *args):
        command = [str(self.bin / tool), *map(str, args)]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def connect(self, database):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        connection.autocommit = True
        return connection

    def sql(self, database, statement, *values):
        connection = self.connect(database)
        try:
            cursor = connection.cursor()
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def database(self, name):
        self.sql("postgres", f"CREATE DATABASE {name}")
        self.sql(name, TABLE)
        self.sql(name, "CREATE PUBLICATION dbz_publication FOR ALL TABLES")

    def fill(self, name, rows):
        """In transactions of 1000 rows."""
        connection = self.connect(name)
        cursor = connection.cursor()
        for _ in range(rows // 1000):
            cursor.execute(FILL, (1000,))
        connection.close()


class Tailrace:
    running = []

    def __init__(self, directory, postgres, settings=()):
        self.kafka, self.rest, self.web = free_port(), free_port(), free_port()
        self.directory = directory
        self.consumer = None
        self.command = [str(BUILD / "tailrace"), "up", "--data-dir", str(directory), "--set", f"listeners=127.0.0.1:{self.kafka}",
                        "--set", f"rest.port={self.rest}", "--set", f"console.port={self.web}"]
        for setting in settings:
            self.command += ["--set", setting]
        self.start()

    def start(self):
        began = time.monotonic()
        self.log = open(str(self.directory) + ".log", "ab")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log)
        Tailrace.running.append(self.process)
        for line in self.process.stdout:
            if b"tailrace is ready" in line:
                self.start_ms = (time.monotonic() - began) * 1000
                return
        raise SystemExit(f"bench: tailrace did not start, see {self.directory}.log")

    def stop(self):
        if self.consumer is not None:
            self.consumer.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"bench: {method} {path}: {error.code} {error.read().decode()}")
        return json.loads(text) if text else None

    def state(self, name):
        status = self.request("GET", f"/connectors/{name}/status")
        return status["connector"]["state"], [task["state"] for task in status["tasks"]]

    def end_offset(self, topic):
        if self.consumer is None:
            self.consumer = kafka.KafkaConsumer(bootstrap_servers=f"127.0.0.1:{self.kafka}")
        partitions = self.consumer.partitions_for_topic(topic)
        if not partitions:
            return 0
        return sum(self.consumer.end_offsets([kafka.TopicPartition(topic, p) for p in partitions]).values())

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, key):
        """VmHWM: the peak; RssAnon and VmRSS: now. Pages of the log in the file cache are not the program's."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
        return 0.0


def connector(postgres, name, database, hostname, extra=None):
    return {"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "database.hostname": hostname,
            "database.port": str(postgres.port), "database.user": "postgres", "database.password": "postgres",
            "database.dbname": database, "slot.name": name, "topic.prefix": name, "plugin.name": "pgoutput", **(extra or {})}
