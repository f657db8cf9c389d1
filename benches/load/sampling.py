"""Cores, memory and open descriptors of processes over time, read from /proc."""

import os
import pathlib
import threading
import time

EVERY_S = 0.25
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
OTHERS = "others"  # what the machine was busy with beside the processes that are watched


def cpu_seconds(stat):
    """CPU time of a process, from /proc/PID/stat. Its name may hold spaces and brackets, and stands before the last one."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_seconds(stat):
    """Time that all cores were busy, from /proc/stat: user, nice, system, irq, softirq and steal."""
    fields = [int(field) for field in stat.splitlines()[0].split()[1:9]]
    return sum(fields[of] for of in (0, 1, 2, 5, 6, 7)) / TICKS


class Sampler(threading.Thread):
    """Samples whatever is watched until it is stopped. A row: when, who, cores used since the row before, MiB, descriptors."""

    def __init__(self):
        super().__init__(daemon=True)
        self.pids, self.before, self.rows = {}, {}, []
        self.busy_before = None
        self.lock, self.stopped = threading.Lock(), threading.Event()

    def watch(self, name, pid):
        with self.lock:
            self.pids[name] = pid

    def forget(self, name):
        with self.lock:
            self.pids.pop(name, None)

    def run(self):
        while not self.stopped.wait(EVERY_S):
            self.sample()

    def sample(self):
        with self.lock:
            watched = dict(self.pids)
        # The machine first: what it did while the others were read is counted the next time.
        now = time.time()
        busy, used = busy_seconds(pathlib.Path("/proc/stat").read_text()), 0.0
        for name, pid in watched.items():
            row = self.row(name, pid)
            if row:
                used += row[2]
                self.rows.append(row)
        if self.busy_before:
            at, before = self.busy_before
            self.rows.append((now, OTHERS, max(0.0, (busy - before) / (now - at) - used), None, None))
        self.busy_before = (now, busy)

    def row(self, name, pid):
        of = pathlib.Path("/proc") / str(pid)
        try:
            at, cpu = time.time(), cpu_seconds((of / "stat").read_text())
            resident = int((of / "statm").read_text().split()[1]) * PAGE_MIB
            descriptors = len(os.listdir(of / "fd"))
        except OSError:
            return None  # it has ended
        before = self.before.get(pid)
        self.before[pid] = (at, cpu)
        return (at, name, (cpu - before[1]) / (at - before[0]), resident, descriptors) if before else None

    def names(self, begin):
        with self.lock:
            return [name for name in self.pids if name.startswith(f"{begin}-")]

    def cpu_seconds(self, name):
        return cpu_seconds(pathlib.Path(f"/proc/{self.pids[name]}/stat").read_text())

    def stop(self):
        self.stopped.set()
        self.join()


def between(rows, since, until):
    """The rows of a phase."""
    return [row for row in rows if since <= row[0] <= until]


def summed_up(rows):
    """By process: mean and greatest cores, greatest MiB and descriptors."""
    found = {}
    for _, name, cores, resident, descriptors in rows:
        of = found.setdefault(name, {"cores": [], "mib": [0.0], "descriptors": [0]})
        of["cores"].append(cores)
        if resident is not None:
            of["mib"].append(resident)
            of["descriptors"].append(descriptors)
    return {
        name: {
            "cores": sum(of["cores"]) / len(of["cores"]), "most_cores": max(of["cores"]),
            "most_mib": max(of["mib"]), "most_descriptors": max(of["descriptors"]),
        }
        for name, of in sorted(found.items(), key=lambda pair: (pair[0] == OTHERS, pair[0]))
    }
