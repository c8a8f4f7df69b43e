#!/usr/bin/env python3
"""The .NET client's tests that need a server: run by `dotnet test` against the server under test."""

import os
import re
import subprocess
import sys

import servers
import suite

# Built by the unit tests' run before this one.
PROJECTS = ("Orleans.Coord.Client.Tests",)
COUNTS = re.compile(r"Failed: +(\d+), Passed: +(\d+), Skipped: +(\d+)")


def run_project(project, server):
    done = subprocess.run(
        ["dotnet", "test", f"tests/{project}", "-c", "Release", "--nologo", "--filter", "FullyQualifiedName~ServerTests"],
        cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "COORD_TEST_SERVER": server.address})
    found = COUNTS.search(done.stdout)
    assert found, done.stdout[-3000:]
    failed, passed, skipped = map(int, found.groups())
    assert failed == 0 and skipped == 0 and passed > 0, done.stdout[-3000:]
    return f"{passed} tests"


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("dotnet")
    with servers.Server(options.server, extended_types=True) as server:
        for project in PROJECTS:
            def test(project=project):
                return run_project(project, server)
            test.__doc__ = f"{project} against a running server"
            suite.run_tests(report, options.match, [test])
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
