#!/usr/bin/env python3
"""Follows the guide of deploy/nginx on an untouched Debian, with the public interface and made-up
reports behind it.

    nginx.py

A proxy in between counts the requests that reach headquarters. All checks run. Exit status 1 if the
cache does not collapse requests, serve stale answers while it revalidates or while headquarters is
down, or forward a stream at once, or if a client can spoil answers of others or make the cache keep
an answer more than twice.
"""
import asyncio
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import time
from urllib.parse import quote

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Deploy"))
import guide  # noqa: E402

BENCH = ROOT / ".build/release/tributary-bench"
README = "deploy/nginx/README.md"
TOTAL = "/v1/metrics/money-moved/24h"
STREAM = "/v1/metrics/money-moved/stream"
OPENAPI = "/openapi.json"
# The served host name, and a forged one.
OURS, FORGED = "money.test", "forged.test"
# Where the guide's configuration expects headquarters; the counting proxy listens there.
UPSTREAM, DIRECT = 8080, 18080
READERS = 100
SPELLINGS = 300
SECONDS_MAX = 240
DEADLINE = guide.DEADLINE

# The part of systemctl that the guide uses.
SYSTEMCTL = """#!/bin/sh
[ "$*" = "reload-or-restart nginx" ] || { echo "systemctl $*: not in this test"; exit 1; }
nginx -t -q -g 'daemon on; master_process on;' || exit 1
if [ -s /run/nginx.pid ] && kill -0 "$(cat /run/nginx.pid)"; then set -- -s reload; else set --; fi
exec nginx -g 'daemon on; master_process on;' "$@"
"""


class Headquarters:
    """The public interface on a port that does not change across restarts."""

    def __init__(self):
        self.child = None

    def start(self):
        with open(guide.SCRATCH / "serve.log", "a") as log:
            self.child = subprocess.Popen([BENCH, "serve", "--port", str(DIRECT)],
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        self.child.stdout.readline()

    def kill(self):
        self.child.kill()
        self.child.wait(10)


class Counter:
    """Forwards bytes to headquarters, records requests and delays them by `delay` seconds."""

    def __init__(self):
        self.heads = []
        self.delay = 0.0

    @property
    def requests(self):
        return len(self.heads)

    async def serve(self):
        return await asyncio.start_server(self.connection, "127.0.0.1", UPSTREAM, backlog=1000)

    async def connection(self, reader, writer):
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", DIRECT)
            await asyncio.gather(self.count(reader, ours), self.copy(theirs, writer))
        except (OSError, asyncio.CancelledError):
            writer.close()

    async def count(self, reader, writer):
        try:
            while chunk := await reader.read(65536):
                # nginx sends one request at a time, in one piece.
                if b" HTTP/1.1\r\n" in chunk:
                    self.heads.append(chunk.decode("latin-1"))
                await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    @staticmethod
    async def copy(reader, writer):
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        writer.close()


class Answer:
    def __init__(self, head, body, seconds):
        lines = head.decode("latin-1").split("\r\n")
        self.status, self.body, self.seconds = int(lines[0].split()[1]), body, seconds
        self.fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        self.cache = self.fields.get("x-cache", "").upper()

    @property
    def text(self):
        plain = self.fields.get("content-encoding") != "gzip"
        return (self.body if plain else gzip.decompress(self.body)).decode()


async def get(target, *fields, host=OURS, method="GET", port=80):
    """One answer over a plain socket, so that no client library adds header fields."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    # Stop after the body: a request that triggers a background renewal is closed only after it.
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    if method == "HEAD" or head.split()[1] == b"304":
        body = b""
    elif length:
        body = await asyncio.wait_for(reader.readexactly(int(length[1])), DEADLINE)
    else:
        body = await asyncio.wait_for(reader.read(), DEADLINE)
    writer.close()
    return Answer(head, body, time.monotonic() - begun)


async def readers(target, count):
    return await asyncio.gather(*(get(target) for _ in range(count)))


def kept(part=""):
    """Keys of the files in the cache, one for each file, that hold `part`."""
    configuration = pathlib.Path("/etc/nginx/conf.d/tributary.conf").read_text()
    folder = re.search(r"(?m)^proxy_cache_path (\S+)", configuration)[1]
    keys = []
    for path in pathlib.Path(folder).rglob("*"):
        found = re.search(rb"\nKEY: (.*)\n", path.read_bytes()) if path.is_file() else None
        if found and part in found[1].decode():
            keys.append(found[1].decode())
    return sorted(keys)


async def check_collapsing(_, counter):
    counter.delay, before = 0.5, counter.requests
    answers = await readers(TOTAL + "?base_currency=EUR", READERS)
    assert [answer.status for answer in answers] == [200] * READERS, answers[0].text
    assert len({answer.body for answer in answers}) == 1, "readers got different answers"
    asked = counter.requests - before
    assert asked == 1, f"{READERS} readers were {asked} requests"
    return f"{READERS} readers at once, 1 request"


async def check_stale_while_revalidate(_, counter):
    first = (await get(TOTAL)).body
    counter.delay = 2.0
    await asyncio.sleep(2.5)  # The answer's second of freshness passes, which nginx rounds up.
    before = counter.requests
    begun = time.monotonic()
    answers = await readers(TOTAL, READERS)
    elapsed = time.monotonic() - begun
    assert {answer.body for answer in answers} == {first}, "not the last answer"
    assert {answer.cache for answer in answers} <= {"STALE", "UPDATING"}, answers[0].cache
    # The fetching request takes 2 s, so no reader waited for it.
    assert elapsed < counter.delay, f"a reader waited {elapsed:.1f} s"
    deadline = time.monotonic() + DEADLINE
    while (await get(TOTAL)).body == first:
        assert time.monotonic() < deadline, "the answer was never renewed"
        await asyncio.sleep(0.1)
    return (f"{READERS} readers had the last answer at once, "
            f"{counter.requests - before} request(s) renewed it")


async def check_stale_if_error(headquarters, _):
    last = await get(TOTAL)
    assert last.status == 200
    headquarters.kill()
    answered, end = 0, time.monotonic() + 8
    while time.monotonic() < end:
        for answer in await readers(TOTAL, 10):
            assert answer.status == 200, f"{answer.status} while headquarters is away"
            assert json.loads(answer.body)["data_as_of"] >= json.loads(last.body)["data_as_of"]
            answered += 1
        await asyncio.sleep(0.1)
    headquarters.start()
    deadline = time.monotonic() + DEADLINE
    while (await get(TOTAL)).cache not in ("EXPIRED", "REVALIDATED", "HIT"):
        assert time.monotonic() < deadline, "headquarters is back, and nginx does not see it"
        await asyncio.sleep(0.1)
    return f"{answered} readers in 8 s without headquarters, all answered"


async def check_stream(*_):
    """Checks that events arrive through nginx as fast as without it."""
    async def events(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {STREAM} HTTP/1.1\r\nHost: {OURS}\r\n\r\n".encode())
        seen = {}
        while len(seen) < 5:
            line = (await asyncio.wait_for(reader.readline(), DEADLINE)).decode().strip()
            if line.startswith("id:"):
                seen[line] = time.monotonic()
        writer.close()
        return seen
    through, direct = await asyncio.gather(events(80), events(DIRECT))
    both = sorted(set(through) & set(direct))[1:]
    assert len(both) >= 2, f"no events in common: {through} {direct}"
    late = max(through[name] - direct[name] for name in both)
    # With buffering, five small events would arrive together at the end, seconds late.
    assert late < 0.9, f"an event came {late:.1f} s later through nginx"
    return f"{len(both)} events, at most {late * 1000:.0f} ms later than without nginx"


async def check_answers(*_):
    """Answers of headquarters, errors included, and answers of nginx itself."""
    twice = "?base_currency=EUR&base_currency=EUR"
    for target, status in [("/nowhere", 404), (TOTAL + "?base_currency=usd", 400),
                           (TOTAL + "?utm=1", 400), (TOTAL + twice, 400), ("/" + twice, 400),
                           ("/?base%5Fcurrency=EUR&base_currency=EUR", 400),
                           ("/?view=wall", 400), ("/badge.svg?view=tv", 400), ("/EMBED", 404),
                           ("/embed%0A", 404), (OPENAPI + "?base_currency=EUR", 400)]:
        answer = await get(target)
        assert answer.status == status, (target, answer.status)
        assert answer.fields["content-type"] == "application/problem+json", target
    for target in ["/", "/embed", TOTAL, "/badge.svg", TOTAL + "/breakdown", TOTAL + "/series"]:
        for query in ["", "?base_currency=EUR"]:
            through = await get(target + query)
            direct = await get(target + query, port=DIRECT)
            assert through.status == 200, (target, through.status)
            for field in ["content-type", "cache-control", "content-security-policy", "vary"]:
                assert through.fields.get(field) == direct.fields.get(field), (target, field)
            assert through.body.count(b"EUR") >= direct.body.count(b"EUR") // 2, target
    answer = await get("/v1/rates/latest")
    rates = f"/v1/rates/{json.loads(answer.text)['id']}"
    await get(rates)
    for path, cached in [(rates, "HIT"), (f"/v1/rates/{'0' * 16}", None)]:
        through, direct = await get(path), await get(path, port=DIRECT)
        assert cached in (None, through.cache), (path, vars(through))
        assert (through.status, through.text) == (direct.status, direct.text), path
        assert through.fields["cache-control"] == direct.fields["cache-control"], path
    for query in ["?view=tv&base_currency=EUR", "?base_currency=EUR&x=1&view=tv"]:
        assert 'tv' in (await get("/" + query)).text
    answer = await get(OPENAPI)
    again = await get(OPENAPI, f"If-None-Match: {answer.fields['etag']}")
    assert again.status == 304, f"{again.status} to a reader who has the answer"
    head = await get(OPENAPI, method="HEAD")
    assert (head.status, head.body, head.cache) == (200, b"", "HIT"), vars(head)
    assert (await get(TOTAL, "Content-Length: 0", method="POST")).status == 405
    return "answers, mistakes, 304 and HEAD are headquarters' own"


async def check_hosts(_, counter):
    """A forged host name appears neither in the cache nor in an answer."""
    before = len(counter.heads)
    targets = [TOTAL, f"http://{FORGED}{TOTAL}", f"/oembed?url={quote(f'http://{FORGED}/', '')}"]
    for target in targets:
        for fields in [[], [f"X-Forwarded-Host: {OURS}"]]:
            answer = await get(target, *fields, host=FORGED)
            assert answer.status == 421, f"{target} for {FORGED}: {answer.status}"
    assert (await get(f"http://{FORGED}/embed")).status == 421
    assert len(counter.heads) == before, "requests for other names reached headquarters"
    named = f"/oembed?url={quote(f'http://{OURS}/', '')}"
    forgeries = [f"X-Forwarded-Host: {FORGED}", f"Forwarded: host={FORGED}",
                 f"X-Original-URL: /{FORGED}", f"Cookie: {FORGED}"]
    for target in [named, f"http://{OURS}{named}"]:
        answer = await get(target, *forgeries, host=OURS if target == named else FORGED)
        assert answer.status == 200 and FORGED not in answer.text, answer.text
        assert f"http://{OURS}/embed" in answer.text, answer.text
    assert (await get(targets[2])).status == 404, f"an answer for {FORGED} was kept"
    assert all(key.startswith(f"http://{OURS}/") for key in kept()), kept()
    sent = [head for head in counter.heads[before:] if f"url={quote(f'http://{FORGED}/', '')}"
            not in head and FORGED in head]
    assert not sent, f"{FORGED} reached headquarters: {sent}"
    # More header fields than headquarters accepts: they must not spoil the shared fetch.
    many = [f"X-{number}: {'x' * 150}" for number in range(100)]
    answer = await get("/embed?base_currency=GBP", *many)
    assert answer.status == 200, f"{answer.status} to a reader who sends many fields"
    return f"{FORGED} is answered 421, and in no way reaches headquarters or the cache"


async def check_encodings(_, counter):
    words = ["gzip", "GZIP", "gzip;q=1", "gzip ; q=0.5", "x-gzip", "br", "identity", "*", "zstd",
             "gzip;q=0", "deflate", "gzip;q=0.000"]
    spellings = ["", "gzip, deflate, br", "br,gzip", "identity;q=0.5, gzip", "gzip;q=0, gzip"]
    spellings += [f"{one}, {two};q=0.{number}" for number in range(1, 9)
                  for one in words for two in ["br", "zstd", "a"]]
    spellings += [f"a{number}, gzip" for number in range(SPELLINGS - len(spellings))]
    refused = re.compile(r"(?i)gzip ?; ?q=0(?:\.0*)?(?:,|$)")
    targets = ["/methodology", OPENAPI, TOTAL + "/series?base_currency=GBP"]
    for target in targets:
        before = counter.requests
        for spelling in dict.fromkeys(spellings):
            answer = await get(target, f"Accept-Encoding: {spelling}")
            is_gzip = answer.fields.get("content-encoding") == "gzip"
            wants = bool(re.search("(?i)gzip", spelling)) and not refused.search(spelling)
            assert is_gzip == wants, f"gzip: {is_gzip} for Accept-Encoding: {spelling}"
            assert answer.status == 200 and answer.text, (target, spelling)
            assert answer.fields["vary"] == "accept-encoding", answer.fields
        asked = counter.requests - before
        assert len(kept(target)) <= 2, f"{target}: {len(kept(target))} entries"
        # A total is fetched again every second; the others stay fresh longer than this test.
        assert asked <= 2 or target.startswith(TOTAL), f"{target}: {asked} requests"
    return f"{len(set(spellings))} spellings, 2 entries for each of {len(targets)} answers"


async def check_queries(_, counter):
    """Meaningless spellings of a query add no cache entries."""
    number = range(SPELLINGS)
    blanks = ["?", *("?" + "&" * (count + 1) for count in number)]
    unknown = [f"?utm_{count}={count}%20%zz&x" for count in number]
    euro = [f"?{'&' * (count % 17)}base_currency=EUR{'&' * (count // 17)}" for count in number]
    pages = [f"?utm={count}&base_currency=EUR&y&view=tv&&" for count in number]
    pages += [f"?view=tv&{count}&base_currency=EUR" for count in number]
    paths = ["/%6Fpenapi.json", "//openapi.json", "/./openapi.json", "/x/../openapi.json"]
    for path, queries, most in [
            ("/methodology", blanks + unknown, 2), (OPENAPI, blanks, 2), ("/", blanks + unknown, 2),
            ("/embed", blanks + unknown, 2), (TOTAL, blanks, 2), (TOTAL, euro, 2),
            ("/badge.svg", euro, 2), ("/", pages, 2), (OPENAPI, [path[1:] for path in paths], 2)]:
        asked, entries = counter.requests, set(kept())
        for query in queries:
            target = paths[queries.index(query)] if queries[0][0] != "?" else path + query
            answer = await get(target)
            assert answer.status == 200, f"{target}: {answer.status}"
            assert "EUR" in answer.text or "base_currency=EUR" not in target, target
        asked = counter.requests - asked
        added = set(kept()) - entries
        assert len(added) <= 1, f"{path}: {len(queries)} queries added {len(added)} entries"
        assert asked <= 1 or path not in ("/methodology", OPENAPI), f"{path}: {asked} requests"
    entries = set(kept())
    # Queries that only headquarters can read, and oEmbed, whose spellings are unlimited.
    escaped = [f"{TOTAL}?base_currency=%4{ord(one) - 64:X}UR" for one in "E"]
    for target in escaped + [f"/?base%5Fcurrency=EUR&{count}" for count in range(20)] + [
            f"/oembed?url={quote(f'http://{OURS}/#{count}', '')}" for count in range(20)]:
        answer = await get(target)
        assert answer.status == 200 and "EUR" in answer.text or "oembed" in target, target
    assert set(kept()) <= entries, f"{len(set(kept()) - entries)} entries of odd spellings"
    return f"{SPELLINGS} spellings of each kind, one entry"


async def check_transport(*_):
    answer = await get(TOTAL)
    told = answer.fields.get("strict-transport-security")
    assert told is None, f"over plain HTTP: Strict-Transport-Security: {told}"
    return await asyncio.to_thread(check_https)


def check_https():
    folder = pathlib.Path("/etc/letsencrypt/live") / OURS
    folder.mkdir(parents=True)
    guide.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
              f"/CN={OURS}", "-addext", f"subjectAltName=DNS:{OURS}", "-keyout",
              folder / "privkey.pem", "-out", folder / "fullchain.pem", stderr=subprocess.DEVNULL)
    guide.follow(guide.blocks(README)[1], {})

    def ask(host):
        return subprocess.run(
            ["curl", "--silent", "--include", "--cacert", folder / "fullchain.pem", "--resolve",
             f"{host}:443:127.0.0.1", f"https://{host}{TOTAL}"], capture_output=True, text=True)
    guide.wait_for("HTTPS", lambda: ask(OURS).returncode == 0)
    told = re.findall(r"(?im)^strict-transport-security: (.*?)\r?$", ask(OURS).stdout)
    assert told == ["max-age=31536000"], f"over HTTPS: Strict-Transport-Security: {told}"
    assert ask(FORGED).returncode == 35, "a handshake for another name is not refused"
    return "for this host name alone, over HTTPS alone; the guide's second block serves it"


CHECKS = [check_collapsing, check_stale_while_revalidate, check_answers, check_stream,
          check_hosts, check_encodings, check_queries, check_stale_if_error, check_transport]


async def check():
    headquarters, counter = Headquarters(), Counter()
    headquarters.start()
    failed = 0
    async with await counter.serve():
        for one in CHECKS:
            counter.delay = 0.0
            name = one.__name__.removeprefix("check_").replace("_", " ")
            try:
                print(f"{name}: {await one(headquarters, counter)}", flush=True)
            except (AssertionError, OSError, asyncio.IncompleteReadError, KeyError) as problem:
                failed += 1
                print(f"nginx: {name}: {problem!r}", file=sys.stderr, flush=True)
    return failed


def install():
    """Starts nginx as Debian installs it, then follows the guide."""
    guide.writable("/etc")
    guide.untouched("nginx-common", "/etc/nginx")
    os.symlink("/etc/nginx/sites-available/default", "/etc/nginx/sites-enabled/default")
    for folder in ["/var/lib/nginx", "/var/log/nginx", "/var/cache"]:
        guide.empty(folder)
    guide.command("systemctl", SYSTEMCTL)
    guide.run("systemctl", "reload-or-restart", "nginx")
    page = subprocess.run(["curl", "--silent", "http://127.0.0.1/"], capture_output=True).stdout
    assert b"Welcome to nginx!" in page, "Debian's own site is not there"
    guide.follow(guide.blocks(README)[0], {"host=pay.example": f"host={OURS}"})
    # The reload is complete when the new workers answer.
    guide.wait_for("the guide's site", lambda: b"Welcome to nginx!" not in subprocess.run(
        ["curl", "--silent", "--header", f"Host: {OURS}", "http://127.0.0.1/"],
        capture_output=True).stdout)
    print("guide: an untouched Debian serves us, and its default site is gone", flush=True)


def main():
    guide.enter(__file__, SECONDS_MAX)
    try:
        install()
        failed = asyncio.run(check())
    except AssertionError as problem:
        print(f"nginx: {problem}", file=sys.stderr)
        failed = 1
    log = pathlib.Path("/var/log/nginx/error.log")
    if failed and log.exists():
        print("".join(log.read_text().splitlines(True)[-5:]), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
