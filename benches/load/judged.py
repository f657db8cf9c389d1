"""What was said held against the log: seats by a recount that shares the messages alone, and the stores by `footfall verify`."""

from random import Random

import gate
from harness import happens

LONGEST_TOLD_S = 120.0  # until every admission has become an event and every event is in both stores


def in_log(counted):
    return {"held": counted["held"], "capacity": counted["capacity"], "admitted": len(counted["admitted"])}


def log(counted, seats, told=None):
    """What is wrong with an activity by its recount; `told` is how many were told yes."""
    ranks = [rank for _, rank, *_ in counted["admitted"]]
    name, wrong = counted["activity"], []
    if counted["held"] != seats:
        wrong.append(f"{name}: the log gives {counted['held']} seats of {seats}")
    if ranks != list(range(1, len(ranks) + 1)):
        wrong.append(f"{name}: the ranks in the log have gaps")
    if told is not None and told != len(ranks):
        wrong.append(f"{name}: {told} were told yes, and {len(ranks)} are admitted in the log")
    return wrong


def answers(at, of, seats, counted):
    """What is wrong with the answers that each of the people was given."""
    otherwise = gate.told_otherwise(at, of.run, of.answers, Random(of.run))
    return gate.undefined(of.run, of.answers) + otherwise + gate.not_as_counted(of.run, seats, gate.places(of.answers), counted)


def stores(load, faults):
    """Both stores held against the log, once they have each event that was accepted and each admission."""
    given = sum(len(of["admitted"]) for of in load.recount().values())
    wanted = load.accepted + given
    found = {}

    def complete():
        found["verdicts"] = load.drill.verified()
        return all(of["applied"] >= wanted for of in found["verdicts"])

    happens(complete, LONGEST_TOLD_S)
    for of in found["verdicts"]:
        if of["applied"] != wanted:
            faults.append(f"{of['store']}: {of['applied']} events are applied; {load.accepted} were accepted and {given} people admitted")
        if of["differences"] or of["not_comparable"]:
            faults.append(f"{of['store']}: {of['differences']} cells differ; {of['not_comparable']}")
    keep = ("store", "records", "applied", "duplicate", "late", "dead_lettered", "cells", "differences")
    return {"accepted": load.accepted, "admitted": given, "stores": [{name: of[name] for name in keep} for of in found["verdicts"]]}
