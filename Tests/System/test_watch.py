"""Tests the watch with answers that have known faults."""
import time
import unittest
import unittest.mock

from watch import Watch


class Answers:
    """A deployment that gives scripted answers, then none."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def answer(self):
        return self.answers.pop(0) if self.answers else None


def good(amount, as_of="2026-03-25T12:00:00Z", is_degraded=False):
    return 200, {"total_amount": amount, "data_as_of": as_of, "is_degraded": is_degraded}


class WatchTest(unittest.TestCase):
    def problems(self, *answers):
        deployment = Answers(*answers)
        self.watch = Watch(deployment)
        self.watch.start()
        deadline = time.monotonic() + 10
        while deployment.answers and self.watch.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(not deployment.answers or not self.watch.is_alive(), "it looks no more")
        return self.watch.end()

    def test_a_total_that_rises_is_well(self):
        self.assertEqual(self.problems(
            (503, {}), good("9.99"), None, good("10.00", "2026-03-25T12:00:01Z", True)), [])
        self.assertEqual(
            (self.watch.answers, self.watch.degraded, self.watch.statuses),
            (2, 1, {200: 2, 503: 1}))

    def test_a_dip_is_one_though_degraded(self):
        (problem,) = self.problems(good("10.00"), good("9.99", is_degraded=True), good("11.00"))
        self.assertIn("the total fell, 1 times", problem)

    def test_a_time_that_runs_backwards(self):
        (problem,) = self.problems(good("1"), good("1", "2026-03-25T11:59:59Z"))
        self.assertIn("data_as_of ran backwards", problem)

    def test_a_refusal_once_there_was_a_total(self):
        for status in (503, 500, 404):
            (problem,) = self.problems(good("1"), None, (status, {"title": "no total"}), good("1"))
            self.assertIn(f"{status} {{'title': 'no total'}}", problem)

    def test_a_watch_that_dies_is_missed(self):
        # Hides the expected error.
        with unittest.mock.patch("threading.excepthook"):
            (problem,) = self.problems(good("1"), (200, {}), good("1"))
        self.assertIn("ended by itself", problem)


if __name__ == "__main__":
    unittest.main()
