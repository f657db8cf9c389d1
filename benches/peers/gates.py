"""The gates: how each is started, asked, and what its store holds.

All speak the HTTP of `footfall entry`, one process each, so that `benches stampede` sends the same requests to each.
"""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

from failover import Redis
from gate import BENCHES, recount
from harness import BINARY, ROOT, Process, free_address, wait_for

NAMES = ["user-lock", "activity-lock", "script", "script-wait", "log"]
WAITED_FOR = 1  # replicas, by the one that waits
SERVICE = "views"  # what the sentinels call the primary


class Servers(Redis):
    """Redis with Sentinel; the primary is the one that sentinels name."""

    def __init__(self):
        super().__init__("sentinel")

    def primary(self):
        port = self.ask("redis-sentinel-4", "sentinel", "get-master-addr-by-name", SERVICE)[1]
        return next(member for member in self.members if self.port(member) == port)

    def replicas(self):
        return [member for member in self.members if member != self.primary()]

    def is_quiet(self):
        """Everything is in its place: what the sentinel says, and what each server says of itself."""
        return self.is_whole() and self.primaries() == [self.primary()]


class Gate:
    """A gate that runs. `name` is for machines, the titles are for readers, `stores` reads users from what it keeps."""

    def __init__(self, this, servers, name, command, address):
        self.this, self.servers, self.name, self.url = this, servers, name, f"http://{address}"
        self.process = Process(name, this.folder / f"{name}.log", command)
        this.processes.append(self.process)
        wait_for(f"{name} answers", lambda: self.ask("GET", "/readyz")[0] == 200 or self.ended())

    def ended(self):
        return not self.process.is_running() and sys.exit(f"{self.name} ended: see {self.process.log}")

    def ask(self, method, path, body=None):
        headers = {"footfall-user": "operator", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers=headers, data=body and json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text.startswith(b"{") else {}
        except urllib.error.HTTPError as error:
            return error.code, {}
        except OSError:
            return 0, {}

    def define(self, activity, seats):
        body = {"campaign_id": "peers", "name": activity, "capacity": seats, "opens_at_ms": int(time.time() * 1000) - 1000}
        wait_for(f"{self.name} knows the activity", lambda: self.ask("PUT", f"/v1/activities/{activity}", body)[0] == 200)
        shown = wait_for(f"{self.name} shows the activity", lambda: self.ask("GET", f"/v1/activities/{activity}")[1])
        if (shown["capacity"], shown["held"]) != (seats, 0):
            sys.exit(f"{self.name} shows {shown} of a new activity of {seats} seats")
        self.partition = shown.get("partition")

    def rush(self, activity, people, within_ms):
        """People ask, each until there is an answer that stays: a process, and where it writes the answers."""
        path = self.this.folder / f"{activity}.jsonl"
        command = [BENCHES, "stampede", "--gateway", self.url, "--activity", activity, "--users", str(people), "--prefix", activity]
        command += ["--within-ms", str(within_ms), "--answers", str(path)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL), path

    def asked(self, *rush):
        """A rush to its end: every person's last answer."""
        return answers(*self.rush(*rush))

    def stored(self, activity):
        """The users who hold a seat by what the gate keeps."""
        primary = self.servers.primary()
        if self.name == "user-lock":
            return set(self.servers.ask(primary, "smembers", f"peers:people:{activity}"))
        return set(self.servers.ask(primary, "hkeys", f"peers:seats:{activity}"))


class Log(Gate):
    """The gate whose store is the log, counted by the program that shares the messages alone."""

    def stored(self, activity):
        return {user for user, *_ in recount(self.this)[activity]["admitted"]}


def answers(process, path):
    if process.wait(600) != 0:
        sys.exit(f"benches stampede ended with {process.returncode}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def command_of(this, name, address):
    """What starts a gate at an address."""
    if name == "log":
        return [BINARY, "entry", "--config", this.write_config("entry", address)]
    if name.startswith("script"):
        waits = ["--wait", str(WAITED_FOR)] if name == "script-wait" else []
        return [BENCHES, "script-gate", "--redis", this.servers["FOOTFALL_REDIS"], "--listen", address, *waits]
    built = subprocess.run([ROOT / "benches/peers/java/build.sh"], stdout=subprocess.PIPE, text=True, check=True)
    sentinels = re.findall(r"127\.0\.0\.1:\d+", this.servers["FOOTFALL_REDIS"])
    return [*built.stdout.splitlines(), name, address.rsplit(":", 1)[1], SERVICE, *(f"redis://{of}" for of in sentinels)]


def start(this, names):
    """Redis' servers, and the gates of those names in their order."""
    servers, gates = Servers(), []
    for name in names:
        address = free_address()
        kind = Log if name == "log" else Gate
        gates.append(kind(this, servers, name, command_of(this, name, address), address))
    return servers, gates
