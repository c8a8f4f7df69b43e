#!/usr/bin/env python3
"""The admin server: snapshots taken and restored on one silo and on three, and imported into a new one; probes."""

import base64
import contextlib
import hashlib
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import servers
import suite
import zkwire

SUPER = "super:secret"
DIGEST = "super:" + base64.b64encode(hashlib.sha1(SUPER.encode()).digest()).decode()
COUNT = 2000
FREELY = "Coord:AdminSnapshotIntervalMs=0"


def ask(server, method, command, body=None, authorization="digest " + SUPER):
    """Returns status, headers and body."""
    connection = http.client.HTTPConnection(servers.HOST, server.admin_port, timeout=60)
    headers = {"Authorization": authorization} if authorization else {}
    connection.request(method, "/commands/" + command, body, headers)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def take(server):
    status, headers, content = ask(server, "GET", "snapshot?streaming=true")
    assert status == 200 and len(content) == int(headers["snapshot_size"]), (status, content[:200])
    return content, int(headers["last_zxid"], 16)


def restore(server, content):
    status, _, answer = ask(server, "POST", "restore", content)
    return status, json.loads(answer)


@contextlib.contextmanager
def running(members):
    try:
        for member in members:
            member.launch()
        for member in members:
            member.wait_ready()
        yield members
    finally:
        for member in members:
            member.destroy()


def fill(client):
    client.must(zkwire.create("/kept", b"old"))
    client.must(zkwire.create("/kept/mine", b"", 1))
    client.send(*(zkwire.create(f"/kept/n{number}", bytes(500)) for number in range(COUNT)))
    for _ in range(COUNT):
        assert client.receive_reply().error == 0


def change(client):
    client.must(zkwire.put("/kept", b"new"))
    client.must(zkwire.create("/later", b""))
    client.must(zkwire.delete("/kept/n7"))


def check(server, zxid):
    client = zkwire.Client(server.port, last_zxid=zxid)
    client.must(zkwire.sync("/"))
    assert zkwire.read_data(client.must(zkwire.get("/kept")))[0] == b"old"
    names = set(zkwire.read_children(client.must(zkwire.children("/kept")))[0])
    assert names == {f"n{number}" for number in range(COUNT)}, (len(names), "mine" in names)
    assert client.call(zkwire.get("/later")).error == -101
    client.must(zkwire.create(f"/by-{server.port}", b""))
    client.close()


def expired(server, client):
    """Whether a client's session is gone; its connection was closed."""
    try:
        zkwire.Client(server.port, session=client.session).close()
        return False
    except zkwire.SessionRefused:
        return True


def test_one_silo(folder):
    """one silo: what was changed since a snapshot is undone by restoring it, and stays so over a crash"""
    with servers.Server("coord", [FREELY], super_digest=DIGEST) as server:
        client = zkwire.Client(server.port)
        fill(client)
        content, _ = take(server)
        change(client)
        status, answer = restore(server, content)
        assert status == 200 and answer["error"] is None, answer
        assert expired(server, client)
        check(server, answer["last_zxid"])
        server.kill()
        server.start()
        again = zkwire.Client(server.port)
        assert zkwire.read_data(again.must(zkwire.get("/kept")))[0] == b"old"
        assert again.call(zkwire.get("/later")).error == -101
        again.close()
        (folder / "snapshot").write_bytes(content)
        return f"{len(content)} bytes"


def test_import(folder):
    """./coord import --from-snapshot makes a new silo of it, above its zxids"""
    data = folder / "imported"
    subprocess.run(["./coord", "import", "--from-snapshot", folder / "snapshot", "--data", data],
                   cwd=servers.REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    server = servers.Server("coord")
    shutil.rmtree(server.data)
    shutil.copytree(data, server.data)
    with server:
        check(server, 0)


def test_ensemble(folder):
    """three silos: a restore at the leader changes all, one at a follower says where to go"""
    with running(servers.ensemble(3, [FREELY], super_digest=DIGEST)) as members:
        client = zkwire.Client(members[0].port)
        fill(client)
        modes = {member: servers.four_letter_word(member.port, "srvr").split("Mode: ")[1].split()[0]
                 for member in members}
        leader = next(member for member in members if modes[member] == "leader")
        follower = next(member for member in members if modes[member] == "follower")
        reader = zkwire.Client(follower.port)
        reader.must(zkwire.sync("/"))
        content, zxid = take(follower)
        change(client)
        status, answer = restore(follower, content)
        assert status == 409 and "send it to member" in answer["error"], answer
        status, answer = restore(leader, content)
        assert status == 200 and answer["last_zxid"] > zxid, answer
        for member in members:
            check(member, answer["last_zxid"])
        assert expired(members[0], client)
        # Whoever was away follows.
        follower.kill()
        status, answer = restore(leader, content)
        assert status == 200, answer
        follower.start()
        check(follower, answer["last_zxid"])


def probe(server, path):
    connection = http.client.HTTPConnection(servers.HOST, server.admin_port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_probes(folder):
    """three silos: all live and are ready, and one without a quorum lives on, not ready, until there is one again"""
    with running(servers.ensemble(3)) as members:
        for member in members:
            suite.eventually(lambda: probe(member, "/readyz") == (200, "ok\n"), "a member ready")
            assert probe(member, "/livez") == (200, "ok\n")
        members[1].kill()
        members[2].kill()
        suite.eventually(lambda: probe(members[0], "/readyz")[0] == 503, "the one left not ready")
        assert probe(members[0], "/livez") == (200, "ok\n")
        members[1].start()
        suite.eventually(lambda: probe(members[0], "/readyz") == (200, "ok\n"), "it ready again")


def answers(server, path, status):
    try:
        return probe(server, path)[0] == status
    except ConnectionRefusedError:
        return False


def test_waiting(folder):
    """a silo that waits for the others of its ensemble lives, and is not ready"""
    one, *others = servers.ensemble(3)
    try:
        one.launch()
        suite.eventually(lambda: answers(one, "/livez", 200), "the silo to live")
        assert probe(one, "/readyz")[0] == 503
        others[0].launch()
        suite.eventually(lambda: answers(one, "/readyz", 200), "two of three to be ready")
    finally:
        for member in (one, *others):
            member.destroy()


def test_refusals(folder):
    """nobody without the right, no other bytes, no snapshot of another ensemble, and only so often"""
    with servers.Server("coord", [], super_digest=DIGEST) as server:
        for authorization, status in ((None, 401), ("digest", 401), ("x509", 401), ("digest bob:pw", 403), ("ip", 403)):
            for method, command in (("GET", "snapshot"), ("POST", "restore")):
                assert ask(server, method, command, b"", authorization)[0] == status, (authorization, command)
        content = (folder / "snapshot").read_bytes()
        status, answer = restore(server, content)
        assert status == 409 and "--from-snapshot" in answer["error"], answer
        status, answer = restore(server, content)
        assert status == 429, answer
        owner = zkwire.Client(server.port)
        owner.must((7, zkwire.text("/") + zkwire.vector([
            zkwire.integer(31) + zkwire.text("digest") + zkwire.text(_digest("ann:pw"))]) + zkwire.integer(-1)))
        owner.close()
        assert ask(server, "GET", "snapshot?streaming=false", None, "digest ann:pw")[0] == 200
    with servers.Server("coord", [FREELY], super_digest=DIGEST) as server:
        for damaged in (b"", b"no snapshot", content[:-1], content[:5000] + b"x" + content[5001:]):
            status, answer = restore(server, damaged)
            assert status == 409 and "cannot be restored" in answer["error"], answer
        zkwire.Client(server.port).close()


def _digest(user):
    return user.split(":")[0] + ":" + base64.b64encode(hashlib.sha1(user.encode()).digest()).decode()


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("admin")
    tests = suite.tests_of(sys.modules[__name__])
    if options.server != "coord":
        for test in tests:
            report.add("SKIP", test.__doc__, "our own snapshots")
        print(suite.summary(0, 0, len(tests)))
        sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        suite.run_tests(report, options.match, tests, Path(folder))
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
