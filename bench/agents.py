"""The agents: transactions a second on one core against the Python programs, commit to alert, a million keys, what checkpoints cost."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

from machine import BUILD, ROOT, Tailrace, connector, disk_sync_ms, wait_until

TOPIC = "agents.public.transactions"
KEYS_TOPIC = "agents.public.users"
KEYS = 1_000_000
PYTHON_ROWS = 50_000
NEVER_MS = 10 ** 9
RULES = ("spending-pattern", "velocity-score", "velocity-score-event", "spending-pattern-robust")
LUA = {"spending-pattern": "spending-pattern.lua", "velocity-score-event": "velocity-score.lua"}
PYTHON = {"spending-pattern": "spending_pattern.py", "velocity-score": "velocity_score.py"}


def fill(postgres, tailrace, rows):
    """The generator's transactions, and two rows each of a million users, captured by a connector as people configure it."""
    postgres.database("agents")
    postgres.sql("agents", "CREATE TABLE users(id serial PRIMARY KEY, user_id int, amount decimal(10,2), at timestamp)")
    tailrace.request("PUT", "/connectors/agents/config", connector(postgres, "agents", "agents", "postgres"))
    wait_until("the slot to be active", lambda: [r for r in postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name='agents'") if r[0]])
    subprocess.run([str(BUILD / "tailrace"), "generate", "transactions", "--host", str(postgres.sockets), "--port", str(postgres.port), "--database", "agents",
                    "--count", str(rows), "--seed", "1", "--quiet"], check=True)
    for half in range(2):
        postgres.sql("agents", "INSERT INTO users (user_id, amount, at) SELECT i, 100 + i %% 4000, now() FROM generate_series(1, %s) i", KEYS)
    wait_until("the transactions in the topic", lambda: tailrace.end_offset(TOPIC) == rows)
    wait_until("the users in the topic", lambda: tailrace.end_offset(KEYS_TOPIC) == 2 * KEYS)


def link_or_copy(source, target):
    """What nobody writes any more is not copied."""
    (os.link if pathlib.Path(source).parent.name in (f"{TOPIC}-0", f"{KEYS_TOPIC}-0") and source.endswith(".log") else shutil.copy2)(source, target)


class Runs:
    """Runs of bench/agents over the log of a Tailrace that is down, each over a copy of its own: none pays for what the ones before it wrote."""

    def __init__(self, directory):
        self.log = directory / "log"
        self.copy = directory / "log-of-run"

    def __call__(self, rule, topic=TOPIC, checkpoint_ms=1000, *settings):
        shutil.copytree(self.log, self.copy, copy_function=link_or_copy)
        out = subprocess.run([str(BUILD / "bench" / "agents"), str(self.copy), topic, "bench", rule, str(checkpoint_ms), *settings],
                             capture_output=True, text=True)
        shutil.rmtree(self.copy)
        if out.returncode != 0:
            raise SystemExit(f"bench: agents {rule}: {out.stderr}")
        figures = json.loads(out.stdout)
        if figures["unread"]:
            raise SystemExit(f"bench: agents {rule}: {figures['unread']} rows could not be read")
        return figures


def best(run, times, *arguments):
    return max((run(*arguments) for _ in range(times)), key=lambda figures: figures["rows_per_cpu_second"])


def python_agent(tailrace, rule):
    """The program prints as people's do, to a file that nobody reads."""
    out = subprocess.run([sys.executable, str(ROOT / "bench" / PYTHON[rule]), f"127.0.0.1:{tailrace.kafka}", TOPIC, str(PYTHON_ROWS)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120)
    if out.returncode != 0:
        raise SystemExit(f"bench: {PYTHON[rule]}: {out.stderr}")
    return json.loads(out.stderr.splitlines()[-1])


def checkpoints(run, topic, rule, times):
    """The same agent with and without, in turn, the best of each by CPU time: what the machine does beside it is in neither."""
    with_them, without = [], []
    for _ in range(times):
        with_them.append(run(rule, topic, 1000))
        without.append(run(rule, topic, NEVER_MS))
    with_them, without = (max(figures, key=lambda one: one["rows_per_cpu_second"]) for figures in (with_them, without))
    return {"rule": rule, "keys": with_them["keys"], "checkpoints": with_them["checkpoints"], "with": with_them["rows_per_cpu_second"],
            "without": without["rows_per_cpu_second"], "share": with_them["checkpoint_share"],
            "cost": 1 - with_them["rows_per_cpu_second"] / without["rows_per_cpu_second"]}


def alert_latency(postgres, directory):
    """Both agents inside `up`, rows at 5,000 a second, a consumer at the topic of alerts."""
    postgres.database("alerts")
    rules = [f"agents.{name}.{key}={value}" for name, rule in (("spending", "spending-pattern"), ("velocity", "velocity-score"))
             for key, value in (("rule", rule), ("topic", "alerts.public.transactions"))]
    tailrace = Tailrace(directory / "alerts", postgres, [f"host.aliases=postgres={postgres.sockets}", *rules])
    tailrace.request("PUT", "/connectors/alerts/config", connector(postgres, "alerts", "alerts", "postgres"))
    wait_until("the slot to be active", lambda: [r for r in postgres.sql("postgres", "SELECT active FROM pg_replication_slots WHERE slot_name='alerts'") if r[0]])
    before = disk_sync_ms(directory)
    cpu = tailrace.cpu_seconds()
    out = subprocess.run([str(BUILD / "bench" / "latency"), f"host={postgres.sockets} port={postgres.port} user=postgres dbname=alerts",
                          f"127.0.0.1:{tailrace.kafka}", "alerts.alerts", "5000", "5", "20", "alerts"], capture_output=True, text=True)
    if not out.stdout:
        raise SystemExit(f"bench: latency of alerts: {out.stderr}")
    figures = json.loads(out.stdout)
    figures["cpu_share"] = (tailrace.cpu_seconds() - cpu) / 20
    figures["peak_mb"] = tailrace.memory_mb("VmHWM")
    figures["disk"] = [before, disk_sync_ms(directory)]
    tailrace.stop()
    return figures


def measure(postgres, directory, rows):
    tailrace = Tailrace(directory / "agents", postgres, [f"host.aliases=postgres={postgres.sockets}"])
    fill(postgres, tailrace, rows)
    python = {rule: python_agent(tailrace, rule) for rule in PYTHON}
    tailrace.stop()
    run = Runs(directory / "agents")
    ours = {rule: best(run, 2, rule) for rule in RULES}
    lua = {rule: best(run, 2, "lua", TOPIC, 1000, f"script={ROOT / 'doc' / 'examples' / 'agents' / script}") for rule, script in LUA.items()}
    return {"rows": rows, "ours": ours, "lua": lua, "python": python,
            "keys": [run(rule, KEYS_TOPIC) for rule in ("spending-pattern", "velocity-score")],
            "checkpoints": [checkpoints(run, TOPIC, "spending-pattern", 2), checkpoints(run, TOPIC, "velocity-score-event", 2)],
            "latency": alert_latency(postgres, directory)}


def throughput_lines(figures):
    lines = [f"{figures['rows']:,} transactions of the generator ({figures['ours']['spending-pattern']['keys']:,} users) in one partition, gzip, the full schema in each message, read from the first to the last. "
             "A core's second counts all threads of the process. The Python programs (`bench/*.py`, kafka-python) read the first "
             f"{PYTHON_ROWS:,} of the same topic through the Kafka protocol and print to /dev/null.", "",
             "| rule | in | transactions/s per core | transactions/s | alerts | against Python |", "|---|---|---|---|---|---|"]
    for kind, results in (("C", figures["ours"]), ("Lua", figures["lua"]), ("Python", figures["python"])):
        for rule, one in results.items():
            peer = figures["python"].get(rule.removesuffix("-event").removesuffix("-robust"))
            ratio = "" if kind == "Python" else f"**{one['rows_per_cpu_second'] / peer['rows_per_cpu_second']:.0f}**"
            lines.append(f"| {rule} | {kind} | {one['rows_per_cpu_second']:,.0f} | {one['rows_per_second']:,.0f} | {one['alerts']:,} | {ratio} |")
    lines += ["", "A replay of velocity-score goes by the wall clock, as the Python program does: all rows of a user fall into one minute, so every "
              "large amount is an alert. velocity-score-event goes by commit time.", ""]
    return lines


def lines(figures):
    out = throughput_lines(figures)
    late = figures["latency"]
    out += ["| | |", "|---|---|",
            f"| Commit to a consumer of the alerts, 5,000 rows/s, both agents in `up`, {late['samples']:,} alerts | p50 {late['p50_ms']:.2f} ms, "
            f"p90 {late['p90_ms']:.2f} ms, **p99 {late['p99_ms']:.2f} ms** |",
            f"| … what the disk takes for one append of 4 KB and `fdatasync`, right before and after; a row and its alert are two rounds of two each | "
            + "; ".join(f"p50 {p50:.2f} ms, p99 {p99:.2f} ms" for p50, p99 in late["disk"]) + " |",
            f"| … what the program took for it | {late['cpu_share'] * 100:.0f} % of a core, {late['peak_mb']:.0f} MB at its peak |"]
    for one in figures["keys"]:
        out.append(f"| State of {one['keys']:,} users, {one['rows']:,} rows, {one['rule']} | resident memory rose by **{one['growth_mb']:.0f} MB** at its peak |")
    for one in figures["checkpoints"]:
        out.append(f"| Checkpoints, {one['rule']}, {one['keys']:,} users ({one['checkpoints']} in the run) | **{one['share'] * 100:.1f} %** of the agent's time; "
                   f"by CPU time {one['cost'] * 100:.1f} %: {one['with']:,.0f} with, {one['without']:,.0f} transactions/s per core without |")
    return out + [""]
