"""Clients of other languages, where their tools are installed: kafkajs (node, npm) and franz-go (go)."""
import json
import pathlib
import shutil
import subprocess

import pytest

CLIENTS = pathlib.Path(__file__).parent / "clients"


def run(command, directory, timeout=120):
    return subprocess.run([str(part) for part in command], cwd=directory, capture_output=True, text=True, timeout=timeout)


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed")
def test_kafkajs(tailrace, tmp_path):
    shutil.copy(CLIENTS / "kafkajs.js", tmp_path)
    installed = run(["npm", "install", "--no-audit", "--no-fund", "kafkajs@2.2.4"], tmp_path)
    if installed.returncode != 0:
        pytest.skip("kafkajs cannot be installed: " + installed.stderr[-300:])
    done = run(["node", "kafkajs.js", tailrace.bootstrap], tmp_path)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {"created": True, "consumed": 200, "state": "Stable", "committed": 200, "settings": 33, "retention": "1000", "left": 0}


@pytest.mark.skipif(not shutil.which("go"), reason="go is not installed")
def test_franz_go(tailrace, tmp_path):
    built = run(["go", "build", "-o", tmp_path / "franz_go", "."], CLIENTS / "franz_go", timeout=400)
    if built.returncode != 0:
        pytest.skip("franz-go cannot be built: " + built.stderr[-300:])
    done = run([tmp_path / "franz_go", tailrace.bootstrap], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"consumed": 1000, "lag": 0, "settings": 33}
