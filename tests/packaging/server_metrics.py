"""What the server can show at /metrics: asked of a real one that is started for it, and read from the table of metrics for the
few families that appear only when something has happened."""
import os
import pathlib
import re
import selectors
import signal
import subprocess
import tempfile
import time
import urllib.request

# Added by Prometheus to whatever it scrapes.
TARGET_LABELS = {'job', 'instance'}
# Labels whose values come from the configuration or from requests: any value is possible.
OPEN_LABELS = TARGET_LABELS | {'site', 'route', 'listener', 'certificate', 'worker', 'code', 'le', 'version', 'compiler'}

CONFIG = """
process: {{workers: 1, pid_file: "{folder}/holdfast.pid"{account}}}
log: {{access: off}}
admin: {{bind: "127.0.0.1:0"}}
listeners:
  http: {{bind: "127.0.0.1:0"}}
sites:
  - routes: [{{path: /, hello: {{}}}}]
"""


def metrics_text(binary, seconds=30):
    """Starts a server on free ports, reads /metrics once, ends it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        account = ', user: nobody, group: nogroup' if os.geteuid() == 0 else ''
        config = pathlib.Path(folder, 'holdfast.yaml')
        config.write_text(CONFIG.format(folder=folder, account=account))
        server = subprocess.Popen([binary, '-c', config], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            port = admin_port(server, time.monotonic() + seconds)
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=seconds) as answer:
                return answer.read().decode()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=seconds)


def admin_port(server, deadline):
    """From the log, once the server is ready."""
    text = b''
    with selectors.DefaultSelector() as selector:
        selector.register(server.stderr, selectors.EVENT_READ)
        while not re.search(rb' ready generation=', text):
            if not selector.select(max(0, deadline - time.monotonic())):
                raise RuntimeError(f'the server is not ready in time: {text.decode()}')
            piece = os.read(server.stderr.fileno(), 65536)
            if not piece:
                raise RuntimeError(f'the server has ended: {text.decode()}')
            text += piece
    return int(re.search(rb'listener=admin address=127\.0\.0\.1:(\d+)', text).group(1))


def families_of_table(root):
    """name -> label names, by common/stats/metric_table."""
    header = (root / 'common/stats/metric_table.h').read_text()
    source = (root / 'common/stats/metric_table.cpp').read_text()
    names = dict(re.findall(r'case Label::(\w+):\s*return "(\w*)";', source))
    rows = re.findall(r'\{Metric::\w+,\s*Kind::(\w+),\s*"(\w+)",\s*\{([^}]*)\}', header)
    families = {}
    for kind, name, labels in rows:
        own = {names[label] for label in re.findall(r'Label::(\w+)', labels)}
        if kind == 'Histogram':
            families[name + '_bucket'] = own | {'le'}
            families[name + '_sum'] = families[name + '_count'] = own
        else:
            families[name] = own
    return families


class Shown:
    """labels: series name -> label names; values: (series name, label name) -> the values that it can have."""

    def __init__(self, binary, root):
        self.labels = families_of_table(root)
        if not self.labels:
            raise RuntimeError('the table of metrics could not be read')
        self.values = {}
        for line in metrics_text(binary).splitlines():
            match = re.match(r'([a-z]\w*)(?:\{(.*)\})? ', line)
            if match:
                self.add(match[1], dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or '')))
        self.labels['up'] = set()

    def add(self, name, labels):
        self.labels.setdefault(name, set()).update(labels)
        for label, value in labels.items():
            self.values.setdefault((name, label), set()).add(value)
