#!/usr/bin/env python3
"""Redis' primary killed under load, its replicas stalled just before, so that what is promoted lacks the last writes.

usage: chaos/drills/failover.py sentinel|cluster [PER_SECOND [ROUNDS]]   (default: 2000, 3)
"""

import json
import os
import signal
import subprocess
import sys
import time

from harness import RUN, deploy, drill, freshness, judge, report, wait_for

STALL_S = 0.7
DATA_NODES = {"sentinel": 3, "cluster": 6}
PRIMARIES = {"sentinel": 1, "cluster": 3}
# Sentinels wait for twice their failover-timeout (6 s) before they replace a primary again.
BETWEEN_S = 15


class Redis:
    """The servers that `deploy/up.sh redis-sentinel` or `redis-cluster` started."""

    def __init__(self, kind):
        self.kind, self.server = kind, f"redis-{kind}"
        self.members = [f"{self.server}-{number}" for number in range(1, DATA_NODES[kind] + 1)]

    def ask(self, member, *command):
        return subprocess.run(["redis-cli", "-p", self.port(member), *command], capture_output=True, text=True).stdout.split()

    def pid(self, member):
        return int((RUN / member / "pid").read_text())

    def port(self, member):
        configuration = (RUN / member / "redis.conf").read_text().splitlines()
        return next(line.split()[1] for line in configuration if line.startswith("port "))

    def primaries(self):
        """The servers that are primaries by their own word; one that came back may say so for a moment."""
        return [member for member in self.members if self.ask(member, "role")[:1] == ["master"]]

    def is_whole(self):
        """Each server is there, as many are primaries as there should be, and every replica has its primary's data."""
        roles = [self.ask(member, "role") for member in self.members]
        linked = [role for role in roles if role[:1] == ["slave"] and role[3] == "connected"]
        primaries = [role for role in roles if role[:1] == ["master"]]
        return len(primaries) == PRIMARIES[self.kind] and len(primaries) + len(linked) == len(self.members)

    def stall_and_kill(self, primary):
        replicas = [member for member in self.members if member not in self.primaries()]
        for member in replicas:
            os.kill(self.pid(member), signal.SIGSTOP)
        time.sleep(STALL_S)
        os.kill(self.pid(primary), signal.SIGKILL)
        for member in replicas:
            os.kill(self.pid(member), signal.SIGCONT)


def main(kind, rate=2_000, rounds=3):
    # A worker that is given a record again says so at this level.
    quiet = '[logging]\nfilter = "info,processor::worker=debug"\n'
    with drill("failover", ["kafka", f"redis-{kind}"], quiet) as this:
        redis = Redis(kind)
        processors = [this.processor(name) for name in ["first", "second"]]
        this.watch_images(3600)
        generating = this.generate("--count", "100000000", "--rate", str(rate), "--users", "50000")
        wait_for("every partition has records in Redis", lambda: this.stored() > 10 * rate)
        settled = [process.assignments() for process in processors]
        since, fresh = time.time(), []
        for number in range(rounds):
            primaries = redis.primaries()
            primary = primaries[number % len(primaries)]
            redis.stall_and_kill(primary)
            this.note(f"{primary}, a primary, is killed (kill -9); the replicas had stalled for {STALL_S} s")
            start = time.time()
            wait_for("every partition is fresh", lambda: this.is_fresh_since(start))
            fresh.append(max(at for at in this.fresh_at(start).values()) - start)
            this.note(f"every partition of Redis holds records that came after it, {fresh[-1]:.1f} s later")
            deploy("up.sh", redis.server)
            wait_for("every server is in its place", redis.is_whole)
            this.note(f"{primary} is back, as a replica")
            time.sleep(BETWEEN_S)
        until = time.time()
        generating.child.terminate()
        made = json.loads(generating.child.communicate()[0])
        verdicts, images, faults = judge(this, made)
        again = sum(process.text().count("delivered again") for process in processors)
        moved = [process.assignments() for process in processors] != settled
        if again or moved or not all(process.is_running() for process in processors):
            faults.append(f"the log was read again: {again} records, partitions moved: {moved}")
        age, _ = freshness(this.images(), since, until)
        facts = [
            f"Redis with {kind}; {made['journal']['records']:,} records over 12 partitions at {made['per_second']:,.0f} a second; {rounds} primaries killed",
            *this.sentences(verdicts, images),
            f"longest time without an answer to any read: {images['longest_gap_seconds']:.1f} s; reads unanswered: {images['unanswered']}",
            f"seconds from the kill until every partition held records that came after it: {', '.join(f'{of:.1f}' for of in fresh)}",
            f"worst age of the newest record in a partition's image: {age:.1f} s",
            f"the log was not read again: no partition moved, {again} records were delivered twice, both processors still run",
        ]
        report(this, f"Redis' primary killed under load ({kind})", facts, faults)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
