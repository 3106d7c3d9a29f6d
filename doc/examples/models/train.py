#!/usr/bin/env python3
"""Trains a model for `tailrace agent model` and `model.predict` on labelled rows, and says how good it is on the newest fifth of them.

    tailrace export fraud-detection.public.transactions --format csv >rows.csv
    train.py --rows rows.csv --labels "host=127.0.0.1 dbname=mydb user=postgres" --features velocity,amount --out fraud-model.json

    --rows    what `tailrace export` wrote (.csv, or .jsonl), or the connection string of a database with the table transactions, where
              the time is that of the column transaction_time
    --labels  a connection string of a database with the table fraud_labels, or a file whose lines begin with the id of a bad row

Needs XGBoost (Debian's python3-xgboost, or from PyPI: files of 1.7.4 and 3.2.0 are tested), and psycopg2 for connection strings. The same
rows give the same file.
"""
import argparse
import csv
import json
import pathlib

import xgboost

from features import Features


def query(dsn, sql):
    import psycopg2

    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return [dict(zip((column.name for column in cursor.description), row)) for row in cursor.fetchall()]


def rows_read(source):
    if not pathlib.Path(source).exists():
        rows = query(source, "SELECT *, (extract(epoch FROM transaction_time) * 1000000)::bigint AS __us FROM transactions ORDER BY transaction_time, id")
    elif source.endswith(".jsonl"):
        rows = [json.loads(line) for line in open(source)]
    else:
        rows = list(csv.DictReader(open(source)))
    rows = [row for row in rows if row.get("__op", "c") in ("c", "r") and row.get("amount") not in (None, "")]  # others the agent puts aside
    for row in rows:
        row["__us"] = int(row["__us"] if "__us" in row else row["__source_ts_us"])
    return rows


def labels_read(source):
    if pathlib.Path(source).exists():
        return {line.split(",")[0].strip() for line in open(source)}
    return {str(row["transaction_id"]) for row in query(source, "SELECT transaction_id FROM fraud_labels")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--features", default="velocity,amount")
    parser.add_argument("--window-seconds", type=int, default=60)
    parser.add_argument("--last", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--out", default="fraud-model.json")
    options = parser.parse_args()

    rows, bad = rows_read(options.rows), labels_read(options.labels)
    features = Features(options.features.split(","), options.window_seconds, options.last)
    values = [features.measure(row) for row in rows]
    labels = [int(str(row["id"]) in bad) for row in rows]
    cut = len(rows) * 4 // 5

    def matrix(part):
        return xgboost.DMatrix(values[part], label=labels[part], feature_names=features.names)

    parameters = {"objective": "binary:logistic", "max_depth": options.depth, "eta": 0.3, "tree_method": "exact", "nthread": 1, "seed": 1}
    model = xgboost.train(parameters, matrix(slice(0, cut)), options.rounds)
    found = [score > options.threshold for score in model.predict(matrix(slice(cut, None)))]
    hits = sum(f and l for f, l in zip(found, labels[cut:]))
    print(f"{cut} rows learned, {len(rows) - cut} newer ones tried: {sum(labels[cut:])} bad, {sum(found)} found, {hits} of them bad; "
          f"precision {hits / max(sum(found), 1):.2f}, recall {hits / max(sum(labels[cut:]), 1):.2f}")
    model.save_model(options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
