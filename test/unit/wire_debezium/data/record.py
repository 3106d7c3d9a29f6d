#!/usr/bin/env python3
"""Runs the SQL of the peer's cases against PostgreSQL and writes down what a connector is given: the catalog as it is when a
RELATION message comes, the rows of a snapshot as COPY sends them, the messages of pgoutput. cases_test.c makes records of them and
compares these with what the real connector wrote (expected/*.jsonl of the peer).

  record.py PEER_FOLDER DSN OUT_FOLDER CASE...

A recording is a text of lines, each a row in COPY's text format: its kind, then what belongs to it.
  config    key, value
  type      oid, schema, name, typtype, typcategory, element oid, base oid, typtypmod, labels...
  relation  snapshot|stream, oid, schema, name, replica identity; its columns follow
  column    name, type oid, typmod, in identity, not null, generated, place in key, default
  row       relation oid, the row as COPY sent it
  message   lsn, pgoutput message in hexadecimal digits
"""

import os
import re
import struct
import sys

import psycopg2
import psycopg2.extras

MARKER = "recording-ends"
SKIPPED = ("heartbeat", "notification", "signal")


def copy_text(value):
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class Recorder:
    def __init__(self, case, dsn, path):
        self.case, self.dsn = case, dsn
        self.database = "d_" + case.name
        self.out = open(path, "w", encoding="utf-8", newline="\n")
        self.types = set()
        self.labels = {}

    def line(self, *fields):
        self.out.write("\t".join(copy_text(field) for field in fields) + "\n")

    # ---- PostgreSQL ----

    def connect(self, database=None, **more):
        connection = psycopg2.connect(self.dsn, dbname=database or self.database, **more)
        connection.autocommit = True
        return connection

    def ask(self, sql, *arguments):
        with self.catalog.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else None

    def create_database(self):
        admin = self.connect("postgres")
        with admin.cursor() as cursor:
            cursor.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", (self.database,))
            cursor.execute('DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % self.database)
            cursor.execute('CREATE DATABASE "%s" TEMPLATE template0 ENCODING \'UTF8\' LC_COLLATE \'C\' LC_CTYPE \'C\'' % self.database)
            for setting in ("timezone = 'UTC'", "lc_monetary = 'C'", "datestyle = 'ISO, MDY'", "lc_messages = 'C'"):
                cursor.execute('ALTER DATABASE "%s" SET %s' % (self.database, setting))
        admin.close()

    def drop_database(self):
        for connection in [self.catalog, self.replication] + list(self.sessions.values()):
            connection.close()
        admin = self.connect("postgres")
        with admin.cursor() as cursor:
            for _ in range(50):
                cursor.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = %s AND active", (self.database,))
                cursor.execute("SELECT pg_sleep(0.05)")
                cursor.execute("SELECT 1 FROM pg_replication_slots WHERE database = %s AND active", (self.database,))
                if not cursor.fetchall():
                    break
            cursor.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", (self.database,))
            cursor.execute('DROP DATABASE "%s" WITH (FORCE)' % self.database)
        admin.close()

    # ---- The catalog ----

    def write_type(self, oid):
        if oid in self.types or not oid:
            return
        rows = self.ask("""SELECT n.nspname, t.typname, t.typtype, t.typcategory,
            CASE WHEN t.typinput = 'array_in'::regproc THEN t.typelem ELSE 0 END, t.typbasetype, t.typtypmod
            FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = %s""", oid)
        schema, name, kind, category, element, base, modifier = rows[0]
        self.types.add(oid)
        self.write_type(element)
        self.write_type(base)
        labels = self.labels.get(oid)  # those of the start: Debezium does not look again
        if labels is None:
            labels = [row[0] for row in self.ask("SELECT enumlabel FROM pg_enum WHERE enumtypid = %s ORDER BY enumsortorder", oid)]
        self.line("type", oid, schema, name, kind, category, element, base, modifier, *labels)

    def key_columns(self, oid):
        """attnums of the primary key, else of the first unique index without expressions: the clustered one, then by name."""
        rows = self.ask("""SELECT i.indkey::int2[], i.indisprimary, i.indisclustered, c.relname, i.indnkeyatts FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s AND i.indisunique ORDER BY NOT i.indisprimary, NOT i.indisclustered, c.relname""",
                        oid)
        for columns, _, _, _, count in rows:
            if 0 not in columns:
                return columns[:count]
        return []

    def catalog_columns(self, oid):
        keys = self.key_columns(oid)
        rows = self.ask("""SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull), a.attgenerated <> '',
            pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""", oid)
        return [(name, type_oid, modifier, not_null, generated, keys.index(number) + 1 if number in keys else 0, default)
                for number, name, type_oid, modifier, not_null, generated, default in rows]

    def write_relation(self, reader, oid, schema, name, identity, columns):
        for column in columns:
            self.write_type(column[1])
        self.line("relation", reader, oid, schema, name, identity)
        for column in columns:
            self.line("column", *column)

    def snapshot_relation(self, oid, schema, name):
        identity = self.ask("SELECT relreplident FROM pg_class WHERE oid = %s", oid)[0][0]
        self.write_relation("snapshot", oid, schema, name, identity,
                            [(n, t, m, False, nn, g, k, d) for n, t, m, nn, g, k, d in self.catalog_columns(oid)])

    # ---- Snapshot and stream ----

    def write_snapshot(self, name):
        reader = self.connect()
        reader.autocommit = False
        with reader.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", (name,))
            cursor.execute("SET extra_float_digits = 3")
            cursor.execute("""SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' ORDER BY 2, 3""")
            for oid, schema, table in cursor.fetchall():
                self.snapshot_relation(oid, schema, table)
                columns = ", ".join('"%s"' % column[0].replace('"', '""') for column in self.catalog_columns(oid))
                select = self.case.config.get("snapshot.select.statement.overrides.%s.%s" % (schema, table),
                                              'SELECT %s FROM "%s"."%s"' % (columns, schema.replace('"', '""'), table.replace('"', '""')))
                sink = Rows(self, oid)
                cursor.copy_expert("COPY (%s) TO STDOUT" % select, sink)
        reader.rollback()
        reader.close()

    def publication(self):
        config = self.case.config
        options = []
        if config.get("publish.via.partition.root") == "true":
            options.append("publish_via_partition_root = true")
        skipped = config.get("skipped.operations")
        if skipped and skipped != "none":
            left = [name for name, letter in (("insert", "c"), ("update", "u"), ("delete", "d"), ("truncate", "t")) if letter not in skipped.split(",")]
            options.append("publish = '%s'" % ",".join(left))
        self.ask("CREATE PUBLICATION recorded FOR ALL TABLES" + (" WITH (%s)" % ", ".join(options) if options else ""))

    def start(self):
        self.replication = psycopg2.connect(self.dsn, dbname=self.database, connection_factory=psycopg2.extras.LogicalReplicationConnection)
        self.stream = self.replication.cursor()
        slot = "recorded_" + self.case.name
        self.stream.execute('CREATE_REPLICATION_SLOT "%s" LOGICAL pgoutput' % slot)
        _, _, snapshot, _ = self.stream.fetchone()
        if self.case.config.get("snapshot.mode") != "no_data":
            self.write_snapshot(snapshot)
        self.stream.start_replication(slot_name=slot, decode=False,
                                      options={"proto_version": "1", "publication_names": "recorded", "messages": "true"})

    def drain(self):
        """Everything up to now, found by a message of our own."""
        self.ask("SELECT pg_logical_emit_message(false, %s, '')", MARKER)
        while True:
            message = self.stream.read_message()
            if message is None:
                self.wait()
                continue
            data = message.payload
            if data[:1] == b"M" and MARKER.encode() in data:
                return
            if data[:1] == b"R":
                self.stream_relation(data)
            self.line("message", message.data_start, data.hex())

    def wait(self):
        import select
        select.select([self.replication], [], [], 1)

    def stream_relation(self, data):
        oid, = struct.unpack_from(">I", data, 1)
        schema, rest = data[5:].split(b"\0", 1)
        name, rest = rest.split(b"\0", 1)
        identity, (count,) = chr(rest[0]), struct.unpack_from(">H", rest, 1)
        rest = rest[3:]
        known = {column[0]: column for column in self.catalog_columns(oid)}
        columns = []
        for _ in range(count):
            in_identity = bool(rest[0] & 1)
            column, rest = rest[1:].split(b"\0", 1)
            type_oid, modifier = struct.unpack_from(">Ii", rest, 0)
            rest = rest[8:]
            _, _, _, not_null, _, key, default = known.get(column.decode(), (None, None, None, False, False, 0, None))
            columns.append((column.decode(), type_oid, modifier, in_identity, not_null, False, key, default))
        self.write_relation("stream", oid, schema.decode(), name.decode(), identity, columns)

    # ---- Statements ----

    def session(self, name):
        if name not in self.sessions:
            self.sessions[name] = self.connect()
        return self.sessions[name]

    def run(self, statements, streaming):
        current, fails, repeat, copy = "main", None, 1, None
        rows = []

        def flush_copy():
            nonlocal copy, rows
            if copy:
                import io
                with self.session(current).cursor() as cursor:
                    cursor.copy_expert("COPY %s FROM STDIN CSV" % copy, io.StringIO("\n".join(rows) + "\n"))
            copy, rows = None, []

        for statement in statements:
            words = statement.directive
            if words and words[0] == "row":
                rows.append(statement.text[len("row "):])
                continue
            flush_copy()
            if words is None:
                for i in range(repeat):
                    with self.session(current).cursor() as cursor:
                        try:
                            cursor.execute(statement.text.replace("{i}", str(i)) if repeat > 1 else statement.text)
                            if fails is not None:
                                raise SystemExit("%s: line %d should have failed" % (self.case.name, statement.line))
                        except psycopg2.Error:
                            if fails is None:
                                raise
                fails, repeat = None, 1
            elif words[0] == "session":
                current = words[1]
            elif words[0] == "fails":
                fails = words[1:]
            elif words[0] == "repeat":
                repeat = int(words[1])
            elif words[0] == "copy":
                copy = statement.text[len("copy "):]
            elif words[0] in ("settle", "await", "wait") and streaming:
                self.drain()
        flush_copy()
        if streaming:
            self.drain()

    def record(self):
        self.create_database()
        self.catalog = self.connect()
        self.sessions = {}
        self.line("config", "topic.prefix", self.case.prefix)
        self.line("config", "database.dbname", self.database)
        for key, value in self.case.config.items():
            self.line("config", key, value)
        self.run(self.case.setup, False)
        for oid, labels in self.ask("SELECT enumtypid::bigint, array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum GROUP BY 1"):
            self.labels[oid] = labels
        self.publication()
        self.start()
        if self.case.config.get("snapshot.mode") != "initial_only":
            self.run(self.case.stream, True)
        self.out.close()
        self.drop_database()


class Rows:
    """What COPY writes, cut into rows."""

    def __init__(self, recorder, oid):
        self.recorder, self.oid, self.left = recorder, oid, b""

    def write(self, data):
        data = self.left + (data if isinstance(data, bytes) else data.encode())
        *rows, self.left = data.split(b"\n")
        for row in rows:
            self.recorder.line("row", self.oid, row.decode())


def main():
    peer, dsn, folder, names = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    sys.path.insert(0, peer)
    from cdcdiff.case import Case
    for name in names:
        Recorder(Case(os.path.join(peer, "cases", name)), dsn, os.path.join(folder, name + ".recorded")).record()
        print(name)


if __name__ == "__main__":
    main()
