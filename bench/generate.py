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

import run

COLUMNS = "user_id, amount, merchant, location, transaction_time"


def seconds_of(postgres, command):
    postgres.sql("mydb", "TRUNCATE transactions")
    postgres.sql("mydb", "CHECKPOINT")
    began = time.monotonic()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tailrace-bench-"))
    directory.chmod(0o755)
    postgres = run.Postgres(directory)
    rows = directory / "rows"
    generate = [run.BUILD / "tailrace", "generate", "transactions", "--port", postgres.port, "--count", options.rows, "--seed", 1]
    psql = [postgres.bin / "psql", "-h", "127.0.0.1", "-p", postgres.port, "-U", "postgres", "-q", "-d", "mydb", "-c"]
    try:
        subprocess.run([str(part) for part in [*generate, "--quiet"]], check=True)
        subprocess.run([str(part) for part in [*psql, f"\\copy transactions ({COLUMNS}) to '{rows}'"]], check=True)
        copied, generated = [], []
        for _ in range(options.turns):
            copied.append(seconds_of(postgres, [*psql, f"\\copy transactions ({COLUMNS}) from '{rows}'"]))
            generated.append(seconds_of(postgres, generate))
    finally:
        postgres.stop()
        shutil.rmtree(directory)
    copy, generator = statistics.median(copied), statistics.median(generated)
    print(json.dumps({"rows": options.rows, "copy_rows_per_second": round(options.rows / copy), "generate_rows_per_second": round(options.rows / generator),
                      "ratio": round(copy / generator, 2)}))


if __name__ == "__main__":
    main()
