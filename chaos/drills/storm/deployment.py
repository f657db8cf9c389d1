"""The deployment that a storm befalls: its servers, with links and nodes before them that can fail, its processes, and who looks on."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from harness import BINARY, INSTANCE, LONGEST_WAIT_S, PARTITIONS, ROOT, RUN, Drill, deploy, environment
from storm.nodes import Node

INTERNAL = "127.0.0.2"
LINKS = pathlib.Path(__file__).parent / "links.py"
# Between two images of a partition.
IMAGES_EVERY_MS = 250
SETTINGS = """[snapshots]
url = "file://{folder}/snapshots"
every_s = 15
keep = 3
[entry]
claimed_users = true
[logging]
filter = "info,processor::worker=debug"
"""


class Links:
    """The addresses at which Redis' servers are found, each of which can be cut off from the others."""

    def __init__(self):
        ports = 'for n in 1 2 3; do echo "redis-sentinel-$n $(redis_link_port $n):$(redis_sentinel_port $n)"; done'
        script = f". {ROOT}/deploy/common.sh; . {ROOT}/deploy/ports.sh; load_ports; {ports}"
        said = subprocess.run(["bash", "-c", script], env={**os.environ, "FOOTFALL_INSTANCE": INSTANCE}, check=True, capture_output=True, text=True).stdout
        self.pairs = dict(line.split() for line in said.splitlines())
        command = [sys.executable, LINKS, INTERNAL, *self.pairs.values()]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()
        self.child.stdout.readline()

    def port(self, member):
        return self.pairs[member].split(":")[0]

    def tell(self, what, member):
        with self.lock:
            self.child.stdin.write(f"{what} {self.port(member)}\n")
            self.child.stdin.flush()
            self.child.stdout.readline()

    def cut(self, member):
        self.tell("cut", member)

    def mend(self, member):
        self.tell("mend", member)


class Storm(Drill):
    def start_servers(self, servers):
        self.folder.mkdir(parents=True)
        deploy("up.sh", "kafka")
        self.links = Links()
        os.environ["FOOTFALL_REDIS_LINKS"] = INTERNAL
        os.environ["NODES"] = "3"
        deploy("up.sh", *servers)
        self.nodes = [Node(address.removeprefix("http://")) for address in environment(RUN / "env")["FOOTFALL_OPENSEARCH"].split(",")]

    def write_config(self, name, listen="127.0.0.1:0", changes=None):
        of_opensearch = {"urls": [node.address for node in self.nodes], "replicas": 1}
        return super().write_config(name, listen, {"opensearch": of_opensearch, **(changes or {})})

    def faketime(self, seconds):
        """What lets a process see another time of day; its timers go on as they were."""
        [library] = pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        return ["env", f"LD_PRELOAD={library}", f"FAKETIME={seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC=1"]

    def images_of(self, url, seconds):
        """Reads the images of one server for so long; a function that waits for their judgement."""
        command = [BINARY, "verify", "--live", f"{max(1, int(seconds))}s", "--json", "--redis", url, "--config", self.config]
        with (self.folder / "images-of-one.log").open("a") as out:
            reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True)
        time.sleep(seconds)

        def judged():
            said, _ = reading.communicate(timeout=LONGEST_WAIT_S)
            # Where no image could be read, or no log, nothing was judged.
            return json.loads(said) if said.strip() else None

        return judged

    def verified(self):
        """As every drill's, also where something differs: the judge says what."""
        return json.loads(self.footfall("verify", "--wait", "5m", "--json", check=False))

    def close(self):
        super().close()
        if links := getattr(self, "links", None):
            links.child.kill()
            links.child.wait()
        for node in getattr(self, "nodes", []):
            node.shutdown()


class LogEnds(threading.Thread):
    """How many records the events topic holds, once a second while the brokers say so: seconds, records."""

    def __init__(self, storm):
        super().__init__(daemon=True)
        self.storm, self.seen = storm, []
        self.start()

    def run(self):
        topic = f"{self.storm.prefix}-footfall.events"
        kafka = AdminClient({"bootstrap.servers": self.storm.servers["FOOTFALL_KAFKA"], "socket.timeout.ms": 3000, "log_level": 0})
        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(PARTITIONS)}
        while True:
            try:
                ends = [of.result(5).offset for of in kafka.list_offsets(asked, request_timeout=3).values()]
                self.seen.append((time.time(), sum(ends)))
            except (KafkaException, TimeoutError):
                pass  # asked again
            time.sleep(1)


