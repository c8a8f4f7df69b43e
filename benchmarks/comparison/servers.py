"""The two servers that are compared: how each is started, found, killed and cleaned up."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from comparison import probe

REPOSITORY = Path(__file__).resolve().parents[2]
ZOOKEEPER_JAR = Path("/usr/share/java/zookeeper.jar")
ZOOKEEPER_CONF = Path("/etc/zookeeper/conf")
STOP_SECONDS = 20


def zookeeper_is_installed():
    return ZOOKEEPER_JAR.exists() and shutil.which("java") is not None


def zookeeper_command(home, config):
    """What Debian's zkServer.sh runs with its default environment."""
    return [
        "java",
        f"-Dzookeeper.log.dir={home}",
        "-Dzookeeper.log.file=zookeeper.log",
        "-XX:+HeapDumpOnOutOfMemoryError",
        "-XX:OnOutOfMemoryError=kill -9 %p",
        "-cp", f"{ZOOKEEPER_CONF}:{ZOOKEEPER_JAR}",
        "-Dcom.sun.management.jmxremote",
        "-Dcom.sun.management.jmxremote.local.only=true",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        str(config),
    ]


def zookeeper_config(port, data):
    """Debian's zoo.cfg, on the loopback only, with no limit on connections and no HTTP server on port 8080."""
    return (
        "tickTime=2000\ninitLimit=10\nsyncLimit=5\n"
        f"dataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
        "maxClientCnxns=0\nadmin.enableServer=false\n"
    )


def silo_command(template, port, data):
    return shlex.split(template.format(port=port, data=data))


class Server:
    """A server process with its own directory and port; subclasses know its commands."""

    name = ""

    def __init__(self, directory):
        self.home = Path(directory) / self.name
        self.data = self.home / "data"
        self.data.mkdir(parents=True)
        self.output = self.home / "output.log"
        self.port = _free_port()
        self._process = None

    def command(self):
        raise NotImplementedError

    def pid(self):
        """The process that serves, which need not be the one that was started."""
        raise NotImplementedError

    def pids(self):
        """All processes that serve."""
        return [self.pid()]

    def addresses(self):
        """Where clients connect."""
        return [f"127.0.0.1:{self.port}"]

    def cpu_seconds(self):
        """User and system time of all processes that serve, so far."""
        return sum(_cpu_ticks(pid) for pid in self.pids()) / os.sysconf("SC_CLK_TCK")

    def spawn(self):
        """Starts the process without waiting for it to serve."""
        # A process group of its own keeps Ctrl-C from reaching the server before its time. Not a session: the kernel
        # schedules sessions against each other, and that splits the generator's bursts and inflates its CPU.
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                process_group=0)

    def start(self):
        self.spawn()
        self.wait_for_read("/")

    def wait_for_read(self, path, port=None):
        try:
            return probe.wait_for_read(port or self.port, path, lambda: self._process.poll() is None)
        except RuntimeError as error:
            tail = "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])
            raise RuntimeError(f"{self.name}: {error}; its output ended:\n{tail}") from error

    def memory(self):
        """Resident bytes of all processes that serve, now and at their highest."""
        return tuple(map(sum, zip(*map(_resident_bytes, self.pids()))))

    def kill(self):
        """As a power cut would: kill -9 of the serving process."""
        os.kill(self.pid(), signal.SIGKILL)
        self._await_end()

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._await_end()

    def _await_end(self):
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ZooKeeper(Server):
    name = "zookeeper"

    def __init__(self, directory):
        super().__init__(directory)
        self._config = self.home / "zoo.cfg"
        self._config.write_text(zookeeper_config(self.port, self.data))

    def command(self):
        return zookeeper_command(self.home, self._config)

    def pid(self):
        return self._process.pid

    def join(self, number, lines):
        """Makes it a member of an ensemble, before its first start."""
        self._config.write_text(self._config.read_text() + "".join(lines))
        (self.data / "myid").write_text(str(number))


class ZooKeeperEnsemble:
    """Several of Debian's ZooKeepers as one ensemble, with a server's methods."""

    name = ZooKeeper.name

    def __init__(self, directory, nodes):
        self._members = [ZooKeeper(Path(directory) / str(number)) for number in range(1, nodes + 1)]
        lines = [
            f"server.{number}=127.0.0.1:{_free_port()}:{_free_port()}\n"
            for number, _ in enumerate(self._members, 1)
        ]
        for number, member in enumerate(self._members, 1):
            member.join(number, lines)

    def start(self):
        for member in self._members:
            member.spawn()
        for member in self._members:
            member.wait_for_read("/")

    def stop(self):
        for member in self._members:
            member.stop()

    def pids(self):
        return [member.pid() for member in self._members]

    def memory(self):
        return tuple(map(sum, zip(*(member.memory() for member in self._members))))

    def addresses(self):
        return [address for member in self._members for address in member.addresses()]

    def cpu_seconds(self):
        return sum(member.cpu_seconds() for member in self._members)


class Silo(Server):
    name = "ours"

    def __init__(self, directory, template, name="ours"):
        self.name = name
        super().__init__(directory)
        self._template = template

    def command(self):
        return silo_command(self._template, self.port, self.data)

    def pid(self):
        return int((self.data / "silo.pid").read_text())


class SiloEnsemble(Silo):
    """Silos of one ensemble, started by one command."""

    def __init__(self, directory, template, nodes, name="ours"):
        super().__init__(directory, template + f" --nodes {nodes}", name)
        self.port = _free_ports(nodes)
        self._numbers = range(1, nodes + 1)

    def pids(self):
        return [int((self.data / str(number) / "silo.pid").read_text()) for number in self._numbers]

    def addresses(self):
        return [f"127.0.0.1:{self.port + number - 1}" for number in self._numbers]

    def start(self):
        self.spawn()
        for number in self._numbers:
            self.wait_for_read("/", self.port + number - 1)


def _resident_bytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"{key}:\s+(\d+)", status)[1]) * 1024 for key in ("VmRSS", "VmHWM")]


def _cpu_ticks(pid):
    # After the name, which may hold anything, come the state and then numbers: user and system time are 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _free_ports(count):
    """The first of so many free ports in a row."""
    while True:
        first = _free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
