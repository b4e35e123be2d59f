#!/usr/bin/env python3
"""Tests wrong clocks, partial loss of the store and a topic that continues another one, with real
processes: counted money stays counted once, and problems are labelled.

The expected totals are sums of the records that this program produces. Accepts --brokers.
"""
import argparse
import datetime
import json
import subprocess
import sys
import time

import confluent_kafka

from deployment import NEXT_TOPIC, Deployment, add_brokers_option, named_brokers, wait_for

REGION = "eu-west"
PATIENCE_SECONDS = 40
AMOUNT = 100_000
MINUTE = 60
HOUR = 3_600
PARTITIONS = 6


class Records:
    """Produces transfers of 1,000.00 USD with given times, and computes the expected total."""

    def __init__(self, brokers):
        # Partitions records like Java producers and Debezium, so that a repeat meets the first one.
        self.producer = confluent_kafka.Producer(
            {"bootstrap.servers": brokers, "partitioner": "murmur2_random", "log_level": 0})
        self.prefix = f"{time.time_ns()}_"
        self.count = 0
        self.topic = "transaction.settled"
        # The last sent records.
        self.sent = []

    def produce(self, count, settled=0, stamped=0):
        """Sends `count` transfers, settled and stamped this many seconds after now."""
        now = time.time()
        self.sent = []
        for _ in range(count):
            self.count += 1
            key = f"{self.prefix}{self.count}"
            at = datetime.datetime.fromtimestamp(now + settled, datetime.timezone.utc)
            value = {
                "transfer_id": key, "currency": "USD", "amount_minor_units": AMOUNT,
                "settled_at_utc": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            self.sent.append((key, json.dumps(value)))
        self.send(now + stamped)

    def produce_again(self, stamped):
        """Sends the last records again, stamped this many seconds after now."""
        self.send(time.time() + stamped)

    def mark(self, stamped):
        """Sends a relay's marker to every partition."""
        at = time.time() + stamped
        moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
        marker = {
            "type": "ledger_marker", "lsn": "0/1", "system": "1", "timeline": 1,
            "marked_at_utc": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        for partition in range(PARTITIONS):
            self.producer.produce(
                self.topic, json.dumps(marker), partition=partition, timestamp=int(at * 1_000))
        self.flush()

    def send(self, at):
        for key, value in self.sent:
            self.producer.produce(self.topic, value, key, timestamp=int(at * 1_000))
        self.flush()

    def flush(self):
        if self.producer.flush(20):
            raise AssertionError("the broker did not acknowledge all records")


class Scenarios:
    def __init__(self, deployment):
        self.deployment = deployment
        self.records = Records(deployment.brokers[REGION])
        # An external cluster may already contain money.
        self.expected = int(deployment.total()["total_amount"].replace(".", ""))

    def count(self, transfers):
        self.expected += transfers * AMOUNT

    @property
    def amount(self):
        return f"{self.expected // 100}.{self.expected % 100:02}"

    def total(self):
        body = self.deployment.total()
        return body["total_amount"] if body else None

    def await_total(self, what):
        try:
            wait_for(what, lambda: self.total() == self.amount, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.total()}, not {self.amount}") from None

    def await_reasons(self, what, condition, seconds=PATIENCE_SECONDS):
        """Waits for reasons that meet the condition; until then the total must be the expected
        one."""
        def found():
            total, reasons = self.total(), self.deployment.reasons()
            if total is not None and total != self.amount:
                raise AssertionError(f"{what}: the total is {total}, not {self.amount}")
            return condition(reasons)
        try:
            wait_for(what, found, seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.deployment.reasons()}") from None

    def redis(self, *words):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.deployment.redis_port), *map(str, words)],
            check=True, capture_output=True, text=True)
        return done.stdout.strip()

    # Each method is one case; later cases depend on earlier ones.

    def clock_ahead(self):
        """A record stamped and settled more than a day ahead: records on time still count."""
        self.records.produce(1, settled=26 * HOUR, stamped=26 * HOUR)
        self.records.produce(1, settled=6 * HOUR, stamped=6 * HOUR)
        self.records.produce(50)
        self.count(50)
        self.await_total("the records on time are counted")
        self.await_reasons("money ahead is labelled", lambda reasons: "ahead" in reasons)

    def wiped_with_money_ahead(self):
        """A wipe and a rebuilt node do not lower the total."""
        self.redis("FLUSHALL")
        self.await_reasons(
            "the store is filled again", lambda reasons: "store_refilling" in reasons)
        self.await_reasons("only money ahead is labelled", lambda reasons: reasons == {"ahead"})
        node = self.deployment.node(REGION, "a")
        node.kill()
        node.start()
        self.records.produce(10)
        self.count(10)
        wait_for("transfers sent meanwhile are counted",
                 lambda: self.total() == self.amount, PATIENCE_SECONDS)
        self.await_reasons("only money ahead is labelled", lambda reasons: reasons == {"ahead"})

    def lost_hash(self):
        """A hash of buckets is lost: the last good value stays, labelled, and is refilled."""
        hashes = self.redis("KEYS", f"shard:{REGION}:*").split()
        minute = max(
            (key.rpartition(":")[2] for key in hashes
             if int(key.rpartition(":")[2]) <= time.time() // 60), key=int)
        self.redis("DEL", next(key for key in hashes if key.endswith(f":{minute}")))
        self.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.await_reasons(
            "the loss is labelled",
            lambda reasons: reasons & {"store_loss", "store_refilling"})
        self.await_reasons("only money ahead is labelled", lambda reasons: reasons == {"ahead"})

    def lost_changes(self):
        """The list of changes is lost: nothing looks empty, and later changes are seen."""
        self.redis("DEL", "changes")
        self.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        before = self.amount
        self.records.produce(5)
        self.count(5)

        def is_seen():
            total = self.total()
            if total not in (None, before, self.amount):
                raise AssertionError(f"without a list of changes the total is {total}")
            return total == self.amount
        wait_for("a later change is seen", is_seen, PATIENCE_SECONDS)

    def clock_behind(self):
        """Stamps 10 minutes behind the settlement: rejected, and labelled."""
        self.records.produce(100, stamped=-600)
        self.await_reasons("the region is rejecting", lambda reasons: "rejecting" in reasons)

    def continued_log(self):
        """A new topic continues the old one and begins with repeats. Neither they nor other
        transfers of the same time are counted; later ones are."""
        self.records.produce(20, settled=-75 * MINUTE, stamped=-75 * MINUTE)
        self.count(20)
        self.await_total("the last records of the first log are counted")
        node = self.deployment.node(REGION, "a")
        for process in (node, self.deployment.processes["hq"]):
            process.stop()
        self.deployment.continue_log(REGION)
        for process in (self.deployment.processes["hq"], node):
            process.start()
        self.records.topic = NEXT_TOPIC
        # Producers set the stamps: transfers settled up to 65 min later may be in the first log.
        self.records.mark(stamped=-70 * MINUTE)
        self.records.produce_again(stamped=-70 * MINUTE)
        self.records.produce(10, settled=-10 * MINUTE, stamped=-10 * MINUTE)
        self.records.produce(30)
        self.count(30)
        self.await_total("what is settled after the new log began is counted, and nothing twice")
        self.records.produce_again(stamped=0)
        self.records.produce(1)
        self.count(1)
        self.await_total("repeats within the new log are dropped")
        self.await_reasons("what was left out is labelled", lambda reasons: "incomplete" in reasons)

    def dead_broker(self):
        """Without a proof that the log's end was seen, data_as_of does not advance."""
        broker = self.deployment.processes[f"broker-{REGION}"]
        broker.kill()
        killed_at = time.time()
        self.await_reasons("the region lags", lambda reasons: "region_lagging" in reasons, 60)
        as_of = datetime.datetime.fromisoformat(self.deployment.total()["data_as_of"])
        if as_of.timestamp() > killed_at:
            raise AssertionError(f"data_as_of is {as_of}, later than the kill of the broker")

    ALL = [
        clock_ahead, wiped_with_money_ahead, lost_hash, lost_changes, clock_behind, continued_log,
        dead_broker,
    ]
    # These need the test's own broker.
    OWN = [continued_log, dead_broker]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_brokers_option(parser)
    named = [pair for pair in parser.parse_args().brokers if pair.startswith(f"{REGION}=")]
    brokers = named_brokers(named, [REGION])
    with Deployment([REGION], brokers) as deployment:
        try:
            deployment.processes["hq"].start()
            deployment.node(REGION, "a").start()
            wait_for("HQ is up to date", lambda: (
                (body := deployment.total()) and not body["is_degraded"]), PATIENCE_SECONDS)
            scenarios = Scenarios(deployment)
            for case in Scenarios.ALL:
                if case in Scenarios.OWN and brokers:
                    continue
                started = time.monotonic()
                case(scenarios)
                print(f"ok {case.__name__}: {time.monotonic() - started:.1f} s", flush=True)
        except BaseException:
            print(deployment.logs(), file=sys.stderr)
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
