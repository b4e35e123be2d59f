#!/usr/bin/env python3
"""An HTTP proxy between region nodes and HQ that simulates bad networks.

The seed and a request's number determine its fault, so a run is reproducible if the order of
requests is. The control port accepts commands, one per line:

    calm            forward everything, and deliver delayed messages now
    chaos           apply a fault to each request
    chaos A B …     apply only the given faults
    down            refuse connections and cut existing ones, like a broken link
    stats           answer with the counts so far
    stop            print the counts and end

The first line printed is JSON with the ports and the seed, the last one JSON with the counts.
"""
import argparse
import asyncio
import collections
import json
import random
import signal
import socket
import struct
import sys
import time

HEAD_BYTES_MAX = 64 << 10
BODY_BYTES_MAX = 16 << 20
UPSTREAM_SECONDS_MAX = 60
HELD_MAX = 256

# The number of each fault in a hand. Chaos deals faults from shuffled hands, so each kind occurs at
# least once in as many requests as a hand has. Bad networks do the following to a request and to a
# reply: repeat it (duplicate, replay; duplicate_reply), delay it (delay; delay_reply), let it
# overtake others (overtake, replay; delay_reply, with replies on other connections), cut it
# (cut_request; cut_response), truncate it (truncate_request; truncate_response) and lose it
# (hang, reset; drop_reply).
HAND = {
    "pass": 20,               # nothing
    "delay": 5,               # deliver up to 2 s later
    "duplicate": 4,           # deliver twice at the same time, answer with either reply
    "replay": 4,              # deliver, and again up to 15 s later
    "overtake": 4,            # disconnect; deliver after later requests
    "cut_request": 3,         # deliver half of it, then disconnect both sides
    "truncate_request": 1,    # deliver a shorter body with a matching length
    "delay_reply": 4,         # deliver, forward the reply up to 2 s later
    "duplicate_reply": 2,     # deliver, forward the reply twice
    "cut_response": 3,        # deliver, disconnect in the middle of the reply
    "truncate_response": 2,   # deliver, forward a shorter body with a matching length
    "drop_reply": 3,          # deliver, disconnect without a reply
    "reset": 2,               # reset the connection, deliver nothing
    "garbage": 2,             # answer 200 and noise; every other one is delivered
    "busy": 2,                # answer 503 and Retry-After, deliver nothing
    "hang": 1,                # neither deliver nor answer
}
# These happen after the request itself.
LATE = ("replay", "overtake")
DELAY_SECONDS_MAX = 2.0
REPLAY_SECONDS_MAX = 15.0
OVERTAKE_SECONDS_MAX = 10.0
OVERTAKEN_BY_MAX = 3
HANG_SECONDS_MAX = 15.0


class Torn(Exception):
    """The other side ended before its message was complete, or sent other HTTP."""


class Away(Exception):
    """HQ sent no reply."""


class Message:
    """One HTTP message: the head with its empty line, and the body as received."""

    def __init__(self, head, body):
        self.head, self.body = head, body

    @property
    def raw(self):
        return self.head + self.body

    def truncated(self, size):
        """A complete message with the first `size` bytes of the body."""
        lines = [
            line for line in self.head.rstrip(b"\r\n").split(b"\r\n")
            if not line.lower().startswith((b"content-length:", b"transfer-encoding:"))]
        head = b"\r\n".join([*lines, b"Content-Length: %d" % size, b"", b""])
        return Message(head, self.body[:size])


async def read_message(reader, is_response):
    """The next message; None if the connection ends between two messages."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise Torn from end
        return None
    except asyncio.LimitOverrunError as flood:
        raise Torn from flood
    lines = head.split(b"\r\n")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    try:
        if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            return Message(head, await read_chunks(reader))
        if is_response and lines[0].split(b" ")[1] in (b"204", b"304"):
            return Message(head, b"")
        length = fields.get(b"content-length")
        if length is None and is_response:
            raise Torn
        size = int(length or 0)
        if not 0 <= size <= BODY_BYTES_MAX:
            raise Torn
        return Message(head, await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ValueError, IndexError) as end:
        raise Torn from end


async def read_chunks(reader):
    """A chunked body with its framing."""
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if not 0 <= size <= BODY_BYTES_MAX - len(body):
            raise Torn
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return bytes(body)


def hang_up(writer, reset=False):
    """Ends a connection at once, with a reset or like an exiting process."""
    connection = writer.get_extra_info("socket")
    if reset and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


Client = collections.namedtuple("Client", ["reader", "writer"])


class FaultProxy:
    def __init__(self, listen, upstream, seed):
        self.listen, self.upstream, self.seed = listen, upstream, seed
        self.phase, self.dealt_from = "calm", dict(HAND)
        self.requests = self.dealt = 0
        self.finished = 0
        self.counts = {phase: collections.Counter() for phase in ("calm", "chaos")}
        self.events = collections.Counter()
        self.server = None
        self.clients = set()
        self.background = set()
        # Set while the phase is calm, in which nothing is delayed.
        self.released = asyncio.Event()
        self.released.set()
        # Set unless the phase is down.
        self.link = asyncio.Event()
        self.link.set()

    # ------------------------------------------------------------------------------- phases

    async def start(self):
        self.server = await asyncio.start_server(
            self.serve, *self.listen, limit=HEAD_BYTES_MAX, reuse_address=True)
        # Keeps the port while the link is down.
        self.listen = self.server.sockets[0].getsockname()[:2]

    async def stop_listening(self):
        if self.server is not None:
            self.server.close()
            self.server = None
        for writer in list(self.clients):
            hang_up(writer, reset=True)

    async def set_phase(self, phase, faults=()):
        unknown = set(faults) - set(HAND)
        if phase not in ("calm", "chaos", "down") or unknown:
            raise ValueError(f"expected calm, chaos [fault…] or down, not {phase} {unknown}")
        self.phase = phase
        self.dealt_from = {name: HAND[name] for name in faults or HAND}
        if phase == "down":
            self.link.clear()
            await self.stop_listening()
        else:
            if self.server is None:
                await self.start()
            self.link.set()
        if phase == "calm":
            self.released.set()
        else:
            self.released.clear()

    async def stop(self):
        await self.stop_listening()
        for task in list(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)

    def stats(self):
        return {
            "seed": self.seed, "requests": self.requests,
            "calm": dict(sorted(self.counts["calm"].items())),
            "chaos": dict(sorted(self.counts["chaos"].items())),
            "events": dict(sorted(self.events.items()))}

    # ------------------------------------------------------------------------------ requests

    async def serve(self, reader, writer):
        self.clients.add(writer)
        try:
            while (request := await read_message(reader, is_response=False)) is not None:
                number, self.requests = self.requests, self.requests + 1
                draw = random.Random(f"{self.seed}/{number}")
                if not await self.treat(request, Client(reader, writer), draw):
                    break
        except (Torn, ConnectionError, asyncio.TimeoutError):
            self.events["client_broke_off"] += 1
        except asyncio.CancelledError:
            # The loop ends; Python 3.11 reports a cancelled connection as an error.
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    def deal(self):
        """The next card of the hand; a new hand is shuffled when one is empty."""
        hand = [name for name, count in self.dealt_from.items() for _ in range(count)]
        number, card = divmod(self.dealt, len(hand))
        self.dealt += 1
        random.Random(f"{self.seed}/hand/{number}").shuffle(hand)
        return hand[card]

    async def treat(self, request, client, draw):
        """Applies its fault to one request. Returns whether the connection stays open.

        Counts the fault afterwards, but not if HQ was down.
        """
        phase = self.phase
        fault = self.deal() if phase == "chaos" else "pass"
        if fault == "truncate_request" and not request.body:
            fault = "pass"
        try:
            reply = await getattr(self, f"do_{fault}")(request, client, draw)
        except Away:
            return False
        finally:
            self.finished += 1
        if fault not in LATE:
            self.counts["chaos" if phase == "chaos" else "calm"][fault] += 1
        if reply is None:
            return False
        client.writer.write(reply)
        await client.writer.drain()
        return True

    async def deliver(self, request):
        """HQ's reply; raises Away if there is none."""
        try:
            async with asyncio.timeout(UPSTREAM_SECONDS_MAX):
                reader, writer = await asyncio.open_connection(
                    *self.upstream, limit=HEAD_BYTES_MAX)
                try:
                    writer.write(request.raw)
                    await writer.drain()
                    return await read_message(reader, is_response=True)
                finally:
                    writer.close()
        except (OSError, Torn, asyncio.TimeoutError):
            self.events["upstream_failed"] += 1
            raise Away from None

    def later(self, work):
        """Runs work concurrently with requests, unless there is too much."""
        if len(self.background) >= HELD_MAX:
            self.events["held_too_many"] += 1
            work.close()
            return
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def pause(self, seconds, until=lambda: False):
        """Waits at most until the phase is calm or the condition holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.released.is_set() and not until():
            try:
                await asyncio.wait_for(self.released.wait(), 0.05)
            except asyncio.TimeoutError:
                pass

    # -------------------------------------------------------------------------------- faults
    # Each returns the bytes to send back, or None to disconnect.

    async def do_pass(self, request, client, draw):
        return (await self.deliver(request)).raw

    async def do_delay(self, request, client, draw):
        await self.pause(draw.uniform(0.05, DELAY_SECONDS_MAX))
        return await self.do_pass(request, client, draw)

    async def do_duplicate(self, request, client, draw):
        replies = await asyncio.gather(
            self.deliver(request), self.deliver(request), return_exceptions=True)
        if any(isinstance(reply, BaseException) for reply in replies):
            raise Away
        return draw.choice(replies).raw

    async def do_replay(self, request, client, draw):
        reply = await self.do_pass(request, client, draw)
        self.later(self.deliver_late("replay", request, draw.uniform(0.2, REPLAY_SECONDS_MAX)))
        return reply

    async def do_overtake(self, request, client, draw):
        newer = self.finished + 1 + draw.randint(1, OVERTAKEN_BY_MAX)
        self.later(self.deliver_late(
            "overtake", request, OVERTAKE_SECONDS_MAX, until=lambda: self.finished >= newer))
        return None

    async def deliver_late(self, fault, request, seconds, until=lambda: False):
        await self.pause(seconds, until)
        await self.link.wait()
        self.events["delivered_late"] += 1
        try:
            await self.deliver(request)
            self.counts["chaos"][fault] += 1
        except Away:
            pass

    async def do_cut_request(self, request, client, draw):
        kept = request.raw[:draw.randrange(1, len(request.raw))]
        try:
            _, upstream = await asyncio.open_connection(*self.upstream)
            upstream.write(kept)
            await upstream.drain()
            hang_up(upstream, reset=draw.random() < 0.5)
        except OSError:
            self.events["upstream_failed"] += 1
            raise Away from None
        return None

    async def do_truncate_request(self, request, client, draw):
        return await self.do_pass(
            request.truncated(draw.randrange(len(request.body))), client, draw)

    async def do_delay_reply(self, request, client, draw):
        reply = await self.deliver(request)
        await self.pause(draw.uniform(0.05, DELAY_SECONDS_MAX))
        return reply.raw

    async def do_duplicate_reply(self, request, client, draw):
        return (await self.deliver(request)).raw * 2

    async def do_cut_response(self, request, client, draw):
        reply = await self.deliver(request)
        client.writer.write(reply.raw[:draw.randrange(len(reply.raw))])
        await client.writer.drain()
        return None

    async def do_truncate_response(self, request, client, draw):
        reply = await self.deliver(request)
        if not reply.body:
            raise Away
        return reply.truncated(draw.randrange(len(reply.body))).raw

    async def do_drop_reply(self, request, client, draw):
        await self.deliver(request)
        return None

    async def do_reset(self, request, client, draw):
        hang_up(client.writer, reset=True)
        return None

    async def do_garbage(self, request, client, draw):
        if draw.random() < 0.5:
            await self.deliver(request)
        noise = draw.randbytes(draw.randrange(200))
        return (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: %d\r\n\r\n" % len(noise)) + noise

    async def do_busy(self, request, client, draw):
        return (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                b"Content-Length: 0\r\n\r\n")

    async def do_hang(self, request, client, draw):
        await self.pause(HANG_SECONDS_MAX, until=client.reader.at_eof)
        return None


class Control:
    """The control port of a proxy."""

    def __init__(self, proxy, listen):
        self.proxy, self.listen = proxy, listen
        self.stopped = asyncio.Event()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, *self.listen)
        self.listen = self.server.sockets[0].getsockname()[:2]

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                writer.write((await self.obey(line.decode().split()) + "\n").encode())
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def obey(self, words):
        match words:
            case ["stats"]:
                return json.dumps(self.proxy.stats())
            case ["stop"]:
                self.stopped.set()
                return "ok stop"
            case [phase, *faults]:
                try:
                    await self.proxy.set_phase(phase, faults)
                except (ValueError, OSError) as problem:
                    return f"error {problem}"
                return f"ok {phase}"
            case _:
                return "error expected a word"


async def run(arguments):
    proxy = FaultProxy(arguments.listen, arguments.upstream, arguments.seed)
    await proxy.start()
    await proxy.set_phase(arguments.phase)
    control = Control(proxy, arguments.control)
    await control.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.stopped.set)
    print(json.dumps({
        "seed": proxy.seed, "port": proxy.listen[1], "control": control.listen[1]}), flush=True)
    try:
        await asyncio.wait_for(control.stopped.wait(), arguments.seconds)
    except asyncio.TimeoutError:
        proxy.events["time_was_up"] += 1
    await proxy.stop()
    print(json.dumps(proxy.stats()), flush=True)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def parse(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--control", type=address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--phase", default="calm", choices=["calm", "chaos", "down"])
    parser.add_argument(
        "--seconds", type=float, default=3_600, help="end by itself after this time")
    return parser.parse_args(words)


if __name__ == "__main__":
    asyncio.run(run(parse(sys.argv[1:])))
