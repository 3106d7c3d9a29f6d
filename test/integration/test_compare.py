"""`tailrace compare`: what it counts holds whatever the machine does beside it; and it leaves nothing behind."""
import glob
import json
import os
import signal
import subprocess

import pytest

import harness


def command(postgres, database, *more):
    return [str(harness.build_directory() / "tailrace"), "compare", "--port", str(postgres.port), "--database", database, *map(str, more)]


def leftovers(postgres, database, directory):
    slots = postgres.execute("postgres", f"SELECT slot_name FROM pg_replication_slots WHERE database = '{database}'")
    names = postgres.execute(database, "SELECT nspname FROM pg_namespace WHERE nspname = 'tailrace_compare' UNION ALL SELECT pubname FROM pg_publication")
    backends = postgres.execute("postgres", f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'")
    return slots + names + backends + glob.glob(f"{directory}/tailrace-compare-*")


@pytest.fixture
def environment(tmp_path):
    """Its Tailrace gets a directory of ours, so that what stays behind is seen."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


def test_change_capture_misses_nothing_and_polling_what_it_cannot_see(postgres, database, environment, tmp_path):
    out = tmp_path / "compare.json"
    done = subprocess.run(command(postgres, database, "--seconds", 6, "--rate", 100, "--rows", 500, "--interval-ms", 500, "--out", out), env=environment,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "change capture" in done.stdout and "committed behind the mark" in done.stdout
    result = json.loads(out.read_text())
    conditions, sides = result["conditions"], {side["method"]: side for side in result["methods"]}
    written = conditions["inserts"] + conditions["updates"] + conditions["deletes"]
    assert set(sides) == {"change_capture", "whole_query", "by_id", "by_time"}
    assert conditions["deletes"] > 0 and conditions["updates"] > 0 and conditions["late"] > 0
    for side in sides.values():
        assert side["seen"] + side["missed"]["total"] == written
        assert side["missed"]["total"] == sum(count for cause, count in side["missed"].items() if cause != "total")
        assert side["unexpected"] == 0 and side["missed"]["others"] == 0
        assert side["latency_ms"]["p50"] <= side["latency_ms"]["p99"] <= side["latency_ms"]["max"]
        assert side["database_cpu_s"] is not None and side["consumer_mb"] > 0
    stream = sides["change_capture"]
    assert stream["missed"]["total"] == 0 and stream["seen_again"] == 0 and stream["seen"] == written and stream["rows_read"] == written
    assert stream["queries"] == 0 and stream["program_mb"] > 0
    assert sides["by_id"]["missed"]["deletes"] == sides["by_time"]["missed"]["deletes"] == conditions["deletes"]
    assert sides["by_id"]["missed"]["updates"] > 0 and sides["by_time"]["missed"]["updates"] == 0
    assert sides["by_id"]["missed"]["behind_mark"] > 0 and sides["by_time"]["missed"]["behind_mark"] > 0
    assert sides["whole_query"]["missed"]["deletes"] == 0 and sides["whole_query"]["missed"]["behind_mark"] == 0
    assert sides["whole_query"]["seen_again"] > 0
    assert all(sides[method]["queries"] > 0 for method in ("whole_query", "by_id", "by_time"))
    assert leftovers(postgres, database, tmp_path) == []


def test_looking_back_finds_late_rows_and_gives_others_again(postgres, database, environment):
    done = subprocess.run(command(postgres, database, "--seconds", 4, "--rate", 100, "--rows", 100, "--interval-ms", 300, "--overlap-ms", 60000, "--json", "--quiet"),
                          env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    by_time = next(side for side in json.loads(done.stdout)["methods"] if side["method"] == "by_time")
    assert by_time["missed"]["behind_mark"] == 0 and by_time["seen_again"] > 0


def started(postgres, database, environment):
    process = subprocess.Popen(command(postgres, database, "--seconds", 600), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    for line in process.stderr:
        if "three pollers read" in line:
            return process
    raise AssertionError(f"it ended with {process.wait()}")


def test_ctrl_c_ends_it_and_leaves_nothing_behind(postgres, database, environment, tmp_path):
    process = started(postgres, database, environment)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 130
    assert "removed" in process.stderr.read()
    assert leftovers(postgres, database, tmp_path) == []


def test_a_second_one_waits_its_turn_and_removes_what_a_killed_one_left(postgres, database, environment, tmp_path):
    process = started(postgres, database, environment)
    second = subprocess.run(command(postgres, database, "--seconds", 1), env=environment, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "another tailrace compare runs on this database" in second.stderr
    process.kill()
    process.wait(30)
    harness.wait_until(lambda: not postgres.execute("postgres", f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}'"), 30, "the children having ended")
    assert leftovers(postgres, database, tmp_path) != []
    done = subprocess.run(command(postgres, database, "--seconds", 1, "--rate", 20, "--interval-ms", 100), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [left for left in leftovers(postgres, database, tmp_path) if not str(left).startswith(str(tmp_path))] == []


def test_what_is_wrong_is_said_and_nothing_stays(postgres, database, environment, tmp_path):
    done = subprocess.run(command(postgres, database, "--password", "wrong"), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "password authentication failed" in done.stderr
    postgres.execute(database, "CREATE ROLE compare_weak LOGIN PASSWORD 'weak'", f'GRANT CREATE ON DATABASE "{database}" TO compare_weak')
    try:
        done = subprocess.run(command(postgres, database, "--user", "compare_weak", "--password", "weak"), env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "must be superuser or replication role" in done.stderr
    finally:
        postgres.execute(database, "DROP OWNED BY compare_weak CASCADE", "DROP ROLE compare_weak")
    done = subprocess.run(command(postgres, database, "--rate", "many"), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--rate" in done.stderr
    assert leftovers(postgres, database, tmp_path) == []
