"""What supervisors, scrapers and browsers ask: /healthz, /readyz, /metrics, and tailrace status."""
import json
import pathlib
import re
import shutil
import subprocess

import harness
from harness import http


def test_health_and_readiness_are_said(tailrace):
    assert http("GET", tailrace.console_url + "/healthz").status == 200
    assert http("GET", tailrace.console_url + "/readyz").status == 200
    assert http("POST", tailrace.console_url + "/healthz", "x").status == 405


def test_metrics_have_help_type_and_numbers_of_every_part(tailrace, postgres, database):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 7)")
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    harness.wait_until(lambda: tailrace.metrics()['tailrace_connector_rows_total{connector="c"}'] == 7, 20, "seven rows being counted")
    answer = http("GET", tailrace.console_url + "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    named = set()
    for line in answer.text.splitlines():
        match = re.match(r"# (HELP|TYPE) (\S+) .+$", line) or re.match(r"([a-z_]+)(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? -?[0-9.]+$", line)
        assert match, line
        if line.startswith("# TYPE"):
            named.add(match.group(2))
        elif not line.startswith("#"):
            assert match.group(1) in named, line
    if shutil.which("promtool"):  # Debian's package prometheus
        checked = subprocess.run(["promtool", "check", "metrics"], input=answer.text, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0 and checked.stdout + checked.stderr == "", checked
    metrics = tailrace.metrics()
    assert metrics["tailrace_ready"] == metrics["tailrace_healthy"] == 1
    assert metrics[f'tailrace_topic_records{{topic="{database}.public.t"}}'] == 7
    assert metrics["tailrace_store_journal_records_total"] > 0
    assert metrics["tailrace_broker_requests_total"] >= 0
    assert metrics['tailrace_connector_running{connector="c"}'] == 1


def test_a_failed_connector_is_a_problem_with_a_remedy(tailrace, postgres, database):
    config = harness.connector_config(postgres, database, database__password="postgrespw")
    tailrace.create_connector("c", config)
    postgres.execute("postgres", f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{config['slot.name']}'")
    tailrace.wait_connector("c")
    postgres.stop()
    try:
        harness.wait_until(lambda: http("GET", tailrace.console_url + "/healthz").status == 503, 30, "the trouble being seen")
        shown = tailrace.run("tailrace", "status", "--data-dir", tailrace.data)
        assert shown.returncode == 1
        assert "PROBLEM" in shown.stdout and "do:" in shown.stdout and " c " in shown.stdout
    finally:
        postgres.start()
    harness.wait_until(lambda: http("GET", tailrace.console_url + "/healthz").status == 200, 60, "the connector going on by itself")


def test_passwords_are_masked_in_status(tailrace, postgres, database):
    tailrace.create_connector("c", harness.connector_config(postgres, database))
    text = tailrace.run("tailrace", "status", "--json", "--data-dir", tailrace.data, check=True).stdout
    assert harness.PASSWORD not in text
    assert json.loads(text)["connectors"][0]["config"]["database.password"] == "********"
    assert harness.PASSWORD not in tailrace.log


def test_a_browser_is_no_way_in(tailrace):
    for url in (tailrace.console_url + "/metrics", tailrace.rest_url + "/connectors"):
        assert http("GET", url, headers={"Host": "evil.example"}).status == 421
        assert http("GET", url, headers={"Origin": "http://evil.example"}).status == 403
        assert http("GET", url).status == 200


def test_metrics_know_groups_slots_and_agents_the_dashboard_needs(tailrace, postgres, database):
    from kafka import KafkaConsumer
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 7)")
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("c", config)
    topic = f"{database}.public.t"
    consumer = KafkaConsumer(topic, bootstrap_servers=tailrace.bootstrap, group_id="g", auto_offset_reset="earliest", enable_auto_commit=False,
                             max_poll_records=3, consumer_timeout_ms=30000)
    next(consumer)
    consumer.commit()
    harness.wait_until(lambda: tailrace.metrics().get('tailrace_group_members_count{group="g"}') == 1, 20, "the group being counted")
    harness.wait_until(lambda: tailrace.metrics().get(f'tailrace_group_topic_committed{{group="g",topic="{topic}"}}', 0) > 0, 20, "its position being counted")
    consumer.close(autocommit=False)
    metrics = tailrace.metrics()
    committed = metrics[f'tailrace_group_topic_committed{{group="g",topic="{topic}"}}']
    assert metrics['tailrace_group_lag{group="g"}'] == metrics[f'tailrace_group_topic_lag{{group="g",topic="{topic}"}}'] == 7 - committed
    harness.wait_until(lambda: any(name.startswith(f'tailrace_slot_wal_bytes{{slot="{config["slot.name"]}",server=') for name in tailrace.metrics()), 30, "the slot being seen")


def test_the_dashboard_names_only_metrics_and_labels_that_exist(tailrace):
    root = pathlib.Path(__file__).resolve().parents[2]
    rows = re.findall(r'^METRIC\("(\w+)", \w+, "([^"]*)"', (root / "src/web/metrics.def").read_text(), re.M)
    labels = {name: set(re.findall(r"(\w+)=", place)) | {"instance"} for name, place in rows}
    assert labels.keys() == set(re.findall(r"^# HELP (\S+)", http("GET", tailrace.console_url + "/metrics").text, re.M))
    panels = json.loads((root / "doc/examples/grafana/tailrace.json").read_text())["panels"]
    targets = [target for panel in panels for target in panel.get("targets", [])]
    assert len(targets) > 20
    for target in targets:
        found = re.findall(r"\b((?:tailrace|process)_\w+)\{([^}]*)\}", target["expr"])
        assert found, target
        for name, chosen in found:
            assert set(re.findall(r"(\w+)=~?", chosen)) <= labels[name], target
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels[name], target
    for name in re.findall(r"`(tailrace_\w+)`", (root / "doc/metrics.md").read_text()):
        assert name in labels, name
