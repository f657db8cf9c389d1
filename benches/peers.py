#!/usr/bin/env python3
"""Gates give seats on one machine, in one run, to the same requests: two with locks, two with a script, and the log's.

usage: benches/peers.py [--repeats N] [--rounds N] [--two N] [--people N] [--seats N] [--moderate PER_SECOND] [--seed N]
    [--gates NAME…] [--stopped] [--dry]
Writes benches/results/admission.md and the tables of docs/admission.md and docs/admission.ko.md; with --dry prints them instead.
Needs the Python of .footfall/software/venv (deploy/install.sh test), and a JDK.
"""

import argparse
import os
import pathlib
import random
import shlex
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "peers"), str(HERE.parent / "chaos/drills")]

import faults  # noqa: E402
import gates  # noqa: E402
import pages  # noqa: E402
import speed  # noqa: E402
from harness import drill, say  # noqa: E402

WARM_S = 60
TRIES = 3  # of a round whose fault did not come about
HOLD = ["script-wait", "log"]  # what promises to hold where one server dies


def measure_all(running, args):
    """By load and gate, what was measured; gates take turns, and another begins each time."""
    # Slowly first: virtual machines, the brokers' too, compile while they are used, and take most of the processors meanwhile.
    warm = [speed.Load("warmer", args.moderate * WARM_S, args.moderate * WARM_S, 1_000 * WARM_S), speed.Load("warm", args.people, args.people, 0)]
    loads = speed.loads(args.people, args.seats, args.moderate)
    measured = {load.name: {gate.name: speed.Measured() for gate in running} for load in loads}
    for gate in running if args.repeats else []:
        for load in warm:
            say(f"{gate.name}: {load.people:,} people that are not counted")
            speed.measure(gate, load, f"{load.name}-{gate.name}", speed.Measured())
    for number in range(args.repeats):
        turn = running[number % len(running):] + running[: number % len(running)]
        for load in loads:
            for gate in turn:
                of = measured[load.name][gate.name]
                speed.measure(gate, load, f"{load.name}-{gate.name}-{number}", of)
                say(f"{load.name} {gate.name}: {of.per_second[-1]:,.0f}/s, yes {of.yes_p50[-1]:.1f} and {of.yes_p99[-1]:.1f} ms")
    return loads if args.repeats else [], measured


def break_all(this, servers, running, args):
    """By kind of fault and gate, what its rounds came to; and what the faults are."""
    of_redis = faults.StoppedRedis(servers) if args.stopped else faults.Redis(servers, 2)
    kinds = {"one": (args.rounds, of_redis, faults.Kafka(this, 1)), "two": (args.two, faults.Redis(servers, 1), faults.Kafka(this, 2))}
    rounds, facts = {}, []
    for kind, (count, redis, kafka) in kinds.items():
        broken = [gate for gate in running if kind == "one" or gate.name in HOLD]
        if not (count and broken):
            continue
        rounds[kind] = {gate.name: [] for gate in broken}
        facts.append(f"{count} rounds of each gate: {redis.what}; for `footfall entry`: {kafka.what}")
        for number in range(count):
            for gate in broken:
                one = broken_once(gate, kafka if gate.name == "log" else redis, f"{kind}-{gate.name}-{number}", args.seed)
                rounds[kind][gate.name].append(one)
                say(f"{kind} {number + 1} {gate.name}: {one}")
    return rounds, facts


def broken_once(gate, fault, name, seed):
    """A round in which the fault came about."""
    for tried in range(TRIES):
        if one := faults.round_of(gate, fault, f"{name}-{tried}", random.Random(f"{seed} {name} {tried}")):
            return one
        say(f"{name}: the fault did not come about")
    return sys.exit(f"{name}: the fault did not come about in {TRIES} rounds")


def sections(loads, measured, rounds):
    """The tables, by language."""
    made = {}
    for language, words in pages.WORDS.items():
        lines = []
        for load in loads:
            lines += pages.speed_table(words, load, measured[load.name])
        for kind, of in rounds.items():
            said = words[kind].format(people=faults.PEOPLE, seats=faults.SEATS, seconds=faults.WITHIN_MS / 1000)
            lines += [said, "", *pages.fault_table(words, of)]
        made[language] = lines
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("repeats", 3), ("rounds", 20), ("two", 5), ("people", 10_000), ("seats", 1_000), ("moderate", 300), ("seed", 1)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--gates", nargs="+", choices=gates.NAMES, default=gates.NAMES)
    parser.add_argument("--stopped", action="store_true", help="stop Redis' replicas instead of holding their links")
    parser.add_argument("--dry", action="store_true", help="print the tables, write no page")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with drill("peers", ["kafka", "redis-sentinel"], "[entry]\nclaimed_users = true\n") as this:
        servers, running = gates.start(this, args.gates)
        loads, measured = measure_all(running, args)
        rounds, facts = break_all(this, servers, running, args)
        facts.append(f"load of the machine as it began: {load:.1f}")
        facts.append(f"{args.repeats} runs of each gate under each load, in turn: the median, and from the least to the greatest")
        made = sections(loads, measured, rounds)
        if args.dry:
            for language in made:
                print("\n".join([*made[language], ""]))
        else:
            pages.write(shlex.join(["benches/peers.py", *sys.argv[1:]]), made, facts)


if __name__ == "__main__":
    main()
