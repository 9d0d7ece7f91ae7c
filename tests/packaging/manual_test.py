#!/usr/bin/env python3
"""manual_test.py ROOT INCLUDE COMPILER: the modules of the manual page holdfast-module(3) compile against the headers as they are
installed, and what the page names in holdfast::api is there; every header and every page is mentioned somewhere."""
import pathlib
import re
import subprocess
import sys
import tempfile


def examples_of(page):
    """Blocks of the page that are whole modules, as they read on the screen."""
    for block in re.findall(r'^\.EX\n(.*?)^\.EE', page, re.S | re.M):
        if 'HOLDFAST_MODULE' in block and '#include' in block and '.BI' not in block:
            yield block.replace('\\-', '-').replace('\\\\', '\\')


def compiled(name, text, include, compiler, folder):
    source = pathlib.Path(folder, f'{name}.cpp')
    source.write_text(text)
    result = subprocess.run([compiler, '-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Werror',
                             f'-I{include}', str(source)], capture_output=True, text=True)
    return [] if result.returncode == 0 else [f'example {name}: {result.stderr}']


def absent_names(page, include):
    """Names in bold that look like types or functions of the interface, and are in no header."""
    text = ' '.join(header.read_text() for header in pathlib.Path(include, 'holdfast').glob('*.h'))
    named = set()
    for line in re.findall(r'^\.(?:B|BI|BR) (.*)$', page, re.M):
        named |= set(re.findall(r'\b(?:[A-Z][a-z]+){1,2}\b(?=[ ,&:]|$)', line)) & set(re.findall(r'\b[A-Z]\w+', line))
        named |= {name for name in re.findall(r'\b([a-z_]{5,})\(', line) if '_' in name}
    named -= {'find_package', 'holdfast_add_module', 'NAME', 'SOURCE', 'Type', 'Examples'}
    return sorted(name for name in named if not re.search(rf'\b{name}\b', text))


def main():
    root, include, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    page = (root / 'packaging/man/holdfast-module.3').read_text()
    problems = []
    examples = list(examples_of(page))
    if len(examples) < 3:
        problems.append(f'only {len(examples)} examples were found')
    with tempfile.TemporaryDirectory() as folder:
        for number, example in enumerate(examples, 1):
            problems += compiled(number, example, include, compiler, folder)
        if not compiled(0, examples[0].replace('respond(', 'responds('), include, compiler, folder):
            problems.append('a seeded mistake in an example is not found')
    problems += [f'the page names {name}, which no header has' for name in absent_names(page, include)]
    if not absent_names(page + '\n.B Exchanges\n', include):
        problems.append('a seeded name is not found')
    for problem in problems:
        print(problem)
    print(f'{len(examples)} examples, {len(problems)} problems')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
