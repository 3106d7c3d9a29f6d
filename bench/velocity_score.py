#!/usr/bin/env python3
"""The velocity-score agent as a Python program is usually written: what the shipped rule is measured against.

    velocity_score.py BOOTSTRAP TOPIC ROWS

More than 5 transactions of a user within 60 s of the wall clock: 40 points; an amount over 4,000: 50 points; an alert over 70. Ends
after ROWS transactions and prints one line of JSON on stderr.
"""
import base64
import json
import sys
import time
from collections import defaultdict, deque

from kafka import KafkaConsumer

bootstrap, topic, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
recent = defaultdict(deque)


def decode_amount(encoded):
    """A decimal(10,2) of Kafka Connect: two's complement, big endian, in base64."""
    return int.from_bytes(base64.b64decode(encoded), "big", signed=True) / 100


def score(user, amount):
    now = time.time()
    times = recent[user]
    times.append(now)
    while times[0] < now - 60:
        times.popleft()
    return (40 if len(times) > 5 else 0) + (50 if amount > 4000 else 0)


def main():
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
                             value_deserializer=lambda value: json.loads(value.decode("utf-8")) if value else None)
    seen = alerts = 0
    began = cpu = None
    print("Agent started. Listening for CDC events...")
    for message in consumer:
        if began is None:
            began, cpu = time.monotonic(), time.process_time()
        after = (message.value or {}).get("payload", {}).get("after")
        if not after:
            continue
        user, amount = after["user_id"], decode_amount(after["amount"])
        points = score(user, amount)
        if points > 70:
            print(f"⚠️ HIGH FRAUD ALERT: User {user} | Score: {points} | Amt: {amount}")
            alerts += 1
        else:
            print(f"✅ Transaction OK: {after['id']} (Score: {points})")
        seen += 1
        if seen == rows:
            break
    print(json.dumps({"rows": seen, "rows_per_second": seen / (time.monotonic() - began), "rows_per_cpu_second": seen / (time.process_time() - cpu),
                      "alerts": alerts}), file=sys.stderr)


main()
