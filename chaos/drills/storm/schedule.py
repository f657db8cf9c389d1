"""What befalls which part of the deployment, and when: decided by a seed before anything happens.

A part (a process, the brokers, Redis …) has one fault at a time. Every few seconds some of the parts that should be whole
by then are chosen, and a fault for each; now and then nothing happens for a while. How long a part needs is planned; where it takes longer,
its next fault waits.
"""

import dataclasses
from random import Random

BETWEEN_S = (3.0, 10.0)  # from one choice to the next
TOGETHER = (0, 1, 1, 1, 1, 2, 2, 2, 2, 3)  # how many parts are chosen
ACTIVE_S, QUIET_S = 100.0, 15.0


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    weight: int  # how often, beside the part's others
    lasts: tuple  # seconds from the fault to its mend, least and greatest
    settles: float  # seconds until the part should be whole


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    kind: str
    weight: float  # how often, beside the other parts


@dataclasses.dataclass(frozen=True)
class Planned:
    second: float
    part: str
    kind: str
    fault: str
    lasts: float
    number: int  # chooses among several, as which broker


CHECKPOINT_FAULTS = [Fault("a checkpoint is deleted", 1, (0.1, 3.0), 5), Fault("a checkpoint is cut short", 1, (0.1, 3.0), 5), Fault("older checkpoints are back", 1, (0.1, 3.0), 5)]
PROCESS_FAULTS = [Fault("killed", 11, (0.1, 3.0), 4), Fault("stands still", 3, (0.3, 15.0), 3), Fault("restarted", 2, (0.0, 0.0), 8)]
SKEWED = [Fault("a clock ten minutes off", 1, (8.0, 15.0), 6)]
FAULTS = {
    "processor": PROCESS_FAULTS + CHECKPOINT_FAULTS + SKEWED,
    "processor with a disk of its own": [Fault("killed, its disk lost", 11, (0.1, 3.0), 4), *PROCESS_FAULTS[1:], Fault("its disk is full", 2, (5.0, 10.0), 3)],
    "gateway": [Fault("killed", 3, (0.1, 3.0), 3), Fault("stands still", 2, (0.3, 8.0), 2), Fault("restarted", 2, (0.0, 0.0), 5), *SKEWED],
    "api": [Fault("killed", 2, (0.1, 3.0), 2), Fault("stands still", 1, (0.3, 8.0), 1), Fault("restarted", 1, (0.0, 0.0), 3)],
    "brokers": [Fault("one is killed", 8, (0.0, 4.0), 25), Fault("one stands still", 2, (1.0, 9.0), 10), Fault("one is restarted", 1, (0.0, 0.0), 30)],
    "redis": [
        Fault("the primary is killed, its replicas cut off before", 24, (0.2, 1.0), 19), Fault("the primary stands still", 2, (1.0, 6.0), 12),
        Fault("a replica is killed", 1, (0.0, 2.0), 5), Fault("a sentinel is killed", 1, (0.0, 2.0), 5), Fault("the primary is restarted", 2, (0.0, 0.0), 19),
        Fault("split brain", 3, (5.0, 12.0), 10), Fault("all are down for a minute", 1, (60.0, 60.0), 15), Fault("all is wiped", 1, (0.0, 1.0), 15),
    ],
    "opensearch": [
        Fault("a node is killed", 3, (0.0, 3.0), 30), Fault("a node stands still", 2, (1.0, 12.0), 10), Fault("a node is restarted", 1, (0.0, 0.0), 30),
        Fault("429 to every request", 2, (5.0, 15.0), 2), Fault("429 and 503 for some documents", 2, (5.0, 15.0), 2),
    ],
    "group": [Fault("two owners of every partition", 1, (8.0, 15.0), 5), Fault("members come and go", 1, (8.0, 12.0), 8)],
    "traffic": [Fault("one record in a hundred is bad", 1, (10.0, 15.0), 3), Fault("every record is bad", 1, (3.0, 6.0), 3)],
}
PARTS = [
    Part("redis", "redis", 40), Part("brokers", "brokers", 6), Part("opensearch", "opensearch", 2), Part("group", "group", 1.2), Part("traffic", "traffic", 1),
    Part("processor-1", "processor with a disk of its own", 4.5), Part("processor-2", "processor", 4.5), Part("processor-3", "processor", 4.5),
    Part("gateway-1", "gateway", 1.4), Part("gateway-2", "gateway", 1.4), Part("api-1", "api", 0.7), Part("api-2", "api", 0.7),
]


def on_one_disk():
    """The parts where no process can have a disk of its own."""
    return [dataclasses.replace(part, kind="processor") if part.kind.startswith("processor") else part for part in PARTS]


class Bag:
    """Draws each fault as often as its weight says before any comes oftener."""

    def __init__(self, random, faults):
        self.random, self.faults, self.left = random, faults, []

    def draw(self):
        if not self.left:
            self.left = [fault for fault in self.faults for _ in range(fault.weight)]
            self.random.shuffle(self.left)
        return self.left.pop()


def plan(seed, seconds, parts=PARTS, without=()):
    """Every fault of so many seconds, in order; equal seeds, equal plans. `without` names faults that this machine can't make."""
    random = Random(seed)
    bags = {part.name: Bag(random, [fault for fault in FAULTS[part.kind] if fault.name not in without]) for part in parts}
    busy_until = dict.fromkeys(bags, 0.0)
    planned, second = [], 0.0
    while (second := second + random.uniform(*BETWEEN_S)) < seconds:
        if second % (ACTIVE_S + QUIET_S) > ACTIVE_S:
            continue
        idle = [part for part in parts if busy_until[part.name] <= second]
        for part in chosen(random, idle, random.choice(TOGETHER)):
            fault = bags[part.name].draw()
            lasts = random.uniform(*fault.lasts)
            busy_until[part.name] = second + lasts + fault.settles
            planned.append(Planned(round(second, 1), part.name, part.kind, fault.name, round(lasts, 1), random.randrange(1 << 16)))
    return planned


def chosen(random, parts, count):
    """So many different parts, by their weights."""
    left, found = list(parts), []
    while left and len(found) < count:
        found.append(random.choices(left, [part.weight for part in left])[0])
        left.remove(found[-1])
    return found


def sentence(of):
    lasts = f" for {of.lasts:.1f} s" if of.lasts else ""
    return f"{of.part}: {of.fault}{lasts}"
