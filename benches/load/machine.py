"""The deployment that is loaded, what is sampled and scraped of it, and what it ran on."""

import contextlib
import datetime
import os
import pathlib
import platform
import re
import shlex
import subprocess

import gate
import scraped
from generators import K6, Stampede, k6_binary
from harness import BINARY, ROOT, RUN, drill, get, say
from sampling import Sampler, between, summed_up

SOFTWARE = ROOT / ".footfall/software"
# The word by which k6's scripts tag a request, and the gateways' route.
ROUTES = {
    "events": "/v1/events", "entries": "/v1/activities/{id}/entries", "seat": "/v1/activities/{id}/entries/{user}", "activity": "/v1/activities/{id}",
}

KINDS = ("gateway", "kafka")  # whose names begin so


class Load:
    """Two gateways, a processor and an API on servers of their own, sampled from beginning to end."""

    def __init__(self, this):
        self.drill, self.gate = this, gate.Gate(this)
        self.accepted = 0  # events that k6 was told are accepted
        self.sampler = Sampler()
        for process in this.processes:
            self.sampler.watch(process.name, process.child.pid)
        for file in sorted(RUN.glob("*/pid")):
            self.sampler.watch(file.parent.name, int(file.read_text()))
        self.sampler.start()

    def scrape(self):
        return [scraped.buckets(get(f"{self.gate.url(number)}/metrics")) for number in range(2)]

    def cpu_seconds(self):
        """CPU time of the gateways and of the brokers so far."""
        return {kind: sum(self.sampler.cpu_seconds(name) for name in self.sampler.names(kind)) for kind in KINDS}

    def recount(self):
        return gate.recount(self.drill)

    def k6(self, script, name, report=None, **settings):
        """Runs a script to its end; what its thresholds say is for the caller to judge."""
        say(f"k6: {name} {settings}")
        of = K6(self, script, name, report, **settings)
        self.accepted += of.count("events_accepted")
        return of

    def stampede(self, name, people, seats, within_s=1):
        say(f"stampede: {people} people within {within_s} s, {seats} seats")
        self.gate.define(f"{self.drill.prefix}-{name}", seats)
        return Stampede(self, name, people, within_s)

    def seen(self, of):
        """A run's figures, the gateways' own times beside them, and what each process took."""
        routes = []
        for word, route in ROUTES.items():
            counts = of.came.get(scraped.requests(route), {})
            if counts.get(float("inf")):
                within = {f"within_{share}": scraped.within(counts, share / 100) for share in (50, 90, 99)}
                routes.append({"route": route, "requests": int(counts[float("inf")]), **within, "client": of.client(word)})
        processes = summed_up(between(self.sampler.rows, of.since, of.until))
        return {**of.figures(), "since": of.since, "until": of.until, "routes": routes, "processes": processes}


@contextlib.contextmanager
def loaded():
    with drill("load", ["kafka", "redis", "opensearch"], "[entry]\nclaimed_users = true\n") as this:
        load = Load(this)
        try:
            yield load
        finally:
            load.sampler.stop()


def said(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def made(arguments):
    """What ran, on what, and by which command."""
    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    changed = said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/load")
    server = lambda name: next(SOFTWARE.glob(f"{name}-[0-9]*")).name.partition("-")[2]
    return {
        "date": f"{datetime.date.today()}",
        "command": shlex.join(["make", "load", *([f"LOAD={shlex.join(arguments)}"] if arguments else [])]),
        "commit": said("git", "rev-parse", "--short=12", "HEAD"),
        "is_changed": bool(changed),
        "processor": processor[1] if processor else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": os.getloadavg()[0],
        "profile": BINARY.parent.name,
        "versions": {
            "Footfall": said(BINARY, "--version").split()[-1], "k6": said(k6_binary(), "version").split()[1].removeprefix("v"), "Kafka": server("kafka"),
            "Redis": re.search(r"v=(\S+)", said("redis-server", "--version"))[1], "OpenSearch": server("opensearch"), "Python": platform.python_version(),
        },
    }
