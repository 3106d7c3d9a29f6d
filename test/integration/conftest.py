"""Fixtures of the integration tests; harness.py says what they can do.

  postgres          one PostgreSQL for the whole run: postgres.create_database("shop"), postgres.execute("shop", "INSERT …")
  database          a fresh database on it, named after the test
  tailrace          the program, started, on a fresh data directory: tailrace.bootstrap, .rest_url, .console_url, .log, .run("kafka-topics", …),
                    .restart(), .kill9(), .start(), .stop(), .create_connector(name, config)
  tailrace_factory  makes more of them, or ones with other settings: tailrace_factory({"num.partitions": 3}, start=False)
"""
import re
import sys
import zlib

import pytest

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import harness  # noqa: E402


@pytest.fixture(scope="session")
def postgres():
    server = harness.Postgres()
    yield server
    server.destroy()


@pytest.fixture
def database(postgres, request):
    name = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower())[:40].strip("_") + "_%04x" % (zlib.crc32(request.node.nodeid.encode()) & 0xFFFF)
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def tailrace_factory(tmp_path):
    made = []

    def make(settings=None, arguments=(), start=True):
        directory = tmp_path / f"tailrace{len(made)}"
        directory.mkdir()
        program = harness.Tailrace(directory, settings, arguments)
        made.append(program)
        return program.start() if start else program

    yield make
    for program in made:
        try:
            program.stop()
        finally:
            program.kill9()
    for program in made:
        assert "AddressSanitizer" not in program.log and "runtime error:" not in program.log, program.log[-6000:]


@pytest.fixture
def tailrace(tailrace_factory):
    return tailrace_factory()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what the program said beside a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, harness.Tailrace):
                report.sections.append((f"output of {value.directory.name}", value.log[-8000:]))


@pytest.fixture(scope="module")
def tailrace_shared(tmp_path_factory):
    """One program for all tests of a file that leave nothing behind that would disturb the others."""
    program = harness.Tailrace(tmp_path_factory.mktemp("shared"))
    program.start()
    yield program
    try:
        program.stop()
    finally:
        program.kill9()
    assert "AddressSanitizer" not in program.log and "runtime error:" not in program.log, program.log[-6000:]
