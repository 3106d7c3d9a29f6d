"""What the tests of agents, alerts and sinks share: a webhook's other end, rows, what topics and status hold."""
import collections
import http.server
import json
import threading

import kafka


class Receiver:
    """A webhook's other end; answers what `answers` says, then 200."""

    def __init__(self):
        self.requests = []
        self.answers = collections.deque()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = receiver.answers.popleft() if receiver.answers else 200
                receiver.requests.append((code, dict(self.headers), body))
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def delivered(self):
        return [json.loads(body)["id"] for code, _, body in self.requests if code == 200]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def records(tailrace, topic):
    """What the topic holds now, also while more comes."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=tailrace.bootstrap)
    partitions = [kafka.TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.seek_to_beginning(*partitions)
    found = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for partition, batch in consumer.poll(timeout_ms=1000).items():
            found += [json.loads(record.value) for record in batch if record.offset < ends[partition]]
    consumer.close()
    return found


def status_of(tailrace, kind, name):
    answer = json.loads(tailrace.run("tailrace", "status", "--data-dir", str(tailrace.data), "--json").stdout)
    return next(item for item in answer[kind] if item["name"] == name)


def produce_rows(tailrace, topic, rows):
    producer = kafka.KafkaProducer(bootstrap_servers=tailrace.bootstrap)
    for identity, user, amount in rows:
        value = {"before": None, "after": {"id": identity, "user_id": user, "amount": float(amount)}, "source": {"ts_us": 1000000 + identity}, "op": "c"}
        producer.send(topic, key=str(user).encode(), value=json.dumps(value).encode())
    producer.flush()
    producer.close()


def numbered(rows, start=1):
    return [(start + i, user, amount) for i, (user, amount) in enumerate(rows)]
