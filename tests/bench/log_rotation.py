"""The access log while it is rotated once a second, by the clock, as an administrator's timer would do it: the lines of all files
together are the answers that clients have got. The rotation of the process tests goes by progress, as a test must; here time
passes, so that files are as full as they come."""

import collections
import glob
import os
import signal
import socket
import threading
import time

from servers import Holdfast

WORKERS = 4
CLIENTS = 8
KILLS = 2  # workers, spread over the requests
SECONDS = 10  # over which the requests are spread, so that there is something to rotate


class Logged(Holdfast):
    """holdfast with an access log of nothing but targets."""

    def configuration(self):
        self.access_log = os.path.join(self.folder, "access.log")
        return f"""process: {{workers: {WORKERS}, user: "", pid_file: {self.folder}/holdfast.pid, shutdown_timeout: 2s}}
log: {{access: {{to: {self.access_log}, format: "{{target}}"}}}}
admin: {{bind: off}}
listeners: {{http: {{bind: "127.0.0.1:{self.port}"}}}}
sites: [{{routes: [{{path: /*, files: {{root: {self.site}}}}}]}}]
"""


class Numbered(threading.Thread):
    """Asks with a number in each request. `answered`: read whole; `unsure`: cut off by the end of a worker, logged or not."""

    def __init__(self, name, port, count):
        super().__init__()
        self.prefix, self.port, self.count = name, port, count
        self.answered, self.unsure, self.problems = [], [], []

    def run(self):
        connection = None
        begin = time.monotonic()
        for number in range(self.count):
            ahead = begin + SECONDS * number / self.count - time.monotonic()
            if ahead > 0.005:
                time.sleep(ahead)
            target = f"/small.html?n={self.prefix}-{number}"
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=20)
                self.ask(connection, target)
                self.answered.append(target)
            except ConnectionError:
                self.unsure.append(target)
                connection = None
            except Exception as failure:  # a thread that dies unseen would make a bad run look good
                self.unsure.append(target)
                self.problems.append(repr(failure))
                connection = None

    @staticmethod
    def ask(connection, target):
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0 or len(answer) < end + 4 + 1024:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionResetError("the connection was closed before the answer was whole")
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"answered by {answer[:40]!r}")


class Rotation(threading.Thread):
    """Does once a second what logrotate does."""

    def __init__(self, server):
        super().__init__()
        self.server, self.count, self.ended = server, 0, threading.Event()

    def run(self):
        while not self.ended.wait(1):
            self.count += 1
            os.rename(self.server.access_log, f"{self.server.access_log}.{self.count}")
            self.server.process.send_signal(signal.SIGUSR1)
            # The next one has to find a file; how long that takes is not what is looked at here.
            while not os.path.exists(self.server.access_log) and not self.ended.wait(0.01):
                pass


def lines_of(server):
    lines = collections.Counter()
    for path in glob.glob(server.access_log + "*"):
        with open(path) as file:
            lines.update(line for line in file.read().split("\n") if "?n=" in line)
    return lines


def kill_on_the_way(server, clients, total):
    """A worker after each of KILLS equal parts of the requests but the last."""
    killed = 0
    while any(client.is_alive() for client in clients):
        done = sum(len(client.answered) for client in clients)
        if killed < KILLS and done >= total * (killed + 1) // (KILLS + 1):
            os.kill(server.find_workers()[killed], signal.SIGKILL)
            killed += 1
        time.sleep(0.01)
    return killed


def run_rotation(server, requests):
    clients = [Numbered(chr(ord("a") + i), server.port, requests // CLIENTS) for i in range(CLIENTS)]
    total = requests // CLIENTS * CLIENTS
    rotation = Rotation(server)
    begin = time.monotonic()
    for thread in (*clients, rotation):
        thread.start()
    killed = kill_on_the_way(server, clients, total)
    seconds = time.monotonic() - begin
    rotation.ended.set()
    for thread in (*clients, rotation):
        thread.join()
    server.process.terminate()  # what waits to be written is written before the end
    stopped = server.process.wait(timeout=20)
    lines = lines_of(server)
    answered = [target for client in clients for target in client.answered]
    unsure = [target for client in clients for target in client.unsure]
    problems = [problem for client in clients for problem in client.problems]
    lost = sum(1 for target in answered if target not in lines)
    doubled = sum(1 for count in lines.values() if count > 1)
    foreign = len(lines.keys() - set(answered) - set(unsure))
    of_unsure = sum(1 for target in unsure if target in lines)
    print(f"{total} requests on {WORKERS} workers in {seconds:.1f} s, {killed} workers killed, {rotation.count} rotations")
    print(f"{len(answered)} answered, {len(unsure)} cut off by a worker's end (of these {of_unsure} logged); "
          f"{sum(lines.values())} lines: {lost} lost, {doubled} doubled, {foreign} that nobody asked for")
    if problems:
        print(f"{len(problems)} problems, such as", problems[:5])
    return (killed == KILLS and rotation.count >= SECONDS - 2 and stopped == 0 and not problems and len(unsure) <= KILLS * CLIENTS
            and len(answered) + len(unsure) == total and lost == doubled == foreign == 0)
