#!/usr/bin/env python3
"""Real processes and servers under a seeded storm of faults; then everything heals, and all is held against the log.

Needs the Python of .footfall/software/venv (deploy/install.sh chaos).
"""

import argparse
import subprocess
import sys
import threading
import time
from queue import Queue

from harness import drill, say, wait_for
from storm import judge, picture, report, schedule
from storm.clients import People, Producer, Reader, outcome
from storm.deployment import IMAGES_EVERY_MS, SETTINGS, LogEnds, Storm
from storm.made_anew import made_anew
from storm.processes import Group, OnOwnDisk, Processor, Served, Traffic
from storm.servers import Brokers, OpenSearch, Sentinels
from storm.spoilt import Spoiling

# Before everything heals.
QUIET_AT_END_S = 15
IMAGES = "each image of Redis is the fold up to its offset"
FAKED_CLOCKS = "a clock ten minutes off"


def has_disks():
    """Whether a process may be given a disk of its own here."""
    return subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Lane(threading.Thread):
    """What befalls one part, one fault at a time."""

    def __init__(self, name, part, done):
        super().__init__(daemon=True)
        self.name, self.part, self.done, self.queue = name, part, done, Queue()
        self.start()

    def run(self):
        while of := self.queue.get():
            with self.part.lock:
                began, wrong = time.time(), None
                say(schedule.sentence(of))
                try:
                    self.part.FAULTS[of.fault](self.part, of)
                except Exception as error:  # a part that does not come back must not end the others
                    wrong = f"{schedule.sentence(of)}: {error!r}"
                    say(wrong)
                self.done.append({"planned": of.second, "part": of.part, "kind": of.kind, "fault": of.fault, "lasts": of.lasts, "began": began, "ended": time.time(), "wrong": wrong})


def deploy_all(storm, parts, rate):
    """Every part by its name."""
    kinds = {"processor": Processor, "processor with a disk of its own": OnOwnDisk}
    gateways = [Served(storm, f"gateway-{number}", "entry") for number in (1, 2)]
    processors = [kinds[part.kind](storm, part.name) for part in parts if part.kind in kinds]
    apis = [Served(storm, f"api-{number}", "api") for number in (1, 2)]
    parts = {of.name: of for of in [*processors, *gateways, *apis]}
    for part in parts.values():
        wait_for(f"{part.name} is ready", part.is_ready)
    return parts | {"brokers": Brokers(storm), "redis": Sentinels(storm), "opensearch": OpenSearch(storm), "group": Group(storm), "traffic": Traffic(storm, rate)}


def befall(parts, plan, seconds):
    """Lets it happen; what was done, and what went wrong with it."""
    done, wrong, start = [], [], time.time()
    lanes = {name: Lane(name, part, done) for name, part in parts.items()}
    left = list(plan)
    while (second := time.time() - start) < seconds or left:
        while left and left[0].second <= second:
            of = left.pop(0)
            lanes[of.part].queue.put(of)
        for name, part in parts.items():
            if lanes[name].queue.empty() and not part.lock.locked() and (said := part.revive()):
                say(said)
                wrong.append(said)
        time.sleep(0.1)
    for lane in lanes.values():
        lane.queue.put(None)
    for lane in lanes.values():
        lane.join()
    return start, done, wrong + [of["wrong"] for of in done if of["wrong"]]


def heal(storm, parts):
    """Until every part is whole and every partition's image is fresh; seconds that it took."""
    start = time.time()
    for name, part in parts.items():
        if said := part.revive():
            say(said)
    for name in ("brokers", "redis", "opensearch"):
        wait_for(f"{name} are whole", parts[name].is_whole)
    wait_for("every partition is fresh", lambda: storm.is_fresh_since(start))
    return time.time() - start


def main(arguments):
    without = [] if arguments.clocks else [FAKED_CLOCKS]
    planned = schedule.PARTS if has_disks() else schedule.on_one_disk()
    seconds = arguments.minutes * 60
    plan = schedule.plan(arguments.seed, seconds - QUIET_AT_END_S, planned, without)
    if arguments.plan:
        print(*(f"{of.second:7.1f}  {schedule.sentence(of)}" for of in plan), sep="\n")
        return
    with drill("chaos", ["redis-sentinel", "opensearch"], SETTINGS, Storm) as storm:
        parts = deploy_all(storm, planned, arguments.rate)
        wrong = judge.preconditions(storm, parts["redis"])
        if wrong:
            sys.exit("\n".join(wrong))
        storm.watch_images(100_000, IMAGES_EVERY_MS)
        ends = LogEnds(storm)
        gateways, apis = ([parts[f"{name}-{number}"].address for number in (1, 2)] for name in ("gateway", "api"))
        people, producer = People(storm.folder, gateways), Producer(storm.folder, gateways)
        reader = Reader(storm.folder, apis, producer)
        wait_for("every partition's image is read", lambda: storm.is_fresh_since(storm.started))
        spoiling = Spoiling(parts["redis"]) if arguments.spoilt else None
        start, done, unexpected = befall(parts, plan, seconds)
        failovers = parts["redis"].failovers()
        until = time.time()
        if spoiling:
            spoiling.over.set()
        say("everything heals")
        healed = heal(storm, parts)
        for client in (people, producer, reader):
            client.stop()
        parts["traffic"].stop()
        unanswered = [f"{user} has no answer of {activity}" for activity, user in people.settle()]
        unanswered += [f"event {number} was not acknowledged" for number in producer.settle()]
        found, seen = judged(storm, parts, people, producer, reader, apis[0])
        anew, not_halted = made_anew(storm, parts)
        found |= {"nothing ended by itself or stayed broken": unexpected, "everyone was answered": unanswered, "a log made anew halts every partition": not_halted}
        result = seen | {
            "seed": arguments.seed, "minutes": arguments.minutes, "rate": arguments.rate, "healed_s": healed, "failovers": failovers, "made_anew": anew,
            "kills": {name: part.kills for name, part in parts.items()}, "checks": found, **report.of_faults(storm, start, until, done),
        }
        told = [of["at"] + of["took"] for of in people.journal.lines() if outcome(of["status"], of["answer"])]
        picture.draw(storm.folder / "timeline.svg", storm, start, until, done, ends.seen, told)
        report.write(storm, result)
        if arguments.keep:
            report.keep(storm)
    if arguments.spoilt:
        found = {"the fault made on purpose is found": [] if found[IMAGES] else ["no image was wrong"]}
    failed = sum(1 for wrong in found.values() if wrong)
    print(f"{len(found) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def judged(storm, parts, people, producer, reader, api):
    """Everything held against the log: what is wrong by check, and what was seen."""
    verdicts = storm.verified()
    images, log, journals = storm.judged(), judge.Log(storm), parts["traffic"].journals
    cut = [of for of in (report() for report in parts["redis"].cut_reports) if of]
    of_clients = {"producer": judge.of_producer(producer, log, judge.total(api)), "people": judge.of_people(storm, people, judge.entered(api)), "reader": judge.of_reader(reader)}
    of_stores = judge.of_stores(storm, journals, verdicts)
    found = {
        IMAGES: judge.of_images([images, *cut]), "each acknowledged event is in the log, and counts once": of_clients["producer"][0],
        "told yes is admitted, and never told otherwise": of_clients["people"][0], "no answer goes back unmarked": of_clients["reader"][0],
        "both stores equal the independent fold": of_stores[0], "what generators sent is there": judge.of_generators(journals, log),
    }
    good = {"people": lambda of: of["status"] in (200, 201, 409), "producer": lambda of: of["told"] and of["told"]["status"] == "accepted", "reader": lambda of: of["status"] == 200}
    clients = {"people": people, "producer": producer, "reader": reader}
    return found, {
        "images": images, "verdicts": verdicts, "log_records": log.records, "counts": {name: counts for name, (_, counts) in {**of_clients, "stores": of_stores}.items()},
        "cut": {"read": len(cut), "images": sum(of["images"] for of in cut), "wrong": sum(of["wrong"] for of in cut)},
        "gaps": {name: judge.gap(client.journal.lines(), good[name]) for name, client in clients.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=200, help="events a second of the steady generator (default: %(default)s)")
    parser.add_argument("--no-clocks", dest="clocks", action="store_false", help="without faked clocks, for which Debian's package faketime is needed")
    parser.add_argument("--keep", action="store_true", help="write docs/chaos.md, its Korean twin, and docs/chaos")
    parser.add_argument("--spoilt", action="store_true", help="with a fault in Redis' functions, which must be found")
    parser.add_argument("--plan", action="store_true", help="print the schedule, and do nothing")
    main(parser.parse_args())
