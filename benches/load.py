#!/usr/bin/env python3
"""Loads two gateways on real servers, holds what they said against the log, and writes docs/load from what was seen.

usage: benches/load.py [--short] [--seconds N] [--rate N] [--people N] [--seats N] [--out FOLDER]
       benches/load.py --pages [--out FOLDER]     writes the pages again from FOLDER/result.json
Needs the Python of .footfall/software/venv and k6 (deploy/install.sh load). FOOTFALL_DRILL_BINARY and
FOOTFALL_DRILL_BENCHES name binaries that are built already.
"""

import argparse
import json
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "load"), str(HERE.parent / "chaos/drills")]

import gate  # noqa: E402
import generators  # noqa: E402
import judged  # noqa: E402
import machine  # noqa: E402
import pages  # noqa: E402
import rates  # noqa: E402

HIGHEST_RATE = 32_000  # requests a second, where the search for the greatest ends
CEILING_S = 5  # how long a rate is kept up
CEILING_VUS = 800  # a gateway takes 512 connections
BISECTIONS = 3
# The brokers' virtual machines compile while they are first used: until then they take most of the processors.
WARM_RATE, WARM_S = 500, 120
BESIDE = (1_000, 2_000, 4_000)  # people a second who ask for seats while events are sent
BESIDE_RATE, BESIDE_S = 100, 30  # the events' requests a second; k6 takes seconds to begin, and sends for half the time
SPOILED_PEOPLE, SPOILED_SEATS = 300, 100


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a tenth of everything, to see that it works: not a result")
    parser.add_argument("--pages", action="store_true", help="write the pages again from result.json")
    parser.add_argument("--seconds", type=int, help="of the steady load (300; 20)")
    parser.add_argument("--rate", type=int, default=200, help="requests a second of the steady load")
    parser.add_argument("--people", type=int, help="who ask within a second (10000; 1000)")
    parser.add_argument("--seats", type=int, help="of the activity (1000; 100)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "docs/load")
    args = parser.parse_args()
    for name, (usual, short) in {"seconds": (300, 20), "people": (10_000, 1_000), "seats": (1_000, 100)}.items():
        if getattr(args, name) is None:
            setattr(args, name, short if args.short else usual)
    return args


def warmed(load, is_short):
    seconds = WARM_S // 10 if is_short else WARM_S
    load.stampede("warm", WARM_RATE * seconds, WARM_RATE * seconds, within_s=seconds)
    return {"rate": WARM_RATE, "seconds": seconds}


def by_rate(load, is_short, faults):
    """What an answer takes at each rate. Kinds and rates take turns, so that none has the quiet minutes for itself."""
    some, rushes = (rates.RATES[:2], 1) if is_short else (rates.RATES, rates.RUSHES)
    runs = {(kind, rate): [] for kind in rates.KINDS for rate in some}
    for number in range(rushes):
        for kind, rate in runs:
            runs[kind, rate].append(load.stampede(f"{kind}-{rate}-{number}", rate, rates.KINDS[kind](rate)))
    counted = load.recount()
    for (kind, rate), of in runs.items():
        for run in of:
            yes = sum(answer["status"] in (200, 201) for answer in run.answers)
            faults += gate.undefined(run.run, run.answers) + judged.log(counted[run.run], rates.KINDS[kind](rate), told=yes)
    summed = {kind: [rates.summed_up(rate, runs[kind, rate], rates.HISTOGRAMS[kind]) for rate in some] for kind in rates.KINDS}
    return {"rushes": rushes, **summed}


def beside(load, is_short, faults):
    """Events sent while nobody asks for seats, and while so many a second do, each of whom the log decides."""
    rows = []
    for rush in (0, *(BESIDE[:1] if is_short else BESIDE)):
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(load.stampede, f"rush-{rush}", rush * BESIDE_S, rush * BESIDE_S, BESIDE_S) if rush else None
            of = load.k6("sustained", f"beside-{rush}", RATE=BESIDE_RATE, DURATION_S=BESIDE_S // 2, SEATS=100)
        faults += of.faults()
        people = asked and generators.spread(sorted(answer["took_us"] / 1000 for answer in asked.result().answers))
        rows.append({"rush": rush, "times": {name: of.trends()[name] for name in ("one_event", "many_events")}, "again": of.count("tries_again"), "people": people})
    return {"rate": BESIDE_RATE, "seconds": BESIDE_S // 2, "rows": rows}


def ceiling(load, what, script, settings_of, start, bisections):
    """Doubles the rate until a run fails, then halves what is between; each rate tried."""
    steps, good, bad = [], 0, None

    def passes(rate):
        of = load.k6(script, f"{what}-{rate}", RATE=rate, DURATION_S=CEILING_S, **settings_of(rate))
        times = of.values("http_req_duration") if script == "sustained" else of.client("entries")
        steps.append({"rate": rate, "dropped": of.count("dropped_iterations"), "passed": of.passed, "med": times["med"], "p(99)": times["p(99)"], "failed": of.failed()})
        return of.passed

    rate = start
    while bad is None and rate <= HIGHEST_RATE:
        good, bad = (rate, None) if passes(rate) else (good, rate)
        rate *= 2
    for _ in range(bisections if bad and good else 0):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return {"what": what, "seconds": CEILING_S, "vus": CEILING_VUS, "steps": sorted(steps, key=lambda of: of["rate"]), "highest": good}


def ceilings(load, is_short):
    """Nearly all refused from memory; nearly all decided by the log; and mixed traffic."""
    start, bisections = (100, 1) if is_short else (250, BISECTIONS)
    arriving = {"MODE": "arrival", "VUS": CEILING_VUS}
    return [
        ceiling(load, "sold_out", "spike", lambda _: {**arriving, "SEATS": 100}, start, bisections),
        ceiling(load, "admitted", "spike", lambda rate: {**arriving, "SEATS": rate * CEILING_S * 9 // 10}, start, bisections),
        ceiling(load, "mixed", "sustained", lambda _: {"SEATS": 100}, start, bisections),
    ]


def spike(load, args, faults):
    of = load.k6("spike", "spike", report=args.out / "spike.html", PEOPLE=args.people, SEATS=args.seats)
    counted = load.recount()[f"{of.run}-seats"]
    faults += of.faults() + judged.log(counted, args.seats, told=of.count("told_yes"))
    return {**load.seen(of), "people": args.people, "seats": args.seats, "in_log": judged.in_log(counted)}


def stampede(load, args, faults):
    """The same rush by the generator in Rust, each answer held against the log and asked for again."""
    of = load.stampede("stampede", args.people, args.seats)
    counted = load.recount()[of.run]
    faults += judged.answers(load.gate, of, args.seats, counted) + judged.log(counted, args.seats)
    return {**load.seen(of), "people": args.people, "seats": args.seats, "in_log": judged.in_log(counted)}


def sustained(load, args, faults):
    of = load.k6("sustained", "sustained", report=args.out / "sustained.html", RATE=args.rate, DURATION_S=args.seconds, SEATS=args.seats)
    counted = load.recount()[f"{of.run}-steady"]
    faults += of.faults() + judged.log(counted, args.seats, told=of.count("told_yes"))
    return {**load.seen(of), "rate": args.rate, "seconds": args.seconds, "seats": args.seats, "in_log": judged.in_log(counted)}


def spoiled(load, faults):
    """Runs that do one thing wrong on purpose; the threshold that each must fail, and did or did not."""
    cases = [
        ("dropped_iterations", "spike", {"SPOIL": "dropped", "PEOPLE": 5_000}),
        ("undefined_answers", "spike", {"SPOIL": "answers"}),
        ("overbooked", "spike", {"SPOIL": "overbooked"}),
        ("read_back_right", "spike", {"PEOPLE": SPOILED_SEATS - 1}),
        ("dropped_iterations", "sustained", {"SPOIL": "dropped", "RATE": 3_000, "DURATION_S": 5}),
        ("undefined_answers", "sustained", {"SPOIL": "answers", "RATE": 50, "DURATION_S": 5}),
        ("overbooked", "sustained", {"SPOIL": "overbooked", "RATE": 50, "DURATION_S": 5}),
    ]
    rows = []
    for number, (threshold, script, settings) in enumerate(cases):
        of = load.k6(script, f"spoiled-{number}", **{"PEOPLE": SPOILED_PEOPLE, "SEATS": SPOILED_SEATS, **settings})
        rows.append({"script": script, "settings": settings, "threshold": threshold, "failed": of.failed(), "status": of.status})
        if threshold not in of.failed() or of.status != generators.THRESHOLDS_FAILED:
            faults.append(f"{script} with {settings} did not fail {threshold}")
        if settings.get("SPOIL") == "overbooked":
            activity = f"{of.run}-{'seats' if script == 'spike' else 'steady'}"
            found = judged.log(load.recount()[activity], SPOILED_SEATS)
            rows.append({"script": script, "settings": settings, "threshold": "recount", "failed": found, "status": None})
            if not found:
                faults.append(f"the recount did not see the seats too many of {script}")
    return rows


def measured(args):
    faults = []
    with machine.loaded() as load:
        result = {"made": machine.made(sys.argv[1:]), "is_short": args.short, "warm": warmed(load, args.short)}
        result["rates"] = by_rate(load, args.short, faults)
        result["beside"] = beside(load, args.short, faults)
        result["ceilings"] = ceilings(load, args.short)
        result["spike"] = spike(load, args, faults)
        result["stampede"] = stampede(load, args, faults)
        result["sustained"] = sustained(load, args, faults)
        result["spoiled"] = spoiled(load, faults)
        result["verdicts"] = judged.stores(load, faults)
        result["faults"] = faults
    return result, load.sampler.rows


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.pages:
        import plots

        begun = time.monotonic()
        result, rows = measured(args)
        result["made"]["took_s"] = round(time.monotonic() - begun)
        (args.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
        plots.draw(args.out, result, rows)
    result = json.loads((args.out / "result.json").read_text())
    pages.write(args.out, result)
    for fault in result["faults"]:
        print(f"fault: {fault}", file=sys.stderr)
    sys.exit(1 if result["faults"] else 0)


if __name__ == "__main__":
    main()
