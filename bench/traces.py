"""What keeping stamps (the setting trace) costs: the same work with and without, in turns, so that a busy machine is busy for both."""
import json
import shutil
import statistics
import subprocess
import time

from machine import BUILD, FILL, Tailrace, connector, wait_until

TURNS = ("false", "true", "true", "false", "false", "true")
RATE, ROWS_PER_TRANSACTION, SECONDS = 2000, 1, 8  # a publish every few rows: the most stamps that there can be


def settings(postgres, trace):
    return [f"host.aliases=postgres={postgres.sockets}", f"trace={trace}"]


def drained(postgres, directory, turn, trace, rows):
    """Every turn has a slot of its own at the same place, so each reads the same WAL."""
    name, slot = "traced", f"traced_{turn}"
    tailrace = Tailrace(directory / slot, postgres, settings(postgres, trace))
    topic = f"{name}.public.transactions"
    cpu, began = tailrace.cpu_seconds(), time.monotonic()
    tailrace.request("PUT", f"/connectors/{name}/config", connector(postgres, name, name, "postgres", {"slot.name": slot, "snapshot.mode": "no_data"}))
    wait_until("all rows", lambda: tailrace.end_offset(topic) >= rows, 600)
    figures = {"rows_per_second": rows / (time.monotonic() - began), "cpu_us_per_row": (tailrace.cpu_seconds() - cpu) / rows * 1e6}
    tailrace.stop()
    shutil.rmtree(directory / slot)
    postgres.sql("postgres", "SELECT pg_drop_replication_slot(%s)", slot)
    return figures


def live(postgres, directory, turn, trace):
    """Single rows as they are committed, seen by a consumer."""
    name = f"live_{turn}"
    postgres.database(name)
    tailrace = Tailrace(directory / name, postgres, settings(postgres, trace))
    tailrace.request("PUT", f"/connectors/{name}/config", connector(postgres, name, name, "postgres"))
    wait_until("the slot to be active", lambda: [row for row in postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name=%s", name) if row[0]])
    postgres.sql(name, FILL, 1)
    topic = f"{name}.public.transactions"
    wait_until("the first row", lambda: tailrace.end_offset(topic) == 1)
    cpu = tailrace.cpu_seconds()
    out = subprocess.run([str(BUILD / "bench" / "latency"), f"host={postgres.sockets} port={postgres.port} user=postgres dbname={name}", f"127.0.0.1:{tailrace.kafka}", topic,
                          str(RATE), str(ROWS_PER_TRANSACTION), str(SECONDS)], capture_output=True, text=True)
    if not out.stdout:
        raise SystemExit(f"bench: latency: {out.stderr}")
    figures = json.loads(out.stdout)
    cpu = tailrace.cpu_seconds() - cpu
    stamps = tailrace.end_offset("tailrace-traces")
    tailrace.stop()
    return {"p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"], "cpu_us_per_row": cpu / max(figures["inserted"], 1) * 1e6, "stamps": stamps}


BEST = {"rows_per_second": max, "p50_ms": min, "p99_ms": min}  # others who use the machine make a turn slower, never faster


def summary(turns):
    return {trace: {key: BEST.get(key, statistics.median)([one[key] for one in turns[trace]]) for key in turns[trace][0]} for trace in turns}


def measure(postgres, directory, rows):
    turns = {kind: {"true": [], "false": []} for kind in ("drain", "live")}
    postgres.database("traced")
    for turn in range(len(TURNS)):
        postgres.sql("traced", "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", f"traced_{turn}")
    connection = postgres.connect("traced")
    cursor = connection.cursor()
    for _ in range(rows // 1000):
        cursor.execute(FILL, (1000,))
    connection.close()
    postgres.sql("traced", "CHECKPOINT")
    for turn, trace in enumerate(TURNS):
        turns["drain"][trace].append(drained(postgres, directory, turn, trace, rows // 1000 * 1000))
    for turn, trace in enumerate(TURNS[:4]):
        turns["live"][trace].append(live(postgres, directory, turn, trace))
    return {"rows": rows // 1000 * 1000, "drain": summary(turns["drain"]), "live": summary(turns["live"])}


def lines(result):
    drain, alive = result["drain"], result["live"]
    table = ["| | trace=false | trace=true | ratio |", "|---|---|---|---|"]

    def row(title, figures, key, unit, digits):
        off, on = figures["false"][key], figures["true"][key]
        table.append(f"| {title} | {off:,.{digits}f}{unit} | {on:,.{digits}f}{unit} | **{on / off:.2f}** |")

    row(f"drain of {result['rows']:,} rows: rows/s", drain, "rows_per_second", "", 0)
    row("… CPU a row", drain, "cpu_us_per_row", " µs", 2)
    row(f"{RATE:,} rows/s, one a transaction: commit to consumer, p50", alive, "p50_ms", " ms", 2)
    row("… CPU a row", alive, "cpu_us_per_row", " µs", 1)
    return ["The fastest of three and of two turns, with and without one after the other; of CPU the median.", "", *table, "", f"Stamps that one such turn left in topic tailrace-traces: {alive['true']['stamps']:,.0f}.", ""]
