#!/usr/bin/env python3
"""The samples as processes: what their first lines promise is what they do."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import ensemble
import servers
import suite
import zkwire

SAMPLES = ("LeaderWorker", "LiveConfiguration", "LockWorkers", "WorkQueue")


class Sample:
    """One process of a sample, and the lines it has printed."""

    def __init__(self, name, *arguments):
        self.lines = []
        program = servers.REPOSITORY / "samples" / name / "bin/Release/net10.0" / f"{name}.dll"
        self.process = subprocess.Popen(
            ["dotnet", str(program), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={**os.environ, "DOTNET_gcServer": "0"})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def signal(self, what):
        if self.process.poll() is None:
            os.kill(self.process.pid, what)

    def await_line(self, pattern, start=0):
        """Waits for a line that matches, from a number of lines on; the number of the line after it."""
        def found():
            return next((i for i in range(start, len(self.lines)) if re.search(pattern, self.lines[i])), None)
        suite.eventually(lambda: found() is not None, f"{pattern!r} in {self.lines[-8:]}", 60)
        return found() + 1

    def stop(self):
        """Ctrl-C, and the end."""
        self.signal(signal.SIGINT)
        assert self.process.wait(30) == 0, self.lines


def test_leader(address):
    """LeaderWorker: one leads; after kill -9 the other takes over, after Ctrl-C at once"""
    with Sample("LeaderWorker", address, "ann") as ann:
        ann.await_line("ann: leads")
        with Sample("LeaderWorker", address, "bob") as bob:
            bob.await_line("bob: stands")
            assert not any("leads" in line for line in bob.lines)
            ann.signal(signal.SIGKILL)
            bob.await_line("bob: leads")
            with Sample("LeaderWorker", address, "cid") as cid:
                cid.await_line("cid: stands")
                bob.stop()
                cid.await_line("cid: leads")


def test_live_configuration(address):
    """LiveConfiguration: a written znode is in the next answer, and the health check is healthy"""
    port = servers.free_port()

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    client = zkwire.Client(int(address.rsplit(":", 1)[1]))
    for path in ("/samples", "/samples/config", "/samples/config/Greeting"):
        client.call(zkwire.create(path, b"hello from a znode"))
    with Sample("LiveConfiguration", "--urls", f"http://127.0.0.1:{port}", f"--Coord:ConnectionString={address}"):
        suite.eventually(lambda: get("/") == "hello from a znode", "the first value")
        client.must(zkwire.put("/samples/config/Greeting", b"changed"))
        suite.eventually(lambda: get("/") == "changed", "the changed value")
        suite.eventually(lambda: get("/health") == "Healthy", "a healthy client")
    client.close()


def test_frozen_holder(address):
    """LockWorkers: a holder that was frozen comes too late, and its write is refused by its token"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store"
        with Sample("LockWorkers", address, "ann", file, 300) as ann, \
                Sample("LockWorkers", address, "bob", file, 300) as bob:
            bob.await_line("wrote")
            ann.await_line("wrote")
            held = ann.await_line("holds the lock", len(ann.lines))
            ann.signal(signal.SIGSTOP)
            bob.await_line("wrote", bob.await_line("holds the lock", len(bob.lines)))
            ann.signal(signal.SIGCONT)
            ann.await_line("REFUSED", held)
            ann.await_line("wrote", held)
        check_tokens(file)


def test_queue(address):
    """WorkQueue: every job is done once, although one of three consumers is killed at its work"""
    jobs = 40
    with Sample("WorkQueue", address, "produce", jobs) as producer:
        assert producer.process.wait(60) == 0, producer.lines
    client = zkwire.Client(int(address.rsplit(":", 1)[1]))
    with Sample("WorkQueue", address, "consume", "a") as a, Sample("WorkQueue", address, "consume", "b") as b, \
            Sample("WorkQueue", address, "consume", "c"):
        a.await_line("a: job")
        a.signal(signal.SIGKILL)
        b.await_line("b: job")
        suite.eventually(lambda: len(done(client)) >= jobs, "all jobs to be done", 60)
        assert sorted(done(client)) == sorted(f"job {i}" for i in range(1, jobs + 1))
    client.close()


def done(client):
    client.must(zkwire.sync("/"))
    names = zkwire.read_children(client.must(zkwire.children("/samples/done")))[0]
    return [zkwire.read_data(client.must(zkwire.get(f"/samples/done/{name}")))[0].decode() for name in names]


def check_tokens(file):
    """Of the writes that a store let in the tokens never fall, and no token is two workers'."""
    written = [line.split() for line in file.read_text().splitlines()]
    tokens = [int(token) for token, _ in written]
    assert tokens == sorted(tokens), tokens
    assert len({token for token, _ in written}) == len({tuple(pair) for pair in written})
    return written


def test_history(group):
    """LockWorkers on an ensemble: holders frozen, leaders killed; no late write gets in, by token or by guard"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store"
        address = ",".join(f"127.0.0.1:{port}" for port in group.ports)
        workers = [Sample("LockWorkers", address, f"w{i}", file, 50) for i in range(4)]
        try:
            for worker in workers:
                worker.await_line("wrote")
            for _ in range(3):
                frozen = freeze_holder(workers)
                group.signal(group.leader(), signal.SIGKILL)
                other = next(worker for worker in workers if worker is not frozen)
                other.await_line("wrote", other.await_line("holds the lock", len(other.lines)))
                time.sleep(0.5)
                other.await_line("wrote", other.await_line("holds the lock", len(other.lines)))
                frozen.signal(signal.SIGCONT)
                frozen.await_line("wrote", frozen.await_line("holds the lock", len(frozen.lines)))
                group.wait(group.all_serve, "the killed member to come back")
        finally:
            for worker in workers:
                worker.__exit__()
        written = check_tokens(file)
        guarded = guarded_tokens(group)
        assert guarded == sorted(guarded), guarded
        assert len(set(guarded)) == len(guarded), "two guarded writes under one token"
        refused = sum("REFUSED" in line for worker in workers for line in worker.lines)
    return f"{len(written)} writes by token, {len(guarded)} by guard, {refused} refused"


def freeze_holder(workers):
    """Stops the worker that has just been granted the lock."""
    seen = [len(worker.lines) for worker in workers]
    while True:
        for worker, start in zip(workers, seen):
            if any("holds the lock" in line for line in worker.lines[start:]):
                worker.signal(signal.SIGSTOP)
                return worker
        time.sleep(0.002)


def guarded_tokens(group):
    client = zkwire.Client(group.ports[0])
    client.must(zkwire.sync("/"))
    names = sorted(zkwire.read_children(client.must(zkwire.children("/samples/lock-log")))[0])
    tokens = [int(zkwire.read_data(client.must(zkwire.get(f"/samples/lock-log/{name}")))[0].split()[0])
              for name in names]
    client.close()
    return tokens


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("samples")
    for sample in SAMPLES:
        subprocess.run(["dotnet", "build", f"samples/{sample}", "-c", "Release", "--nologo", "-v", "quiet"],
                       cwd=servers.REPOSITORY, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    tests = [test_leader, test_live_configuration, test_frozen_holder, test_queue]
    with servers.Server(options.server) as server:
        suite.run_tests(report, options.match, tests, server.address)
    if options.server == "coord":
        with ensemble.Ensemble() as group:
            suite.run_tests(report, options.match, [test_history], group)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
