"""Agents with a model: every score against a plain walk of the model's trees over features computed from the rows; another model, a broken one."""
import ctypes.util
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
from decimal import Decimal

import kafka
import pytest

import harness
from harness import wait_until
from test_agents import TABLE, records, status_of

EXAMPLES = harness.ROOT / "doc" / "examples"
MODELS = EXAMPLES / "models"
sys.path.insert(0, str(MODELS))
from features import Features  # noqa: E402

pytestmark = pytest.mark.skipif(ctypes.util.find_library("xgboost") is None, reason="needs libxgboost0")


def single(number):
    return struct.unpack("f", struct.pack("f", number))[0]


def score(model, values):
    """As XGBoost defines it: the leaves' sum in single precision, then the logistic function."""
    learner = json.loads(model.read_text())["learner"]
    base = float(learner["learner_model_param"]["base_score"])
    total = single(math.log(base / (1 - base)))
    for tree in learner["gradient_booster"]["model"]["trees"]:
        node = 0
        while tree["left_children"][node] != -1:
            value = single(values[tree["split_indices"][node]])
            left = tree["default_left"][node] if math.isnan(value) else value < single(tree["split_conditions"][node])
            node = (tree["left_children"] if left else tree["right_children"])[node]
        total = single(total + single(tree["split_conditions"][node]))
    return 1 / (1 + math.exp(-total))


def insert(postgres, database, count, seed):
    chance = random.Random(seed)
    with postgres.connect(database) as connection, connection.cursor() as cursor:
        for _ in range(count):
            user = chance.randrange(1, 12)
            amount = Decimal(chance.randrange(100, 9000) if chance.random() < 0.85 else chance.randrange(100000, 500000)) / 100
            place = "Berlin" if chance.random() < 0.9 else chance.choice(["Lagos", "Rome", "Macau"])
            cursor.execute("INSERT INTO transactions (user_id, amount, merchant, location) VALUES (%s, %s, 'Amazon', %s)", (user, amount, place))


def rows_of(tailrace, topic):
    """The topic's rows with their commit times, in order."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=tailrace.bootstrap, consumer_timeout_ms=1000)
    consumer.assign([kafka.TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    events = [(message.offset, json.loads(message.value)["payload"]) for message in consumer]
    consumer.close()
    scaled = lambda text: Decimal(int.from_bytes(__import__("base64").b64decode(text), "big", signed=True)).scaleb(-2)
    return [event["after"] | {"__us": event["source"]["ts_us"], "amount": scaled(event["after"]["amount"]), "offset": offset} for offset, event in events]


def expected(tailrace, database, model):
    """Offset: score and features, of the rows above the threshold."""
    names = json.loads(model.read_text())["learner"]["feature_names"]
    features, found = Features(names), {}
    for row in rows_of(tailrace, f"{database}.public.transactions"):
        values = features.measure(row)
        scored = score(model, values)
        if scored > 0.5:
            found[row["offset"]] = scored, dict(zip(names, values))
    return found


def alerts_of(tailrace, database, agent):
    return [alert for alert in records(tailrace, f"{database}.alerts") if alert["agent"] == agent]


def start(postgres, database, tailrace_factory, **settings):
    postgres.execute(database, TABLE)
    tailrace = tailrace_factory({f"agents.{key}": str(value) for key, value in settings.items()} | {"num.partitions": "1"})
    tailrace.create_connector("c", harness.connector_config(postgres, database, prefix=database))
    return tailrace


def agent_settings(database, name, **more):
    return {f"{name}.topic": f"{database}.public.transactions"} | {f"{name}.{key}": value for key, value in more.items()}


def test_every_alert_is_that_of_the_models_trees_over_the_rows(postgres, database, tailrace_factory):
    model = MODELS / "fraud-model-history.json"
    tailrace = start(postgres, database, tailrace_factory, **agent_settings(database, "fraud", **{"rule": "model", "rule.model": model}))
    insert(postgres, database, 300, 1)
    tailrace.kill9()
    tailrace.start()
    insert(postgres, database, 300, 2)
    wait_until(lambda: len(rows_of(tailrace, f"{database}.public.transactions")) == 600)
    wanted = expected(tailrace, database, model)
    assert 20 < len(wanted) < 580
    wait_until(lambda: len(alerts_of(tailrace, database, "fraud")) >= len(wanted))
    alerts = alerts_of(tailrace, database, "fraud")
    assert [alert["source"]["offset"] for alert in alerts] == list(wanted)
    version = status_of(tailrace, "agents", "fraud")["model"]
    assert len(version) == 12
    for alert in alerts:
        scored, values = wanted[alert["source"]["offset"]]
        assert float(alert["score"]) == pytest.approx(scored, abs=2e-5)
        assert alert["model"] == version and alert["score_limit"] == "> 0.5"
        shown = {feature["name"]: math.nan if feature["value"] is None else float(feature["value"]) for feature in alert["features"]}
        assert shown == pytest.approx(values, rel=1e-8, nan_ok=True)
        weights = [abs(feature["weight"]) for feature in alert["features"]]
        assert weights == sorted(weights, reverse=True) and weights[0] > 0
    # what the features add to what every row begins with is the score
    begins = [math.log(wanted[alert["source"]["offset"]][0] / (1 - wanted[alert["source"]["offset"]][0])) - sum(feature["weight"] for feature in alert["features"])
              for alert in alerts]
    assert begins == pytest.approx([begins[0]] * len(begins), abs=1e-3)


def always(names):
    """A model of one leaf: every row scores 0.73."""
    one = {"base_weights": [1.0], "default_left": [0], "left_children": [-1], "loss_changes": [0.0], "parents": [2147483647], "right_children": [-1],
           "split_conditions": [1.0], "split_indices": [0], "sum_hessian": [1.0], "tree_param": {"num_nodes": "1"}}
    return json.dumps({"learner": {"feature_names": names, "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}},
                                   "learner_model_param": {"base_score": "5E-1", "num_feature": str(len(names))},
                                   "gradient_booster": {"name": "gbtree", "model": {"trees": [one], "tree_info": [0]}}}})


def test_every_feature_is_what_training_computes(postgres, database, tailrace_factory, tmp_path):
    names = ["amount", "velocity", "velocity.2", "sum", "sum.1", "count", "mean", "deviation", "ratio", "sigmas", "since", "hour", "weekday", "new.location",
             "new.user_id", "row.id", "row.amount"]
    (tmp_path / "model.json").write_text(always(names))
    tailrace = start(postgres, database, tailrace_factory, **agent_settings(database, "fraud", **{"rule": "model", "rule.model": tmp_path / "model.json",
                                                                                                  "rule.window.seconds": 3, "rule.last": 5}))
    for seed in range(5):
        insert(postgres, database, 60, seed)
    wait_until(lambda: len(alerts_of(tailrace, database, "fraud")) == 300)
    features = Features(names, window_seconds=3, last=5)
    for alert, row in zip(alerts_of(tailrace, database, "fraud"), rows_of(tailrace, f"{database}.public.transactions")):
        shown = {feature["name"]: math.nan if feature["value"] is None else float(feature["value"]) for feature in alert["features"]}
        assert shown == pytest.approx(dict(zip(names, features.measure(row))), rel=1e-8, abs=1e-6, nan_ok=True)


def test_the_rule_and_the_script_say_the_same_and_are_scored_by_labels(postgres, database, tailrace_factory, tmp_path):
    model = MODELS / "fraud-model.json"
    tailrace = start(postgres, database, tailrace_factory)
    insert(postgres, database, 400, 3)
    topic = f"{database}.public.transactions"
    wait_until(lambda: len(rows_of(tailrace, topic)) == 400)
    wanted = expected(tailrace, database, model)
    bad = [row["id"] for row in rows_of(tailrace, topic) if row["amount"] > 2000]
    hits = len([row for row in rows_of(tailrace, topic) if row["offset"] in wanted and row["id"] in bad])
    assert 0 < hits < len(bad) or hits < len(wanted)
    (tmp_path / "bad.csv").write_text("".join(f"{identity},amount\n" for identity in bad))
    ran = tailrace.run("tailrace", "backtest", "model", "--topic", topic, "--bootstrap-server", tailrace.bootstrap, "--set", f"model={model}", "--against", "lua",
                       "--against-set", f"script={EXAMPLES / 'agents' / 'fraud-model.lua'}", "--against-set", f"model={model}", "--labels", str(tmp_path / "bad.csv"),
                       "--json", "--summary", check=True)
    result = json.loads(ran.stdout.splitlines()[-1])["summary"]
    assert (result["both"], result["only_first"], result["only_second"]) == (len(wanted), 0, 0)
    assert [(side["alerts"], side["hits"]) for side in result["sides"]] == [(len(wanted), hits)] * 2


def test_another_model_takes_over_and_a_broken_one_does_not(postgres, database, tailrace_factory, tmp_path):
    model, offered = tmp_path / "model.json", tmp_path / "offered.json"
    shutil.copy(MODELS / "fraud-model.json", model)
    tailrace = start(postgres, database, tailrace_factory, **agent_settings(database, "fraud", **{"rule": "model", "rule.model": model}))

    def offer(text):
        offered.write_text(text)
        os.rename(offered, model)

    def state():
        return status_of(tailrace, "agents", "fraud")

    def large_amount():
        before = len(alerts_of(tailrace, database, "fraud"))
        postgres.execute(database, f"INSERT INTO transactions (user_id, amount) VALUES ({before + 1}, 1600)")
        wait_until(lambda: len(alerts_of(tailrace, database, "fraud")) == before + 1)
        return alerts_of(tailrace, database, "fraud")[-1]

    first = wait_until(lambda: state().get("model"))
    assert large_amount()["model"] == first
    whole = model.read_text()
    offer(whole[:5000])
    assert "JSON" in wait_until(lambda: state()["model_trouble"])
    assert state()["model"] == first and state()["state"] == "running" and large_amount()["model"] == first
    wait_until(lambda: "goes on with an older model" in json.dumps(
        json.loads(tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data), "--json").stdout)["problems"]), what="the problem being seen")
    offer((MODELS / "fraud-model-history.json").read_text())
    wait_until(lambda: "the model's features are velocity, amount, ratio, since, new.location" in (state()["model_trouble"] or ""))
    assert large_amount()["model"] == first
    offer(whole.replace('"base_score":"5E-1"', '"base_score":"6E-1"'))
    wait_until(lambda: state()["model"] != first)
    assert state()["model_trouble"] is None
    assert large_amount()["model"] == state()["model"]
    model.unlink()
    assert "gone" in wait_until(lambda: state()["model_trouble"])
    assert large_amount()["model"] == state()["model"]


def test_an_agent_without_its_model_waits_and_harms_nothing_else(postgres, database, tailrace_factory, tmp_path):
    model = tmp_path / "late.json"
    tailrace = start(postgres, database, tailrace_factory, **agent_settings(database, "fraud", **{"rule": "model", "rule.model": model}),
                     **agent_settings(database, "score", rule="velocity-score-event"))
    waiting = wait_until(lambda: next((s for s in [status_of(tailrace, "agents", "fraud")] if s["state"] == "retrying"), None))
    assert str(model) in waiting["error"] and "No such file" in waiting["error"]
    insert(postgres, database, 50, 4)
    wait_until(lambda: status_of(tailrace, "agents", "score")["judged"] == 50)
    shutil.copy(MODELS / "fraud-model.json", model)
    wait_until(lambda: status_of(tailrace, "agents", "fraud")["judged"] == 50, 60)
    wanted = expected(tailrace, database, model)
    assert [alert["source"]["offset"] for alert in alerts_of(tailrace, database, "fraud")] == list(wanted) and wanted


def test_the_foreground_says_what_is_wrong_with_a_model(tailrace, tmp_path):
    def agent(*settings):
        options = [part for setting in settings for part in ("--set", setting)]
        ran = tailrace.run("tailrace", "agent", "model", "--topic", "t", "--bootstrap-server", tailrace.bootstrap, *options, check=False)
        assert ran.returncode == 1, ran.stdout
        return ran.stderr

    (tmp_path / "cut.ubj").write_bytes(b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0")
    assert "setting model is missing" in agent()
    assert "No such file" in agent(f"model={tmp_path / 'none.json'}")
    assert "cut.ubj: at byte" in agent(f"model={tmp_path / 'cut.ubj'}")
    assert "there is no feature \"colour\"; there are: amount, velocity" in agent(f"model={MODELS / 'fraud-model.json'}", "features=velocity,colour")
    assert "the model's features are velocity, amount; the setting features names amount" in agent(f"model={MODELS / 'fraud-model.json'}", "features=amount")


def test_the_script_that_trains_runs_as_it_is_and_leaves_out_rows_without_an_amount(tmp_path):
    if subprocess.run(["/usr/bin/python3", "-c", "import xgboost"], capture_output=True).returncode != 0:
        pytest.skip("needs python3-xgboost")
    lines = [f"c,{i * 1000000},{i},{i % 3},{'' if i == 5 else 5000 if i % 4 == 0 else 10}" for i in range(1, 41)]
    (tmp_path / "rows.csv").write_text("__op,__source_ts_us,id,user_id,amount\n" + "\n".join(lines) + "\n")
    (tmp_path / "labels.csv").write_text("".join(f"{i}\n" for i in range(4, 41, 4)))
    ran = subprocess.run([str(MODELS / "train.py"), "--rows", "rows.csv", "--labels", "labels.csv", "--out", "next.json"], cwd=tmp_path,
                         env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("31 rows learned, 8 newer ones tried") and (tmp_path / "next.json").exists()
