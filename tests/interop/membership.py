#!/usr/bin/env python3
"""An ensemble that grows, loses a disk, is repaired and shrinks, as processes, by `./coord member`, under load."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import ensemble
import servers
import suite
import zkwire

SUPER = "super:test"
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
DEADLINE = 90


class Silo:
    """One member: `./coord up` with a folder and ports of its own."""

    def __init__(self, group, number):
        self.group, self.number = group, number
        self.port, self.peer_port = servers.free_port(), servers.free_port()
        self.data, self.log = group.folder / str(number), group.folder / f"log{number}"
        self.process = None

    @property
    def member(self):
        return f"{self.number}={servers.HOST}:{self.peer_port};{servers.HOST}:{self.port}"

    def start(self, *settings):
        members = ",".join(silo.member for silo in self.group.silos.values())
        command = ["./coord", "up", "--port", str(self.port), "--data", str(self.data)]
        for setting in (f"Coord:ReplicaId={self.number}", f"Coord:Members={members}", "Coord:ReconfigEnabled=true",
                        f"Coord:SuperDigest={SUPER_DIGEST}", *self.group.settings, *settings):
            command += ["--set", setting]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def says(self, text):
        return text in self.log.read_text()

    def mode(self):
        try:
            for line in servers.four_letter_word(self.port, "srvr").splitlines():
                if line.startswith("Mode: "):
                    return line.removeprefix("Mode: ")
        except OSError:
            pass
        return None

    def kill(self):
        self.process.kill()
        self.process.wait(servers.STOP_DEADLINE)

    def stop(self):
        self.process.terminate()
        return self.process.wait(servers.STOP_DEADLINE)


class Group:
    """The silos of one ensemble, whatever their number at the moment."""

    silo = Silo

    def __init__(self, settings=()):
        self.settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="interop-"))
        self.silos = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for silo in self.silos.values():
            if silo.process is not None and silo.process.poll() is None:
                silo.process.terminate()
        for silo in self.silos.values():
            if silo.process is not None:
                try:
                    silo.process.wait(servers.STOP_DEADLINE)
                finally:
                    silo.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def ports(self):
        return [silo.port for silo in self.silos.values() if silo.process.poll() is None]

    def add(self, number, *settings):
        self.silos[number] = silo = self.silo(self, number)
        silo.start(*settings)
        return silo

    def wait(self, condition, what):
        suite.eventually(condition, what, DEADLINE)

    def leader(self):
        self.wait(lambda: any(silo.mode() == "leader" for silo in self.silos.values()), "a leader")
        return next(silo for silo in self.silos.values() if silo.mode() == "leader")

    def command(self, *words, code=0):
        """Runs `./coord member` against all members that live."""
        done = subprocess.run(
            ["./coord", "member", *words, "--auth", SUPER,
             "--server", ",".join(f"{servers.HOST}:{port}" for port in self.ports)],
            cwd=servers.REPOSITORY, capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def join(self, number, *words):
        """Starts a silo that waits, and adds it."""
        silo = self.add(number, "Coord:Join=true")
        self.wait(lambda: silo.says("it waits to be added"), "the new silo to wait")
        said = self.command("add", f"{number}={servers.HOST}:{silo.peer_port}", "--clients", str(silo.port), *words)
        assert f"member {number} serves as" in said, said
        return silo


class Load:
    """Writers through all members that there are when it begins; nothing acknowledged may be missing at its end."""

    def __init__(self, group):
        self.group = group

    def __enter__(self):
        self.writers = [ensemble.Writer(self.group, start) for start in range(len(self.group.ports))]
        for writer in self.writers:
            writer.start()
        self.group.wait(lambda: all(len(w.acknowledged) > 20 for w in self.writers), "writes before")

    def __exit__(self, failure, *_):
        if failure:
            for writer in self.writers:
                writer.stopping = True
            return
        before = [len(w.acknowledged) for w in self.writers]
        self.group.wait(
            lambda: all(len(w.acknowledged) > b + 20 for w, b in zip(self.writers, before)), "writes after")
        paths = {path[1:] for writer in self.writers for path in writer.finish()}
        for silo in self.group.silos.values():
            if silo.mode() is None:
                continue
            client = zkwire.Client(silo.port)
            client.must(zkwire.sync("/"))
            missing = paths - set(zkwire.read_children(client.must(zkwire.children("/")))[0])
            assert not missing, f"{silo.number} misses {len(missing)} of {len(paths)}, for instance {min(missing)}"
            client.close()


def test_life_of_an_ensemble():
    """one grows to three, a wiped disk is replaced, an observer is promoted, the leader is removed, all under load"""
    with Group() as group:
        first = group.add(1)
        group.wait(lambda: first.mode() == "leader", "the first silo to serve")
        for number in (2, 3):
            group.join(number)
        with Load(group):
            group.silos[3].kill()
            shutil.rmtree(group.silos[3].data)
            assert "unreachable" in group.command("list")
            group.command("remove", "3")
            assert "refuses it" in group.command(
                "add", f"3={servers.HOST}:1", "--clients", "2", "--wait", "1", code=1)
            group.join(4)
        with Load(group):
            group.join(5, "--observer")
            assert group.silos[5].mode() == "observer"
            group.command("promote", "5")
            leader = group.leader()
            group.command("remove", str(leader.number))
            group.wait(lambda: leader.says("this silo was removed from its ensemble"), "the removed leader to say so")
            assert leader.mode() is None
            assert leader.stop() == 0
        listed = group.command("list")
        assert listed.count("participant") == 3 and listed.count("leader") == 1 and listed.count("follower") == 2, listed
        return listed.splitlines()[-1]


def test_wiped_disk():
    """a member whose disk was wiped is refused under its old id and waits; its data come back under a new one"""
    with Group() as group:
        first = group.add(1)
        group.wait(lambda: first.mode() == "leader", "the first silo to serve")
        for number in (2, 3):
            group.join(number)
        wiped = group.silos[3]
        wiped.kill()
        shutil.rmtree(wiped.data)
        wiped.start("Coord:Join=true")
        group.wait(lambda: wiped.says("one that lost its data needs a new id"), "it to be told")
        assert wiped.mode() is None
        wiped.kill()
        group.command("remove", "3")
        group.join(4)
        client = zkwire.Client(group.silos[4].port)
        client.must(zkwire.get("/zookeeper/config"))
        client.close()


def test_peer_tls():
    """with certificates the members link; a member without one is refused"""
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        files = _certificates(Path(folder))
        with Group([f"Coord:PeerTls:{name}={path}" for name, path in files.items()]) as group:
            first = group.add(1)
            group.wait(lambda: first.mode() == "leader", "the first silo to serve")
            group.join(2)
            group.settings = ()
            stranger = group.add(3, "Coord:Join=true")
            assert "refuses" not in group.command(
                "add", f"3={servers.HOST}:{stranger.peer_port}", "--clients", str(stranger.port), "--wait", "3", code=1)
            group.wait(lambda: first.says("TLS: ") or first.says("Closed 127.0.0.1"), "the stranger to be refused")
            assert stranger.mode() is None
            assert "unreachable" in group.command("list")


def _certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=ours", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=member", "-keyout", "member.key", "-out", "member.csr")
    openssl("x509", "-req", "-in", "member.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
            "-out", "member.pem")
    return {"CertificateFile": folder / "member.pem", "KeyFile": folder / "member.key", "CaFile": folder / "ca.pem"}


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("membership")
    tests = suite.tests_of(sys.modules[__name__])
    if options.server != "coord":
        for test in tests:
            report.add("SKIP", test.__doc__, "our own ensemble")
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    suite.run_tests(report, options.match, tests)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
