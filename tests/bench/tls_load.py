"""Load over TLS by programs of others: h2load (HTTP/1.1 and HTTP/2) and openssl's s_time (full handshakes).

Their reports have the form of our own load generator's.
"""

import os
import re
import subprocess


def empty(problem):
    return {"requests": 0, "errors": 1, "first_error": problem}


# Beyond the time that was asked for: connections are made and ended in it. Some clients never end on their own.
PATIENCE = 20


def run(command, cpu, seconds):
    """What it said in its time and some more; all of it, when it had to be ended."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        return program.communicate(timeout=seconds + PATIENCE)[0]
    except subprocess.TimeoutExpired:
        program.kill()
        return program.communicate()[0] + f"\n{command[0]} did not end by itself\n"


def seconds_of(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def h2load(url, arguments, seconds, cpu):
    """For about so many seconds; every answer is counted by its status."""
    output = run(["h2load", "-D", str(max(1, round(seconds))), *arguments, url], cpu, seconds)
    finished = re.search(r"finished in ([\d.]+\w+), ([\d.]+) req/s", output)
    requests = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", output)
    mean = re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", output)
    if not finished or not requests or not mean or int(requests[2]) == 0:
        return empty("h2load failed: " + output.strip().splitlines()[-1] if output.strip() else "h2load failed")
    wrong = int(requests[1]) - int(requests[2])
    micro = seconds_of(mean[1]) * 1e6
    return {"requests": int(requests[2]), "errors": wrong, "first_error": "an answer other than 2xx",
            "requests_per_second": float(finished[2]), "seconds": seconds_of(finished[1]), "p50_us": micro, "p99_us": micro}


def handshakes(address, seconds, cpu):
    """One full handshake after the other, nothing asked for. The rate is the client's, the CPU time the server's."""
    output = run(["openssl", "s_time", "-connect", address, "-new", "-tls1_3", "-time", str(max(1, round(seconds)))], cpu, seconds)
    counted = re.search(r"(\d+) connections in (\d+) real seconds", output)
    if not counted or int(counted[1]) == 0:
        return empty("s_time failed")
    count, took = int(counted[1]), max(1, round(seconds))
    return {"requests": count, "errors": 0, "first_error": "", "requests_per_second": count / took, "seconds": took,
            "p50_us": took / count * 1e6, "p99_us": took / count * 1e6}


def make_certificate(folder):
    """One of the kind that most sites have: ECDSA, P-256. Returns the paths of certificate and key."""
    certificate, key = os.path.join(folder, "site.pem"), os.path.join(folder, "site.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    return certificate, key
