"""What a user writes who follows the usual tutorial: reads change events with kafka-python and nothing else.

    transaction_reader.py BOOTSTRAP GROUP TOPIC [COUNT]     prints one JSON line per row: id, amount; ends after COUNT rows
"""
import base64
import json
import sys

from kafka import KafkaConsumer

bootstrap, group, topic = sys.argv[1:4]
count = int(sys.argv[4]) if len(sys.argv) > 4 else None
consumer = KafkaConsumer(topic, bootstrap_servers=[bootstrap], group_id=group, auto_offset_reset="earliest", enable_auto_commit=True,
                         value_deserializer=lambda value: json.loads(value.decode("utf-8")) if value else None)
print("reading", flush=True)
seen = 0
for message in consumer:
    if message.value is None:
        continue
    row = message.value["payload"]["after"]
    if row is None:
        continue
    amount = row["amount"]
    if amount is not None:
        amount = int.from_bytes(base64.b64decode(amount), "big", signed=True) / 100
    print(json.dumps({"id": row["id"], "amount": amount}), flush=True)
    seen += 1
    if seen == count:
        break
consumer.close()
