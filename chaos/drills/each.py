#!/usr/bin/env python3
"""Every kind of process and server is killed once, alone: what stopped, for how long, and what was lost.

usage: chaos/drills/each.py [--keep]   (some twelve minutes; --keep writes docs/single-failures.md and its Korean twin)
Needs the Python of .footfall/software/venv (deploy/install.sh chaos).
"""

import collections
import sys

from harness import ROOT, drill
from storm import course, report, schedule
from storm.deployment import SETTINGS, Storm
from storm.each_words import ENGLISH, KOREAN

SERVERS = ["redis-sentinel", "opensearch"]
RATE = 200
FIRST_S = 40.0  # in which nothing fails
APART_S = 45.0
GONE_S = 20.0  # until it is started again
FAILOVERS, CUT_OFF_S = 5, 0.5
PAGES = {"single-failures.md": ENGLISH, "single-failures.ko.md": KOREAN}
# A row's name, the part, its fault; brokers and primaries one after the other.
KILLED = [
    *[("redis", "redis", "the primary is killed, its replicas cut off before", CUT_OFF_S)] * FAILOVERS,
    ("replica", "redis", "a replica is killed", GONE_S),
    ("sentinel", "redis", "a sentinel is killed", GONE_S),
    *[("broker", "brokers", "one is killed", GONE_S)] * 3,
    ("opensearch", "opensearch", "a node is killed", GONE_S),
    ("processor", "processor-2", "killed", GONE_S),
    ("disk", "processor-1", "killed, its disk lost", GONE_S),
    ("gateway", "gateway-1", "killed", GONE_S),
    ("api", "api-1", "killed", GONE_S),
]


def plan():
    kinds = {part.name: part.kind for part in schedule.PARTS}
    return [schedule.Planned(FIRST_S + APART_S * number, part, kinds[part], fault, lasts, number) for number, (_, part, fault, lasts) in enumerate(KILLED)]


def waits(journal, key, is_good):
    """By whoever asked: when, and how long until there was an answer."""
    first, waited = {}, {}
    for of in sorted(journal.lines(), key=lambda of: of["at"]):
        who = of[key]
        first.setdefault(who, of["at"])
        if is_good(of) and who not in waited:
            waited[who] = of["at"] + of["took"] - first[who]
    return [(first[who], of) for who, of in waited.items()]


class Reads:
    """A reader asks again and again: how long it had no newer answer."""

    def __init__(self, reader):
        good = sorted((of["at"], of["at"] + of["took"]) for of in reader.journal.lines() if reader.is_good(of))
        self.waited = [(before, after - before) for (_, before), (_, after) in zip(good, good[1:])]


def rows(of, storm):
    """For every kind that was killed, and for the time before: the longest wait of each client, and the age of what was read."""
    seats, events, reads = waits(of.people.journal, "user", of.people.is_good), waits(of.producer.journal, "id", of.producer.is_good), Reads(of.reader).waited
    images, times = storm.images(), report.Fresh(storm.images())
    done = sorted(of.done, key=lambda fault: fault["began"])
    windows = [("nothing", of.start, of.start + FIRST_S, None)]
    for number, fault in enumerate(done):
        # A primary is cut off first, and then killed.
        killed = fault["began"] + (CUT_OFF_S if KILLED[number][0] == "redis" else 0.0)
        windows.append((KILLED[number][0], killed, killed + APART_S, fault))
    found = collections.defaultdict(list)
    for name, since, until, fault in windows:
        worst = [max((waited for at, waited in client if since - 1 <= at < until), default=0.0) for client in (seats, events, reads)]
        age = max((at - log_time for at, _, _, log_time in images if since <= at < until and log_time), default=0.0)
        found[name].append([*worst, age, times.after(since) - since if fault else 0.0])
    return {name: {"times": len(many), "worst": [max(column) for column in zip(*many, strict=True)], "fresh": sorted(each[-1] for each in many)} for name, many in found.items()}


def page(words, found, seen, wrong, machine):
    lines = [words["title"], "", words["other"], "", words["made"].format(**machine, rate=RATE, gone=GONE_S, cut=CUT_OFF_S), "", f"| {' | '.join(words['head'])} |", "|---|---:|" + "---:|" * 4 + "---|"]
    for name, of in found.items():
        seats, events, reads, age, _ = of["worst"]
        lost = words["nothing"] if not wrong else words["see"]
        lines.append(f"| {words['rows'][name]} | {of['times']} | {seats:.1f} | {events:.1f} | {reads:.1f} | {age:.1f} | {lost} |")
    fresh = found["redis"]["fresh"]
    facts = {
        "fresh": ", ".join(f"{of:.1f}" for of in fresh), "images": f"{seen['images']['images']:,}", "wrong": seen["images"]["wrong"], "records": f"{seen['log_records']:,}",
        "events": f"{seen['counts']['producer']['events']:,}", "admitted": f"{seen['counts']['people']['admitted']:,}", "people": f"{seen['counts']['people']['people']:,}",
        "cells": f"{sum(of['cells'] for of in seen['verdicts']):,}", "differ": sum(of["differences"] for of in seen["verdicts"]), "again": seen["again"],
    }
    lines += ["", *(f"- {sentence.format(**facts)}" for sentence in words["facts"]), "", words["violations"].format(found="; ".join(wrong) or words["none"])]
    return "\n".join(lines) + "\n"


def main(keep):
    with drill("each", SERVERS, SETTINGS, Storm) as storm:
        schedule_of = plan()
        of = course.run(storm, schedule.PARTS, schedule_of, schedule_of[-1].second + APART_S, RATE, alone=True)
        found, wrong = rows(of, storm), [sentence for said in of.found.values() for sentence in said]
        primaries = [fault for fault in of.done if fault["fault"] == KILLED[0][2]]
        of.seen["again"] = report.delivered_again(storm, min(fault["began"] for fault in primaries), max(fault["began"] for fault in primaries) + APART_S)
        for name, words in PAGES.items():
            text = page(words, found, of.seen, wrong, report.machine())
            (storm.folder / name).write_text(text)
            if keep:
                (ROOT / "docs" / name).write_text(text)
        print((storm.folder / "single-failures.md").read_text())
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main("--keep" in sys.argv[1:])
