"""The judge's sources: the regions' topics, HQ's Redis, the public API."""
import fractions
import json
import time
import urllib.request
import uuid

from judge_currencies import EXPONENT
from judge_fold import RETAINED_MINUTES, PartitionFold, RegionTruth, add

KEY_FAMILIES = frozenset(
    "metric transfers shard watermark liveness changes store topology late missed drift checkpoint"
    " nonce".split())
MINUTE_FAMILIES = frozenset([b"metric", b"transfers", b"shard", b"late"])
KEYS_A_ROUND_TRIP = 2_000
API_SECONDS_MAX = 10
API_FIELDS = ["time_window", "base_currency", "total_amount", "data_as_of", "is_degraded"]


class Unjudgeable(Exception):
    """The sources do not suffice for a verdict."""


# ---------------------------------------------------------------------------------------- topics


class RegionReader:
    """Reads one region's topic and folds its records.

    The broker may be silent for `patience` seconds.
    """

    def __init__(self, region, brokers, topic, properties, patience, prefixes=()):
        # Imported only when needed, because the rules and their tests need no client library.
        from confluent_kafka import Consumer, TopicPartition

        self.region, self.topic, self.patience = region, topic, patience
        self.prefixes = prefixes
        self.consumer = Consumer({
            "bootstrap.servers": brokers, "group.id": f"judge-{uuid.uuid4()}",
            "enable.auto.commit": False, "enable.partition.eof": True,
            "auto.offset.reset": "error", **properties})
        known = self.consumer.list_topics(topic, timeout=patience).topics[topic]
        if known.error is not None or not known.partitions:
            raise Unjudgeable(f"{region}: no topic {topic}")
        self.folds = {partition: PartitionFold() for partition in sorted(known.partitions)}
        # partition -> offset of the next record
        self.next = {partition: 0 for partition in self.folds}
        self.told = None
        self.consumer.assign([TopicPartition(topic, partition, 0) for partition in self.folds])

    def read(self, seconds):
        """Folds the records that arrive within this time. Returns whether any did."""
        from confluent_kafka import KafkaError

        # Returns after this many records or this time, whichever is first.
        batch = self.consumer.consume(10_000, timeout=seconds)
        for message in batch:
            error, partition = message.error(), message.partition()
            if error is None:
                kind, stamp = message.timestamp()
                self.folds[partition].fold(message.value(), stamp if kind else None)
                self.next[partition] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # After the last record if a transaction's marker follows it.
                self.next[partition] = max(self.next[partition], message.offset())
            elif not error.retriable() and error.code() not in (
                    KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                raise Unjudgeable(f"{self.region}: partition {partition}: {error}")
        return bool(batch)

    def ends(self):
        from confluent_kafka import TopicPartition

        ends = {}
        for partition in self.folds:
            low, ends[partition] = self.consumer.get_watermark_offsets(
                TopicPartition(self.topic, partition), timeout=self.patience)
            if low > 0:
                raise Unjudgeable(
                    f"{self.region}: partition {partition} begins at {low}: "
                    "its first records are gone")
        return ends

    def catch_up(self):
        """Folds up to the current ends. Returns a RegionTruth, or None if it has not changed."""
        ends = self.ends()
        deadline = time.monotonic() + self.patience
        while any(self.next[partition] < end for partition, end in ends.items()):
            if self.read(0.2):
                deadline = time.monotonic() + self.patience
            elif time.monotonic() > deadline:
                raise Unjudgeable(
                    f"{self.region}: the broker sent nothing for {self.patience} s")
        if self.told == self.next:
            return None
        self.told = dict(self.next)
        truth = RegionTruth()
        for partition, fold in self.folds.items():
            truth.add(partition, self.next[partition], fold, self.prefixes)
        return truth


def read_region(pipe, *arguments):
    """Runs in a region's own process: reads continuously and answers each message of the pipe with
    the result of catch_up, until the pipe ends or the region cannot be judged."""
    try:
        reader = RegionReader(*arguments)
        while True:
            while not pipe.poll():
                reader.read(0.2)
            pipe.recv()
            pipe.send(reader.catch_up())
    except Unjudgeable as reason:
        pipe.send(reason)
    except (EOFError, BrokenPipeError):
        pass
    except Exception as problem:
        pipe.send(Unjudgeable(f"{arguments[0]}: {problem!r}"))


# ----------------------------------------------------------------------------------------- Redis


class Snapshot:
    """The contents of Redis, with sums over logs and partitions. Omits keys of minutes that expire
    during or soon after the reading; `is_kept` decides that."""

    def __init__(self):
        self.first_kept_minute = 0
        # (region, minute, currency) -> [settled, transfers, correction]
        self.shards, self.late = {}, {}
        # (minute, currency) -> number
        self.metric, self.transfers = {}, {}
        # region -> partition -> logs' greatest coverage
        self.coverage = {}
        # Problems of the keys themselves.
        self.odd_keys = []
        self.keys = []

    def is_kept(self, minute):
        return minute >= self.first_kept_minute


class Store:
    """HQ's Redis, read-only."""

    def __init__(self, address):
        import redis

        self.Failure = redis.RedisError
        if address.startswith("unix:"):
            self.client = redis.Redis(unix_socket_path=address[5:], socket_timeout=30)
        else:
            host, port = address.rsplit(":", 1)
            self.client = redis.Redis(host=host, port=int(port), socket_timeout=30)

    def read(self):
        snapshot = Snapshot()
        families = {}
        for key in self.client.scan_iter(count=5_000):
            snapshot.keys.append(key)
            families.setdefault(key.split(b":", 1)[0].decode("utf-8", "replace"), []).append(key)
        snapshot.keys = sorted(set(snapshot.keys))
        for family in sorted(set(families) - KEY_FAMILIES):
            snapshot.odd_keys.append({"family": family, "keys": len(families[family])})
        for family, sums in (("metric", snapshot.metric), ("transfers", snapshot.transfers)):
            self.read_strings(sorted(set(families.get(family, []))), sums, snapshot)
        for family, sums in (("shard", snapshot.shards), ("late", snapshot.late)):
            self.read_hashes(sorted(set(families.get(family, []))), sums, snapshot)
        for key in families.get("watermark", []):
            self.read_coverage(key, snapshot)
        seconds = self.client.time()[0]
        snapshot.first_kept_minute = (seconds + 5) // 60 - RETAINED_MINUTES + 1
        return snapshot

    def pipelined(self, keys, call):
        """Yields (key, result of the call) for each key."""
        for start in range(0, len(keys), KEYS_A_ROUND_TRIP):
            chunk = keys[start:start + KEYS_A_ROUND_TRIP]
            pipe = self.client.pipeline(transaction=False)
            for key in chunk:
                call(pipe, key)
            yield from zip(chunk, pipe.execute(raise_on_error=False))

    def read_strings(self, keys, sums, snapshot):
        for start in range(0, len(keys), KEYS_A_ROUND_TRIP):
            chunk = keys[start:start + KEYS_A_ROUND_TRIP]
            for key, value in zip(chunk, self.client.mget(chunk)):
                if value is None:
                    continue
                try:
                    _, currency, minute = key.decode().split(":")
                    sums[int(minute), currency] = int(value)
                except ValueError:
                    snapshot.odd_keys.append({"key": repr(key), "value": repr(value)[:100]})

    def read_hashes(self, keys, sums, snapshot):
        for key, fields in self.pipelined(keys, lambda pipe, key: pipe.hgetall(key)):
            try:
                _, region, _, _, minute = key.decode().split(":")
                for currency, text in fields.items():
                    numbers = [int(part) for part in text.split(b":")]
                    name = (region, int(minute), currency.decode())
                    add(sums, name, numbers)
            except (ValueError, AttributeError):
                snapshot.odd_keys.append({"key": repr(key), "value": repr(fields)[:100]})

    def read_coverage(self, key, snapshot):
        region = key.decode().split(":", 1)[1]
        for field, value in self.client.hgetall(key).items():
            partition = int(field.rsplit(b"/", 1)[1])
            coverage = int(value.split(b" ", 1)[0])
            found = snapshot.coverage.setdefault(region, {})
            found[partition] = max(coverage, found.get(partition, 0))

    def odd_expiries(self, keys):
        """The minute-keyed keys that do not expire at minute · 60 s + 25 h exactly."""
        minute_keys = [key for key in keys if key.split(b":", 1)[0] in MINUTE_FAMILIES]
        odd = []
        for key, expiry in self.pipelined(
                minute_keys, lambda pipe, key: pipe.execute_command("EXPIRETIME", key)):
            expected = int(key.rsplit(b":", 1)[1]) * 60 + RETAINED_MINUTES * 60
            # −2: the key has expired since it was listed.
            if expiry not in (expected, -2):
                odd.append({"key": key.decode(), "expected": expected, "found": expiry})
        return odd


# ------------------------------------------------------------------------------------------- API


class Rates:
    """Units of each currency per one unit of the base, exactly as in the file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file, parse_float=str, parse_int=str)
        self.rates = {
            code: fractions.Fraction(text) for code, text in document["rates"].items()}
        self.rates[document["base"]] = fractions.Fraction(1)

    def total(self, sums, base):
        """{currency: minor units} in the base's major units, rounded once, half to even."""
        exact = sum(
            (fractions.Fraction(amount, 10 ** EXPONENT[currency]) / self.rates[currency]
             for currency, amount in sums.items() if currency in self.rates),
            fractions.Fraction(0)) * self.rates[base]
        # Python rounds a Fraction half to even.
        return fractions.Fraction(round(exact * 10 ** EXPONENT[base]), 10 ** EXPONENT[base])


def decimal_text(total, base):
    """Formats a Fraction of whole minor units with exactly the currency's decimals."""
    digits = EXPONENT[base]
    minor = total * 10 ** digits
    assert minor.denominator == 1, total
    text = f"{abs(minor.numerator):0{digits + 1}d}"
    point = len(text) - digits
    sign = "-" if minor < 0 else ""
    return f"{sign}{text[:point]}.{text[point:]}" if digits else f"{sign}{text}"


def read_api(url, base):
    """The public total's text, and the whole answer."""
    address = f"{url.rstrip('/')}/v1/metrics/money-moved/24h?base_currency={base}"
    with urllib.request.urlopen(address, timeout=API_SECONDS_MAX) as response:
        answer = json.load(response, parse_float=str, parse_int=str)
    if list(answer) != API_FIELDS:
        raise Unjudgeable(f"API: expected the fields {API_FIELDS}, found {list(answer)}")
    return answer["total_amount"], answer
