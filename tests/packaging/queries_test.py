#!/usr/bin/env python3
"""queries_test.py ROOT HOLDFAST: every query of the alert rules and of the dashboard names only metrics, labels and label values
that the server has; the dashboard is whole. Its own eyes are tried first: seeded mistakes must be found."""
import json
import pathlib
import re
import sys

from server_metrics import OPEN_LABELS, TARGET_LABELS, Shown

try:
    import yaml
except ImportError:
    print('python3-yaml is not installed: skipped')
    sys.exit(77)

FUNCTIONS_AND_WORDS = {
    'sum', 'min', 'max', 'count', 'avg', 'rate', 'increase', 'changes', 'time', 'sort', 'vector', 'histogram_quantile',
    'label_replace', 'humanize', 'by', 'on', 'and', 'or', 'unless', 'ignoring', 'group_left', 'label_values'}
SELECTOR = re.compile(r'([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def names_in(query):
    """(metric names, [(metric, label, operator, value)], labels that the query groups by)"""
    matchers = [(metric, *found) for metric, inside in SELECTOR.findall(query) for found in MATCHER.findall(inside)]
    rest = re.sub(r'\{[^}]*\}', ' ', query)
    groups = set()
    for inside in re.findall(r'\b(?:by|on|ignoring)\s*\(([^)]*)\)', rest):
        groups |= {name.strip() for name in inside.split(',')}
    rest = re.sub(r'\b(?:by|on|ignoring)\s*\([^)]*\)', ' ', rest)
    made = re.findall(r'label_replace\(.*?,\s*"(\w+)",\s*"[^"]*",\s*"\w+"', rest)
    rest = re.sub(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]', ' ', rest)
    metrics = {name for name in re.findall(r'(?<![\w.$])[a-zA-Z_]\w*', rest) if name not in FUNCTIONS_AND_WORDS}
    return metrics, matchers, groups - set(made)


def problems_of_query(query, shown):
    metrics, matchers, groups = names_in(query)
    if not metrics:
        yield 'names no metric'
    known = set(TARGET_LABELS)
    for metric in metrics:
        if metric not in shown.labels:
            yield f'there is no metric {metric}'
        known |= shown.labels.get(metric, set())
    for metric, label, operator, value in matchers:
        if label not in shown.labels.get(metric, set()) | TARGET_LABELS:
            yield f'{metric} has no label {label}'
        elif label not in OPEN_LABELS and not value.startswith('$'):
            wanted = value.split('|') if '~' in operator else [value]
            for word in wanted:
                if word not in shown.values.get((metric, label), set()):
                    yield f'{metric} has no {label}="{word}"'
    for label in groups - known:
        yield f'no metric of the query has the label {label}'


def labels_after(query):
    """Labels that the result of a query may have."""
    _, _, groups = names_in(query)
    made = set(re.findall(r'label_replace\(.*?,\s*"(\w+)"', query))
    return groups | made


def legend_problems(query, legend, shown):
    for label in re.findall(r'\{\{\s*(\w+)\s*\}\}', legend):
        metrics, _, _ = names_in(query)
        own = set().union(TARGET_LABELS, *(shown.labels.get(metric, set()) for metric in metrics))
        aggregated = re.match(r'\s*(sum|min|max|count|avg|histogram_quantile|label_replace|time)\b', query)
        if label not in (labels_after(query) if aggregated else own):
            yield f'the legend speaks of {label}, which the query does not give'


def rule_problems(document, shown):
    for group in document['groups']:
        for rule in group['rules']:
            where = rule['alert']
            for problem in problems_of_query(rule['expr'], shown):
                yield f'{where}: {problem}'
            for wanted in ('for', 'labels', 'annotations'):
                if not rule.get(wanted):
                    yield f'{where}: has no `{wanted}`'
            if rule.get('labels', {}).get('severity') not in ('critical', 'warning'):
                yield f'{where}: its severity is neither critical nor warning'
            texts = rule.get('annotations', {})
            if set(texts) != {'summary', 'description'}:
                yield f'{where}: its annotations are not summary and description'
            # Without on() or by() an alert keeps the labels of its metric.
            _, _, groups = names_in(rule['expr'])
            metrics, _, _ = names_in(rule['expr'])
            known = set().union(TARGET_LABELS, groups, *(shown.labels.get(metric, set()) for metric in metrics))
            for label in re.findall(r'\$labels\.(\w+)', ' '.join(texts.values())):
                if label not in (groups if re.match(r'\s*sum\b', rule['expr']) else known):
                    yield f'{where}: speaks of the label {label}, which it does not have'


def targets_of(dashboard):
    for panel in dashboard['panels']:
        for target in panel.get('targets', []):
            yield panel, target


def dashboard_problems(dashboard, shown):
    variables = {variable['name'] for variable in dashboard['templating']['list']}
    if not {'datasource', 'job', 'instance', 'site'} <= variables:
        yield 'a variable is missing'
    seen, places = set(), set()
    for panel in dashboard['panels']:
        title = panel['title']
        if panel['id'] in seen:
            yield f'{title}: its id is taken'
        seen.add(panel['id'])
        place = (panel['gridPos']['x'], panel['gridPos']['y'])
        if place in places or panel['gridPos']['x'] + panel['gridPos']['w'] > 24:
            yield f'{title}: does not fit in its place'
        places.add(place)
        if panel['type'] == 'row':
            continue
        if not panel.get('targets') or not panel.get('description'):
            yield f'{title}: has no query or no description'
        if not panel['fieldConfig']['defaults'].get('unit'):
            yield f'{title}: has no unit'
        if panel.get('datasource', {}).get('uid') != '${datasource}':
            yield f'{title}: does not use the chosen data source'
    for panel, target in targets_of(dashboard):
        for problem in [*problems_of_query(target['expr'], shown),
                        *legend_problems(target['expr'], target.get('legendFormat', ''), shown)]:
            yield f'{panel["title"]}: {problem}'
        for variable in re.findall(r'\$(\w+)', target['expr']):
            if variable not in variables | {'__rate_interval', '1'}:
                yield f'{panel["title"]}: there is no variable {variable}'
    for annotation in dashboard['annotations']['list']:
        for problem in problems_of_query(annotation['expr'], shown):
            yield f'{annotation["name"]}: {problem}'
    for variable in dashboard['templating']['list']:
        if variable['type'] == 'query':
            metric = re.match(r'label_values\((\w+)', variable['definition'])
            if not metric or metric[1] not in shown.labels:
                yield f'variable {variable["name"]}: asks for what is not there'


def unshown(dashboard, shown):
    """Metrics of the server that no panel has, by family."""
    family = re.compile(r'_(bucket|sum|count)$')
    used = {family.sub('', name) for _, target in targets_of(dashboard) for name in names_in(target['expr'])[0]}
    left_out = {'process_start_time_seconds', 'holdfast_file_cache_entries', 'holdfast_file_cache_bytes',
                'holdfast_worker_connections_accepted_total', 'up'}
    return {family.sub('', name) for name in shown.labels} - used - left_out


SEEDED = {
    'rate(holdfast_requests_total[5m])': 'there is no metric',
    'holdfast_workers{state="idle"}': 'has no state="idle"',
    'holdfast_workers{kind="ready"}': 'has no label kind',
    'sum by (job, place) (holdfast_workers{state="ready"})': 'has the label place',
    'increase(holdfast_worker_exits_total{reason=~"signal|crash"}[5m]) > 3': 'has no reason="crash"',
    'histogram_quantile(0.9, sum by (le, site) (rate(holdfast_event_loop_lag_seconds_bucket[5m])))': 'has the label site',
    '1 + 1': 'names no metric',
}


def blind_spots(shown):
    for query, expected in SEEDED.items():
        found = list(problems_of_query(query, shown))
        if not any(expected in problem for problem in found):
            yield f'a seeded mistake is not found: {query}: {found}'
    if not list(legend_problems('sum by (site) (up)', '{{host}}', shown)):
        yield 'a seeded mistake is not found: a legend of a label that is not there'


def main():
    root, binary = pathlib.Path(sys.argv[1]), sys.argv[2]
    shown = Shown(binary, root)
    rules = yaml.safe_load((root / 'packaging/prometheus/holdfast.rules.yml').read_text())
    dashboard = json.loads((root / 'packaging/grafana/holdfast.json').read_text())
    yaml.safe_load((root / 'packaging/prometheus/scrape.yml').read_text())
    problems = [*blind_spots(shown), *rule_problems(rules, shown), *dashboard_problems(dashboard, shown)]
    problems += [f'no panel shows {name}' for name in sorted(unshown(dashboard, shown))]
    for problem in problems:
        print(problem)
    queries = sum(1 for _ in targets_of(dashboard))
    alerts = sum(len(group['rules']) for group in rules['groups'])
    print(f'{alerts} alerts, {queries} queries of the dashboard, {len(shown.labels)} names of the server: {len(problems)} problems')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
