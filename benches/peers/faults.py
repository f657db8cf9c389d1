"""Redis' replicas fall behind and its primary dies; a follower of the partition stalls and its leader dies.

A replica that was stopped (SIGSTOP) reads, when it goes on, all that the kernel kept for it meanwhile, also what a killed
primary sent last: on one machine such a failover loses next to nothing. So the links between primary and replicas pass through
`Links`, which can hold them, as a network does that drops packets, and end them with what they hold, as a machine's death does.
"""

import os
import signal
import threading
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
    """The fault of the gates on Redis. `stale` replicas fall behind; the others die with the primary."""

    def __init__(self, servers, stale):
        self.servers, self.links, self.stale = servers, Links(), stale
        dies = "the primary" if stale == 2 else "the primary and the other replica"
        self.what = f"the links to {'both replicas' if stale == 2 else 'one replica'} held, then {dies} killed (kill -9)"

    def follow(self, behind=()):
        """Every server but the primary follows it, those behind by the links, and has what is there."""
        direct = self.servers.port(self.servers.primary())

        def is_quiet():
            for member in self.servers.replicas():
                self.servers.ask(member, "replicaof", "127.0.0.1", self.links.port if member in behind else direct)
            return self.servers.is_quiet()

        wait_for("both replicas follow", is_quiet)

    def prepare(self, _):
        self.primary, replicas = self.servers.primary(), self.servers.replicas()
        self.behind, self.dying = replicas[: self.stale], [self.primary, *replicas[self.stale :]]
        self.links.target = int(self.servers.port(self.primary))
        self.follow(self.behind)

    def stall(self):
        # A sentinel would put them right after some seconds: then this would stall nobody.
        followed = {self.servers.ask(member, "role")[2] for member in self.behind}
        self.links.passing.clear()
        return followed == {self.links.port}

    def kill(self):
        for member in self.dying:
            os.kill(self.servers.pid(member), signal.SIGKILL)
        self.links.end()

    def mend(self):
        wait_for("another primary", lambda: self.servers.primary() != self.primary)
        # It waits until all are in their places, which nobody but us tells those that come back in good time.
        starting = threading.Thread(target=deploy, args=("up.sh", self.servers.server))
        starting.start()
        self.follow()
        starting.join()


class StoppedRedis(Redis):
    """The same with replicas that are stopped, over links that are not held."""

    def __init__(self, servers):
        super().__init__(servers, 2)
        self.what = "both replicas stopped (SIGSTOP), the primary killed (kill -9), the replicas continued"

    def prepare(self, _):
        self.primary = self.servers.primary()
        self.dying, self.stopped = [self.primary], [self.servers.pid(member) for member in self.servers.replicas()]

    def stall(self):
        for pid in self.stopped:
            os.kill(pid, signal.SIGSTOP)
        return True

    def kill(self):
        super().kill()
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)


class Kafka:
    """The fault of the gate on the log: a follower of the partition stalls, its leader dies, and the other follower with it if two do."""

    def __init__(self, this, deaths):
        self.topic, self.deaths = f"{this.prefix}-footfall.entries", deaths
        self.admin = AdminClient({"bootstrap.servers": this.servers["FOOTFALL_KAFKA"]})
        dies = "its leader" if deaths == 1 else "its leader and the other follower"
        self.what = f"a follower of the partition stopped (SIGSTOP), {dies} killed (kill -9), the follower continued"

    def of(self, partition):
        return self.admin.list_topics(self.topic, 30).topics[self.topic].partitions[partition]

    def prepare(self, partition):
        wait_for("every replica is in sync", lambda: len(self.of(partition).isrs) == 3)
        of = self.of(partition)
        followers = [replica for replica in of.replicas if replica != of.leader]
        pids = [int((RUN / f"kafka-{number}/pid").read_text()) for number in [of.leader, *followers]]
        self.dying, self.stopped = pids[: self.deaths], pids[-1]

    def stall(self):
        os.kill(self.stopped, signal.SIGSTOP)
        return True

    def kill(self):
        for pid in self.dying:
            os.kill(pid, signal.SIGKILL)
        os.kill(self.stopped, signal.SIGCONT)

    def mend(self):
        deploy("up.sh", "kafka")


def round_of(gate, fault, activity, random):
    """One rush with the fault in it; what was told and what is stored. None where the fault did not come about."""
    gate.define(activity, SEATS)
    fault.prepare(gate.partition)
    rushing = gate.rush(activity, PEOPLE, WITHIN_MS)
    time.sleep(random.uniform(*STALLS_AT))
    stalled = fault.stall()
    time.sleep(random.uniform(*STALLED))
    fault.kill()
    # One server of three takes no writes alone, here and there: somebody starts those that died.
    alone = len(fault.dying) > 1
    if alone:
        fault.mend()
    told = answers(*rushing)
    if not alone:
        fault.mend()
    return counted(told, gate.stored(activity), SEATS) if stalled else None
