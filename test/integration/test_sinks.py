"""Each kind of sink against a real receiver: PostgreSQL, files, mail, Alertmanager's and Slack's bodies; and problems as alerts."""
import datetime
import email
import email.policy
import hashlib
import hmac
import json
import os
import re
import signal
import socketserver
import ssl
import subprocess
import threading

import pytest

import harness
from agents_help import Receiver, numbered, produce_rows, records, status_of
from console_help import Console
from test_alerts import ALERTS, TOPIC, USUAL, receiver, settings, wait_alerts  # noqa: F401 (receiver is a fixture)

SCHEMA = json.loads((harness.ROOT / "doc" / "alert.schema.json").read_text())


def schema_violation(value, schema, where="alert"):
    """The few words of JSON Schema that the schema of alerts uses."""
    names = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list, "null": type(None)}
    if "enum" in schema and value not in schema["enum"]:
        return f"{where}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, names[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds):
        return f"{where}: {value!r} is no {kinds}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{where}: {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        missing, unknown = set(schema["required"]) - set(value), set(value) - set(schema["properties"])
        if missing or unknown:
            return f"{where}: missing {missing}, unknown {unknown}"
        return next(filter(None, (schema_violation(v, schema["properties"][k], f"{where}.{k}") for k, v in value.items())), None)
    if isinstance(value, list) and "items" in schema:
        return next(filter(None, (schema_violation(v, schema["items"], f"{where}[{i}]") for i, v in enumerate(value))), None)
    return None


def test_alerts_of_every_rule_are_as_the_schema_says(tailrace_factory, tmp_path):
    script = tmp_path / "each.lua"
    script.write_text('function on_event(event, key)\n  key.last("a", 5):add(event.row.amount)\n'
                      '  alert{title = "seen", severity = "info", number = event.row.amount, window = key.last("a", 5), conditions = {{"Seen", 1, "> 0", 0, true}}}\nend\n')
    values = {}
    for rule in ("spending-pattern", "spending-pattern-robust", "velocity-score", "velocity-score-event", "lua"):
        values |= {f"agents.{rule}.rule": rule, f"agents.{rule}.topic": TOPIC, f"agents.{rule}.alerts.topic": f"{rule}.alerts"}
    tailrace = tailrace_factory(values | {"agents.lua.rule.script": str(script)})
    produce_rows(tailrace, TOPIC, numbered([(7, 10.0)] * 7 + [(7, 4500.0)]))
    for rule in ("spending-pattern", "spending-pattern-robust", "velocity-score", "velocity-score-event", "lua"):
        for alert in wait_alerts(tailrace, 1, f"{rule}.alerts"):
            assert schema_violation(alert, SCHEMA) is None
            assert alert["source"]["read_us"] <= alert["source"]["scored_us"] and alert["judged"]["state"] is not None
    console = Console(tailrace)
    for line in console.get("/alerts?limit=500", "AlertList")["items"]:
        console.get(f"/alerts/{line['id']}", "Alert")
        assert console.change("POST", f"/alerts/{line['id']}/evaluate", kind="EvaluateAgain")["same"], line


def table_rows(postgres, database):
    with postgres.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('cases')")
        if cursor.fetchone()[0] is None:
            return []
        cursor.execute("SELECT id, agent, subject, title, number, alert->'row'->>'amount' FROM cases ORDER BY raised_at")
        return cursor.fetchall()


def table_settings(postgres, database, **more):
    return settings(**{"sinks.table.kind": "postgres", "sinks.table.topic": ALERTS, "sinks.table.conninfo": postgres.dsn(database), "sinks.table.table": "cases",
                       "sinks.table.from": "beginning", "sinks.table.timeout.ms": 1000, **more})


def test_a_postgres_that_hangs_is_left_and_gets_everything_later(tailrace_factory):
    postgres = harness.Postgres()
    try:
        postgres.create_database("cases")
        tailrace = tailrace_factory(table_settings(postgres, "cases"))
        produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
        harness.wait_until(lambda: len(table_rows(postgres, "cases")) == 1)
        [(server,)] = postgres.execute("postgres", "SELECT pid FROM pg_stat_activity WHERE application_name = 'tailrace sink'")
        os.kill(server, signal.SIGSTOP)  # the connection stays, and says nothing
        produce_rows(tailrace, TOPIC, numbered([(7, 40000.0)], 5))
        harness.wait_until(lambda: "gives no answer for 1000 ms" in (status_of(tailrace, "sinks", "table")["error"] or ""))
        os.kill(server, signal.SIGCONT)
        harness.wait_until(lambda: len(table_rows(postgres, "cases")) == 2)
        harness.wait_until(lambda: status_of(tailrace, "sinks", "table")["state"] == "ok")
        assert [row[1:] for row in table_rows(postgres, "cases")] == [("spending", "User 7", "User 7 spent 4000.0, the limit is 30.00", "4000.0", "4000.0"),
                                                                      ("spending", "User 7", "User 7 spent 40000.0, the limit is 3022.50", "40000.0", "40000.0")]
    finally:
        postgres.destroy()


def test_a_row_that_postgres_refuses_is_left_out_and_said(postgres, database, tailrace_factory):
    tailrace = tailrace_factory(table_settings(postgres, database))
    first = {"id": "A-0000000000000001", "agent": "a", "severity": "warn", "title": "refused", "source": {"scored_us": 1}, "row": {"text": "\u0000"}}
    second = {**first, "id": "A-0000000000000002", "title": "taken", "row": {"amount": "5"}}
    tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", ALERTS, input=json.dumps(first) + "\n" + json.dumps(second) + "\n", check=True)
    harness.wait_until(lambda: len(table_rows(postgres, database)) == 1)
    assert table_rows(postgres, database)[0][0] == second["id"]
    harness.wait_until(lambda: status_of(tailrace, "sinks", "table")["refused"] == 1)
    tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", ALERTS, input=json.dumps({**second, "title": "taken twice"}) + "\n", check=True)
    harness.wait_until(lambda: [row[3] for row in table_rows(postgres, database)] == ["taken twice"])  # a later word of the same alert
    assert "\\u0000" not in tailrace.log


def test_a_file_rotates_and_waits_while_its_disk_is_full(tailrace_factory, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        path = disk / "alerts.jsonl"
        tailrace = tailrace_factory(settings(**{"sinks.lines.kind": "file", "sinks.lines.topic": ALERTS, "sinks.lines.path": str(path), "sinks.lines.from": "beginning",
                                                "sinks.lines.rotate.bytes": 4000, "sinks.lines.rotate.keep": 3}))
        produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
        harness.wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
        with open(disk / "filler", "wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
        produce_rows(tailrace, TOPIC, numbered([(7, 40000.0), (7, 400000.0), (7, 4000000.0)], 5))
        harness.wait_until(lambda: "No space left on device" in (status_of(tailrace, "sinks", "lines")["error"] or ""))
        assert status_of(tailrace, "agents", "spending")["alerts"] == 4  # nobody else is held up
        (disk / "filler").unlink()
        expected = [alert["id"] for alert in wait_alerts(tailrace, 4)]

        def written():
            files = sorted(disk.glob("alerts.jsonl*"), key=lambda file: -int(file.suffix[1:]) if file.suffix[1:].isdigit() else 0)
            return [json.loads(line)["id"] for file in files for line in file.read_text().splitlines()]

        harness.wait_until(lambda: written() == expected)
        assert all(file.stat().st_size <= 8000 for file in disk.glob("alerts.jsonl*")) and (disk / "alerts.jsonl.1").exists()
    finally:
        for made in ("alerts.jsonl",):
            (disk / made).unlink(missing_ok=True)
        subprocess.run(["umount", "-l", disk], check=True)


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of SMTP as it takes to receive a mail."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.mails, self.refuse = [], False
        super().__init__(("127.0.0.1", 0), MailHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class MailHandler(socketserver.StreamRequestHandler):
    def handle(self):
        mail = {"to": []}
        self.wfile.write(b"220 mailbox\r\n")
        while line := self.rfile.readline():
            word = line.split(b" ")[0].strip().upper()
            if word == b"MAIL":
                mail = {"to": [], "from": line.split(b":", 1)[1].strip().decode()}
            elif word == b"RCPT":
                mail["to"].append(line.split(b":", 1)[1].strip().decode())
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    assert len(line) <= 1000
                    lines.append(line[1:] if line.startswith(b"..") else line)
                mail["data"] = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                if self.server.refuse:
                    self.wfile.write(b"451 later\r\n")
                    continue
                self.server.mails.append(mail)
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 fine\r\n")


def test_mails_arrive_whole_also_after_the_server_was_busy(tailrace_factory):
    mailbox = Mailbox()
    mailbox.refuse = True
    tailrace = tailrace_factory(settings(**{
        "sinks.mail.kind": "smtp", "sinks.mail.topic": ALERTS, "sinks.mail.url": f"smtp://127.0.0.1:{mailbox.server_address[1]}", "sinks.mail.sender": "tailrace@example.org",
        "sinks.mail.to": "cases@example.org, boss@example.org", "sinks.mail.from": "beginning"}))
    produce_rows(tailrace, TOPIC, numbered(USUAL))
    harness.wait_until(lambda: status_of(tailrace, "agents", "spending")["judged"] == 3)
    produce_rows(tailrace, TOPIC, numbered([(7, 4000.0)], 4))
    harness.wait_until(lambda: status_of(tailrace, "sinks", "mail")["tries"] >= 1)
    mailbox.refuse = False
    harness.wait_until(lambda: mailbox.mails)
    [mail] = mailbox.mails
    assert mail["to"] == ["<cases@example.org>", "<boss@example.org>"] and mail["from"] == "<tailrace@example.org>"
    [alert] = wait_alerts(tailrace, 1)
    assert mail["data"]["Subject"] == alert["title"] and alert["id"] in mail["data"]["Message-ID"]
    body = mail["data"].get_content()
    assert "Amount against the last 3: 4000.0, limit > 30.00" in body and '"amount":' in body
    harness.wait_until(lambda: Console(tailrace).get(f"/alerts/{alert['id']}")["deliveries"][0]["state"] == "ok")
    odd = {"id": "A-0000000000000009", "agent": "a", "severity": "warn", "title": "Zahlung über 5 €\r\nBcc: x@example.org " + "ü" * 400, "source": {"scored_us": 1}}
    tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", ALERTS, input=json.dumps(odd) + "\n", check=True)
    harness.wait_until(lambda: len(mailbox.mails) == 2)
    assert "Zahlung über 5 €" in mailbox.mails[1]["data"]["Subject"] and mailbox.mails[1]["data"]["Bcc"] is None
    mailbox.shutdown()
    mailbox.server_close()


def test_bodies_for_slack_and_alertmanager(tailrace_factory):
    receivers = {template: Receiver() for template in ("slack", "alertmanager")}
    values = settings()
    for template, made in receivers.items():
        values |= {f"sinks.{template}.kind": "webhook", f"sinks.{template}.topic": f"{ALERTS}, tailrace.alerts", f"sinks.{template}.url": made.url, f"sinks.{template}.template": template,
                   f"sinks.{template}.secret": "s3cret", f"sinks.{template}.from": "beginning"}
    tailrace = tailrace_factory(values)
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    for made in receivers.values():
        harness.wait_until(lambda: made.requests)
        _, headers, body = made.requests[0]
        assert headers["X-Tailrace-Signature"] == "sha256=" + hmac.new(b"s3cret", headers["X-Tailrace-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert ":rotating_light: User 7 spent 4000.0" in json.loads(receivers["slack"].requests[0][2])["text"]
    [alert] = json.loads(receivers["alertmanager"].requests[0][2])
    assert set(alert) == {"labels", "annotations", "startsAt"} and datetime.datetime.fromisoformat(alert["startsAt"]).tzinfo is not None
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and isinstance(value, str) for texts in ("labels", "annotations") for name, value in alert[texts].items())
    assert alert["labels"]["alertname"] == "spending-pattern" and alert["labels"]["severity"] == "critical" and "User 7" in alert["annotations"]["summary"]
    over = {"id": "A-0000000000000003", "agent": "tailrace", "rule": "disk_low", "severity": "warn", "title": "The log's disk has little room left", "source": {"scored_us": 1_700_000_000_000_000},
            "problem": {"why": "Less than 1 GiB is free.", "todo": "Free <some> space.", "closed": True}}
    tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", "tailrace.alerts", input=json.dumps(over) + "\n", check=True)
    for made in receivers.values():
        harness.wait_until(lambda: len(made.requests) == 2)
        made.close()
    assert json.loads(receivers["slack"].requests[1][2])["text"].startswith(":white_check_mark: Over: The log's disk")
    assert "Free &lt;some&gt; space." in json.loads(receivers["slack"].requests[1][2])["text"]
    [alert] = json.loads(receivers["alertmanager"].requests[1][2])
    assert alert["endsAt"] == "2023-11-14T22:13:20Z" and alert["annotations"]["todo"] == "Free <some> space." and "startsAt" not in alert


@pytest.mark.parametrize("torn, left", (('{"id":"A-00000000000000', ""), ('{"i', ""), ("a note of somebody", "a note of somebody\n"), ("", "")))
def test_half_a_line_that_a_killed_program_left_spoils_no_alert(tailrace_factory, tmp_path, torn, left):
    path = tmp_path / "alerts.jsonl"
    whole = json.dumps({"id": "A-0", "title": "x" * 9000}) + "\n"
    path.write_text(whole + torn)
    tailrace = tailrace_factory(settings(**{"sinks.lines.kind": "file", "sinks.lines.topic": ALERTS, "sinks.lines.path": str(path), "sinks.lines.from": "beginning"}))
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    alert, = wait_alerts(tailrace, 1)
    harness.wait_until(lambda: status_of(tailrace, "sinks", "lines")["delivered"] == 1)
    text = path.read_text()
    assert text.startswith(whole + left) and [json.loads(line)["id"] for line in text[len(whole + left):].splitlines()] == [alert["id"]]


def test_a_case_tool_that_was_down_gets_everything_once_also_over_kill_9(tailrace_factory):
    made = Receiver()
    made.answers.extend([503] * 3)
    tailrace = tailrace_factory(settings(made))
    rows = numbered(USUAL + [(7, 4000.0 * 4 ** i) for i in range(6)])
    produce_rows(tailrace, TOPIC, rows)
    expected = [alert["id"] for alert in wait_alerts(tailrace, 6)]
    harness.wait_until(lambda: len(made.requests) >= 2)
    tailrace.kill9()
    made.answers.clear()
    tailrace.start()
    harness.wait_until(lambda: made.delivered() == expected)
    made.close()


def test_problems_reach_the_sinks_once_and_their_end_too(tailrace_factory, receiver, tmp_path):
    script = tmp_path / "fails.lua"
    script.write_text("function on_event(event, key)\n  error('boom')\nend\n")
    tailrace = tailrace_factory({"problems.alerts": "true", "sinks.case.kind": "webhook", "sinks.case.topic": f"{ALERTS},tailrace.alerts", "sinks.case.url": receiver.url,
                                 "sinks.case.from": "beginning", "agents.broken.rule": "lua", "agents.broken.topic": TOPIC, "agents.broken.rule.script": str(script)})
    produce_rows(tailrace, TOPIC, numbered([(7, 10.0)]))
    harness.wait_until(lambda: receiver.requests)
    opened = json.loads(receiver.requests[0][2])
    assert schema_violation(opened, SCHEMA) is None
    assert (opened["agent"], opened["rule"], opened["severity"], opened["subject"]) == ("tailrace", "agent_failed", "crit", "broken") and "boom" in opened["problem"]["why"]
    alert = Console(tailrace).get(f"/alerts/{opened['id']}", "Alert")
    assert alert["state"] == "open" and alert["problem"]["todo"] and alert["conditions"] == [] and alert["hops"] == []
    assert Console(tailrace).change("POST", f"/alerts/{opened['id']}/evaluate", status=409)["error"]["code"] == "NOT_JUDGED"
    tailrace.kill9()
    tailrace.start()  # it is still there, and not said again
    harness.wait_until(lambda: status_of(tailrace, "agents", "broken")["state"] == "failed")
    script.write_text("function on_event(event, key)\nend\n")
    tailrace.restart()
    harness.wait_until(lambda: len(receiver.requests) > 1, timeout=120)  # a minute after the start
    closed = json.loads(receiver.requests[1][2])
    assert closed["id"] == opened["id"] and closed["problem"]["closed"]
    harness.wait_until(lambda: Console(tailrace).get(f"/alerts/{opened['id']}")["state"] == "resolved")
    assert len(records(tailrace, "tailrace.alerts")) == 2


def test_a_receiver_whose_certificate_an_own_authority_signed(tailrace_factory, receiver, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True, do_handshake_on_connect=False)
    tailrace = tailrace_factory(settings(**{"sinks.case.kind": "webhook", "sinks.case.topic": ALERTS, "sinks.case.url": receiver.url.replace("http://127.0.0.1", "https://localhost"),
                                            "sinks.case.from": "beginning"}))
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    harness.wait_until(lambda: "name that one's file in setting ca.file" in (status_of(tailrace, "sinks", "case")["error"] or ""))
    assert receiver.requests == []
    tailrace.restart(**{"sinks.case.ca.file": certificate})
    [alert] = wait_alerts(tailrace, 1)
    harness.wait_until(lambda: receiver.delivered() == [alert["id"]])
