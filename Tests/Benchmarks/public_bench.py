#!/usr/bin/env python3
"""Compares the five-field endpoint with nginx returning the same bytes: same machine, same run.

    public_bench.py [--seconds N] [--rounds N] [--connections N]

Each server runs on the first core, wrk on the second. They alternate, and the best round of each
counts. Exit status 1 if the endpoint reaches less than GOAL of nginx.
"""
import argparse
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/tributary-bench"
PATH = "/v1/metrics/money-moved/24h?base_currency=USD"
GOAL = 0.5

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /v1/metrics/money-moved/24h {{
            default_type application/json;
{headers}
            return 200 '{body}';
        }}
    }}
}}
"""


def fetch(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", PATH)
    response = connection.getresponse()
    return response.status, response.getheaders(), response.read().decode()


def free_port():
    import socket
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(command, **options):
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", "0", *map(str, command)], **options)


def start_nginx(folder, body, headers):
    """nginx with the same fields and the same body, plus its own fields."""
    port = free_port()
    own = {"content-type", "content-length", "connection", "server", "date"}
    lines = [f'            add_header {name} "{value}" always;'
             for name, value in headers if name.lower() not in own]
    lines = [line.replace('"\\"', "'\"").replace('\\""', "\"'") for line in lines]
    lines = [re.sub(r'"("[^"]*")"', r"'\1'", line) for line in lines]
    path = pathlib.Path(folder) / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, port=port, body=body, headers="\n".join(lines)))
    child = start(["nginx", "-c", path, "-e", f"{folder}/error.log"])
    for _ in range(100):
        try:
            if fetch(port)[2] == body:
                return child, port
        except OSError:
            time.sleep(0.05)
    raise SystemExit("nginx does not serve the same body")


def processor_seconds(child):
    """The process's CPU time so far, in the kernel and in user space."""
    fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(child, port, options):
    """Requests per second, and the server's CPU time for each in microseconds."""
    before = processor_seconds(child)
    done = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{options.connections}",
         f"-d{options.seconds}s", f"http://127.0.0.1:{port}{PATH}"],
        capture_output=True, text=True, timeout=options.seconds + 30, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(done.stdout)
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    return (float(re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout)[1]),
            (processor_seconds(child) - before) * 1e6 / requests)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed: one for the server, one for wrk")
    children = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            # Four reports a second, as in production; nginx keeps the first one's bytes.
            served = start(
                [BENCH, "serve", "--threads", "1", "--interval", "250"], stdout=subprocess.PIPE,
                text=True)
            children.append(served)
            port = int(served.stdout.readline().rsplit(":", 1)[1])
            _, headers, body = fetch(port)
            nginx, nginx_port = start_nginx(folder, body, headers)
            children.append(nginx)
            best = {"nginx": (0, 0), "tributary": (0, 0)}
            for _ in range(options.rounds):
                best["nginx"] = max(best["nginx"], load(nginx, nginx_port, options))
                best["tributary"] = max(best["tributary"], load(served, port, options))
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(10)
    ratio = best["tributary"][0] / best["nginx"][0]
    for name, (rate, cost) in best.items():
        print(f"{name:10} {rate:>10,.0f} requests/s  {cost:.1f} us CPU each  "
              f"{options.connections} connections, one core")
    print(f"five-field endpoint: {ratio:.2f} of nginx, goal {GOAL}: "
          f"{'reached' if ratio >= GOAL else 'MISSED'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
