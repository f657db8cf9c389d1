"""A `footfall demo` for the page ring to look at: in a folder of its own, on a free port, gone afterwards."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "footfall/data"
ADDRESSES = re.compile(r"open (http://\S+) in a browser, and (http://\S+) to give seats")
LONGEST_WAIT_S = 180.0


@contextlib.contextmanager
def running(binary, *arguments):
    """Starts the demo and yields its two addresses, of the dashboard and of the seats, once it serves; stops it by its PID."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [binary, "demo", *arguments, "--listen", "127.0.0.1:0", "--data", f"{folder}/data"],
                stdout=out, stderr=out, cwd=folder,
            )
        try:
            yield wait_for("the demo's addresses", lambda: addresses_in(log, process))
        finally:
            process.terminate()
            try:
                process.wait(LONGEST_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def addresses_in(log, process):
    text = log.read_text()
    if process.poll() is not None:
        sys.exit(f"the demo ended with {process.returncode}:\n{text}")
    found = ADDRESSES.search(text)
    return found and found.groups()


def recounted(binary):
    """The shipped sample's numbers as a script counts them that shares only the device rules with Footfall."""
    def recount(mode, classes=None):
        command = [sys.executable, SAMPLE / "recount.py", mode, SAMPLE / "access-2015-05.log"]
        return subprocess.run(command, input=classes, check=True, stdout=subprocess.PIPE).stdout

    devices = subprocess.run([binary, "device"], input=recount("--agents"), check=True, stdout=subprocess.PIPE)
    return json.loads(recount("--devices", devices.stdout))


def largest_campaign(counts):
    """The recount's campaign with most page views, and its numbers by the parts of the page that show them."""
    name, numbers = max(counts["campaigns"].items(), key=lambda item: item[1]["visit"] + item[1]["click"])
    return name, {
        "people-users": numbers["people"],
        "total-events": numbers["visit"] + numbers["click"],
        "bots": numbers["bots"],
        "funnel-events-visit": numbers["visit"],
        "funnel-events-click": numbers["click"],
        **{f"device-{name}": numbers["devices"].get(name, 0) for name in ("mobile", "tablet", "desktop", "other")},
    }


def wait_for_sample(address, counts):
    """Waits until every event of the shipped sample is folded."""
    wait_for("the sample to be folded", lambda: folded(address) == counts["visit"] + counts["click"])


def folded(address):
    with urllib.request.urlopen(f"{address}/v1/campaigns", timeout=LONGEST_WAIT_S) as answer:
        return sum(partition["offset"] for partition in json.load(answer)["as_of"])


def wait_for(what, condition):
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if found := condition():
                return found
        time.sleep(0.2)
    sys.exit(f"waited in vain for {what}")
