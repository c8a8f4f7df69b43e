#!/usr/bin/python3
"""Runs the test suite that kazoo ships (kazoo.tests) against our server.

kazoo's harness starts a cluster of real ZooKeeper servers. A pytest plugin puts a cluster of one in its
place: the server under test. Tests that stop and start a server do so with ours.
"""

import logging
import os
import re
import signal
from pathlib import Path

import kazoo.testing.harness
import pytest
from _pytest.runner import runtestprotocol

import servers
import suite

HERE = Path(__file__).resolve().parent

# kazoo's own waits end after at most 30 s; some have no end at all.
TEST_DEADLINE = 90
RACE_DEADLINE = 20
RACE_TRIES = 3


class ManagedServer:
    """The part of kazoo.testing.common.ManagedZooKeeper that the tests use."""

    def __init__(self, server):
        self._server = server
        self.host = servers.HOST
        self.client_port = server.port
        self.address = server.address

    @property
    def running(self):
        return self._server.running

    @property
    def folder(self):
        return self._server.folder

    def launch(self):
        if not self.running:
            self._server.launch()

    def run(self):
        self.launch()
        self._server.wait_ready()

    def stop(self):
        self._server.stop()

    def destroy(self):
        self._server.destroy()


class Cluster(list):
    """The part of kazoo.testing.common.ZookeeperCluster that the harness uses."""

    def start(self):
        for server in self:
            server.launch()
        for server in self:
            server.run()

    def destroy(self):
        for server in self:
            server.destroy()


class Plugin:
    """Leaves out the excluded tests, tries those with a race again, and reports as our suites do."""

    def __init__(self, report, excluded, races, match):
        self._report = report
        self._excluded = excluded
        self._races = races
        self._match = match
        self._phases = []

    def pytest_collection_modifyitems(self, items):
        names = {_name(item.nodeid) for item in items}
        for name in (self._excluded.keys() | self._races.keys()) - names:
            self._report.add("FAIL", name, "named in a list, but there is no such test")
        chosen = [item for item in items if self._match.lower() in _name(item.nodeid).lower()]
        for item in chosen:
            if reason := self._excluded.get(_name(item.nodeid)):
                self._report.add("SKIP", _name(item.nodeid), reason)
        items[:] = [item for item in chosen if _name(item.nodeid) not in self._excluded]

    def pytest_runtest_protocol(self, item, nextitem):
        if _name(item.nodeid) not in self._races:
            return None
        for _ in range(RACE_TRIES):
            signal.alarm(RACE_DEADLINE)
            phases = runtestprotocol(item, log=False, nextitem=nextitem)
            signal.alarm(0)
            if not any(phase.failed for phase in phases):
                break
        self._phases = phases
        self.pytest_runtest_logfinish(item.nodeid)
        return True

    def pytest_runtest_logstart(self, nodeid):
        self._phases = []
        signal.alarm(TEST_DEADLINE)

    def pytest_runtest_logreport(self, report):
        self._phases.append(report)

    def pytest_runtest_logfinish(self, nodeid):
        signal.alarm(0)
        failed = [phase for phase in self._phases if phase.failed]
        skipped = [phase for phase in self._phases if phase.skipped]
        if failed:
            self._report.add("FAIL", _name(nodeid), failed[0].when)
            print("\n".join(phase.longreprtext for phase in failed), flush=True)
        elif skipped:
            # Only what the list names with its reason may be left out.
            self._report.add("FAIL", _name(nodeid), f"skipped itself: {skipped[0].longrepr[2]}")
        else:
            self._report.add("PASS", _name(nodeid), f"{sum(phase.duration for phase in self._phases):.1f} s")


def read_list(*names):
    """Lines of `name  reason`; the name as we print it: module::Class::test."""
    files = [HERE / name for name in names if (HERE / name).exists()]
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    return dict(re.split(r"\s+", line, maxsplit=1) for line in lines if line and not line.startswith("#"))


def _name(nodeid):
    return re.sub(r"^.*?(\w+)\.py::", r"\1::", nodeid)


def _too_long(*_):
    raise TimeoutError("the test did not end in its time")


def run(report, plugin, folder, *chosen):
    ended = pytest.main(["--pyargs", "kazoo.tests", "-p", "no:cacheprovider", "-p", "no:terminal",
                         "--rootdir", str(folder), *chosen], plugins=[plugin])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        report.add("FAIL", "all of kazoo's tests are found and run", f"pytest: {ended!r}")


def run_on_one(report, options, cluster, settings):
    """All tests but those that want three servers."""
    with servers.Server(options.server, options.set, **settings) as server:
        cluster[:] = [ManagedServer(server)]
        excluded = read_list("kazoo_excluded.txt", "kazoo_excluded_one.txt", f"kazoo_excluded_{options.server}.txt")
        chosen = ["-k", "not TestReconfig"] if options.server == "coord" else []
        run(report, Plugin(report, excluded, read_list("kazoo_races.txt"), options.match), server.folder, *chosen)


def run_on_three(report, options, cluster, settings):
    """The tests that stop servers, or change the members; all tests where they are asked for."""
    extra = [*options.set, "Coord:ReadOnlyMode=true", "Coord:ReconfigEnabled=true"]
    start = servers.silos if options.orleans else servers.ensemble
    cluster[:] = [ManagedServer(server) for server in start(3, extra, **settings)]
    wants_all = options.ensemble or options.orleans
    excluded = read_list("kazoo_excluded.txt") if wants_all else {}
    chosen = [] if wants_all else ["-k", "TestReadOnlyMode or TestReconfig or test_update_host_list"]
    try:
        cluster.start()
        races = read_list("kazoo_races.txt") if wants_all else {}
        run(report, Plugin(report, excluded, races, options.match), cluster[0].folder, *chosen)
    finally:
        cluster.destroy()


def main():
    signal.signal(signal.SIGALRM, _too_long)
    # The tests break connections all the time, and kazoo warns each time.
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("kazoo, three Orleans silos" if options.orleans else "kazoo")
    # As kazoo's harness configures ZooKeeper: the password of `super` is `test`.
    settings = {"super_digest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=", "sasl_users": {"jaasuser": "jaas_password"}}
    cluster = Cluster()
    kazoo.testing.harness.get_global_cluster = lambda: cluster
    if not options.orleans:
        run_on_one(report, options, cluster, settings)
    if options.server == "coord":
        run_on_three(report, options, cluster, settings)
    code = report.finish()
    # Some tests leave clients behind, whose threads would keep the process alive while they try to reconnect.
    os._exit(code)


if __name__ == "__main__":
    main()
