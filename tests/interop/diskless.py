#!/usr/bin/env python3
"""Silos of an Orleans cluster whose replicas are in a PostgreSQL database, as processes: killed for good and frozen,
while others stand in for them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ensemble
import postgres
import servers
import suite
import zkwire

# The bound for a replica to run again on another silo.
REHOMED_WITHIN = 10


class Silos(ensemble.Ensemble):
    """Silos started one by one, so that one that dies stays dead until the test starts it again."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="interop-"))
        self.data = self.folder / "data"
        self.ports = self._free_ports()
        self.processes = {}
        for number in range(1, ensemble.MEMBERS + 1):
            self.start(number)
        self.wait(self.all_serve, "three silos to serve", servers.START_DEADLINE)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(servers.STOP_DEADLINE)
            finally:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, number):
        voters = ",".join(str(n) for n in range(1, ensemble.MEMBERS + 1))
        with open(self.log_of(number), "ab") as log:
            self.processes[number] = subprocess.Popen(
                ["./coord", "up", "--host", "orleans", "--port", str(self.ports[number - 1]),
                 "--data", str(self.data / str(number)), "--set", f"Coord:ReplicaId={number}",
                 "--set", f"Coord:Voters={voters}", *self.options],
                cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number, how=signal.SIGKILL):
        """Ends a silo; returns its process's code."""
        self.signal(number, how)
        return self.processes[number].wait(servers.STOP_DEADLINE)

    def log_of(self, number):
        return self.folder / f"log{number}"

    def stands_in(self, number):
        """How often others have said that they stand in for a silo."""
        line = re.compile(rf"stands in for the one of replica {number}\b")
        return sum(len(line.findall(self.log_of(n).read_text())) for n in self.processes)

    def wait(self, condition, what, seconds=ensemble.DEADLINE):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(self.log_of(n).read_text()[-1500:] for n in self.processes)
                raise AssertionError(f"{what} did not come:\n{logs}")
            time.sleep(0.02)

    def until_stand_in(self, number, disturb):
        """Disturbs a silo; returns the seconds until another one runs its replica."""
        before, start = self.stands_in(number), time.monotonic()
        disturb()
        self.wait(lambda: self.stands_in(number) > before, f"a stand-in for silo {number}")
        return time.monotonic() - start


def test_kill(silos, _):
    """kill -9 of the leader's silo under load, for good: its replica runs elsewhere within 10 s, and comes back"""
    seconds = []

    def disturb():
        leader = silos.leader()
        seconds.append(silos.until_stand_in(leader, lambda: silos.end(leader)))
        silos.start(leader)
        silos.wait(silos.all_serve, "the killed silo to serve again")
    note = ensemble.under_load(silos, disturb)
    assert seconds[0] < REHOMED_WITHIN, f"it took {seconds[0]:.1f} s"
    return f"{note}, elsewhere after {seconds[0]:.1f} s"


def test_one_left(silos, _):
    """two of three silos killed for good, one after the other: the last one goes on alone, nothing lost"""
    client = zkwire.Client(silos.ports[0], 30000, deadline=60)
    client.must(zkwire.create("/before", b"x"))
    for number in (2, 3):
        silos.until_stand_in(number, lambda: silos.end(number))
    client.close()
    silos.wait(lambda: silos.mode(1) is not None, "the last silo to serve")
    client = zkwire.Client(silos.ports[0], 30000, deadline=60)
    client.must(zkwire.create("/alone", b"x"))
    client.must(zkwire.get("/before"))
    client.close()
    for number in (2, 3):
        silos.start(number)
    silos.wait(silos.all_serve, "all silos to serve again")
    for port in silos.ports:
        client = zkwire.Client(port)
        client.must(zkwire.sync("/"))
        client.must(zkwire.get("/alone"))
        client.close()


def test_freeze(silos, _):
    """SIGSTOP of the leader's silo under load until another one stands in: awake, it ends itself and is started anew"""
    def disturb():
        leader = silos.leader()
        silos.until_stand_in(leader, lambda: silos.signal(leader, signal.SIGSTOP))
        silos.signal(leader, signal.SIGCONT)
        assert silos.processes[leader].wait(ensemble.DEADLINE) != 0
        silos.start(leader)
        silos.wait(silos.all_serve, "the frozen silo to serve again")
    return ensemble.under_load(silos, disturb)


def test_database(silos, database):
    """the database killed and started again under load: writes wait, no silo ends, nothing is lost"""
    def disturb():
        for _ in range(2):
            database.restart(pause=3)
            time.sleep(2)
    pids = [silos.pid(number) for number in silos.processes]
    note = ensemble.under_load(silos, disturb)
    assert pids == [silos.pid(number) for number in silos.processes], "a silo was restarted"
    return note


def test_stop(silos, _):
    """stopped in order, the silos end with code 0 and find everything again"""
    client = zkwire.Client(silos.ports[0])
    client.must(zkwire.create("/kept", b"x" * 100_000))
    client.close()
    for number in silos.processes:
        assert silos.end(number, signal.SIGTERM) == 0
    for number in list(silos.processes):
        silos.start(number)
    silos.wait(silos.all_serve, "all silos to serve again")
    client = zkwire.Client(silos.ports[2])
    client.must(zkwire.get("/kept"))
    client.close()
    left = [name for number in silos.processes for name in os.listdir(silos.data / str(number))]
    assert left == ["silo.pid"] * ensemble.MEMBERS, left


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("diskless")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    missing = postgres.missing(options.server)
    if missing:
        for test in tests:
            report.add("SKIP", test.__doc__, missing)
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with postgres.Postgres() as database:
        code, text = postgres.coord("init-db", "--set", database.setting())
        assert code == 0, text
        with Silos([database.setting(), "Coord:Storage=GrainStorage"]) as silos:
            suite.run_tests(report, options.match, tests, silos, database)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
