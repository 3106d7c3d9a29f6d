#!/usr/bin/env python3
"""embed.py: builds the console and turns it into a C table of gzipped files.

Meson runs it. What was built is kept under .cache/console/ by the hash of the sources, so other build
directories and later builds take it from there. Without node or npm a plain page takes its place that
says how to build the console; with --mode enabled that is an error instead.
"""
import argparse
import fcntl
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".json": "application/json"}
NODE_MAJOR = 18
PLAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tailrace</title></head>
<body>
<h1>Tailrace runs</h1>
<p>This program was built without its console, because %s.</p>
<p>To have it: install node %d or later and npm, then run <code>meson configure -Dconsole=enabled</code> and <code>ninja</code> in the build directory.</p>
<p>Meanwhile: <code>tailrace status</code>, <a href="/healthz">/healthz</a>, <a href="/metrics">/metrics</a>.</p>
</body></html>
"""


def source_files(console):
    names = ["package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html", "check-bundle.mjs", "embed.py"]
    return [console / n for n in names] + sorted(p for p in (console / "src").rglob("*") if p.is_file() and "demo" not in p.parts)


def hash_of(console):
    total = hashlib.sha256()
    for path in source_files(console):
        total.update(str(path.relative_to(console)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:20]


def node_missing():
    """Says what is missing to build the console, or None."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} was not found"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", version)
    if not found or int(found.group(1)) < NODE_MAJOR:
        return f"node {version.strip() or '(unknown)'} is older than {NODE_MAJOR}"
    return None


def run(command, console, **environment):
    done = subprocess.run(command, cwd=console, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, check=False, timeout=600)
    if done.returncode != 0:
        print(done.stdout[-3000:], file=sys.stderr)
        return f"{' '.join(command[:2])} failed"
    return None


def install(console):
    """npm ci, unless node_modules is already what the lock file asks for."""
    lock = hashlib.sha256((console / "package-lock.json").read_bytes()).hexdigest()
    stamp = console / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == lock:
        return None
    failed = run(["npm", "ci", "--no-audit", "--no-fund"], console)
    if not failed:
        stamp.write_text(lock)
    return failed


def build(console, cache):
    """Builds into the cache; gives what went wrong, or None."""
    missing = node_missing()
    if missing:
        return missing
    failed = install(console)
    if failed:
        return failed
    fresh = cache.parent / (cache.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    failed = run(["node", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], console, CONSOLE_OUT=str(fresh))
    failed = failed or run(["node", "check-bundle.mjs", str(fresh)], console)
    if failed:
        shutil.rmtree(fresh, ignore_errors=True)
        return failed
    for old in cache.parent.iterdir():
        if old != fresh and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    fresh.rename(cache)
    return None


def files_of(dist):
    return sorted(("/" + str(p.relative_to(dist)), p.read_bytes()) for p in dist.rglob("*") if p.is_file())


def c_source(files):
    out = ["/* Made by console/embed.py from the built console; not for editing. */", '#include "web/assets.h"', ""]
    rows = []
    for number, (path, data) in enumerate(files):
        packed = gzip.compress(data, 9, mtime=0)
        out.append(f"static const unsigned char data_{number}[] = {{")
        out += ["".join(f"{byte}," for byte in packed[at:at + 40]) for at in range(0, len(packed), 40)]
        out.append("};")
        kind = TYPES.get(pathlib.PurePath(path).suffix, "application/octet-stream")
        unchanging = "true" if path.startswith("/assets/") else "false"
        rows.append(f'    {{"{path}", "{kind}", "\\"{hashlib.sha256(data).hexdigest()[:16]}\\"", {unchanging}, data_{number}, sizeof(data_{number}), {len(data)}}},')
    out += ["", "const struct web_asset web_assets[] = {"] + rows + ["};", f"const size_t web_asset_count = {len(files)};", ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["auto", "enabled", "disabled", "cached"], required=True)
    parser.add_argument("--console", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path)
    options = parser.parse_args()
    console = options.console.resolve()
    if options.depfile:
        inputs = " ".join(str(p).replace(" ", "\\ ") for p in source_files(console))
        options.depfile.write_text(f"{options.output}: {inputs}\n")

    cache = console.parent / ".cache" / "console" / hash_of(console)
    failed = None
    if options.mode == "disabled":
        failed = "that was asked for"
    elif not cache.is_dir():
        if options.mode == "cached":
            failed = "a build for tests takes it only when it is there already"
        else:
            cache.parent.mkdir(parents=True, exist_ok=True)
            with open(cache.parent / "lock", "w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                failed = None if cache.is_dir() else build(console, cache)
    if failed and options.mode == "enabled":
        print(f"embed.py: cannot build the console: {failed}", file=sys.stderr)
        return 1
    if failed:
        if options.mode == "auto":
            print(f"embed.py: the program gets a plain page instead of its console: {failed}", file=sys.stderr)
        files = [("/index.html", (PLAIN % (failed, NODE_MAJOR)).encode())]
    else:
        files = files_of(cache)
    options.output.write_text(c_source(files), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
