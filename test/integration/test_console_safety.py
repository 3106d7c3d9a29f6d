"""Who may do what on the console's port, and what never leaves it. Every route of src/web/api.c is tried: a new one is covered when it is added."""
import io
import json
import re
import socket
import time
import urllib.parse
import zipfile

import kafka
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


# ---- What clients send ----

def spoken(port, data, timeout=3, pieces=()):
    """Sends bytes as they are and gives everything that comes until the other side closes, or nothing more comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        try:
            client.sendall(data)
            for piece in pieces:
                client.sendall(piece)
            got = b""
            while piece := client.recv(65536):
                got += piece
        except (ConnectionError, TimeoutError):
            pass
        return got


CLOSE = b"Host: localhost\r\nConnection: close\r\n"


def test_bytes_that_are_no_request_get_an_answer_or_the_door(open_console):
    tailrace = open_console.tailrace
    for port in (tailrace.console_port, tailrace.rest_port):
        for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 4000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200, b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"G" * 100000, b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", b"GET /?" + b"q=1&" * 50000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + CLOSE + b"X: " + b"y" * 200000 + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + CLOSE + b"".join(b"X%d: y\r\n" % n for n in range(20000)) + b"\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
                     b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nContent-Length: -1\r\n\r\n{}", b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"Content-Length: 99999999999999999999\r\n\r\n{}",
                     b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
                     b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
                     b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"):
            got = spoken(port, data)
            assert got == b"" or re.match(rb"HTTP/1\.[01] ([45]\d\d|200) ", got), (data[:60], got[:200])
            assert b"201 Created" not in got
    assert open_console.get("/topics")["total"] == 0


def test_no_request_hides_in_another(open_console):
    """Where a proxy may see the end, or the server, of a request elsewhere than we do, it is refused and the connection ends."""
    hidden = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    rest = int(open_console.tailrace.rest_url.rsplit(":", 1)[1])
    for port, path in ((open_console.tailrace.console_port, b"/api/v1/topics"), (rest, b"/connectors")):
        for headers, body in ((b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n"),
                              (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"{}"), (b"Host: evil.example\r\n", b"")):
            got = spoken(port, b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nX-Tailrace: 1\r\nContent-Type: application/json\r\n" + headers + b"\r\n" + body + hidden)
            assert re.findall(rb"HTTP/1\.1 (\d+)", got) == [b"400"], (port, headers, got[:300])


def test_no_path_leads_out_of_the_console(open_console):
    for path in ("/../../etc/passwd", "/assets/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/assets/..%5c..%5cetc/passwd", "//etc/passwd",
                 "/assets/%00/etc/passwd", "/.%00./etc/passwd", "/%c0%ae%c0%ae/etc/passwd", "/api/v1/../../../etc/passwd", "/api/v1/topics/..%2f..%2fetc%2fpasswd", "/api/v1/connect/..%2f..%2f..",
                 "http://localhost/../etc/passwd", "/api/v1/topics/%zz", "/api/v1/topics/%", "/api/v1/topics/%e", "/api/v1//", "/api/v1", "/api", "*", "/;/etc/passwd"):
        got = spoken(open_console.tailrace.console_port, b"GET " + path.encode() + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert re.match(rb"HTTP/1\.1 (200|400|404) ", got) and b"root:" not in got, (path, got[:300])
        if b" 200 OK" in got[:20]:
            assert b"<!doctype html>" in got.lower() or path == "*", (path, got[:600])


def test_a_name_does_not_end_at_a_nul(open_console):
    open_console.change("POST", "/topics", {"name": "kept"}, status=201)
    open_console.change("DELETE", "/topics/kept%00x?confirm=kept", status=404)
    assert open_console.get("/topics/kept")["topic"]["name"] == "kept"
    open_console.change("DELETE", "/topics/kept?confirm=kept", status=204)


def test_requests_one_behind_the_other_are_answered_in_order(open_console):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    other = b"GET /api/v1/topics/none HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = spoken(open_console.tailrace.console_port, (one + other) * 100 + b"GET /readyz HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"404"] * 100 + [b"200"]


def test_a_body_may_come_in_pieces_and_no_larger_than_it_may(open_console):
    head = b"POST /api/v1/topics HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = json.dumps({"name": "in-pieces", "partitions": 1}).encode()
    got = spoken(open_console.tailrace.console_port, head, pieces=[b"1\r\n%c\r\n" % byte for byte in body] + [b"0\r\n\r\n"])
    assert got.startswith(b"HTTP/1.1 201"), got[:300]
    open_console.change("DELETE", "/topics/in-pieces?confirm=in-pieces", status=204)
    for port, path in ((open_console.tailrace.console_port, b"/api/v1/topics"), (open_console.tailrace.rest_port, b"/connectors")):
        head = b"POST " + path + b" HTTP/1.1\r\n" + CLOSE + b"X-Tailrace: 1\r\nContent-Type: application/json\r\n"
        got = spoken(port, head + b"Transfer-Encoding: chunked\r\n\r\n", pieces=[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 40 + [b"0\r\n\r\n"])
        assert got.startswith(b"HTTP/1.1 413") and b"longer than" in got, got[:300]
        got = spoken(port, head + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3000000)
        assert got.startswith(b"HTTP/1.1 413"), got[:300]
        got = spoken(port, head + b"Content-Length: 3000000000000\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 413"), got[:300]


def test_requests_that_never_end_keep_nobody_out_for_long(tailrace_factory):
    """Half requests are held, some of them fed a byte at a time; whoever comes later is served all the same, and health is answered throughout."""
    tailrace = tailrace_factory()
    held = []
    for n in range(400):
        try:
            client = socket.create_connection(("127.0.0.1", tailrace.console_port), timeout=5)
            client.sendall((b"GET /api/v1/overview HTTP/1.1\r\nHost: local", b"POST /api/v1/topics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{", b"")[n % 3])
            held.append(client)
        except OSError:
            pass
    assert len(held) > 100

    def fed():
        for client in held[::4]:
            try:
                client.sendall(b"h")
            except OSError:
                pass
        try:
            return http_status(tailrace.console_port, "/healthz") == 200
        except OSError:
            return False

    for _ in range(20):  # not once the idle ones have timed out, but all the time
        harness.wait_until(fed, 5, "health being answered beside requests that never end")
    for client in held:
        client.close()
    harness.wait_until(lambda: http_status(tailrace.console_port, "/api/v1/overview") == 200, 20)


def http_status(port, path):
    got = spoken(port, f"GET {path} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n", timeout=3)
    if not got:
        raise OSError("no answer")
    return int(got.split()[1])


# ---- What was changed ----

def test_every_change_is_written_down_once_with_who_and_what(tailrace, postgres, database):
    """Whatever it was made with: console, REST API, our command line or Kafka's tools; and nothing that changed nothing."""
    console, rest = Console(tailrace), tailrace.rest_url
    config = harness.connector_config(postgres, database)
    tailrace.create_connector("c", config)
    assert harness.http("PUT", rest + "/connectors/c/pause").status == 202
    assert harness.http("PUT", rest + "/connectors/none/pause").status == 404
    assert harness.http("PUT", rest + "/connector-plugins/PostgresConnector/config/validate", json.dumps(config | {"name": "v"}).encode(), {"Content-Type": "application/json"}).status == 200
    console.change("PUT", "/connect/connector-plugins/PostgresConnector/config/validate", config | {"name": "v"})
    console.change("PUT", "/connect/connectors/c/resume", status=202)
    assert tailrace.run("tailrace", "connectors", "--data-dir", tailrace.data, "stop", "c").returncode == 0
    console.change("POST", "/topics", {"name": "a"}, status=201)
    for words in (["kafka-topics", "--create", "--topic", "b", "--partitions", "1"], ["kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", "b", "--add-config", "retention.ms=70000"],
                  ["kafka-topics", "--alter", "--topic", "b", "--partitions", "2"], ["kafka-topics", "--delete", "--topic", "b"]):
        assert tailrace.run(words[0], "--bootstrap-server", tailrace.bootstrap, *words[1:]).returncode == 0, words
    wanted = {("REST API, 127.0.0.1", "c", "Connector c was created."), ("REST API, 127.0.0.1", "c", "Connector c was paused."), ("console, 127.0.0.1", "c", "Connector c goes on."),
              ("command line, 127.0.0.1", "c", "Connector c was stopped."), ("console, 127.0.0.1", "a", "Topic a was created."), ("Kafka", "b", "Topic b was created."),
              ("Kafka", "b", "Topic b: retention.ms is now 70000."), ("Kafka", "b", "Topic b has more partitions now."), ("Kafka", "b", "Topic b was deleted.")}

    def written():
        consumer = kafka.KafkaConsumer("tailrace-console-changes", bootstrap_servers=tailrace.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=1000)
        lines = [json.loads(record.value) for record in consumer]
        consumer.close()
        return [(re.sub(r"^Kafka client .+, 127\.0\.0\.1$", "Kafka", line["by"]), line["subject"], line["text"]) for line in lines]

    harness.wait_until(lambda: len(written()) >= len(wanted), what="what Kafka's tools did, within a second")
    assert sorted(written()) == sorted(wanted)
    assert {item["text"] for item in console.get("/events?kind=change")["items"]} >= {text for who, _, text in wanted if who == "Kafka"}
