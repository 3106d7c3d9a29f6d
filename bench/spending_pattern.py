#!/usr/bin/env python3
"""The spending-pattern agent as a Python program is usually written: what the shipped rule is measured against.

    spending_pattern.py BOOTSTRAP TOPIC ROWS

Per user the last 50 amounts; with at least 3 of them an amount over 3 times their mean and over 500 is an anomaly, judged before
the amount joins them. Ends after ROWS transactions and prints one line of JSON on stderr.
"""
import base64
import json
import sys
import time
from collections import defaultdict, deque

from kafka import KafkaConsumer

bootstrap, topic, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
profiles = defaultdict(lambda: deque(maxlen=50))


def decode_amount(encoded):
    """A decimal(10,2) of Kafka Connect: two's complement, big endian, in base64."""
    return int.from_bytes(base64.b64decode(encoded), "big", signed=True) / 100


def main():
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
                             value_deserializer=lambda value: json.loads(value.decode("utf-8")) if value else None)
    seen = alerts = 0
    began = cpu = None
    print("🧬 Anomaly Detection Agent started...")
    for message in consumer:
        if began is None:
            began, cpu = time.monotonic(), time.process_time()
        after = (message.value or {}).get("payload", {}).get("after")
        if not after:
            continue
        user, amount = after["user_id"], decode_amount(after["amount"])
        history = profiles[user]
        if len(history) >= 3 and amount > 3 * (sum(history) / len(history)) and amount > 500:
            print(f"🚨 ANOMALY DETECTED: User {user} spent ${amount} (Significantly higher than average)")
            alerts += 1
        else:
            print(f"📊 Profile updated for User {user}")
        history.append(amount)
        seen += 1
        if seen == rows:
            break
    print(json.dumps({"rows": seen, "rows_per_second": seen / (time.monotonic() - began), "rows_per_cpu_second": seen / (time.process_time() - cpu),
                      "alerts": alerts}), file=sys.stderr)


main()
