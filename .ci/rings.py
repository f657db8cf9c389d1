#!/usr/bin/env python3
"""Runs the rings of `make test`, each around the one before: check, pure, cluster, page, chaos.

usage: .ci/rings.py [RING…]   (default: all; `quick` is `pure` without the tests that take long)

Compiles once, before the first ring that needs a build; starts servers only after that, in an instance of their own
that is gone afterwards, also when a ring fails or is interrupted. The last line sums what the runners reported.
With CI=true a skipped test is a failure: a ring that could not run must never look like one that passed.
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import demo

ROOT = pathlib.Path(__file__).resolve().parent.parent
INSTANCE = "test"
SERVERS = ["kafka", "redis", "opensearch"]
CARGO = ["--profile", "ci", "--workspace"]
# Two cores: more tests at once make brokers miss their heartbeats.
SERVER_TEST_THREADS = 2
# Its tests start redis-servers of their own, whatever server is given.
STARTS_REDIS = "server_redis"
# Their tests start an S3-compatible server, whatever servers are given.
START_S3PROXY = ["server_bucket", "server_fleet"]
# Their tests need brokers with TLS and SASL, which deploy/up.sh starts with SECURE=1.
NEED_SECURE_KAFKA = ["server_kafka_security", "server_security"]
SECURE_KAFKA = ["KAFKA_SSL", "KAFKA_SASL_SSL", "KAFKA_SASL_PLAINTEXT", "KAFKA_SECRETS"]
# Why a test is run by `make test-opensearch-3` only.
BY_HAND = ["needs three nodes", "needs a tiny queue"]
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# Three minutes of faults, the same ones each time: chosen for having most kinds. A faked clock needs a package more.
CHAOS = ["--minutes", "3", "--seed", "39", "--no-clocks"]
LIVE_CAMPAIGN = "black-friday"  # one of the generator's
STRICT = os.environ.get("CI") == "true"

RUNNING = re.compile(r"^\s+(?:Running|Doc-tests) (\S+)")
CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
IGNORED = re.compile(r"^test (\S+) \.\.\. ignored, (.*)")
# Of the chaos ring and the page ring.
RESULT = re.compile(r"^(\d+) passed, (\d+) failed$")


@dataclasses.dataclass
class Ring:
    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = dataclasses.field(default_factory=list)
    broken: bool = False  # it failed in another way than by a failed test

    def fail(self, note):
        self.broken = True
        self.notes.append(note)

    def state(self):
        return "FAILED" if self.broken or self.failed else "ok"


def run(command, ring, on_line=lambda line: None, **environment):
    """Runs a command with its output passed on, line by line; a failure breaks the ring."""
    environment = {**os.environ, "CARGO_TERM_COLOR": "never", **environment}
    try:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except FileNotFoundError:
        ring.fail(f"{command[0]} is not there: deploy/install.sh test says how to get it")
        return False
    try:
        for line in child.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            on_line(line)
        status = child.wait()
    except BaseException:
        child.terminate()
        raise
    if status != 0:
        ring.fail(f"{' '.join(map(str, command[:4]))} … ended with {status}")
    return status == 0


def count_cargo(ring, names_of_long=None):
    """Adds cargo's results to the ring. The reason given in #[ignore = "…"] says what becomes of an ignored test."""
    target = ""

    def on_line(line):
        nonlocal target
        if found := RUNNING.match(line):
            # "Running unittests src/lib.rs (…)" names no file of its own; only tests/server_*.rs matters here.
            target = pathlib.PurePath(found.group(1)).name
        elif found := IGNORED.match(line):
            name, reason = found.groups()
            if reason.startswith("takes "):
                names_of_long.append(name)
            if reason.startswith("is started by "):
                ring.skipped -= 1  # the child process of another test
            elif reason in BY_HAND:
                ring.skipped -= 1
            elif reason == "needs servers" and target.startswith("server_"):
                ring.skipped -= 1  # the cluster ring runs it
        elif found := CARGO_RESULT.match(line):
            passed, failed, ignored = map(int, found.groups())
            ring.passed += passed
            ring.failed += failed
            ring.skipped += ignored

    return on_line


def compile_all(ring):
    # Binaries and tests in one go: asked for apart, features differ and a dozen crates are built twice.
    run(["cargo", "build", *CARGO, "--bins", "--tests"], ring)


def check(ring):
    run(["make", "--no-print-directory", "check"], ring)


def quick(ring):
    """The pure tests; returns the names of those that take long, which count as skipped so far."""
    names = []
    run(["cargo", "test", *CARGO, "--no-fail-fast"], ring, count_cargo(ring, names))
    return names


def pure(ring):
    names = quick(ring)
    if names:
        ring.skipped -= len(names)
        run(["cargo", "test", *CARGO, "--no-fail-fast", "--", "--ignored", "--exact", *names], ring, count_cargo(ring))


def cluster(ring):
    given = {name: os.environ[f"FOOTFALL_TEST_{name}"] for name in map(str.upper, SERVERS)
             if os.environ.get(f"FOOTFALL_TEST_{name}")}
    wanted = [name for name in SERVERS if name.upper() not in given]
    try:
        environment = start_servers(ring, wanted) if wanted else {}
        if ring.broken:
            return
        if not given:
            environment["FOOTFALL_TEST_LOCAL"] = "1"
        environment["FOOTFALL_TEST_PYTHON"] = str(ROOT / ".footfall/software/venv/bin/python")
        tests = server_tests(ring, given)
        run(
            ["cargo", "test", *CARGO, "--no-fail-fast", *tests, "--", "--ignored",
             f"--test-threads={SERVER_TEST_THREADS}"],
            ring,
            count_cargo(ring),
            **environment,
        )
    finally:
        if wanted:
            subprocess.run([ROOT / "deploy/clean.sh"], env={**os.environ, "FOOTFALL_INSTANCE": INSTANCE}, check=False)
    if ring.passed + ring.failed == 0:
        ring.fail("there are server tests, but none ran")


def server_tests(ring, given):
    """The server tests as cargo's arguments: all but those that can't run here, which count as skipped."""
    # With CI=true they are run, and fail.
    left_out = []
    if given and not shutil.which("redis-server") and not STRICT:
        leave_out(ring, [STARTS_REDIS], "tests that start redis-servers of their own: not run, for there is no redis-server here")
        left_out.append(STARTS_REDIS)
    if given and not has_s3proxy() and not STRICT:
        leave_out(ring, START_S3PROXY, "tests that start an S3-compatible server: not run, for there was no Maven to fetch it with")
        left_out += START_S3PROXY
    secured = all(os.environ.get(f"FOOTFALL_TEST_{name}") for name in SECURE_KAFKA)
    if "KAFKA" in given and not secured and not STRICT:
        leave_out(ring, NEED_SECURE_KAFKA, "tests of TLS and SASL: not run, for FOOTFALL_TEST_KAFKA_SSL and those beside it name no brokers")
        left_out += NEED_SECURE_KAFKA
    if not left_out:
        return ["--test", "server_*"]
    names = sorted({path.stem for path in ROOT.glob("*/tests/server_*.rs")} - set(left_out))
    return [argument for name in names for argument in ("--test", name)]


def has_s3proxy():
    return any(ROOT.glob(".footfall/software/s3proxy-*"))


def leave_out(ring, names, why):
    """Counts the tests of these files as skipped."""
    arguments = [argument for name in names for argument in ("--test", name)]
    # "name: test", a line each.
    listing = subprocess.run(
        ["cargo", "test", *CARGO, *arguments, "--", "--ignored", "--list"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )
    count = sum(line.endswith(": test") for line in listing.stdout.splitlines())
    ring.skipped += count
    ring.notes.append(f"{count} {why}")


def start_servers(ring, wanted):
    """Starts servers with empty folders and returns their addresses as the variables that tests read."""
    subprocess.run([ROOT / "deploy/clean.sh"], env={**os.environ, "FOOTFALL_INSTANCE": INSTANCE}, check=True)
    if not run([ROOT / "deploy/up.sh", *wanted], ring, FOOTFALL_INSTANCE=INSTANCE, SECURE="1"):
        return {}
    lines = shlex.split((ROOT / ".footfall/run" / INSTANCE / "env").read_text())
    addresses = dict(line.split("=", 1) for line in lines)
    names = [*map(str.upper, wanted), *(SECURE_KAFKA if "kafka" in wanted else [])]
    variables = {f"FOOTFALL_TEST_{name}": addresses[f"FOOTFALL_{name}"] for name in names}
    return {**variables, "FOOTFALL_TEST_RUN": addresses["FOOTFALL_RUN"], "FOOTFALL_INSTANCE": INSTANCE}


def chaos(ring):
    """Real processes and servers under faults. It starts servers of its own, as many as production has."""
    given = any(os.environ.get(f"FOOTFALL_TEST_{name}") for name in map(str.upper, SERVERS))
    if given and not STRICT:
        ring.skipped += 1
        ring.notes.append("not run, for servers are given and it needs some of its own, to kill them")
        return
    run([ROOT / ".footfall/software/venv/bin/python", "chaos/drills/chaos.py", *CHAOS], ring, count_results(ring))


def count_results(ring):
    def on_line(line):
        if found := RESULT.match(line):
            ring.passed += int(found.group(1))
            ring.failed += int(found.group(2))

    return on_line


def page(ring):
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, check=True, capture_output=True
    )
    binary = pathlib.Path(json.loads(metadata.stdout)["target_directory"]) / "ci/footfall"
    # The sample stands still, so its numbers can be compared; generated traffic moves the live number.
    with demo.running(binary, "--rate", "0") as (address, _):
        counts = demo.recounted(binary)
        demo.wait_for_sample(address, counts)
        # Once with the numbers of a script that shares no code with the fold, once with all that the API gives.
        campaign, numbers = demo.largest_campaign(counts)
        look_at_page(ring, "board.mjs", address, FOOTFALL_CAMPAIGN=campaign, FOOTFALL_EXPECT=json.dumps(numbers))
        look_at_page(ring, "board.mjs", address)
    with demo.running(binary, "--no-import", "--rate", "50") as (address, seats):
        look_at_page(ring, "seats.mjs", seats, address)
        demo.wait_for("the first generated events", lambda: demo.folded(address) > 0)
        look_at_page(ring, "board.mjs", address, FOOTFALL_CAMPAIGN=LIVE_CAMPAIGN, FOOTFALL_EXPECT="{}", FOOTFALL_EXPECT_LIVE="1")
    if ring.passed + ring.failed == 0:
        ring.fail("nothing on the page was looked at")


def look_at_page(ring, script, *addresses, **environment):
    # install.sh puts a node there only if the system's is too old.
    own_node = ROOT / ".footfall/software/venv/bin/node"
    browser = os.environ.get("FOOTFALL_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), "")
    run(
        [own_node if own_node.exists() else "node", f"page-test/{script}", *addresses],
        ring,
        count_results(ring),
        FOOTFALL_CHROMIUM=browser,
        **environment,
    )


RINGS = {"check": check, "pure": pure, "cluster": cluster, "page": page, "chaos": chaos}
BY_NAME = {**RINGS, "quick": quick}


def run_ring(name, step):
    ring = Ring(name)
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    step(ring)
    ring.seconds = time.monotonic() - start
    if STRICT and ring.skipped:
        ring.fail(f"{ring.skipped} skipped, and CI=true allows none")
    print(f"=== {name}: {ring.state()}, {ring.passed} passed, {ring.failed} failed, {ring.skipped} skipped"
          f" in {ring.seconds:.0f} s", flush=True)
    return ring


def report(rings):
    """Prints the table and the last line; returns the exit status."""
    print(f"\n{'RING':<10}{'STATE':<8}{'SECONDS':>8}{'PASSED':>8}{'FAILED':>8}{'SKIPPED':>9}")
    for ring in rings:
        print(f"{ring.name:<10}{ring.state():<8}{ring.seconds:>8.0f}{ring.passed:>8}{ring.failed:>8}{ring.skipped:>9}")
    for ring in rings:
        for note in ring.notes:
            print(f"{ring.name}: {note}")
    # A ring that broke without a failed test (a lint, a build, a server that did not start) counts as one failure.
    failed = sum(ring.failed or int(ring.broken) for ring in rings)
    passed, skipped = sum(ring.passed for ring in rings), sum(ring.skipped for ring in rings)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def main(names):
    unknown = set(names) - set(BY_NAME)
    if unknown:
        print(f"there is no ring called {', '.join(sorted(unknown))}; rings: {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    # A polite kill must unwind, so that the servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = names or list(RINGS)
    rings, compiled = [], False
    for name in names:
        if name != "check" and not compiled:
            rings.append(run_ring("compile", compile_all))
            compiled = True
            if rings[-1].broken:
                break
        rings.append(run_ring(name, BY_NAME[name]))
    return report(rings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
