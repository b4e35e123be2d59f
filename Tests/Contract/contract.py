#!/usr/bin/env python3
"""Tests the public interface against its own description, /openapi.json.

    contract.py [--seconds N] [--url http://HOST:PORT]

Starts the public interface with made-up reports (or uses a running one), lets schemathesis send
requests that the description allows and forbids, and compares each body with its compressed form.
Exit status 1 if an answer differs from the description.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/tributary-bench"
SCHEMATHESIS = pathlib.Path(sys.executable).parent / "schemathesis"
METRICS = "/v1/metrics/money-moved/24h"
RATES = "/v1/rates"


def fetch(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers, response.read()


def for_this_site(description, url):
    """The description with the values that this site knows besides: its bases, its pages, its rate
    set and one that it does not know."""
    try:
        fetch(f"{url}{METRICS}?base_currency=XXX")
    except urllib.error.HTTPError as error:
        detail = json.load(error)["detail"]
    bases = detail.removeprefix("base_currency must be one of ").removesuffix(", in upper case.")
    parameters = description["components"]["parameters"]
    parameters["base_currency"]["schema"]["enum"] = bases.split(", ")
    parameters["url"]["schema"]["enum"] = [f"{url}/", f"{url}/embed?base_currency=EUR"]
    parameters["id"]["schema"]["enum"] = [latest_rates(url)["id"], "0" * 16]
    return description


def latest_rates(url):
    return json.loads(fetch(f"{url}{RATES}/latest")[1])


def check_rates(url):
    """The rate set that the breakdown names is the latest one, and may be kept for ever."""
    named = json.loads(fetch(f"{url}{METRICS}/breakdown")[1])["rates"]["id"]
    headers, body = fetch(f"{url}{RATES}/{named}")
    latest_headers, latest = fetch(f"{url}{RATES}/latest")
    assert body == latest, "two rate sets"
    assert "immutable" in headers["Cache-Control"], headers["Cache-Control"]
    assert "max-age=1," in latest_headers["Cache-Control"], latest_headers["Cache-Control"]
    rates = json.loads(body)
    lines = [rates["source"], rates["date"], rates["base"]]
    for pair in rates["rates"]:
        day = "" if pair["date"] == rates["date"] else f" {pair['date']}"
        lines.append(f"{pair['currency']} {pair['rate']}{day}")
    value = 0xCBF29CE484222325
    for byte in "".join(f"{line}\n" for line in lines).encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    assert rates["hash"] == f"fnv1a-64:{value:016x}", rates["hash"]
    assert rates["id"] == named, rates["id"]
    print(f"rates: set {named} of {len(rates['rates'])} rates is as its hash says")


def check_compression(url, description):
    """Checks that each compressed body equals the plain one, with a different tag."""
    compressed = 0
    for path in description["paths"]:
        if path.endswith("/stream"):
            continue
        path = path.replace("{id}", latest_rates(url)["id"])
        target = url + path + (f"?url={urllib.parse.quote(url)}/" if path == "/oembed" else "")
        for _ in range(20):
            plain_headers, plain = fetch(target)
            headers, body = fetch(target, **{"Accept-Encoding": "gzip"})
            again = fetch(target)[1]
            if plain == again:
                break
        if headers.get("Content-Encoding") == "gzip":
            compressed += 1
            assert gzip.decompress(body) == plain, f"{path}: compressed is another body"
            assert headers["ETag"] != plain_headers["ETag"], f"{path}: one tag for two forms"
        else:
            assert body == plain, f"{path}: two bodies"
    assert compressed >= 3, "hardly anything is compressed"
    print(f"compression: {compressed} bodies are the same compressed")


def run(url, seconds):
    description = json.loads(fetch(f"{url}/openapi.json")[1])
    check_rates(url)
    check_compression(url, description)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "openapi.json"
        path.write_text(json.dumps(for_this_site(description, url)))
        return subprocess.run(
            [SCHEMATHESIS, "run", path, "--url", url, "--max-time", str(seconds),
             "--request-timeout", "5", "--continue-on-failure", "--no-color"],
            cwd=folder, timeout=seconds + 120, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--url")
    options = parser.parse_args()
    if options.url:
        return run(options.url, options.seconds)
    server = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", BENCH, "serve", "--threads", "1", "--interval", "2000",
         "--degraded-every", "3"], stdout=subprocess.PIPE, text=True)
    try:
        return run(server.stdout.readline().split()[1], options.seconds)
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    sys.exit(main())
