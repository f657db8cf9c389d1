#!/usr/bin/env python3
"""Tests of what decides a storm, and of what stands before OpenSearch, without servers."""

import collections
import http.client
import http.server
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from storm import nodes, schedule  # noqa: E402
from storm.words import ENGLISH, KOREAN, TRANSLATED  # noqa: E402

HOUR_S = 3_585
# The seed of the report in docs/chaos.md.
SEED = 8


class Schedule(unittest.TestCase):
    def test_equal_seeds_make_equal_plans_and_others_do_not(self):
        self.assertEqual(schedule.plan(3, 600), schedule.plan(3, 600))
        self.assertNotEqual(schedule.plan(3, 600), schedule.plan(4, 600))

    def test_a_part_has_one_fault_at_a_time_and_none_begins_in_a_quiet_phase(self):
        settles = {(kind, fault.name): fault.settles for kind, faults in schedule.FAULTS.items() for fault in faults}
        until = collections.defaultdict(float)
        for of in schedule.plan(5, HOUR_S):
            self.assertGreaterEqual(of.second, until[of.part] - 0.2)
            self.assertLessEqual(of.second % (schedule.ACTIVE_S + schedule.QUIET_S), schedule.ACTIVE_S + 0.1)
            until[of.part] = of.second + of.lasts + settles[of.kind, of.fault]

    def test_an_hour_has_every_kind_and_enough_of_those_that_count(self):
        planned = collections.Counter((of.kind, of.fault) for of in schedule.plan(SEED, HOUR_S))
        self.assertEqual(len(planned), sum(len({fault.name for fault in faults}) for faults in schedule.FAULTS.values()))
        self.assertGreater(planned.total(), 600)
        self.assertGreaterEqual(planned["brokers", "one is killed"], 50)
        kills = sum(count for (kind, fault), count in planned.items() if kind.startswith("processor") and ("killed" in fault or "checkpoint" in fault))
        self.assertGreaterEqual(kills, 200)

    def test_what_a_machine_can_not_do_is_left_out(self):
        left = {of.fault for of in schedule.plan(1, HOUR_S, schedule.on_one_disk(), ["a clock ten minutes off"])}
        self.assertNotIn("a clock ten minutes off", left)
        self.assertNotIn("its disk is full", left)


class Words(unittest.TestCase):
    def test_both_languages_say_the_same(self):
        self.assertEqual(ENGLISH.keys(), KOREAN.keys())
        self.assertEqual(len(ENGLISH["facts"]), len(KOREAN["facts"]))
        kinds = set(schedule.FAULTS) | {fault.name for faults in schedule.FAULTS.values() for fault in faults}
        self.assertEqual(set(TRANSLATED), kinds)


class Upstream(http.server.BaseHTTPRequestHandler):
    """Takes every document of a bulk."""

    def do_POST(self):
        lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
        items = [{"index": {"_id": json.loads(action)["index"]["_id"], "status": 201}} for action in lines[::2]]
        text = json.dumps({"took": 1, "errors": False, "items": items}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Refusals(unittest.TestCase):
    def setUp(self):
        self.upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=self.upstream.serve_forever, daemon=True).start()
        self.node = nodes.Node(f"127.0.0.1:{self.upstream.server_address[1]}")

    def tearDown(self):
        for server in (self.node, self.upstream):
            server.shutdown()
            server.server_close()

    def bulk(self, documents):
        body = "".join(f'{{"index":{{"_id":"{number}"}}}}\n{{"n":{number}}}\n' for number in range(documents))
        client = http.client.HTTPConnection(self.node.address.removeprefix("http://"))
        client.request("POST", "/views/_bulk?refresh=false", body)
        answer = client.getresponse()
        said = json.loads(answer.read())
        client.close()
        return answer.status, said

    def test_a_node_that_refuses_nothing_passes_on(self):
        status, said = self.bulk(5)
        self.assertEqual((status, said["errors"], len(said["items"])), (200, False, 5))

    def test_some_documents_are_refused_each_in_its_place(self):
        self.node.refuses = "some documents"
        status, said = self.bulk(100)
        self.assertEqual([of["index"]["_id"] for of in said["items"]], [str(number) for number in range(100)])
        by_status = collections.Counter(of["index"]["status"] for of in said["items"])
        self.assertEqual((status, said["errors"], set(by_status)), (200, True, {201, 429, 503}))
        self.assertEqual(self.node.refused, by_status[429] + by_status[503])

    def test_everything_is_refused_and_then_nothing(self):
        self.node.refuses = "everything"
        self.assertEqual(self.bulk(3)[0], 429)
        self.node.refuses = None
        self.assertEqual(self.bulk(3)[0], 200)


if __name__ == "__main__":
    unittest.main()
