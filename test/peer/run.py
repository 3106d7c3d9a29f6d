#!/usr/bin/env python3
"""Runs the cases against the built program and compares every byte of its topics with what Debezium wrote for the same SQL.

    run.py [--build DIR] [--jobs N] [--required] [--verbose] [CASE...]

Starts a PostgreSQL and the program for itself. Cases of required.txt have to pass; the others are listed as the distance
that is left. Exit status: 0 when all required cases that were run have passed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import harness  # noqa: E402

CASE_SECONDS = 240


def required_names():
    lines = (HERE / "required.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def case_names():
    return sorted(path.name for path in (HERE / "cases").iterdir() if path.is_dir())


def run_case(name, postgres, tailrace):
    command = [sys.executable, str(HERE / "diff_cdc.py"), "--pg", f"host=127.0.0.1 port={postgres.port} user={harness.USER} password={harness.PASSWORD}",
               "--b", f"127.0.0.1:{tailrace.kafka_port},http://127.0.0.1:{tailrace.rest_port}", "--against", str(HERE / "expected"), "--max", "3",
               str(HERE / "cases" / name)]
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CASE_SECONDS)
        code, output = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as expired:
        code, output = 2, f"no end after {CASE_SECONDS} s: {expired.stdout or ''}"
    return name, code, output, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", help="build directory (default: build-asan or build)")
    parser.add_argument("--jobs", type=int, default=4, help="cases at once (default 4; they mostly wait)")
    parser.add_argument("--required", action="store_true", help="only the required cases")
    parser.add_argument("--verbose", action="store_true", help="show the differences of all cases, not only of required ones")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["TAILRACE_BUILD"] = arguments.build
    required = required_names()
    names = arguments.cases or (required if arguments.required else case_names())
    names.sort(key=lambda name: (name not in required, name))
    passed = failed = 0
    near, far = [], []
    postgres = harness.Postgres(["max_replication_slots=100", "max_wal_senders=100"])
    with tempfile.TemporaryDirectory(prefix="tailrace-peer-") as directory:
        tailrace = harness.Tailrace(directory)
        try:
            tailrace.start()
            with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
                runs = [pool.submit(run_case, name, postgres, tailrace) for name in names]
                for run in concurrent.futures.as_completed(runs):
                    name, code, output, seconds = run.result()
                    word = "ok" if code == 0 else "FAIL" if name in required else "differs"
                    print(f"{word:8} {name:40} {seconds:5.1f} s", flush=True)
                    if code != 0 and (name in required or arguments.verbose):
                        print("    " + output.strip().replace("\n", "\n    ")[:6000], flush=True)
                    if name in required:
                        passed, failed = passed + (code == 0), failed + (code != 0)
                    else:
                        (near if code == 0 else far).append(name)
            tailrace.stop()
        except BaseException:
            print(tailrace.log[-4000:], file=sys.stderr)
            raise
        finally:
            tailrace.kill9()
            postgres.destroy()
        if "AddressSanitizer" in tailrace.log or "runtime error:" in tailrace.log:
            print(tailrace.log[-6000:])
            failed += 1
    if near or far:
        print(f"of the cases that are not required yet {len(near)} pass and {len(far)} differ: {' '.join(sorted(far))}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
