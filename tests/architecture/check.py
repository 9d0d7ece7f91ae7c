#!/usr/bin/env python3
"""Checks that the house stands as its plan says.

  check.py [ROOT]       every rule over the repository; one line a violation, exit 1 when there is any
  check.py --report     sizes: files and functions, median, 90th percentile, the longest
  check.py --self-test  seeds a violation of each rule in a scratch tree: each must be found, and a clean tree pass
"""
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

# What a wire protocol sees of the floor below: the interface it implements, and the connection that drives it.
OF_NET = ['worker/net/protocol.h', 'worker/net/transport.h', 'worker/net/connection.h', 'worker/net/output_queue.h']

# A folder (or file, the longest match counts) and what it may include besides itself. The order is that of the floors.
FLOORS = {
    'master': ['config', 'common', 'worker/worker.h'],
    'worker': ['worker', 'config', 'common'],
    'worker/http1': ['worker/http', *OF_NET, 'config', 'common'],
    'worker/http2': ['worker/http', *OF_NET, 'config', 'common'],
    'worker/websocket': ['worker/http', *OF_NET, 'config', 'common'],
    'worker/handlers': ['worker/http', 'worker/broker', 'config', 'common'],
    'worker/guards': ['worker/http', 'config', 'common'],
    'worker/filters': ['worker/http', 'config', 'common'],
    'worker/modules': ['worker/http', 'config', 'common'],
    'worker/admin': ['worker/http', 'config', 'common'],
    'worker/broker': ['worker/loop', 'config', 'common'],
    'worker/sandbox': ['config', 'common'],
    'worker/upstream': ['worker/http', 'worker/net', 'worker/loop', 'config', 'common'],
    'worker/http': ['config', 'common'],
    'worker/net': ['worker/loop', 'config', 'common'],
    'worker/loop': ['common'],
    'config': ['common'],
    'common': [],
    # Installed for authors of modules: nothing but what is installed with it.
    'common/api': ['common/clock.h', 'common/ascii.h'],
    'tests/support': ['common'],
    'tests/support/scripted_transport.h': ['worker/net/transport.h', 'common'],  # the double of one interface
    'tests/support/frame_recorder.h': ['worker/websocket/frame_parser.h', 'common'],
    'tests/process': ['tests/support', 'common'],
    'tests/wire': ['tests/support', 'common'],
}

# Libraries, each included in one place.
THIRD_PARTY = {
    'yaml-cpp/': ['config/'],
    'openssl/': ['worker/net/tls_', 'worker/guards/', 'worker/websocket/accept_key', 'tests/'],
    'crypt.h': ['worker/guards/password'],
    'nghttp2/': ['worker/http2/field_decoder', 'tests/support/http2_client'],
    'zlib.h': ['worker/filters/', 'worker/websocket/deflate', 'tests/'],
    'brotli/': ['worker/filters/'],
    'zstd.h': ['worker/filters/'],
    'libdeflate.h': ['worker/filters/'],
    'hiredis/': ['worker/broker/', 'tests/unit/worker/broker/redis_connection'],
    'sanitizer/': ['worker/leak_check'],
    'nlohmann/': ['worker/handlers/chat_protocol'],
    'prometheus/': ['worker/admin/prometheus_export', 'tests/unit/worker/admin/prometheus_export'],
    'holdfast/': ['packaging/examples/', 'tests/process/modules/'],  # the interface, as it is installed
    'emmintrin.h': ['worker/http/head_scan.h', 'worker/websocket/ascii_run.h'],
    'arm_neon.h': ['worker/http/head_scan.h', 'worker/websocket/ascii_run.h'],
    # A stack read in a dying process: nothing else needs to know registers and loaded objects.
    'link.h': ['worker/crash_report.cpp'],
    'ucontext.h': ['worker/crash_report.cpp'],
    'unwind.h': ['worker/crash_report.cpp'],
    'gtest/': ['tests/'],
    'gmock/': ['tests/'],
}
SYSTEM_HEADERS = re.compile(
    r'(sys|netinet|arpa|linux|net)/\w+\.h|(assert|dirent|dlfcn|errno|fcntl|fnmatch|getopt|glob|grp|limits|netdb|poll|pthread|'
    r'pwd|sched|signal|spawn|stdint|stdio|stdlib|string|syslog|time|unistd|execinfo|malloc)\.h')

SOURCE_FOLDERS = ('master', 'worker', 'common', 'config')
TOP_FOLDERS = set(SOURCE_FOLDERS) | {'tests', 'packaging'}
TOP_FILES = {'CMakeLists.txt', 'CMakePresets.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'NOTICE', 'CONTRIBUTING.md'}
VAGUE_NAMES = {'util', 'utils', 'helper', 'helpers', 'misc', 'manager', 'common2', 'stuff'}
MOST_LINES = 600
MOST_FUNCTION_LINES = 80

WAITS = re.compile(r'\b(sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(')
REMINDERS = re.compile(r'\b(' + 'TO' + 'DO|FIX' + 'ME|XX' + 'X)\\b')
HOME = re.compile(r'/home/[a-z]\w*/')
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)
COMMENTS_AND_STRINGS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def listed_files(root):
    """What belongs to the repository: by git when it is one, else everything but build folders."""
    try:
        out = subprocess.run(['git', '-C', str(root), 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                             check=True, capture_output=True).stdout
        names = [name for name in out.decode().split('\0') if name]
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(root)) for path in root.rglob('*') if path.is_file()]
        names = [name for name in names if not name.startswith(('build', '.git/'))]
    return sorted(name for name in names if (root / name).is_file())


def is_source(name):
    return name.endswith(('.h', '.cpp'))


def floor_of(name):
    """The entry of FLOORS that speaks for a file, or None."""
    parts = name.split('/')
    for length in range(len(parts), 0, -1):
        folder = '/'.join(parts[:length])
        if folder in FLOORS:
            return folder
    return None


def lies_in(name, folder):
    return name == folder or name.startswith(folder + '/')


def may_include(name, included):
    own = floor_of(name)
    if own is None:
        return True
    target_floor = floor_of(included)
    if target_floor == own or (own == 'common' and lies_in(included, 'common')):
        return True
    for allowed in FLOORS[own]:
        if lies_in(included, allowed):
            return True
    return False


def check_includes(name, text):
    for own, other in INCLUDE.findall(text):
        if own:
            if '/' not in own:
                yield f'{name}: "{own}" is not written from the repository\'s root'
            elif not may_include(name, own):
                yield f'{name}: may not include {own} (it stands above or beside {floor_of(name)})'
        else:
            yield from check_third_party(name, other)


def check_third_party(name, header):
    for prefix, places in THIRD_PARTY.items():
        if header.startswith(prefix):
            if not any(name.startswith(place) for place in places):
                yield f'{name}: <{header}> belongs in {" or ".join(places)} only'
            return
    standard = '/' not in header and '.' not in header
    if not standard and not SYSTEM_HEADERS.fullmatch(header):
        yield f'{name}: <{header}> is no library of this house'


def check_code(name, text):
    code = COMMENTS_AND_STRINGS.sub('""', text)
    if WAITS.search(code):
        yield f'{name}: waits for a time instead of an event'
    if name.startswith('worker/') and 'shared_ptr' in code:
        yield f'{name}: shared_ptr on the request path hides who owns'
    if name.startswith(SOURCE_FOLDERS) and 'dynamic_cast' in code:
        yield f'{name}: casts down'
    if REMINDERS.search(text):
        yield f'{name}: holds a reminder instead of the work'


def functions(text):
    """Bodies that begin at the left margin or one namespace deep, by the layout that clang-format gives: (line, length)."""
    begin = None
    for number, line in enumerate(text.split('\n'), 1):
        if begin is None and re.match(r'[A-Za-z_~\[].*', line) and not re.match(
                r'(namespace|struct|class|enum|union|extern|template|using|constexpr auto|inline constexpr|static const)\b', line):
            begin = number
        if begin is not None and line.endswith(';') and not line.startswith((' ', '}')):
            begin = None
        if line == '}' and begin is not None:
            yield begin, number - begin + 1
            begin = None
        elif line.startswith('}'):
            begin = None


def check_shape(name, text):
    lines = text.count('\n')
    if lines > MOST_LINES:
        yield f'{name}: {lines} lines, {MOST_LINES} are the most'
    if name.endswith('.h') and '#pragma once' not in text:
        yield f'{name}: no #pragma once'
    if name.endswith('.h') and not text.startswith('//'):
        yield f'{name}: opens without a word on its duty'
    if name.startswith(SOURCE_FOLDERS):
        for line, length in functions(text):
            if length > MOST_FUNCTION_LINES:
                yield f'{name}:{line}: a function of {length} lines, {MOST_FUNCTION_LINES} are the most'


def check_names(names):
    for name in names:
        parts = pathlib.PurePosixPath(name).parts
        if len(parts) > 1 and not parts[0].startswith('.') and parts[0] not in TOP_FOLDERS:
            yield f'{name}: {parts[0]} is no top-level folder of this house'
        if len(parts) == 1 and not name.startswith('.') and name not in TOP_FILES:
            yield f'{name}: does not belong on the top level'
        for part in parts:
            if part.split('.')[0] in VAGUE_NAMES or re.search(r'_(util|utils|helper|helpers|misc|manager)\b', part.split('.')[0]):
                yield f'{name}: {part} does not name a duty'


def check_paths(root, name, text):
    own = str(root)
    if (len(own) > 5 and own + '/' in text) or HOME.search(text):
        yield f'{name}: names a path of one machine'


def violations(root):
    names = listed_files(root)
    yield from check_names(names)
    for name in names:
        try:
            text = (root / name).read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue  # corpora hold bytes, not text
        yield from check_paths(root, name, text)
        if is_source(name):
            yield from check_includes(name, text)
            yield from check_code(name, text)
            yield from check_shape(name, text)


def report(root):
    sources = [name for name in listed_files(root) if is_source(name) and name.startswith(SOURCE_FOLDERS)]
    texts = {name: (root / name).read_text(encoding='utf-8') for name in sources}
    sizes = sorted((text.count('\n'), name) for name, text in texts.items())
    lengths = sorted((length, f'{name}:{line}') for name, text in texts.items() for line, length in functions(text))
    for what, rows in (('files', sizes), ('functions', lengths)):
        numbers = [row[0] for row in rows]
        print(f'{what}: {len(rows)}, median {statistics.median(numbers):g} lines, '
              f'90th percentile {numbers[len(numbers) * 9 // 10]}, longest:')
        for number, name in reversed(rows[-5:]):
            print(f'  {number:4} {name}')


CLEAN = {
    'worker/http/router.h': '// Routes.\n#pragma once\n#include <string>\n#include "common/fd.h"\n',
    'worker/http/router.cpp': '#include "worker/http/router.h"\n#include <sys/socket.h>\n// no sleep() here: "sleep(1)"\n',
    'worker/worker.h': '// Life.\n#pragma once\n#include "config/config.h"\n',
    'master/master.cpp': '#include "worker/worker.h"\n#include "config/config.h"\n',
    'common/fd.h': '// Fd.\n#pragma once\n#include "common/result.h"\n',
    'config/loader.cpp': '#include <yaml-cpp/parser.h>\n#include "config/schema/field.h"\n',
    'tests/unit/worker/http/router_test.cpp': '#include <gtest/gtest.h>\n#include "worker/http/router.h"\n',
    'README.md': 'holdfast\n',
}
SEEDED = {
    'upwards': ('worker/loop/event_loop.cpp', '#include "worker/net/connection.h"\n', 'may not include'),
    'sideways': ('worker/http1/session.cpp', '#include "worker/http2/session.h"\n', 'may not include'),
    'deep into net': ('worker/http1/session.cpp', '#include "worker/net/acceptor.h"\n', 'may not include'),
    'a handler that knows the wire': ('worker/handlers/echo.cpp', '#include "worker/net/protocol.h"\n', 'may not include'),
    'a second header of the worker': ('master/master.cpp', '#include "worker/wiring.h"\n', 'may not include'),
    'config from common': ('common/log.cpp', '#include "config/config.h"\n', 'may not include'),
    'an interface that needs more than itself': ('common/api/body.h', '// Body.\n#pragma once\n#include "common/fd.h"\n', 'may not include'),
    'relative': ('master/master.cpp', '#include "pid_file.h"\n', 'not written from'),
    'yaml outside config': ('master/main.cpp', '#include <yaml-cpp/yaml.h>\n', 'belongs in'),
    'prometheus elsewhere': ('worker/admin/health.cpp', '#include <prometheus/counter.h>\n', 'belongs in'),
    'a library nobody agreed on': ('common/log.cpp', '#include <boost/asio.hpp>\n', 'no library'),
    'a sleep': ('master/master.cpp', 'void f() {\n  ::sleep(1);\n}\n', 'waits for a time'),
    'a sleep of threads': ('tests/process/x_test.cpp', 'void f() { std::this_thread::sleep_for(1s); }\n', 'waits for a time'),
    'shared ownership': ('worker/net/connection.cpp', 'std::shared_ptr<int> p;\n', 'shared_ptr'),
    'a cast down': ('worker/net/connection.cpp', 'auto* p = dynamic_cast<X*>(q);\n', 'casts down'),
    'a reminder': ('common/log.cpp', '// TO' + 'DO later\n', 'reminder'),
    'a long file': ('common/log.cpp', 'int a;\n' * 601, '601 lines'),
    'a long function': ('common/log.cpp', 'void f() {\n' + '  g();\n' * 90 + '}\n', 'a function of 92 lines'),
    'a header without guard': ('common/log.h', '// Log.\nint a;\n', 'no #pragma once'),
    'a header without duty': ('common/log.h', '#pragma once\nint a;\n', 'without a word'),
    'a vague folder': ('common/utils/text.cpp', 'int a;\n', 'does not name a duty'),
    'a vague file': ('worker/net/socket_helpers.cpp', 'int a;\n', 'does not name a duty'),
    'a new top-level folder': ('lib/text.cpp', 'int a;\n', 'no top-level folder'),
    'a stray file': ('notes.txt', 'x\n', 'top level'),
    'a home folder': ('packaging/run', 'cd /ho' + 'me/somebody/src\n', 'one machine'),
}


def violations_of_tree(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return list(violations(root))


def self_test():
    problems = [f'clean tree: {line}' for line in violations_of_tree(CLEAN)]
    for what, (name, text, expected) in SEEDED.items():
        found = violations_of_tree({**CLEAN, name: text})
        if not any(name in line and expected in line for line in found):
            problems.append(f'not found: {what}')
        if len(found) > 1:
            problems.append(f'{what}: more than one violation: {found}')
    for problem in problems:
        print(problem)
    print(f'{len(SEEDED)} seeded violations, {len(problems)} problems')
    return not problems


def main(arguments):
    root = pathlib.Path(__file__).resolve().parents[2]
    if arguments == ['--self-test']:
        return 0 if self_test() else 1
    if arguments == ['--report']:
        report(root)
        return 0
    if arguments:
        root = pathlib.Path(arguments[0]).resolve()
    found = list(violations(root))
    for line in found:
        print(line)
    print(f'{len(found)} violations')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
