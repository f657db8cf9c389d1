#!/usr/bin/env python3
"""Three processors under load, restarted one after the other, as an upgrade does it.

usage: chaos/drills/rolling.py [PER_SECOND [ROUNDS]]   (default: 3000, 2)
"""

import json
import sys
import time

from harness import drill, freshness, judge, report, wait_for

NAMES = ["first", "second", "third"]
SNAPSHOTS = '[snapshots]\nurl = "file://{folder}/snapshots"\nevery_s = 15\nkeep = 3\n'


def main(rate=3_000, rounds=2):
    with drill("rolling", ["kafka", "redis", "opensearch"], SNAPSHOTS) as this:
        running = {name: this.processor(name) for name in NAMES}
        this.watch_images(3600)
        generating = this.generate("--count", "100000000", "--rate", str(rate), "--users", "50000")
        wait_for("every partition has records in Redis", lambda: this.stored() > 10 * rate)
        since, took = time.time(), []
        for name in NAMES * rounds:
            this.note(f"the {name} is asked to stop")
            start = time.time()
            stopped = running[name].stop()
            running[name] = this.processor(name)
            wait_for("every partition is fresh", lambda: this.is_fresh_since(start + stopped))
            took.append((stopped, time.time() - start))
            this.note(f"the {name} is back")
        until = time.time()
        generating.child.terminate()
        made = json.loads(generating.child.communicate()[0])
        verdicts, images, faults = judge(this, made)
        age, at = freshness(this.images(), since, until)
        facts = [
            f"{made['journal']['records']:,} records over 12 partitions at {made['per_second']:,.0f} a second; {len(took)} restarts of three processors",
            *this.sentences(verdicts, images),
            f"worst age of the newest record in a partition's image: {age:.1f} s, at second {at - this.started:.0f}",
            f"to stop, with a last checkpoint and snapshot: {min(of for of, _ in took):.1f} to {max(of for of, _ in took):.1f} s;"
            f" from the signal until all partitions were fresh again: {min(of for _, of in took):.1f} to {max(of for _, of in took):.1f} s",
        ]
        report(this, "A rolling restart under load", facts, faults)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
