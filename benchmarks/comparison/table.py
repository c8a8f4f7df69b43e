"""Renders what was measured as Markdown tables."""

MEBIBYTE = 1024 * 1024
# What either host may cost against the other.
LEAST_OF_HOSTS = 0.85


def render(headers, rows):
    """A Markdown table whose columns line up on a terminal too."""
    cells = [headers, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    lines = ["| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join(lines)


def of_loads(loads, results):
    """One row per load; results map (load, server name) to the medians, and one server may be absent."""
    headers = [
        "load", "ZooKeeper ops/s", "ours", "ratio", "wanted",
        "ZooKeeper CPU s/100k", "ours", "ratio", "wanted",
        "ZooKeeper p50/p99 us", "ours p50/p99 us",
    ]
    rows = []
    for load in loads:
        theirs, ours = results.get((load, "zookeeper")), results.get((load, "ours"))
        speed = _compare(theirs, ours, "opsPerSecond", "{:,.0f}", lambda ratio: ratio >= load.least_speed)
        cpu = _compare(theirs, ours, "serverCpuPer100k", "{:.3f}", lambda ratio: ratio <= load.most_cpu)
        rows.append([
            load.name, *speed, f">= {load.least_speed:g}", *cpu, f"<= {load.most_cpu:g}",
            _latency(theirs), _latency(ours),
        ])
    return render(headers, rows)


def of_hand_offs(results):
    """One row per lock and server; results map (server name, client) to the medians."""
    headers = ["lock", "server", "hand-offs/s", "p50 us", "p99 us", "worst ms", "server CPU s/100k"]
    names = {"zookeeper": "ZooKeeper", "ours": "ours", "sdk": "SDK", "kazoo": "kazoo"}
    return render(headers, [
        [
            names[client], names[server], f"{r['perSecond']:,.0f}", f"{r['p50Us']:,.0f}", f"{r['p99Us']:,.0f}",
            f"{r['maxUs'] / 1000:,.0f}", f"{r['cpuPer100k']:.1f}",
        ]
        for (server, client), r in results.items()
    ])


def of_hosts(loads, results, hosts):
    """One row per load; results map (load, host) to the medians."""
    first, second = hosts
    rows = []
    for load in loads:
        a, b = results[load, first], results[load, second]
        rows.append([load.name, *_compare(a, b, "opsPerSecond", "{:,.0f}", lambda ratio: ratio >= LEAST_OF_HOSTS),
                     *_compare(a, b, "serverCpuPer100k", "{:.3f}", lambda _: True), _latency(a), _latency(b)])
    return render(["load", f"{first} ops/s", second, "ratio", f"{first} CPU s/100k", second, "ratio",
                   f"{first} p50/p99 us", f"{second} p50/p99 us"], rows)


def of_memory(results):
    """One row per server of the memory comparison."""
    headers = [
        "server", "idle MiB", "loaded MiB", "peak MiB", "bytes/znode", "load/s",
        "restart to first read s", "after restart MiB", "bytes/znode",
    ]
    return render(headers, [_memory_row(name, result) for name, result in results.items()])


def _compare(theirs, ours, key, form, is_met):
    shown = [form.format(result[key]) if result else "-" for result in (theirs, ours)]
    if not theirs or not ours or theirs[key] == 0:
        return [*shown, "-"]
    ratio = ours[key] / theirs[key]
    return [*shown, f"{ratio:.2f}" + ("" if is_met(ratio) else " MISSED")]


def _latency(result):
    return f"{result['p50Us']:,.0f} / {result['p99Us']:,.0f}" if result else "-"


def _memory_row(name, result):
    def mebibytes(key):
        return f"{result[key] / MEBIBYTE:,.0f}"

    def bytes_per_znode(key):
        return f"{(result[key] - result['idle']) / result['count']:,.0f}"

    return [
        name, mebibytes("idle"), mebibytes("loaded"), mebibytes("peak"), bytes_per_znode("loaded"),
        f"{result['loadsPerSecond']:,.0f}",
        f"{result['restartSeconds']:.2f}", mebibytes("restarted"), bytes_per_znode("restarted"),
    ]
