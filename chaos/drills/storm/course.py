"""A storm from its beginning to the judgement: everything is started, faults befall it, it heals, and all is held against the log."""

import dataclasses
import sys
import threading
import time
from queue import Queue

from harness import say, wait_for
from storm import judge, schedule
from storm.clients import People, Producer, Reader, outcome
from storm.deployment import IMAGES_EVERY_MS, LogEnds
from storm.processes import Group, OnOwnDisk, Processor, Served, Traffic
from storm.servers import Brokers, OpenSearch, Sentinels
from storm.spoilt import Spoiling

IMAGES = "each image of Redis is the fold up to its offset"


class Lane(threading.Thread):
    """What befalls one part, one fault at a time."""

    def __init__(self, name, part, done):
        super().__init__(daemon=True)
        self.name, self.part, self.done, self.queue = name, part, done, Queue()
        self.start()

    def is_busy(self):
        return not self.queue.empty() or self.part.lock.locked()

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


@dataclasses.dataclass
class Course:
    parts: dict
    people: People
    producer: Producer
    reader: Reader
    ends: LogEnds
    start: float  # of the first fault's clock
    until: float  # everything is whole again after
    done: list  # every fault, as it went
    found: dict  # by check, the sentences that say what is wrong
    seen: dict  # figures

    def told(self):
        """When somebody was told yes or no."""
        return [of["at"] + of["took"] for of in self.people.journal.lines() if outcome(of["status"], of["answer"])]


def run(storm, planned, plan, seconds, rate, spoilt=False, alone=False):
    """Lets the plan befall the parts that were planned, for so many seconds at least; `alone`: each when those before are over."""
    parts = deploy_all(storm, planned, rate)
    if wrong := judge.preconditions(storm, parts["redis"]):
        sys.exit("\n".join(wrong))
    storm.watch_images(100_000, IMAGES_EVERY_MS)
    gateways, apis = ([parts[f"{name}-{number}"].address for number in (1, 2)] for name in ("gateway", "api"))
    people, producer = People(storm.folder, gateways), Producer(storm.folder, gateways)
    reader, ends = Reader(storm.folder, apis, producer), LogEnds(storm)
    wait_for("every partition's image is read", lambda: storm.is_fresh_since(storm.started))
    spoiling = Spoiling(parts["redis"]) if spoilt else None
    start, done, unexpected = befall(parts, plan, seconds, alone)
    failovers, until = parts["redis"].failovers(), time.time()
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
    found |= {"nothing ended by itself or stayed broken": unexpected, "everyone was answered": unanswered}
    seen |= {"rate": rate, "healed_s": healed, "failovers": failovers, "kills": {name: part.kills for name, part in parts.items()}}
    return Course(parts, people, producer, reader, ends, start, until, done, found, seen)


def deploy_all(storm, planned, rate):
    """Every part by its name."""
    kinds = {"processor": Processor, "processor with a disk of its own": OnOwnDisk}
    gateways = [Served(storm, f"gateway-{number}", "entry") for number in (1, 2)]
    processors = [kinds[part.kind](storm, part.name) for part in planned if part.kind in kinds]
    apis = [Served(storm, f"api-{number}", "api") for number in (1, 2)]
    parts = {of.name: of for of in [*processors, *gateways, *apis]}
    for part in parts.values():
        wait_for(f"{part.name} is ready", part.is_ready)
    return parts | {"brokers": Brokers(storm), "redis": Sentinels(storm), "opensearch": OpenSearch(storm), "group": Group(storm), "traffic": Traffic(storm, rate)}


def befall(parts, plan, seconds, alone):
    """When it began, what was done, and what went wrong with it."""
    done, wrong, start = [], [], time.time()
    lanes = {name: Lane(name, part, done) for name, part in parts.items()}
    left, late = list(plan), 0.0
    while (second := time.time() - start) < seconds + late or left:
        if alone and left and any(lane.is_busy() for lane in lanes.values()):
            # Those after it are as late, so that each has its time.
            late = max(late, second - left[0].second)
        while left and left[0].second + late <= second:
            of = left.pop(0)
            lanes[of.part].queue.put(of)
        for name, part in parts.items():
            if not lanes[name].is_busy() and (said := part.revive()):
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
    for part in parts.values():
        if said := part.revive():
            say(said)
    for name in ("brokers", "redis", "opensearch"):
        wait_for(f"{name} are whole", parts[name].is_whole)
    wait_for("every partition is fresh", lambda: storm.is_fresh_since(start))
    return time.time() - start


def judged(storm, parts, people, producer, reader, api):
    """What is wrong by check, and what was seen."""
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
    clients = {"people": people, "producer": producer, "reader": reader}
    return found, {
        "images": images, "verdicts": verdicts, "log_records": log.records, "counts": {name: counts for name, (_, counts) in {**of_clients, "stores": of_stores}.items()},
        "cut": {"read": len(cut), "images": sum(of["images"] for of in cut), "wrong": sum(of["wrong"] for of in cut)},
        "gaps": {name: judge.gap(client.journal.lines(), client.is_good) for name, client in clients.items()},
    }
