"""Which alerts fire, as Prometheus says; and a scene: something is broken until its alerts fire, and mended until they resolve."""

import dataclasses
import json
import re
import subprocess
import threading
import time
import urllib.request

from harness import ROOT, RUN, get, happens

PROMETHEUS = ROOT / "deploy/prometheus"
LONGEST_S = 480.0


def names():
    """Every alert of the rules."""
    return re.findall(r"(?m)^\s+- alert: (\w+)$", (PROMETHEUS / "rules/alerts.yml").read_text())


class Alerts(threading.Thread):
    """Asks Prometheus twice a second, and keeps what changed: second, alert, whether it fires."""

    def __init__(self, url, factor):
        super().__init__(daemon=True)
        self.url, self.history, self.active, self.firing = url, [], set(), set()
        subprocess.run([PROMETHEUS / "drill.py", str(factor), RUN / "prometheus/rules"], check=True)
        with urllib.request.urlopen(urllib.request.Request(f"{url}/-/reload", method="POST"), timeout=10):
            pass
        self.start()

    def run(self):
        while True:
            try:
                self.look()
            except OSError:
                pass  # asked again
            time.sleep(0.5)

    def look(self):
        alerts = json.loads(get(f"{self.url}/api/v1/alerts"))["data"]["alerts"]
        firing = {of["labels"]["alertname"] for of in alerts if of["state"] == "firing"}
        now = time.time()
        self.history += [(now, name, True) for name in firing - self.firing] + [(now, name, False) for name in self.firing - firing]
        self.active, self.firing = {of["labels"]["alertname"] for of in alerts}, firing

    def watch(self, job, addresses):
        """From now on Prometheus scrapes these for a job."""
        path = RUN / f"prometheus/targets/{job}.yml"
        path.write_text(json.dumps([{"targets": addresses}]))

    def is_quiet(self):
        """Whether all targets are scraped, and no alert fires or is about to."""
        targets = json.loads(get(f"{self.url}/api/v1/targets"))["data"]["activeTargets"]
        return not self.active and targets and all(of["health"] == "up" for of in targets)

    def since(self, instant, fires):
        """When each alert first fired, or resolved for good, after an instant."""
        changes = {}
        for at, name, fired in list(self.history):
            if at >= instant and fired == fires:
                changes[name] = changes.get(name, at) if fires else at
        return changes


@dataclasses.dataclass
class Scene:
    """Faults that are made and mended together."""

    name: str
    # Alert: what is done to make it fire, what to make it resolve.
    alerts: dict
    make: object
    mend: object
    # What else may fire meanwhile: consequences.
    allows: set = dataclasses.field(default_factory=set)

    def tries(self, what):
        """Does it; what went wrong is a fault, and the other scenes are still played."""
        try:
            what()
        except Exception as error:
            return [f"the scene '{self.name}' could not be played: {error!r}"]
        return []

    def play(self, drill, alerts):
        """Rows of the report's table, and faults."""
        happens(alerts.is_quiet, LONGEST_S)
        faults = [f"{name} fires before the scene '{self.name}'" for name in alerts.firing]
        made = time.time()
        drill.note(f"{self.name}: begins")
        faults += self.tries(self.make)
        happens(lambda: set(self.alerts) <= set(alerts.since(made, True)), LONGEST_S)
        fired = alerts.since(made, True)
        mended = time.time()
        drill.note(f"{self.name}: is mended; {len(set(fired) & set(self.alerts))} of {len(self.alerts)} alerts fired")
        faults += self.tries(self.mend)
        happens(alerts.is_quiet, LONGEST_S)
        resolved = alerts.since(mended, False)
        drill.note(f"{self.name}: is over")
        faults += [f"{name} fires after the scene '{self.name}' was mended" for name in sorted(alerts.firing)]
        rows = []
        for name, (how, cure) in self.alerts.items():
            ends = resolved.get(name) if name not in alerts.firing else None
            faults += [] if name in fired else [f"{name} did not fire"]
            faults += [] if ends or name not in fired else [f"{name} did not resolve, or before it was mended"]
            seconds = [f"{at - start:.0f}" if at else "never" for at, start in [(fired.get(name), made), (ends, mended)]]
            rows.append(f"| `{name}` | {how} | {seconds[0]} | {cure} | {seconds[1]} |")
        others = sorted(set(alerts.since(made, True)) - set(self.alerts))
        faults += [f"{name} fired in the scene '{self.name}', which doesn't expect it" for name in others if name not in self.allows]
        drill.note(f"{self.name}: fired as consequences: {', '.join(others) or 'none'}")
        return rows, faults
