#!/usr/bin/env python3
"""Follows the guide of deploy/systemd literally, except that no systemd runs.

    systemd.py

Runs the guide's commands in a disposable copy of this Debian, with a Redis in Debian's
configuration and an embedded Kafka at the addresses of the guide's topology. unit.py replaces
systemctl. The exit status is 1 if a step is missing: headquarters must become ready, the region's
node must push, its transfers must be counted, and headquarters must continue from its state file
after it and Redis were lost.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import guide
import unit

README = "deploy/systemd/README.md"
BINARY = "/usr/local/bin/tributary"
HEADQUARTERS, REGION = "tributary-hq.service", "tributary-region@eu-west.service"
PUBLIC = "http://127.0.0.1:8080"
BROKER = "127.0.0.1:9092"
TRANSFERS = 1000
SECONDS_MAX = 120


def serve(name, *words):
    """Starts a server that the guide expects; it ends with this test."""
    with open(guide.SCRATCH / f"{name}.log", "ab") as log:
        return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=subprocess.STDOUT)


def start_redis():
    """An empty Redis with Debian's configuration."""
    folder = guide.SCRATCH / "redis"
    folder.mkdir(exist_ok=True)
    return serve("redis", "redis-server", "/etc/redis/redis.conf", "--daemonize", "no",
                 "--dir", folder, "--logfile", "", "--pidfile", "")


def log(name):
    path = guide.SCRATCH / f"{name}.log"
    return path.read_text(errors="replace") if path.exists() else ""


def process(name):
    return int((guide.SCRATCH / f"{name}.pid").read_text())


def get(path):
    """Status and text; None if the connection is refused."""
    try:
        with urllib.request.urlopen(PUBLIC + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode()
    except OSError:
        return None


def runs(name):
    """Fails if the service has ended."""
    assert unit.is_running(process(name)), f"{name} has ended:\n{log(name)}"
    return True


def breakdown():
    """The published breakdown; None before the first publication."""
    answer = get("/v1/metrics/money-moved/24h/breakdown?base_currency=USD")
    return json.loads(answer[1]) if answer and answer[0] == 200 else None


def region():
    return next(one for one in breakdown()["regions"] if one["id"] == "eu-west")


def committed():
    """How many records of the region's log headquarters has committed."""
    text = guide.run("redis-cli", "--raw", "hvals", "watermark:eu-west", capture_output=True,
                     text=True).stdout
    return sum(int(line.split()[0]) for line in text.splitlines() if line)


def counted(records):
    """The region's published money, once all its records are committed and published."""
    guide.wait_for(f"{records} records are committed", lambda: runs(HEADQUARTERS)
                   and runs(REGION) and committed() == records, 60)
    # Wait for two publications: the first may have begun before the last commit.
    for _ in range(2):
        before = breakdown()["version"]
        guide.wait_for("a publication", lambda: breakdown()["version"] != before)
    guide.wait_for("the region is live", lambda: region()["state"] == "live")
    return region()["converted"]


def produce(seed):
    guide.run(BINARY, "generate", TRANSFERS, "--seed", seed, "--duration", "1h", "--kafka", BROKER,
              "--topic", "transaction.settled", "--id-prefix", f"{seed}_",
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_headquarters():
    live = guide.wait_for("headquarters answers", lambda: runs(HEADQUARTERS) and get("/livez"))
    assert live == (200, "ok\n"), live
    status, _ = get("/readyz")
    assert status == 503, f"ready before the first region reports: {status}"
    print("headquarters: answers, and is not ready before the first region reports", flush=True)


def check_region():
    produce(1)
    guide.wait_for("headquarters is ready",
                   lambda: runs(REGION) and (get("/readyz") or [0])[0] == 200, 60)
    amount = counted(TRANSFERS)
    assert amount > 0, "nothing is shown of the region's transfers"
    print(f"region: its deltas are accepted, {amount} USD of {TRANSFERS} transfers are shown",
          flush=True)


def check_secrets():
    """Only nodes of regions can read the key."""
    def reads(name, path):
        status = pathlib.Path(f"/proc/{process(name)}/status").read_text()
        ids = {line.split(":")[0]: line.split(":")[1].split() for line in status.splitlines()}
        # Not root, without capabilities, under the unit's filters of system calls.
        confined = [ids["CapBnd"], ids["NoNewPrivs"], ids["Seccomp"]]
        assert confined == [["0" * 16], ["1"], ["2"]] and ids["Uid"][0] != "0", ids
        groups = ["--groups", ",".join(ids["Groups"])] if ids["Groups"] else ["--clear-groups"]
        return subprocess.run(["setpriv", "--reuid", ids["Uid"][0], "--regid", ids["Gid"][0],
                               *groups, "cat", path], capture_output=True).returncode == 0
    for path, readers in [("/etc/tributary/id.key", [REGION]),
                          ("/etc/tributary/topology.yaml", [HEADQUARTERS, REGION]),
                          ("/etc/tributary/regions/eu-west.yaml", [HEADQUARTERS, REGION])]:
        assert [name for name in [HEADQUARTERS, REGION] if reads(name, path)] == readers, path
        assert os.stat(path).st_mode & 0o7777 == 0o640, path
    print("secrets: the key is read by the region's node alone, passwords by the units alone",
          flush=True)


def check_state(redis):
    """The figures survive the loss of headquarters and Redis while the region is paused."""
    folder = pathlib.Path("/var/lib/tributary-hq")
    status = folder.stat()
    assert status.st_mode & 0o7777 == 0o700 and status.st_uid != 0, oct(status.st_mode)
    before = region()["converted"]
    os.kill(process(REGION), signal.SIGSTOP)
    os.kill(process(HEADQUARTERS), signal.SIGKILL)
    redis.kill()
    redis.wait(10)
    for path in (guide.SCRATCH / "redis").iterdir():
        path.unlink()
    redis = start_redis()
    guide.wait_for("Redis", lambda: b"PONG" in subprocess.run(
        ["redis-cli", "ping"], capture_output=True).stdout)
    unit.start(HEADQUARTERS)
    guide.wait_for("headquarters is ready again",
                   lambda: runs(HEADQUARTERS) and (get("/readyz") or [0])[0] == 200)
    assert region()["converted"] == before, f"{region()['converted']}, it was {before}"
    os.kill(process(REGION), signal.SIGCONT)
    produce(2)
    after = counted(2 * TRANSFERS)
    assert after > before, f"{after} after more transfers, it was {before}"
    print(f"state: with an empty Redis {before} USD stayed on display, then {after}", flush=True)


def main():
    guide.enter(__file__, SECONDS_MAX)
    for folder in ["/etc", "/var/lib", "/tmp"]:
        guide.writable(folder)
    guide.empty("/usr/local/bin")
    guide.command("systemctl", f'#!/bin/sh\nexec {sys.executable} -B {unit.__file__} "$@"\n')
    redis = start_redis()
    serve("broker", guide.ROOT / ".build/release/tributary", "broker", "--port", "9092",
          "--topic", "transaction.settled:6", "--topic", "transaction.settled.dlq:1")
    try:
        everywhere, headquarters, key, node = guide.blocks(README)
        guide.follow(everywhere, {})
        guide.follow(headquarters, {})
        check_headquarters()
        # The repository is read-only, so the key is created in a separate folder.
        guide.follow(f"cd {guide.SCRATCH}\n{key}", {})
        guide.follow(f"cd {guide.SCRATCH}\n{node}", {})
        check_region()
        check_secrets()
        check_state(redis)
    except (AssertionError, ValueError, OSError, subprocess.SubprocessError) as problem:
        print(f"systemd: {problem}", file=sys.stderr)
        for name in [HEADQUARTERS, REGION, "redis", "broker"]:
            print(f"— {name}", *log(name).splitlines()[-8:], sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
