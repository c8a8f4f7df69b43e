import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryForever;

/**
 * Curator's lock, leader latch and caches under load, from "running" on the output to a line on the input. Then what
 * they did is checked, and told in one line each.
 */
public final class CuratorRecipes {
    private static final int CLIENTS = 3;
    private static final AtomicBoolean ending = new AtomicBoolean();

    public static void main(String[] arguments) throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            CuratorFramework client = CuratorFrameworkFactory.builder().connectString(arguments[0])
                    .sessionTimeoutMs(30000).connectionTimeoutMs(15000).retryPolicy(new RetryForever(50)).build();
            client.start();
            clients.add(client);
        }
        clients.get(0).create().orSetData().creatingParentsIfNeeded().forPath("/counter", number(0));
        clients.get(0).create().orSetData().creatingParentsIfNeeded().forPath("/cache", new byte[0]);

        AtomicInteger held = new AtomicInteger();
        AtomicInteger terms = new AtomicInteger();
        AtomicInteger writes = new AtomicInteger();
        PathChildrenCache paths = new PathChildrenCache(clients.get(1), "/cache", true);
        paths.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        CuratorCache tree = CuratorCache.build(clients.get(2), "/cache");
        tree.start();
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (CuratorFramework client : clients) {
            threads.add(start(failures, () -> count(client, held)));
        }
        threads.add(start(failures, () -> lead(clients, terms)));
        threads.add(start(failures, () -> write(clients.get(0), writes)));
        while (failures.isEmpty() && (held.get() < 20 || terms.get() < 3 || writes.get() < 50)) {
            Thread.sleep(20);
        }
        System.out.println("running");
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        ending.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        for (Throwable failure : failures) {
            throw new AssertionError(failure);
        }

        int counted = Integer.parseInt(new String(clients.get(0).getData().forPath("/counter")));
        check(counted == held.get(), "counted " + counted + ", held " + held.get());
        System.out.println("lock held " + held.get() + " times");
        System.out.println("led " + terms.get() + " terms");
        Map<String, String> there = new TreeMap<>();
        for (String name : clients.get(0).getChildren().forPath("/cache")) {
            there.put("/cache/" + name, new String(clients.get(0).getData().forPath("/cache/" + name)));
        }
        await(there, () -> contents(paths.getCurrentData()), "path cache");
        await(there, () -> {
            Map<String, String> seen = contents(tree.stream().toList());
            seen.remove("/cache");
            return seen;
        }, "cache");
        System.out.println("caches right after " + writes.get() + " writes, " + there.size() + " children");
        for (CuratorFramework client : clients) {
            client.close();
        }
    }

    // Read, add one, write: without exclusion some are lost. Written twice it is the same.
    private static void count(CuratorFramework client, AtomicInteger held) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(client, "/lock");
        while (!ending.get()) {
            mutex.acquire();
            try {
                int next = Integer.parseInt(new String(client.getData().forPath("/counter"))) + 1;
                client.setData().forPath("/counter", number(next));
                held.incrementAndGet();
            } finally {
                mutex.release();
            }
        }
    }

    private static void lead(List<CuratorFramework> clients, AtomicInteger terms) throws Exception {
        LeaderLatch[] latches = new LeaderLatch[CLIENTS];
        while (!ending.get()) {
            for (int i = 0; i < CLIENTS; i++) {
                if (latches[i] == null) {
                    latches[i] = new LeaderLatch(clients.get(i), "/latch");
                    latches[i].start();
                } else if (latches[i].hasLeadership()) {
                    latches[i].close();
                    latches[i] = null;
                    terms.incrementAndGet();
                }
            }
            Thread.sleep(10);
        }
        for (LeaderLatch latch : latches) {
            if (latch != null) {
                latch.close();
            }
        }
    }

    private static void write(CuratorFramework client, AtomicInteger writes) throws Exception {
        while (!ending.get()) {
            int number = writes.incrementAndGet();
            client.create().orSetData().forPath("/cache/n" + number % 40, number(number));
            if (number % 3 == 0) {
                client.delete().quietly().forPath("/cache/n" + (number * 7) % 40);
            }
        }
    }

    private static Map<String, String> contents(List<ChildData> children) {
        Map<String, String> contents = new TreeMap<>();
        for (ChildData child : children) {
            contents.put(child.getPath(), new String(child.getData()));
        }
        return contents;
    }

    private static void await(Map<String, String> expected, java.util.function.Supplier<Map<String, String>> seen,
            String what) throws Exception {
        long end = System.currentTimeMillis() + 30000;
        while (!seen.get().equals(expected)) {
            check(System.currentTimeMillis() < end, what + " has " + seen.get() + ", there is " + expected);
            Thread.sleep(20);
        }
    }

    private static byte[] number(int value) {
        return Integer.toString(value).getBytes();
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static Thread start(List<Throwable> failures, Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable failure) {
                synchronized (failures) {
                    failures.add(failure);
                }
                ending.set(true);
            }
        });
        thread.start();
        return thread;
    }

    private interface Work {
        void run() throws Exception;
    }
}
