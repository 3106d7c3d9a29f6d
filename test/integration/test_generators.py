"""The generators against a real PostgreSQL."""
import os
import re
import subprocess

import harness


def generate(postgres, *arguments):
    return subprocess.run([harness.build_directory() / "tailrace", "generate", *arguments, "--port", str(postgres.port), "--password", harness.PASSWORD],
                          capture_output=True, text=True, timeout=60, env=os.environ | {"PGPASSWORD": ""})


def test_temperatures_make_their_database_and_say_each_reading(postgres):
    try:
        ran = generate(postgres, "temperature", "--database", "office_test", "--every", "1s", "--count", "2", "--history", "1m")
        assert ran.returncode == 0, ran.stderr
        lines = ran.stdout.splitlines()
        assert lines[:3] == ["Database office_test created.", "Table ready.", "Inserted 60 earlier temperatures."]
        said = [re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}) - Inserted temperature: (\d\d\.\d) °C", line).groups() for line in lines[3:]]
        with postgres.connect("office_test") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_char(recorded_at, 'YYYY-MM-DD HH24:MI:SS.US'), temperature::numeric(4,1)::text FROM temperature_readings ORDER BY id")
            rows = cursor.fetchall()
            cursor.execute("SELECT min(recorded_at) > now() - interval '70 s', bool_and(recorded_at <= now()) FROM temperature_readings")
            assert cursor.fetchone() == (True, True)
        assert len(rows) == 62 and rows[60:] == said
        again = generate(postgres, "temperature", "--database", "office_test", "--count", "1")
        assert again.stdout.splitlines()[0] == "Table ready."
    finally:
        postgres.drop_database("office_test")


def test_wrong_durations_and_a_missing_server_are_said(postgres):
    assert "--every 5x: it has to be a duration" in generate(postgres, "temperature", "--every", "5x").stderr
    assert "connect to PostgreSQL" in generate(postgres, "temperature", "--host", "/nowhere").stderr
