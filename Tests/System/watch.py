"""Reads the public total continuously, and records violations."""
import collections
import decimal
import threading
import time

SECONDS_BETWEEN = 0.1


class Watch(threading.Thread):
    """Reads the public total ten times a second, whatever happens to HQ.

    All transfers are in the window, so the total can only rise; a lower answer is a dip. After the
    first good answer, HQ always has one, because it keeps what it published: any other answer is a
    refusal, also after a restart. A missing answer is only counted, because tests kill HQ.
    """

    def __init__(self, deployment):
        super().__init__(daemon=True)
        self.deployment, self.is_over = deployment, threading.Event()
        self.answers = self.degraded = self.missed = 0
        self.statuses = collections.Counter()
        self.highest, self.as_of = None, ""
        self.dips, self.backwards, self.refusals = [], [], []

    def run(self):
        while not self.is_over.wait(SECONDS_BETWEEN):
            self.take(self.deployment.answer())

    def take(self, answer):
        """Records one answer, a pair of status and body; None if there was none."""
        if answer is None:
            self.missed += 1
            return
        status, body = answer
        self.statuses[status] += 1
        if status != 200:
            if self.answers > 0:
                self.refusals.append(f"{clock()} {status} {body}")
            return
        amount = decimal.Decimal(body["total_amount"])
        if self.highest is not None and amount < self.highest:
            self.dips.append(
                f"{clock()} {self.highest} to {amount}, degraded {body['is_degraded']}")
        self.highest = amount if self.highest is None else max(self.highest, amount)
        if body["data_as_of"] < self.as_of:
            self.backwards.append(f"{clock()} {self.as_of} to {body['data_as_of']}")
        self.as_of = max(self.as_of, body["data_as_of"])
        self.degraded += body["is_degraded"]
        self.answers += 1

    def end(self):
        """The violations, each as a sentence."""
        problems = []
        if not self.is_alive():
            problems.append("the watch ended by itself")
        self.is_over.set()
        self.join()
        for what, found in {
            "the total fell": self.dips, "data_as_of ran backwards": self.backwards,
            "HQ had a total and did not give it": self.refusals,
        }.items():
            if found:
                problems.append(f"{what}, {len(found)} times: {found[:5]}")
        return problems


def clock():
    return time.strftime("%H:%M:%S")
