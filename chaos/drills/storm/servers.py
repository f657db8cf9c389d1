"""Brokers, Redis' servers and OpenSearch's nodes, and what befalls them."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from failover import Redis
from harness import INSTANCE, ROOT, RUN, get, happens
from storm.processes import Broken, wait

BROKERS = 3
NODES = 3
LONGEST_STOP_S = 60.0
# Sentinels replace a primary that has been silent for so long, and again after twice the other. deploy's 2 s and 6 s are for tests
# beside compilers.
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 1000, 3000


def start(member):
    subprocess.run([ROOT / "deploy/start.sh", member], env={**os.environ, "FOOTFALL_INSTANCE": INSTANCE}, check=True, stderr=subprocess.DEVNULL)


def pid(member):
    return int((RUN / member / "pid").read_text())


def send(member, number):
    os.kill(pid(member), number)


def is_gone(member):
    """Whether its process has ended; a zombie has no command line."""
    try:
        return not open(f"/proc/{pid(member)}/cmdline", "rb").read()
    except OSError:
        return True


def kill(member):
    send(member, signal.SIGKILL)
    wait(f"{member} is gone", lambda: is_gone(member), 30)


def stop(member):
    send(member, signal.SIGTERM)
    if not happens(lambda: is_gone(member), LONGEST_STOP_S):
        # A Redis that writes its first append-only file refuses.
        kill(member)


class Servers:
    """Servers of one kind, of which one at a time fails."""

    def __init__(self):
        self.lock, self.kills = threading.Lock(), 0

    def revive(self):
        return None

    def one_killed(self, member, of):
        self.kills += 1
        kill(member)
        time.sleep(of.lasts)
        start(member)

    def one_stands_still(self, member, of):
        send(member, signal.SIGSTOP)
        time.sleep(of.lasts)
        send(member, signal.SIGCONT)

    def one_restarted(self, member, _):
        stop(member)
        start(member)


class Brokers(Servers):
    def __init__(self, storm):
        super().__init__()
        self.addresses = storm.servers["FOOTFALL_KAFKA"]

    def is_whole(self, asked=None):
        """Whether every partition has all its replicas in sync, as those brokers say that are asked; by default any."""
        try:
            topics = AdminClient({"bootstrap.servers": asked or self.addresses, "socket.timeout.ms": 5000, "log_level": 0}).list_topics(timeout=5).topics
        except KafkaException:
            return False
        partitions = [partition for topic in topics.values() for partition in topic.partitions.values()]
        return bool(partitions) and all(len(partition.isrs) == len(partition.replicas) for partition in partitions)

    def one(how):
        def befall(self, of):
            number = of.number % BROKERS
            how(self, f"kafka-{number + 1}", of)
            # The others don't know at once that it was away.
            wait("every partition is in sync again", lambda: self.is_whole(self.addresses.split(",")[number]))

        return befall

    FAULTS = {"one is killed": one(Servers.one_killed), "one stands still": one(Servers.one_stands_still), "one is restarted": one(Servers.one_restarted)}


class Sentinels(Servers):
    """Redis: three servers behind links, three sentinels."""

    def __init__(self, storm):
        super().__init__()
        self.storm, self.redis, self.links = storm, Redis("sentinel"), storm.links
        self.members, self.sentinels = self.redis.members, [f"redis-sentinel-{number}" for number in (4, 5, 6)]
        self.settle_sentinels()
        self.cut_reports = []

    def settle_sentinels(self):
        for member in self.sentinels:
            self.redis.ask(member, "sentinel", "set", "views", "down-after-milliseconds", str(DOWN_AFTER_MS), "failover-timeout", str(FAILOVER_TIMEOUT_MS))

    def primary(self):
        """The server that the sentinels name."""
        for member in self.sentinels:
            answer = self.redis.ask(member, "sentinel", "get-master-addr-by-name", "views")
            if len(answer) == 2:
                return next(of for of in self.members if self.links.port(of) == answer[1])
        raise Broken("no sentinel answers")

    def failovers(self):
        """How often another primary was named, as one of the sentinels counts it."""
        return int(self.redis.ask(self.sentinels[0], "sentinel", "master", "views")[self.field("config-epoch")])

    def field(self, name):
        return self.redis.ask(self.sentinels[0], "sentinel", "master", "views").index(name) + 1

    def is_whole(self):
        return self.redis.is_whole() and self.redis.primaries() == [self.primary()]

    def whole(self):
        wait("every server of Redis is in its place", self.is_whole)

    def replaced(self, primary):
        wait("another primary is named", lambda: self.primary() != primary, 30)

    def primary_killed(self, of):
        """What the primary writes in its last moments reaches no replica."""
        primary = self.primary()
        self.links.cut(primary)
        time.sleep(of.lasts)
        self.kills += 1
        kill(primary)
        self.links.mend(primary)
        try:
            self.replaced(primary)
        finally:
            start(primary)
        self.whole()

    def primary_stands_still(self, of):
        self.one_stands_still(self.primary(), of)
        self.whole()

    def primary_restarted(self, of):
        self.one_restarted(self.primary(), of)
        self.whole()

    def replica_killed(self, of):
        primary = self.primary()
        self.one_killed([member for member in self.members if member != primary][of.number % 2], of)
        self.whole()

    def sentinel_killed(self, of):
        member = self.sentinels[of.number % 3]
        self.one_killed(member, of)
        wait("the sentinel is back", lambda: self.redis.ask(member, "ping") == ["PONG"])
        self.whole()

    def split(self, of):
        """Servers and sentinels reach the primary no more, its clients do; the image of the one left behind is read, too."""
        primary = self.primary()
        self.links.cut(primary)
        report = self.storm.images_of(f"redis://127.0.0.1:{self.redis.port(primary)}", of.lasts)
        self.links.mend(primary)
        self.whole()
        self.cut_reports.append(report)

    def all_down(self, of, wiped=False):
        for member in self.members:
            self.kills += 1
            kill(member)
            if wiped:
                shutil.rmtree(RUN / member / "data")
                (RUN / member / "data").mkdir()
        time.sleep(of.lasts)
        for member in self.members:
            start(member)
        self.whole()

    def wiped(self, of):
        self.all_down(of, wiped=True)

    FAULTS = {
        "the primary is killed, its replicas cut off before": primary_killed, "the primary stands still": primary_stands_still, "a replica is killed": replica_killed,
        "a sentinel is killed": sentinel_killed, "the primary is restarted": primary_restarted, "split brain": split, "all are down for a minute": all_down, "all is wiped": wiped,
    }


class OpenSearch(Servers):
    def __init__(self, storm):
        super().__init__()
        self.addresses = storm.servers["FOOTFALL_OPENSEARCH"].split(",")
        self.nodes = storm.nodes

    def is_whole(self):
        return all(self.sees(address) == (NODES, "green", 0) for address in self.addresses)

    def sees(self, address):
        """How many nodes, in which state, and how many copies that are not there, as the node at `address` sees them; what it said if it doesn't answer."""
        try:
            health = json.loads(get(f"{address}/_cluster/health"))
        except OSError as error:
            return str(error)
        return health["number_of_nodes"], health["status"], health["initializing_shards"] + health["unassigned_shards"]

    def whole(self):
        if not happens(self.is_whole, 300):
            raise Broken(f"OpenSearch's copies are not all there again within 300 s; its nodes see {[self.sees(address) for address in self.addresses]}")

    def one(how):
        def befall(self, of):
            how(self, f"opensearch-{of.number % NODES + 1}", of)
            self.whole()

        return befall

    def refusing(what):
        def befall(self, of):
            for node in self.nodes:
                node.refuses = what
            time.sleep(of.lasts)
            for node in self.nodes:
                node.refuses = None

        return befall

    FAULTS = {
        "a node is killed": one(Servers.one_killed), "a node stands still": one(Servers.one_stands_still), "a node is restarted": one(Servers.one_restarted),
        "429 to every request": refusing("everything"), "429 and 503 for some documents": refusing("some documents"),
    }
