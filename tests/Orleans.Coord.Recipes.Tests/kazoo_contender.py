"""Takes kazoo's lock so many times; inside it, makes and deletes a znode that must not be there."""

import sys

from kazoo.client import KazooClient

hosts, path, inside, rounds = sys.argv[1:5]
client = KazooClient(hosts)
client.start()
lock = client.Lock(path, "kazoo")
for _ in range(int(rounds)):
    with lock:
        client.create(inside, ephemeral=True)
        client.delete(inside)
client.stop()
print("done")
