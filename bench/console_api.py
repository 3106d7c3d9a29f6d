"""How fast the console's HTTP API answers: lists with 5,000 topics of 40,000 partitions, the overview, searches."""
import http.client
import json
import shutil
import statistics
import subprocess
import time
import urllib.parse

import kafka
import kafka.admin

from machine import BUILD, Tailrace, wait_until

TOPICS, PARTITIONS = 5000, 8
MESSAGES, MESSAGE_BYTES = 1_000_000, 100
TIMES = 30

def timed(tailrace, path, times=TIMES):
    """Median in ms over one connection that stays open, and the bytes of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", tailrace.web)
    took = []
    for _ in range(times):
        began = time.monotonic()
        connection.request("GET", "/api/v1" + path)
        body = connection.getresponse().read()
        took.append((time.monotonic() - began) * 1000)
    connection.close()
    return {"ms": statistics.median(took), "bytes": len(body)}


def topics_make(tailrace):
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{tailrace.kafka}", request_timeout_ms=120000)
    for at in range(0, TOPICS, 250):
        admin.create_topics([kafka.admin.NewTopic(f"orders.public.table_{n:05}", PARTITIONS, 1) for n in range(at, at + 250)], timeout_ms=100000)
    admin.close()


def search(tailrace, topic, **asked):
    """Reads to the end; seconds from the request and what the last event says."""
    connection = http.client.HTTPConnection("127.0.0.1", tailrace.web, timeout=300)
    began = time.monotonic()
    connection.request("GET", f"/api/v1/topics/{topic}/messages?" + urllib.parse.urlencode(asked))
    response, name = connection.getresponse(), None
    for line in response:
        if line.startswith(b"event: "):
            name = line[7:].strip()
        elif line.startswith(b"data: ") and name == b"done":
            connection.close()
            return time.monotonic() - began, json.loads(line[6:])
    raise SystemExit("bench: a search ended without its last event")


def produced(tailrace):
    subprocess.run([str(BUILD / "tailrace"), "kafka-producer-perf-test", "--topic", "searched", "--num-records", str(MESSAGES), "--record-size", str(MESSAGE_BYTES), "--throughput", "-1",
                    "--bootstrap-server", f"127.0.0.1:{tailrace.kafka}"], check=True, stdout=subprocess.DEVNULL)


def measure(postgres, directory):
    tailrace = Tailrace(directory / "console_api", postgres)
    figures = {"small_overview": None}
    wait_until("the first overview", lambda: timed(tailrace, "/overview", 1)["bytes"] > 0)
    figures["small_overview"] = timed(tailrace, "/overview")
    produced(tailrace)
    cpu = tailrace.cpu_seconds()
    seconds, done = search(tailrace, "searched", filter="'nowhere to be found'", budget_ms=600000)
    figures["search"] = {"rate": done["scanned"] / seconds, "scanned": done["scanned"], "cpu_us": (tailrace.cpu_seconds() - cpu) / done["scanned"] * 1e6}
    figures["newest_ms"] = statistics.median(search(tailrace, "searched", limit=100)[0] for _ in range(TIMES)) * 1000
    figures["seek_ms"] = statistics.median(search(tailrace, "searched", limit=100, at=MESSAGES // 2, **{"from": "offset"})[0] for _ in range(TIMES)) * 1000
    topics_make(tailrace)
    figures["lists"] = {"page of 200 by name": timed(tailrace, "/topics?limit=200&sort=name&offset=2000"), "page of 200 by size": timed(tailrace, "/topics?limit=200&sort=bytes&dir=desc"),
                        "found by name": timed(tailrace, "/topics?limit=200&q=table_049"), "one topic": timed(tailrace, "/topics/orders.public.table_00042"), "find": timed(tailrace, "/find?q=table_0123")}
    figures["overview"] = timed(tailrace, "/overview")
    cpu, began = tailrace.cpu_seconds(), time.monotonic()
    time.sleep(10)
    figures["idle_cpu"] = (tailrace.cpu_seconds() - cpu) / (time.monotonic() - began)
    figures["memory_mb"] = tailrace.memory_mb("RssAnon")
    tailrace.stop()
    shutil.rmtree(directory / "console_api", ignore_errors=True)
    return figures


def lines(figures):
    def row(what, figure, limit):
        return f"| {what} | **{figure['ms']:.2f} ms** | {figure['bytes'] / 1024:.1f} KiB | {limit} |"
    search_figures = figures["search"]
    text = [f"Asked over one kept connection, median of {TIMES}; {TOPICS:,} topics with {TOPICS * PARTITIONS:,} partitions, and {MESSAGES:,} messages of {MESSAGE_BYTES} bytes in one of one partition.", "",
            "| asked | answered in | bytes | to reach |", "|---|---|---|---|", row("overview, nothing there", figures["small_overview"], "2 ms, 16 KiB"),
            row(f"overview, {TOPICS:,} topics", figures["overview"], "2 ms, 16 KiB"), *(row(what, figure, "20 ms, 60 KiB") for what, figure in figures["lists"].items()),
            f"| newest 100 messages | **{figures['newest_ms']:.1f} ms** | | 30 ms |", f"| 100 messages from an offset in the middle | **{figures['seek_ms']:.1f} ms** | | 30 ms |", "",
            f"Full-text search without a match: **{search_figures['rate']:,.0f} messages/s** on one thread, {search_figures['cpu_us']:.2f} µs CPU a message (to reach: 1,000,000/s).",
            f"With {TOPICS:,} topics and no page open the program uses {figures['idle_cpu'] * 100:.1f} % of a core and {figures['memory_mb']:.0f} MB."]
    return text + [""]
