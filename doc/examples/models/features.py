"""The features of `tailrace agent model` (doc/agents.md), computed from rows in plain Python: what a model is trained with has to be
what it later scores with. Rows come in order of time: dictionaries with "__us" (commit time in microseconds since 1970) and the columns.
"""
import collections
import datetime
import math
from decimal import Decimal

NAN = float("nan")
VALUES_KNOWN = 20
SAME = 1e-9  # amounts that deviate by less from their mean are the same one, but for rounding


class Key:
    """What is kept of one key."""

    def __init__(self, last):
        self.window = []  # (time, amount)
        self.last = collections.deque(maxlen=last)
        self.seen = None
        self.values = collections.defaultdict(dict)  # column: values, the oldest first


class Features:
    def __init__(self, names, window_seconds=60, last=50, kept_max=256, key="user_id", amount="amount"):
        self.names = [name.split("=")[0] for name in names]
        self.expressions = [name.split("=")[-1] for name in names]
        self.window_seconds, self.kept_max, self.key, self.amount = window_seconds, kept_max, key, amount
        self.longest = max([self.seconds(e) for e in self.expressions if e.split(".")[0] in ("velocity", "sum")], default=0)
        self.keys = collections.defaultdict(lambda: Key(last))

    def seconds(self, expression):
        return int(expression.split(".")[1]) if "." in expression else self.window_seconds

    def measure(self, row):
        """Puts the row into what is kept of its key, and gives its features."""
        kept, now, amount = self.keys[row[self.key]], row["__us"], Decimal(row[self.amount])
        if self.longest:
            newest = max([now, *(at for at, _ in kept.window)])
            kept.window = [entry for entry in kept.window if entry[0] > newest - self.longest * 1_000_000][-(self.kept_max - 1):] + [(now, amount)]
            kept.window.sort(key=lambda entry: entry[0])
        mean = float(sum(kept.last)) / len(kept.last) if kept.last else NAN
        deviation = math.sqrt(sum((float(a) - mean) ** 2 for a in kept.last) / len(kept.last)) if kept.last else NAN
        before, since = len(kept.last), NAN if kept.seen is None else max(0, now - kept.seen) / 1e6
        kept.last.append(amount)
        kept.seen = now if kept.seen is None else max(kept.seen, now)
        when = datetime.datetime.fromtimestamp(now / 1e6, datetime.timezone.utc)

        def value(expression):
            name, _, argument = expression.partition(".")
            inside = [a for at, a in kept.window if now - self.seconds(expression) * 1_000_000 < at <= now] if name in ("velocity", "sum") else None
            if name in ("new", "row"):
                return self.new(kept, argument, row[argument]) if name == "new" else NAN if row[argument] in (None, "") else float(row[argument])
            return {"amount": lambda: float(amount), "velocity": lambda: len(inside), "sum": lambda: float(sum(inside)), "count": lambda: before,
                    "mean": lambda: mean, "deviation": lambda: deviation, "ratio": lambda: float(amount) / mean if mean else NAN,
                    "sigmas": lambda: (float(amount) - mean) / deviation if deviation > SAME * abs(mean) else NAN, "since": lambda: since,
                    "hour": lambda: when.hour, "weekday": lambda: when.isoweekday()}[name]()

        return [float(value(expression)) for expression in self.expressions]

    @staticmethod
    def new(kept, column, value):
        if value in (None, ""):
            return NAN
        known = kept.values[column]
        added = value not in known
        known.pop(value, None)
        known[value] = True
        while len(known) > VALUES_KNOWN:
            del known[next(iter(known))]
        return float(added)
