#!/usr/bin/env python3
"""Measures Tailrace beside PostgreSQL's own tools in one run and writes bench/results.md.

    bench/run.py [--rows 1000000] [--only drain,latency,start] [--out bench/results.md]

Needs the optimised program in build/ (make build), PostgreSQL 15 and Python with psycopg2 and kafka-python. Everything runs on this machine: a
private PostgreSQL and a Tailrace in a temporary directory, on ports of their own. Figures of one run are compared with
each other; single figures of different runs or machines say little.
"""
import argparse
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
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


def drain(postgres, directory, rows, transport):
    """Both read the same WAL: rows inserted 1000 a transaction while the connector was stopped."""
    name = f"drain_{transport}"
    hostname = "127.0.0.1" if transport == "tcp" else "postgres"
    postgres.database(name)
    tailrace = Tailrace(directory / name, postgres, [f"host.aliases=postgres={postgres.sockets}"])
    topic = f"{name}.public.transactions"
    tailrace.request("PUT", f"/connectors/{name}/config", connector(postgres, name, name, hostname, {"tailrace.transport": transport}))
    wait_until("the connector to run", lambda: tailrace.state(name) == ("RUNNING", ["RUNNING"]))
    wait_until("the slot to be active", lambda: postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name=%s", name)[0][0])
    postgres.sql(name, FILL, 1)
    wait_until("the first row", lambda: tailrace.end_offset(topic) == 1)
    tailrace.request("PUT", f"/connectors/{name}/stop")
    wait_until("the slot to be free", lambda: not postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name=%s", name)[0][0])
    postgres.sql(name, "SELECT pg_copy_logical_replication_slot(%s, %s)", name, name + "_peer")
    connection = postgres.connect(name)
    cursor = connection.cursor()
    for _ in range(rows // 1000):
        cursor.execute(FILL, (1000,))
    connection.close()
    end_lsn = postgres.sql(name, "SELECT pg_current_wal_flush_lsn()")[0][0]
    postgres.sql(name, "CHECKPOINT")

    def peer():
        host = "127.0.0.1" if transport == "tcp" else str(postgres.sockets)
        began = time.monotonic()
        subprocess.run([str(postgres.bin / "pg_recvlogical"), "-h", host, "-p", str(postgres.port), "-U", "postgres", "-d", name, "-S",
                        name + "_peer", "--start", "-f", "/dev/null", "--endpos", end_lsn, "-o", "proto_version=1", "-o",
                        "publication_names=dbz_publication", "-F", "0", "-n"], check=True)
        return time.monotonic() - began

    peer_seconds = peer()
    cpu, began = tailrace.cpu_seconds(), time.monotonic()
    tailrace.request("PUT", f"/connectors/{name}/resume")
    wait_until("all rows", lambda: tailrace.end_offset(topic) >= rows + 1, 600)
    seconds = time.monotonic() - began
    cpu = tailrace.cpu_seconds() - cpu
    result = {"transport": transport, "rows": rows, "seconds": seconds, "rows_per_second": rows / seconds,
              "pg_recvlogical_rows_per_second": rows / peer_seconds, "ratio": peer_seconds / seconds, "cpu_us_per_row": cpu / rows * 1e6,
              "peak_mb": tailrace.memory_mb("VmHWM")}
    got = tailrace.end_offset(topic)
    if got != rows + 1:
        raise SystemExit(f"bench: {got} records in the topic, {rows + 1} rows in the table")
    tailrace.stop()
    return result


def latency(postgres, directory):
    name = "latency"
    postgres.database(name)
    tailrace = Tailrace(directory / name, postgres, [f"host.aliases=postgres={postgres.sockets}"])
    tailrace.request("PUT", f"/connectors/{name}/config", connector(postgres, name, name, "postgres"))
    topic = f"{name}.public.transactions"
    wait_until("the slot to be active", lambda: [r for r in postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name=%s", name) if r[0]])
    postgres.sql(name, FILL, 1)
    wait_until("the first row", lambda: tailrace.end_offset(topic) == 1)
    results = []
    for rate, rows, seconds in ((100, 1, 15), (5000, 5, 15), (20000, 20, 15)):
        cpu = tailrace.cpu_seconds()
        out = subprocess.run([str(BUILD / "bench" / "latency"), f"host={postgres.sockets} port={postgres.port} user=postgres dbname={name}",
                              f"127.0.0.1:{tailrace.kafka}", topic, str(rate), str(rows), str(seconds)], capture_output=True, text=True)
        if not out.stdout:
            raise SystemExit(f"bench: latency: {out.stderr}")
        figures = json.loads(out.stdout)
        figures["cpu_us_per_row"] = (tailrace.cpu_seconds() - cpu) / max(figures["inserted"], 1) * 1e6
        results.append(figures)
    peak = tailrace.memory_mb("VmHWM")
    tailrace.stop()
    return results, peak


def start(postgres, directory):
    figures = []
    for i in range(5):
        tailrace = Tailrace(directory / f"start{i}", postgres)
        figures.append((tailrace.start_ms, tailrace.memory_mb("VmRSS")))
        tailrace.stop()
    figures.sort()
    return figures[len(figures) // 2]


def report(out, results):
    lines = ["# Measured", "", "Written by `bench/run.py`; the figures of one run belong together. Machine: "
             f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}.", ""]
    if "drain" in results:
        lines += ["## Drain: rows inserted 1000 a transaction while the connector was stopped, until the last is durable in the topic", "",
                  "| transport | rows | Tailrace rows/s | pg_recvlogical to /dev/null rows/s | ratio | CPU a row | peak memory |", "|---|---|---|---|---|---|---|"]
        for r in results["drain"]:
            lines.append(f"| {r['transport']} | {r['rows']:,} | {r['rows_per_second']:,.0f} | {r['pg_recvlogical_rows_per_second']:,.0f} | "
                         f"**{r['ratio']:.2f}** | {r['cpu_us_per_row']:.2f} µs | {r['peak_mb']:.0f} MB |")
        lines.append("")
    if "latency" in results:
        figures, peak = results["latency"]
        lines += ["## Latency: commit in PostgreSQL to a librdkafka consumer, everything durable", "",
                  "| rows/s | rows a transaction | p50 | p90 | p99 | max | CPU a row |", "|---|---|---|---|---|---|---|"]
        for r in figures:
            lines.append(f"| {r['rows_per_second']:,.0f} | {r['rows_per_transaction']} | {r['p50_ms']:.2f} ms | {r['p90_ms']:.2f} ms | **{r['p99_ms']:.2f} ms** | "
                         f"{r['max_ms']:.2f} ms | {r['cpu_us_per_row']:.1f} µs |")
        lines += ["", f"Peak memory over the three: {peak:.0f} MB.", ""]
    if "start" in results:
        lines += ["## Start", "", f"Start to `tailrace is ready` on an empty data directory: {results['start'][0]:.0f} ms (median of 5); "
                  f"resident memory then {results['start'][1]:.0f} MB.", ""]
    out.write_text("\n".join(lines))
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="start,drain,latency")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results.md")
    options = parser.parse_args()
    wanted = options.only.split(",")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tailrace-bench-"))
    directory.chmod(0o755)
    postgres = Postgres(directory)
    results = {}
    try:
        if "start" in wanted:
            results["start"] = start(postgres, directory)
        if "drain" in wanted:
            results["drain"] = [drain(postgres, directory, options.rows, transport) for transport in ("tcp", "socket")]
        if "latency" in wanted:
            results["latency"] = latency(postgres, directory)
    finally:
        for process in Tailrace.running:
            process.kill()
        postgres.stop()
    report(options.out, results)
    shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
