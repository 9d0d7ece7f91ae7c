#!/usr/bin/env python3
"""promtool_test.py ROOT: Prometheus' own tool on what is shipped for it: the rules, the scrape example, the queries of the
dashboard, and the cases of alerts_test.yml, of which every alert has one where it fires; all have some where it does not."""
import json
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

# What Grafana puts in place of its variables.
VARIABLES = {'$__rate_interval': '5m', '$job': '.+', '$instance': '.+', '$site': '.+'}


def promtool(*arguments):
    result = subprocess.run(['promtool', *map(str, arguments)], capture_output=True, text=True)
    return [] if result.returncode == 0 else [f'promtool {" ".join(map(str, arguments))}: {result.stdout}{result.stderr}']


def without_variables(query):
    for name, text in VARIABLES.items():
        query = query.replace(name, text)
    return query


def untested_alerts(rules, cases):
    """An alert is tested when a case expects it with its severity, and another evaluation of that case does not."""
    wanted = {(rule['alert'], rule['labels']['severity']) for group in rules['groups'] for rule in group['rules']}
    tested = set()
    for case in cases['tests']:
        evaluations = [{tuple(re.search(f'{key}="(\\w+)"', sample['labels'])[1] for key in ('alertname', 'severity'))
                        for sample in evaluation['exp_samples']} for evaluation in case['promql_expr_test']]
        for alert in set().union(*evaluations):
            if any(alert not in firing for firing in evaluations):
                tested.add(alert)
    return wanted - tested


def main():
    root = pathlib.Path(sys.argv[1])
    try:
        subprocess.run(['promtool', '--version'], capture_output=True, check=True)
    except OSError:
        print('promtool is not installed: skipped')
        return 77
    rules_file = root / 'packaging/prometheus/holdfast.rules.yml'
    cases_file = root / 'tests/packaging/alerts_test.yml'
    problems = promtool('check', 'rules', rules_file) + promtool('test', 'rules', cases_file)
    problems += [f'{name} ({severity}) is not tested both ways' for name, severity in
                 untested_alerts(yaml.safe_load(rules_file.read_text()), yaml.safe_load(cases_file.read_text()))]
    dashboard = json.loads((root / 'packaging/grafana/holdfast.json').read_text())
    queries = [target['expr'] for panel in dashboard['panels'] for target in panel.get('targets', [])]
    queries += [annotation['expr'] for annotation in dashboard['annotations']['list']]
    with tempfile.TemporaryDirectory() as folder:
        as_rules = pathlib.Path(folder, 'dashboard.yml')
        as_rules.write_text(json.dumps({'groups': [{'name': 'dashboard', 'rules': [
            {'record': f'query_{number}', 'expr': without_variables(query)} for number, query in enumerate(queries)]}]}))
        problems += promtool('check', 'rules', '--lint=none', as_rules)
        example = pathlib.Path(folder, 'prometheus.yml')
        text = (root / 'packaging/prometheus/scrape.yml').read_text()
        example.write_text(text.replace('/usr/share/holdfast/prometheus/', f'{root}/packaging/prometheus/'))
        problems += promtool('check', 'config', example)
    for problem in problems:
        print(problem)
    print(f'{len(queries)} queries of the dashboard; {len(problems)} problems')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
