#!/usr/bin/env python3
"""Runs the recorded command line cases against a broker and compares every byte.

    cli_runner.py --tailrace PROGRAM [CASE...]                start our own server for them, on a fresh data directory
    cli_runner.py --bootstrap HOST:PORT [--data DIR] [CASE...]  use a broker that runs; its topics and groups are DELETED

    --bin DIR       where kafka-topics.sh and its sisters are (default: bin beside PROGRAM)
    --port N        port of our own server (default: any that is free)
    --required      only the cases named in cli_required.txt
    --quiet         no differences, only the list

A case is a file cli/NAME.case: comments (#), directives (@), a command ($), its input (<), standard output (>), standard
error (!) and exit code (=). Placeholders in braces stand for what differs from run to run.
"""
import argparse
import difflib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, 'cli')
STEP_SECONDS = 100

PLACEHOLDERS = {
    'UUID': r'[A-Za-z0-9_-]{22}',
    'UUID36': r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    'TS': r'\d{13}',
    'TEXT': r'.*',
    'DATE': r'\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,:]\d+)?Z?',
    'INT': r'-?\d+',
    'F1': r'-?\d+\.\d', 'F2': r'-?\d+\.\d\d', 'F4': r'(?:-?\d+\.\d{4}|Infinity|NaN)', 'F6': r'-?\d+\.\d{1,6}',
    'HOST': r'(?:localhost|127\.0\.0\.1)', 'CONTROLLER': r'\S+:\d+', 'PORT': r'\d+', 'TMPDIR': r'/\S*?',
}

# What the recording itself says varies: numbers that depend on the compressor or on the clock.
RELAXED = {
    'producer-compression': [(r'(position|size): \d+', r'\1: {INT}')],
    'delete-records': [(r'(deadlineMs|tries|nextAllowedTryMs)=\d+', r'\1={INT}'),
                       (r'timed out at \d+ after \d+ attempt', 'timed out at {INT} after {INT} attempt')],
    'cluster-log-dirs': [(r'localhost \{PORT\}', '{HOST} {PORT}')],
}

# Where we answer otherwise on purpose. These stand instead of what is recorded only where that does not fit, so the cases still run
# against Apache's broker.
CLASSIC = 'groups are of the classic protocol: that of KIP-848 is refused, and the console consumer goes back to the classic one'
NO_QUOTAS = 'clients are not throttled, so a quota is refused instead of kept without effect'
NO_LOGIN = 'there is no SASL, so there are no credentials'
NO_TRANSACTIONS = 'there are no transactions: a transactional producer is refused before it writes'
NOT_DYNAMIC = 'settings of the program stand in its file and on its command line; one that is changed while it runs would be kept by nobody'
NO_CONTROLLER = 'there is no controller beside the broker'

# Lines: of which case; what is recorded; what stands there instead; why.
LINES_ON_PURPOSE = [
    ('configs-brokers-all', r',CONTROLLER://\{CONTROLLER\}|,CONTROLLER://127.0.0.1:\{PORT\}', '', NO_CONTROLLER),
    ('configs-brokers-all', r'(controller\.quorum\.bootstrap\.servers=)\{CONTROLLER\} .*', r'\1 sensitive=false synonyms={DEFAULT_CONFIG:\1}',
     NO_CONTROLLER),
    ('configs-brokers-all', r'listener\.security\.protocol\.map=.*',
     'listener.security.protocol.map=SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT sensitive=false '
     'synonyms={DEFAULT_CONFIG:listener.security.protocol.map=SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT}',
     NO_CONTROLLER),
    ('groups-active-kip848', r'CONSUMER-ID {12}', 'CONSUMER-ID' + 43 * ' ', CLASSIC),
    ('groups-active-kip848', r'\{UUID\}( /.*)', r'console-consumer-{UUID36}\1', CLASSIC),
    ('groups-active-kip848', r'2 {15}2 {15}(g-grp-n:0,1 {10})2 {15}g-grp-n:0,1', r'2               -               \1-               -          ',
     CLASSIC),
    ('groups-active-kip848', r'uniform( +Stable)', r'range  \1', CLASSIC),
    ('groups-active-kip848', r'uniform( +Empty)', r'-      \1', CLASSIC),
    ('groups-active-kip848', r'[23]( {15})2( {25}\d)', r'-\1-\2', CLASSIC),
    ('groups-list', r'Consumer( {10,})', r'Classic \1', CLASSIC),
    ('groups-list', r'uniform( +Empty +0)', r'-      \1', CLASSIC),
] + [('broker-api-versions', r'\t%s\((\d+)\): .*?(,?)$' % name, r'\t%s(\1): UNSUPPORTED\2' % name, why) for names, why in [
    ('SaslHandshake SaslAuthenticate', NO_LOGIN),
    ('CreateDelegationToken RenewDelegationToken ExpireDelegationToken DescribeDelegationToken', NO_LOGIN),
    ('AddPartitionsToTxn AddOffsetsToTxn EndTxn WriteTxnMarkers TxnOffsetCommit DescribeProducers', NO_TRANSACTIONS),
    ('StreamsGroupHeartbeat StreamsGroupDescribe', 'there are no streams groups'),
    ('AlterReplicaLogDirs UnregisterBroker', 'there is one node and one directory'),
    ('DescribeQuorum UpdateFeatures AddRaftVoter RemoveRaftVoter', NO_CONTROLLER),
    ('ShareGroupHeartbeat ShareGroupDescribe ShareFetch ShareAcknowledge InitializeShareGroupState ReadShareGroupState '
     'WriteShareGroupState DeleteShareGroupState ReadShareGroupStateSummary DescribeShareGroupOffsets AlterShareGroupOffsets '
     'DeleteShareGroupOffsets', 'there are no share groups'),
] for name in names.split()] + [('broker-api-versions', r'\t%s\((\d+)\): .*?(,?)$' % name, r'\t%s(\1): %s\2' % (name, versions), why) for name, versions, why in [
    ('Produce', '0 to 11 [usable: 11]', NO_TRANSACTIONS),  # 12 begins transactions by itself
    ('Fetch', '0 to 17 [usable: 17]', 'version 18 tells a leader what its followers know'),
    ('OffsetCommit', '0 to 9 [usable: 9]', CLASSIC),  # 10 names topics by their ids, which only clients of KIP-848 do
    ('OffsetFetch', '0 to 9 [usable: 9]', CLASSIC),
] + [(name, '0 to %d [usable: %d]' % (last, last), 'librdkafka before 2.11 does without what begins later than in Kafka 3.9') for name, last in [
    ('ListOffsets', 11), ('CreateTopics', 7), ('DeleteTopics', 6), ('OffsetForLeaderEpoch', 4), ('DescribeAcls', 3), ('CreateAcls', 3),
    ('DeleteAcls', 3), ('DescribeConfigs', 4), ('DescribeLogDirs', 5)]]]


# Lines that only ours prints: the topic that notes who changed what, also by Kafka's tools (log/audit.h). It is there from the first
# change on, a moment later, so it may or may not be in a list.
OWN_LINES = re.compile(r'^.*\btailrace-console-changes\b.*\n', re.MULTILINE)

# Cases of which nothing is left then.
CASES_ON_PURPOSE = {'consumer-isolation': NO_TRANSACTIONS}

# Steps: of which case; the command; exit code, standard output and error, with a newline behind the code and between the two; why.
STEPS_ON_PURPOSE = [
    ('acls', r'.*--remove --topic x$', r'1\nAre you sure .*\nError .*: There is no terminal to answer on; remove with --force\n[\s\S]*',
     'nobody has use for a null pointer'),
    ('configs-quotas', r'.*--alter --add-config \w+=', r'1\n\n.*\n.*InvalidRequestException: Tailrace has no quotas: clients are not throttled\..*\n[\s\S]*',
     NO_QUOTAS),
    ('configs-quotas', r'.*--entity-type (users|clients|ips).* --describe$', r'0\n\n', NO_QUOTAS + '; ' + NO_LOGIN),
    ('configs-quotas', r".*--alter --add-config 'SCRAM", r'1\n\n.*\n.*UnsupportedSaslMechanismException: Tailrace has no SASL: .*\n[\s\S]*', NO_LOGIN),
    ('configs-quotas', r'.*--alter --delete-config SCRAM', r'1\n\n.*\n.*ResourceNotFoundException: Attempt to delete a user credential .*\n[\s\S]*', NO_LOGIN),
    ('configs-quotas', r'.*--entity-type groups .*--alter', r'1\n\n.*\n.*InvalidRequestException: Only the settings of topics can be altered.*\n[\s\S]*', CLASSIC),
    ('configs-quotas', r'.*--entity-type groups .*--describe$', r"0\nThe group 'g-some-group' doesn't exist and doesn't have dynamic config\.\n\n", CLASSIC),
    ('groups-list', r'.*--list --type classic$', r'0\nGROUP +TYPE +\ng-group-la +Classic +\ng-group-lb +Classic +\n\n', CLASSIC),
    ('groups-list', r'.*--list --type consumer$', r'0\nGROUP +TYPE +\n\n', CLASSIC),
    ('configs-brokers', r'.*--alter', r'1\n\n.*\n.*InvalidRequestException: Cannot update these configs dynamically: \[.*\n[\s\S]*', NOT_DYNAMIC),
    ('configs-brokers', r'.*--describe$', r'0\n(Dynamic configs for broker 1 are:\n)?(Default configs for brokers in the cluster are:\n'
     r'  min\.insync\.replicas=1 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG:min\.insync\.replicas=1\}\n)?\n', NOT_DYNAMIC),
]

# Recorded on a broker on which a group had been used: __consumer_offsets exists.
AFTER_A_GROUP = {'topics-create-bad-names', 'configs-topics-all-topics', 'delete-records'}


class Step:
    """One command, or one directive that stands alone."""

    def __init__(self):
        self.directives, self.command = [], None
        self.input, self.stdout, self.stderr, self.code = '', '', '', None
        self.files = []
        self.line = 0


def add_line(text, line):
    """Appends a marked line; a backslash behind the mark says that it has no newline."""
    if line[1:2] == '\\':
        return text + line[3:]
    return text + line[2:] + '\n'


def parse(path):
    steps, step = [], Step()
    with open(path, encoding='utf-8', newline='\n') as file:
        lines = file.read().split('\n')
    for number, line in enumerate(lines, 1):
        if line == '':
            if step.command or step.directives or step.files:
                steps.append(step)
            step = Step()
            continue
        step.line = step.line or number
        mark, text = line[0], line[2:]
        if mark == '@':
            words = text.split(' ')
            if words[0] == 'file':
                step.files.append([words[1], ''])
            else:
                step.directives.append(words)
        elif mark == '|':
            step.files[-1][1] = add_line(step.files[-1][1], line)
        elif mark == '$':
            step.command = text
        elif mark == '<':
            step.input = add_line(step.input, line)
        elif mark == '>':
            step.stdout = add_line(step.stdout, line)
        elif mark == '!':
            step.stderr = add_line(step.stderr, line)
        elif mark == '=':
            step.code = int(text)
    if step.command or step.directives:
        steps.append(step)
    return steps


class Pattern:
    """Expected output as regular expressions, one for each line."""

    def __init__(self, text, context, relaxed):
        self.lines = []
        for line in text.split('\n')[:-1] if text.endswith('\n') else text.split('\n'):
            for search, replacement in relaxed:
                line = re.sub(search, replacement, line)
            self.lines.append(line)
        self.has_end = text.endswith('\n') or text == ''
        self.context = context
        if text == '':
            self.lines = []

    def line_regex(self, line):
        line = self.context.fit_columns(line)
        parts = re.split(r'\{([A-Z0-9_]+)\}', line)
        out = re.escape(parts[0])
        for name, rest in zip(parts[1::2], parts[2::2]):
            if name == 'BOOTSTRAP':
                out += self.context.bootstrap_regex
            elif name in self.context.values:
                out += re.escape(self.context.values[name])
            elif name in PLACEHOLDERS:
                out += '(?:' + PLACEHOLDERS[name] + ')'
            else:
                out += re.escape('{' + name + '}')
            out += re.escape(rest)
        return out

    def whole_regex(self):
        out = []
        for at, line in enumerate(self.lines):
            end = '\n' if at + 1 < len(self.lines) or self.has_end else ''
            if line == '{USAGE}':
                return ''.join(out) + r'[\s\S]+'
            if line == '{STACK}':
                out.append(r'(?:\t.*\n)+')
            elif line.startswith('{MANY} '):
                out.append('(?:' + self.line_regex(line[7:]) + '\n)+')
            else:
                out.append(self.line_regex(line) + end)
        return ''.join(out)

    def matches(self, actual, unordered):
        if unordered:
            return self.matches_sorted(actual)
        return re.fullmatch(self.whole_regex(), actual) is not None

    def matches_sorted(self, actual):
        left = actual.split('\n')[:-1] if actual.endswith('\n') else actual.split('\n') if actual else []
        for line in sorted(self.lines, key=lambda l: '{' in l):
            regex = re.compile(self.line_regex(line))
            found = next((a for a in left if regex.fullmatch(a)), None)
            if found is None:
                return False
            left.remove(found)
        return not left

    def diff(self, name, actual, unordered):
        want = list(self.lines)
        got = actual.split('\n')[:-1] if actual.endswith('\n') else actual.split('\n')
        if unordered:
            got = sorted(got)
        for at, line in enumerate(got):  # lines that fit look the same in the difference
            for w in want:
                bare = w[7:] if w.startswith('{MANY} ') else w
                if (w == '{STACK}' and line.startswith('\t')) or re.fullmatch(self.line_regex(bare), line):
                    got[at] = w
                    break
        merged = [l for at, l in enumerate(got) if not (at and l == got[at - 1] and l.startswith(('{MANY}', '{STACK}')))]
        return '\n'.join(difflib.unified_diff(want, merged, 'recorded ' + name, 'now', lineterm=''))


class Context:
    """Where the commands run and what the placeholders stand for."""

    def __init__(self, bootstrap, data_dir, bin_dir, tool_prefix=None):
        self.bootstrap, self.bin_dir, self.tool_prefix = bootstrap, bin_dir, tool_prefix
        port = bootstrap.rsplit(':', 1)[1]
        self.bootstrap_regex = r'(?:localhost|127\.0\.0\.1):' + port
        self.dir = tempfile.mkdtemp(prefix='cli-case-')
        self.values = {'DATA': data_dir or '/nowhere', 'DIR': self.dir}
        self.port_length = len(port)
        self.shown = 'localhost:' + port
        self.cwd = self.dir
        self.background = {}

    def fit_columns(self, line):
        """The recording padded columns for an address of 15 characters; ours may have another length."""
        more = len(self.shown) - 15
        match = re.search(r'\{BOOTSTRAP\}  \(\d+\)( +)', line)
        if match and more:
            width = max(len(match.group(1)) - more, 1)
            line = line[:match.start(1)] + ' ' * width + line[match.end(1):]
        return line

    def words(self, command):
        command = command.replace('{BOOTSTRAP}', self.bootstrap).replace('{DATA}', self.values['DATA'])
        words = shlex.split(command)
        if self.tool_prefix:
            return self.tool_prefix + [words[0].removesuffix('.sh')] + words[1:]
        return [os.path.join(self.bin_dir, words[0])] + words[1:]

    def run(self, command, stdin='', seconds=STEP_SECONDS):
        try:
            return subprocess.run(self.words(command), input=stdin.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  cwd=self.cwd, timeout=seconds)
        except FileNotFoundError:
            return subprocess.CompletedProcess(command, 127, b'', b'there is no such tool\n')
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, 124, late.stdout or b'',
                                               (late.stderr or b'') + b'did not end in %d s\n' % seconds)

    def start(self, name, command):
        files = [open(os.path.join(self.dir, name + end), 'w+b') for end in ('.out', '.err')]
        try:
            process = subprocess.Popen(self.words(command), stdin=subprocess.PIPE, stdout=files[0], stderr=files[1], cwd=self.cwd)
        except FileNotFoundError:
            process = None
        self.background[name] = (process, files)

    def stop(self, name, signal_name):
        process, files = self.background.pop(name)
        if process is None:
            return subprocess.CompletedProcess(name, 127, b'', b'there is no such tool\n')
        process.send_signal(getattr(signal, 'SIG' + signal_name))
        try:
            code = process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        process.stdin.close()
        texts = []
        for file in files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return subprocess.CompletedProcess(name, code, texts[0], texts[1])

    def wait_stable(self, group, members):
        for _ in range(60):
            out = self.run('kafka-consumer-groups.sh --bootstrap-server {BOOTSTRAP} --describe --state --group ' + group, seconds=20).stdout
            if re.search(rb'Stable +%d\b' % members, out):
                return True
            time.sleep(0.25)
        return False

    def close(self):
        for name in list(self.background):
            self.stop(name, 'KILL')
        shutil.rmtree(self.dir, ignore_errors=True)


def without_own_lines(text):
    left = OWN_LINES.sub('', text)
    return left or text and '\n'  # a list of no topics is an empty line


def compare(step, result, context, relaxed):
    unordered = ['unordered'] in step.directives
    problems = []
    for name, want, got, sort in (('stdout', step.stdout, result.stdout, unordered), ('stderr', step.stderr, result.stderr, False)):
        pattern = Pattern(want, context, relaxed)
        text = without_own_lines(got.decode('utf-8', 'replace'))
        if not pattern.matches(text, sort):
            problems.append(pattern.diff(name, text, sort) or 'recorded %s: the same lines in another order or number' % name)
    if step.code is not None and step.code != result.returncode:
        problems.append('recorded exit code %d, now %d' % (step.code, result.returncode))
    return problems


def on_purpose(name, step, result, context):
    """Is it one of the answers that differ on purpose? They never hide a sanitizer's report."""
    for case, command, answer, _ in STEPS_ON_PURPOSE:
        text = '%d\n%s\n%s' % (result.returncode, result.stdout.decode('utf-8', 'replace'), result.stderr.decode('utf-8', 'replace'))
        if case == name and re.match(command, step.command or '') and re.fullmatch(answer, text):
            return True
    lines = [(search, instead) for case, search, instead, _ in LINES_ON_PURPOSE if case == name]
    return bool(lines) and not compare(step, result, context, RELAXED.get(name, []) + lines)


def run_step(name, step, context):
    """Gives a list of problems, or None for a step that compares nothing."""
    result = None
    for file_name, text in step.files:
        with open(os.path.join(context.dir, file_name), 'w', encoding='utf-8', newline='\n') as file:
            file.write(text)
    for words in step.directives:
        if words[0] == 'cwd':
            context.cwd = os.path.join(HERE, words[1])
        elif words[0] == 'sleep':
            time.sleep(float(words[1]))
        elif words[0] == 'start':
            context.start(words[1], step.command)
            return None
        elif words[0] == 'stop':
            result = context.stop(words[1], words[2])
        elif words[0] == 'wait-stable':
            if not context.wait_stable(words[1], int(words[2])):
                return ['group %s did not become stable with %s members' % (words[1], words[2])]
    if step.command and result is None:
        result = context.run(step.command, step.input)
    if result is None:
        return None
    problems = compare(step, result, context, RELAXED.get(name, []))
    return [] if problems and on_purpose(name, step, result, context) else problems


class Outcome:
    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, []  # failed: (line, command, problems)

    @property
    def ok(self):
        return not self.failed


def run_case(name, context):
    outcome = Outcome(name)
    command = ''
    for step in parse(os.path.join(CASES, name + '.case')):
        command = step.command or ' '.join(step.directives[0] if step.directives else [])
        problems = run_step(name, step, context)
        if problems:
            outcome.failed.append((step.line, command, problems))
        elif problems is not None:
            outcome.passed += 1
    return outcome


def needs(name):
    """What must hold before: 'empty-broker', 'broker setting KEY=VALUE'."""
    found = []
    for step in parse(os.path.join(CASES, name + '.case')):
        found += [' '.join(words[1:]) for words in step.directives if words[0] == 'needs']
    return found


def clean(context):
    """Deletes the groups and all topics but __consumer_offsets."""
    tool = '{} --bootstrap-server {{BOOTSTRAP}} '.format
    context.run(tool('kafka-consumer-groups.sh') + '--delete --all-groups', seconds=30)
    context.run(tool('kafka-topics.sh') + "--delete --if-exists --topic '(?!__consumer_offsets$).*'", seconds=30)


def use_a_group(context):
    """Makes the broker create __consumer_offsets."""
    tool = '{} --bootstrap-server {{BOOTSTRAP}} '.format
    context.run(tool('kafka-topics.sh') + '--create --topic runner-temporary', seconds=30)
    context.run(tool('kafka-console-consumer.sh') + '--topic runner-temporary --group runner-temporary --timeout-ms 1000', seconds=30)
    clean(context)


def case_names():
    return sorted(f[:-5] for f in os.listdir(CASES) if f.endswith('.case'))


def required_names():
    with open(os.path.join(HERE, 'cli_required.txt')) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith('#')]


class OwnServer:
    """`tailrace up` on a fresh data directory."""

    def __init__(self, program, port, settings=()):
        self.dir = tempfile.mkdtemp(prefix='cli-server-')
        self.data_dir = os.path.join(self.dir, 'data', 'log')  # where the partitions lie
        words = [program, 'up', '--data-dir', os.path.dirname(self.data_dir)]
        ports = {'listeners': '127.0.0.1:%d' % port, 'rest.port': 0, 'console.port': 0}
        for key, value in list(ports.items()) + list(settings):
            words += ['--set', '%s=%s' % (key, value)]
        self.log = open(os.path.join(self.dir, 'log'), 'w+b')
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.wait()
        self.bootstrap = 'localhost:' + re.search(r'Kafka protocol +127\.0\.0\.1:(\d+)', self.output()).group(1)

    def output(self):
        with open(self.log.name, encoding='utf-8', errors='replace') as file:
            return file.read()

    def wait(self):
        for _ in range(600):
            if 'tailrace is ready' in self.output():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit('the server does not start:\n' + self.output())

    def stop(self):
        if self.process.poll() is not None:
            print('the server ended by itself with %d:\n%s' % (self.process.returncode, self.output()))
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def report(outcome, arguments):
    print('%-4s %-36s %d of %d steps' % ('ok' if outcome.ok else 'FAIL', outcome.name, outcome.passed, outcome.passed + len(outcome.failed)),
          flush=True)
    if not arguments.quiet:
        for line, command, problems in outcome.failed:
            print('  %s.case:%d: %s' % (outcome.name, line, command))
            for problem in problems:
                print('    ' + problem.replace('\n', '\n    '))
    return outcome.ok


def run_one(name, arguments):
    server = None
    bootstrap, data_dir = arguments.bootstrap, arguments.data
    if arguments.tailrace:
        settings = [tuple(need[len('broker setting '):].split('=', 1)) for need in needs(name) if need.startswith('broker setting ')]
        server = OwnServer(arguments.tailrace, arguments.port, settings)
        bootstrap, data_dir = server.bootstrap, server.data_dir
    context = Context(bootstrap, data_dir, arguments.bin, arguments.tool_prefix)
    try:
        if server is None or 'empty-broker' in needs(name):
            clean(context)
        if name in AFTER_A_GROUP:
            use_a_group(context)
        return report(run_case(name, context), arguments)
    finally:
        context.close()
        if server is not None:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tailrace')
    parser.add_argument('--bootstrap')
    parser.add_argument('--data')
    parser.add_argument('--bin')
    parser.add_argument('--tool-prefix', type=shlex.split, help='run the tools as PREFIX kafka-topics … instead')
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--required', action='store_true')
    parser.add_argument('--quiet', action='store_true')
    parser.add_argument('cases', nargs='*')
    arguments = parser.parse_args()
    if not arguments.tailrace and not arguments.bootstrap:
        parser.error('--tailrace or --bootstrap is needed')
    if not arguments.bin:
        arguments.bin = os.path.join(os.path.dirname(os.path.abspath(arguments.tailrace or '.')), 'bin')
    arguments.bin = os.path.abspath(arguments.bin)
    if arguments.tailrace:
        arguments.tailrace = os.path.abspath(arguments.tailrace)
    names = [os.path.basename(c).removesuffix('.case') for c in arguments.cases]
    names = names or (required_names() if arguments.required else case_names())
    passed = sum(run_one(name, arguments) for name in names)
    print('%d passed, %d failed' % (passed, len(names) - passed))
    return 0 if passed == len(names) else 1


if __name__ == '__main__':
    sys.exit(main())
