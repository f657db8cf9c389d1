#!/usr/bin/env python3
"""A fleet of processors under load: one is added, one killed, one started with its state folder deleted.

usage: chaos/drills/fleet.py [EVENTS [PER_SECOND]]   (default: 1000000 at 6000)
"""

import json
import shutil
import sys
import time

from harness import drill, freshness, judge, report, wait_for

SNAPSHOTS = '[snapshots]\nurl = "file://{folder}/snapshots"\nevery_s = 15\nkeep = 3\n'


def main(events=1_000_000, rate=6_000):
    with drill("fleet", ["kafka", "redis", "opensearch"], SNAPSHOTS) as this:
        first, second, third = (this.processor(name) for name in ["first", "second", "third"])
        this.watch_images(3600)
        generating = this.generate(
            "--count", str(events), "--rate", str(rate), "--users", "100000",
            "--duplicates", "0.01", "--late", "0.01", "--bad", "0.001", "--shuffle", "2000",
        )

        wait_for("a fifth is in Redis", lambda: this.stored() > 0.2 * events)
        since = time.time()
        this.note("a fourth processor is added")
        fourth = this.processor("fourth")
        wait_for("two fifths are in Redis", lambda: this.stored() > 0.4 * events)
        this.note("the first is killed (kill -9)")
        first.kill()
        wait_for("three fifths are in Redis", lambda: this.stored() > 0.6 * events)
        this.note("the second is killed (kill -9) and its state folder deleted")
        second.kill()
        shutil.rmtree(this.folder / "second")
        before = len(second.text())
        this.note("it is started again")
        second = this.processor("second")
        said, _ = generating.child.communicate()
        made = json.loads(said)
        until = time.time()
        verdicts, images, faults = judge(this, made)
        restored = second.text()[before:].count('from="snapshot"')
        if not restored:
            faults.append("the one without a state folder restored nothing from snapshots")
        age, _ = freshness(this.images(), since, until)
        facts = [
            f"{made['journal']['records']:,} records over 12 partitions at {made['per_second']:,.0f} a second; four processors in all",
            *this.sentences(verdicts, images),
            f"worst age of the newest record in a partition's image under load: {age:.1f} s",
            f"the one without a state folder restored {restored} partitions from snapshots",
            f"digest of both stores: {sorted(set(this.digests().values()))}",
        ]
        for process in [second, third, fourth]:
            process.stop()
        report(this, "A fleet under load", facts, faults)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
