"""Alerts and their sinks inside `up`: kept, explained, judged again, muted, folded, delivered once a receiver is back."""
import json
import socket
import subprocess
import threading
import time
import urllib.parse

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
    produce_rows(tailrace, TOPIC, numbered(USUAL))
    told = []
    listening = threading.Thread(target=lambda: told.extend(console.events("/stream?watch=alerts", lambda name, data: name == "alert" and data.get("state") == "resolved", 30)))
    listening.start()
    harness.wait_until(lambda: "hello" or told)
    time.sleep(1.5)  # the stream takes what is there as known
    produce_rows(tailrace, TOPIC, numbered([(7, 4000.0)], 4))
    identity = wait_alerts(tailrace, 1)[0]["id"]
    time.sleep(1.5)
    console.change("POST", f"/alerts/{identity}/state", {"state": "resolved"})
    listening.join(40)
    assert [(data["id"], data["state"]) for name, data in told if name == "alert"] == [(identity, "open"), (identity, "resolved")]
