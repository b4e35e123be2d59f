#!/usr/bin/env python3
"""Tests that `tributary demo` gives an honest verdict and leaves nothing behind.

    test_demo.py [--verbose] [DemoTest.test_…]
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "System"))
from deployment import BINARY, ROOT, Judge, Process, wait_for  # noqa: E402

REGIONS = ["eu-west", "us-east"]
# Redis, HQ, and a broker and a node for each region.
CHILDREN = 2 + 2 * len(REGIONS)
SECONDS_MAX = 60
# A currency without generated transfers.
FOREIGN = "NPR"


def status(pid):
    """(parent, start time, whether it still runs) of a process; None if it does not exist."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    words = text.rpartition(")")[2].split()
    return int(words[1]), words[19], words[0] not in "ZX"


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(parent):
    """{pid: start time} of the processes that `parent` started itself."""
    found = {pid: status(pid) for pid in pids()}
    return {pid: known[1] for pid, known in found.items() if known and known[0] == parent}


def running(processes):
    """The processes of {pid: start time} that still run."""
    return [pid for pid, began in processes.items()
            if (known := status(pid)) and known[1] == began and known[2]]


def naming(folder):
    """The command lines that contain the folder's name."""
    found = []
    for pid in pids():
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if folder.encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def setting(path, key):
    """The value of the first line of the file that sets `key`."""
    return re.search(rf"(?m)^ *{re.escape(key)}: (.+)$", path.read_text())[1]


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.logs = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.demo = Process("demo", [
            BINARY, "demo", "--topology", ROOT / "topology.yaml", "--port", 0, "--regions",
            len(REGIONS), "--history", "20m", "--rate", 100], self.logs).start()
        self.addCleanup(self.demo.kill)
        self.topology = pathlib.Path(self.demo.line("topology ", SECONDS_MAX))
        self.folder = self.topology.parent
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.demo.line("live ", SECONDS_MAX)
        self.children = children(self.demo.child.pid)
        self.assertEqual(len(running(self.children)), CHILDREN)
        self.assertNotEqual(naming(str(self.folder)), [])

    def brokers(self, region):
        return setting(self.folder / f"{region}.yaml", "bootstrap.servers")

    def redis(self):
        return setting(self.topology, "address")

    def end(self):
        """Ends the demo like Ctrl-C. Returns its exit status."""
        self.demo.signal(signal.SIGINT)
        return self.demo.child.wait(2 * SECONDS_MAX)

    def assert_nothing_is_left(self):
        self.assertEqual(running(self.children), [])
        self.assertEqual(naming(str(self.folder)), [])
        self.assertFalse(self.folder.exists())

    def test_it_is_exact_and_leaves_nothing(self):
        """The judge agrees; production pauses while it works."""
        self.demo.signal(signal.SIGSTOP)
        judge = Judge([
            "--redis", self.redis(), "--wait", SECONDS_MAX, "--ids", "live_",
            "--api", f"http://{setting(self.topology, 'public')}",
            "--rates", self.folder / "rates.json",
            *(word for region in REGIONS
              for word in ("--brokers", f"{region}={self.brokers(region)}"))])
        verdict = judge.verdict()
        self.demo.signal(signal.SIGCONT)
        self.assertEqual(verdict["verdict"], "exact", verdict)
        for region in REGIONS:
            self.assertGreater(verdict["ids"][region]["live_"], 0)
        self.assertEqual(self.end(), 0, self.demo.tail())
        self.assertRegex(self.demo.log.read_text(), r"(?m)^exact: [1-9]")
        self.assert_nothing_is_left()

    def test_a_transfer_by_another_hand_is_a_difference(self):
        now = int(time.time())
        record = json.dumps({
            "transfer_id": "by-hand", "currency": FOREIGN, "amount_minor_units": 777,
            "settled_at_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))})
        subprocess.run(
            ["kcat", "-P", "-b", self.brokers("us-east"), "-t", "transaction.settled",
             "-k", "by-hand"], input=record, text=True, check=True, timeout=SECONDS_MAX)
        host, _, port = self.redis().rpartition(":")
        wait_for("HQ has it", lambda: subprocess.run(
            ["redis-cli", "-h", host, "-p", port, "GET", f"metric:{FOREIGN}:{now // 60}"],
            capture_output=True, text=True, check=False).stdout.strip() == "777", SECONDS_MAX)
        self.assertEqual(self.end(), 1, self.demo.tail())
        # It reports that difference and nothing else.
        said = self.demo.log.read_text().splitlines()
        self.assertEqual(said[said.index("different:") + 1:], [
            f"  us-east {FOREIGN}: 1 minutes differ, by 777 minor units and 1 transfers"])
        self.assert_nothing_is_left()

    def test_no_child_outlives_it(self):
        self.demo.kill()
        wait_for("its children have ended", lambda: (
            not running(self.children) and not naming(str(self.folder))), SECONDS_MAX)


if __name__ == "__main__":
    unittest.main()
