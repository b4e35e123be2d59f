"""The deployment under attack: real processes, live transfers, and observers.

The exact total is computed from the region's topic by the judge, which shares no code with the
product.
"""
import argparse
import http.client
import json
import pathlib
import subprocess
import sys
import threading
import time
from decimal import Decimal

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "System"))
import redis  # noqa: E402
from deployment import BINARY, Deployment, broker, wait_for  # noqa: E402
from judge import Topics, compare  # noqa: E402
from judge_sources import Rates, Store, Unjudgeable, decimal_text  # noqa: E402
from scene_names import REGION, STREAM, TOTAL  # noqa: E402

HEAL_SECONDS = 30
HISTORY = 60_000


class Truth(threading.Thread):
    """Follows the topic; keeps (begun, ended, exact total) of each reading."""

    def __init__(self, deployment):
        super().__init__(daemon=True)
        self.rates = Rates(deployment.folder / "rates.json")
        self.topics = Topics(argparse.Namespace(
            brokers=[f"{REGION}={deployment.brokers[REGION]}"], topic="transaction.settled",
            kafka=[], patience=30, ids=[]))
        self.looks, self.last, self.problem, self.is_over = [], None, None, threading.Event()

    def run(self):
        try:
            while not self.is_over.is_set():
                begun = time.time()
                truth = self.topics.truth()
                ended, sums = time.time(), {}
                for (_, currency), amount in truth.metric.items():
                    sums[currency] = sums.get(currency, 0) + amount
                total = Decimal(decimal_text(self.rates.total(sums, "USD"), "USD"))
                self.last = truth
                self.looks.append((begun, ended, total))
                self.is_over.wait(0.2)
        except Unjudgeable as reason:
            self.problem = str(reason)

    def close(self):
        self.is_over.set()
        self.join(10)
        self.topics.close()

    def least(self, moment):
        """A lower bound of the total at that time."""
        return max((total for _, ended, total in self.looks if ended <= moment), default=None)

    def most(self, moment):
        """An upper bound of the total at that time; None until a later reading exists."""
        return next((total for begun, _, total in self.looks if begun >= moment), None)


class Look:
    """One answer to a viewer; status 0 means no answer."""

    def __init__(self, begun, seconds, status, body):
        self.begun, self.seconds, self.status = begun, seconds, status
        self.is_total = status == 200
        if self.is_total:
            self.amount, self.degraded = Decimal(body["total_amount"]), body["is_degraded"]
            self.as_of = body["data_as_of"]


class Viewer(threading.Thread):
    """Asks for the total five times a second, each time on a new connection."""

    def __init__(self, scene):
        super().__init__(daemon=True)
        self.scene, self.looks, self.is_over = scene, [], threading.Event()

    def run(self):
        while not self.is_over.wait(0.2):
            begun, clock = time.time(), time.monotonic()
            status, body = self.ask()
            self.looks.append(Look(begun, time.monotonic() - clock, status, body))

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.scene.public_port, timeout=5)
        try:
            connection.request("GET", TOTAL)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text, parse_float=str, parse_int=str)
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None
        finally:
            connection.close()


class Commits(threading.Thread):
    """Records when the region's watermarks in Redis change."""

    def __init__(self, scene):
        super().__init__(daemon=True)
        self.store = redis.Redis(port=scene.redis_port, socket_timeout=5)
        self.moved, self.is_over = [], threading.Event()

    def run(self):
        before = None
        while not self.is_over.wait(0.1):
            try:
                found = self.store.hgetall(f"watermark:{REGION}")
            except redis.RedisError:
                continue
            if found != before:
                self.moved.append(time.time())
            before = found

    def gap(self, since, until):
        """The longest time without a commit in between."""
        times = [since, *(one for one in self.moved if since < one < until), until]
        return max(after - before for before, after in zip(times, times[1:]))


class Stream(threading.Thread):
    """A viewer of the event stream; records the time of each event."""

    def __init__(self, scene):
        super().__init__(daemon=True)
        self.port, self.events, self.is_over = scene.public_port, [], threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", STREAM)
            response = connection.getresponse()
            while not self.is_over.is_set() and (line := response.readline()):
                if line.startswith(b"data:"):
                    self.events.append(time.time())
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


class Scene(Deployment):
    """Redis, a broker, HQ and one node of one region, without a proxy."""

    def __init__(self, seed):
        super().__init__([REGION], None, seed)
        self.producers, self.viewer, self.truth, self.commits = 0, None, None, None

    def start_servers(self):
        self.add("redis", [
            "redis-server", "--port", self.redis_port, "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", self.folder, "--maxmemory-policy", "noeviction"]).start()
        process = broker(REGION, self.folder).start()
        self.processes[process.name] = process
        self.brokers[REGION] = process.line("bootstrap ")
        self.write_topology(("127.0.0.1", self.ingest_port))
        self.add("hq", self.headquarters())
        self.store = redis.Redis(port=self.redis_port, socket_timeout=5)

    def headquarters(self, *before):
        return [*before, BINARY, "hq", "--topology", self.topology,
                "--state", self.folder / "hq.state"]

    @property
    def hq(self):
        return self.processes["hq"]

    def begin(self):
        """Loads two hours of history and starts the observers."""
        self.hq.start()
        self.node(REGION, "a").start()
        history = self.produce("history", REGION, HISTORY, "--duration", "2h", "--start", "now-2h",
                               "--seed", self.seed, "--id-prefix", "day_", "--late", "0.2%")
        if history.child.wait(60) != 0:
            raise AssertionError(history.tail())
        self.truth, self.viewer, self.commits = Truth(self), Viewer(self), Commits(self)
        for one in (self.truth, self.viewer, self.commits):
            one.start()
        self.exact(time.time(), 60)

    def restart_hq(self, *before):
        """Restarts HQ with the words `before` in front of its command."""
        self.hq.stop()
        self.hq.command = [str(word) for word in self.headquarters(*before)]
        self.hq.start()
        wait_for("HQ answers", lambda: self.total() is not None, 20)

    def live(self, rate):
        self.producers += 1
        return self.produce(
            f"live-{self.producers}", REGION, 1_000_000, "--rate", rate, "--seed",
            self.seed + self.producers, "--id-prefix", f"live{self.producers}_")

    def attack(self, name, *options, seconds):
        """Runs an attack in its own process until it ends; returns its counts."""
        process = self.add(f"attack-{name}-{len(self.processes)}", [
            sys.executable, FOLDER / "attacks.py", name, "--seconds", seconds,
            "--seed", self.seed, *options]).start()
        try:
            status = process.child.wait(seconds + 30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the attack {name} did not end") from None
        if status != 0:
            raise AssertionError(f"the attack {name}: {process.tail()}")
        return json.loads(process.log.read_text().splitlines()[-1])

    def exact(self, since, seconds, also=lambda: True):
        """Waits until the total is exact and unlabelled. Returns the seconds since `since`, or
        None if it takes more than `seconds`. Requires that nothing is produced meanwhile."""
        def agree():
            expected = self.truth.most(since)
            look = self.viewer.looks[-1] if self.viewer.looks else None
            return (expected is not None and look.is_total and not look.degraded
                    and look.begun >= since and look.amount == expected and also())
        if self.truth.problem:
            raise AssertionError(f"the truth is not known: {self.truth.problem}")
        try:
            wait_for("exact", agree, max(0.1, since + seconds - time.time()))
        except TimeoutError:
            return None
        return time.time() - since

    def differences(self):
        """The differences between Redis and the topic."""
        try:
            return compare(self.truth.last, Store(f"127.0.0.1:{self.redis_port}").read())
        except redis.RedisError as problem:
            return [{"where": "redis", "problem": str(problem)}]

    def close(self):
        for one in (self.viewer, self.commits):
            if one is not None:
                one.is_over.set()
        if self.truth is not None:
            self.truth.close()
        super().close()
