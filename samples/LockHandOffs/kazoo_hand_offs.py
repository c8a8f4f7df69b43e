"""As Program.cs, with kazoo's lock: each contender a process of its own, so that they do not share Python's one lock.

    /usr/bin/python3 samples/LockHandOffs/kazoo_hand_offs.py 127.0.0.1:2181 16 2000
"""

import multiprocessing
import sys
import time

from kazoo.client import KazooClient


def contend(hosts, rounds, start):
    client = KazooClient(hosts, timeout=30)
    client.start()
    lock = client.Lock("/samples/kazoo-hand-offs")
    start.wait()
    for _ in range(rounds):
        with lock:
            pass
    client.stop()


def main():
    hosts, contenders, hand_offs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rounds = hand_offs // contenders
    start = multiprocessing.Barrier(contenders + 1)
    processes = [multiprocessing.Process(target=contend, args=(hosts, rounds, start)) for _ in range(contenders)]
    for process in processes:
        process.start()
    start.wait()
    begin = time.monotonic()
    for process in processes:
        process.join()
    seconds = time.monotonic() - begin
    print(f"{rounds * contenders} hand-offs, {contenders} contenders: {rounds * contenders / seconds:.0f}/s")


if __name__ == "__main__":
    main()
