#!/usr/bin/env python3
"""Hostile clients. Runs one attack for some seconds and prints its counts as a line of JSON.

    attacks.py slow-ingest --ingest 8081 --seconds 12
"""
import argparse
import asyncio
import collections
import json
import random
import re
import sys
import time

from scene_names import REGION, LOG, PARTITIONS, STREAM, TOTAL

DELTAS = "/internal/v1/rollup/deltas"
SHARDS = "/internal/v1/rollup/shards"
BODY = 4 << 20
PAUSE = 0.2


class Attack:
    """Runs clients until the time is over, and counts the outcomes."""

    def __init__(self, options):
        self.options, self.end = options, time.monotonic() + options.seconds
        self.chance, self.counts = random.Random(options.seed), collections.Counter()
        self.held = 0.0

    @property
    def is_on(self):
        return time.monotonic() < self.end

    def count(self, *words):
        self.counts[" ".join(map(str, words))] += 1

    async def again(self, kind, port, client):
        """A client that reconnects whenever it is disconnected."""
        # Spreads the first connections over a second, so that the backlog does not overflow.
        await asyncio.sleep(self.chance.random())
        while self.is_on:
            writer, began = None, time.monotonic()
            try:
                reader, writer = await asyncio.wait_for(
                    asyncio.open_connection("127.0.0.1", port), max(0.1, self.left()))
                self.count(kind, "connected")
                await asyncio.wait_for(client(reader, writer), max(0.1, self.left()))
                self.count(kind, "ended")
                self.held = max(self.held, time.monotonic() - began)
            except asyncio.TimeoutError:
                # Still connected when the attack ends: the time of our own shutdown does not count.
                self.held = max(self.held, self.end - began)
            except (OSError, asyncio.IncompleteReadError):
                self.count(kind, "ended")
                self.held = max(self.held, time.monotonic() - began)
            finally:
                if writer is not None:
                    writer.close()
            # The rate of the attack, not a wait.
            await asyncio.sleep(PAUSE)

    def left(self):
        return self.end - time.monotonic()

    async def all(self, *clients):
        """`clients`: (kind, how many, port, client) in turns."""
        await asyncio.gather(*(
            self.again(kind, port, client) for kind, count, port, client in clients
            for _ in range(count)))


def sends(data):
    """Sends `data`, then waits for the server to close the connection."""
    async def client(reader, writer):
        writer.write(data)
        await writer.drain()
        await reader.read()
    return client


def trickles(data, rest=b"x"):
    """Sends `data`, then a byte a second until the server closes the connection."""
    async def client(reader, writer):
        writer.write(data)
        end = asyncio.ensure_future(reader.read())
        try:
            while not end.done():
                writer.write(rest)
                await asyncio.wait([end], timeout=1)
        finally:
            end.cancel()
    return client


def head(target, *fields, method="GET"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def body_head(length):
    return head(DELTAS, "Content-Type: application/json", f"Content-Length: {length}",
                method="POST")


async def answer(reader):
    """Reads one answer with its body, and returns its status."""
    first = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", first)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(first.split()[1])


async def slow_ingest(attack):
    port = attack.options.ingest
    await attack.all(
        ("half head", 1_100, port, sends(b"GET /livez HTTP/1.1\r\nHost:")),
        ("trickling head", 1_100, port, trickles(b"GET /livez HTTP/1.1\r\nHost: ")),
        ("trickling body", 200, port, trickles(body_head(BODY), b"1")),
        ("stopped body", 64, port, sends(body_head(BODY) + b" " * (64 << 10))))


async def full_bodies(attack):
    """Bodies of 4 MiB without their last byte."""
    await attack.all(("body but a byte", 64, attack.options.ingest,
                      sends(body_head(BODY) + b" " * (BODY - 1))))


async def flood(attack):
    targets = [f"{SHARDS}?region={REGION}", "/readyz"]
    targets += [f"{SHARDS}?region={REGION}&partition={one}" for one in (*range(8), 77, 1_023)]

    async def reader_of_all(reader, writer):
        while attack.is_on:
            target = attack.chance.choice(targets)
            writer.write(head(target))
            attack.count("readyz" if target == "/readyz" else "shards", await answer(reader))
    await attack.all(("reader", 300, attack.options.ingest, reader_of_all))


def bad_request():
    shards = [{
        "log": LOG, "partition": index % PARTITIONS if index < PARTITIONS else index,
        "base": "0", "coverage": "9", "ids_from": 1, "buckets": {
            "currencies": ["ZQZ"], "currency_indices": [0], "minute_steps": [1],
            "settled": ["1"], "transfers": ["1"]}} for index in range(1_024)]
    return json.dumps({
        "version": 2, "fold_version": {"rules": 1, "settings": 1, "digest": "1"},
        "region": REGION, "node": "hostile", "sent_at_ms": str(int(time.time() * 1_000)),
        "partition_counts": {LOG: PARTITIONS}, "shards": shards}).encode()


async def bad_shards(attack):
    """Fifty requests, spread over half the time of the attack."""
    text = bad_request()
    for _ in range(50):
        reader, writer = await asyncio.open_connection("127.0.0.1", attack.options.ingest)
        writer.write(body_head(len(text)) + text)
        first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", first)[1])
        reply = (await asyncio.wait_for(reader.readexactly(length), 10)).decode()
        attack.count("status", int(first.split()[1]))
        attack.counts["refused"] += len(re.findall("MALFORMED", reply.upper()))
        attack.sample = reply[:200]
        writer.close()
        await asyncio.sleep(attack.options.seconds / 100)


def encodings(chance):
    words = ["gzip", "br", "identity", "*", "zstd", "deflate", "gzip;q=0", "GZIP", "x-gzip"]
    return [", ".join(f"{chance.choice(words)};q={chance.random():.3f}"
                      for _ in range(chance.randrange(1, 5))) for _ in range(300)]


async def public(attack):
    port, chance = attack.options.public, attack.chance
    noise = [chance.randbytes(2_000) for _ in range(20)]

    async def garbage(reader, writer):
        for _ in range(20):
            writer.write(head(TOTAL))
        writer.write(chance.choice(noise) + b"\r\n\r\n")
        await writer.drain()
        while True:
            attack.count("pipelined", await answer(reader))

    async def spellings(reader, writer):
        for spelling in encodings(chance)[:30]:
            writer.write(head(TOTAL, f"Accept-Encoding: {spelling}"))
            attack.count("encoding", await answer(reader))

    async def huge(reader, writer):
        fields = chance.choice([
            [f"X-Much: {'x' * 60_000}"], [f"X-{one}: {'y' * 100}" for one in range(2_000)],
            [f"Cookie: {'a' * 9_000}"]])
        writer.write(head(TOTAL, *fields))
        attack.count("huge head", await answer(reader))
        await reader.read()

    async def idle(reader, writer):
        await reader.read()

    await attack.all(
        ("half head", 300, port, sends(b"GET / HTTP/1.1\r\nHost:")),
        ("trickling head", 300, port, trickles(b"GET / HTTP/1.1\r\nHost: ")),
        ("garbage", 20, port, garbage), ("spellings", 10, port, spellings),
        ("huge", 20, port, huge), ("idle", 2_000, port, idle))


async def crowd(attack):
    """More connections than open files are allowed. Each sends one request and stays connected."""
    options = attack.options

    def asks(kind, target):
        async def client(reader, writer):
            writer.write(head(target))
            attack.count(kind, await answer(reader))
            await reader.read()
        return client
    await attack.all(
        ("viewer", options.count, options.public, asks("total", TOTAL)),
        ("stream", 10, options.public, sends(head(STREAM))),
        ("client", options.count, options.ingest, asks("livez", "/livez")))

ATTACKS = {one.__name__.replace("_", "-"): one
           for one in (slow_ingest, full_bodies, flood, bad_shards, public, crowd)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=ATTACKS, help="which attack")
    parser.add_argument("--ingest", type=int, help="port of HQ's ingest")
    parser.add_argument("--public", type=int, help="port of HQ's public interface")
    parser.add_argument("--seconds", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--count", type=int, default=500, help="connections of a crowd")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: 1)")
    attack = Attack(parser.parse_args())
    asyncio.run(ATTACKS[attack.options.name](attack))
    print(json.dumps({"held": round(attack.held, 1), "counts": attack.counts,
                      "sample": getattr(attack, "sample", "")}))


if __name__ == "__main__":
    sys.exit(main())
