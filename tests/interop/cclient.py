#!/usr/bin/python3
"""ZooKeeper's C library: a small program of ours, and the shell that Debian ships."""

import subprocess
import sys
from pathlib import Path

import ensemble
import suite

SOURCE = Path(__file__).with_name("cclient.c")
SHELL = "/usr/lib/zookeeper/bin/cli_mt"


def test_program(server):
    """connect, create, get, set, watch, multi, delete"""
    program = server.folder / "cclient"
    compiled = subprocess.run(
        ["gcc", "-DTHREADED", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE, "-lzookeeper_mt", "-lpthread"],
        capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    finished = subprocess.run([program, server.address], capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return f"{len(finished.stdout.splitlines())} steps"


def test_shell(server):
    """cli_mt lists the root"""
    finished = subprocess.run([SHELL, "-h", server.address, "-c", "ls /"], text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert "/: rc = 0\n\tzookeeper\n" in finished.stdout, finished.stdout


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("cclient")
    tests = suite.tests_of(sys.modules[__name__])
    ensemble.on_each_server(
        options, report, lambda server: suite.run_tests(report, options.match, tests, server))
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
