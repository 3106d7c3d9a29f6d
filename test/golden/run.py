#!/usr/bin/env python3
"""Runs the recorded answers of Apache's tools (cli/) and of Kafka Connect (rest/) against the built program.

    run.py [--build DIR] [--only cli|rest] [--required] [--verbose] [--side-by-side N]

Cases of cli_required.txt and rest_required.txt have to pass; the others are listed as the distance that is left. Exit status: 0
when all required cases have passed. Each case of the tools has a server of its own, and spends most of its time waiting as the
recorded commands did; so several run side by side.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import harness  # noqa: E402
sys.path.insert(0, str(HERE))
import cli_runner  # noqa: E402

CASE_SECONDS = 300


class Tally:
    def __init__(self, verbose):
        self.verbose, self.passed, self.failed = verbose, 0, 0
        self.near, self.far = [], []

    def add(self, kind, name, required, passed, output):
        word = "ok" if passed else "FAIL" if required else "differs"
        print(f"{word:8} {kind} {name}", flush=True)
        if not passed and (required or self.verbose):
            print("    " + output.strip().replace("\n", "\n    ")[:8000], flush=True)
        if required:
            self.passed, self.failed = self.passed + passed, self.failed + (not passed)
        else:
            (self.near if passed else self.far).append(f"{kind}/{name}")


def names_of(kind):
    required = [line for line in (HERE / f"{kind}_required.txt").read_text().splitlines() if line and not line.startswith("#")]
    every = sorted(path.stem for path in (HERE / kind).glob("*.case"))
    return required, required + [name for name in every if name not in required]


def run(command):
    try:
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=CASE_SECONDS)
        return done.returncode == 0, done.stdout + done.stderr
    except subprocess.TimeoutExpired as expired:
        return False, f"no end after {CASE_SECONDS} s: {expired.stdout or ''}"


def run_cli(tally, only_required, side_by_side):
    required, every = names_of("cli")
    program = harness.build_directory() / "tailrace"
    names = [name for name in (required if only_required else every) if name not in cli_runner.CASES_ON_PURPOSE]
    with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
        commands = [[str(HERE / "cli_runner.py"), "--tailrace", str(program), name] for name in names]
        for name, (passed, output) in zip(names, pool.map(run, commands)):
            tally.add("cli", name, name in required, passed, output)
    for name, why in cli_runner.CASES_ON_PURPOSE.items():
        print(f"left out cli {name}: {why}")


def run_rest(tally, only_required):
    required, every = names_of("rest")
    postgres = harness.Postgres()
    with tempfile.TemporaryDirectory(prefix="tailrace-golden-") as directory:
        tailrace = harness.Tailrace(directory, {"host.aliases": "postgres=127.0.0.1"})
        try:
            tailrace.start()
            for name in required if only_required else every:
                url = f"postgres://{harness.USER}:{harness.PASSWORD}@127.0.0.1:{postgres.port}"
                passed, output = run([str(HERE / "rest_runner.py"), "--url", f"http://localhost:{tailrace.rest_port}", "--postgres", url, name])
                tally.add("rest", name, name in required, passed, output)
            tailrace.stop()
        finally:
            tailrace.kill9()
            postgres.destroy()
        if re.search("AddressSanitizer|runtime error:", tailrace.log):
            tally.add("rest", "sanitizers", True, False, tailrace.log[-6000:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", help="build directory (default: build-asan or build)")
    parser.add_argument("--only", choices=["cli", "rest"])
    parser.add_argument("--required", action="store_true", help="only the required cases")
    parser.add_argument("--verbose", action="store_true", help="show the differences of all cases, not only of required ones")
    parser.add_argument("--side-by-side", type=int, default=4, metavar="N", help="cases of the tools at once (default: 4)")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["TAILRACE_BUILD"] = arguments.build
    tally = Tally(arguments.verbose)
    if arguments.only != "cli":
        run_rest(tally, arguments.required)
    if arguments.only != "rest":
        run_cli(tally, arguments.required, arguments.side_by_side)
    if tally.near or tally.far:
        print(f"of the cases that are not required yet {len(tally.near)} pass and {len(tally.far)} differ: {' '.join(tally.far)}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
