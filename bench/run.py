#!/usr/bin/env python3
"""Measures Tailrace beside PostgreSQL's own tools and Python programs in one run, and writes its sections of bench/results.md.

    bench/run.py [--rows 1000000] [--only start,drain,latency,store,agents,generate,trace,console,console-api,trouble] [--out bench/results.md]

Needs the optimised program in build/ (make build), PostgreSQL 15 and Python with psycopg2 and kafka-python. Everything runs on this machine: a
private PostgreSQL and a Tailrace in a temporary directory, on ports of their own. Figures of one run are compared with
each other; single figures of different runs or machines say little.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import agents
import console_api
import generate
import storage
import traces
import trouble
from machine import BUILD, FILL, ROOT, Postgres, Tailrace, connector, wait_until

PARTS = ("start", "drain", "latency", "store", "agents", "generate", "trace", "console", "console-api", "trouble")


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
    postgres.fill(name, rows)
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


def console(postgres, directory):
    """None, and why on stderr, where there is no browser."""
    tailrace = Tailrace(directory / "console", postgres)
    try:
        out = subprocess.run(["node", str(ROOT / "bench" / "console.mjs"), f"http://127.0.0.1:{tailrace.web}/"], capture_output=True, text=True, timeout=120)
        if out.returncode == 0:
            return json.loads(out.stdout)
        why = out.stderr.strip().splitlines()
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        why = [str(error)]
    finally:
        tailrace.stop()
    print("bench: the console was not measured:", next((line for line in why if "Error" in line), "no node"), file=sys.stderr)
    return None


def console_lines(figures):
    return [f"First contentful paint in Chromium, nothing cached: **{figures['first_paint_ms']:.0f} ms** after the navigation began, loaded after {figures['loaded_ms']:.0f} ms, "
            f"and after {figures['verdict_ms']:.0f} ms it says whether anything is wrong (medians of {figures['times']}). It loads {figures['files']} files, {figures['packed_bytes'] / 1024:.1f} KiB packed with the page, {figures['plain_bytes'] / 1024:.0f} KiB plain; all pages together are {figures['all_bytes'] / 1024:.1f} KiB of the 120 KiB that the build allows.", ""]


def start_lines(figures):
    return [f"Start to `tailrace is ready` on an empty data directory: {figures[0]:.0f} ms (median of 5); resident memory then {figures[1]:.0f} MB.", ""]


def drain_lines(figures):
    lines = ["| transport | rows | Tailrace rows/s | pg_recvlogical to /dev/null rows/s | ratio | CPU a row | peak memory |", "|---|---|---|---|---|---|---|"]
    for r in figures:
        lines.append(f"| {r['transport']} | {r['rows']:,} | {r['rows_per_second']:,.0f} | {r['pg_recvlogical_rows_per_second']:,.0f} | "
                     f"**{r['ratio']:.2f}** | {r['cpu_us_per_row']:.2f} µs | {r['peak_mb']:.0f} MB |")
    return lines + [""]


def latency_lines(results):
    figures, peak = results
    lines = ["| rows/s | rows a transaction | p50 | p90 | p99 | max | CPU a row |", "|---|---|---|---|---|---|---|"]
    for r in figures:
        lines.append(f"| {r['rows_per_second']:,.0f} | {r['rows_per_transaction']} | {r['p50_ms']:.2f} ms | {r['p90_ms']:.2f} ms | **{r['p99_ms']:.2f} ms** | "
                     f"{r['max_ms']:.2f} ms | {r['cpu_us_per_row']:.1f} µs |")
    return lines + ["", f"Peak memory over the three: {peak:.0f} MB.", ""]


SECTIONS = {
    "drain": ("Drain: rows inserted 1000 a transaction while the connector was stopped, until the last is durable in the topic", drain_lines),
    "latency": ("Latency: commit in PostgreSQL to a librdkafka consumer, everything durable", latency_lines),
    "start": ("Start", start_lines),
    "store": ("Store: the log alone, beside plain files", storage.lines),
    "console": ("Console", console_lines),
    "agents": ("Agents: a topic with the full schema in every message, judged", agents.lines),
    "generate": ("Generator: rows committed beside `psql \\copy`", generate.lines),
    "console-api": ("The console's answers", console_api.lines),
    "trouble": ("The console on a bad day, and the pipeline", trouble.lines),
    "trace": ("Tracing: what keeping the times of batches and readers costs", traces.lines),
}


def report(out, results):
    """Puts the measured sections in the place of their old ones; those that were not measured stay as they are."""
    old = re.split(r"^(?=## )", out.read_text(), flags=re.MULTILINE)[1:] if out.exists() else []
    sections = {text.split("\n", 1)[0]: text for text in old}
    for part, figures in results.items():
        if figures is None:
            continue
        heading, lines = SECTIONS[part]
        when = f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores."
        sections[f"## {heading}"] = "\n".join([f"## {heading}", "", when, "", *lines(figures)]).rstrip() + "\n\n"
        print(sections[f"## {heading}"])
    order = [f"## {heading}" for heading, _ in SECTIONS.values()]
    ranked = sorted(sections, key=lambda heading: order.index(heading) if heading in order else len(order))
    out.write_text("# Measured\n\nWritten by `bench/run.py`; the figures of one section belong together.\n\n" + "".join(sections[heading].rstrip() + "\n\n" for heading in ranked).rstrip() + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas: " + ", ".join(PARTS))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results.md")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if set(wanted) - set(PARTS):
        parser.error(f"--only {options.only}: there are {', '.join(PARTS)}")
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
        if "store" in wanted:
            results["store"] = storage.measure(directory)
        if "agents" in wanted:
            results["agents"] = agents.measure(postgres, directory, 2 * options.rows)
        if "generate" in wanted:
            results["generate"] = generate.measure(postgres, directory, options.rows // 2)
        if "console" in wanted:
            results["console"] = console(postgres, directory)
        if "trace" in wanted:
            results["trace"] = traces.measure(postgres, directory, options.rows)
        if "trouble" in wanted:
            results["trouble"] = trouble.measure(postgres, directory, options.rows)
        if "console-api" in wanted:
            results["console-api"] = console_api.measure(postgres, directory)
    finally:
        for process in Tailrace.running:
            process.kill()
        postgres.stop()
    report(options.out, results)
    shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
