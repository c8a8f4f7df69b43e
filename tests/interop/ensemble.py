#!/usr/bin/env python3
"""Three silos of one ensemble on this machine, as processes: killed, frozen and stopped under load."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import servers
import suite
import zkwire

MEMBERS = 3
DEADLINE = 60


class Ensemble:
    """`./coord up --nodes 3` in a temporary folder, on the given host or on the one that it chooses."""

    def __init__(self, settings=(), host=None):
        self.options = [word for setting in settings for word in ("--set", setting)]
        if host:
            self.options += ["--host", host]

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="interop-"))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.ports = self._free_ports()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["./coord", "up", "--nodes", str(MEMBERS), "--port", str(self.ports[0]), "--data", str(self.data),
                 *self.options],
                cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ready = "ready " + ",".join(f"127.0.0.1:{port}" for port in self.ports) + "\n"
        self.wait(lambda: ready in self.log.read_text(), "the ready line", servers.START_DEADLINE)
        return self

    def __exit__(self, *_):
        for number in range(1, MEMBERS + 1):
            self.signal(number, signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(servers.STOP_DEADLINE)
        finally:
            self.process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, condition, what, seconds=DEADLINE):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)

    @property
    def address(self):
        """All members, as a client wants them."""
        return ",".join(f"{servers.HOST}:{port}" for port in self.ports)

    def pid(self, number):
        return int((self.data / str(number) / "silo.pid").read_text())

    def signal(self, number, what):
        try:
            os.kill(self.pid(number), what)
        except (OSError, ValueError):
            pass

    def mode(self, number):
        """leader, follower, or None while the member serves nobody."""
        try:
            for line in servers.four_letter_word(self.ports[number - 1], "srvr").splitlines():
                if line.startswith("Mode: "):
                    return line.removeprefix("Mode: ")
        except OSError:
            pass
        return None

    def all_serve(self):
        modes = [self.mode(number) for number in range(1, MEMBERS + 1)]
        return modes.count("leader") == 1 and modes.count("follower") == MEMBERS - 1

    def leader(self):
        self.wait(self.all_serve, "a leader and its followers")
        return next(n for n in range(1, MEMBERS + 1) if self.mode(n) == "leader")

    @staticmethod
    def _free_ports():
        while True:
            ports = [first := servers.free_port(), first + 1, first + 2]
            if all(_is_free(port) for port in ports):
                return ports


def _is_free(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex((zkwire.HOST, port)) != 0


def on_each_server(options, report, run, **settings):
    """Runs a suite's tests on each server that its options ask for; the report is named after it."""
    name = report.suite
    ours = [*options.set, *servers.coord_settings(**settings)]
    if options.orleans:
        report.suite = f"{name}, three Orleans silos"
        with Ensemble(ours, "orleans") as server:
            run(server)
        return
    with servers.Server(options.server, options.set, **settings) as server:
        run(server)
    if options.ensemble and options.server == "coord":
        report.suite = f"{name}, three silos"
        with Ensemble(ours, "standalone") as server:
            run(server)


class Writer(threading.Thread):
    """Creates numbered znodes through one member after the other, keeping its session; notes what was acknowledged."""

    def __init__(self, ensemble, start):
        super().__init__(daemon=True)
        self.ensemble = ensemble
        self.port = itertools.cycle(ensemble.ports[start:] + ensemble.ports[:start])
        self.name_prefix = f"/w{start}-"
        self.acknowledged = []
        self.problems = []
        self.stopping = False

    def run(self):
        session, zxid, number = (0, bytes(16)), 0, 0
        while not self.stopping:
            try:
                client = zkwire.Client(next(self.port), 30000, session, zxid, deadline=5)
            except (OSError, zkwire.Disconnected):
                time.sleep(0.05)
                continue
            except zkwire.SessionRefused:
                self.problems.append("the session was lost")
                return
            session = client.session
            try:
                while not self.stopping:
                    path = f"{self.name_prefix}{number}"
                    code = client.call(zkwire.create(path, b"x")).error
                    zxid = client.last_zxid
                    # -110: an earlier attempt whose answer was lost had come through.
                    if code not in (0, -110):
                        self.problems.append(f"{path}: code {code}")
                        return
                    self.acknowledged.append(path)
                    number += 1
            except (OSError, zkwire.Disconnected):
                pass
            client.abort()

    def finish(self):
        self.stopping = True
        self.join(DEADLINE)
        assert not self.problems, self.problems
        return self.acknowledged


def under_load(ensemble, disturb):
    """Runs writers while the ensemble is disturbed; nothing acknowledged may be missing at any member afterwards."""
    writers = [Writer(ensemble, start) for start in range(MEMBERS)]
    for writer in writers:
        writer.start()
    ensemble.wait(lambda: all(len(w.acknowledged) > 20 for w in writers), "writes before")
    disturb()
    before = [len(w.acknowledged) for w in writers]
    ensemble.wait(lambda: all(len(w.acknowledged) > b + 20 for w, b in zip(writers, before)), "writes after")
    paths = [path for writer in writers for path in writer.finish()]
    ensemble.wait(ensemble.all_serve, "all members to serve again")
    for port in ensemble.ports:
        client = zkwire.Client(port)
        client.must(zkwire.sync("/"))
        names = set(zkwire.read_children(client.must(zkwire.children("/")))[0])
        missing = [path for path in paths if path[1:] not in names]
        assert not missing, f"port {port} misses {len(missing)} of {len(paths)}, for instance {missing[:3]}"
        client.close()
    return f"{len(paths)} writes"


def test_modes(ensemble):
    """one leader, two followers, and a write at each is read at the others after a sync"""
    ensemble.leader()
    clients = [zkwire.Client(port) for port in ensemble.ports]
    for i, client in enumerate(clients):
        client.must(zkwire.create(f"/m{i}", b"%d" % i))
    for client in clients:
        client.must(zkwire.sync("/"))
        for i in range(MEMBERS):
            assert zkwire.read_data(client.must(zkwire.get(f"/m{i}")))[0] == b"%d" % i
        client.close()


def test_kill_leader(ensemble):
    """kill -9 of the leader under load, three times: no session and no acknowledged write lost"""
    def disturb():
        for _ in range(3):
            ensemble.signal(ensemble.leader(), signal.SIGKILL)
            time.sleep(0.5)
            ensemble.wait(ensemble.all_serve, "the killed member to come back")
    return under_load(ensemble, disturb)


def test_kill_follower(ensemble):
    """kill -9 of a follower under load"""
    def disturb():
        ensemble.signal(ensemble.leader() % MEMBERS + 1, signal.SIGKILL)
        time.sleep(0.5)
        ensemble.wait(ensemble.all_serve, "the killed member to come back")
    return under_load(ensemble, disturb)


def test_freeze_leader(ensemble):
    """SIGSTOP of the leader under load, then SIGCONT"""
    def disturb():
        leader = ensemble.leader()
        ensemble.signal(leader, signal.SIGSTOP)
        others = [n for n in range(1, MEMBERS + 1) if n != leader]
        ensemble.wait(lambda: any(ensemble.mode(n) == "leader" for n in others), "another leader")
        ensemble.signal(leader, signal.SIGCONT)
    return under_load(ensemble, disturb)


def test_stop_and_start_all(ensemble):
    """kill -9 of all members at once"""
    def disturb():
        for number in range(1, MEMBERS + 1):
            ensemble.signal(number, signal.SIGKILL)
        time.sleep(0.5)
        ensemble.wait(ensemble.all_serve, "all to come back")
    return under_load(ensemble, disturb)


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("ensemble")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    if options.server != "coord":
        for test in tests:
            report.add("SKIP", test.__doc__, "our own ensemble")
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with Ensemble() as ensemble:
        suite.run_tests(report, options.match, tests, ensemble)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
