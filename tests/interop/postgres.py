#!/usr/bin/env python3
"""Silos of an Orleans cluster that find each other in a PostgreSQL database, as processes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ensemble
import servers
import suite

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


class Postgres:
    """A database server of its own in a temporary folder; it refuses to run as root, so then it runs as postgres."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="interop-"))
        self.port = servers.free_port()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "--auth=trust", "--no-sync", "--username=coord")
        self.start()
        return self

    def __exit__(self, *_):
        self._run("pg_ctl", "stop", "--mode=immediate", "--wait")
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder}/log",
                  f"--options=-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1")

    def restart(self, pause):
        self._run("pg_ctl", "stop", "--mode=immediate", "--wait")
        time.sleep(pause)
        self.start()

    def setting(self, database="postgres"):
        return f"Coord:Database=Host=127.0.0.1;Port={self.port};Username=coord;Database={database};Timeout=3"

    def _run(self, program, *options):
        command = [PROGRAMS / program, f"--pgdata={self.folder}/data", *options]
        if os.geteuid() == 0:
            command = ["runuser", "--user=postgres", "--", *command]
        subprocess.run(command, check=True, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.STDOUT)


def coord(*arguments):
    """Runs a command of ours to its end; returns its code and all it printed."""
    done = subprocess.run(["./coord", *arguments], cwd=servers.REPOSITORY, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=servers.START_DEADLINE)
    return done.returncode, done.stdout


def without_orleans(server):
    """Why tests of an Orleans cluster cannot run here; None if they can."""
    return ("our own clustering" if server != "coord"
            else "built without Orleans" if "with Orleans" not in coord("orleans")[1] else None)


def missing(server):
    """Why tests of silos with a database cannot run here; None if they can."""
    return without_orleans(server) or (None if PROGRAMS.exists() else "PostgreSQL 15 is not installed")


def test_not_initialized(database):
    """a silo says that the database is not initialized, and init-db that it cannot be reached"""
    with tempfile.TemporaryDirectory() as folder:
        code, text = coord("up", "--port", "0", "--data", folder, "--set", database.setting())
    assert code == 1 and "run ./coord init-db" in text, text
    code, text = coord("init-db", "--set", database.setting("missing"))
    assert code == 1 and "missing" in text, text
    code, text = coord("init-db", "--set", "Coord:Database=Host=127.0.0.1;Port=1;Username=nobody;Timeout=1")
    assert code == 1 and "cannot be used" in text, text


def test_initialize(database):
    """init-db prepares a database, and changes nothing when it is repeated"""
    for _ in range(2):
        code, text = coord("init-db", "--set", database.setting())
        assert code == 0 and "ready" in text, text


def test_silos(database):
    """three silos: modes, kill -9 of the leader under load, the database gone for five seconds under load"""
    with ensemble.Ensemble([database.setting()]) as silos:
        assert not (silos.data / "cluster").exists()
        ensemble.test_modes(silos)
        ensemble.under_load(silos, lambda: silos.signal(silos.leader(), signal.SIGKILL))
        pids = [silos.pid(number) for number in range(1, ensemble.MEMBERS + 1)]
        note = ensemble.under_load(silos, lambda: database.restart(pause=5))
        assert pids == [silos.pid(number) for number in range(1, ensemble.MEMBERS + 1)], "a silo was restarted"
        return note


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("postgres")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    lacking = missing(options.server)
    if lacking:
        for test in tests:
            report.add("SKIP", test.__doc__, lacking)
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with Postgres() as database:
        suite.run_tests(report, options.match, tests, database)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
