"""What keeping stamps (the setting trace) costs: the same work with and without, in pairs of turns one after the other, so that a busy machine is
busy for both; what is said is the median of the pairs' ratios and how far they spread."""
import json
import shutil
import statistics
import subprocess
import time

from machine import BUILD, FILL, Tailrace, connector, wait_until

DRAIN_PAIRS, LIVE_PAIRS = 6, 3
ROWS_MOST = 400_000
RATE, ROWS_PER_TRANSACTION, SECONDS = 2000, 1, 5  # a publish every few rows: the most stamps that there can be


def turns_of(pairs):
    """off on, on off, off on, …: what drifts, drifts for both."""
    return [trace for pair in range(pairs) for trace in (("false", "true"), ("true", "false"))[pair % 2]]


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


def ratios(turns, traces, key):
    """With to without, of each pair."""
    pairs = [dict(zip(traces[i:i + 2], turns[i:i + 2])) for i in range(0, len(turns), 2)]
    return [pair["true"][key] / pair["false"][key] for pair in pairs]


def summary(turns, traces):
    return {key: {"false": statistics.median(one[key] for one, trace in zip(turns, traces) if trace == "false"), "true": statistics.median(one[key] for one, trace in zip(turns, traces) if trace == "true"),
                  "ratios": ratios(turns, traces, key) if key != "stamps" else []} for key in turns[0]}


def measure(postgres, directory, rows):
    rows = min(rows, ROWS_MOST) // 1000 * 1000
    drains, lives = turns_of(DRAIN_PAIRS), turns_of(LIVE_PAIRS)
    postgres.database("traced")
    for turn in range(len(drains)):
        postgres.sql("traced", "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", f"traced_{turn}")
    postgres.fill("traced", rows)
    postgres.sql("traced", "CHECKPOINT")
    drain = [drained(postgres, directory, turn, trace, rows) for turn, trace in enumerate(drains)]
    alive = [live(postgres, directory, turn, trace) for turn, trace in enumerate(lives)]
    return {"rows": rows, "drain": summary(drain, drains), "live": summary(alive, lives)}


def lines(result):
    drain, alive = result["drain"], result["live"]
    table = ["| | trace=false | trace=true | ratio of each pair: median (least to most) |", "|---|---|---|---|"]

    def row(title, figures, unit, digits):
        found = figures["ratios"]
        table.append(f"| {title} | {figures['false']:,.{digits}f}{unit} | {figures['true']:,.{digits}f}{unit} | **{statistics.median(found):.2f}** ({min(found):.2f} to {max(found):.2f}) |")

    row(f"drain of {result['rows']:,} rows: rows/s", drain["rows_per_second"], "", 0)
    row("… CPU a row", drain["cpu_us_per_row"], " µs", 2)
    row(f"{RATE:,} rows/s, one a transaction: commit to consumer, p50", alive["p50_ms"], " ms", 2)
    row("… p99", alive["p99_ms"], " ms", 2)
    row("… CPU a row", alive["cpu_us_per_row"], " µs", 1)
    return [f"{DRAIN_PAIRS} pairs of drains and {LIVE_PAIRS} of the live load, each with and without one after the other; medians of the turns. A cost that is smaller than the spread was not measured.", "",
            *table, "", f"Stamps that one such turn of the live load left in topic tailrace-traces: {alive['stamps']['true']:,.0f}.", ""]
