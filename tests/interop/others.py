#!/usr/bin/python3
"""Clients and recipes that others wrote, under load, while the server is killed: Curator, node-zookeeper-client."""

import glob
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

HERE = Path(__file__).resolve().parent
CURATOR = Path("/usr/share/java/curator-recipes.jar")
CLASSES = ":".join(glob.glob("/usr/share/java/curator-*.jar")) + ":" + servers.ZOOKEEPER_CLASSPATH + \
    ":/usr/share/java/guava.jar:/usr/share/java/failureaccess.jar"
NODE_CLIENT = "node-zookeeper-client@1.1.3"
DEADLINE = 120


class One:
    """One silo, killed and started again."""

    def __init__(self, options):
        self._server = servers.Server(options.server, options.set)

    def __enter__(self):
        self._server.__enter__()
        self.addresses = self._server.address
        return self

    def __exit__(self, *ended):
        self._server.__exit__(*ended)

    def disturb(self):
        for _ in range(2):
            self._server.kill()
            self._server.start()
            time.sleep(1)


class Three:
    """Three silos, whose leader is killed; it comes back by itself."""

    def __init__(self, options):
        self._members = ensemble.Ensemble(options.set)

    def __enter__(self):
        self._members.__enter__()
        self.addresses = self._members.address
        return self

    def __exit__(self, *ended):
        self._members.__exit__(*ended)

    def disturb(self):
        for _ in range(3):
            self._members.signal(self._members.leader(), signal.SIGKILL)
            time.sleep(1)
        self._members.wait(self._members.all_serve, "all members to come back")


def under_load(server, command, environment=None):
    """Runs a program until it is under load, disturbs the server, and lets the program check what it did."""
    process = subprocess.Popen([*command, server.addresses], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})})
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if line == "running\n":
                break
        assert said and said[-1] == "running\n", "".join(said)[-3000:]
        server.disturb()
        rest, _ = process.communicate("\n", timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, (rest or "")[-3000:]
    return ", ".join(line for line in rest.splitlines() if line and not line.startswith("SLF4J"))


def curator(folder, server):
    assert CURATOR.exists(), "Debian's libcurator-recipes-java is not installed"
    subprocess.run(["javac", "-nowarn", "-cp", CLASSES, "-d", folder, HERE / "CuratorRecipes.java"], check=True)
    return under_load(server, ["java", "-Xmx256m", "-cp", f"{CLASSES}:{folder}", "CuratorRecipes"])


def node(folder, server):
    installed = subprocess.run(["npm", "install", "--silent", "--prefix", folder, NODE_CLIENT], capture_output=True)
    assert installed.returncode == 0, installed.stderr.decode()
    return under_load(server, ["node", HERE / "node_client.js"], {"NODE_PATH": str(folder / "node_modules")})


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("others")
    programs = {
        "Curator's lock, leader latch and caches": (curator, ("java", "javac"), CURATOR),
        "node-zookeeper-client": (node, ("node", "npm"), HERE),
    }
    for kind, how in ((One, "one silo that is killed"), (Three, "three silos whose leader is killed")):
        if kind is Three and options.server != "coord":
            continue
        tests = []
        for what, (program, tools, needed) in programs.items():
            title = f"{what}, {how}"
            if not all(map(shutil.which, tools)) or not needed.exists():
                report.add("SKIP", title, f"wants {', '.join(tools)} and {needed.name}")
                continue
            tests.append(_test(title, program))
        if any(options.match.lower() in test.__doc__.lower() for test in tests):
            with kind(options) as server, tempfile.TemporaryDirectory(prefix="interop-") as folder:
                suite.run_tests(report, options.match, tests, Path(folder), server)
    sys.exit(report.finish())


def _test(title, program):
    def test(folder, server):
        return program(folder, server)
    test.__doc__ = title
    return test


if __name__ == "__main__":
    main()
