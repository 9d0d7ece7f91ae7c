"""Measures holdfast beside nginx and a bare loop, and prints the table of ratios.

Every server runs with one worker on one core, the load generator on another. Rounds are interleaved (each row is measured on
every server before the next row), and medians are compared. CPU time of the server per request comes from the kernel's
scheduler statistics, the number of requests from the load generator, which checks every response.
"""

import argparse
import collections
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import servers
import tls_load

# `load`: the program that makes it, our own or one of those in tls_load.
Row = collections.namedtuple("Row", "name title path arguments goal floor load", defaults=["own"])

ROWS = [
    Row("1k", "1 KiB file, 64 keep-alive connections", "/1k.html", ["--connections", "64"], 0.58, "small"),
    Row("1k-4000", "the same on 4,000 connections", "/1k.html", ["--connections", "4000"], 0.70, "small"),
    Row("hello", "/api/hello (nginx: return 200)", "/api/hello", ["--connections", "64"], 0.90, "hello"),
    Row("100k", "100 KiB file", "/100k.bin", ["--connections", "64"], 0.95, None),
    Row("10m", "10 MiB file", "/10m.bin", ["--connections", "8"], 0.90, None),
    Row("pipelined", "1 KiB file, 16 pipelined", "/1k.html", ["--connections", "64", "--pipeline", "16"], 0.20, "small"),
    Row("gzip", "gzip of a 100 KiB JSON file", "/data.json",
        ["--connections", "64", "--header", "Accept-Encoding: gzip", "--body", "-1"], 0.02, None),
    Row("new", "new connection a request", "/1k.html", ["--connections", "64", "--new-connections", "--sources", "8"],
        0.83, "small-close"),
    Row("tls-1k", "1 KiB over TLS 1.3", "/1k.html", ["--h1", "-c64"], 0.75, None, "h2load"),
    Row("tls-100k", "100 KiB over TLS 1.3", "/100k.bin", ["--h1", "-c64"], 0.60, None, "h2load"),
    Row("handshakes", "full TLS handshakes", "", [], 0.95, None, "s_time"),
    Row("h2-1k", "HTTP/2 over TLS, 1 KiB, 16 connections of 32 streams", "/1k.html", ["-c16", "-m32"], 0.20, None, "h2load"),
    Row("ws-64", "WebSocket echo of 64 bytes, 64 connections", "", ["--size", "64", "--connections", "64"], None, "echo",
        "websocket"),
    Row("ws-64k", "WebSocket echo of 64 KiB, 64 connections", "", ["--size", "65536", "--connections", "64"], None, "echo",
        "websocket"),
    Row("h2-100k", "HTTP/2 over TLS, 100 KiB", "/100k.bin", ["-c16", "-m32"], 0.55, None, "h2load"),
]
IDLE = "idle"
IDLE_TITLE = "own memory of an idle keep-alive connection"
IDLE_GOAL = 400
FLOOR_GOAL = 1.15
OTHERS = ("h2o", "lighttpd")
FILES = {"1k.html": 1024, "100k.bin": 100 * 1024, "10m.bin": 10 * 1024 * 1024, "data.json": 100 * 1024}


def json_text(size):
    """A list of orders as a shop's interface would send it, opaque numbers and times among words: packed to about a fifth.

    What nginx's work costs depends on the content much more than ours does: words alone pack faster and better, numbers
    alone worse.
    """
    chance = random.Random(1)
    words = ("garden sale tools plants furniture lamp chair table shelf spade rake seeds pot hose bench fence gate grill "
             "towel").split()
    orders = [{"id": i, "order": f"{chance.getrandbits(48):012x}", "name": " ".join(chance.sample(words, 3)),
               "price": chance.randrange(10000) / 100, "in_stock": chance.random() < 0.8, "tags": chance.sample(words, 2),
               "created": f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 28):02}"
                          f"T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z"}
              for i in range(size // 150)]
    return json.dumps(orders).encode()[:size]


class Load:
    """One run of the load generator: connections are open when this returns; go() lets it work and returns its report."""

    def __init__(self, bench, arguments, program="load"):
        self.process = subprocess.Popen([os.path.join(bench.options.tools, program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=lambda: os.sched_setaffinity(0, {bench.cpu_load}))
        self.first_line = self.process.stdout.readline()

    def go(self):
        report = self.first_line
        if self.first_line == "ready\n":
            report = self.process.communicate("\n")[0]
        self.process.wait()
        return json.loads(report) if report else {"requests": 0, "errors": 1, "first_error": "load generator failed"}


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            print("bench: only one processor: server and load share it, the figures are of little worth", file=sys.stderr)
        self.cpu_load, self.cpu_server = cpus[0], cpus[-1]
        if os.getloadavg()[0] > 0.5:
            print(f"bench: load average {os.getloadavg()[0]:.1f}: others disturb the measurement", file=sys.stderr)
        self.results = collections.defaultdict(list)
        self.errors = []
        self.started = 0

    def make_site(self):
        site = os.path.join(self.folder, "site")
        os.mkdir(site)
        for name, size in FILES.items():
            with open(os.path.join(site, name), "wb") as file:
                file.write(json_text(size) if name.endswith(".json") else (b"holdfast " * (size // 9 + 1))[:size])
        os.chmod(self.folder, 0o755)
        self.certificate = tls_load.make_certificate(self.folder)
        return site

    def make_server(self, name, site):
        self.started += 1
        folder = os.path.join(self.folder, f"{name}-{self.started}".replace(" ", "-"))
        server = self.new_server(name, folder, site)
        server.certificate = self.certificate
        return server

    def new_server(self, name, folder, site):
        if name == "nginx":
            return servers.Nginx(folder, self.cpu_server, site, self.find("nginx", "usr/sbin/nginx"))
        if name == "h2o":
            return servers.H2o(folder, self.cpu_server, site, self.find("h2o", "usr/bin/h2o"))
        if name == "lighttpd":
            return servers.Lighttpd(folder, self.cpu_server, site, self.find("lighttpd", "usr/sbin/lighttpd"))
        if name == "holdfast":
            return servers.Holdfast(folder, self.cpu_server, site, self.options.holdfast)
        return servers.BareLoop(folder, self.cpu_server, os.path.join(self.options.tools, "bare_loop"))

    def find(self, package, path):
        return servers.find_program(package, path, self.options.tools)

    def check_contents(self, server, site):
        """Once, byte by byte: what is measured afterwards is only checked by status and length."""
        for name in FILES:
            with open(os.path.join(site, name), "rb") as file:
                if server.fetch("/" + name) != (200, file.read()):
                    self.errors.append(f"{server.name}: /{name} is not served as it is on disk")

    def measure_tls(self, server, row):
        address = f"127.0.0.1:{server.tls_port}"
        before = server.cpu_nanoseconds()
        if row.load == "h2load":
            report = tls_load.h2load(f"https://{address}{row.path}", row.arguments, self.options.seconds, self.cpu_load)
        else:
            report = tls_load.handshakes(address, self.options.seconds, self.cpu_load)
        self.note(server, row, report, server.cpu_nanoseconds() - before)

    def measure(self, server, row):
        if row.load == "websocket":
            return self.measure_websocket(server, row)
        if row.load != "own":
            return self.measure_tls(server, row)
        size = FILES.get(row.path[1:])
        arguments = [server.address(row), "--path", row.path, "--wait", "--seconds", str(self.options.seconds),
                     *(["--body", str(size)] if size else []), *row.arguments]
        load = Load(self, arguments)
        before = server.cpu_nanoseconds()
        report = load.go()
        self.note(server, row, report, server.cpu_nanoseconds() - before)

    def measure_websocket(self, server, row):
        raw = ["--raw"] if server.name == "bare loop" else []
        load = Load(self, [server.address(row), "--seconds", str(self.options.seconds), *row.arguments, *raw],
                    "websocket_load")
        before = server.cpu_nanoseconds()
        report = load.go()
        self.note(server, row, report, server.cpu_nanoseconds() - before)

    def note(self, server, row, report, used):
        self.note_errors(server, row.name, report)
        if report["requests"]:
            self.results[row.name, server.name].append(
                {"microseconds": used / 1e3 / report["requests"], "rate": report["requests_per_second"],
                 "busy": used / 1e9 / report["seconds"], "p50": report["p50_us"], "p99": report["p99_us"]})

    def measure_idle(self, server):
        """On a fresh server: what other rows left in its allocator would hide what a connection costs."""
        arguments = [server.address(None), "--path", "/1k.html", "--wait", "--body", "1024"]
        alone = Load(self, [*arguments, "--connections", "1", "--seconds", "1"]).go()
        Load(self, [*arguments, "--connections", "64", "--requests", "6400"]).go()
        before = server.memory_bytes()
        count = min(self.options.idle, server.most_connections)
        holder = Load(self, [server.address(None), "--path", "/1k.html", "--hold", "--connections", str(count),
                             "--sources", "16", "--body", "1024"])
        after = server.memory_bytes()
        among = Load(self, [*arguments, "--connections", "1", "--seconds", "1"]).go()
        for report in (alone, among, holder.go()):
            self.note_errors(server, IDLE, report)
        self.results[IDLE, server.name].append({"bytes": (after - before) / count, "count": count,
                                                "alone": alone.get("p50_us", 0), "among": among.get("p50_us", 0)})

    def note_errors(self, server, row, report):
        if report["errors"]:
            self.errors.append(f"{server.name}, {row}: {report['errors']} failed requests, first: {report['first_error']}")

    def run(self):
        site = self.make_site()
        rows = [row for row in ROWS if row.name in self.options.rows]
        running = []
        try:
            for name in self.options.servers:
                server = self.make_server(name, site)
                server.start()
                running.append(server)
                print(f"bench: {name}: worker {server.workers} on processor {self.cpu_server}", file=sys.stderr)
                if name != "bare loop":
                    self.check_contents(server, site)
            for number in range(self.options.rounds):
                for row in rows:
                    for server in running:
                        if server.serves(row):
                            self.progress(f"round {number + 1}/{self.options.rounds}: {row.name}, {server.name}")
                            self.measure(server, row)
        finally:
            for server in running:
                server.stop()
        if IDLE in self.options.rows:
            for number in range(self.options.rounds):
                for name in self.options.servers:
                    if name != "bare loop":
                        self.progress(f"round {number + 1}/{self.options.rounds}: {IDLE}, {name}")
                        with self.make_server(name, site) as server:
                            self.measure_idle(server)
        self.progress("")

    @staticmethod
    def progress(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def median(self, row, server, figure):
        values = [result[figure] for result in self.results.get((row, server), [])]
        return statistics.median(values) if values else None


def ratio(value, base):
    return value / base if value is not None and base else None


def show(value, form="{:.2f}"):
    return "" if value is None else form.format(value)


def print_table(bench):
    others = [name for name in OTHERS if name in bench.options.servers]
    lines = [("work", "nginx us", "holdfast us", "ratio", "goal", *others, "bare loop", "holdfast/bare", "nginx req/s",
              "holdfast req/s", "")]
    for row in ROWS:
        if row.name not in bench.options.rows:
            continue
        nginx, holdfast, bare = (bench.median(row.name, name, "microseconds") for name in
                                 ("nginx", "holdfast", "bare loop"))
        share = ratio(holdfast, nginx)
        lines.append((row.title, show(nginx), show(holdfast), show(share), show(row.goal),
                      *(show(ratio(bench.median(row.name, name, "microseconds"), nginx)) for name in others),
                      show(ratio(bare, nginx)),
                      show(ratio(holdfast, bare)), show(bench.median(row.name, "nginx", "rate"), "{:.0f}"),
                      show(bench.median(row.name, "holdfast", "rate"), "{:.0f}"), verdict(share, row.goal)))
    if IDLE in bench.options.rows:
        nginx, holdfast = (bench.median(IDLE, name, "bytes") for name in ("nginx", "holdfast"))
        lines.append((IDLE_TITLE, show(nginx, "{:.0f} B"), show(holdfast, "{:.0f} B"), show(ratio(holdfast, nginx)),
                      f"{IDLE_GOAL} B", *(show(bench.median(IDLE, name, "bytes"), "{:.0f} B") for name in others),
                      "", "", "", "", verdict(holdfast, IDLE_GOAL)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\nus: CPU time of the server per request, microseconds; ratios: of medians, to nginx's unless named otherwise.")
    print_remarks(bench)


def verdict(value, goal):
    return "" if value is None else "ok" if value <= goal else "above"


def print_remarks(bench):
    floor = ratio(bench.median("1k", "holdfast", "microseconds"), bench.median("1k", "bare loop", "microseconds"))
    if floor:
        print(f"1 KiB file: {floor:.2f} of the bare loop (goal: at most {FLOOR_GOAL}): {verdict(floor, FLOOR_GOAL)}")
    for name in bench.options.servers:
        alone, among = bench.median(IDLE, name, "alone"), bench.median(IDLE, name, "among")
        if alone:
            count = bench.median(IDLE, name, "count")
            print(f"{name}: a request takes {alone:.0f} us alone, {among:.0f} us among {count:.0f} idle connections")
    for name in bench.options.servers:
        busy = [f"{row.name} {share:.0%}" for row in ROWS if (share := bench.median(row.name, name, "busy")) is not None]
        if busy:
            print(f"{name}: share of its processor used: {', '.join(busy)}")


def parse_arguments():
    names = [row.name for row in ROWS] + [IDLE]
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="holdfast beside nginx and a bare epoll loop")
    parser.add_argument("--others", action="store_true", help="h2o and lighttpd, too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement")
    parser.add_argument("--server", action="append", dest="servers", choices=["nginx", "holdfast", "bare", *OTHERS],
                        help="only this one (repeatable); without it nginx, holdfast and the bare loop: the quick run")
    parser.add_argument("--row", action="append", dest="rows", choices=names, help="only this one (repeatable)")
    parser.add_argument("--idle", type=int, default=15000, help="idle connections held")
    parser.add_argument("--holdfast", metavar="PROGRAM", help="measure this one instead of building")
    parser.add_argument("--json", metavar="FILE", help="write every single measurement there")
    parser.add_argument("--keep", action="store_true", help="keep configuration and logs of the servers")
    parser.add_argument("--tools", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rows = options.rows or names
    options.servers = ["bare loop" if name == "bare" else name for name in options.servers or
                       ["nginx", "holdfast", "bare"]]
    if options.others:
        options.servers += [name for name in OTHERS if name not in options.servers]
    return options


def main():
    options = parse_arguments()
    limit = servers.raise_descriptor_limit()
    if options.idle > limit - 200:
        options.idle = limit - 200
        print(f"bench: descriptor limit {limit}: {options.idle} idle connections", file=sys.stderr)
    folder = tempfile.mkdtemp(prefix="holdfast-bench-")
    bench = Bench(options, folder)
    try:
        bench.run()
    except servers.ServerFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"bench: kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print_table(bench)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({f"{row}/{server}": values for (row, server), values in bench.results.items()}, file, indent=1)
    for error in bench.errors:
        print(f"bench: {error}", file=sys.stderr)
    return 1 if bench.errors else 0


if __name__ == "__main__":
    sys.exit(main())
