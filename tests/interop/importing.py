#!/usr/bin/python3
"""`coord import` from a live ZooKeeper and from its data directory: everything is there, to the stat."""

import logging
import os
import subprocess
import sys

from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl

import servers
import suite
import zkwire

SUPER = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # whose password is `test`


class Source:
    """A real ZooKeeper with all kinds of znodes, and what it says of them."""

    def __init__(self, server):
        self.server = server
        self._fill()
        self.znodes = read_all(server.port)

    def _fill(self):
        client = KazooClient(self.server.address)
        client.start(timeout=60)
        client.create("/app", b"root of the application")
        client.create("/app/null", None)
        client.create("/app/empty", b"")
        client.create("/app/binary", bytes(range(256)) * 40)
        client.create("/app/ümlaut €", b"utf-8")
        client.create("/app/read-only", b"x", acl=[make_acl("world", "anyone", read=True)])
        client.create("/app/secret", b"hidden", acl=[make_digest_acl("bob", "pw", all=True)])
        for number in range(3):
            client.set("/app", b"version %d" % number)
            client.create("/app/s-", b"", sequence=True)
        client.delete("/app/s-0000000008")
        client.set_acls("/app/empty", OPEN_ACL_UNSAFE)
        client.create("/app/ephemeral", b"", ephemeral=True)
        deep = ""
        for number in range(30):
            deep += f"/d{number}"
            client.create(deep, b"%d" % number)
        requests = [client.create_async(f"/app/empty/{number:04}", os.urandom(20)) for number in range(2000)]
        for request in requests:
            request.get(60)
        transaction = client.transaction()
        transaction.create("/in-multi", b"1")
        transaction.set_data("/app/null", b"no longer")
        transaction.delete("/app/empty/0000")
        assert not [result for result in transaction.commit() if isinstance(result, Exception)]
        failed = client.transaction()
        failed.create("/never", b"")
        failed.check("/app", 99)
        failed.commit()
        self.client = client

    def close(self):
        self.client.stop()
        self.client.close()


def read_all(port):
    """All persistent znodes: path to data, stat and list."""
    client = KazooClient(f"{servers.HOST}:{port}", auth_data=[("digest", "super:test")])
    client.start(timeout=60)
    found, waiting = {}, ["/"]
    while waiting:
        path = waiting.pop()
        data, stat = client.get(path)
        if stat.ephemeralOwner or path == "/zookeeper/config":
            continue
        acls = sorted((acl.perms, acl.id.scheme, acl.id.id) for acl in client.get_acls(path)[0])
        # Children that are left behind are no longer counted.
        shown = stat._replace(cversion=(stat.cversion + stat.numChildren) // 2, numChildren=0)
        found[path] = data, shown, acls
        waiting += [f"{path.rstrip('/')}/{child}" for child in client.get_children(path)]
    client.stop()
    client.close()
    return found


def run_import(*options, expect=0):
    finished = subprocess.run(["./coord", "import", *options], cwd=servers.REPOSITORY, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert finished.returncode == expect, finished.stdout
    return finished.stdout


def check(source, target):
    """Everything that the source had is in the target, and zxids go on above."""
    with target:
        return compare(source, target)


def compare(source, target):
    """The same for a target that runs."""
    ours = read_all(target.port)
    different = sorted(path for path in source.znodes.keys() | ours.keys()
                       if source.znodes.get(path) != ours.get(path))
    assert not different, [(path, source.znodes.get(path), ours.get(path)) for path in different[:3]]
    newest = max(stat.pzxid for _, stat, _ in source.znodes.values())
    # A client that has seen the newest zxid of the source is served.
    client = zkwire.Client(target.port, last_zxid=newest)
    assert client.call(zkwire.create("/app/s-", b"", 2)).zxid > newest
    client.close()
    return f"{len(ours)} znodes"


def test_live(source):
    """from a live ZooKeeper"""
    target = servers.Server("coord", super_digest=SUPER)
    printed = run_import("--from", source.server.address, "--auth", "digest:super:test", "--data", str(target.data))
    assert "verified" in printed, printed
    return check(source, target)


def test_refused(source):
    """what may not be read is named, and another try goes on where the first ended"""
    target = servers.Server("coord", super_digest=SUPER)
    printed = run_import("--from", source.server.address, "--data", str(target.data), expect=1)
    assert "/app/secret" in printed and "--auth" in printed, printed
    printed = run_import("--from", source.server.address, "--auth", "digest:super:test", "--data", str(target.data))
    assert "going on" in printed, printed
    return check(source, target)


def test_files(source):
    """from its data directory, snapshot and log"""
    target = servers.Server("coord", super_digest=SUPER)
    source.server.stop()
    source.server.start()  # which leaves a snapshot
    client = KazooClient(source.server.address, auth_data=[("digest", "super:test")])
    client.start(timeout=60)
    client.create("/after", b"the snapshot")
    client.set("/app", b"after the snapshot")
    client.set_acls("/app/null", [make_digest_acl("bob", "pw", all=True)])
    client.delete("/app/empty/0001")
    client.delete("/app/empty/0002")
    client.stop()
    client.close()
    source.znodes = read_all(source.server.port)
    source.server.stop()
    printed = run_import("--from-data", str(source.server.data), "--data", str(target.data))
    assert "verified" in printed, printed
    return check(source, target)


def test_ensemble(source):
    """into three members that start as one ensemble, each from its own copy"""
    members = servers.ensemble(3, super_digest=SUPER)
    folders = [word for member in members for word in ("--data", str(member.data))]
    printed = run_import("--from-data", str(source.server.data), *folders, "--voters", "1,2,3")
    assert printed.count("verified") == 3, printed
    try:
        for member in members:
            member.launch()
        for member in members:
            member.wait_ready()
        noted = compare(source, members[2])
        members[0].kill()
        members[0].start()
        client = zkwire.Client(members[0].port)
        client.must(zkwire.sync("/"))
        client.must(zkwire.create("/by-the-new-ensemble", b""))
        client.close()
        return noted
    finally:
        for member in members:
            member.destroy()


def test_not_twice(source):
    """a folder that holds a silo's data is refused"""
    target = servers.Server("coord", super_digest=SUPER)
    run_import("--from-data", str(source.server.data), "--data", str(target.data))
    printed = run_import("--from-data", str(source.server.data), "--data", str(target.data), expect=1)
    assert "already" in printed, printed
    target.destroy()


def test_damaged(source):
    """a damaged snapshot is passed over, a damaged log is named"""
    target = servers.Server("coord", super_digest=SUPER)
    folder = source.server.data / "version-2"
    newest = max(folder.glob("log.*"), key=lambda path: int(path.suffix[1:], 16))
    raw = bytearray(newest.read_bytes())
    raw[60] ^= 1
    newest.write_bytes(raw)
    printed = run_import("--from-data", str(source.server.data), "--data", str(target.data), expect=1)
    assert newest.name in printed and "damaged" in printed, printed
    target.destroy()


def main():
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("import")
    with servers.Server("zookeeper", super_digest=SUPER) as server:
        source = Source(server)
        suite.run_tests(report, options.match,
                        [test_live, test_refused, test_files, test_ensemble, test_not_twice, test_damaged], source)
        source.close()
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
