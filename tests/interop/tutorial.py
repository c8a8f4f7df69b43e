#!/usr/bin/python3
"""What every ZooKeeper tutorial shows in its first two minutes, with kazoo."""

import logging
import socket
import sys
import threading
import uuid

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoAuthError, NodeExistsError, NoNodeError, RolledBackError
from kazoo.security import make_digest_acl

import servers
import suite
import zkwire
from suite import eventually


class Tutorial:
    """Starts clients for one test at a time and stops them after it."""

    def __init__(self, server):
        self.port = server.port
        self._clients = []

    def client(self, chroot="", **options):
        client = KazooClient(f"{servers.HOST}:{self.port}{chroot}", **options)
        client.start(timeout=30)
        self._clients.append(client)
        return client

    def stop_clients(self):
        while self._clients:
            client = self._clients.pop()
            client.stop()
            client.close()


def test_crud(tutorial):
    """create, get, set and delete /test and /example"""
    client = tutorial.client()
    for path in ("/test", "/example"):
        assert client.create(path, b"one") == path
        data, stat = client.get(path)
        assert (data, stat.version) == (b"one", 0)
        assert client.set(path, b"two").version == 1
        assert client.get(path)[0] == b"two"
        try:
            client.set(path, b"three", version=0)
            raise AssertionError("a set with an old version succeeded")
        except BadVersionError:
            pass
        client.delete(path)
        assert client.exists(path) is None


def test_errors(tutorial):
    """a missing node and an existing one are told as such"""
    client = tutorial.client()
    client.create("/once")
    for attempt, expected in ((lambda: client.create("/once"), NodeExistsError),
                              (lambda: client.get("/missing"), NoNodeError),
                              (lambda: client.create("/missing/child"), NoNodeError)):
        try:
            attempt()
            raise AssertionError(f"no {expected.__name__}")
        except expected:
            pass
    client.delete("/once")


def test_paths(tutorial):
    """ensure_path, children, recursive delete"""
    client = tutorial.client()
    client.ensure_path("/my/favourite/node")
    client.create("/my/favourite/other", b"a value")
    assert sorted(client.get_children("/my/favourite")) == ["node", "other"]
    assert client.exists("/my/favourite").numChildren == 2
    client.delete("/my", recursive=True)
    assert client.exists("/my") is None


def test_ephemeral(tutorial):
    """an ephemeral node vanishes when its client stops"""
    watcher, owner = tutorial.client(), tutorial.client()
    owner.create("/alive", ephemeral=True)
    gone = threading.Event()
    assert watcher.exists("/alive", watch=lambda event: gone.set()).ephemeralOwner == owner.client_id[0]
    owner.stop()
    assert gone.wait(30)
    assert watcher.exists("/alive") is None


def test_sequence(tutorial):
    """sequence nodes are numbered in order"""
    client = tutorial.client()
    client.create("/queue")
    created = [client.create("/queue/item-", sequence=True) for _ in range(3)]
    assert created == [f"/queue/item-{number:010}" for number in range(3)]
    client.delete("/queue", recursive=True)


def test_watches(tutorial):
    """DataWatch and ChildrenWatch follow changes"""
    watcher, writer = tutorial.client(), tutorial.client()
    writer.create("/watched", b"0")
    values, lists = [], []
    watcher.DataWatch("/watched", lambda data, stat: values.append(data))
    watcher.ChildrenWatch("/watched", lambda names: lists.append(sorted(names)))
    for number in (b"1", b"2"):
        writer.set("/watched", number)
        eventually(lambda: values[-1] == number, f"DataWatch sees {number}")
    writer.create("/watched/a")
    eventually(lambda: lists[-1] == ["a"], "ChildrenWatch sees the new child")
    writer.delete("/watched", recursive=True)
    eventually(lambda: values[-1] is None, "DataWatch sees the deletion")


def test_lock(tutorial):
    """a Lock contended by two clients is held by one at a time"""
    holders, most, turns = [], [0], 20

    def work(client):
        for _ in range(turns):
            with client.Lock("/lock", uuid.uuid4().hex):
                holders.append(client)
                most[0] = max(most[0], len(holders))
                client.exists("/lock")
                holders.remove(client)

    threads = [threading.Thread(target=work, args=[tutorial.client()], daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert most == [1]


def test_election(tutorial):
    """an Election passes on when the leader stops"""
    leaders = []

    def run(client, name, resign):
        def lead():
            leaders.append(name)
            resign.wait(60)
        client.Election("/election", name).run(lead)

    resignations = {"first": threading.Event(), "second": threading.Event()}
    for name, resign in resignations.items():
        threading.Thread(target=run, args=[tutorial.client(), name, resign], daemon=True).start()
        eventually(lambda: name in tutorial.client().Election("/election").contenders(), f"{name} is a candidate")
    eventually(lambda: leaders == ["first"], "the first candidate leads")
    resignations["first"].set()
    eventually(lambda: leaders == ["first", "second"], "the second candidate leads")
    resignations["second"].set()
    eventually(lambda: not tutorial.client().Election("/election").contenders(), "the second candidate resigned")


def test_transaction(tutorial):
    """a transaction happens as a whole or not at all"""
    client = tutorial.client()
    good = client.transaction()
    good.create("/account", b"10")
    good.check("/account", 0)
    good.set_data("/account", b"20")
    created, checked, changed = good.commit()
    assert (created, checked, changed.version) == ("/account", True, 1)

    bad = client.transaction()
    bad.set_data("/account", b"30")
    bad.delete("/missing")
    first, second = bad.commit()
    assert isinstance(first, RolledBackError) and isinstance(second, NoNodeError)
    assert client.get("/account")[0] == b"20"
    client.delete("/account")


def test_acl(tutorial):
    """a digest ACL lets in who has the password only"""
    owner, stranger = tutorial.client(auth_data=[("digest", "user:password")]), tutorial.client()
    owner.create("/secret", b"hidden", acl=[make_digest_acl("user", "password", all=True)])
    assert owner.get("/secret")[0] == b"hidden"
    for attempt in (lambda: stranger.get("/secret"), lambda: stranger.set("/secret", b"")):
        try:
            attempt()
            raise AssertionError("let in without the password")
        except NoAuthError:
            pass
    stranger.add_auth("digest", "user:password")
    assert stranger.get("/secret")[0] == b"hidden"
    owner.delete("/secret")


def test_reattach(tutorial):
    """a session goes on after its TCP connection is cut, with its ephemerals and watches"""
    client, other = tutorial.client(), tutorial.client()
    client.create("/mine", b"", ephemeral=True)
    changed = threading.Event()
    client.exists("/mine", watch=lambda event: changed.set())
    session = client.client_id
    states = []
    client.add_listener(states.append)
    client._connection._socket.shutdown(socket.SHUT_RDWR)
    eventually(lambda: states == ["SUSPENDED", "CONNECTED"], "the client reconnects")
    assert client.client_id == session
    assert other.exists("/mine").ephemeralOwner == session[0]
    other.set("/mine", b"changed")
    assert changed.wait(30)

    # The same from another process: only the id and the password are handed over.
    heir = tutorial.client(client_id=session)
    assert heir.client_id == session
    assert heir.exists("/mine").ephemeralOwner == session[0]


def test_expiry(tutorial):
    """a client that falls silent loses its session and its ephemerals"""
    watcher, silent = tutorial.client(), zkwire.Client(tutorial.port, timeout_ms=4000)
    silent.must(zkwire.create("/silent", flags=zkwire.EPHEMERAL))
    gone = threading.Event()
    assert watcher.exists("/silent", watch=lambda event: gone.set())
    assert gone.wait(60)
    assert watcher.exists("/silent") is None
    silent.abort()


def test_chroot(tutorial):
    """a chroot in the connect string hides what is above it"""
    outside = tutorial.client()
    outside.ensure_path("/tenant")
    inside = tutorial.client("/tenant")
    assert inside.create("/inner", b"x") == "/inner"
    assert outside.get("/tenant/inner")[0] == b"x"
    assert inside.get_children("/") == ["inner"]
    outside.delete("/tenant", recursive=True)


def main():
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("tutorial")
    with servers.Server(options.server, options.set) as server:
        for test in suite.tests_of(sys.modules[__name__]):
            tutorial = Tutorial(server)
            suite.run_tests(report, options.match, [test], tutorial)
            tutorial.stop_clients()
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
