"""Redis' replicas fall behind and its primary dies; a follower of the partition stalls and its leader dies.

A replica that was stopped (SIGSTOP) reads, when it goes on, all that the kernel kept for it meanwhile, also what a killed
primary sent last: on one machine such a failover loses next to nothing. So the links between primary and replicas pass through
`Links`, which can hold them, as a network does that drops packets, and end them with what they hold, as a machine's death does.
"""

import os
import signal
import time

from confluent_kafka.admin import AdminClient
from gates import answers
from harness import RUN, deploy, wait_for
from links import Links
from verdict import counted

PEOPLE, SEATS, WITHIN_MS = 3_000, 1_200, 3_000
# When the followers stall, and for how long until what they follow dies: seconds, at random between these.
STALLS_AT, STALLED = (0.3, 0.8), (0.3, 0.8)


class Redis:
    """The fault of the gates on Redis."""

    what = "the links to both replicas held, then the primary killed (kill -9)"

    def __init__(self, servers):
        self.servers, self.links = servers, Links()

    def follow(self, port):
        """Every server but the primary follows that port, and has what is there."""
        for member in self.servers.replicas():
            self.servers.ask(member, "replicaof", "127.0.0.1", port)
        wait_for("both replicas follow", self.servers.is_quiet)

    def prepare(self, _):
        self.primary = self.servers.primary()
        self.links.target = int(self.servers.port(self.primary))
        self.follow(self.links.port)

    def stall(self):
        # A sentinel would put them right after some seconds: then this would stall nobody.
        followed = [self.servers.ask(member, "role")[2] for member in self.servers.replicas()]
        self.links.passing.clear()
        return followed == [self.links.port] * 2

    def kill(self):
        os.kill(self.servers.pid(self.primary), signal.SIGKILL)
        self.links.end()

    def mend(self):
        wait_for("another primary", lambda: self.servers.primary() != self.primary)
        deploy("up.sh", self.servers.server)
        self.follow(self.servers.port(self.servers.primary()))


class StoppedRedis(Redis):
    """The same with replicas that are stopped, over links that are not held."""

    what = "both replicas stopped (SIGSTOP), the primary killed (kill -9), the replicas continued"

    def prepare(self, _):
        self.primary = self.servers.primary()
        self.stopped = [self.servers.pid(member) for member in self.servers.replicas()]

    def stall(self):
        for pid in self.stopped:
            os.kill(pid, signal.SIGSTOP)
        return True

    def kill(self):
        os.kill(self.servers.pid(self.primary), signal.SIGKILL)
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)


class Kafka:
    """The fault of the gate on the log."""

    what = "a follower of the partition stopped (SIGSTOP), its leader killed (kill -9), the follower continued"

    def __init__(self, this):
        self.topic = f"{this.prefix}-footfall.entries"
        self.admin = AdminClient({"bootstrap.servers": this.servers["FOOTFALL_KAFKA"]})

    def of(self, partition):
        return self.admin.list_topics(self.topic, 30).topics[self.topic].partitions[partition]

    def prepare(self, partition):
        wait_for("every replica is in sync", lambda: len(self.of(partition).isrs) == 3)
        of = self.of(partition)
        follower = next(replica for replica in of.replicas if replica != of.leader)
        self.leader, self.follower = (int((RUN / f"kafka-{number}/pid").read_text()) for number in (of.leader, follower))

    def stall(self):
        os.kill(self.follower, signal.SIGSTOP)
        return True

    def kill(self):
        os.kill(self.leader, signal.SIGKILL)
        os.kill(self.follower, signal.SIGCONT)

    def mend(self):
        deploy("up.sh", "kafka")


def round_of(gate, fault, activity, random, people=PEOPLE, seats=SEATS, within_ms=WITHIN_MS):
    """One rush with the fault in it; what was told and what is stored. None where the fault did not come about."""
    gate.define(activity, seats)
    fault.prepare(gate.partition)
    rushing = gate.rush(activity, people, within_ms)
    time.sleep(random.uniform(*STALLS_AT))
    stalled = fault.stall()
    time.sleep(random.uniform(*STALLED))
    fault.kill()
    told = answers(*rushing)
    fault.mend()
    return counted(told, gate.stored(activity), seats) if stalled else None
