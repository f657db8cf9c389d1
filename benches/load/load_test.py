#!/usr/bin/env python3
"""What the figures of the load tests are made of: readings of /proc and /metrics, and the pages. Starts nothing."""

import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import pages  # noqa: E402
import rates  # noqa: E402
import sampling  # noqa: E402
import scraped  # noqa: E402


def metrics(fast, slow, route="/v1/events"):
    name = f'footfall_http_request_seconds_bucket{{route="{route}"'
    return f'# TYPE x histogram\n{name},le="0.005"}} {fast}\n{name},le="0.1"}} {slow}\n{name},le="+Inf"}} {slow}\nother_bucket{{le="1"}} 3\nother_sum 3\n'


class Histograms(unittest.TestCase):
    def test_what_came_between_two_readings_of_two_gateways_is_added_up(self):
        before = [scraped.buckets(text) for text in (metrics(10, 20), "")]
        after = [scraped.buckets(text) for text in (metrics(15, 30), metrics(85, 90))]
        came = scraped.came(before, after)[scraped.requests("/v1/events")]
        self.assertEqual(came, {0.005: 90, 0.1: 100, float("inf"): 100})
        self.assertEqual([scraped.within(came, share) for share in (0.5, 0.9, 0.99)], [5, 5, 100])
        self.assertEqual(scraped.share(came, 0.005), 0.9)

    def test_histograms_are_told_apart_by_name_and_labels_and_may_have_none(self):
        self.assertEqual(scraped.buckets(metrics(1, 2))["other"], {1: 3})

    def test_a_route_that_nobody_asked_has_no_times(self):
        reading = [scraped.buckets(metrics(10, 20))]
        came = scraped.came(reading, reading)[scraped.requests("/v1/events")]
        self.assertEqual((scraped.within(came, 0.5), scraped.share(came, 0.005)), (None, None))


class Samples(unittest.TestCase):
    def test_cpu_time_is_read_behind_a_name_with_brackets(self):
        fields = " ".join(["S", *["0"] * 10, str(3 * sampling.TICKS), str(sampling.TICKS), *["0"] * 20])
        self.assertEqual(sampling.cpu_seconds(f"7 (a (b) c) {fields}"), 4)

    def test_idle_and_waiting_time_is_not_busy(self):
        ticks = sampling.TICKS
        self.assertEqual(sampling.busy_seconds(f"cpu  {ticks} {ticks} {ticks} {9 * ticks} {9 * ticks} {ticks} 0 0 5 5\ncpu0 1"), 4)

    @unittest.skipUnless(sys.platform == "linux", "there is no /proc elsewhere, and no load test")
    def test_a_process_is_sampled_and_one_that_has_ended_is_not(self):
        sampler = sampling.Sampler()
        sampler.watch("this", os.getpid())
        sampler.watch("gone", 2**22 + 1)
        sampler.sample()
        sum(range(100_000))
        sampler.sample()
        summed = sampling.summed_up(sampler.rows)
        self.assertEqual(set(summed), {"this", sampling.OTHERS})
        self.assertGreater(summed["this"]["most_mib"], 1)
        self.assertGreater(summed["this"]["most_descriptors"], 2)


def figures(times):
    spread = {"count": 7, "min": 1.0, "med": 2.0, "p(90)": 3.0, "p(99)": 250.0, "max": 1250.5}
    return {
        "counts": {"told_yes": 1000}, "times": dict.fromkeys(times, spread), "thresholds": {"dropped_iterations count==0": True, "overbooked count==0": False},
        "routes": [{"route": "/v1/events", "requests": 7, "within_50": 5.0, "within_90": 10.0, "within_99": None, "client": spread}],
        "processes": {"k6": {"cores": 0.5, "most_cores": 1.0, "most_mib": 90.0, "most_descriptors": 41}, sampling.OTHERS: {"cores": 0.1, "most_cores": 0.2, "most_mib": 0, "most_descriptors": 0}},
        "people": 10_000, "seats": 1000, "rate": 200, "seconds": 300, "in_log": {"held": 1000, "capacity": 1000, "admitted": 1000},
    }


def row(rate, p99, shares):
    of = {name: {"within_50": 5.0, "within_99": 50.0, "share_1ms": share} for name, share in shares.items()}
    spread = {"median": p99, "least": p99 / 2, "greatest": p99 * 2}
    return {"rate": rate, "p50": spread, "p99": spread, "again": 0, "cpu_us": {"gateway": 90.0, "kafka": 60.0, "generator": 60.0}, "came": of}


def by_rate(p99=40.0, memory=0.995, back=0.6):
    of_log = {rates.APPEND: 0.1, rates.READ_BACK: back}
    return {"rushes": 5, "admitted": [row(1_000, 9.0, of_log), row(10_000, p99, of_log)], "sold_out": [row(1_000, 1.0, {rates.ANSWERED: memory})]}


class Aims(unittest.TestCase):
    def test_an_aim_is_reached_or_missed_by_what_was_seen(self):
        reached = lambda **seen: [held for _, _, held in rates.aims(by_rate(**seen))]
        self.assertEqual(reached(), [True, True, True])
        self.assertEqual(reached(p99=50.1), [False, True, True])
        self.assertEqual(reached(memory=0.98), [True, False, True])
        self.assertEqual(reached(back=0.49), [True, True, False])
        slow = by_rate()
        slow["admitted"][1]["came"][rates.READ_BACK]["share_1ms"] = 0.2
        self.assertEqual(rates.aims(slow)[2][1:], ({"rate": 1_000, "least": 20.0}, False))

    def test_rushes_are_summed_up_by_their_own_percentiles(self):
        class Rush:
            def __init__(self, times, within):
                self.answers = [{"took_us": 1_000 * of, "again": 0} for of in times]
                self.cpu_s, self.came = {"gateway": 0.001}, {"h": {0.001: within, float("inf"): 10.0}}

        of = rates.summed_up(10, [Rush(range(1, 11), 4.0), Rush(range(11, 21), 6.0), Rush(range(21, 31), 10.0)], ["h"])
        self.assertEqual((of["p50"], of["p99"]["median"]), ({"median": 16, "least": 6, "greatest": 26}, 20))
        self.assertEqual({kind: round(us) for kind, us in of["cpu_us"].items()}, {"gateway": 100})
        self.assertAlmostEqual(of["came"]["h"]["share_1ms"], 2 / 3)


BESIDE = {
    "rate": 100, "seconds": 15,
    "rows": [{"rush": rush, "times": dict.fromkeys(("one_event", "many_events"), {"med": 9.0, "p(99)": 99.0}), "again": 0, "people": people} for rush, people in ((0, None), (1_000, {"med": 8.0, "p(99)": 88.0}))],
}
RESULT = {
    "made": {
        "date": "2026-11-23", "command": "make load", "commit": "0123456789ab", "is_changed": False, "profile": "ci", "processor": "one of 2 GHz", "cores": 2, "memory_gib": 24,
        "system": "Linux 6.1", "load_before": 0.5, "versions": {"k6": "1.8.1"}, "took_s": 600,
    },
    "is_short": False, "warm": {"rate": 500, "seconds": 120}, "rates": by_rate(), "beside": BESIDE,
    "ceilings": [
        {"what": "sold_out", "seconds": 5, "vus": 800, "highest": 250, "steps": [{"rate": 250, "dropped": 0, "passed": True, "med": 1.0, "p(99)": 2.0, "failed": []}]},
        {"what": "admitted", "seconds": 5, "vus": 800, "highest": 0, "steps": [{"rate": 250, "dropped": 3, "passed": False, "med": None, "p(99)": None, "failed": ["dropped_iterations"]}]},
    ],
    "spike": figures(["yes", "sold_out_by_the_log"]), "stampede": figures(["yes"]), "sustained": figures(["one_event"]),
    "spoiled": [{"script": "spike", "settings": {"SPOIL": "answers"}, "threshold": "undefined_answers", "failed": ["undefined_answers"], "status": 99}],
    "verdicts": {"accepted": 7, "admitted": 1000, "stores": [dict.fromkeys(("records", "applied", "duplicate", "late", "dead_lettered", "cells", "differences"), 8) | {"store": "redis"}]},
    "faults": [],
}


class Pages(unittest.TestCase):
    def test_both_languages_say_the_same_figures(self):
        shown = [[re.findall(r"\d[\d,.]*", line) for line in pages.page(RESULT, words).splitlines() if line.startswith("| ")] for words in pages.PAGES.values()]
        self.assertGreater(len(shown[0]), 20)
        self.assertEqual(*shown)

    def test_both_languages_have_the_same_words(self):
        self.assertEqual(*([(key, type(said), len(said) if isinstance(said, (list, dict)) else 0) for key, said in words.items()] for words in pages.PAGES.values()))

    def test_a_fault_and_a_short_run_are_said(self):
        for words in pages.PAGES.values():
            text = pages.page({**RESULT, "faults": ["a seat too many"], "is_short": True}, words)
            self.assertIn("a seat too many", text)
            self.assertIn(words["short"], text)
            self.assertNotIn(words["short"], pages.page(RESULT, words))

    def test_a_machine_that_others_used_is_said(self):
        spike = {**RESULT["spike"], "processes": {sampling.OTHERS: {"cores": 1.25, "most_cores": 2, "most_mib": 0, "most_descriptors": 0}}}
        for words in pages.PAGES.values():
            said = words["busy"].format(others=1.25, cores=2)
            self.assertIn(said, pages.page({**RESULT, "spike": spike}, words))
            self.assertNotIn(words["busy"][:20], pages.page(RESULT, words))

    def test_the_pages_in_docs_are_those_of_the_result_beside_them(self):
        folder = pathlib.Path(__file__).resolve().parents[2] / "docs/load"
        result = json.loads((folder / "result.json").read_text())
        for name, words in pages.PAGES.items():
            self.assertEqual((folder / name).read_text(), pages.page(result, words), f"write {name} again: benches/load.py --pages")


if __name__ == "__main__":
    unittest.main()
