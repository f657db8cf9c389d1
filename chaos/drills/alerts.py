#!/usr/bin/env python3
"""Every alert of the rules seen to fire and to resolve: a real Prometheus scrapes real processes, to which real faults happen.

usage: chaos/drills/alerts.py [SCENE…]   (default: all; alerts whose scene is left out count as not shown)
"the wrong log" uses what "two states" leaves.
Needs the Python of .footfall/software/venv (deploy/install.sh test), for Kafka's client.
"""

import signal
import sys

from alerting import Scene, names
from faults import FACTOR, RATE, Deployment
from harness import drill, report, wait_for

SETTINGS = '[entry]\nclaimed_users = true\n[snapshots]\nurl = "file://{folder}/snapshots"\nevery_s = 15\nkeep = 3\n'
BROKERS = ["kafka-1", "kafka-2", "kafka-3"]
# Consequences: of OpenSearch, of Redis, and of processors that fold nothing for a while.
HISTORY = {"FootfallHistoryStale", "FootfallCanaryNotSeen", "FootfallRetrying"}
HOT = {"FootfallHotViewsStale", "FootfallCanaryNotSeen", "FootfallRetrying", "FootfallFreshnessMissed", "FootfallApiFailing"}
BEHIND = HISTORY | HOT | {"FootfallLagging"}


def scenes(of):
    """What is broken, in this order; the last leaves large states. Nothing but what is named and allowed may fire."""
    stopped, goes_on = "Redis and OpenSearch stand still (SIGSTOP)", "they go on (SIGCONT)"
    return [
        Scene("nobody is there", {
            "FootfallProcessDown": ("both processors and the canary are killed (kill -9)", "they are started again"),
            "FootfallNoProcessor": ("the same", "the same"),
            "FootfallCanaryMissing": ("the same", "the same"),
        }, of.kill_everyone, of.start_everyone, BEHIND - {"FootfallApiFailing"}),
        Scene("Kafka stands still", {
            "FootfallLogUnreachable": ("all three brokers stand still (SIGSTOP)", "they go on (SIGCONT)"),
            "FootfallCanaryRefused": ("the same", "the same"),
        }, lambda: of.signal(signal.SIGSTOP, *BROKERS), of.wake_kafka, BEHIND | {"FootfallCanarySilent", "FootfallApiFailing"}),
        Scene("a canary without an API", {
            "FootfallCanarySilent": ("the canary is started with an address where nobody listens", "it is started with the API's"),
        }, of.deafen_canary, of.cure_canary, {"FootfallCanaryNotSeen", "FootfallCanaryMissing"}),
        Scene("no gateway", {
            "FootfallNoGateway": ("the gateway is killed (kill -9)", "it is started again"),
        }, of.gateways.kill, of.gateways.start, {"FootfallProcessDown"}),
        Scene("a gateway without its log's start", {
            "FootfallGatewayNotReady": ("a gateway without snapshots starts where the first record of a partition was deleted", "it is killed and no longer scraped"),
        }, of.gateways.start_blind, of.gateways.stop_blind, {"FootfallProcessDown"}),
        Scene("a gateway without room", {
            "FootfallGatewaySheds": ("80 clients send bodies that never end", "they hang up"),
        }, of.gateways.fill, of.gateways.empty),
        Scene("admissions are not told", {
            "FootfallEntersLag": ("the events topic's `max.message.bytes` is 100, and somebody is admitted", "it is what it was"),
        }, of.gateways.tell_nobody, of.gateways.tell_again, HISTORY | {"FootfallCanaryRefused", "FootfallCanaryMissing", "FootfallCanarySilent", "FootfallProcessDown"}),
        Scene("old indices", {
            "FootfallUnusedIndices": ("a script exports the gauge, for a real index would have to be a day old", "it exports 0"),
        }, lambda: of.export_unused(1), lambda: of.export_unused(0)),
        Scene("stores stand still", {
            "FootfallHotViewsStale": (stopped, goes_on),
            "FootfallHistoryStale": ("the same", "the same"),
            "FootfallCanaryNotSeen": ("the same", "the same"),
            "FootfallApiFailing": ("the same", "the same"),
        }, lambda: of.signal(signal.SIGSTOP, "redis", "opensearch-1"), lambda: of.signal(signal.SIGCONT, "redis", "opensearch-1"), HISTORY | HOT),
        Scene("Redis is slow", {
            "FootfallFreshnessMissed": ("Redis stands still for 6.5 s of every 7", "it goes on"),
        }, of.slow_redis, lambda: None, HOT),
        Scene("Redis evicts", {
            "FootfallRedisEvicts": ("`CONFIG SET maxmemory-policy allkeys-lru`", "it is `noeviction` again"),
        }, lambda: of.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), lambda: of.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")),
        Scene("disk, folder and topic refuse", {
            "FootfallDiskNearlyFull": ("the disk of the first's state folder shrinks to 4 MiB more than it holds", "it grows again"),
            "FootfallCheckpointFailing": ("a file takes what is left", "the file is removed"),
            "FootfallSnapshotFailing": ("a file stands where the snapshots' folder was", "the folder is put back"),
            "FootfallDeadLetters": ("`generate --bad 0.2`", "`generate --bad 0`"),
            "FootfallDeadLettersWaiting": ("the dead-letter topic's `max.message.bytes` is 100", "it is 2,097,152 again"),
            "FootfallRetrying": ("the same; and checkpoints are tried again", "the same"),
        }, of.refuse, of.take_again),
        Scene("OpenSearch takes no writes", {
            "FootfallOpenSearchBlocked": ("`index.blocks.write` of the index is true", "it is removed"),
        }, lambda: of.block("true"), lambda: of.block("null"), HISTORY),
        Scene("OpenSearch is full", {
            "FootfallOpenSearchThrottled": ("`network.breaker.inflight_requests.limit` is 1 KiB: it answers 429", "it is the default"),
        }, lambda: of.breaker('"1kb"'), lambda: of.breaker("null"), HISTORY | {"FootfallApiFailing"}),
        Scene("a row is lost", {
            "FootfallCanaryLost": ("the canary's row of one partition is removed from Redis (HDEL)", "the next canary event there writes it again"),
        }, of.lose_row, lambda: None),
        Scene("two states", {
            "FootfallStatesDiverge": ("a processor with another hash key folds the same log", "it is stopped and no longer scraped"),
        }, of.diverge, of.agree),
        Scene("the wrong log", {
            "FootfallPartitionHalted": ("a processor's state folder is used with the topics of another prefix", "it is stopped and no longer scraped: its snapshots are of the other log, too"),
            "FootfallEntersHalted": ("the same", "the same"),
        }, of.follow_another_log, of.agree),
        Scene("memory", {
            "FootfallMemoryNearLimit": ("`processor.memory_mib = 64`, and a crowd comes", "restarted with the default"),
            "FootfallMemoryPaused": ("the same", "the same"),
            "FootfallLagging": ("the same: nothing is folded while events come", "the same"),
        }, of.fill_memory, of.give_memory, BEHIND | {"FootfallProcessDown", "FootfallNoProcessor"}),
    ]


def main(*chosen):
    with drill("alerts", ["kafka", "redis", "opensearch", "prometheus"], SETTINGS) as this:
        deployment = Deployment(this)
        wait_for("all is well", deployment.alerts.is_quiet)
        rows, faults, shown = [], [], set()
        for scene in scenes(deployment):
            if not chosen or scene.name in chosen:
                played, wrong = scene.play(this, deployment.alerts)
                rows, faults, shown = rows + played, faults + wrong, shown | set(scene.alerts)
        faults += [f"{name} has no scene that was played" for name in names() if name not in shown]
        facts = [
            f"rules made by `deploy/prometheus/drill.py {FACTOR}`; scraped every 2 s, evaluated every 5 s",
            f"two processors, an API, a canary, a gateway, {RATE} events a second; {len(shown)} of {len(names())} alerts",
        ]
        table = ["| alert | made to fire by | seconds until it fired | made to resolve by | seconds until it resolved |", "|---|---|---:|---|---:|", *rows]
        report(this, "Alerts", facts, faults, table)


if __name__ == "__main__":
    main(*sys.argv[1:])
