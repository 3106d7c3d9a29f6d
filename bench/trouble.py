"""What a bad day in the console costs the pipeline: 200 event streams are asked for, half of those that are given read nothing, and as many
searches as may run look through 10 M messages, while a connector drains. With and without, in turns, so that a busy machine is busy for both."""
import http.client
import json
import shutil
import socket
import statistics
import subprocess
import time

from machine import BUILD, Tailrace, connector, wait_until

TURNS = (False, True, True, False, False, True, True, False)
STREAMS, SEARCHES = 200, 4
MESSAGES, MESSAGE_BYTES = 10_000_000, 100
STREAM = "/api/v1/stream?watch=overview,problems,topics,connectors"
SEARCH = "/api/v1/topics/searched/messages?budget_ms=600000&filter=nowhere_to_be_found"


def produced(tailrace):
    subprocess.run([str(BUILD / "tailrace"), "kafka-producer-perf-test", "--topic", "searched", "--num-records", str(MESSAGES), "--record-size", str(MESSAGE_BYTES), "--throughput", "-1",
                    "--bootstrap-server", f"127.0.0.1:{tailrace.kafka}"], check=True, stdout=subprocess.DEVNULL)


def opened(tailrace, path):
    """A connection whose answer has begun, and its status."""
    client = socket.create_connection(("127.0.0.1", tailrace.web))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client, int(client.recv(12).split()[1])


class Load:
    """The streams and searches; read() takes what came of half of the streams and of all searches."""

    def __init__(self, tailrace):
        wait_until("a page to be let in", lambda: opened(tailrace, STREAM)[1] == 200)
        streams = [opened(tailrace, STREAM) for _ in range(STREAMS)]
        self.held = [client for client, status in streams if status == 200]
        self.refused = sum(status == 503 for _, status in streams)
        searches = [opened(tailrace, SEARCH) for _ in range(SEARCHES)]
        assert self.refused + len(self.held) == STREAMS and all(status == 200 for _, status in searches)
        self.searches = [client for client, _ in searches]
        self.reading = self.held[::2] + self.searches
        for client in self.reading:
            client.setblocking(False)
        for client, status in streams:
            if status != 200:
                client.close()

    def read(self):
        for client in self.reading:
            try:
                while client.recv(65536):
                    pass
            except BlockingIOError:
                pass

    def end(self):
        for client in self.held + self.searches:
            client.close()


def cancelled_ms(tailrace):
    """From the end of the connections of all searches that may run to another one being let in."""
    searches = [opened(tailrace, SEARCH)[0] for _ in range(SEARCHES)]
    for client in searches:
        client.recv(65536)
    began = time.monotonic()
    for client in searches:
        client.close()

    def is_free():
        connection = http.client.HTTPConnection("127.0.0.1", tailrace.web, timeout=10)
        connection.request("GET", "/api/v1/topics/searched/messages?limit=1")
        status = connection.getresponse().status
        connection.close()
        return status == 200

    wait_until("a search to be let in", is_free, 30)
    return (time.monotonic() - began) * 1000


def drained(postgres, tailrace, turn, rows, loaded):
    """Every turn has a slot of its own at the same place, so each reads the same WAL."""
    name = f"trouble_{turn}"
    load = Load(tailrace) if loaded else None
    time.sleep(2)  # the load is there, and what the turn before left is gone
    topic = f"{name}.public.transactions"
    began = time.monotonic()
    tailrace.request("PUT", f"/connectors/{name}/config", connector(postgres, name, "trouble", "postgres", {"slot.name": name, "snapshot.mode": "no_data"}))

    def is_done():
        if load:
            load.read()
        return tailrace.end_offset(topic) >= rows

    wait_until("all rows", is_done, 300)
    seconds = time.monotonic() - began
    figures = {"rate": rows / seconds, "streams": len(load.held) if load else 0, "refused": load.refused if load else 0}
    if load:
        load.end()
    tailrace.request("DELETE", f"/connectors/{name}")
    subprocess.run([str(BUILD / "bin" / "kafka-topics"), "--bootstrap-server", f"127.0.0.1:{tailrace.kafka}", "--delete", "--topic", topic], check=True, stdout=subprocess.DEVNULL)
    return figures


def measure(postgres, directory, rows):
    rows = min(rows, 500_000) // 1000 * 1000
    postgres.database("trouble")
    for turn in range(len(TURNS)):
        postgres.sql("trouble", "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", f"trouble_{turn}")
    postgres.fill("trouble", rows)
    postgres.sql("trouble", "CHECKPOINT")
    tailrace = Tailrace(directory / "trouble", postgres, [f"host.aliases=postgres={postgres.sockets}"])
    produced(tailrace)
    turns = [drained(postgres, tailrace, turn, rows, loaded) for turn, loaded in enumerate(TURNS)]
    cancels = [cancelled_ms(tailrace) for _ in range(5)]
    memory = tailrace.memory_mb("VmHWM")
    tailrace.stop()
    shutil.rmtree(directory / "trouble", ignore_errors=True)
    for turn in range(len(TURNS)):
        postgres.sql("postgres", "SELECT pg_drop_replication_slot(%s)", f"trouble_{turn}")
    pairs = [sorted((2 * i, 2 * i + 1), key=lambda turn: TURNS[turn]) for i in range(len(TURNS) // 2)]
    return {"rows": rows, "quiet": statistics.median(one["rate"] for one, loaded in zip(turns, TURNS) if not loaded), "loaded": statistics.median(one["rate"] for one, loaded in zip(turns, TURNS) if loaded),
            "ratios": [turns[on]["rate"] / turns[off]["rate"] for off, on in pairs], "streams": max(one["streams"] for one in turns), "refused": max(one["refused"] for one in turns),
            "cancel_ms": statistics.median(cancels), "cancel_most_ms": max(cancels), "memory_mb": memory}


def lines(result):
    ratios = result["ratios"]
    return [f"A connector drains {result['rows']:,} rows, {len(ratios)} times with nobody at the console and {len(ratios)} times with {STREAMS} event streams asked for ({result['streams']} are given, half of them "
            f"never read; {result['refused']} are told so) and {SEARCHES} searches looking through {MESSAGES:,} messages for what is not there.", "",
            "| drain, rows/s | quiet | with streams and searches | ratio of each pair: median (least to most) |", "|---|---|---|---|",
            f"| | {result['quiet']:,.0f} | {result['loaded']:,.0f} | **{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) |", "",
            f"A search that is given up leaves its place to another after {result['cancel_ms']:.0f} ms (median of 5; at most {result['cancel_most_ms']:.0f} ms). Peak memory over all: {result['memory_mb']:.0f} MB.", ""]
