#!/usr/bin/env python3
"""Ensembles of 3 and 5 silos as processes under load, killed, frozen, cut off, with full and slow disks; every promise
is checked (tests/Orleans.Coord.Chaos)."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import servers
import suite

PROGRAM = servers.REPOSITORY / "tests/Orleans.Coord.Chaos/bin/Release/net10.0/coord-chaos.dll"
SILO = servers.REPOSITORY / "silo-host/bin/Release/net10.0/Orleans.Coord.SiloHost.dll"

# Hosts, cuts and disks are made in namespaces of our own, which vanish with the processes in them.
NAMESPACES = ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
              "--kill-child"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])


def permitted():
    return all(map(shutil.which, ("unshare", "ip", "mkfs.ext4", "fsfreeze"))) and subprocess.run(
        [*NAMESPACES, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def build():
    if not PROGRAM.exists() or not SILO.exists():
        for project in ("tests/Orleans.Coord.Chaos", "silo-host"):
            subprocess.run(["dotnet", "build", project, "-c", "Release", "--nologo", "-v", "quiet"],
                           cwd=servers.REPOSITORY, check=True)


def run(members, seconds, seed, faults, links):
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        command = (NAMESPACES if links == "namespaces" else []) + [
            "dotnet", PROGRAM, SILO, folder, "--members", str(members), "--seconds", str(seconds), "--seed", str(seed),
            "--links", links] + (["--faults", faults] if faults else [])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace")
        assert done.returncode == 0, f"seed {seed}, code {done.returncode}:\n{done.stdout[-20000:]}"
        return ", ".join(done.stdout.strip().splitlines()[-6:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="how long each ensemble is disturbed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--faults", default="", help="only these, separated by commas")
    parser.add_argument("--links", choices=["namespaces", "proxies"], action="append",
                        help="hosts and disks of their own, the default where permitted, or proxies between members")
    options = parser.parse_args()
    report = suite.Report("chaos")
    if options.server != "coord":
        report.add("SKIP", "all", "for our own ensemble")
    else:
        build()
        for links in options.links or ["namespaces" if permitted() else "proxies"]:
            if links == "proxies":
                report.add("SKIP", "full and slow disks", "behind proxies the members have folders, not disks")
            for members in (3, 5):
                def test(members=members, links=links):
                    return f"{links}, seed {options.seed}, " + run(
                        members, options.seconds, options.seed, options.faults, links)
                test.__doc__ = f"{members} members keep every promise under faults, {links}"
                suite.run_tests(report, options.match, [test])
    report.finish()
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
