"""As Orleans.Coord.HandOffs, with kazoo's lock: each contender a process, so that they do not share Python's one lock.

    /usr/bin/python3 benchmarks/comparison/kazoo_hand_offs.py 127.0.0.1:2181 16 2000
"""

import json
import multiprocessing
import sys
import time

from kazoo.client import KazooClient


def contend(servers, first, rounds, start, grants):
    client = KazooClient(",".join(servers[first:] + servers[:first]), timeout=30, randomize_hosts=False)
    client.start()
    lock = client.Lock("/kazoo-hand-offs")
    times = []
    start.wait()
    for _ in range(rounds):
        with lock:
            times.append(time.monotonic())
    client.stop()
    grants.put(times)


def main():
    servers, contenders, hand_offs = sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3])
    rounds = hand_offs // contenders
    start = multiprocessing.Barrier(contenders)
    grants = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=contend, args=(servers, i % len(servers), rounds, start, grants))
        for i in range(contenders)
    ]
    for process in processes:
        process.start()
    times = sorted(time for _ in processes for time in grants.get())
    for process in processes:
        process.join()
    gaps = sorted(after - before for before, after in zip(times, times[1:]))
    print(json.dumps({
        "handOffs": len(gaps), "perSecond": len(gaps) / sum(gaps), "p50Us": 1e6 * gaps[len(gaps) // 2],
        "p99Us": 1e6 * gaps[int(0.99 * len(gaps))], "maxUs": 1e6 * gaps[-1],
    }))


if __name__ == "__main__":
    main()
