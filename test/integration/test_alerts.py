"""Alerts and their sinks inside `up`: kept, explained, judged again, muted, folded, delivered once a receiver is back."""
import json
import socket
import threading
import urllib.parse

import kafka
import pytest

import harness
from agents_help import Receiver, numbered, produce_rows, records, status_of
from console_help import Console

TOPIC = "shop.public.transactions"
ALERTS = "shop.alerts"
USUAL = [(7, 10.0)] * 3


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def settings(receiver=None, **more):
    values = {"agents.spending.rule": "spending-pattern", "agents.spending.topic": TOPIC}
    if receiver:
        values |= {"sinks.case.kind": "webhook", "sinks.case.topic": ALERTS, "sinks.case.url": receiver.url, "sinks.case.from": "beginning"}
    return values | more


def wait_alerts(tailrace, count, topic=ALERTS):
    harness.wait_until(lambda: len(records(tailrace, topic)) >= count, what=f"{count} alerts")
    return records(tailrace, topic)


def test_an_alert_explains_itself_and_is_judged_the_same_again(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver))
    console = Console(tailrace)
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    harness.wait_until(lambda: receiver.delivered())
    [line] = console.get("/alerts", "AlertList")["items"]
    alert = console.get(f"/alerts/{line['id']}", "Alert")
    assert [condition["held"] for condition in alert["conditions"]] == [True, True]
    assert [(i["offset"], i["number"], i["gone"]) for i in alert["window"]["inputs"]] == [(0, "10.0", False), (1, "10.0", False), (2, "10.0", False)]
    assert alert["offset"] == 3 and alert["key"] == "7"
    harness.wait_until(lambda: console.get(f"/alerts/{line['id']}")["deliveries"][0]["state"] == "ok")
    [delivery] = console.get(f"/alerts/{line['id']}", "Alert")["deliveries"]
    assert (delivery["sink"], delivery["kind"], delivery["answer"], delivery["tries"]) == ("case", "webhook", "200", 1) and delivery["took_us"] > 0
    steps = [hop["step"] for hop in console.get(f"/alerts/{line['id']}")["hops"]]
    assert steps[-4:] == ["read", "scored", "alerted", "delivered"], steps
    again = console.change("POST", f"/alerts/{line['id']}/evaluate", kind="EvaluateAgain")
    assert again["same"] and again["text"].startswith("The same verdict: User 7 spent 4000")


def test_what_changed_since_or_is_gone_is_said(tailrace_factory):
    tailrace = tailrace_factory(settings())
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    identity = wait_alerts(tailrace, 1)[0]["id"]
    tailrace.restart(**{"agents.spending.rule.floor": 5000})
    console = Console(tailrace)
    again = console.change("POST", f"/alerts/{identity}/evaluate", kind="EvaluateAgain")
    assert not again["same"] and "would not fire now" in again["text"]
    tailrace.restart(**{"agents.spending.rule.floor": 500})
    (tailrace.directory / "cut").write_text(json.dumps({"partitions": [{"topic": TOPIC, "partition": 0, "offset": 2}], "version": 1}))
    tailrace.run("kafka-delete-records", "--bootstrap-server", tailrace.bootstrap, "--offset-json-file", str(tailrace.directory / "cut"), check=True)
    again = console.change("POST", f"/alerts/{identity}/evaluate", kind="EvaluateAgain")
    assert again["same"] and "2 of its 3 inputs are no longer in the log, the first at partition 0, offset 0" in again["text"]
    (tailrace.directory / "cut").write_text(json.dumps({"partitions": [{"topic": TOPIC, "partition": 0, "offset": -1}], "version": 1}))
    tailrace.run("kafka-delete-records", "--bootstrap-server", tailrace.bootstrap, "--offset-json-file", str(tailrace.directory / "cut"), check=True)
    error = console.change("POST", f"/alerts/{identity}/evaluate", status=409)["error"]
    assert error["code"] == "INPUT_GONE" and "offset 3" in error["why"]
    assert console.change("POST", "/alerts/A-none/evaluate", status=404)["error"]["code"] == "UNKNOWN_ALERT"


def test_what_is_muted_is_kept_and_counted_but_not_sent(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver))
    console = Console(tailrace)
    for wrong in ({"minutes": 5}, {"agent": "spending", "minutes": 0}, {"agent": "spending"}, {"key": "7", "minutes": 99999}):
        assert console.change("POST", "/mutes", wrong, status=400)["error"]["code"] == "BAD_MUTE"
    mute = console.change("POST", "/mutes", {"agent": "spending", "key": "7", "minutes": 60, "note": "a gift"}, status=201, kind="Mute")
    assert console.get("/mutes", "List<Mute>")["items"] == [mute]
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(8, 10.0)] * 3 + [(7, 4000.0), (8, 4000.0)]))
    harness.wait_until(lambda: receiver.delivered())
    muted, sent = (next(a for a in wait_alerts(tailrace, 2) if a["key"] == key) for key in "78")
    assert receiver.delivered() == [sent["id"]]
    assert status_of(tailrace, "agents", "spending")["alerts"] == 2 and status_of(tailrace, "sinks", "case")["muted"] == 1
    assert console.get(f"/alerts/{muted['id']}")["mute"] == mute["id"] and console.get(f"/alerts/{sent['id']}")["mute"] is None
    harness.wait_until(lambda: console.get(f"/alerts/{muted['id']}", "Alert")["deliveries"][0]["mute"] == mute["id"])
    console.change("DELETE", f"/mutes/{mute['id']}", status=204)
    assert console.get("/mutes")["total"] == 0 and console.get("/mutes?all=1")["total"] == 1
    console.change("DELETE", "/mutes/M-none", status=404)
    produce_rows(tailrace, TOPIC, numbered([(7, 4900.0)], 9))
    harness.wait_until(lambda: len(receiver.delivered()) == 2)
    assert json.loads(receiver.requests[-1][2])["row"]["id"] == 9
    again = console.change("POST", f"/alerts/{muted['id']}/deliver", {"sink": "case"}, kind="Alert")  # on somebody's wish
    assert receiver.delivered()[-1] == muted["id"] and again["deliveries"][0]["state"] == "ok"


def test_a_mute_of_an_agent_holds_for_a_sink_that_comes_later(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings())
    console = Console(tailrace)
    mute = console.change("POST", "/mutes", {"agent": "spending", "minutes": 60}, status=201)
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    wait_alerts(tailrace, 1)
    console.change("DELETE", f"/mutes/{mute['id']}", status=204)
    produce_rows(tailrace, TOPIC, numbered([(7, 4900.0)], 5))
    wait_alerts(tailrace, 2)
    tailrace.restart(**settings(receiver))
    harness.wait_until(lambda: receiver.delivered())
    assert [json.loads(body)["row"]["id"] for _, _, body in receiver.requests] == [5]


def test_a_storm_is_folded_and_counted_also_over_kill_9(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver, **{"agents.spending.fold.ms": 60000}))
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0 * 4 ** i) for i in range(4)]))  # a microsecond apart by their commit times
    wait_alerts(tailrace, 1)
    harness.wait_until(lambda: status_of(tailrace, "agents", "spending")["folded"] == 3)
    assert tailrace.metrics()['tailrace_agent_folded_total{agent="spending"}'] == 3
    assert Console(tailrace).get("/agents/spending")["folded"] == 3
    tailrace.kill9()
    tailrace.start()
    produce_rows(tailrace, TOPIC, [(61_000_000, 7, 5000000.0)])
    first, second = wait_alerts(tailrace, 2)
    assert (first["folded"], second["folded"], len(records(tailrace, ALERTS))) == (0, 3, 2)


def test_a_receiver_that_hangs_holds_up_nobody_and_no_stop(tailrace_factory, receiver):
    silent = socket.create_server(("127.0.0.1", 0))
    hangs = {"sinks.hangs.kind": "webhook", "sinks.hangs.topic": ALERTS, "sinks.hangs.url": f"http://127.0.0.1:{silent.getsockname()[1]}/", "sinks.hangs.from": "beginning",
             "sinks.hangs.timeout.ms": 60000}
    tailrace = tailrace_factory(settings(receiver, **hangs))
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    harness.wait_until(lambda: receiver.delivered())
    silent.accept()  # it has begun, and gets no answer
    tailrace.stop()  # within 10 s
    silent.close()


def test_what_a_receiver_refuses_for_good_does_not_hold_up_the_others(tailrace_factory, receiver):
    receiver.answers.extend([422, 422, 422])
    tailrace = tailrace_factory(settings(receiver))
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0), (7, 40000.0)]))
    first, second = wait_alerts(tailrace, 2)
    harness.wait_until(lambda: receiver.delivered() == [second["id"]])
    harness.wait_until(lambda: status_of(tailrace, "sinks", "case")["refused"] == 1)
    [delivery] = Console(tailrace).get(f"/alerts/{first['id']}", "Alert")["deliveries"]
    assert (delivery["state"], delivery["answer"], delivery["tries"]) == ("crit", "422", 3)


def test_sending_again_says_what_the_receiver_answered(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver))
    console = Console(tailrace)
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    identity = wait_alerts(tailrace, 1)[0]["id"]
    harness.wait_until(lambda: receiver.delivered())
    receiver.answers.append(500)
    alert = console.change("POST", f"/alerts/{identity}/deliveries/case", kind="Alert")
    assert alert["deliveries"][0]["state"] == "warn" and "500" in alert["deliveries"][0]["answer"]
    assert status_of(tailrace, "sinks", "case")["state"] == "ok"  # one wish does not make it a failing sink
    assert console.change("POST", f"/alerts/{identity}/deliver", {"sink": "none"}, status=404)["error"]["code"] == "UNKNOWN_SINK"
    assert console.change("POST", f"/alerts/{identity}/deliver", {}, status=400)["error"]["code"] == "NO_SINK"


def test_the_inbox_is_filtered_by_the_server(tailrace_factory):
    tailrace = tailrace_factory(settings())
    console = Console(tailrace)
    produce_rows(tailrace, TOPIC, numbered([(u, 10.0) for u in (7, 8) for _ in range(3)] + [(7, 4000.0), (8, 4000.0), (7, 40000.0)]))
    alerts = wait_alerts(tailrace, 3)
    ids = [alert["id"] for alert in reversed(alerts)]

    def listed(**asked):
        return [line["id"] for line in console.get("/alerts?" + urllib.parse.urlencode(asked), "AlertList")["items"]]

    assert sorted(listed()) == sorted(ids) and listed(agent="other") == [] and listed(q="User 8") == [alerts[1]["id"]]
    assert listed(limit=1, before=listed()[0]) == listed()[1:2]
    console.change("POST", f"/alerts/{ids[0]}/state", {"state": "false_positive", "note": "a gift"}, kind="Alert")
    assert listed(state="false_positive") == [ids[0]] and ids[0] not in listed(state="open")
    assert console.get("/alerts")["open"] == 2
    moment = alerts[1]["source"]["scored_us"] // 1000
    assert listed(to_ms=moment - 60000) == [] and len(listed(from_ms=moment - 60000)) == 3
    assert console.change("POST", "/alerts/A-none/state", {"state": "open"}, status=404)["error"]["code"] == "UNKNOWN_ALERT"


def test_an_open_page_is_told_of_new_and_changed_alerts(tailrace_factory):
    tailrace = tailrace_factory(settings())
    console = Console(tailrace)
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(8, 10.0)] * 3 + [(8, 4000.0)]))
    wait_alerts(tailrace, 1)  # known already to who opens the page now
    told = []

    def hear(name, data):
        told.append((name, data))
        return name == "alert" and data["state"] == "resolved"

    listening = threading.Thread(target=console.events, args=("/stream?watch=alerts", hear, 60))
    listening.start()
    harness.wait_until(lambda: any(name == "hello" for name, _ in told))
    produce_rows(tailrace, TOPIC, numbered([(7, 4000.0)], 8))
    harness.wait_until(lambda: any(name == "alert" for name, _ in told))
    identity = wait_alerts(tailrace, 2)[1]["id"]
    console.change("POST", f"/alerts/{identity}/state", {"state": "resolved"})
    listening.join(60)
    assert [(data["id"], data["state"]) for name, data in told if name == "alert"] == [(identity, "open"), (identity, "resolved")]


# ---- The command line ----

def alerts(tailrace, *arguments):
    return tailrace.run("tailrace", "alerts", *arguments, "--bootstrap-server", tailrace.bootstrap)


def listed(tailrace, *arguments):
    answer = alerts(tailrace, "list", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line)["alert"]["id"] for line in answer.stdout.splitlines()]


def test_the_command_line_lists_shows_and_says(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver))
    produce_rows(tailrace, TOPIC, numbered([(u, 10.0) for u in (7, 8) for _ in range(3)] + [(7, 4000.0), (8, 4000.0), (7, 40000.0)]))
    first, second, third = (alert["id"] for alert in wait_alerts(tailrace, 3))
    assert sorted(listed(tailrace)) == sorted([first, second, third]) and listed(tailrace, "--limit", "1") == [listed(tailrace)[0]]
    assert listed(tailrace, "--subject", "User 8") == [second] == listed(tailrace, "--key", "8") and listed(tailrace, "--agent", "none") == []
    assert listed(tailrace, "--until", "1h") == [] and len(listed(tailrace, "--since", "1h")) == 3
    harness.wait_until(lambda: len(receiver.delivered()) == 3)
    shown = alerts(tailrace, "show", second).stdout
    assert "User 8 spent 4000" in shown and "because    Amount against the last 3" in shown and "delivered by webhook, try 1, answer 200" in shown
    assert alerts(tailrace, "false-positive", first, second, "--note", "a gift").returncode == 0
    assert sorted(listed(tailrace, "--state", "false_positive")) == sorted([first, second]) and listed(tailrace, "--state", "open") == [third]
    assert "a gift" in alerts(tailrace, "show", first).stdout
    assert alerts(tailrace, "reopen", first).returncode == 0 and sorted(listed(tailrace, "--state", "open")) == sorted([first, third])
    for arguments, code, text in ((("ack", "A-none"), 1, "there is no alert A-none"), (("list", "--state", "opn"), 2, "has to be open, acknowledged"), (("ack",), 2, "ID"),
                                  (("list", "--since", "yesterday"), 2, "--since yesterday"), (("mute",), 2, "--agent, --key or both"), (("unmute", "M-x"), 1, "there is no mute")):
        answer = alerts(tailrace, *arguments)
        assert (answer.returncode, text in answer.stderr) == (code, True), answer.stderr


def test_mutes_of_the_command_line_hold_for_the_sinks(tailrace_factory, receiver):
    tailrace = tailrace_factory(settings(receiver))
    assert "Nothing is muted" in alerts(tailrace, "mutes").stdout
    mute = json.loads(alerts(tailrace, "mute", "--key", "7", "--for", "2h", "--note", "on holiday", "--json").stdout)
    assert mute["agent"] is None and mute["until_ms"] - mute["from_ms"] == 7200000
    assert mute["id"] in alerts(tailrace, "mutes").stdout and Console(tailrace).get("/mutes")["items"][0]["note"] == "on holiday"
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0)]))
    wait_alerts(tailrace, 1)
    harness.wait_until(lambda: status_of(tailrace, "sinks", "case")["muted"] == 1)
    assert alerts(tailrace, "unmute", mute["id"]).returncode == 0 and "Nothing is muted" in alerts(tailrace, "mutes").stdout
    produce_rows(tailrace, TOPIC, numbered([(7, 4900.0)], 5))
    harness.wait_until(lambda: receiver.delivered())


def test_only_the_newest_part_of_a_long_topic_is_read(tailrace_factory):
    tailrace = tailrace_factory({})
    tailrace.run("kafka-topics", "--bootstrap-server", tailrace.bootstrap, "--create", "--topic", "long.alerts", "--partitions", "2", check=True)
    lines = "\n".join(json.dumps({"id": f"A-{i:05}", "agent": "a", "severity": "warn", "title": f"number {i}", "source": {"scored_us": 1_700_000_000_000_000 + i}}) for i in range(4500))
    tailrace.run("kafka-console-producer", "--bootstrap-server", tailrace.bootstrap, "--topic", "long.alerts", input=lines, check=True)
    assert listed(tailrace, "--limit", "3") == ["A-04499", "A-04498", "A-04497"]
    assert len(listed(tailrace, "--limit", "4200")) == 4200
    assert listed(tailrace, "--subject", "number 17", "--limit", "1") == ["A-01799"]
    assert "number 3\n" in alerts(tailrace, "show", "A-00003").stdout
    harness.wait_until(lambda: Console(tailrace).get("/alerts?limit=2")["total"] == 4500)  # new topics are seen within a second


# ---- Enriched events, and the state of keys ----

def test_every_judged_row_is_emitted_once_with_what_was_looked_at(tailrace_factory):
    tailrace = tailrace_factory(settings(**{"agents.spending.enriched": "true"}))
    rows = numbered([(i % 5, 10.0 + i) for i in range(400)] + [(1, 9000.0)])
    for part in range(0, 401, 80):
        produce_rows(tailrace, TOPIC, rows[part:part + 80])
        tailrace.kill9()
        tailrace.start()
    harness.wait_until(lambda: len(records(tailrace, "shop.enriched")) >= 401)
    emitted = records(tailrace, "shop.enriched")
    assert [event["row"]["id"] for event in emitted] == [identity for identity, _, _ in rows]
    assert len({event["id"] for event in emitted}) == 401
    last = emitted[-1]
    assert last["alert"] and last["key"] == "1" and last["features"]["kept"] == 50 and last["source"]["offset"] == 400 and last["op"] == "c"
    assert not any(event["alert"] for event in emitted[:-1])
    assert tailrace.metrics()['tailrace_agent_enriched_total{agent="spending"}'] > 0


SCRIPT = """
function on_event(event, key)
  local seen = key.counter("seen"):add()
  if seen % 2 == 0 then emit{seen = seen, amount = decimal(event.row.amount), even = true, who = tostring(key)} end
end
"""


@pytest.mark.parametrize("inside", [True, False], ids=["up", "foreground"])
def test_a_script_emits_what_it_wants(tailrace_factory, tmp_path, inside):
    script = tmp_path / "emits.lua"
    script.write_text(SCRIPT)
    values = {"agents.script.rule": "lua", "agents.script.topic": TOPIC, "agents.script.rule.script": str(script)} if inside else {}
    tailrace = tailrace_factory(values)
    produce_rows(tailrace, TOPIC, numbered([(7, 1.5), (7, 2.5), (8, 3.5), (7, 4.5), (7, 5.5)]))
    if not inside:
        for _ in range(2):  # what is there already is not emitted again
            answer = tailrace.run("tailrace", "agent", "lua", "--name", "script", "--set", f"script={script}", "--topic", TOPIC, "--bootstrap-server", tailrace.bootstrap, "--from-beginning",
                                  "--until-end")
            assert answer.returncode == 0, answer.stderr
    harness.wait_until(lambda: len(records(tailrace, "shop.enriched")) >= 2)
    assert [(event["features"], event["row"]["id"]) for event in records(tailrace, "shop.enriched")] == [
        ({"seen": 2, "amount": "2.5", "even": True, "who": "7"}, 2), ({"seen": 4, "amount": "5.5", "even": True, "who": "7"}, 5)]


def test_an_agent_in_the_foreground_folds_too(tailrace):
    produce_rows(tailrace, TOPIC, numbered(USUAL + [(7, 4000.0 * 4 ** i) for i in range(3)]))
    answer = tailrace.run("tailrace", "agent", "spending-pattern", "--topic", TOPIC, "--bootstrap-server", tailrace.bootstrap, "--from-beginning", "--until-end", "--fold", "60s")
    lines = answer.stdout.splitlines()
    assert sum("ANOMALY" in line for line in lines) == 1 and sum(line.startswith("🔁 Folded: User 7 spent") for line in lines) == 2
    assert len(records(tailrace, ALERTS)) == 1
    assert "--fold soon" in tailrace.run("tailrace", "agent", "spending-pattern", "--topic", TOPIC, "--fold", "soon").stderr
    assert "--time soon" in tailrace.run("tailrace", "agent", "spending-pattern", "--topic", TOPIC, "--fold", "60s", "--time", "soon").stderr


def test_the_state_of_a_key_can_be_asked_for(tailrace_factory):
    tailrace = tailrace_factory(settings(**{"agents.spending.key": "merchant", "agents.spending.state.keys.max": "3"}))
    console = Console(tailrace)
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    keys = ["gone", "A/B & C", "ключ", "100%"]
    for i, merchant in enumerate(keys):
        producer.send(TOPIC, value=json.dumps({"id": i, "user_id": 7, "amount": 12.5, "merchant": merchant}).encode())
    producer.flush()
    harness.wait_until(lambda: status_of(tailrace, "agents", "spending")["judged"] == 4)
    for key in keys[1:]:
        answer = console.get(f"/agents/spending/keys/{urllib.parse.quote(key, safe='')}", "AgentKey")
        assert answer["key"] == key and answer["state"]["sum"] == "12.5" and answer["state"]["transactions"] == 1
        assert harness.http("GET", f"{tailrace.console_url}/api/agents/spending/keys/{urllib.parse.quote(key, safe='')}").json() == answer
    error = console.get("/agents/spending/keys/gone", status=404)["error"]
    assert error["code"] == "UNKNOWN_KEY" and "dropped it for room" in error["why"]
    assert console.get("/agents/spending/keys/never", status=404)["error"]["code"] == "UNKNOWN_KEY"
    assert console.get("/agents/spending/keys/%01gone", status=404)["error"]["code"] == "UNKNOWN_KEY"
    assert console.get("/agents/none/keys/7", status=404)["error"]["code"] == "UNKNOWN_AGENT"
    assert harness.http("GET", f"{tailrace.console_url}/api/agents/spending/keys/100%25").status == 200
