"""What the tests of the console's HTTP API have in common: calls, and a check of answers against console/src/lib/types.ts."""
import http.client
import json
import re
import time
import urllib.parse

import kafka

import harness

TYPES = (harness.ROOT / "console" / "src" / "lib" / "types.ts").read_text()
PRIMITIVES = {"string": str, "number": (int, float), "boolean": bool}


# ---- A small reader of types.ts: enough to check an answer against its interfaces ----

def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def interfaces():
    text, found = strip_comments(TYPES), {}
    for match in re.finditer(r"export interface (\w+)(?:<T>)?(?: extends (\w+)(?:<(\w+)>)?)? \{", text):
        depth, at = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        found[match[1]] = (match[2], match[3], text[match.end():at - 1])
    aliases = {m[1]: m[2].strip() for m in re.finditer(r"export type (\w+) =\s*(.*?);\n", text, flags=re.S)}
    return found, aliases


INTERFACES, ALIASES = interfaces()


def split_top(text, separator):
    parts, depth, quoted, current = [], 0, False, ""
    for c in text:
        quoted ^= c == "'"
        depth += 0 if quoted else {"{": 1, "[": 1, "(": 1, "<": 1, "}": -1, "]": -1, ")": -1, ">": -1}.get(c, 0)
        if c == separator and depth == 0 and not quoted:
            parts.append(current.strip())
            current = ""
        else:
            current += c
    return [part for part in [*parts, current.strip()] if part]


def members(body):
    for member in split_top(body.replace("\n", " "), ";"):
        name, kind = member.split(":", 1)
        yield name.strip().rstrip("?"), kind.strip(), name.strip().endswith("?")


def fits(value, kind, where, generic=None):
    """What is wrong with the value as one of this type; None when nothing is."""
    kind = kind.strip()
    alternatives = split_top(kind, "|")
    if len(alternatives) > 1:
        wrong = [fits(value, one, where, generic) for one in alternatives]
        return None if None in wrong else f"{where}: {json.dumps(value)[:80]} is none of {kind}: {[w for w in wrong if w and w.count('.') > where.count('.')][:1]}"
    if kind == "null":
        return None if value is None else f"{where}: not null"
    if kind.startswith("'"):
        return None if value == kind[1:-1] else f"{where}: {value!r} is not {kind}"
    if kind in PRIMITIVES:
        wanted = isinstance(value, PRIMITIVES[kind]) and (kind == "boolean") == isinstance(value, bool)
        return None if wanted else f"{where}: {value!r} is no {kind}"
    if kind == "unknown":
        return None
    if kind.endswith("[]"):
        inner = kind[:-2].strip()
        if inner.startswith("(") and inner.endswith(")"):
            inner = inner[1:-1]
        if not isinstance(value, list):
            return f"{where}: {value!r} is no list"
        return next(filter(None, (fits(one, inner, f"{where}[{i}]", generic) for i, one in enumerate(value))), None)
    if kind.startswith("["):
        kinds = split_top(kind[1:-1], ",")
        if not isinstance(value, list) or len(value) != len(kinds):
            return f"{where}: {value!r} is no {kind}"
        return next(filter(None, (fits(v, k, where, generic) for v, k in zip(value, kinds))), None)
    record = re.fullmatch(r"Record<string, (.*)>", kind)
    if record:
        if not isinstance(value, dict):
            return f"{where}: {value!r} is no record"
        return next(filter(None, (fits(v, record[1], f"{where}.{k}", generic) for k, v in value.items())), None)
    both = split_top(kind, "&")
    if len(both) > 1:
        return next(filter(None, (fits(value, one, where, generic) for one in both)), None)
    if kind.startswith("{"):
        return object_fits(value, kind[1:-1], where, generic)
    if kind == "T":
        return fits(value, generic, where)
    nested = re.fullmatch(r"(\w+)\['(\w+)'\]", kind)
    if nested:
        return fits(value, next(k for n, k, _ in members(INTERFACES[nested[1]][2]) if n == nested[2]), where)
    listed = re.fullmatch(r"List<(\w+)>", kind)
    if listed:
        return object_fits(value, INTERFACES["List"][2], where, listed[1])
    if kind in ALIASES:
        return fits(value, ALIASES[kind].lstrip("| "), where, generic)
    parent, of, body = INTERFACES[kind]
    return (fits(value, f"List<{of}>" if of else parent, where) if parent else None) or object_fits(value, body, where, generic)


def object_fits(value, body, where, generic=None):
    if not isinstance(value, dict):
        return f"{where}: {value!r} is no object"
    for name, kind, optional in members(body):
        if name not in value:
            if optional:
                continue
            return f"{where}.{name}: missing"
        wrong = fits(value[name], kind, f"{where}.{name}", generic)
        if wrong:
            return wrong
    return None


# ---- Calls ----

class Console:
    def __init__(self, tailrace):
        self.tailrace = tailrace
        self.base = tailrace.console_url + "/api/v1"

    def get(self, path, kind=None, status=200, headers=None):
        answer = harness.http("GET", self.base + path, headers=headers)
        assert answer.status == status, answer
        if kind:
            wrong = fits(answer.json(), kind, path)
            assert wrong is None, wrong
        return answer.json()

    def change(self, method, path, body=None, status=200, kind=None, headers=None):
        answer = harness.http(method, self.base + path, {} if body is None else body, {"X-Tailrace": "1", **(headers or {})})
        assert status is None or answer.status == status, answer
        data = answer.json()
        if kind:
            wrong = fits(data, kind, path)
            assert wrong is None, wrong
        if answer.status >= 400 and not path.startswith("/connect/"):
            assert fits(data["error"], "ErrorBody", path) is None
        return data

    def events(self, path, until, timeout=20, body=None):
        """Server-sent events as (name, data), up to the one for which `until` is true. body: then it is a POST."""
        connection = http.client.HTTPConnection("127.0.0.1", self.tailrace.console_port, timeout=timeout)
        headers = {} if body is None else {"X-Tailrace": "1", "Content-Type": "application/json"}
        connection.request("GET" if body is None else "POST", "/api/v1" + path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        found, name, deadline = [], None, time.monotonic() + timeout
        while time.monotonic() < deadline:
            line = response.readline().decode()
            if not line:
                break
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: "):
                found.append((name, json.loads(line[6:])))
                if until(*found[-1]):
                    break
        connection.close()
        return found

    def search(self, topic, **asked):
        found = self.events(f"/topics/{topic}/messages?" + urllib.parse.urlencode(asked), lambda name, data: name == "done")
        messages = [message for name, data in found if name == "messages" for message in data]
        for message in messages:
            assert fits(message, "Message", "message") is None, fits(message, "Message", "message")
        for name, data in found:
            if name == "progress":
                assert fits(data, "SearchProgress", "progress") is None
        assert found[-1][0] == "done" and fits(found[-1][1], "SearchDone", "done") is None
        return messages, found[-1][1]


def produce(tailrace, topic, values, key=None, partition=None):
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for value in values:
        producer.send(topic, value, key=key, partition=partition)
    producer.flush()
    producer.close()
