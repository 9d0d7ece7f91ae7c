#!/usr/bin/env python3
"""What hostile and careless clients, and time, do to holdfast: three programs beside the table of the bench.

  slow   thousands of connections that send or read as slowly as they can, in four styles, while ordinary clients ask:
         their 99th percentile beside that of an undisturbed run, the worker's memory, and when each style was ended
  mix    clients that do everything at random for a while: pipeline, cut, reset, half-close, upload in chunks, ask for
         ranges; then: no crash, descriptors and memory as before, and counters that agree with what the clients saw
  rotate the access log is rotated every second while 100,000 numbered requests are made and two of four workers are
         killed: each answer has its line, in one of the files and once

Needs the tools of tests/bench/run (which builds them) and a release build of holdfast.
"""

import argparse
import json
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from log_rotation import Logged, run_rotation
from servers import Holdfast, children, raise_descriptor_limit, reserve_port

TIMEOUTS = {"request_header": 6, "request_body": 6, "response_write": 6, "keep_alive": 12}
BIG = 8 * 1024 * 1024
MOST_GROWTH_KIB = 16 * 1024  # of a worker over the mix: buffers of 64 connections that its allocator keeps
WORST_P99 = 2.0  # of ordinary clients among slow ones, as a share of the undisturbed run


class Tested(Holdfast):
    """holdfast with short timeouts and with its admin listener."""

    def configuration(self):
        self.admin_holder, self.admin_port = reserve_port()
        timeouts = ", ".join(f"{key}: {value}s" for key, value in TIMEOUTS.items())
        return f"""process: {{workers: 1, user: "", pid_file: {self.folder}/holdfast.pid, shutdown_timeout: 2s}}
log: {{access: off}}
admin: {{bind: "127.0.0.1:{self.admin_port}"}}
timeouts: {{{timeouts}}}
listeners: {{http: {{bind: "127.0.0.1:{self.port}"}}}}
sites:
  - routes:
      - {{path: /api/hello, methods: [GET], hello: {{}}}}
      - {{path: /api/echo, methods: [POST], echo: {{}}}}
      - {{path: /*, files: {{root: {self.site}}}}}
"""

    def worker(self):
        for pid in children(self.process.pid):
            with open(f"/proc/{pid}/comm") as file:
                if "w0" in file.read():
                    return pid
        raise RuntimeError("there is no worker")


def worker_figures(pid):
    figures = {"descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                figures["rss_kib"] = int(line.split()[1])
    return figures


def counted_requests(admin_port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/metrics", timeout=10).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("holdfast_http_requests_total{") and 'site="admin"' not in line)


# -- slow

def ordinary_p99(tools, port, seconds):
    """Of clients enough to keep the worker busy, on the processor that it does not use."""
    out = subprocess.run([os.path.join(tools, "load"), f"127.0.0.1:{port}", "--path", "/small.html", "--connections", "16",
                          "--seconds", str(seconds)], capture_output=True, text=True, check=True).stdout
    figures = json.loads(out)
    if figures["errors"]:
        raise RuntimeError(f"ordinary clients failed: {figures}")
    return figures["p99_us"], figures["requests_per_second"]


class SlowPeers:
    """The driver of the slow connections, which are open when this returns; begin() lets it step them."""

    def __init__(self, tools, port, connections):
        self.process = subprocess.Popen([os.path.join(tools, "slow_peers"), str(port), str(connections)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("slow connections were not taken")

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def reports(self):
        """Waits until the server has ended them all, or patience has ended."""
        return [json.loads(line) for line in self.process.communicate()[0].splitlines()]


def figures_when(worker, reached):
    """Of the worker, once they are as awaited: what stands in an accept queue is not held yet."""
    deadline = time.monotonic() + 10
    while not reached(figures := worker_figures(worker)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return figures


def tell_ends(report):
    causes = ", ".join(f"{count} by {cause}" for cause, count in report["causes"].items())
    print(f"{report['style']}: {report['ended']} ended after {report['first']} to {report['last']} s ({causes}); "
          f"{report['left']} never")


def run_slow(server, tools, connections):
    worker = server.worker()
    quiet, quiet_rate = ordinary_p99(tools, server.port, 4)
    before = worker_figures(worker)
    peers = SlowPeers(tools, server.port, connections)
    held = figures_when(worker, lambda figures: figures["descriptors"] >= connections)
    peers.begin()
    p99, rate = ordinary_p99(tools, server.port, 4)
    reports = peers.reports()
    after = worker_figures(worker)
    print(f"p99 of ordinary clients: {quiet:.0f} us alone, {p99:.0f} us among {connections} slow ones "
          f"({p99 / quiet:.2f}x, at most {WORST_P99:.0f}x); requests/s {quiet_rate:.0f}, {rate:.0f}")
    print(f"worker memory: {before['rss_kib']} KiB before, {held['rss_kib']} KiB with them "
          f"({(held['rss_kib'] - before['rss_kib']) * 1024 // connections} bytes each), {after['rss_kib']} KiB after; "
          f"descriptors {before['descriptors']}, {held['descriptors']}, {after['descriptors']}")
    for report in reports:
        tell_ends(report)
    return (sum(report["ended"] for report in reports) == connections and p99 <= WORST_P99 * quiet
            and server.worker() == worker)


# -- mix

class Unanswered(Exception):
    """A request that had to be answered was not, or not wholly."""


class Client(threading.Thread):
    """Random requests on connections of its own. `seen`: answers read whole; `unsure`: requests whose fate it cannot know."""

    def __init__(self, seed, port, until):
        super().__init__()
        self.random = random.Random(seed)
        self.port = port
        self.until = until
        self.seen = self.unsure = 0
        self.problems = []

    def run(self):
        while time.monotonic() < self.until:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                try:
                    self.use(connection)
                except Exception as failure:  # a thread that dies unseen would make a bad run look good
                    self.unsure += 16  # as many as one act sends at most
                    self.problems.append(f"{self.act}: {failure!r}")

    def use(self, connection):
        stream = connection.makefile("rb")
        for _ in range(self.random.randint(1, 12)):
            act = self.random.choice((self.get, self.get, self.head, self.ranged, self.chunked, self.pipelined, self.last,
                                      self.half_close, self.cut_upload, self.cut_download, self.reset))
            self.act = act.__name__
            if not act(connection, stream):
                return

    @staticmethod
    def take(stream, size):
        if len(stream.read(size)) != size:
            raise Unanswered("the body was cut")

    def answer(self, stream, head=False):
        line = stream.readline()
        if not line.startswith(b"HTTP/1.1 "):
            raise Unanswered(f"no status line but {line[:40]!r}")
        status = int(line.split()[1])
        if status not in (200, 206, 404):
            raise Unanswered(f"status {status}")
        fields = {}
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip()
        if not head and status not in (204, 304):
            if fields.get(b"transfer-encoding") == b"chunked":
                while (size := int(stream.readline(), 16)) > 0:
                    self.take(stream, size + 2)
                stream.readline()
            else:
                self.take(stream, int(fields[b"content-length"]))
        self.seen += 1
        return fields.get(b"connection") != b"close"

    def get(self, connection, stream):
        path = self.random.choice((b"/small.html", b"/api/hello", b"/missing", b"/middle.bin"))
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        return self.answer(stream)

    def head(self, connection, stream):
        connection.sendall(b"HEAD /middle.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        return self.answer(stream, head=True)

    def ranged(self, connection, stream):
        connection.sendall(b"GET /middle.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=10-99,500-700,-5\r\n\r\n")
        return self.answer(stream)

    def chunked(self, connection, stream):
        body = b"".join(b"%x\r\n%s\r\n" % (n, b"c" * n) for n in (self.random.randint(1, 9000) for _ in range(5)))
        connection.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n")
        return self.answer(stream)

    def pipelined(self, connection, stream):
        count = self.random.randint(2, 16)
        connection.sendall(b"GET /small.html HTTP/1.1\r\nHost: x\r\n\r\n" * count)
        return all([self.answer(stream) for _ in range(count)])

    def cut_upload(self, connection, _):
        connection.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b"u" * 1000)
        self.unsure += 1
        return False

    def cut_download(self, connection, stream):
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        stream.read(self.random.randint(1, 100000))
        self.unsure += 1
        return False

    def reset(self, connection, _):
        connection.sendall(b"GET /middle.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.unsure += 1
        return False

    def half_close(self, connection, stream):
        connection.sendall(b"GET /small.html HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        self.answer(stream)
        self.must_end(stream)
        return False

    def last(self, connection, stream):
        connection.sendall(b"GET /small.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.answer(stream)
        self.must_end(stream)
        return False

    @staticmethod
    def must_end(stream):
        if stream.read(1):
            raise Unanswered("bytes behind the last answer")


def run_mix(server, seconds, seed):
    worker = server.worker()
    print(f"seed {seed}: {seconds} s of 64 clients", flush=True)
    for name in ("small.html", "middle.bin", "big.bin"):  # what the first requests make, an open file say, stays
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{name}").read()
    before = worker_figures(worker)
    counted = counted_requests(server.admin_port)
    clients = [Client(seed * 1000 + i, server.port, time.monotonic() + seconds) for i in range(64)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    time.sleep(max(TIMEOUTS.values()) + 3)  # every connection has ended by then
    after = worker_figures(worker)
    rise = counted_requests(server.admin_port) - counted
    seen, unsure = sum(c.seen for c in clients), sum(c.unsure for c in clients)
    problems = [problem for client in clients for problem in client.problems]
    print(f"{seen} answers read whole, {unsure} requests cut; counted {rise:.0f} (from {seen} to {seen + unsure} is right)")
    print(f"worker: descriptors {before['descriptors']} -> {after['descriptors']}, "
          f"memory {before['rss_kib']} -> {after['rss_kib']} KiB")
    if problems:
        print(f"{len(problems)} problems, such as", problems[:5])
    return (server.worker() == worker and seen > 0 and seen <= rise <= seen + unsure and not problems
            and after["descriptors"] <= before["descriptors"] + 1
            and after["rss_kib"] <= before["rss_kib"] + MOST_GROWTH_KIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("slow", "mix", "rotate"))
    parser.add_argument("--holdfast", required=True, metavar="PROGRAM")
    parser.add_argument("--tools", metavar="FOLDER", help="where `load` is: build/bench; for slow")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--requests", type=int, default=100000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    if arguments.what == "slow" and not arguments.tools:
        parser.error("slow needs --tools")
    room = raise_descriptor_limit() - 100
    connections = min(arguments.connections, room)
    with tempfile.TemporaryDirectory(prefix="holdfast-endurance-") as folder:
        site = os.path.join(folder, "site")
        os.makedirs(site)
        for name, size in (("small.html", 1024), ("middle.bin", 200_000), ("big.bin", BIG)):
            with open(os.path.join(site, name), "wb") as file:
                file.write(os.urandom(size))
        os.chmod(folder, 0o755)
        processors = sorted(os.sched_getaffinity(0))
        kind = Logged if arguments.what == "rotate" else Tested
        with kind(os.path.join(folder, "server"), processors[-1], site, arguments.holdfast) as server:
            os.sched_setaffinity(0, processors[:-1] or processors)
            if arguments.what == "rotate":
                good = run_rotation(server, arguments.requests)
            elif arguments.what == "slow":
                good = run_slow(server, arguments.tools, connections)
            else:
                good = run_mix(server, arguments.seconds, arguments.seed)
    print("good" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
