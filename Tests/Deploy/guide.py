"""Follows a guide in `deploy/` in a disposable copy of this Debian.

The test runs in its own namespaces. Its network has only loopback, so the guide's ports are free.
`/` is read-only except for folders that the test overlays. Its processes end with it. Needs root,
or `sudo` without a password.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# In memory, private to this test; all overlays are stored here.
SCRATCH = pathlib.Path("/run/guide")
DEADLINE = 20
INSIDE = "--inside"

# Replacements for commands that cannot work here: the test is already root, and there is no network
# to install packages from.
SUDO = '#!/bin/sh\nexec "$@"\n'
APT_GET = """#!/bin/sh
for word; do
    case $word in install|-*) ;; *) dpkg-query --status "$word" >/dev/null || exit 1;; esac
done
"""


def enter(script, seconds):
    """Restarts the script in its own namespaces and returns there; it ends after `seconds`."""
    if INSIDE not in sys.argv:
        sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        words = sudo + ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork",
                        "--kill-child", "--mount-proc", sys.executable, "-B",
                        os.path.abspath(script), INSIDE, *sys.argv[1:]]
        os.execvp(words[0], words)
    sys.argv.remove(INSIDE)
    for number in [signal.SIGALRM, signal.SIGTERM]:
        signal.signal(number, lambda number, _: sys.exit(f"{script}: ended by signal {number}"))
    signal.alarm(seconds)
    run("ip", "link", "set", "lo", "up")
    run("mount", "--types", "tmpfs", "tmpfs", "/run")
    SCRATCH.mkdir()
    (SCRATCH / "bin").mkdir()
    run("mount", "--options", "remount,bind,ro", "/")
    command("sudo", SUDO)
    command("apt-get", APT_GET)
    os.environ["PATH"] = f"{SCRATCH}/bin:{os.environ['PATH']}"
    os.environ["TMPDIR"] = str(SCRATCH)


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, **options)


def command(name, text):
    """Overrides a command by a script."""
    path = SCRATCH / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def empty(folder):
    """Hides a folder behind an empty one with the same mode."""
    mode = oct(os.stat(folder).st_mode & 0o7777)[2:]
    run("mount", "--types", "tmpfs", "--options", f"mode={mode}", "tmpfs", folder)


def writable(folder):
    """Overlays a folder, so that writes to it are discarded."""
    layer = SCRATCH / "layers" / folder.strip("/").replace("/", "-")
    for name in ["upper", "work"]:
        (layer / name).mkdir(parents=True)
    run("mount", "--types", "overlay", "overlay", "--options",
        f"lowerdir={folder},upperdir={layer}/upper,workdir={layer}/work", folder)


def untouched(package, folder):
    """Reduces `folder` to the files that the Debian package installs."""
    status = run("dpkg-query", "--show", "--showformat=${Conffiles}", package,
                 capture_output=True, text=True).stdout
    listed = run("dpkg-query", "--listfiles", package, capture_output=True, text=True).stdout
    files = dict(re.findall(r"(?m)^ (\S+) (\w+)", status))
    within = [path for path in listed.split() if path.startswith(folder + "/")]
    contents = {path: pathlib.Path(path).read_bytes() for path in within if path in files}
    digests = run("md5sum", *contents, capture_output=True, text=True).stdout
    for digest, path in re.findall(r"(?m)^(\w+)  (\S+)", digests):
        if files[path] != digest:
            sys.exit(f"{path} is not as {package} brings it: run this on another machine")
    empty(folder)
    for path in within:
        if path in contents:
            pathlib.Path(path).write_bytes(contents[path])
        else:
            pathlib.Path(path).mkdir()


def blocks(readme):
    """The `sh` blocks of a guide."""
    return re.findall(r"(?ms)^```sh\n(.*?)^```", (ROOT / readme).read_text())


def follow(block, replacing):
    """Runs a block of the guide with replacements: `{theirs: ours}`."""
    for theirs, ours in replacing.items():
        assert theirs in block, f"the guide no longer says {theirs}"
        block = block.replace(theirs, ours)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, f"the guide's commands fail:\n{done.stdout}"


def wait_for(what, condition, seconds=DEADLINE):
    """Waits for the condition and returns its value."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return answer
