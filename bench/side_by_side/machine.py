"""What the kernel tells of this machine and of process trees (proc(5), Linux only)."""

import os
import platform
import re
import socket
import subprocess

PORTS = range(21000, 29000)  # below the ephemeral range, which outgoing connections draw from


def free_port(taken=set()):
    """A loopback port that nobody listens on, and that this process has not given out before."""
    for port in PORTS:
        if port in taken:
            continue
        with socket.socket() as probe:
            # As servers bind: a port that only lingers in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise RuntimeError("no free port between %d and %d" % (PORTS.start, PORTS.stop))


def process_tree(pid):
    """`pid` and all its descendants that still live."""
    tree = [pid]
    for parent in tree:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    tree.extend(int(child) for child in children.read().split())
        except FileNotFoundError:
            continue
    return tree


def cpu_times(pid):
    """Nanoseconds on a CPU, user and system, of every thread of the tree: {thread id: ns}."""
    times = {}
    for process in process_tree(pid):
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/schedstat") as schedstat:
                    times[int(task)] = int(schedstat.read().split()[0])
        except FileNotFoundError:
            continue
    return times


def cpu_spent(before, after):
    """Nanoseconds between two cpu_times(); a thread that ended in between is left out."""
    return sum(ns - before.get(task, 0) for task, ns in after.items())


def core_busy_us(core):
    """Microseconds that a core was not idle since the boot, in steps of 10,000. What the
    hypervisor took from it counts as busy."""
    with open("/proc/stat") as stat:
        ticks = re.search(rf"^cpu{core} (.+)$", stat.read(), re.M)[1].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
    return (user + nice + system + irq + softirq + steal) * (1_000_000 // os.sysconf("SC_CLK_TCK"))


def memory_kib(pid):
    """Proportional set size of the tree in KiB. Socket buffers are the kernel's, and not in it."""
    total = 0
    for process in process_tree(pid):
        with open(f"/proc/{process}/smaps_rollup") as rollup:
            total += int(re.search(r"^Pss:\s+(\d+) kB", rollup.read(), re.M)[1])
    return total


def first_match(command, pattern):
    """What `pattern` finds first in the command's output; 'absent' where there is no command."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        return "absent"
    found = re.search(pattern, done.stdout)
    return found[1] if found else "unknown"


def description():
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read(), re.M)
    with open("/proc/meminfo") as meminfo:
        memory = int(re.search(r"^MemTotal:\s+(\d+) kB", meminfo.read(), re.M)[1])
    return {
        "CPU": model[1].strip() if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**20:.0f} GiB",
        "kernel": re.match(r"\d+\.\d+(\.\d+)?", platform.release())[0],
    }
