#!/usr/bin/env python3
"""Real processes and servers under a seeded storm of faults; then everything heals, and all is held against the log.

Needs the Python of .footfall/software/venv (deploy/install.sh chaos).
"""

import argparse
import subprocess
import sys

from harness import drill
from storm import course, picture, report, schedule
from storm.deployment import SETTINGS, Storm
from storm.made_anew import made_anew

SERVERS = ["redis-sentinel", "opensearch"]
# Before everything heals.
QUIET_AT_END_S = 15
FAKED_CLOCKS = "a clock ten minutes off"


def has_disks():
    """Whether a process may be given a disk of its own here."""
    return subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL).returncode == 0


def main(arguments):
    without = [] if arguments.clocks else [FAKED_CLOCKS]
    planned = schedule.PARTS if has_disks() else schedule.on_one_disk()
    seconds = arguments.minutes * 60
    plan = schedule.plan(arguments.seed, seconds - QUIET_AT_END_S, planned, without)
    if arguments.plan:
        print(*(f"{of.second:7.1f}  {schedule.sentence(of)}" for of in plan), sep="\n")
        return
    with drill("chaos", SERVERS, SETTINGS, Storm) as storm:
        of = course.run(storm, planned, plan, seconds, arguments.rate, arguments.spoilt)
        if arguments.spoilt:
            found = {"the fault made on purpose is found": [] if of.found[course.IMAGES] else ["no image was wrong"]}
            print(of.found[course.IMAGES], of.found["both stores equal the independent fold"])
        else:
            anew, found = made_anew(storm, of.parts)
            found = of.found | {"a log made anew halts every partition": found}
            asked = {"seed": arguments.seed, "minutes": arguments.minutes, "made_anew": anew, "checks": found}
            report.write(storm, of.seen | asked | report.of_faults(storm, of.start, of.until, of.done))
            picture.draw(storm.folder / "timeline.svg", storm, of)
            if arguments.keep:
                report.keep(storm)
    failed = sum(1 for wrong in found.values() if wrong)
    print(f"{len(found) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--rate", type=int, default=200, help="events a second of the steady generator (default: %(default)s)")
    parser.add_argument("--no-clocks", dest="clocks", action="store_false", help="without faked clocks, for which Debian's package faketime is needed")
    parser.add_argument("--keep", action="store_true", help="write docs/chaos.md, its Korean twin, and docs/chaos")
    parser.add_argument("--spoilt", action="store_true", help="with a fault in Redis' functions, which must be found")
    parser.add_argument("--plan", action="store_true", help="print the schedule, and do nothing")
    main(parser.parse_args())
