#!/usr/bin/env python3
"""Plants the mistakes of mutants.toml one by one; the check listed there must catch each.

Works in its own folder below TMPDIR, never in this checkout. The folder keeps its build, so only
the first run takes several minutes more. `make clean` removes it.
"""
import argparse
import dataclasses
import fcntl
import os
import pathlib
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = pathlib.Path(__file__).with_name("mutants.toml")
SCRATCH = pathlib.Path(tempfile.gettempdir(), f"tributary-mutants-{os.getuid()}")
CHECKOUT = SCRATCH / "checkout"

BUILD = ["swift", "build", "-c", "release", "--build-tests"]
# Hash order in SwiftPM's plans would recompile half the dependencies, see the Makefile.
ENVIRONMENT = os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1", "NO_COLOR": "1"}
CHECK_ENVIRONMENT = os.environ | {"NO_COLOR": "1", "SWIFT_BACKTRACE": "enable=no"}
FIRST_BUILD_SECONDS_MAX = 5_400
BUILD_SECONDS_MAX = 1_800
CHECK_SECONDS_MAX = 240
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long a process may take to stop before it is killed.
STOP_SECONDS_MAX = 5
# The last lines of a failed command that are shown.
LINES_SHOWN = 25
# The most columns of a check's finding that are shown.
FINDING_COLUMNS_MAX = 120
CAUGHT = "caught"

EXAMPLES = """examples:
  Tests/Mutants/run.py                     runs all mutants
  Tests/Mutants/run.py coverage heartbeat  runs those whose name has one of the words
  Tests/Mutants/run.py --list              lists names, files and catchers
"""


class Problem(Exception):
    """Why the run has no result."""


@dataclasses.dataclass(frozen=True)
class Edit:
    """A text that occurs once in a file, and its replacement."""

    file: str
    find: str
    replace: str

    def planted_in(self, text):
        """The file's text with the mistake; a Problem if the edit does not apply."""
        count = text.count(self.find)
        if count != 1:
            raise Problem(f"{self.file} contains its text {count} times")
        if self.find == self.replace:
            raise Problem(f"it changes nothing in {self.file}")
        return text.replace(self.find, self.replace)


@dataclasses.dataclass(frozen=True)
class Catcher:
    """The check that must fail: seeds of the simulation, or tests by name."""

    kind: str
    argument: str

    def __str__(self):
        return f"{self.kind} {self.argument}"

    def command(self):
        if self.kind == "simulate":
            return [".build/release/tributary", "simulate", "--seeds", self.argument]
        return [
            ".build/release/tributaryPackageTests.xctest", "--testing-library", "swift-testing",
            "--filter", self.argument,
        ]

    def finding(self, output):
        """The check's finding in its own words; empty if it found nothing."""
        if self.kind == "simulate":
            return re.search(r"FAILED (seed \d+: [^\n]+)", output)
        return re.search(r"[✘X] Test (.+? recorded an issue.*? at [^:\n]+:\d+)", output)

    def has_checked(self, output):
        """Whether a successful check has run anything; a filter may match no test."""
        if self.kind == "simulate":
            return "every check held" in output
        return re.search(r"Test run with [1-9]\d* tests?\b.* passed", output) is not None


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    edits: tuple
    catcher: Catcher

    def texts(self, root):
        """The text of each file with the mistake."""
        texts = {}
        for edit in self.edits:
            path = root / edit.file
            if not path.is_file():
                raise Problem(f"{edit.file} does not exist")
            texts[edit.file] = edit.planted_in(texts.get(edit.file, path.read_text()))
        return texts


def read_mutants():
    """The list of mutants, checked against the files of this checkout."""
    entries = tomllib.loads(MUTANTS.read_text())["mutant"]
    mutants = []
    for entry in entries:
        edits = tuple(Edit(**edit) for edit in entry.pop("edit"))
        name = entry.pop("name")
        if len(entry) != 1 or not entry.keys() <= {"simulate", "tests"}:
            raise Problem(f"{MUTANTS.name}: {name}: expected one of simulate and tests")
        [(kind, argument)] = entry.items()
        mutants.append(Mutant(name, edits, Catcher(kind, argument)))
    names = [mutant.name for mutant in mutants]
    if len(set(names)) != len(names):
        raise Problem(f"{MUTANTS.name}: two mutants have the same name")
    rotten = []
    for mutant in mutants:
        try:
            mutant.texts(ROOT)
        except Problem as problem:
            rotten.append(f"{mutant.name}: this mutant no longer applies: {problem}")
    if rotten:
        raise Problem("\n".join(rotten))
    return mutants


# Processes

@dataclasses.dataclass
class Outcome:
    """The result of a command; no status if it timed out."""

    status: int | None
    output: str
    seconds: float

    def tail(self):
        return "\n".join(self.output.splitlines()[-LINES_SHOWN:])


def members(session):
    """The live processes of a session."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def end_session(session):
    """Ends what is left of a command, in all its process groups, because tests start servers."""
    deadline = time.monotonic() + STOP_SECONDS_MAX
    number = signal.SIGTERM
    while left := members(session):
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        for process in left:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


def run(command, seconds_max, environment):
    """Runs a command in the copy, in a session that ends with it."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            status = child.wait(seconds_max)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            end_session(child.pid)
            child.wait()
        log.seek(0)
        output = log.read().decode(errors="replace")
    return Outcome(status, output, time.monotonic() - started)


def build(seconds_max=BUILD_SECONDS_MAX):
    return run(BUILD, seconds_max, ENVIRONMENT)


def check(catcher):
    return run(catcher.command(), CHECK_SECONDS_MAX, CHECK_ENVIRONMENT)


# The copy

def write(path, text):
    """Writes only changed files, because a touched file is compiled again."""
    content = text if isinstance(text, bytes) else text.encode()
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def prepare_copy():
    """Makes the copy equal this checkout, including uncommitted changes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
        check=True, capture_output=True, text=True,
    ).stdout.split("\0")
    # Not under version control, but the copy must build the same versions.
    wanted = {name for name in [*listed, "Package.resolved"] if (ROOT / name).is_file()}
    CHECKOUT.mkdir(exist_ok=True)
    for folder, folders, files in os.walk(CHECKOUT):
        if pathlib.Path(folder) == CHECKOUT:
            folders[:] = [name for name in folders if name != ".build"]
        for name in files:
            path = pathlib.Path(folder, name)
            if str(path.relative_to(CHECKOUT)) not in wanted:
                path.unlink()
    for name in wanted:
        source, copy = ROOT / name, CHECKOUT / name
        write(copy, source.read_bytes())
        copy.chmod(stat.S_IMODE(source.stat().st_mode))


def lock_scratch():
    """Locks the scratch folder for this run; all users of the machine know its name."""
    SCRATCH.mkdir(mode=0o700, exist_ok=True)
    status = SCRATCH.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise Problem(f"{SCRATCH} is not your own folder")
    lock = open(SCRATCH / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(f"another run is using {SCRATCH}") from None
    return lock


def remove_scratch():
    if SCRATCH.exists():
        with lock_scratch():
            shutil.rmtree(SCRATCH)


# The run

def say(line):
    print(line, flush=True)


def check_unchanged(mutants):
    """Builds the unchanged copy and runs the checks: one that fails without a mistake proves
    nothing."""
    is_first = not (CHECKOUT / ".build/release/tributary").exists()
    say(f"building the unchanged copy in {SCRATCH}" + (", minutes once" if is_first else ""))
    built = build(FIRST_BUILD_SECONDS_MAX)
    if built.status != 0:
        raise Problem(f"the unchanged copy does not build\n{built.tail()}")
    say(f"built in {built.seconds:.0f} s; each check must pass now, and fail with its mistake")
    for catcher in dict.fromkeys(mutant.catcher for mutant in mutants):
        outcome = check(catcher)
        if outcome.status != 0 or not catcher.has_checked(outcome.output):
            raise Problem(f"{catcher}: fails without a mistake too\n{outcome.tail()}")
        say(f"{'passes':13} {outcome.seconds:5.1f} s  {catcher}")


def verdict(mutant):
    """The outcome of one planted mistake: a word, the seconds, and the finding."""
    built = build()
    if built.status != 0:
        lines = [line for line in built.output.splitlines() if "error:" in line]
        return "DID NOT BUILD", built.seconds, "\n".join(["", *lines[:LINES_SHOWN]])
    outcome = check(mutant.catcher)
    finding = mutant.catcher.finding(outcome.output)
    if outcome.status == 0:
        return "SURVIVED", outcome.seconds, str(mutant.catcher)
    if outcome.status is None:
        return "NO VERDICT", outcome.seconds, f"given up: {mutant.catcher}"
    if outcome.status != 1 or not finding:
        return "CRASHED", outcome.seconds, f"{mutant.catcher}\n{outcome.tail()}"
    return CAUGHT, outcome.seconds, textwrap.shorten(finding[1], FINDING_COLUMNS_MAX)


def try_mutant(mutant):
    originals = {name: (CHECKOUT / name).read_text() for name in mutant.texts(CHECKOUT)}
    try:
        for name, text in mutant.texts(CHECKOUT).items():
            write(CHECKOUT / name, text)
        word, seconds, finding = verdict(mutant)
    finally:
        for name, text in originals.items():
            write(CHECKOUT / name, text)
    say(f"{word:13} {seconds:5.1f} s  {mutant.name}: {finding}")
    return word == CAUGHT


def run_all(mutants):
    with lock_scratch():
        prepare_copy()
        check_unchanged(mutants)
        caught = sum(try_mutant(mutant) for mutant in mutants)
    say(f"mutants: {caught} caught, {len(mutants) - caught} not caught")
    return 0 if caught == len(mutants) else 1


def interrupted(number, _):
    """Ends the run like an error, so that everything is cleaned up, once."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="run those whose name has one of these words")
    parser.add_argument("--list", action="store_true", help="list them and run none")
    parser.add_argument(
        "--check", action="store_true", help="check that each still applies, and run none")
    parser.add_argument("--clean", action="store_true", help="remove the folder and its build")
    arguments = parser.parse_args()
    for stop in STOPS:
        signal.signal(stop, interrupted)
    try:
        if arguments.clean:
            remove_scratch()
            return 0
        mutants = read_mutants()
        chosen = [
            mutant for mutant in mutants
            if not arguments.words or any(word in mutant.name for word in arguments.words)
        ]
        if not chosen:
            raise Problem(f"no mutant's name has any of: {shlex.join(arguments.words)}")
        if arguments.list:
            for mutant in chosen:
                files = ", ".join(dict.fromkeys(edit.file for edit in mutant.edits))
                say(f"{mutant.name}\n    in {files}\n    caught by {mutant.catcher}")
            return 0
        if arguments.check:
            say(f"mutants: all {len(mutants)} apply")
            return 0
        return run_all(chosen)
    except Problem as problem:
        print(f"mutants: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
