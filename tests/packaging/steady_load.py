#!/usr/bin/env python3
"""steady_load.py PORT FOLDER [--fresh]: clients that ask for / without a pause until they get TERM, each request with a number of its
own. Then FOLDER has `answered` (a number a line) and `failed` (number, how: a line each; empty is good). With --fresh every request
has a connection of its own. `running` appears there when all clients have been answered once."""
import http.client
import pathlib
import signal
import sys
import threading

CLIENTS = 4


class Client(threading.Thread):
    def __init__(self, name, port, fresh, stop, begun):
        super().__init__()
        self.prefix, self.port, self.fresh, self.stop, self.begun = name, port, fresh, stop, begun
        self.answered, self.failed = [], []

    def run(self):
        connection = None
        count = 0
        while not self.stop.is_set():
            number = f'{self.prefix}-{count}'
            count += 1
            try:
                if connection is None or self.fresh:
                    connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
                connection.request('GET', f'/?n={number}')
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise http.client.HTTPException(f'status {answer.status}')
                self.answered.append(number)
            except (OSError, http.client.HTTPException) as problem:
                self.failed.append(f'{number} {type(problem).__name__} {problem}')
                connection.close()
                connection = None
            if count == 1:
                self.begun.release()
        if connection is not None:
            connection.close()


def main():
    port, folder, fresh = int(sys.argv[1]), pathlib.Path(sys.argv[2]), '--fresh' in sys.argv
    folder.mkdir(parents=True, exist_ok=True)
    stop, begun = threading.Event(), threading.Semaphore(0)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clients = [Client(chr(ord('a') + i), port, fresh, stop, begun) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in clients:
        begun.acquire()
    (folder / 'running').touch()
    for client in clients:
        client.join()
    for name in ('answered', 'failed'):
        lines = [line for client in clients for line in getattr(client, name)]
        (folder / f'{name}.new').write_text(''.join(f'{line}\n' for line in lines))
        (folder / f'{name}.new').rename(folder / name)


if __name__ == '__main__':
    main()
