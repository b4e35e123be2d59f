"""Overwrites keys in Redis with other types and with texts that are not numbers."""
import time

import redis

from scene import HEAL_SECONDS, wait_for
from scene_names import LOG, REGION

# Some damage is repaired only by the maintenance, once a minute.
MAINTENANCE_SECONDS = 60
TYPES = {"store": "hash", "changes": "zset", "topology": "hash", f"watermark:{REGION}": "hash",
         f"liveness:{REGION}": "hash"}
KINDS = ["string", "list", "junk"]


def overwrite(store, key, kind):
    """Replaces a key by a `string` or a `list`, or with `junk` only its contents."""
    if kind == "string":
        store.set(key, "hostile")
    elif kind == "list":
        store.delete(key)
        store.rpush(key, "hostile")
    elif (found := store.type(key)) == b"hash":
        store.hset(key, mapping={field: "hostile" for field in store.hkeys(key)})
    elif found == b"zset":
        store.zadd(key, {"hostile": 5, "-1": 6, "99999999999999999999": 7})
    else:
        store.set(key, "1e400")


def hang_up(store):
    """Disconnects all clients, which makes HQ read everything again."""
    store.client_kill_filter(_type="normal", skipme=True)


def kind_of(store, key):
    try:
        return store.type(key).decode()
    except redis.RedisError:
        return "unknown"


def spoil_fixed(scene, trial, kinds):
    """Overwrites each fixed key in each way while transfers arrive."""
    worst = 0.0
    for key, type_of_key in TYPES.items():
        for kind in kinds:
            mark = scene.hq.log.stat().st_size
            overwrite(scene.store, key, kind)
            began = time.time()
            # The next use of the key notices a string; the rest is noticed by a full read.
            if kind != "string":
                hang_up(scene.store)

            def is_healed():
                look = scene.viewer.looks[-1]
                return (look.begun > began + 1.5 and trial.is_right(look)
                        and trial.moment(look) >= began - 1
                        and kind_of(scene.store, key) == type_of_key
                        and scene.commits.moved[-1] > began + 1)
            try:
                wait_for("healed", is_healed, HEAL_SECONDS)
            except TimeoutError:
                look = scene.viewer.looks[-1]
                trial.fail(f"{key} as {kind} is not healed within {HEAL_SECONDS} s: its type is "
                           f"{kind_of(scene.store, key)}, the last commit "
                           f"{time.time() - scene.commits.moved[-1]:.0f} s ago, status "
                           f"{look.status}, reasons {scene.reasons()}")
                repair(scene, key)
            worst = max(worst, time.time() - began)
            said = scene.hq.log.read_bytes()[mark:].decode(errors="replace").splitlines()
            if kind != "junk" and not any(f"key={key} " in line for line in said):
                trial.fail(f"no line of the log names {key}, which was made a {kind}")
    return worst


def repair(scene, key):
    """Removes the damage so that the remaining cases can run."""
    scene.store.delete(key)
    hang_up(scene.store)


def minute_keys(store, chance):
    """[(key, kind)]: some keys of each family, each of a different minute."""
    chosen, minutes = [], set()
    for pattern in ["metric:USD:*", "transfers:USD:*", f"shard:{REGION}:{LOG}:*",
                    f"late:{REGION}:{LOG}:*"]:
        keys = sorted(store.keys(pattern))
        chance.shuffle(keys)
        for kind in KINDS:
            key = next(key for key in keys if key.rsplit(b":", 1)[1] not in minutes)
            minutes.add(key.rsplit(b":", 1)[1])
            chosen.append((key.decode(), kind))
    now = int(store.time()[0]) // 60
    return chosen + [
        (f"missed:{REGION}:{now}", "string"), (f"missed:{REGION}:{now - 1}", "list"),
        (f"metric:EUR:{now}", "list"), (f"shard:{REGION}:{LOG}:0:{now}", "string"),
        (f"shard:{REGION}:{LOG}:1:{now}", "junk"), (f"late:{REGION}:{LOG}:0:{now}", "string")]


def spoil_minutes(scene, trial, chance, end_production):
    """Overwrites keys of minutes; then the total and Redis must become exact again."""
    chosen = minute_keys(scene.store, chance)
    mark = time.time()
    for key, kind in chosen:
        overwrite(scene.store, key, kind)
    hang_up(scene.store)
    # Transfers must meet the damage, but healing is timed from 3 s at the latest.
    try:
        wait_for("a commit", lambda: scene.commits.moved[-1] > mark, 3)
    except TimeoutError:
        pass
    end_production()
    ended = time.time()

    total = scene.exact(ended, HEAL_SECONDS)
    if total is None:
        trial.fail(f"after keys of minutes: not exact within {HEAL_SECONDS} s, reasons "
                   f"{scene.reasons()}; spoilt: {chosen}")
    # The next maintenance repairs the sums in Redis at the latest.
    seconds = scene.exact(ended, MAINTENANCE_SECONDS + HEAL_SECONDS,
                          lambda: not scene.differences())
    if seconds is None:
        trial.fail(f"Redis is not exact within {MAINTENANCE_SECONDS + HEAL_SECONDS} s: "
                   f"{scene.differences()[:6]}; spoilt: {chosen}")
    # Keys of missed money may stay damaged: no total depends on them.
    left = [key for key, kind in chosen if kind == "list" and kind_of(scene.store, key) == kind]
    for words, found in [("total right after", total), ("Redis right after", seconds)]:
        trial.show(f"{len(chosen)} keys of minutes: {words} "
                   f"{f'{found + ended - mark:.1f} s' if found is not None else 'never'}")
    if left:
        trial.show(f"left as they were: {left}")
