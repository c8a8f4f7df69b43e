#!/usr/bin/env python3
"""The command line as an operator meets it: what `./coord up` prints, and what it says when it cannot start."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import servers
import suite
import zkwire

LIMIT = 300


def up(*options, environment=None, cwd=servers.REPOSITORY):
    """Runs `coord up` to its end; returns its exit code and what it printed."""
    done = subprocess.run(
        [servers.REPOSITORY / "coord", "up", *map(str, options)], cwd=cwd, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT,
        env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout


def refused(words, *options, **how):
    """Starts a silo that must refuse, with one line for the operator that has all the words and no stack trace."""
    code, output = up(*options, **how)
    assert code != 0, output
    lines = [line for line in output.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, output
    assert "   at " not in output and "Unhandled" not in output, output


def test_ready_and_stop(folder):
    """ready is printed once it serves, the pid file names the silo, and Ctrl-C ends it cleanly"""
    with servers.Server("coord") as server:
        pid = server.pid
        assert pid is not None and Path(f"/proc/{pid}").exists()
        zkwire.Client(server.port).close()
        os.kill(pid, signal.SIGINT)
        assert server._process.wait(LIMIT) == 0, server.log_tail()
        log = server.log.read_text()
        for word in (f"ready 127.0.0.1:{server.port}", str(server.data), "stopping"):
            assert word in log, log
        assert not (server.data / "silo.pid").exists()


def test_sigterm(folder):
    """SIGTERM ends it cleanly too"""
    with servers.Server("coord") as server:
        os.kill(server.pid, signal.SIGTERM)
        assert server._process.wait(LIMIT) == 0, server.log_tail()


def test_localhost_v6(folder):
    """localhost means ::1 too, where the machine has it"""
    with servers.Server("coord") as server:
        try:
            socket.create_connection(("::1", 1), timeout=5)
        except ConnectionRefusedError:
            socket.create_connection(("::1", server.port), timeout=30).close()
        except OSError:
            return "no IPv6 on this machine"


def test_disk_nearly_full(folder):
    """a disk that is nearly full is told in the log and in mntr; writes are refused, reads are not"""
    reserve = shutil.disk_usage(folder).free + (1 << 30)
    with servers.Server("coord", [f"Coord:DiskReserveBytes={reserve}"]) as server:
        suite.eventually(
            lambda: "zk_coord_disk_low\t1\n" in servers.four_letter_word(server.port, "mntr"), "the disk to be low")
        client = zkwire.Client(server.port)
        assert client.call(zkwire.create("/a", b"")).error == -1
        client.must(zkwire.children("/"))
        client.close()
        assert f"The disk of {server.data} is nearly full" in server.log.read_text()


def test_busy_port(folder):
    """a busy port"""
    with socket.socket() as busy:
        busy.bind((servers.HOST, 0))
        busy.listen()
        refused([str(busy.getsockname()[1]), "in use"], "--port", busy.getsockname()[1], "--data", folder / "d")


def test_owned_directory(folder):
    """a data directory that another silo owns"""
    with servers.Server("coord") as server:
        refused([str(server.data), str(server.pid), "in use"], "--port", 0, "--data", server.data)
        zkwire.Client(server.port).close()


def test_unwritable_directory(folder):
    """a data directory that cannot be made"""
    (folder / "file").write_text("")
    refused([str(folder / "file"), "not a directory"], "--port", 0, "--data", folder / "file")
    refused(["/proc/coord", "cannot be used"], "--port", 0, "--data", "/proc/coord")


def test_bad_settings(folder):
    """bad settings: misspelt, of the wrong type, out of range, without a value"""
    place = ("--port", 0, "--data", folder / "d")
    refused(["Coord:TickTime ", "TickTimeMs"], *place, "--set", "Coord:TickTime=5")
    refused(["Coord:TickTimeMs", "'soon'", "number"], *place, "--set", "Coord:TickTimeMs=soon")
    refused(["Coord:ExtendedTypes", "'maybe'", "true or false"], *place, "--set", "Coord:ExtendedTypes=maybe")
    refused(["Coord:ClientPort", "70000", "65535"], "--port", 70000, "--data", folder / "d")
    refused(["Coord:ClientAddress", "'nowhere'"], *place, "--set", "Coord:ClientAddress=nowhere")
    refused(["Coord:FourLetterWords", "'ruokk'"], *place, "--set", "Coord:FourLetterWords=ruokk")
    refused(["Coord:TickTimeMs", "no value"], *place, "--set", "Coord:TickTimeMs")
    refused(["missing.json", "does not exist"], *place, "--config", folder / "missing.json")
    (folder / "broken.json").write_text("{ \"Coord\": ")
    refused(["broken.json", "not valid JSON"], *place, "--config", folder / "broken.json")


def test_bad_member_settings(folder):
    """members and the certificates of their links that do not do are refused, each with a sentence"""
    place = ["--port", servers.free_port(), "--data", folder / "d"]
    one = ["--set", f"Coord:Members=1=127.0.0.1:{servers.free_port()}"]
    refused(["Coord:Members", "'1=here'", "ID=HOST:PORT"], *place, "--set", "Coord:Members=1=here")
    refused(["Coord:ReplicaId is 7"], *place, *one, "--set", "Coord:ReplicaId=7")
    refused(["Coord:Join", "Members names"], *place, "--set", "Coord:Join=true")
    refused(["Coord:EnsembleName", "'a b'"], *place, "--set", "Coord:EnsembleName=a b")
    refused(["Coord:PeerTls:CertificateFile", "Coord:PeerTls:CaFile", "is not set"],
            *place, *one, "--set", "Coord:PeerTls:CaFile=ca.pem")
    files = {"CertificateFile": folder / "none.pem", "CaFile": folder / "none.pem"}
    refused(["Coord:PeerTls:CaFile", "none.pem", "cannot be used"], *place, *one,
            *(word for name, path in files.items() for word in ("--set", f"Coord:PeerTls:{name}={path}")))
    empty = folder / "empty.pem"
    empty.write_text("")
    files["CaFile"] = empty
    refused(["Coord:PeerTls:CaFile", "no certificate"], *place, *one,
            *(word for name, path in files.items() for word in ("--set", f"Coord:PeerTls:{name}={path}")))


def test_sources_of_settings(folder):
    """settings come from the file, the environment and flags, and the later wins"""
    (folder / "s.json").write_text('{ "Coord": { "TickTimeMs": 1, "MinSessionTimeoutMs": 7 } }')
    place = ("--config", folder / "s.json", "--port", 0, "--data", folder / "d")
    refused(["TickTimeMs", "'1'"], *place)
    refused(["TickTimeMs", "'2'"], *place, environment={"Coord__TickTimeMs": "2"})
    refused(["TickTimeMs", "'3'"], *place, "--set", "Coord:TickTimeMs=3", environment={"Coord__TickTimeMs": "2"})


def test_damaged_log(folder):
    """a damaged log is refused with the file's name, and the last batch is given up only on demand"""
    with servers.Server("coord") as server:
        client = zkwire.Client(server.port)
        for i in range(50):
            client.must(zkwire.create(f"/n{i}", b"x" * 100))
        server.kill()
        log = max(server.data.glob("log-*.wal"))
        content = bytearray(log.read_bytes())
        end = max(i for i in range(0, len(content), 512) if any(content[i:i + 512]))
        content[end // 2 // 512 * 512 + 100] ^= 0xFF
        log.write_bytes(content)
        refused([log.name], "--port", 0, "--data", server.data)


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("cli")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    if options.server != "coord":
        for test in tests:
            report.add("SKIP", test.__doc__, "our own command line")
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        suite.run_tests(report, options.match, tests, Path(folder))
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
