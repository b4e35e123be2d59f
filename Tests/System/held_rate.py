#!/usr/bin/env python3
"""A provider's rate jumps: with real processes and a provider over HTTP.

While the jump is not believed, the total keeps the last good rate and is degraded, and the
breakdown names the currency, both rates and the share of the total. After an operator has accepted
the rate in `accept_file`, the total uses it and is not degraded. Rate sets can be had by the ids
that the breakdown names, before and after.

The expected totals are computed here, by hand. Needs no more than the test's own broker.
"""
import datetime
import http.server
import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request

import confluent_kafka

from deployment import Deployment, wait_for

REGION = "eu-west"
PATIENCE_SECONDS = 40
# A provider is asked once a minute at most.
REFRESH_SECONDS = 60
TRANSFERS = 10
# Each of so many minor units: 1,000.00 USD and 800.00 GBP.
AMOUNTS = {"USD": 10_000, "GBP": 8_000}
# Units per euro. 800.00 GBP are 1,000 EUR and 1,250 USD; after the jump, 500 EUR and 625 USD.
RATES = {"USD": "1.25", "GBP": "0.8", "JPY": "160"}
JUMPED = "1.6"
BEFORE, AFTER = "2250.00", "1625.00"
SHARE = 1250 / 2250


def day(ago=0):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - datetime.timedelta(days=ago)).date().isoformat()


class Provider(http.server.ThreadingHTTPServer):
    """Answers as Frankfurter does, with the rates that are set."""
    daemon_threads = True

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(self.server.document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.server.answers += 1

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = 0
        self.publish(day(1), RATES)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def publish(self, date, rates):
        numbers = {code: float(rate) for code, rate in rates.items()}
        self.document = {"amount": 1.0, "base": "EUR", "date": date, "rates": numbers}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/latest"


def use(deployment, provider):
    """Has headquarters ask this provider, and convert a few currencies."""
    text = deployment.topology.read_text()
    for pattern, replacement in {
        r"(?m)^fx:\n  file: .*$":
            f"fx:\n  source: frankfurter\n  url: {provider.url}\n  allow_http: true\n"
            f"  refresh: {REFRESH_SECONDS}s\n  accept_file: accepted.json",
        r"(?ms)^currencies: \[.*?\]$": "currencies: [USD, EUR, GBP, JPY]",
        r"(?m)^base_currencies: .*$": "base_currencies: [USD, EUR]",
    }.items():
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, f"topology.yaml has no {pattern}"
    deployment.topology.write_text(text)


def produce(brokers):
    producer = confluent_kafka.Producer({"bootstrap.servers": brokers, "log_level": 0})
    settled = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    for currency, amount in AMOUNTS.items():
        for number in range(TRANSFERS):
            key = f"{currency}_{number}"
            producer.produce("transaction.settled", json.dumps({
                "transfer_id": key, "currency": currency, "amount_minor_units": amount,
                "settled_at_utc": settled.replace("+00:00", "Z")}), key)
    assert not producer.flush(20), "the broker did not take all records"


class Scene:
    def __init__(self, deployment):
        self.deployment = deployment

    def total(self):
        """Amount and label of the public total."""
        body = self.deployment.total()
        return body and (body["total_amount"], body["is_degraded"])

    def await_total(self, what, expected, seconds=PATIENCE_SECONDS, before=None):
        """Waits for the total; until then it must be one of `before`."""
        def found():
            total = self.total()
            if before is not None and total not in (None, expected, *before):
                raise AssertionError(f"{what}: the total is {total}")
            return total == expected
        try:
            wait_for(what, found, seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.total()}, not {expected}") from None
        print(f"ok {what}", flush=True)

    def breakdown(self):
        status, body = self.deployment.answer(path="/breakdown")
        assert status == 200, status
        return body

    def rates(self, name):
        """Status, caching and content of a rate set."""
        url = f"http://127.0.0.1:{self.deployment.public_port}/v1/rates/{name}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.headers["Cache-Control"], json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers["Cache-Control"], json.load(refusal)

    def check_rates(self, gbp):
        """The set that the breakdown names is the latest one and has this rate; answers its id."""
        name = self.breakdown()["rates"]["id"]
        status, caching, body = self.rates(name)
        assert status == 200 and "immutable" in caching, (status, caching)
        assert self.rates("latest")[2] == body and body["id"] == name, body
        rates = {pair["currency"]: pair["rate"] for pair in body["rates"]}
        assert rates == RATES | {"GBP": gbp}, rates
        return name


def run(deployment, provider):
    deployment.processes["hq"].start()
    deployment.node(REGION, "a").start()
    produce(deployment.brokers[REGION])
    scene = Scene(deployment)
    scene.await_total("the total uses the provider's rates", (BEFORE, False))
    first = scene.check_rates(RATES["GBP"])

    provider.publish(day(), RATES | {"GBP": JUMPED})
    published = time.time()
    scene.await_total(
        "a rate that jumps is held, and labelled", (BEFORE, True), REFRESH_SECONDS * 2,
        [(BEFORE, False)])
    assert provider.answers >= 2, "the label came without an answer of the provider"
    print(f"   after {time.time() - published:.1f} s", flush=True)
    body = scene.breakdown()
    held = body["rates"]["held"]
    assert len(held) == 1, held
    share = float(held[0].pop("share"))
    assert abs(share - SHARE) < 0.001, share
    assert held[0] == {
        "currency": "GBP", "reason": "jump", "rate": RATES["GBP"], "date": day(1),
        "offered_rate": JUMPED, "offered_date": day()}, held
    labels = [(label["reason"], label["currencies"]) for label in body["degraded"]]
    assert labels == [("rate_jump", ["GBP"])], labels
    assert abs(float(body["degraded"][0]["share"]) - SHARE) < 0.001, body["degraded"]
    scene.check_rates(RATES["GBP"])

    (deployment.folder / "accepted.json").write_text(json.dumps({
        "base": "EUR", "date": day(), "source": "a test: the pound was halved",
        "rates": {"GBP": JUMPED}}))
    scene.await_total(
        "a rate that is accepted by name is used, and the label goes", (AFTER, False),
        before=[(BEFORE, True)])
    assert scene.breakdown()["rates"]["held"] == []
    assert scene.check_rates(JUMPED) != first
    assert scene.rates(first)[0] == 200, "the first set is gone"
    status, caching, problem = scene.rates("0" * 16)
    assert (status, caching) == (404, "no-store"), (status, caching)
    assert problem["type"] == "/problems/unknown-rate-set", problem
    print("ok rate sets are served by their ids", flush=True)
    return 0


def main():
    with Provider() as provider, Deployment([REGION]) as deployment:
        use(deployment, provider)
        try:
            return run(deployment, provider)
        except BaseException:
            print(deployment.logs(), file=sys.stderr)
            raise


if __name__ == "__main__":
    sys.exit(main())
