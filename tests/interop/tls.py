#!/usr/bin/python3
"""TLS clients: kazoo, openssl and the Java client on the port for TLS, and on the plain one."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError
from kazoo.security import make_acl

import servers
import suite

BOB = "CN=bob,OU=teams,O=Example\\, Inc."


class Folder:
    """An authority, and certificates of it and of a stranger."""

    def __init__(self, path):
        self.path = path
        self._authority("ours")
        self._authority("theirs")
        self.issue("server", "/CN=localhost", "ours")
        self.issue("bob", "/O=Example, Inc./OU=teams/CN=bob", "ours")
        self.issue("eve", "/CN=eve", "theirs")

    def file(self, name):
        return str(self.path / name)

    def issue(self, name, subject, authority):
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                      "-CAcreateserial", "-days", "2", "-out", f"{name}.pem")
        self._openssl("pkcs12", "-export", "-in", f"{name}.pem", "-inkey", f"{name}.key", "-passout", "pass:secret",
                      "-out", f"{name}.p12")

    def _authority(self, name):
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2",
                      "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.path, check=True, capture_output=True)


class Tls:
    """What the tests have: the server's ports and the certificates."""

    def __init__(self, server, port, folder):
        self.server, self.port, self.folder = server, port, folder

    def kazoo(self, who, port=None):
        return KazooClient(f"{servers.HOST}:{port or self.port}", use_ssl=True, verify_certs=False,
                           ca=self.folder.file("ours.pem"), certfile=self.folder.file(f"{who}.pem"),
                           keyfile=self.folder.file(f"{who}.key"))


def test_kazoo(tls):
    """kazoo: what belongs to a certificate's owner is hidden from others"""
    bob = tls.kazoo("bob")
    stranger = KazooClient(tls.server.address)
    try:
        bob.start(timeout=30)
        bob.create("/bob", b"hidden", acl=[make_acl("x509", BOB, all=True)])
        assert bob.get("/bob")[0] == b"hidden"
        stranger.start(timeout=30)
        try:
            stranger.get("/bob")
            raise AssertionError("a stranger reads it")
        except NoAuthError:
            pass
    finally:
        for client in (bob, stranger):
            client.stop()
            client.close()


def test_kazoo_large(tls):
    """kazoo: data of nearly a megabyte there and back"""
    bob = tls.kazoo("bob")
    try:
        bob.start(timeout=30)
        data = os.urandom(1_000_000)
        bob.create("/large", data)
        assert bob.get("/large")[0] == data
    finally:
        bob.stop()
        bob.close()


def test_stranger(tls):
    """kazoo: a certificate of another authority is refused"""
    eve = tls.kazoo("eve")
    try:
        eve.start(timeout=3)
        raise AssertionError("eve is served")
    except eve.handler.timeout_exception:
        pass
    finally:
        eve.stop()
        eve.close()


def test_unified(tls):
    """kazoo: TLS on the plain port"""
    bob = tls.kazoo("bob", tls.server.port)
    try:
        bob.start(timeout=30)
        assert bob.exists("/zookeeper")
    finally:
        bob.stop()
        bob.close()


def test_openssl(tls):
    """openssl s_client: a four-letter word, and the server's certificate is verified"""
    finished = subprocess.run(
        ["openssl", "s_client", "-connect", f"{servers.HOST}:{tls.port}", "-CAfile", tls.folder.file("ours.pem"),
         "-cert", tls.folder.file("bob.pem"), "-key", tls.folder.file("bob.key"), "-verify_return_error", "-quiet"],
        input="ruok", text=True, capture_output=True, timeout=60)
    assert finished.stdout == "imok", finished


def test_java(tls):
    """the Java client over TLS"""
    flags = {"client.secure": "true", "clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty",
             "ssl.hostnameVerification": "false",
             "ssl.keyStore.location": tls.folder.file("bob.p12"), "ssl.keyStore.password": "secret",
             "ssl.trustStore.location": tls.folder.file("ours.pem")}
    # Debian's zkCli.sh leaves Netty out, without which the Java client has no TLS.
    classpath = ":".join([servers.ZOOKEEPER_CLASSPATH, *map(str, Path("/usr/share/java").glob("netty-*.jar"))])
    finished = subprocess.run(["/usr/bin/java", "-cp", classpath, *(f"-Dzookeeper.{k}={v}" for k, v in flags.items()),
                               "org.apache.zookeeper.ZooKeeperMain", "-server", f"{servers.HOST}:{tls.port}",
                               "create", "/cli", "value"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
    assert finished.returncode == 0 and "Created /cli" in finished.stdout, finished.stdout


def main():
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("tls")
    tests = [test_kazoo, test_kazoo_large, test_stranger, test_unified, test_openssl, test_java]
    if options.server != "coord":
        for test in tests:
            report.add("SKIP", test.__doc__, "our settings")
        sys.exit(report.finish())
    path = Path(tempfile.mkdtemp(prefix="interop-tls-"))
    try:
        folder, port = Folder(path), servers.free_port()
        settings = {"Port": port, "OnClientPort": "true", "Certificate": folder.file("server.pem"),
                    "Key": folder.file("server.key"), "Authorities": folder.file("ours.pem")}
        extra = options.set + [f"Coord:ClientTls:{name}={value}" for name, value in settings.items()]
        with servers.Server("coord", extra) as server:
            suite.run_tests(report, options.match, tests, Tls(server, port, folder))
    finally:
        shutil.rmtree(path)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
