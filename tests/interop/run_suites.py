"""Runs the suites, two at a time, each in a process group of its own, and adds up their results."""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import postgres
import servers
import suite

HERE = Path(__file__).resolve().parent

# The program of each suite, the minutes after which it must have hung, and its options. In the order they start: the
# one that waits most, then the quick ones, then those that need the machine.
SUITES = {
    "kazoo": ("kazoo_suite.py", 20),
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


class Lanes:
    """Runs suites, as many at a time as there are lanes: most of them wait more than they work.

    With one lane a suite's lines are shown as they come, with more when it has ended, so that they are not mixed.
    """

    def __init__(self, count):
        self._live = count == 1
        self._pool = futures.ThreadPoolExecutor(count)
        self._running = set()

    def run(self, commands):
        """The counts of all suites: passed, failed, skipped. `commands`: minutes to live, program and options."""
        runs = [self._pool.submit(self._run, *command) for command in commands]
        try:
            return [sum(counts) for counts in zip((0, 0, 0), *(run.result() for run in runs))]
        finally:
            # When the run was interrupted, no further suite starts, and those under way get the time to tidy up.
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in list(self._running):
                _end(process)
            self._pool.shutdown()

    def _run(self, minutes, program, *options):
        process = subprocess.Popen([HERE / program, *options], stdout=subprocess.PIPE, text=True, errors="replace",
                                   start_new_session=True)
        self._running.add(process)
        hung = threading.Timer(minutes * 60, _end, [process])
        hung.start()
        try:
            return self._pass_on(process, program)
        finally:
            hung.cancel()
            _end(process)
            self._running.discard(process)

    def _pass_on(self, process, program):
        """Prints what the suite prints, except its last line; returns that line's counts."""
        counts, lines = None, []
        for line in process.stdout:
            if found := LAST_LINE.fullmatch(line):
                counts = tuple(int(number) for number in found.groups())
            elif self._live:
                print(line, end="", flush=True)
            else:
                lines.append(line)
        if counts is None:
            lines.append(f"FAIL  {program}: ended with code {process.wait()} before its last line\n")
            counts = 0, 1, 0
        print("".join(lines), end="", flush=True)
        return counts


def _end(process):
    """Gives a suite the time to tidy up; then whatever it left behind ends."""
    _signal(process, signal.SIGTERM)
    try:
        process.wait(servers.STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        pass
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process, how):
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
    chosen = ([name] if name else ORLEANS if options.orleans
              else [each for each in SUITES if options.long or each not in LONG_ONLY])
    lacking = postgres.without_orleans(options.server) if set(chosen) & set(ORLEANS) else None
    left_out = [each for each in chosen if lacking and each in ORLEANS]
    for each in left_out:
        print(f"SKIP  {each}: {lacking}", flush=True)
    commands = []
    for each in chosen:
        program, minutes, *own = SUITES[each]
        if each not in left_out:
            commands.append((minutes, program, *common, *own, *(LONGER.get(each, []) if options.long else [])))
    # What `--long` measures should have the machine to itself.
    lanes = Lanes(1 if options.long or len(commands) == 1 else 2)
    passed, failed, skipped = lanes.run(commands)
    print(suite.summary(passed, failed, skipped + len(left_out)))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
