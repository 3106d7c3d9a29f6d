#!/usr/bin/env python3
"""Runs the recorded cases of Kafka Connect's REST API against a server and compares every byte of the answers.

    rest_runner.py [--url http://127.0.0.1:8083] [--postgres postgres://postgres:postgrespw@127.0.0.1:5432] [CASE...]

CASE is a name in rest/ or a path; all cases without one. The database host of the recordings is called `postgres`: the server
needs host.aliases=postgres=ADDRESS. Where the database's port is not 5432, it is replaced in what is sent and expected.
The format of the cases is described in README.md beside rest/. Exit status: 0 all passed, 1 differences, 2 it could not run.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# Where we answer otherwise on purpose: what is recorded; what we answer instead, status and body; why.
ON_PURPOSE = [
    (re.compile(r'ConfigInfo\.configValue\(\)'), re.compile(r'400 Bad Request\n.*"message":"Connector configuration is invalid and contains the following \d+ error'),
     'a null pointer in Connect hides what is wrong with a configuration; users get the list of errors'),
    (re.compile(r'"connector":\{"state":"STOPPED".*"tasks":\[\{"id":0,"state":"RUNNING"'), re.compile(r'200 OK\n.*"connector":\{"state":"STOPPED".*"tasks":\[\]'),
     'the task of a stopped connector is gone at once, not some time later'),
    (re.compile(r'"io\.debezium\.connector\.postgresql\.PostgresChangeEventSourceCoordinator"'), re.compile(r'200 OK\n\["io\.debezium\.connector\.postgresql"\]'),
     'there are no loggers of Java classes'),
    (re.compile(r'"partition":\{"nonsense":"x"\},"offset":null'), re.compile(r'200 OK\n\{"offsets":\[\]\}'),
     'offsets that were reset are not listed'),
    (re.compile(r'FATAL: role \\"nobody\\" does not exist'), re.compile(r'200 OK\n.*FATAL: password authentication failed for user \\"nobody\\"', re.S),
     'this database asks for passwords'),
]


class Broken(Exception):
    pass


# ---- Reading cases ----

class Step:
    def __init__(self, line):
        self.line, self.method, self.path = line, None, None
        self.headers, self.body, self.status = [], None, None
        self.answer_headers, self.answer, self.directive, self.only_errors = None, '', None, False


def add_text(old, line):
    """`< text` is a line with its end, `<\\ text` one without."""
    rest = line[1:]
    if rest.startswith('\\ '):
        return (old or '') + rest[2:]
    return (old or '') + (rest[1:] if rest.startswith(' ') else rest) + '\n'


def read_case(path):
    steps, needs, step, only_errors = [], '', None, False
    with open(path, encoding='utf-8', newline='\n') as file:
        for number, line in enumerate(file.read().split('\n'), 1):
            mark = line[:1]
            if mark in ('', '#'):
                continue
            if mark == '@':
                words = line[2:].split(' ', 1)
                if words[0] == 'needs':
                    needs = words[1]
                elif words[0] == 'only-errors':
                    only_errors = True
                else:
                    step = Step(number)
                    step.directive = (words[0], words[1] if len(words) > 1 else '')
                    steps.append(step)
            elif mark == '$':
                step = Step(number)
                step.method, step.path = line[2:].split(' ', 1)
                step.only_errors, only_errors = only_errors, False
                steps.append(step)
            elif mark == '+':
                step.headers.append(line[2:])
            elif mark == '<':
                step.body = add_text(step.body, line)
            elif mark == '=':
                step.status = line[2:]
            elif mark == '!':
                step.answer_headers = (step.answer_headers or []) + [line[2:]]
            elif mark == '>':
                step.answer = add_text(step.answer, line)
            else:
                raise Broken('%s:%d: unknown mark %r' % (path, number, mark))
    return needs, steps


# ---- Comparing ----

PLACEHOLDERS = {
    'DATE': r'(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|\d{4}-\d\d-\d\dT[\d:.]+Z)',
    'INT': r'-?\d+',
    'LEN': r'\d+',
    'UUID': r'[A-Za-z0-9_-]{22}',
    'UUID36': r'[0-9a-f-]{36}',
    'TS': r'\d{13}',
    'TEXT': r'(?:[^"\\]|\\.)*',
    'DOC': r'(?:[^"\\]|\\.)*',
    'PLUGIN_PATH': r"[^']*",
    'HEX': r'[0-9a-f]+',
}


def same_offsets(expected, got):
    """
    Are two answers of GET …/offsets the same but for what is chance? The list has the order of Java's hash of a byte buffer, and how far
    the connector is (snapshot, first streamed row, later rows) when it is asked depends on the time it took.
    """
    try:
        lists = [json.loads(text.replace('{INT}', '0'))['offsets'] for text in (expected, got)]
    except (ValueError, KeyError, TypeError):
        return False
    snapshot = {'last_snapshot_record', 'lsn', 'txId', 'ts_usec', 'snapshot', 'snapshot_completed'}
    streaming = {'lsn_proc', 'messageType', 'lsn', 'txId', 'ts_usec'}
    for entries in lists:
        for entry in entries:
            members = set(entry['offset'] or ())
            if members in (snapshot, streaming, streaming | {'lsn_commit'}):
                entry['offset'] = 'a position'
            elif entry['offset']:
                entry['offset'] = sorted(members)
        entries.sort(key=lambda entry: json.dumps(entry['partition']))
    return lists[0] == lists[1]


def pattern_of(text, connect):
    out, at = [], 0
    for found in re.finditer(r'\\n\{STACK\}|\{([A-Z0-9_]+)\}', text):
        out.append(re.escape(text[at:found.start()]))
        at = found.end()
        if found.group(0) == '\\n{STACK}':
            out.append(r'(?:\\n\\t[^"\\]*)+')
        elif found.group(1) == 'CONNECT':
            out.append(connect)
        elif found.group(1) in PLACEHOLDERS:
            out.append(PLACEHOLDERS[found.group(1)])
        else:
            out.append(re.escape(found.group(0)))
    out.append(re.escape(text[at:]))
    return re.compile(''.join(out) + r'\Z', re.S)


def first_difference(pattern, expected, got, connect):
    """The longest beginning of the expected text that still matches, and what follows on both sides."""
    low, high = 0, len(expected)
    while low < high:
        middle = (low + high + 1) // 2
        head = expected[:middle]
        if head.count('{') and re.search(r'\{[A-Z0-9_]*\Z', head):
            middle = head.rindex('{')
            head = expected[:middle]
        if middle <= low:
            break
        if re.compile(pattern_of(head, connect).pattern[:-2], re.S).match(got):
            low = middle
        else:
            high = middle - 1
    match = re.compile(pattern_of(expected[:low], connect).pattern[:-2], re.S).match(got)
    at = match.end() if match else 0
    return 'expected …%r\n     got …%r' % (expected[max(0, low - 60):low + 200], got[max(0, at - 60):at + 200])


# ---- Running ----

class Runner:
    def __init__(self, url, postgres, verbose):
        self.host, self.port = re.match(r'https?://([^/]+):(\d+)', url).groups()
        self.postgres = postgres.rstrip('/') if postgres else None
        self.database_port = re.search(r':(\d+)$', self.postgres).group(1) if self.postgres else '5432'
        self.connect = r'(?:%s|localhost|127\.0\.0\.1):%s' % (re.escape(self.host), self.port)
        self.verbose = verbose
        self.on_purpose = set()

    def localise(self, text):
        return re.sub(r'("database\.port": ?)"5432"', r'\1"%s"' % self.database_port, text)

    def http(self, method, path, body=None, headers=()):
        data = None if body is None else body.encode()
        head = '%s %s HTTP/1.1\r\nHost: %s:%s\r\n' % (method, path, self.host, self.port)
        head += ''.join(line + '\r\n' for line in headers)
        if data is not None:
            head += 'Content-Length: %d\r\n' % len(data)
        with socket.create_connection((self.host, int(self.port)), timeout=120) as connection:
            connection.sendall((head + 'Connection: close\r\n\r\n').encode() + (data or b''))
            got = b''
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
        top, _, rest = got.partition(b'\r\n\r\n')
        lines = top.decode('latin-1').split('\r\n')
        if any(line.lower() == 'transfer-encoding: chunked' for line in lines):
            body = b''
            while rest:
                size, _, rest = rest.partition(b'\r\n')
                if int(size, 16) == 0:
                    break
                body, rest = body + rest[:int(size, 16)], rest[int(size, 16) + 2:]
            rest = body
        shown = [line for line in lines[1:] if not line.lower().startswith(('connection:', 'transfer-encoding:', 'keep-alive:'))]
        return lines[0].split(' ', 1)[-1], shown, rest.decode('utf-8', 'replace')

    def sql(self, database, statement):
        if not self.postgres:
            raise Broken('this case needs --postgres')
        subprocess.run(['psql', '-q', '-X', '-v', 'ON_ERROR_STOP=1', self.postgres + '/' + database, '-c', statement],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def until(self, path, text, seconds=30):
        end, body = time.time() + seconds, ''
        while time.time() < end:
            body = self.http('GET', path)[2]
            if text in body:
                return
            time.sleep(0.05)
        raise Broken('GET %s never has %s: %s' % (path, text, body[:500]))

    def delete(self, name):
        self.http('DELETE', '/connectors/' + name)
        end = time.time() + 20
        while self.http('GET', '/connectors/%s/status' % name)[0].split()[0] != '404':
            if time.time() > end:
                raise Broken('connector %s does not go away' % name)
            time.sleep(0.05)

    def prepare(self, needs, case):
        """Brings about what a case needs: no connectors, databases with their tables, no slots or positions of earlier cases."""
        if 'no-connectors' in needs:
            for name in json.loads(self.http('GET', '/connectors')[2]):
                self.delete(name)
        if not self.postgres or 'database' not in needs:
            return
        for database, table in (('activity', 'activity(id serial primary key, name varchar(255) not null, email varchar(255))'),
                                ('mydb', 'transactions(id serial primary key, user_id int not null, amount numeric(12,2) not null, '
                                         'timestamp timestamp default now())')):
            try:
                self.sql('postgres', 'CREATE DATABASE ' + database)
            except subprocess.CalledProcessError:
                pass
            self.sql(database, 'CREATE TABLE IF NOT EXISTS ' + table)
        self.forget('activity-connector', 'activity', 'activityslot', 'dbserver1')
        self.forget('fraud-detection-connector', 'mydb', 'fraudslot', 'fraud-detection')
        if case == 'create-activity':
            self.sql('activity', 'TRUNCATE activity')
        else:
            self.sql('activity', "INSERT INTO activity(id, name) VALUES (1, 'Alice') ON CONFLICT DO NOTHING")
        self.sql('activity', 'DELETE FROM activity WHERE id > 1')

    def forget(self, name, database, slot, prefix):
        config = {'connector.class': 'PostgresConnector', 'database.hostname': 'postgres', 'database.port': self.database_port,
                  'database.user': 'postgres', 'database.password': 'postgrespw', 'database.dbname': database, 'slot.name': slot,
                  'topic.prefix': prefix, 'plugin.name': 'pgoutput'}
        self.http('POST', '/connectors', json.dumps({'name': name, 'config': config, 'initial_state': 'STOPPED'}),
                  ('Content-Type: application/json',))
        self.http('DELETE', '/connectors/%s/offsets' % name)
        self.delete(name)
        self.sql('postgres', "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '%s'" % slot)

    def direct(self, word, rest):
        if word == 'until':
            path, text = re.match(r'GET (\S+) contains (.*)$', rest).groups()
            self.until(path, text)
        elif word == 'sql':
            database, statement = rest.split(' ', 1)
            self.sql(database, statement)
        elif word == 'sleep':
            time.sleep(float(rest))
        elif word == 'delete-connector':
            self.delete(rest)
        else:
            raise Broken('unknown directive ' + word)

    def compare(self, step):
        """None, or what differs."""
        body = None if step.body is None else self.localise(step.body)
        if body is None and any(line.lower().startswith('content-type:') for line in step.headers):
            body = ''
        status, headers, answer = self.http(step.method, step.path, body, step.headers)
        expected = self.localise(step.answer)
        for recorded, instead, why in ON_PURPOSE:
            if recorded.search(expected) and instead.match(status + '\n' + answer):
                self.on_purpose.add(why)
                return None
        if status != step.status:
            return 'expected status %s, got %s %s' % (step.status, status, answer[:300])
        if step.only_errors:
            answer = self.errors_of(answer)
            if expected == '{"error_count":0}\n' and '"database.password"' not in body and '"name":"database.hostname"' in answer:
                self.on_purpose.add('this database asks for passwords')
                return None
        if step.answer_headers is not None:
            for number in range(max(len(headers), len(step.answer_headers))):
                wanted = step.answer_headers[number] if number < len(step.answer_headers) else '(nothing)'
                got = headers[number] if number < len(headers) else '(nothing)'
                if not pattern_of(wanted, self.connect).match(got):
                    return 'expected header %s, got %s' % (wanted, got)
                if wanted == 'Content-Length: {LEN}' and step.method != 'HEAD' and int(got.split()[1]) != len(answer.encode()):
                    return 'Content-Length %s of %d bytes' % (got, len(answer.encode()))
        pattern = pattern_of(expected, self.connect)
        if step.method == 'GET' and step.path.endswith('/offsets') and same_offsets(expected, answer):
            return None
        if not pattern.match(answer):
            return first_difference(pattern, expected, answer, self.connect)
        return None

    @staticmethod
    def errors_of(answer):
        """What `@ only-errors` keeps of a validation."""
        parsed = json.loads(answer)
        lines = ['{"error_count":%d}' % parsed['error_count']]
        for config in parsed['configs']:
            value = config['value']
            if value and value['errors']:
                lines.append(json.dumps({key: value[key] for key in ('name', 'value', 'errors')}, ensure_ascii=False, separators=(',', ':')))
        return '\n'.join(lines) + '\n'

    def run(self, path):
        """Numbers of steps that passed and failed; prints the failures."""
        name = os.path.splitext(os.path.basename(path))[0]
        needs, steps = read_case(path)
        passed = failed = 0
        try:
            self.prepare(needs, name)
            for step in steps:
                if step.directive:
                    self.direct(*step.directive)
                    continue
                problem = self.compare(step)
                passed, failed = passed + (problem is None), failed + (problem is not None)
                if problem:
                    print('%s:%d: %s %s\n     %s' % (name, step.line, step.method, step.path, problem), flush=True)
                elif self.verbose:
                    print('%s:%d: %s %s' % (name, step.line, step.method, step.path), flush=True)
        except (Broken, OSError, subprocess.CalledProcessError) as problem:
            detail = getattr(problem, 'stderr', '') or ''
            print('%s: could not go on: %s %s' % (name, problem, detail.strip()), flush=True)
            failed += 1
        return passed, failed


def case_paths(names):
    folder = os.path.join(HERE, 'rest')
    if not names:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith('.case')]
    return [name if os.path.sep in name or name.endswith('.case') else os.path.join(folder, name + '.case') for name in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--url', default='http://127.0.0.1:8083')
    parser.add_argument('--postgres', default='', help='postgres://user:password@host:port of a superuser')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('cases', nargs='*')
    arguments = parser.parse_args()
    runner = Runner(arguments.url, arguments.postgres, arguments.verbose)
    all_passed = all_failed = 0
    for path in case_paths(arguments.cases):
        passed, failed = runner.run(path)
        print('%-20s %3d passed, %d failed' % (os.path.splitext(os.path.basename(path))[0], passed, failed), flush=True)
        all_passed, all_failed = all_passed + passed, all_failed + failed
    for why in sorted(runner.on_purpose):
        print('otherwise on purpose: ' + why)
    print('%d passed, %d failed' % (all_passed, all_failed))
    return 1 if all_failed else 0


if __name__ == '__main__':
    sys.exit(main())
