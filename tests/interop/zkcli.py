#!/usr/bin/python3
"""ZooKeeper's own command-line client, zkCli.sh, scripted."""

import re
import subprocess
import sys

import ensemble
import suite

ZKCLI = "/usr/share/zookeeper/bin/zkCli.sh"

# `version` is answered by the client itself: its output marks where each command's ends.
MARK_COMMAND = "version"
MARK = re.compile(r"^ZooKeeper CLI version: .*\n", re.MULTILINE)

STAT = r"cZxid = 0x[0-9a-f]+\nctime = .+\nmZxid = 0x[0-9a-f]+\nmtime = .+\npZxid = 0x[0-9a-f]+\n"

# Title, then pairs of a command and what its whole output must match. One session runs them all in turn.
SCRIPT = [
    ("create", [
        ("create /a one", r"Created /a\n"),
        ("create /a one", r"Node already exists: /a\n"),
        ("create /missing/child x", r"Node does not exist: /missing/child\n")]),
    ("create -e", [
        ("create -e /e x", r"Created /e\n"),
        ("create /e/child x", r"Ephemerals cannot have children: /e/child\n")]),
    ("create -s", [
        ("create /queue", r"Created /queue\n"),
        ("create -s /queue/s- 1", r"Created /queue/s-0000000000\n"),
        ("create -s -e /queue/s- 2", r"Created /queue/s-0000000001\n")]),
    ("create -c", [("create -c /box", r"Created /box\n")]),
    ("create -t", [("create -t 600000 /ttl data", r"Created /ttl\n")]),
    ("ls", [
        ("ls /", r"\[a, box, e, queue, ttl, zookeeper\]\n"),
        ("ls /missing", r"Node does not exist: /missing\n"),
        ("ls -s /queue", r"\[s-0000000000, s-0000000001\]\n" + STAT + r"cversion = 2\n(?s:.*)numChildren = 2\n")]),
    ("ls -R", [
        ("ls -R /", r"/\n/a\n/box\n/e\n/queue\n/ttl\n/zookeeper\n"
                    r"/queue/s-0000000000\n/queue/s-0000000001\n/zookeeper/config\n/zookeeper/quota\n")]),
    ("get -s", [
        ("get /a", r"one\n"),
        ("get -s /a", "one\n" + STAT + "cversion = 0\ndataVersion = 0\naclVersion = 0\n"
                      "ephemeralOwner = 0x0\ndataLength = 3\nnumChildren = 0\n")]),
    ("set -v", [
        ("set -v 0 /a two", r""),
        ("set -v 0 /a three", r"version No is not valid : /a\n"),
        ("get /a", r"two\n")]),
    ("stat", [
        ("stat /a", STAT + r"cversion = 0\ndataVersion = 1\n(?s:.*)"),
        ("stat /e", STAT + r"cversion = 0\n(?s:.*)ephemeralOwner = 0x[1-9a-f][0-9a-f]*\n(?s:.*)"),
        ("stat /missing", r"Node does not exist: /missing\n")]),
    ("get -w sees the change", [
        ("get -w /a", r"two\n"),
        # The event is printed by the thread that also brings the answer to `sync`: before that answer, whenever it is.
        ("set /a four\nsync /",
         r"(?s:.*)WatchedEvent state:SyncConnected type:NodeDataChanged path:/a\n(?s:.*)Sync is OK\n")]),
    ("getEphemerals", [("getEphemerals", r"\[(/e, /queue/s-0000000001|/queue/s-0000000001, /e)\]\n")]),
    ("getAllChildrenNumber", [("getAllChildrenNumber /queue", r"2\n")]),
    ("delete", [
        ("create /a/b x", r"Created /a/b\n"),
        ("delete /a", r"Node not empty: /a\n"),
        ("delete -v 5 /a/b", r"version No is not valid : /a/b\n"),
        ("delete /a/b", r"")]),
    ("deleteall", [
        ("create /a/b x", r"Created /a/b\n"),
        ("create /a/b/c x", r"Created /a/b/c\n"),
        ("deleteall /a", r""),
        ("get /a", r"Node does not exist: /a\n")]),
    ("addauth, setAcl, getAcl", [
        ("addauth digest user:pw", r""),
        ("create /p hidden", r"Created /p\n"),
        ("getAcl /p", r"'world,'anyone\n: cdrwa\n"),
        ("setAcl /p auth:user:cdrwa", r""),
        ("getAcl /p", r"'digest,'user:2Om\+GBbT2q/tS6pdvACZbbm7/1A=\n: cdrwa\n"),
        ("getAcl -s /p", r"'digest,'user:\S+\n: cdrwa\n" + STAT + r"(?s:.*)aclVersion = 1\n(?s:.*)"),
        ("get /p", r"hidden\n")]),
    ("whoami", [("whoami", r"Auth scheme: User\n(?=(?s:.*)digest: user\n)(?s:.*)ip: 127\.0\.0\.1\n(?s:.*)")]),
    ("setquota, listquota, delquota", [
        ("create /tenant 12345", r"Created /tenant\n"),
        ("setquota -B 9 /tenant", r""),
        ("setquota -n 3 /tenant", r""),
        ("listquota /tenant",
         r"absolute path is /zookeeper/quota/tenant/zookeeper_limits\n"
         r"Output quota for /tenant count=3,bytes=-1=;byteHardLimit=9;countHardLimit=-1\n"
         r"Output stat for /tenant count=1,bytes=5\n"),
        ("create /tenant/a 1234", r"Created /tenant/a\n"),
        ("set /tenant/a 12345", r"Quota has exceeded : /tenant/a\n"),
        ("setquota -N 2 /tenant", r""),
        ("create /tenant/b", r"Quota has exceeded : /tenant/b\n"),
        ("create /tenant/a/b", r"Quota has exceeded : /tenant/a/b\n"),
        ("delquota -N /tenant", r""),
        ("create /tenant/b", r"Created /tenant/b\n"),
        ("listquota /tenant", r"(?s:.*)Output stat for /tenant count=3,bytes=9\n"),
        ("delquota /tenant", r""),
        ("listquota /tenant", r"absolute path is \S+\nquota for /tenant does not exist\.\n"),
        ("set /tenant/a 123456", r""),
        ("ls /zookeeper/quota", r"\[\]\n"),
        ("deleteall /tenant", r"")]),
    ("sync", [("sync /", r"Sync is OK\n")]),
]


def zkcli(server, *command, script=""):
    """Runs zkCli.sh with one command, or with a script as its input."""
    finished = subprocess.run([ZKCLI, "-server", server.address, *command], input=script, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
    return finished.returncode, finished.stdout


def run_script(report, match, server):
    """Runs the whole script in one session, and judges each of its parts."""
    # The answer to `sync` comes after the event that says "connected", which is printed at any time.
    lines = ["sync /", MARK_COMMAND]
    for _, steps in SCRIPT:
        for command, _ in steps:
            lines += [command, MARK_COMMAND]
    _, printed = zkcli(server, script="\n".join(lines + ["quit"]) + "\n")
    # The first piece is the client's greeting.
    outputs = iter(MARK.split(printed)[1:])

    def judge(steps):
        """Compares the next outputs with what the steps expect."""
        problems = []
        for command, expected in steps:
            output = next(outputs, "nothing: the client ended")
            if not re.fullmatch(expected, output):
                problems.append(f"> {command}\nexpected {expected!r}\n but got {output!r}")
        return problems

    for title, steps in SCRIPT:
        problems = judge(steps)
        if match.lower() in title.lower():
            report.add("FAIL" if problems else "PASS", title)
            print("\n".join(problems), end="\n" if problems else "", flush=True)


def test_one_command(server):
    """one command on the command line"""
    code, printed = zkcli(server, "create", "/single", "value")
    assert code == 0 and "Created /single" in printed, printed
    code, printed = zkcli(server, "get", "/single")
    assert code == 0 and re.search("^value$", printed, re.MULTILINE), printed


def test_refused(server):
    """an error makes the exit code 1"""
    code, printed = zkcli(server, "get", "/p")
    assert code == 1 and "Insufficient permission : /p" in printed, printed


def main():
    options = suite.arguments(__doc__).parse_args()
    report = suite.Report("zkcli")

    def run(server):
        run_script(report, options.match, server)
        suite.run_tests(report, options.match, [test_one_command, test_refused], server)
    ensemble.on_each_server(options, report, run, extended_types=True, enforce_quota=True)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
