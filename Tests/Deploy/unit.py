#!/usr/bin/env python3
"""Starts a service according to its unit, instead of systemd.

    unit.py daemon-reload
    unit.py enable --now NAME.service

Supports the command with its instance, the dynamic user and its groups, the state directory, the
umask, the limit of open files, an empty capability set, no new privileges, the system call filter,
MemoryDenyWriteExecute and a clean environment. `systemd-analyze verify` checks the rest. The
service logs to NAME.service.log; its process id is in NAME.service.pid.
"""
import ctypes
import errno
import grp
import os
import pathlib
import re
import resource
import subprocess
import sys

UNITS = pathlib.Path("/etc/systemd/system")
FOLDER = pathlib.Path("/run/guide")
# The first of systemd's dynamic user ids.
FIRST_USER = 61184

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000
SCMP_CMP_MASKED_EQ = 7
PROT_WRITE, PROT_EXEC = 2, 4


class Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


def read(name):
    """The settings of a unit's `[Service]`, each with all its values; `%i` is replaced."""
    template = re.sub(r"@[^.]*\.", "@.", name)
    instance = re.search(r"@([^.]*)\.", name)
    text = (UNITS / template).read_text().replace("\\\n", " ")
    assert "\n[Install]\n" in text, f"{name} cannot be enabled"
    service = re.search(r"(?ms)^\[Service\]\n(.*?)(?:^\[|\Z)", text)[1]
    settings = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", service):
        settings.setdefault(key, []).append(
            value.replace("%i", instance[1] if instance else "").strip())
    return settings


def verify(name):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Without a running systemd it also complains about its own units.
    about = [line for line in done.stdout.splitlines() if "tributary" in line]
    assert done.returncode == 0 and not about, f"systemd-analyze verify: {done.stdout}"


def system_calls(names):
    """The names in a filter's sets."""
    found = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                                capture_output=True, text=True).stdout
        inside = [line.strip() for line in listed.splitlines()[1:]]
        found |= system_calls([line for line in inside if line and not line.startswith("#")])
    return found


def filters(settings):
    """Loads the unit's system call filter; refused calls fail with EPERM, as in the unit."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    refuse = SCMP_ACT_ERRNO | errno.EPERM
    assert settings["SystemCallErrorNumber"] == ["EPERM"]
    allowed = set()
    for line in settings["SystemCallFilter"]:
        named = system_calls(line.lstrip("~").split())
        allowed = allowed - named if line.startswith("~") else allowed | named

    def add(context, action, name, *comparisons):
        number = library.seccomp_syscall_resolve_name(name.encode())
        array = (Comparison * max(len(comparisons), 1))(*comparisons)
        if number >= 0:
            library.seccomp_rule_add_array(
                ctypes.c_void_p(context), ctypes.c_uint32(action), number, len(comparisons), array)

    calls = library.seccomp_init(ctypes.c_uint32(refuse))
    for name in allowed:
        add(calls, SCMP_ACT_ALLOW, name)
    memory = library.seccomp_init(ctypes.c_uint32(SCMP_ACT_ALLOW))
    if settings.get("MemoryDenyWriteExecute") == ["yes"]:
        both = PROT_WRITE | PROT_EXEC
        add(memory, refuse, "mmap", Comparison(2, SCMP_CMP_MASKED_EQ, both, both))
        add(memory, refuse, "mprotect", Comparison(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
    for context in [memory, calls]:
        assert library.seccomp_load(ctypes.c_void_p(context)) == 0, "a filter is not loaded"


def become(settings, user):
    """Drops to the unit's user and restrictions, and executes its command."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/"}
    assert settings["DynamicUser"] == ["yes"]
    for folder in settings.get("StateDirectory", []):
        path = pathlib.Path("/var/lib") / folder
        path.mkdir(exist_ok=True)
        path.chmod(int(settings.get("StateDirectoryMode", ["0755"])[-1], 8))
        os.chown(path, user, user)
        environment["STATE_DIRECTORY"] = str(path)
    groups = [grp.getgrnam(name).gr_gid
              for line in settings.get("SupplementaryGroups", []) for name in line.split()]
    os.umask(int(settings.get("UMask", ["0022"])[-1], 8))
    os.chdir(settings.get("WorkingDirectory", ["/"])[-1])
    files = int(settings["LimitNOFILE"][-1])
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    except ValueError:
        pass  # This machine allows fewer.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None)
    assert settings["CapabilityBoundingSet"] == [""]
    for capability in range(64):
        if library.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            library.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups(groups)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    assert settings["NoNewPrivileges"] == ["yes"]
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    filters(settings)
    words = settings["ExecStart"][-1].split()
    os.execve(words[0], words, environment)


def start(name):
    settings = read(name)
    # Each service has its own user, the same after a restart.
    user = FIRST_USER + sorted(UNITS.glob("*.service")).index(
        UNITS / re.sub(r"@[^.]*\.", "@.", name))
    child = os.fork()
    if child:
        (FOLDER / f"{name}.pid").write_text(str(child))
        return
    try:
        os.setsid()
        log = os.open(FOLDER / f"{name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in [(null, 0), (log, 1), (log, 2)]:
            os.dup2(descriptor, number)
        become(settings, user)
    except BaseException as problem:
        os.write(2, f"{name} was not started: {problem!r}\n".encode())
    os._exit(1)


def is_running(process):
    """Whether the process exists and is not a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def main():
    match sys.argv[1:]:
        case ["daemon-reload"]:
            pass
        case ["enable", "--now", name]:
            verify(name)
            start(name)
        case words:
            sys.exit(f"systemctl {' '.join(words)}: not in this test")


if __name__ == "__main__":
    main()
