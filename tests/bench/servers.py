"""The servers that are measured: each started in the foreground with one worker on one core, in a folder of its own."""

import http.client
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time

CONNECTION_LIMIT = 20000


class ServerFailed(Exception):
    pass


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def reserve_port():
    """A kernel-chosen port of 127.0.0.1, kept for us: the socket is bound but never listens, and shares the port."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


class Server:
    """Life of one server process tree; `workers` are the processes whose CPU time and memory count."""

    name = ""
    most_connections = CONNECTION_LIMIT

    def __init__(self, folder, cpu):
        self.folder = folder
        self.cpu = cpu
        self.process = None
        self.certificate = None  # paths of certificate and key
        self.workers = []
        os.makedirs(folder, exist_ok=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.holder, self.port = reserve_port()
        self.tls_holder, self.tls_port = reserve_port()
        self.log = open(os.path.join(self.folder, "output"), "w+")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}))
        self.wait_until_ready()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.holder.close()
        self.tls_holder.close()
        self.log.close()

    def wait_until_ready(self):
        deadline = time.monotonic() + 20
        while True:
            self.workers = self.find_workers() if self.process.poll() is None else []
            if self.workers and self.answers():
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.log.seek(0)
                self.stop_output = self.log.read()[-2000:]
                self.stop()
                raise ServerFailed(f"{self.name} did not start:\n{self.stop_output}")
            try:
                self.process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                pass

    def find_workers(self):
        return children(self.process.pid)

    def answers(self):
        try:
            return self.fetch("/1k.html")[0] in (200, 404)  # 404: another site than the bench's
        except OSError:
            return False

    def fetch(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def address(self, row):
        return f"127.0.0.1:{self.port}"

    def serves(self, row):
        return row.load != "websocket"

    def cpu_nanoseconds(self):
        """CPU time of the workers' threads so far; exact while they wait, which they do before and after a measurement."""
        total = 0
        for pid in self.workers:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                    total += int(file.read().split()[0])
        return total

    def memory_bytes(self):
        """Proportional set size of the workers."""
        total = 0
        for pid in self.workers:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024
        return total


class Nginx(Server):
    name = "nginx"

    def __init__(self, folder, cpu, site, program):
        super().__init__(folder, cpu)
        self.site = site
        self.program = program

    def command(self):
        limit = min(CONNECTION_LIMIT, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(self.configuration(limit))
        return [self.program, "-p", self.folder, "-c", path, "-e", os.path.join(self.folder, "error.log")]

    def configuration(self, limit):
        user = "user root;\n" if os.geteuid() == 0 else ""
        temporary = "".join(f"    {kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""{user}daemon off;
worker_processes 1;
worker_rlimit_nofile {limit};
pid {self.folder}/nginx.pid;
events {{ worker_connections {limit}; }}
http {{
{temporary}    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=10000 inactive=60s;
    open_file_cache_valid 1s;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    types {{ text/html html; application/json json; }}
    gzip on;
    gzip_types application/json;
    server {{
        listen 127.0.0.1:{self.port} reuseport;
        listen 127.0.0.1:{self.tls_port} ssl http2 reuseport;
        ssl_certificate {self.certificate[0]};
        ssl_certificate_key {self.certificate[1]};
        ssl_protocols TLSv1.2 TLSv1.3;
        root {self.site};
        location = /api/hello {{
            default_type application/json;
            return 200 '{{"message": "Hello, world!"}}';
        }}
    }}
}}
"""


class Holdfast(Server):
    name = "holdfast"

    def __init__(self, folder, cpu, site, program):
        super().__init__(folder, cpu)
        self.site = site
        self.program = program

    def command(self):
        path = os.path.join(self.folder, "holdfast.yaml")
        with open(path, "w") as file:
            file.write(self.configuration())
        return [self.program, "-c", path]

    def serves(self, row):
        return True

    def find_workers(self):
        """Not the helpers of the master, which come and go."""
        return [pid for pid in super().find_workers() if name_of(pid).startswith("holdfast: w")]

    def configuration(self):
        return f"""process:
  workers: 1
  user: ""
  pid_file: {self.folder}/holdfast.pid
  shutdown_timeout: 2s
log:
  access: off
admin:
  bind: off
timeouts: {{keep_alive: 1h}}
listeners:
  http: {{bind: "127.0.0.1:{self.port}"}}
  https:
    bind: "127.0.0.1:{self.tls_port}"
    tls: {{certificates: [{{certificate: {self.certificate[0]}, key: {self.certificate[1]}}}]}}
sites:
  - routes:
      - {{path: /api/hello, methods: [GET], hello: {{}}}}
      - {{path: /echo, websocket_echo: {{}}}}
      - path: /*
        files: {{root: {self.site}}}
"""


class BareLoop(Server):
    """A single process: master and worker in one; a port for each ready-made answer."""

    name = "bare loop"

    def __init__(self, folder, cpu, program):
        super().__init__(folder, cpu)
        self.program = program
        self.ports = {}

    def command(self):
        return [self.program]

    def wait_until_ready(self):
        self.workers = [self.process.pid]
        deadline = time.monotonic() + 20
        while len(self.ports) < 4:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed("the bare loop did not start")
            with open(self.log.name) as file:
                self.ports = dict(line.split() for line in file if line.endswith("\n"))
            try:
                self.process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                pass

    def serves(self, row):
        return row.floor is not None

    def address(self, row):
        return f"127.0.0.1:{self.ports[row.floor]}"


class SingleProcess(Server):
    """A server that is one process, master and worker in one, and has no answer of its own to /api/hello."""

    def __init__(self, folder, cpu, site, program):
        super().__init__(folder, cpu)
        self.site = site
        self.program = program

    def find_workers(self):
        return [self.process.pid]

    def serves(self, row):
        return row.name not in self.lacks and row.load != "websocket"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path


class H2o(SingleProcess):
    name = "h2o"
    lacks = {"hello"}

    def command(self):
        user = "user: root\n" if os.geteuid() == 0 else ""
        return [self.program, "-c", self.write("h2o.conf", f"""{user}num-threads: 1
max-connections: {CONNECTION_LIMIT}
http1-request-timeout: 3600
compress: [gzip]
listen: {{host: 127.0.0.1, port: {self.port}}}
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {self.tls_port}
      ssl: {{certificate-file: {self.certificate[0]}, key-file: {self.certificate[1]}}}
    paths:
      "/": {{file.dir: {self.site}}}
""")]


class Lighttpd(SingleProcess):
    name = "lighttpd"
    # compression and TLS are packages of their own
    lacks = {"hello", "gzip", "tls-1k", "tls-100k", "handshakes", "h2-1k", "h2-100k"}
    most_connections = CONNECTION_LIMIT // 2 - 200  # it takes half as many connections as descriptors, and stops there

    def command(self):
        modules = os.path.join(os.path.dirname(self.program), "../lib/lighttpd")
        return [self.program, "-D", "-m", modules, "-f", self.write("lighttpd.conf", f"""server.document-root = "{self.site}"
server.bind = "127.0.0.1"
server.port = {self.port}
server.max-fds = {CONNECTION_LIMIT}
server.max-connections = {CONNECTION_LIMIT // 2}
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 3600
server.max-read-idle = 3600
server.event-handler = "linux-sysepoll"
server.network-backend = "sendfile"
server.stat-cache-engine = "simple"
mimetype.assign = (".html" => "text/html", ".json" => "application/json", "" => "application/octet-stream")
""")]


def find_program(package, path, folder):
    """A program of Debian: the installed one, else its package unpacked (not installed: nothing is to start a service)."""
    unpacked = os.path.join(folder, package)
    for candidate in (shutil.which(package), "/" + path, os.path.join(unpacked, path)):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, stdout=sys.stderr)
    file = next(name for name in os.listdir(folder) if name.startswith(package + "_") and name.endswith(".deb"))
    subprocess.run(["dpkg-deb", "-x", file, unpacked], cwd=folder, check=True)
    return os.path.join(unpacked, path)
