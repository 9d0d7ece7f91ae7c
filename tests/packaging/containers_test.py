#!/usr/bin/env python3
"""containers_test.py ROOT HOLDFAST: what is shipped for containers fits together and fits the server: configurations load, probes ask
ports and paths that are there, selectors find what they are for, the grace period is longer than the server may take."""
import copy
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    print('python3-yaml is not installed: skipped')
    sys.exit(77)

# kind -> the version of its interface, and what must be there (a path of keys).
KINDS = {
    'ConfigMap': ('v1', ['data/holdfast.yaml']),
    'Deployment': ('apps/v1', ['spec/replicas', 'spec/selector/matchLabels', 'spec/template/metadata/labels',
                               'spec/template/spec/terminationGracePeriodSeconds', 'spec/template/spec/containers']),
    'Service': ('v1', ['spec/selector', 'spec/ports']),
    'PodDisruptionBudget': ('policy/v1', ['spec/minAvailable', 'spec/selector/matchLabels']),
    'ServiceMonitor': ('monitoring.coreos.com/v1', ['spec/selector/matchLabels', 'spec/endpoints', 'spec/jobLabel']),
}


def at(document, path):
    for key in path.split('/'):
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


def manifests(root):
    """(kind, name) -> document"""
    found = {}
    for file in sorted((root / 'packaging/kubernetes').glob('*.yaml')):
        for document in yaml.safe_load_all(file.read_text()):
            found[document['kind'], document['metadata']['name']] = document
    return found


def shape_problems(documents):
    for (kind, name), document in documents.items():
        version, needed = KINDS.get(kind, (None, []))
        if document.get('apiVersion') != version:
            yield f'{kind} {name}: apiVersion is not {version}'
        for path in needed:
            if at(document, path) is None:
                yield f'{kind} {name}: has no {path}'
    for kind in KINDS:
        if not any(own == kind for own, _ in documents):
            yield f'there is no {kind}'


def seconds(text):
    number, unit = re.fullmatch(r'(\d+)(ms|s|m|h)', text).groups()
    return int(number) * {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600}[unit]


def port_of(bind):
    return int(bind.rsplit(':', 1)[1])


def pod_problems(documents):
    deployment = documents['Deployment', 'holdfast']['spec']
    pod = deployment['template']['spec']
    config = yaml.safe_load(documents['ConfigMap', 'holdfast']['data']['holdfast.yaml'])
    container = pod['containers'][0]
    ports = {port['name']: port['containerPort'] for port in container['ports']}
    expected = {'http': port_of(config['listeners']['http']['bind']), 'admin': port_of(config['admin']['bind'])}
    if ports != expected:
        yield f'the ports of the container are {ports}, those of the configuration {expected}'
    paths = {'livenessProbe': '/healthz', 'readinessProbe': '/readyz', 'startupProbe': '/readyz'}
    for probe, path in paths.items():
        if at(container, f'{probe}/httpGet') != {'path': path, 'port': 'admin'}:
            yield f'{probe} does not ask {path} of the port admin'
    pause = int(container['lifecycle']['preStop']['exec']['command'][1])
    if pod['terminationGracePeriodSeconds'] <= pause + seconds(config['process']['shutdown_timeout']):
        yield 'the grace period is not above preStop and shutdown_timeout'
    whole = {'runAsNonRoot': True, **pod['securityContext'], **container['securityContext']}
    for key, value in {'runAsNonRoot': True, 'allowPrivilegeEscalation': False, 'readOnlyRootFilesystem': True,
                       'capabilities': {'drop': ['ALL']}, 'seccompProfile': {'type': 'RuntimeDefault'}}.items():
        if whole.get(key) != value:
            yield f'securityContext: {key} is not {value}'
    mounts = {mount['name']: mount['mountPath'] for mount in container['volumeMounts']}
    if set(mounts) != {volume['name'] for volume in pod['volumes']}:
        yield 'volumes and their mounts differ'
    # The root is read-only: what the server writes lies in a volume.
    if not any(config['process']['pid_file'].startswith(path + '/') for path in mounts.values()):
        yield 'the pid file lies in no volume'
    if config['process']['user'] != '':
        yield 'a pod without rights cannot change its user'


def selector_problems(documents):
    deployment = documents['Deployment', 'holdfast']['spec']
    labels = deployment['template']['metadata']['labels']
    ports = {port['name'] for port in deployment['template']['spec']['containers'][0]['ports']}

    def finds(selector, target):
        return bool(selector) and selector.items() <= target.items()

    for what, path in (('Deployment', 'spec/selector/matchLabels'), ('PodDisruptionBudget', 'spec/selector/matchLabels')):
        if not finds(at(documents[what, 'holdfast'], path), labels):
            yield f'{what}: its selector does not find the pods'
    services = [document for (kind, _), document in documents.items() if kind == 'Service']
    for service in services:
        if not finds(service['spec']['selector'], labels):
            yield 'a Service does not find the pods'
        for port in service['spec']['ports']:
            if port['targetPort'] not in ports:
                yield f'a Service asks for the port {port["targetPort"]}'
    monitor = documents['ServiceMonitor', 'holdfast']['spec']
    seen = [service for service in services if finds(monitor['selector']['matchLabels'], service['metadata']['labels'])]
    if len(seen) != 1 or monitor['endpoints'][0]['port'] not in {port['name'] for port in seen[0]['spec']['ports']}:
        yield 'the ServiceMonitor does not find the one service with the port that it reads'
    elif seen[0]['metadata']['labels'].get(monitor['jobLabel']) != 'holdfast':
        yield 'job would not be holdfast'


def config_problems(binary, name, text, root):
    """What `holdfast check` says, with folders of this machine in place of those of the image."""
    with tempfile.TemporaryDirectory() as folder:
        www = str(root / 'packaging/www')
        # Beside the configuration of the tarball, as there.
        pathlib.Path(folder, 'www').symlink_to(www)
        for path, here in {'/usr/share/holdfast/www': www, 'root: /srv/www': f'root: {www}', '/run/holdfast': folder}.items():
            text = text.replace(path, here)
        file = pathlib.Path(folder, 'holdfast.yaml')
        file.write_text(text)
        said = subprocess.run([binary, 'check', '-c', str(file)], capture_output=True, text=True)
        return [] if said.returncode == 0 else [f'{name}: {said.stdout}{said.stderr}']


def image_problems(root):
    text = (root / 'packaging/container/Dockerfile').read_text()
    config = yaml.safe_load((root / 'packaging/container/holdfast.yaml').read_text())
    last = text.rsplit('\nFROM ', 1)[1]
    instructions = dict(re.findall(r'^([A-Z]+) (.*(?:\n  .*)*)', last, re.M))
    if instructions.get('USER') in (None, 'root', '0'):
        yield 'the image runs as root'
    if instructions.get('STOPSIGNAL') != 'SIGTERM':
        yield 'the image is not stopped gracefully'
    if f'/dev/tcp/{config["admin"]["bind"].replace(":", "/")}' not in instructions.get('HEALTHCHECK', '') or '/readyz' not in last:
        yield 'the health check does not ask the admin listener'
    if int(instructions.get('EXPOSE', 0)) != port_of(config['listeners']['http']['bind']):
        yield 'the exposed port is not that of the configuration'


def fit_problems(documents):
    return [*shape_problems(documents), *pod_problems(documents), *selector_problems(documents)]


def blind_spots(documents):
    """Seeded mistakes, each of which must be seen."""
    mistakes = {
        'a short grace period': lambda all: all['Deployment', 'holdfast']['spec']['template']['spec'].update(terminationGracePeriodSeconds=35),
        'another port': lambda all: all['Deployment', 'holdfast']['spec']['template']['spec']['containers'][0]['ports'][0].update(containerPort=80),
        'another label': lambda all: all['Deployment', 'holdfast']['spec']['template']['metadata'].update(labels={'app': 'x'}),
        'a writable root': lambda all: all['Deployment', 'holdfast']['spec']['template']['spec']['containers'][0]['securityContext'].update(readOnlyRootFilesystem=False),
        'an old interface': lambda all: all['PodDisruptionBudget', 'holdfast'].update(apiVersion='policy/v1beta1'),
        'a service for nothing': lambda all: all['Service', 'holdfast']['spec']['ports'][0].update(targetPort='https'),
    }
    for what, make in mistakes.items():
        wrong = copy.deepcopy(documents)
        make(wrong)
        if not fit_problems(wrong):
            yield f'a seeded mistake is not found: {what}'


def main():
    root, binary = pathlib.Path(sys.argv[1]), sys.argv[2]
    documents = manifests(root)
    problems = fit_problems(documents) + list(image_problems(root)) + list(blind_spots(documents))
    texts = {'kubernetes/configmap.yaml': documents['ConfigMap', 'holdfast']['data']['holdfast.yaml']}
    for name in ('container/holdfast.yaml', 'tarball/holdfast.yaml'):
        texts[name] = (root / 'packaging' / name).read_text()
    for name, text in texts.items():
        problems += config_problems(binary, name, text, root)
        if not config_problems(binary, name, text + '\nno_such_key: 1\n', root):
            problems.append(f'{name}: a seeded mistake is not found')
    for problem in problems:
        print(problem)
    print(f'{len(documents)} manifests, {len(texts)} configurations, {len(problems)} problems')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
