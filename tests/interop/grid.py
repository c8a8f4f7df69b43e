#!/usr/bin/env python3
"""Silos that join an Orleans cluster and leave it, as processes: each brings a member of the group, a dead voter is
replaced by one of them, and nothing acknowledged is lost meanwhile."""

import shutil
import signal
import subprocess
import sys

import membership
import postgres
import servers
import suite

VOTERS = (1, 2, 3)


class Silo(membership.Silo):
    """A silo of the cluster; which silos there are is not among its settings."""

    def start(self, *settings):
        voters = ",".join(str(number) for number in VOTERS)
        command = ["./coord", "up", "--host", "orleans", "--port", str(self.port), "--data", str(self.data)]
        for setting in (f"Coord:ReplicaId={self.number}", f"Coord:Voters={voters}", "Coord:ReconfigEnabled=true",
                        f"Coord:ClusterDirectory={self.group.folder / 'cluster'}",
                        f"Coord:SuperDigest={membership.SUPER_DIGEST}", *self.group.settings, *settings):
            command += ["--set", setting]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


class Cluster(membership.Group):
    """The silos of one cluster, started one by one."""

    silo = Silo

    def states(self):
        """The kind and state of each member in `./coord member list`; empty while there is no list yet."""
        said = subprocess.run(
            ["./coord", "member", "list", "--server", ",".join(f"{servers.HOST}:{port}" for port in self.ports)],
            cwd=servers.REPOSITORY, capture_output=True, text=True, timeout=membership.DEADLINE).stdout
        rows = [line.split() for line in said.splitlines() if line[:1].isdigit()]
        return {int(row[0]): " ".join(row[1:-3]) for row in rows}


def test_voters(cluster):
    """three silos form the group, and the members are listed without anybody having added one"""
    for number in VOTERS:
        cluster.add(number)
    cluster.leader()
    cluster.wait(lambda: sorted(cluster.states().values())
                 == ["participant follower", "participant follower", "participant leader"], "three voters in the list")


def test_join(cluster):
    """a silo that joins brings an observer, under load, and serves what was written before and after"""
    with membership.Load(cluster):
        silo = cluster.add(4)
        cluster.wait(lambda: silo.mode() == "observer", "the new silo to serve")
        assert cluster.states()[4] == "observer observer"


def test_leave(cluster):
    """it leaves in order and by kill -9, and comes back with its data each time, under load"""
    with membership.Load(cluster):
        silo = cluster.silos[4]
        assert silo.stop() == 0
        silo.start()
        cluster.wait(lambda: silo.mode() == "observer", "the silo to serve again")
        silo.kill()
        silo.start()
        cluster.wait(lambda: silo.mode() == "observer", "the killed silo to serve again")


def test_replace(cluster):
    """a voter's machine is lost: it is removed, the observer promoted, under load; the lost one cannot come back"""
    with membership.Load(cluster):
        leader = cluster.leader()
        lost = next(silo for number, silo in cluster.silos.items() if number in VOTERS and silo is not leader)
        lost.kill()
        shutil.rmtree(lost.data)
        cluster.command("remove", str(lost.number))
        said = cluster.command("promote", "4")
        assert "member 4 serves as follower" in said, said
        states = cluster.states()
        assert lost.number not in states and states[4] == "participant follower", states
        lost.start()
        cluster.wait(lambda: lost.says("does not listen to replica"), "the others to refuse the lost one")
        assert lost.mode() is None
        cluster.wait(lambda: lost.number not in cluster.states(), "the list to stay as it is")
        lost.kill()


def test_new_quorum(cluster):
    """with the promoted one the group survives the loss of its leader"""
    with membership.Load(cluster):
        leader = cluster.leader()
        leader.process.send_signal(signal.SIGKILL)
        leader.process.wait(servers.STOP_DEADLINE)
        cluster.leader()
        leader.start()
        cluster.wait(lambda: leader.mode() is not None, "the killed one to serve again")


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("grid")
    tests = suite.tests_of(sys.modules[__name__])
    lacking = postgres.without_orleans(options.server)
    if lacking:
        for test in tests:
            report.add("SKIP", test.__doc__, lacking)
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with Cluster() as cluster:
        suite.run_tests(report, options.match, tests, cluster)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
