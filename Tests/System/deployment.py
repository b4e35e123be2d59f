"""A Tributary deployment on this machine, for system tests.

Brokers are embedded, or those of a real cluster given by `brokers`. All processes use a temporary
folder, listen on free ports of 127.0.0.1 and are ended by process id.
"""
import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build/release/tributary"
SYSTEM = pathlib.Path(__file__).resolve().parent
# The topic that continues a region's first one.
NEXT_TOPIC = "transaction.settled.next"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds):
    """Waits for the condition's first true result and returns it; the error names `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} s: {what}")


class Process:
    """A child in its own session that can be killed, paused and restarted."""

    def __init__(self, name, command, folder, records=False):
        self.name, self.command = name, [str(word) for word in command]
        self.folder, self.log = folder, folder / f"{name}.log"
        self.child = None
        # The recording of each start; None for a process that makes none.
        self.recordings = [] if records else None

    def start(self):
        assert self.child is None or self.child.poll() is not None, f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command, *self.next_recording()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        return self

    def next_recording(self):
        if self.recordings is None:
            return []
        self.recordings.append(
            self.folder / f"{self.name}-{len(self.recordings) + 1}.recording")
        return ["--record", str(self.recordings[-1])]

    @property
    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        """Kills the process without clean-up, like a power cut."""
        if self.is_running:
            self.child.kill()
            self.child.wait()

    def stop(self, seconds=15):
        """Stops the process gracefully. Returns the exit status."""
        if self.is_running:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not stop within {seconds} s") from None
        return self.child.returncode if self.child else 0

    def line(self, prefix, seconds=20):
        """The text after `prefix` in the first line of the output that begins with it."""
        def find():
            if not self.is_running:
                raise AssertionError(f"{self.name} ended:\n{self.tail()}")
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith(prefix):
                    return line[len(prefix):]
            return None
        return wait_for(f"{self.name} says {prefix!r}", find, seconds)

    def said(self, text):
        """The lines of the output that contain `text`."""
        return [line for line in self.log.read_text(errors="replace").splitlines()
                if text in line]

    def tail(self, lines=15):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def broker(region, folder):
    """An embedded broker with a region's topics, not started yet."""
    return Process(f"broker-{region}", [
        BINARY, "broker", "--port", 0, "--topic", "transaction.settled:6",
        "--topic", f"{NEXT_TOPIC}:6", "--topic", "transaction.settled.dlq:1"], folder)


class Deployment:
    """Redis, brokers, a fault proxy in front of HQ, HQ, and nodes of each region."""

    def __init__(self, regions, brokers=None, seed=1, records=False):
        self.records = records
        self.regions, self.seed = regions, seed
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tributary-system-"))
        self.processes = {}
        self.redis_port, self.ingest_port = free_port(), free_port()
        self.public_port, self.admin_port = free_port(), free_port()
        self.brokers = dict(brokers or {})
        self.control = None

    def __enter__(self):
        try:
            self.start_servers()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, name, command, records=False):
        self.processes[name] = Process(name, command, self.folder, records)
        return self.processes[name]

    def recordings(self):
        """The recordings of every start of a node or of HQ, including killed ones."""
        return [path for process in self.processes.values()
                for path in process.recordings or [] if path.exists() and path.stat().st_size]

    def start_servers(self):
        self.add("redis", [
            "redis-server", "--port", self.redis_port, "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--dir", self.folder,
            "--maxmemory-policy", "noeviction", "--enable-debug-command", "local"]).start()
        for region in self.regions:
            if region not in self.brokers:
                process = broker(region, self.folder).start()
                self.processes[process.name] = process
                self.brokers[region] = process.line("bootstrap ")
        proxy = self.add("proxy", [
            sys.executable, SYSTEM / "fault_proxy.py", "--seed", self.seed, "--phase", "calm",
            "--upstream", f"127.0.0.1:{self.ingest_port}", "--seconds", 900]).start()
        ports = json.loads(proxy.line("{") and proxy.log.read_text().splitlines()[0])
        self.control = address(ports["control"])
        self.write_topology(address(ports["port"]))
        self.add("hq", [
            BINARY, "hq", "--topology", self.topology, "--state", self.folder / "hq.state"],
            self.records)

    @property
    def topology(self):
        return self.folder / "topology.yaml"

    def write_topology(self, hq):
        """The repository's own files, with this deployment's addresses."""
        text = (ROOT / "topology.yaml").read_text()
        for key, value in {
            "public": f"127.0.0.1:{self.public_port}", "ingest": f"127.0.0.1:{self.ingest_port}",
            "admin": f"127.0.0.1:{self.admin_port}", "address": f"127.0.0.1:{self.redis_port}",
            "file": "rates.json", "id_key_file": "id.key",
        }.items():
            text, count = re.subn(rf"(?m)^( *{key}: ).*$", rf"\g<1>{value}", text, count=1)
            assert count == 1, f"topology.yaml has no {key}"
        text = re.sub(r"(?m)^regions:\n(  - .*\n)+", "regions:\n" + "".join(
            f"  - {region}.yaml\n" for region in self.regions), text)
        text = re.sub(r"(?m)^hq:\n(  - .*\n)+", f"hq:\n  - http://{hq[0]}:{hq[1]}\n", text)
        self.topology.write_text(text)
        for region in self.regions:
            text = (ROOT / f"regions/{region}.yaml").read_text()
            text = re.sub(
                r"(?m)^  bootstrap.servers: .*$",
                f"  bootstrap.servers: {self.brokers[region]}\n  session.timeout.ms: 6000\n"
                "  heartbeat.interval.ms: 1000", text)
            (self.folder / f"{region}.yaml").write_text(text)
        shutil.copy(ROOT / "deploy/rates/example.json", self.folder / "rates.json")
        (self.folder / "id.key").write_text(secrets.token_hex(16) + "\n")

    def continue_log(self, region):
        """Declares a log in the next topic that continues the region's log. Restart the processes
        afterwards."""
        path = self.folder / f"{region}.yaml"
        text = path.read_text()
        for pattern, replacement in {
            r"(?m)^topic: .*$": f"topic: {NEXT_TOPIC}",
            r"(?m)^  - id: main\n    partitions: 6\n":
                "  - id: main\n    partitions: 6\n  - id: next\n    partitions: 6\n"
                "    continues: main\n",
            r"(?m)^generation: 1$": "generation: 2",
        }.items():
            text, count = re.subn(pattern, replacement, text)
            assert count == 1, f"{path} has no {pattern}"
        path.write_text(text)
        text, count = re.subn(r"(?m)^generation: 1$", "generation: 2", self.topology.read_text())
        assert count == 1, "topology.yaml has no generation"
        self.topology.write_text(text)

    def node(self, region, name):
        key = f"{region}-{name}"
        if key not in self.processes:
            self.add(key, [
                BINARY, "region", "--topology", self.topology, "--region", region,
                "--node", key, "--log-level", "info"], self.records)
        return self.processes[key]

    def produce(self, name, region, count, *options):
        """Starts a producer of seeded transfers for the region's topic."""
        return self.add(f"producer-{name}", [
            BINARY, "generate", count, "--kafka", self.brokers[region], "--topic",
            "transaction.settled", "--amounts", "unique", *options]).start()

    def phase(self, words):
        """Sets the proxy's phase, or gets its counts."""
        with socket.create_connection(self.control, timeout=5) as control:
            control.sendall(f"{words}\n".encode())
            control.shutdown(socket.SHUT_WR)
            return control.makefile().read()

    def answer(self, base="USD", path=""):
        """Status and body of the public total, or of a path below it, with numbers as text. None
        without a complete answer."""
        url = (f"http://127.0.0.1:{self.public_port}/v1/metrics/money-moved/24h{path}"
               f"?base_currency={base}")
        try:
            try:
                with urllib.request.urlopen(url, timeout=2) as response:
                    return response.status, parsed(response)
            except urllib.error.HTTPError as refusal:
                return refusal.code, parsed(refusal)
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def total(self, base="USD"):
        """The five fields with the amount as text; None without an answer that has one."""
        status, body = self.answer(base) or (None, None)
        return body if status == 200 else None

    def reasons(self):
        """The reasons why the public total is degraded."""
        status, body = self.answer(path="/breakdown") or (None, None)
        return {entry["reason"] for entry in body["degraded"]} if status == 200 else set()

    def judge(self, *options):
        """Starts the independent judge, which reads continuously until it must give its verdict."""
        return Judge([
            "--redis", f"127.0.0.1:{self.redis_port}",
            "--api", f"http://127.0.0.1:{self.public_port}",
            "--rates", self.folder / "rates.json",
            *(word for region in self.regions
              for word in ("--brokers", f"{region}={self.brokers[region]}")), *options])

    def close(self):
        for process in reversed(self.processes.values()):
            process.kill()
        if os.environ.get("KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        return "\n".join(
            f"── {process.name}\n{process.tail()}" for process in self.processes.values())


class Judge:
    """judge.py as a separate process, started while production still runs."""

    def __init__(self, options):
        self.child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, SYSTEM / "judge.py",
             "--follow", *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def verdict(self, since=None):
        """The parsed verdict. Production stopped at that Unix time, or now."""
        output, errors = self.child.communicate(f"{since or time.time()}\n", timeout=400)
        try:
            return json.loads(output)
        except ValueError:
            raise AssertionError(f"the judge printed:\n{output}\n{errors}") from None


def parsed(response):
    """A JSON body with its numbers as text; the text itself if it is not JSON."""
    if "Content-Length" not in response.headers:
        # The library accepts a cut head as a complete one.
        raise http.client.IncompleteRead(b"")
    text = response.read().decode()
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return text


def add_brokers_option(parser):
    parser.add_argument(
        "--brokers", action="append", default=[], metavar="REGION=HOST:PORT",
        help="a region's Kafka instead of the embedded broker; once for each region")


def named_brokers(pairs, regions):
    """The values of --brokers as {region: brokers}."""
    brokers = dict(pair.partition("=")[::2] for pair in pairs)
    for region, address in brokers.items():
        if region not in regions or not address:
            raise SystemExit(f"--brokers: expected REGION=HOST:PORT with a region of {regions}, "
                             f"found {region}={address}")
    return brokers


def address(text):
    """`HOST:PORT`, or only a port, as a pair."""
    host, _, port = str(text).rpartition(":")
    return (host or "127.0.0.1", int(port))
