#!/usr/bin/env python3
"""Runs a system test with external brokers, like with a real cluster.

Starts one embedded broker for each region and appends `--brokers REGION=HOST:PORT` for each to the
command. Ends the brokers afterwards. The exit status is that of the command.

    with_brokers.py eu-west us-east -- faults.py --rounds 1
"""
import pathlib
import subprocess
import sys
import tempfile

from deployment import broker


def main(words):
    split = words.index("--")
    regions, command = words[:split], words[split + 1:]
    with tempfile.TemporaryDirectory(prefix="tributary-brokers-") as folder:
        started = [broker(region, pathlib.Path(folder)).start() for region in regions]
        try:
            for region, process in zip(regions, started):
                command += ["--brokers", f"{region}={process.line('bootstrap ')}"]
            status = subprocess.run(command, check=False).returncode
            ended = [process.name for process in started if not process.is_running]
            if ended:
                raise SystemExit(f"ended by themselves: {ended}")
            return status
        finally:
            for process in started:
                process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
