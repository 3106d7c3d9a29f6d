"""Who may do what on the console's port, and what never leaves it. Every route of src/web/api.c is tried: a new one is covered when it is added."""
import io
import json
import re
import socket
import time
import urllib.parse
import zipfile

import pytest

import harness
from console_help import Console, produce

API = (harness.ROOT / "src" / "web" / "api.c").read_text()
ROUTES = re.findall(r'^    \{"(GET|POST|PUT|PATCH|DELETE|\*)", "(/[^"]*)", \w+, (OPEN|LOOKS|CHANGES)\},$', API, re.M)
TOKEN, READER = "the-token-that-may-all", "the-token-that-may-look"


def path_of(route, names=None):
    """The route's path with something in each place."""
    return re.sub("[:*]", lambda _: next(names) if names else "1", route)


def methods_of(method):
    return ("POST", "PUT", "PATCH", "DELETE") if method == "*" else (method,)


def changing():
    return [(one, path_of(path), needs) for method, path, needs in ROUTES for one in methods_of(method) if one != "GET"]


def test_the_table_of_routes_was_read_whole():
    table = API[API.index("} routes[] = {"):]
    assert len(ROUTES) == len(re.findall(r"^    \{\"", table[:table.index("\n};")], re.M)) > 60
    assert len(changing()) > 25


# ---- Who may ----

@pytest.fixture(scope="module")
def open_console(tmp_path_factory):
    made = harness.Tailrace(tmp_path_factory.mktemp("open"), {})
    made.start(timeout=60)
    yield Console(made)
    made.stop()


def test_no_change_can_be_forged_from_a_page_elsewhere(open_console):
    """Not by a form, not by a script of another site, whatever its address is, and not by a name that was bent to this machine."""
    port = open_console.tailrace.console_port
    for method, path, _ in changing():
        url = open_console.base + path
        for what, headers, status in (("no header of ours", {"Content-Type": "application/json"}, (403,)),
                                      ("a form", {"Content-Type": "text/plain"}, (403,)),
                                      ("a form with our header", {"X-Tailrace": "1", "Content-Type": "application/x-www-form-urlencoded"}, (415,)),
                                      ("another site", {"X-Tailrace": "1", "Origin": "https://evil.example"}, (403,)),
                                      ("a site without a name", {"X-Tailrace": "1", "Origin": "http://203.0.113.9"}, (403,)),
                                      ("another program of this machine", {"X-Tailrace": "1", "Origin": "http://localhost:3000"}, (403,)),
                                      ("a sandboxed page", {"X-Tailrace": "1", "Origin": "null"}, (403,)),
                                      ("a page elsewhere that hides its origin", {"X-Tailrace": "1", "Sec-Fetch-Site": "cross-site"}, (403,)),
                                      ("a bent name", {"X-Tailrace": "1", "Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}, (421,))):
            answer = harness.http(method, url, b"{}", headers)
            assert answer.status in status, (method, path, what, answer.status, answer.body[:200])
    assert open_console.get("/topics")["total"] == 0 and open_console.get("/events?kind=change")["items"] == []


def test_connect_takes_no_order_from_a_page_elsewhere(open_console):
    rest = open_console.tailrace.rest_url
    for method, path in (("POST", "/connectors"), ("POST", "/connectors/a/restart"), ("POST", "/connectors/a/tasks/0/restart"), ("PUT", "/connectors/a/pause"), ("PUT", "/connectors/a/config"),
                         ("DELETE", "/connectors/a"), ("PATCH", "/connectors/a/offsets"), ("PUT", "/admin/loggers/root")):
        for headers, status in (({"Origin": "http://203.0.113.9"}, 403), ({"Origin": "http://localhost:3000"}, 403), ({"Origin": "null"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
                                ({"Host": "evil.example"}, 421), ({}, None), ({"Origin": rest}, None)):
            answer = harness.http(method, rest + path, b"{}", headers)
            assert (answer.status == status) if status else answer.status not in (403, 421), (method, path, headers, answer.status)


@pytest.fixture(scope="module")
def closed_console(tmp_path_factory):
    made = harness.Tailrace(tmp_path_factory.mktemp("closed"), {"console.token": TOKEN, "console.read.token": READER})
    made.start(timeout=60)
    yield Console(made)
    made.stop()


def test_nobody_without_a_token_gets_anything(closed_console):
    for method, path, needs in ROUTES:
        for one in methods_of(method):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Cookie": "tailrace="}, {"Cookie": "tailrace=" + "0" * 64}):
                answer = harness.http(one, closed_console.base + path_of(path), None if one == "GET" else b"{}", {"X-Tailrace": "1", **headers})
                if needs == "OPEN":
                    assert answer.status != 500 and TOKEN.encode() not in answer.body and READER.encode() not in answer.body
                else:
                    assert answer.status == 401 and answer.json()["error"]["code"] == "LOGIN", (one, path, headers, answer)
    for page in ("/metrics", "/status.json"):
        assert harness.http("GET", closed_console.tailrace.console_url + page).status == 401
        assert harness.http("GET", closed_console.tailrace.console_url + page, headers={"Authorization": f"Bearer {READER}"}).status == 200
    for page in ("/healthz", "/readyz"):
        assert harness.http("GET", closed_console.tailrace.console_url + page).status == 200


def test_who_may_look_may_not_change(closed_console):
    reader = {"X-Tailrace": "1", "Authorization": f"Bearer {READER}"}
    for method, path, needs in ROUTES:
        for one in methods_of(method):
            if needs == "OPEN" or path == "/stream":
                continue
            answer = harness.http(one, closed_console.base + path_of(path), None if one == "GET" else b"{}", reader)
            if needs == "CHANGES":
                assert answer.status == 403 and answer.json()["error"]["code"] == "READ_ONLY", (one, path, answer)
            else:
                assert answer.status not in (401, 403), (one, path, answer)


def test_a_token_is_made_said_once_and_kept_as_a_hash(tailrace_factory):
    tailrace = tailrace_factory({"console.host.name": "0.0.0.0"})
    said = re.findall(r"#token=([0-9a-f]{32,})", tailrace.log)
    assert len(said) == 1, tailrace.log
    kept = tailrace.data / "console.token"
    assert kept.stat().st_mode & 0o077 == 0 and said[0] not in kept.read_text() and "sha256:" in kept.read_text()
    url = "/api/v1/overview"
    assert harness.http("GET", tailrace.console_url + url).status == 401
    assert harness.http("GET", tailrace.console_url + url, headers={"Authorization": "Bearer " + kept.read_text().strip()}).status == 401, "the hash is no token"
    lines = harness.http("GET", tailrace.console_url + "/api/v1/logs", headers={"Authorization": f"Bearer {said[0]}"})
    assert lines.status == 200 and said[0] not in lines.text
    tailrace.stop()
    tailrace.start()
    assert tailrace.log.count("#token=") == 1
    assert harness.http("GET", tailrace.console_url + url, headers={"Authorization": f"Bearer {said[0]}"}).status == 200


# ---- What never leaves ----

PLANTED = {"connector": "planted-of-the-connector", "sink": "planted-of-the-sink", "header": "planted-of-the-header", "url": "planted-in-an-address", "smtp": "planted-of-the-mail",
           "report": "planted-of-the-report", "postgres": "planted-of-postgres", "token": "planted-token", "reader": "planted-reader"}


def planted_in(data):
    text = data if isinstance(data, bytes) else data.encode()
    return sorted(name for name, secret in PLANTED.items() if secret.encode() in text)


def existing(path, console):
    """Names that exist, for the places of a route."""
    key = "7"
    return {"/topics/:": ["connect-configs"], "/topics/:/schema": ["connect-configs"], "/topics/:/messages": ["connect-configs"], "/topics/:/export": ["connect-configs"],
            "/topics/:/messages/:/:": ["connect-configs", "0", "0"], "/groups/:": ["readers"], "/agents/:": ["watch"], "/agents/:/keys/:": ["watch", key],
            "/alerts/:": ["A-0000000000000000"], "/reports/:": ["often"], "/reports/:/runs": ["often"]}.get(path, ["shop"] * 3)


@pytest.fixture
def planted(tailrace_factory, postgres, database):
    postgres.execute(database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    dsn = f"postgresql://postgres:{PLANTED['report']}@127.0.0.1:{postgres.port}/{database}"
    tailrace = tailrace_factory({
        "console.token": PLANTED["token"], "console.read.token": PLANTED["reader"], "postgres.password": PLANTED["postgres"], "connect.mask.passwords": "true", "logger.level": "debug",
        "sinks.hook.kind": "webhook", "sinks.hook.topic": "a.alerts", "sinks.hook.url": f"http://user:{PLANTED['url']}@127.0.0.1:9/x", "sinks.hook.secret": PLANTED["sink"],
        "sinks.hook.header": f"Authorization: Bearer {PLANTED['header']}", "sinks.mail.kind": "smtp", "sinks.mail.topic": "a.alerts", "sinks.mail.url": "smtp://127.0.0.1:9",
        "sinks.mail.sender": "a@example.org", "sinks.mail.to": "b@example.org", "sinks.mail.user": "u", "sinks.mail.password": PLANTED["smtp"],
        "sinks.table.kind": "postgres", "sinks.table.topic": "a.alerts", "sinks.table.conninfo": dsn, "sinks.table.table": "cases",
        "reports.often.conninfo": dsn, "reports.often.table": "t", "reports.often.column": "id", "reports.often.time.column": "at", "reports.often.window": "10m",
        "agents.watch.rule": "spending-pattern", "agents.watch.topic": "a.b.c"})
    config = harness.connector_config(postgres, database, database__password=PLANTED["connector"])
    tailrace.rest("PUT", "/connectors/shop/config", config)  # refused: the password is wrong; kept all the same below
    tailrace.rest("PUT", "/connectors/shop/config", {**config, "database.password": harness.PASSWORD, "signal.kafka.sasl.password": PLANTED["connector"],
                                                     "producer.override.sasl.jaas.config": f"x required password=\"{PLANTED['connector']}\";"})
    harness.wait_until(lambda: tailrace.rest("GET", "/connectors/shop/status").status == 200)
    console = Console(tailrace)
    console.change("PUT", "/reports/more", {"config": {"conninfo": dsn, "table": "t", "column": "id", "time.column": "at", "window": "10m"}}, status=None,
                   headers={"Authorization": f"Bearer {PLANTED['token']}"})
    produce(tailrace, "a.alerts", [json.dumps({"id": "A-0000000000000000", "agent": "watch"}).encode()])
    return console


def test_no_answer_holds_a_secret(planted):
    tailrace, owner = planted.tailrace, {"Authorization": f"Bearer {PLANTED['token']}"}
    seen, found = 0, {}

    def look(url, headers=owner):
        nonlocal seen
        answer = harness.http("GET", url, headers=headers)
        body = answer.body
        if body[:2] == b"PK":
            archive = zipfile.ZipFile(io.BytesIO(body))
            body = b"".join(archive.read(name) for name in archive.namelist())
        seen += answer.status == 200
        if planted_in(body):
            found[url] = planted_in(body)
        return answer

    for method, path, needs in ROUTES:
        if method != "GET" or path == "/stream":
            continue
        if path == "/connect/*":
            continue
        look(planted.base + path_of(path, iter(existing(path, planted))))
    for below in ("connectors", "connectors?expand=info&expand=status", "connectors/shop", "connectors/shop/config", "connectors/shop/status", "connectors/shop/tasks", "connectors/shop/tasks-config",
                  "connectors/shop/offsets", "connectors/shop/topics", "connector-plugins", "admin/loggers", ""):
        look(planted.base + "/connect/" + below)
        look(tailrace.rest_url + "/" + below, {})
    for page in ("/", "/metrics", "/healthz?verbose", "/readyz?verbose", "/status.json"):
        look(tailrace.console_url + page)
    for topic in ("connect-configs", "connect-statuses", "tailrace-control", "tailrace-console", "tailrace-console-changes", "tailrace-problems"):
        base = f"{planted.base}/topics/{topic}/"
        for view in ("messages?limit=500", "messages?limit=500&from=time&at=0", "export?format=jsonl&from=oldest", "export?format=csv&from=oldest", *(
                f"messages/{p}/{o}{part}" for p in range(3) for o in range(8) for part in ("", "?part=value", "?part=key", "?part=value&download=1"))):
            look(base + view)
    for text in PLANTED.values():  # nor does a search tell it by finding it
        answer = look(f"{planted.base}/topics/connect-configs/messages?" + urllib.parse.urlencode({"filter": f"value contains '{text[:-1]}'"}))
        assert answer.status == 200 and "event: done" in answer.text and "event: messages" not in answer.text, answer.text
    for topic in ("overview,problems", "topic:connect-configs", "connectors", "agents,reports"):
        with socket.create_connection(("127.0.0.1", tailrace.console_port)) as stream:
            stream.sendall(f"GET /api/v1/stream?watch={topic} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {PLANTED['token']}\r\n\r\n".encode())
            stream.settimeout(1)
            data, until = b"", time.monotonic() + 2
            while time.monotonic() < until:
                try:
                    data += stream.recv(65536)
                except TimeoutError:
                    break
            assert data.startswith(b"HTTP/1.1 200")
            if planted_in(data):
                found[topic] = planted_in(data)
    for command in (["status", "--json"], ["status"], ["doctor", "--json"], ["connectors", "config", "shop"], ["connectors", "list", "--json"], ["topics", "--json"]):
        done = tailrace.run("tailrace", *command, "--data-dir", tailrace.data)
        if planted_in(done.stdout + done.stderr):
            found[" ".join(command)] = planted_in(done.stdout + done.stderr)
    if planted_in(tailrace.log):
        found["log"] = planted_in(tailrace.log)
    assert not found, json.dumps(found, indent=1)
    assert seen > 60
    assert "shop" in look(f"{planted.base}/topics/connect-configs/export?format=jsonl").text, "the messages are shown all the same"
    copied = planted.change("POST", "/topics/connect-configs/copy", {"search": {}, "to": "a.alerts"}, headers=owner)
    assert copied and not planted_in(look(f"{planted.base}/topics/a.alerts/export?format=jsonl").body)
