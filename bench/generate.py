#!/usr/bin/env python3
"""Rows a second that `tailrace generate transactions` commits, beside psql's \\copy of the same rows into the same table.

    bench/generate.py [--rows 500000] [--turns 3]

Both write to one private PostgreSQL, by turns; the medians are compared. Prints one line of JSON. Needs build/ (make build) and psycopg2.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from machine import BUILD, Postgres

COLUMNS = "user_id, amount, merchant, location, transaction_time"


def seconds_of(postgres, command):
    postgres.sql("mydb", "TRUNCATE transactions")
    postgres.sql("mydb", "CHECKPOINT")
    began = time.monotonic()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(postgres, directory, rows, turns=3):
    file = directory / "rows"
    generate = [BUILD / "tailrace", "generate", "transactions", "--port", postgres.port, "--count", rows, "--seed", 1]
    psql = [postgres.bin / "psql", "-h", "127.0.0.1", "-p", postgres.port, "-U", "postgres", "-q", "-d", "mydb", "-c"]
    subprocess.run([str(part) for part in [*generate, "--quiet"]], check=True)
    subprocess.run([str(part) for part in [*psql, f"\\copy transactions ({COLUMNS}) to '{file}'"]], check=True)
    copied, generated = [], []
    for _ in range(turns):
        copied.append(seconds_of(postgres, [*psql, f"\\copy transactions ({COLUMNS}) from '{file}'"]))
        generated.append(seconds_of(postgres, generate))
    file.unlink()
    copy, generator = statistics.median(copied), statistics.median(generated)
    return {"rows": rows, "turns": turns, "copy_rows_per_second": round(rows / copy), "generate_rows_per_second": round(rows / generator),
            "ratio": round(copy / generator, 2)}


def lines(figures):
    return [f"{figures['rows']:,} rows of `tailrace generate transactions` over TCP, and the same rows from a file by `psql \\copy`, into one table, by turns; medians of {figures['turns']}.",
            "", "| by | rows/s |", "|---|---|",
            f"| `tailrace generate transactions` | {figures['generate_rows_per_second']:,} |",
            f"| `psql \\copy` | {figures['copy_rows_per_second']:,} |", "",
            f"Ratio: **{figures['ratio']:.2f}**", ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tailrace-bench-"))
    directory.chmod(0o755)
    postgres = Postgres(directory)
    try:
        print(json.dumps(measure(postgres, directory, options.rows, options.turns)))
    finally:
        postgres.stop()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
