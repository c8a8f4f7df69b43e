"""Runs the suites one after the other, each in a process group of its own, and adds up their results."""

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import postgres
import servers
import suite

HERE = Path(__file__).resolve().parent

# The program of each suite, quick ones first, the minutes after which it must have hung, and its options.
SUITES = {
    "cli": ("cli.py", 5),
    "tutorial": ("tutorial.py", 5),
    "zkcli": ("zkcli.py", 5),
    "tls": ("tls.py", 5),
    "cclient": ("cclient.py", 5),
    "dotnet": ("dotnet_client.py", 10),
    "samples": ("samples.py", 10),
    "packages": ("packages.py", 8),
    "conformance": ("conformance", 5),
    "import": ("importing.py", 10),
    "admin": ("admin.py", 5),
    "wire": ("wire", 10),
    "malformed": ("malformed", 10),
    "kill9": ("kill9", 40),
    "ensemble": ("ensemble.py", 10),
    "postgres": ("postgres.py", 10),
    "diskless": ("diskless.py", 10),
    "grid": ("grid.py", 10),
    "membership": ("membership.py", 10),
    "chaos": ("chaos.py", 90),
    "others": ("others.py", 10),
    "kazoo": ("kazoo_suite.py", 20),
    "zkcli-orleans": ("zkcli.py", 5, "--orleans"),
    "cclient-orleans": ("cclient.py", 5, "--orleans"),
    "dotnet-orleans": ("dotnet_client.py", 10, "--orleans"),
    "conformance-orleans": ("conformance", 10, "--orleans"),
    "kazoo-orleans": ("kazoo_suite.py", 30, "--orleans"),
}
# Clients against three silos of an Orleans cluster.
ORLEANS = [name for name, (_, _, *options) in SUITES.items() if "--orleans" in options]
# Only with `--long`, or when named.
LONG_ONLY = {"others", "kazoo-orleans"}
# What `--long` adds.
LONGER = {
    "kill9": ["--rounds", "100"],
    "malformed": ["--connections", "5000"],
    "chaos": ["--seconds", "460", "--links", "namespaces", "--links", "proxies"],
    "kazoo": ["--ensemble"],
    "zkcli": ["--ensemble"],
    "cclient": ["--ensemble"],
    "packages": ["--long"],
}
LAST_LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped\n")


def run_suite(program, options, minutes):
    """Passes on what the suite prints, except its last line; returns that line's counts."""
    process = subprocess.Popen([HERE / program, *options], stdout=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True)
    previous = signal.signal(signal.SIGALRM, lambda *_: _end(process, signal.SIGTERM))
    signal.alarm(minutes * 60)
    counts = None
    try:
        for line in process.stdout:
            if found := LAST_LINE.fullmatch(line):
                counts = tuple(int(number) for number in found.groups())
            else:
                print(line, end="", flush=True)
        code = process.wait()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        # When the run was interrupted, the suite gets the time to tidy up; then whatever it left behind ends.
        _end(process, signal.SIGTERM)
        try:
            process.wait(servers.STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            pass
        _end(process, signal.SIGKILL)
        process.wait()
    if counts is None:
        print(f"FAIL  {program}: ended with code {code} before its last line")
        return 0, 1, 0
    return counts


def _end(process, how):
    try:
        os.killpg(process.pid, how)
    except ProcessLookupError:
        pass


def main():
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    parser.add_argument("--server", choices=servers.KINDS, default="coord")
    parser.add_argument("--long", action="store_true", help="the crash test at full length: 100 rounds")
    parser.add_argument("--orleans", action="store_true", help=f"only {', '.join(ORLEANS)}")
    parser.add_argument("--only", default="", metavar="SUITE[:TEXT]", help=f"one of {', '.join(SUITES)}")
    parser.add_argument("--set", action="append", default=[], metavar="Section:Key=Value")
    options = parser.parse_args()
    name, _, match = options.only.partition(":")
    if name and name not in SUITES:
        parser.error(f"no suite {name}; there are {', '.join(SUITES)}")

    # So that an interrupted run still ends what it started.
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, lambda *_: sys.exit("interrupted"))
    common = ["--server", options.server, "--match", match]
    for setting in options.set:
        common += ["--set", setting]
    totals = [0, 0, 0]
    chosen = ([name] if name else ORLEANS if options.orleans
              else [each for each in SUITES if options.long or each not in LONG_ONLY])
    lacking = postgres.without_orleans(options.server) if set(chosen) & set(ORLEANS) else None
    for suite_name in chosen:
        program, minutes, *own = SUITES[suite_name]
        longer = LONGER.get(suite_name, []) if options.long else []
        if lacking and suite_name in ORLEANS:
            print(f"SKIP  {suite_name}: {lacking}", flush=True)
            counts = 0, 0, 1
        else:
            counts = run_suite(program, [*common, *own, *longer], minutes)
        totals = [total + count for total, count in zip(totals, counts)]
    print(suite.summary(*totals))
    passed, failed, _ = totals
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
