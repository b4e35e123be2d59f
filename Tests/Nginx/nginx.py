#!/usr/bin/env python3
"""deploy/nginx/tributary.conf in a real nginx, before the public interface with made-up reports.

    nginx.py

Counts what reaches headquarters by a proxy between the two. Exit status 1 where the cache does
not collapse requests, serve stale while it revalidates or while headquarters is away, or pass a
stream on as it comes.
"""
import asyncio
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/tributary-bench"
TOTAL = "/v1/metrics/money-moved/24h"
STREAM = "/v1/metrics/money-moved/stream"
READERS = 100
DEADLINE = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Headquarters:
    """The public interface on a port that stays the same over restarts."""

    def __init__(self):
        self.port = free_port()
        self.child = None

    def start(self):
        self.child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", BENCH, "serve", "--port", str(self.port)],
            stdout=subprocess.PIPE, text=True)
        self.child.stdout.readline()

    def kill(self):
        self.child.kill()
        self.child.wait(10)


class Counter:
    """Passes bytes on to headquarters, counting requests and delaying them by `delay` seconds."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.requests = 0
        self.delay = 0.0

    async def serve(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def connection(self, reader, writer):
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", self.upstream)
            await asyncio.gather(self.count(reader, ours), self.copy(theirs, writer))
        except (OSError, asyncio.CancelledError):
            writer.close()

    async def count(self, reader, writer):
        try:
            while chunk := await reader.read(65536):
                # nginx sends one request at a time, in one piece.
                self.requests += chunk.count(b" HTTP/1.1\r\n")
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


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=DEADLINE) as response:
        return response.headers, response.read()


def configure(folder, upstream, port):
    """The deployed file, with ports and folders of this test."""
    text = (ROOT / "deploy/nginx/tributary.conf").read_text()
    for found, put in [("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
                       ("listen 80;", f"listen 127.0.0.1:{port};"),
                       ("/var/cache/nginx/tributary", f"{folder}/cache")]:
        assert text.count(found) == 1, f"the configuration has no single {found}"
        text = text.replace(found, put)
    (folder / "tributary.conf").write_text(text)
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"worker_processes 1;\nevents {{ worker_connections 2000; }}\n"
        f"http {{\naccess_log off;\n{temporary}include {folder}/tributary.conf;\n}}\n")


async def readers(url, count):
    """`count` readers at once, by sockets of one program: nothing of a client library's own."""
    async def one():
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", url[0])
        writer.write(f"GET {url[1]} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        # Up to the body's last byte: who happens to start a renewal is hung up on after it.
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        body = await asyncio.wait_for(reader.readexactly(length), DEADLINE)
        writer.close()
        cache = [line.split(b": ")[1].decode() for line in head.split(b"\r\n")
                 if line.lower().startswith(b"x-cache:")]
        return int(head.split()[1]), body, (cache or [""])[0], time.monotonic() - begun
    return await asyncio.gather(*(one() for _ in range(count)))


async def check_collapsing(counter, port):
    counter.delay, before = 0.5, counter.requests
    answers = await readers((port, TOTAL + "?base_currency=EUR"), READERS)
    assert [answer[0] for answer in answers] == [200] * READERS, answers[:3]
    assert len({answer[1] for answer in answers}) == 1, "readers were told different things"
    asked = counter.requests - before
    assert asked == 1, f"{READERS} readers were {asked} requests"
    print(f"collapsing: {READERS} readers at once, 1 request")


async def check_stale_while_revalidate(counter, port):
    first = (await readers((port, TOTAL), 1))[0][1]
    counter.delay = 2.0
    await asyncio.sleep(2.5)  # The answer's second of freshness goes by, which nginx rounds up.
    before = counter.requests
    begun = time.monotonic()
    answers = await readers((port, TOTAL), READERS)
    elapsed = time.monotonic() - begun
    assert {answer[1] for answer in answers} == {first}, "not the last answer"
    assert {answer[2] for answer in answers} <= {"STALE", "UPDATING"}, answers[0][2]
    # The one request that fetches takes 2 s by itself: nobody waited for it.
    assert elapsed < counter.delay, f"a reader waited {elapsed:.1f} s"
    deadline = time.monotonic() + DEADLINE
    while (await readers((port, TOTAL), 1))[0][1] == first:
        assert time.monotonic() < deadline, "the answer was never renewed"
        await asyncio.sleep(0.1)
    counter.delay = 0.0
    print(f"stale while revalidate: {READERS} readers had the last answer at once, "
          f"{counter.requests - before} request(s) renewed it")


async def check_stale_if_error(headquarters, port):
    status, last, _, _ = (await readers((port, TOTAL), 1))[0]
    assert status == 200
    headquarters.kill()
    answered, end = 0, time.monotonic() + 8
    while time.monotonic() < end:
        for status, body, cache, _ in await readers((port, TOTAL), 10):
            assert status == 200, f"{status} while headquarters is away"
            now = json.loads(body)
            assert now["data_as_of"] >= json.loads(last)["data_as_of"]
            answered += 1
        await asyncio.sleep(0.1)
    headquarters.start()
    deadline = time.monotonic() + DEADLINE
    while (await readers((port, TOTAL), 1))[0][2] not in ("EXPIRED", "REVALIDATED", "HIT"):
        assert time.monotonic() < deadline, "headquarters is back, and nginx does not see it"
        await asyncio.sleep(0.1)
    print(f"stale if error: {answered} readers in 8 s without headquarters, all answered")


async def check_stream(port, direct):
    """Events come through nginx as they come without it."""
    async def events(where):
        reader, writer = await asyncio.open_connection("127.0.0.1", where)
        writer.write(f"GET {STREAM} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        seen = {}
        while len(seen) < 5:
            line = (await asyncio.wait_for(reader.readline(), DEADLINE)).decode().strip()
            if line.startswith("id:"):
                seen[line] = time.monotonic()
        writer.close()
        return seen
    through, beside = await asyncio.gather(events(port), events(direct))
    both = sorted(set(through) & set(beside))[1:]
    assert len(both) >= 2, f"no events in common: {through} {beside}"
    late = max(through[name] - beside[name] for name in both)
    # Buffered, five small events would come together at the end, seconds late.
    assert late < 0.9, f"an event came {late:.1f} s later through nginx"
    print(f"stream: {len(both)} events, at most {late * 1000:.0f} ms later than without nginx")


def check_errors(port):
    for path, status in [("/nowhere", 404), (TOTAL + "?base_currency=usd", 400)]:
        try:
            get(f"http://127.0.0.1:{port}{path}")
        except urllib.error.HTTPError as error:
            assert error.code == status, (path, error.code)
            assert error.headers["Content-Type"] == "application/problem+json"
            continue
        raise AssertionError(f"{path} was answered")
    headers, body = get(f"http://127.0.0.1:{port}/", **{"Accept-Encoding": "br, gzip"})
    assert headers["Content-Encoding"] == "gzip" and body[:2] == b"\x1f\x8b"
    headers, body = get(f"http://127.0.0.1:{port}/")
    assert "Content-Encoding" not in headers
    assert body.lower().startswith(b"<!doctype html>"), body[:40]
    print("errors and both encodings pass as headquarters says them")


async def check(folder):
    headquarters = Headquarters()
    headquarters.start()
    counter = Counter(headquarters.port)
    server = await counter.serve()
    port = free_port()
    configure(folder, counter.port, port)
    nginx = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "nginx", "-p", folder,
                              "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and nginx.poll() is None, "nginx did not start"
                await asyncio.sleep(0.05)
        await check_collapsing(counter, port)
        await check_stale_while_revalidate(counter, port)
        await asyncio.to_thread(check_errors, port)
        await check_stream(port, headquarters.port)
        await check_stale_if_error(headquarters, port)
    finally:
        nginx.terminate()
        nginx.wait(10)
        headquarters.kill()
        server.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(check(pathlib.Path(folder)))
        except AssertionError as problem:
            print(f"nginx: {problem}", file=sys.stderr)
            log = pathlib.Path(folder) / "error.log"
            if log.exists():
                print("".join(log.read_text().splitlines(True)[-5:]), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
