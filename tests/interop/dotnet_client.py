#!/usr/bin/env python3
"""The .NET client's and the recipes' tests that need a server: the same against our silo, our ensemble and ZooKeeper,
or against three silos of an Orleans cluster."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

import ensemble
import servers
import suite

PROJECTS = ("Orleans.Coord.Client.Tests", "Orleans.Coord.Recipes.Tests", "Orleans.Coord.Client.Hosting.Tests")
# The namespace of the tests that need a server.
SERVER_TESTS = "FullyQualifiedName~.WithServer."
COUNTS = re.compile(r"Failed: +(\d+), Passed: +(\d+), Skipped: +(\d+)")


@contextmanager
def silo():
    with servers.Server("coord", extended_types=True) as server:
        yield server.address


@contextmanager
def members(host="standalone"):
    with ensemble.Ensemble(["Coord:ExtendedTypes=true"], host) as group:
        yield group.address


@contextmanager
def zookeeper():
    with servers.Server("zookeeper", extended_types=True) as server:
        yield server.address


TARGETS = {
    "coord": [("our silo", silo), ("our ensemble of three", members), ("ZooKeeper", zookeeper)],
    "zookeeper": [("ZooKeeper", zookeeper)],
    "orleans": [("three silos of an Orleans cluster", lambda: members("orleans"))],
}


def run(command, **environment):
    return subprocess.run(
        command, cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, **environment})


def run_project(project, address):
    """Runs the project's tests against the address; how many passed."""
    done = run(["dotnet", "test", f"tests/{project}", "-c", "Release", "--no-build", "--nologo", "--filter",
                SERVER_TESTS], COORD_TEST_SERVER=address)
    found = COUNTS.search(done.stdout)
    assert found, done.stdout[-3000:]
    failed, passed, skipped = map(int, found.groups())
    assert failed == 0 and skipped == 0 and passed > 0, done.stdout[-6000:]
    return f"{passed} tests"


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("dotnet")
    for project in PROJECTS:
        built = run(["dotnet", "build", f"tests/{project}", "-c", "Release", "--nologo", "-v", "quiet"])
        assert built.returncode == 0, built.stdout[-3000:]
    for name, target in TARGETS["orleans" if options.orleans else options.server]:
        if options.match.lower() not in name.lower():
            continue
        with target() as address:
            for project in PROJECTS:
                def test(project=project):
                    return run_project(project, address)
                test.__doc__ = f"{project} against {name}"
                suite.run_tests(report, "", [test])
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
