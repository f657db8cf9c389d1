"""How many a gate answers a second, and how soon, where nothing breaks."""

from dataclasses import dataclass, field
from statistics import median

from verdict import counted


@dataclass
class Load:
    """How people come. `within_ms` of 0: on 256 connections, each as soon as the one before is answered."""

    name: str
    people: int
    seats: int
    within_ms: int


@dataclass
class Measured:
    """The runs of one gate under one load: a number of each."""

    per_second: list = field(default_factory=list)
    yes_p50: list = field(default_factory=list)
    yes_p99: list = field(default_factory=list)
    no_p50: list = field(default_factory=list)
    no_p99: list = field(default_factory=list)
    again: int = 0
    over: int = 0
    under: int = 0
    lost: int = 0
    unanswered: int = 0


def loads(people, seats, moderate):
    """What is measured: a rush as fast as it goes, one within a second, and one that every gate should keep up with, in which
    everybody gets a seat, so that no gate answers from memory."""
    return [
        Load("closed", people, seats, 0),
        Load("second", people, seats, 1_000),
        Load("moderate", moderate * 5, moderate * 5, 5_000),
    ]


def share(times, part):
    """That quantile, in milliseconds; 0 where there are none."""
    ordered = sorted(times)
    return ordered[int((len(ordered) - 1) * part)] / 1000 if ordered else 0.0


def measure(gate, load, activity, into):
    """One run; its numbers go into `into`."""
    gate.define(activity, load.seats)
    told = gate.asked(activity, load.people, load.within_ms)
    lasted = max(of["due_us"] + of["took_us"] for of in told) / 1_000_000
    into.per_second.append(len(told) / lasted)
    of_yes = [of["took_us"] for of in told if of["status"] in (200, 201)]
    of_no = [of["took_us"] for of in told if of["status"] == 409]
    for name, times in (("yes", of_yes), ("no", of_no)):
        getattr(into, f"{name}_p50").append(share(times, 0.5))
        getattr(into, f"{name}_p99").append(share(times, 0.99))
    into.again += sum(of["again"] for of in told)
    wrong = counted(told, gate.stored(activity), load.seats)
    for what in ("over", "under", "lost", "unanswered"):
        setattr(into, what, getattr(into, what) + wrong[what])


def spread(numbers, form):
    """The median, and the least and greatest."""
    shown = [format(of, form) for of in (median(numbers), min(numbers), max(numbers))]
    return shown[0] if len(numbers) == 1 else f"{shown[0]} ({shown[1]}–{shown[2]})"
