"""What the drills share: real servers in an instance of their own, real processes, and a report of what was seen.

A drill starts processes of Footfall, sends generated traffic, does something to them on the way, and then has
`footfall verify` judge what is left. While it runs, `footfall verify --live` reads Redis' image of every partition ten
times a second. Everything runs on 127.0.0.1 and is stopped by its PID, also when the drill fails.
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# A binary that is named is used as it is; else it is built first.
NAMED_BINARY = os.environ.get("FOOTFALL_DRILL_BINARY")
BINARY = pathlib.Path(NAMED_BINARY) if NAMED_BINARY else ROOT / "target/ci/footfall"
INSTANCE = "drill"
RUN = ROOT / ".footfall/run" / INSTANCE
LONGEST_WAIT_S = 600.0
PARTITIONS = 12
ASSIGNED = re.compile(r"assigned partitions=\[([^\]]*)\]")


def say(text):
    # In one piece: several threads speak.
    sys.stderr.write(f"{datetime.datetime.now():%H:%M:%S} {text}\n")
    sys.stderr.flush()


def happens(condition, longest):
    """The first true value of `condition`, asked five times a second; a false one after so many seconds."""
    end = time.monotonic() + longest
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def wait_for(what, condition, longest=LONGEST_WAIT_S):
    """What `happens`; where it doesn't, the drill ends."""
    return happens(condition, longest) or sys.exit(f"waited {longest:.0f} s in vain: {what}")


def assignments(log):
    """How often the processes whose log it is were given partitions."""
    return sum(1 for found in ASSIGNED.finditer(log) if found.group(1).strip())


class Process:
    """A process of Footfall with its log."""

    def __init__(self, name, log, command):
        self.name, self.log = name, log
        self.out = log.open("a")
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE if name == "generate" else self.out, stderr=self.out, text=True)

    def is_running(self):
        return self.child.poll() is None

    def text(self):
        return self.log.read_text()

    def assignments(self):
        return assignments(self.text())

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """Asks it to stop; seconds until it has."""
        start = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        if self.child.wait(LONGEST_WAIT_S) != 0:
            sys.exit(f"{self.name} ended with {self.child.returncode}: see {self.log}")
        return time.monotonic() - start


class Drill:
    """One run: its servers, its topics, its processes."""

    def __init__(self, name, servers, settings=""):
        self.name, self.started = name, time.time()
        self.folder = RUN / "drills" / name
        deploy("clean.sh")
        self.start_servers(servers)
        self.servers = environment(RUN / "env")
        self.processes, self.events = [], []
        self.prefix = f"{name}-{os.getpid()}"
        self.settings = settings
        self.config = self.write_config("footfall")
        self.footfall("topics", "create")

    def start_servers(self, servers):
        self.folder.mkdir(parents=True)
        deploy("up.sh", *servers)

    def write_config(self, name, listen="127.0.0.1:0", changes=None):
        """A configuration with a data folder of that name. `changes` has settings by section; None leaves a section out."""
        key = self.folder / "hash-key"
        if not key.exists():
            key.write_text(os.urandom(16).hex())
        opensearch = self.servers.get("FOOTFALL_OPENSEARCH")
        sections = {
            "log": {"brokers": self.servers["FOOTFALL_KAFKA"], "topic_prefix": f"{self.prefix}-", "group": self.prefix},
            "redis": {"url": self.servers["FOOTFALL_REDIS"]},
            "opensearch": {"urls": [opensearch], "prefix": self.prefix, "replicas": 0} if opensearch else None,
            "definition": {"partitions": PARTITIONS, "hash_key": key.read_text()},
            "processor": {"history_ms": 2000},
        }
        lines = [f'data = "{self.folder}/{name}"', f'listen = "{listen}"']
        for section, settings in sections.items():
            changed = (changes or {}).get(section, {})
            if settings and changed is not None:
                # JSON's strings, numbers and lists are TOML's, too.
                lines += [f"[{section}]", *(f"{of} = {json.dumps(value)}" for of, value in {**settings, **changed}.items())]
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join([*lines, self.settings.format(folder=self.folder)]) + "\n")
        return path

    def footfall(self, *arguments, check=True):
        """Runs a command to its end; what it printed."""
        done = subprocess.run([BINARY, *arguments, "--config", self.config], capture_output=True, text=True)
        if check and done.returncode != 0:
            sys.exit(f"footfall {shlex.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name, *arguments, config=None, under=()):
        """Starts a process; `under` is a command that becomes it."""
        process = Process(name, self.folder / f"{name}.log", [*under, BINARY, *arguments, "--config", config or self.config])
        self.processes.append(process)
        return process

    def processor(self, name, listen="127.0.0.1:0", changes=None, under=()):
        """Starts a processor with a data folder of its own, and waits until it has partitions."""
        log = self.folder / f"{name}.log"  # of every process of that name
        before = assignments(log.read_text()) if log.exists() else 0
        process = self.start(name, "process", config=self.write_config(name, listen, changes), under=under)
        wait_for(f"{name} has partitions", lambda: process.assignments() > before or not process.is_running())
        if not process.is_running():
            sys.exit(f"{name} did not start: see {process.log}")
        return process

    def generate(self, *arguments):
        return self.start("generate", "generate", *arguments)

    def watch_images(self, seconds, every_ms=100):
        """Reads images for so long, or until it is asked to stop; `judged` has its report."""
        self.journal, self.read_to, self.seen = self.folder / "images.jsonl", 0, []
        command = [BINARY, "verify", "--live", f"{seconds}s", "--every", str(every_ms), "--json", "--journal", str(self.journal), "--config", self.config]
        out = (self.folder / "images.log").open("w")
        self.watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True)
        wait_for("images are read", lambda: self.journal.exists() or self.watching.poll() is not None)

    def judged(self):
        self.watching.send_signal(signal.SIGTERM)
        said, _ = self.watching.communicate(timeout=LONGEST_WAIT_S)
        if not said.strip():
            sys.exit(f"no image was judged: see {self.folder}/images.log")
        return json.loads(said)

    def note(self, what):
        """Something was done to the deployment now."""
        say(what)
        self.events.append((time.time(), what))

    def images(self):
        """What the images' journal holds so far: time in seconds, partition, offset, log time in seconds."""
        with self.journal.open() as lines:
            lines.seek(self.read_to)
            new = lines.read()
        whole = new[: new.rfind("\n") + 1]  # the last line may be half written
        self.read_to += len(whole.encode())
        for line in whole.splitlines():
            of = json.loads(line)
            self.seen.append((of["at_ms"] / 1000, of["partition"], of["offset"], of["log_time"] / 1000))
        return self.seen

    def stored(self):
        """Records that Redis holds, by the last image of each partition."""
        return sum({partition: offset for _, partition, offset, _ in self.images()}.values())

    def fresh_at(self, since):
        """When each partition's image first held a record that came after an instant."""
        first = {}
        for at, partition, _, log_time in self.images():
            if log_time > since:
                first.setdefault(partition, at)
        return first

    def is_fresh_since(self, instant):
        return len(self.fresh_at(instant)) == PARTITIONS

    def sentences(self, verdicts, images):
        """What was compared, at the end and while it ran."""
        return [
            *(f"{of['store']}: {of['records']:,} records = {of['applied']:,} applied + {of['duplicate']:,} duplicate + {of['late']:,} late"
              f" + {of['dead_lettered']:,} dead-lettered; {of['cells']:,} cells compared, {of['differences']} differ" for of in verdicts),
            f"images of Redis while it ran: {images['images']:,} at {images['offsets']:,} offsets ({images['images_per_second']:.0f} a second),"
            f" {images['wrong']} wrong; the offset went back {images['went_back']} times",
        ]

    def verified(self):
        """Both stores held against the log, once they have all of it."""
        return json.loads(self.footfall("verify", "--wait", "5m", "--json"))

    def digests(self):
        stores = ["redis"] + (["opensearch"] if "FOOTFALL_OPENSEARCH" in self.servers else [])
        return {store: self.footfall("views", "digest", "--store", store).strip() for store in stores}

    def close(self):
        for process in self.processes:
            if process.is_running():
                process.child.kill()
                process.child.wait()
        if getattr(self, "watching", None) and self.watching.poll() is None:
            self.watching.kill()


def deploy(script, *arguments):
    subprocess.run([ROOT / "deploy" / script, *arguments], env={**os.environ, "FOOTFALL_INSTANCE": INSTANCE}, check=True)


def environment(path):
    return dict(shlex.split(line)[0].split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def free_address():
    """An address on loopback that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def ask(address, method, path, user="operator", body=None):
    """What a gateway answers to a user, who asks for a seat under a key of its own: (status, JSON)."""
    headers = {"footfall-user": user, "content-type": "application/json"} | ({"idempotency-key": user} if method == "POST" else {})
    request = urllib.request.Request(f"http://{address}{path}", method=method, headers=headers, data=body and json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@contextlib.contextmanager
def drill(name, servers, settings="", kind=Drill):
    """A drill whose processes and servers are gone afterwards."""
    if not NAMED_BINARY:
        subprocess.run(["cargo", "build", "--profile", "ci", "--workspace", "--bins", "--tests"], cwd=ROOT, check=True)
    this = None
    try:
        this = kind(name, servers, settings)
        yield this
    finally:
        if this:
            this.close()
        deploy("down.sh")


def freshness(images, since, until):
    """Worst age of the newest record in a partition's image, and when it was read, between two instants.

    Only while traffic comes to every partition without a pause is this how far Redis was behind."""
    ages = [(at - log_time, at) for at, _, _, log_time in images if since <= at <= until and log_time]
    return max(ages, default=(0.0, since))


def conserved(drill, made, verdicts):
    """What must hold of every store once it is quiet; the sentences that don't."""
    faults, journal = [], made["journal"]
    bad = sum(journal["bad"].values())
    for of in verdicts:
        ends = of["applied"] + of["duplicate"] + of["late"] + of["dead_lettered"]
        for what, found, wanted in [
            ("records", of["records"], journal["records"]), ("applied", of["applied"], journal["applied"]),
            ("duplicate", of["duplicate"], journal["duplicates"]), ("dead-lettered", of["dead_lettered"], bad),
            ("the sum of all ends", ends, journal["records"]), ("differences", of["differences"], 0),
        ]:
            if found != wanted:
                faults.append(f"{of['store']}: {what} is {found}, not {wanted}")
        faults += [f"{of['store']}: {reason}" for reason in of["not_comparable"]]
    letters = len(drill.footfall("dead-letters", "list").splitlines())
    if letters != bad:
        faults.append(f"{letters} dead letters are listed, not {bad}")
    if len(set(drill.digests().values())) != 1:
        faults.append(f"the stores' digests differ: {drill.digests()}")
    return faults


def judge(drill, made):
    """Holds the stores and the images read meanwhile against the log; verdicts, the images' report, faults."""
    verdicts, images = drill.verified(), drill.judged()
    faults = conserved(drill, made, verdicts)
    if images["wrong"]:
        faults.append(f"{images['wrong']} images are wrong: {images['shown']}")
    return verdicts, images, faults


def report(drill, title, facts, faults, table=()):
    """Writes and prints the report, with the lines of a table of its own; ends with 1 where there are faults."""
    lines = [f"# {title}", "", f"{datetime.date.today()}, `make drill-{drill.name}`, {os.cpu_count()} cores shared by all servers and processes.", ""]
    lines += [f"- {fact}" for fact in facts]
    lines += ["", *table] if table else []
    if drill.events:
        lines += ["", "| second | what was done |", "|---:|---|"]
        lines += [f"| {at - drill.started:.0f} | {what} |" for at, what in drill.events]
    lines += ["", "**Faults:** " + ("; ".join(faults) if faults else "none")]
    text = "\n".join(lines) + "\n"
    (drill.folder / "report.md").write_text(text)
    print(text)
    sys.exit(1 if faults else 0)
