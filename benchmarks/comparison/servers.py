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

    def wait_for_read(self, path):
        try:
            return probe.wait_for_read(self.port, path, lambda: self._process.poll() is None)
        except RuntimeError as error:
            tail = "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])
            raise RuntimeError(f"{self.name}: {error}; its output ended:\n{tail}") from error

    def memory(self):
        """Resident bytes now and at their highest."""
        status = Path(f"/proc/{self.pid()}/status").read_text()
        return tuple(int(re.search(rf"{key}:\s+(\d+)", status)[1]) * 1024 for key in ("VmRSS", "VmHWM"))

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


class Silo(Server):
    name = "ours"

    def __init__(self, directory, template):
        super().__init__(directory)
        self._template = template

    def command(self):
        return silo_command(self._template, self.port, self.data)

    def pid(self):
        return int((self.data / "silo.pid").read_text())


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
