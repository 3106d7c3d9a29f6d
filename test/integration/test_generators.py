"""The generators against a real PostgreSQL."""
import os
import re
import signal
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
        history = generate(postgres, "temperature", "--database", "office_test", "--history", "1h", "--every", "10m", "--count", "0")
        assert history.stdout.splitlines() == ["Table ready.", "Inserted 6 earlier temperatures."]
        again = generate(postgres, "temperature", "--database", "office_test", "--count", "1")
        assert again.stdout.splitlines()[0] == "Table ready."
    finally:
        postgres.drop_database("office_test")


def test_a_history_that_is_interrupted_says_what_it_wrote(postgres, database):
    process = subprocess.Popen([harness.build_directory() / "tailrace", "generate", "temperature", "--database", database, "--history", "100d", "--every", "1s",
                                "--host", "127.0.0.1", "--port", str(postgres.port), "--password", harness.PASSWORD], stdout=subprocess.PIPE, text=True)
    harness.wait_until(lambda: postgres.execute(database, f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'INSERT INTO temp%'"))
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0].splitlines()
    (count,), = postgres.execute(database, "SELECT count(*) FROM temperature_readings")
    assert 0 < count < 8_640_000 and said == ["Table ready.", f"Inserted {count} earlier temperatures."]


def test_labels_name_the_unusual_rows_and_shares_of_rows_change_and_go(postgres, database):
    def rows(sql):
        with postgres.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    ran = generate(postgres, "transactions", "--database", database, "--count", "5000", "--seed", "3", "--fraud", "0.02", "--connections", "1")
    assert ran.returncode == 0, ran.stderr
    unusual = int(re.search(r"(\d+) of them unusual", ran.stdout)[1])
    assert ran.stdout.splitlines()[:-1] == ["Inserted 1000 transactions..."] * 5
    assert rows("SELECT count(*) FROM fraud_labels") == [(unusual,)] and unusual > 50
    assert {kind for kind, in rows("SELECT DISTINCT kind FROM fraud_labels")} == {"amount", "burst", "place"}
    assert rows("SELECT count(*) FROM transactions JOIN fraud_labels ON id = transaction_id WHERE kind = 'amount' AND amount < 1500") == [(0,)]
    assert rows("SELECT bool_and(kind = 'place') FROM transactions LEFT JOIN fraud_labels ON id = transaction_id "
                "WHERE location IN ('Lagos', 'Macau', 'Panama City', 'Reykjavík')") == [(True,)]
    assert rows("SELECT min(user_id) >= 1 AND max(user_id) BETWEEN 9900 AND 10000 AND max(amount) BETWEEN 4500 AND 5000 FROM transactions") == [(True,)]
    ran = generate(postgres, "transactions", "--database", database, "--count", "5000", "--seed", "4", "--labels", "--connections", "1", "--updates", "0.01",
                   "--deletes", "0.002")
    assert "Changed 50 of them and deleted 10" in ran.stdout
    assert rows("SELECT count(*) FROM transactions") == [(9990,)]
    assert "--updates 2 is not a number from 0 to 1" in generate(postgres, "transactions", "--updates", "2").stderr


def test_a_seed_gives_the_same_rows_over_any_number_of_connections(postgres, database):
    def rows(*options):
        postgres.execute(database, "DROP TABLE IF EXISTS transactions, fraud_labels")
        ran = generate(postgres, "transactions", "--database", database, "--count", "10001", "--seed", "3", "--labels", *options)
        assert ran.returncode == 0, ran.stderr
        unusual = int(re.search(r"Inserted 10001 transactions in all, (\d+) of them unusual; \d+ rows/s", ran.stdout)[1])
        assert ran.stdout.count("Inserted 1000 transactions...") == 10
        with postgres.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT user_id, amount, merchant, location, kind FROM transactions LEFT JOIN fraud_labels ON id = transaction_id ORDER BY 1, 2, 3, 4, 5")
            found = cursor.fetchall()
        assert len(found) == 10001 and sum(row[4] is not None for row in found) == unusual
        return found

    assert rows() == rows("--connections", "1") == rows("--connections", "7", "--updates", "0", "--batch", "300")


def test_wrong_durations_and_a_missing_server_are_said(postgres):
    assert "--every 5x: it has to be a duration" in generate(postgres, "temperature", "--every", "5x").stderr
    assert "connect to PostgreSQL" in generate(postgres, "temperature", "--host", "/nowhere").stderr
