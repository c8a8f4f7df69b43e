"""Starts and stops the server under test: our silo, or Debian's real ZooKeeper to prove the tests."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import zkwire
from zkwire import HOST

KINDS = ("coord", "zookeeper")
REPOSITORY = Path(__file__).resolve().parents[2]

# `./coord up` may have to build first, on a busy machine.
START_DEADLINE = 300
STOP_DEADLINE = 30

ZOOKEEPER_CLASSPATH = "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar"

# setting: (our setting's name, how ZooKeeper spells it in zoo.cfg or as a Java property)
SETTINGS = {
    "tick_time_ms": ("Coord:TickTimeMs", "tickTime={}"),
    "super_digest": ("Coord:SuperDigest", "-Dzookeeper.DigestAuthenticationProvider.superDigest={}"),
    "extended_types": ("Coord:ExtendedTypes", "-Dzookeeper.extendedTypesEnabled={}"),
    "enforce_quota": ("Coord:EnforceQuota", "-Dzookeeper.enforceQuota={}"),
    "require_auth": ("Coord:RequireAuth", "-Dzookeeper.enforce.auth.schemes={}"),
    "container_check_ms": ("Coord:ContainerCheckMs", "-Dznode.container.checkIntervalMs={}"),
}


def free_port():
    """A port nobody uses, outside the range of outgoing connections.

    The servers are restarted on the same port while clients keep trying to connect: inside that range
    a client could be given the very port as its own, and would then be connected to itself.
    """
    lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, lowest_outgoing)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue


def four_letter_word(port, word):
    """Sends a four-letter word and returns the whole answer as text."""
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(word.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer.decode()


def coord_settings(sasl_users=(), **settings):
    """Settings as our silo spells them."""
    spelled = [f"{SETTINGS[name][0]}={_text(value)}" for name, value in settings.items()]
    return spelled + [f"Coord:Sasl:Users:{user}={password}" for user, password in dict(sasl_users).items()]


def silos(count, extra=(), **settings):
    """The same as silos of an Orleans cluster on this machine, which meet in a folder of the first one's."""
    voters = ",".join(str(number) for number in range(1, count + 1))
    made = [Server("coord", [*extra, "Coord:Host=orleans", f"Coord:ReplicaId={number}", f"Coord:Voters={voters}"],
                   **settings)
            for number in range(1, count + 1)]
    for server in made:
        server._extra.append(f"Coord:ClusterDirectory={made[0].folder / 'cluster'}")
    return made


def ensemble(count, extra=(), **settings):
    """Our members of one ensemble, not launched yet; each is ready only once others are, too."""
    members = ",".join(f"{number}={HOST}:{free_port()}" for number in range(1, count + 1))
    return [Server("coord", [*extra, f"Coord:ReplicaId={number}", f"Coord:Members={members}"], **settings)
            for number in range(1, count + 1)]


class Server:
    """One server with a data folder of its own, on one port for its whole life."""

    def __init__(self, kind, extra=(), sasl_users=(), **settings):
        self.kind = kind
        self.port = free_port()
        self.admin_port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="interop-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.log = self.folder / "server.log"
        self._settings = settings
        self._extra = extra
        self._sasl_users = dict(sasl_users)
        self._process = None
        self._keep = False

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_):
        self.destroy()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self):
        """The serving process; None while `./coord up` has not started it yet."""
        if self.kind == "zookeeper":
            return self._process.pid
        try:
            pid = int((self.data / "silo.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        # After a crash the file still names the dead process, whose number may belong to a stranger.
        return pid if _descends(pid, self._process.pid) else None

    def start(self):
        """Starts the server and returns once it serves."""
        self.launch()
        self.wait_ready()

    def launch(self):
        """Starts the process and returns at once."""
        assert not self.running
        command = self._zookeeper_command() if self.kind == "zookeeper" else self._coord_command()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self):
        deadline = time.monotonic() + START_DEADLINE
        while not self._serves():
            if not self.running:
                raise RuntimeError(f"the server ended with code {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server was not ready in {START_DEADLINE} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self):
        """Ends the server in the orderly way; its data stay."""
        if self.running:
            self._process.terminate()
        self._await_end()

    def kill(self):
        """kill -9 of the serving process, as a crash would; its data stay."""
        pid = self.pid
        if pid is None:
            self._process.terminate()
        else:
            os.kill(pid, signal.SIGKILL)
        self._await_end()

    def destroy(self):
        """Ends the server and removes its folder."""
        if self._process is not None:
            self.stop()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self):
        """Makes the folder outlive the server, for a post-mortem; returns it."""
        self._keep = True
        return self.folder

    def resident_mib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        raise RuntimeError("the server has no resident memory: it is not running")

    def log_tail(self, lines=25):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _serves(self):
        if self.kind == "coord":
            with open(self.log, "rb") as log:
                log.seek(self._log_start)
                return f"ready {self.address}\n".encode() in log.read()
        # Four-letter words are answered too early: a session asked for at that time can stay unserved.
        try:
            zkwire.Client(self.port, deadline=1).close()
            return True
        except (OSError, zkwire.Disconnected):
            return False

    def _await_end(self):
        try:
            self._process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"the server did not end in {STOP_DEADLINE} s:\n{self.log_tail()}") from None

    def _coord_command(self):
        command = ["./coord", "up", "--port", str(self.port), "--data", str(self.data)]
        for setting in [f"Coord:AdminPort={self.admin_port}", *coord_settings(self._sasl_users, **self._settings), *self._extra]:
            command += ["--set", setting]
        return command

    def _zookeeper_command(self):
        lines = [f"dataDir={self.data}", f"clientPort={self.port}", f"clientPortAddress={HOST}",
                 "maxClientCnxns=0", "admin.enableServer=false", "4lw.commands.whitelist=*"]
        properties = ["-Xmx512m", "-Dfile.encoding=UTF-8"]
        for name, value in self._settings.items():
            spelled = SETTINGS[name][1].format(_text(value))
            (properties if spelled.startswith("-D") else lines).append(spelled)
        if "require_auth" in self._settings:
            properties.append("-Dzookeeper.enforce.auth.enabled=true")
        if self._sasl_users:
            properties.append(f"-Djava.security.auth.login.config={self._jaas()}")
            lines.append("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
        configuration = self.folder / "zoo.cfg"
        configuration.write_text("\n".join(lines) + "\n")
        return ["/usr/bin/java", "-cp", ZOOKEEPER_CLASSPATH, *properties,
                "-Dlog4j.configuration=file:" + str(self._log4j()),
                "org.apache.zookeeper.server.ZooKeeperServerMain", str(configuration)]

    def _jaas(self):
        path = self.folder / "jaas.conf"
        users = " ".join(f'user_{user}="{password}"' for user, password in self._sasl_users.items())
        path.write_text(f"Server {{ org.apache.zookeeper.server.auth.DigestLoginModule required {users}; }};\n")
        return path

    def _log4j(self):
        path = self.folder / "log4j.properties"
        path.write_text("log4j.rootLogger=WARN, console\n"
                        "log4j.appender.console=org.apache.log4j.ConsoleAppender\n"
                        "log4j.appender.console.layout=org.apache.log4j.PatternLayout\n"
                        "log4j.appender.console.layout.ConversionPattern=%d %-5p %c{1} %m%n\n")
        return path


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _descends(pid, ancestor):
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            # The fields after the command's name, which may itself hold blanks: state, parent.
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return False
    return False
