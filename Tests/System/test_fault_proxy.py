"""Every fault of the proxy, seen from both of its sides."""
import asyncio
import collections
import json
import pathlib
import sys
import unittest

from fault_proxy import HAND, Control, FaultProxy, Torn, read_message

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\n"
BODY = b"abcdefghijklmnopqrstuvwxyz"
PROXY = pathlib.Path(__file__).with_name("fault_proxy.py")


class Upstream:
    """An HQ that keeps complete bodies and counts cut ones."""

    def __init__(self):
        self.bodies, self.cut = [], 0

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.address = self.server.sockets[0].getsockname()[:2]
        return self

    async def serve(self, reader, writer):
        try:
            while (message := await read_message(reader, is_response=False)) is not None:
                self.bodies.append(message.body)
                writer.write(REPLY + BODY)
                await writer.drain()
        except (Torn, ConnectionError):
            self.cut += 1
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()


async def until(condition, seconds=5):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Faults(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.upstream = await Upstream().start()
        self.proxy = FaultProxy(("127.0.0.1", 0), self.upstream.address, seed=7)
        await self.proxy.start()

    async def asyncTearDown(self):
        await self.proxy.stop()
        self.upstream.server.close()

    async def push(self, body):
        """All bytes until the reply is complete or the connection ends."""
        async with asyncio.timeout(10):
            try:
                reader, writer = await asyncio.open_connection(*self.proxy.listen)
            except ConnectionError:
                return "refused"
            writer.write(b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            try:
                message = await read_message(reader, is_response=True)
                return message.raw if message else b""
            except ConnectionError:
                return "reset"
            except Torn:
                return "torn"
            finally:
                writer.close()

    async def test_calm_passes_everything_on_over_one_connection(self):
        reader, writer = await asyncio.open_connection(*self.proxy.listen)
        for number in range(5):
            body = b"%d" % number
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n" + body)
            reply = await read_message(reader, is_response=True)
            self.assertEqual(reply.raw, REPLY + BODY)
        writer.close()
        self.assertEqual(self.upstream.bodies, [b"0", b"1", b"2", b"3", b"4"])

    async def test_requests_without_a_body_and_large_ones_pass(self):
        reader, writer = await asyncio.open_connection(*self.proxy.listen)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual((await read_message(reader, is_response=True)).body, BODY)
        writer.close()
        large = bytes(3 << 20)
        self.assertEqual(await self.push(large), REPLY + BODY)
        self.assertEqual(self.upstream.bodies, [b"", large])

    async def test_delay_delivers(self):
        await self.proxy.set_phase("chaos", ["delay"])
        self.assertEqual(await self.push(b"a"), REPLY + BODY)

    async def test_duplicate_delivers_twice_and_answers_once(self):
        await self.proxy.set_phase("chaos", ["duplicate"])
        self.assertEqual(await self.push(b"a"), REPLY + BODY)
        await until(lambda: self.upstream.bodies == [b"a", b"a"])

    async def test_replay_delivers_again_later_at_the_latest_when_calm(self):
        await self.proxy.set_phase("chaos", ["replay"])
        self.assertEqual(await self.push(b"a"), REPLY + BODY)
        self.assertEqual(self.upstream.bodies, [b"a"])
        self.assertEqual(self.proxy.counts["chaos"]["replay"], 0)
        await self.proxy.set_phase("calm")
        await until(lambda: self.proxy.counts["chaos"]["replay"] == 1)
        self.assertEqual(self.upstream.bodies, [b"a", b"a"])

    async def test_overtake_delivers_after_later_requests(self):
        await self.proxy.set_phase("chaos", ["overtake"])
        self.assertEqual(await self.push(b"old"), b"")
        await self.proxy.set_phase("chaos", ["pass"])
        for number in range(4):
            await self.push(b"%d" % number)
        await until(lambda: b"old" in self.upstream.bodies)
        self.assertGreaterEqual(self.upstream.bodies.index(b"old"), 1)
        await until(lambda: self.proxy.counts["chaos"]["overtake"] == 1)

    async def test_what_is_held_while_the_link_is_down_comes_when_it_is_back(self):
        await self.proxy.set_phase("chaos", ["overtake"])
        await self.push(b"old")
        await self.proxy.set_phase("down")
        self.assertEqual(await self.push(b"new"), "refused")
        self.assertEqual(self.upstream.bodies, [])
        await self.proxy.set_phase("calm")
        await until(lambda: self.upstream.bodies == [b"old"])
        self.assertEqual(await self.push(b"new"), REPLY + BODY)

    async def test_down_cuts_connections_that_stand(self):
        reader, writer = await asyncio.open_connection(*self.proxy.listen)
        await until(lambda: self.proxy.clients)
        await self.proxy.set_phase("down")
        with self.assertRaises(ConnectionError):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()

    async def test_a_cut_request_reaches_nobody_whole(self):
        await self.proxy.set_phase("chaos", ["cut_request"])
        for _ in range(5):
            self.assertIn(await self.push(bytes(10_000)), (b"", "reset"))
        await until(lambda: self.upstream.cut == 5)
        self.assertEqual(self.upstream.bodies, [])

    async def test_a_truncated_request_is_whole_to_http_and_a_prefix_of_what_was_sent(self):
        await self.proxy.set_phase("chaos", ["truncate_request"])
        body = bytes(range(256))
        for _ in range(5):
            self.assertEqual(await self.push(body), REPLY + BODY)
        self.assertEqual(self.upstream.cut, 0)
        self.assertEqual(len(self.upstream.bodies), 5)
        for kept in self.upstream.bodies:
            self.assertTrue(body.startswith(kept) and len(kept) < len(body))
        self.assertGreater(len(set(self.upstream.bodies)), 1)
        # An empty body cannot become shorter.
        self.assertEqual(await self.push(b""), REPLY + BODY)
        self.assertEqual(self.proxy.counts["chaos"], {"truncate_request": 5, "pass": 1})

    async def test_a_delayed_reply_is_held_after_delivery_at_the_latest_until_calm(self):
        class Slowest:
            def uniform(self, low, high):
                return 60

        await self.proxy.set_phase("chaos", ["delay_reply"])
        waiting = asyncio.create_task(self.proxy.do_delay_reply(
            await self.request(b"a"), None, Slowest()))
        await until(lambda: self.upstream.bodies == [b"a"])
        # Other requests pass while the reply is delayed.
        await self.proxy.set_phase("chaos", ["pass"])
        self.assertEqual(await self.push(b"b"), REPLY + BODY)
        self.assertFalse(waiting.done())
        await self.proxy.set_phase("calm")
        self.assertEqual(await waiting, REPLY + BODY)
        self.assertEqual(self.upstream.bodies, [b"a", b"b"])
        await self.proxy.set_phase("chaos", ["delay_reply"])
        self.assertEqual(await self.push(b"c"), REPLY + BODY)

    async def request(self, body):
        reader = asyncio.StreamReader()
        reader.feed_data(b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return await read_message(reader, is_response=False)

    async def test_a_duplicated_reply_comes_twice_of_one_delivery(self):
        await self.proxy.set_phase("chaos", ["duplicate_reply"])
        reader, writer = await asyncio.open_connection(*self.proxy.listen)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na")
        for _ in range(2):
            self.assertEqual((await read_message(reader, is_response=True)).raw, REPLY + BODY)
        writer.close()
        self.assertEqual(self.upstream.bodies, [b"a"])

    async def test_a_reply_is_cut_truncated_or_dropped_after_delivery(self):
        await self.proxy.set_phase("chaos", ["cut_response"])
        for _ in range(5):
            self.assertIn(await self.push(b"a"), (b"", "torn"))
        await self.proxy.set_phase("chaos", ["truncate_response"])
        for _ in range(5):
            reply = await self.push(b"b")
            head, _, body = reply.partition(b"\r\n\r\n")
            self.assertTrue(BODY.startswith(body) and len(body) < len(BODY))
            self.assertIn(b"Content-Length: %d" % len(body), head)
        await self.proxy.set_phase("chaos", ["drop_reply"])
        self.assertEqual(await self.push(b"c"), b"")
        self.assertEqual(self.upstream.bodies, [b"a"] * 5 + [b"b"] * 5 + [b"c"])

    async def test_reset_busy_and_hang_deliver_nothing(self):
        await self.proxy.set_phase("chaos", ["reset"])
        self.assertEqual(await self.push(b"a"), "reset")
        await self.proxy.set_phase("chaos", ["busy"])
        self.assertTrue((await self.push(b"a")).startswith(b"HTTP/1.1 503 "))
        await self.proxy.set_phase("chaos", ["hang"])
        hanging = asyncio.create_task(self.push(b"a"))
        await until(lambda: self.proxy.requests == 3)
        self.assertFalse(hanging.done())
        await self.proxy.set_phase("calm")
        self.assertEqual(await hanging, b"")
        self.assertEqual(self.proxy.counts["chaos"], {"reset": 1, "busy": 1, "hang": 1})
        await self.proxy.set_phase("chaos", ["hang"])
        _, writer = await asyncio.open_connection(*self.proxy.listen)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: self.proxy.clients)
        writer.close()
        await until(lambda: not self.proxy.clients)
        self.assertEqual(self.upstream.bodies, [])

    async def test_garbage_answers_noise(self):
        await self.proxy.set_phase("chaos", ["garbage"])
        for _ in range(10):
            reply = await self.push(b"a")
            self.assertTrue(reply.startswith(b"HTTP/1.1 200 OK") and BODY not in reply)
        self.assertTrue(0 < len(self.upstream.bodies) < 10)

    async def test_an_hq_that_is_away_looks_like_a_connection_that_ends(self):
        self.upstream.server.close()
        self.assertEqual(await self.push(b"a"), b"")
        self.assertEqual(self.proxy.events["upstream_failed"], 1)

    async def test_a_fault_that_found_no_hq_was_none(self):
        self.upstream.server.close()
        needs_none = {"reset", "busy", "hang", "garbage"}
        for fault in HAND.keys() - needs_none:
            await self.proxy.set_phase("chaos", [fault])
            self.assertEqual(await self.push(b"ab"), b"")
        await self.proxy.set_phase("calm")
        await until(lambda: not self.proxy.background)
        self.assertEqual(self.proxy.counts["chaos"], {})

    async def test_the_seed_decides_the_faults_and_each_hand_has_all(self):
        def dealt(seed):
            proxy = FaultProxy(("127.0.0.1", 0), self.upstream.address, seed)
            return [proxy.deal() for _ in range(3 * size)]

        size = sum(HAND.values())
        faults = dealt(1)
        self.assertEqual(faults, dealt(1))
        self.assertNotEqual(faults, dealt(2))
        hands = [faults[start:start + size] for start in range(0, 3 * size, size)]
        self.assertEqual([collections.Counter(hand) for hand in hands], [HAND] * 3)
        self.assertNotEqual(hands[0], hands[1])

    async def test_one_request_after_another_meets_what_it_was_dealt(self):
        async def nothing(request, client, draw):
            return REPLY + BODY

        for name in HAND:
            setattr(self.proxy, f"do_{name}", nothing)
        await self.proxy.set_phase("chaos", ["busy", "reset", "hang"])
        reader, writer = await asyncio.open_connection(*self.proxy.listen)
        for _ in range(10):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await read_message(reader, is_response=True)
        writer.close()
        self.assertEqual(self.proxy.counts["chaos"], {"busy": 4, "reset": 4, "hang": 2})

    async def test_the_control_port_sets_phases_and_counts(self):
        control = Control(self.proxy, ("127.0.0.1", 0))
        await control.start()
        reader, writer = await asyncio.open_connection(*control.listen)

        async def say(line):
            writer.write(line.encode() + b"\n")
            return (await asyncio.wait_for(reader.readline(), 5)).decode().strip()

        self.assertEqual(await say("chaos busy reset"), "ok chaos")
        self.assertEqual(set(self.proxy.dealt_from), {"busy", "reset"})
        self.assertEqual(await say("chaos"), "ok chaos")
        self.assertEqual(self.proxy.dealt_from, HAND)
        for nonsense in ("", "panic", "chaos sharks"):
            self.assertTrue((await say(nonsense)).startswith("error"))
        self.assertEqual(await say("calm"), "ok calm")
        await self.push(b"a")
        stats = json.loads(await say("stats"))
        self.assertEqual((stats["requests"], stats["calm"]), (1, {"pass": 1}))
        self.assertEqual(await say("stop"), "ok stop")
        self.assertTrue(control.stopped.is_set())
        writer.close()
        control.server.close()

    async def test_the_program_says_its_ports_first_and_its_counts_last(self):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROXY), "--upstream", "127.0.0.1:1", "--seed", "5",
            "--phase", "chaos", "--seconds", "60", stdout=asyncio.subprocess.PIPE)
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 10))
        self.assertEqual(first["seed"], 5)
        _, writer = await asyncio.open_connection("127.0.0.1", first["control"])
        writer.write(b"stop\n")
        last = json.loads(await asyncio.wait_for(process.stdout.readline(), 10))
        self.assertEqual((last["seed"], last["requests"]), (5, 0))
        self.assertEqual(await asyncio.wait_for(process.wait(), 10), 0)
        writer.close()


if __name__ == "__main__":
    unittest.main()
