#!/usr/bin/env python3
"""firewall_test.py ROOT: the profile for ufw reads as ufw reads it (an INI file, ports as NUMBER[,NUMBER]/PROTOCOL) and has the port
of the configuration as it is shipped."""
import configparser
import pathlib
import re
import sys


def problems(root):
    profile = configparser.ConfigParser(interpolation=None)
    profile.read_string((root / 'packaging/ufw/holdfast').read_text())
    config = (root / 'config/holdfast.yaml').read_text()
    port = re.search(r'bind: "0\.0\.0\.0:(\d+)"', config)[1]
    opened = {}
    for section in profile.sections():
        if set(profile[section]) != {'title', 'description', 'ports'}:
            yield f'{section}: has not title, description and ports'
        match = re.fullmatch(r'(\d+(?:,\d+)*)/tcp', profile[section].get('ports', ''))
        if not match:
            yield f'{section}: its ports cannot be read'
        else:
            opened[section] = match[1].split(',')
    if not any(ports == [port] for ports in opened.values()):
        yield f'no profile opens port {port} alone'


found = list(problems(pathlib.Path(sys.argv[1])))
print('\n'.join([*found, f'{len(found)} problems']))
sys.exit(1 if found else 0)
