"""The generators of load, k6 and the stampede in Rust: one run of each, and what it says."""

import json
import os
import re
import resource
import subprocess
import sys
import time

import gate
import scraped
from harness import ROOT

SCRIPTS = ROOT / "benches/k6"
THRESHOLDS_FAILED = 99  # k6's status where a threshold failed
SHOWN = "max>=0"  # no threshold: k6 keeps the times of a route apart only where one is named


def k6_binary():
    """The one that deploy/install.sh pins."""
    version = re.search(r"(?m)^K6=(\S+)$", (ROOT / "deploy/install.sh").read_text())[1]
    binary = ROOT / f".footfall/software/k6-{version}/k6"
    return binary if binary.exists() else sys.exit(f"k6 {version} is not there: run deploy/install.sh load")


class Run:
    """One run: its name, when it was, and what the gateways counted in it."""

    def __init__(self, load, name):
        self.load, self.run = load, f"{load.drill.prefix}-{name}"
        self.folder = load.drill.folder

    def goes(self, name, command, **environment):
        """Runs a generator while it is sampled; its status and what it printed."""
        log = self.folder / f"{self.run}.log"
        before, cpu, self.since = self.load.scrape(), self.cpu(), time.time()
        with log.open("w") as out:
            child = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment})
            self.load.sampler.watch(name, child.pid)
            try:
                status = child.wait()
            finally:
                self.load.sampler.forget(name)
                child.kill()
        self.until = time.time()
        self.cpu_s = {kind: seconds - cpu[kind] for kind, seconds in self.cpu().items()}
        self.came = scraped.came(before, self.load.scrape())
        return status, log

    def cpu(self):
        """CPU time of gateways, brokers, and of generators that have ended."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {**self.load.cpu_seconds(), "generator": ended.ru_utime + ended.ru_stime}


class K6(Run):
    def __init__(self, load, script, name, report=None, **settings):
        super().__init__(load, name)
        summary = self.folder / f"{self.run}.json"
        gateways = ",".join(load.gate.url(number) for number in range(2))
        settings = {"GATEWAYS": gateways, "API": f"http://{load.drill.servers['FOOTFALL_API']}", "RUN": self.run, "SUMMARY": summary, **settings}
        given = [part for key, value in settings.items() for part in ("-e", f"{key}={value}")]
        command = [k6_binary(), "run", "--quiet", "--no-color", "--address", "", *given, SCRIPTS / f"{script}.js"]
        # The report is a page of its own; nothing is served meanwhile.
        dashboard = {"K6_WEB_DASHBOARD": "true", "K6_WEB_DASHBOARD_PORT": "-1", "K6_WEB_DASHBOARD_PERIOD": "1s", "K6_WEB_DASHBOARD_EXPORT": str(report)}
        self.status, log = self.goes("k6", command, K6_NO_USAGE_REPORT="true", **(dashboard if report else {}))
        if self.status not in (0, THRESHOLDS_FAILED) or not summary.exists():
            sys.exit(f"k6 ended with {self.status}: see {log}")
        self.metrics = json.loads(summary.read_text())["metrics"]

    def values(self, metric):
        return self.metrics.get(metric, {}).get("values", {})

    def count(self, metric):
        return int(self.values(metric).get("count", 0))

    def trends(self):
        """The script's own times in milliseconds, by name."""
        ours = {name: of["values"] for name, of in self.metrics.items() if of["type"] == "trend" and not name.startswith(("http_", "iteration_", "group_"))}
        return {name: of for name, of in sorted(ours.items()) if of["count"]}

    def thresholds(self):
        """Whether each held, by metric and threshold."""
        all_of = [(name, source, of["ok"]) for name, metric in self.metrics.items() for source, of in metric.get("thresholds", {}).items()]
        return {f"{name} {source}": held for name, source, held in sorted(all_of) if source != SHOWN}

    def failed(self):
        return sorted({of.split()[0] for of, held in self.thresholds().items() if not held})

    @property
    def passed(self):
        return self.status == 0

    def faults(self):
        return [] if self.passed else [f"{self.run}: k6 ended with {self.status}; failed: {', '.join(self.failed())}"]

    def client(self, route):
        """Times of the requests of a route, as k6 saw them."""
        return self.values(f"http_req_duration{{route:{route}}}")

    def figures(self):
        counts = ("http_reqs", "iterations", "dropped_iterations", "undefined_answers", "tries_again", "told_yes", "overbooked", "events_accepted")
        return {"counts": {name: self.count(name) for name in counts if name in self.metrics}, "times": self.trends(), "thresholds": self.thresholds()}


class Stampede(Run):
    """Everybody asks when they are due, whatever the gateways do; each person's last answer."""

    def __init__(self, load, name, people, within_s):
        super().__init__(load, name)
        path = self.folder / f"{self.run}.jsonl"
        status, log = self.goes("stampede", gate.stampede_command(load.gate, self.run, people, path, within_s))
        if status != 0:
            sys.exit(f"the stampede ended with {status}: see {log}")
        self.answers = [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()

    def client(self, _):
        return {}  # it times people, not tries

    def figures(self):
        times = {}
        for of in self.answers:
            times.setdefault(answer_of(of), []).append(of["took_us"] / 1000)
        yes = sum(of["status"] in (200, 201) for of in self.answers)
        counts = {"tries_again": sum(of["again"] for of in self.answers), "told_yes": yes}
        return {"counts": counts, "times": {name: spread(sorted(of)) for name, of in sorted(times.items())}, "thresholds": {}}


def answer_of(of):
    """The name of an answer, as k6's script calls its times."""
    if of["status"] in (200, 201):
        return "yes"
    if of["status"] == 409:
        return "sold_out_by_the_log" if of["answer"]["decided"] else "sold_out_from_memory"
    return f"status_{of['status']}"


def spread(times):
    """As k6 sums up; `times` are sorted."""
    at = lambda share: times[int((len(times) - 1) * share)]
    return {"count": len(times), "min": times[0], "med": at(0.5), "p(90)": at(0.9), "p(99)": at(0.99), "max": times[-1]}
