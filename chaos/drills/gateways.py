"""A gateway that a Prometheus scrapes, and what can go wrong with gateways and with telling whom they admitted."""

import contextlib
import shutil
import socket
import threading
import time

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from harness import ask, free_address, wait_for

# One more than there is room for, and some.
ENDLESS_BODIES = 80
# What the events topic takes, as `footfall topics create` makes it.
EVENT_BYTES = "1048576"


class Gateways:
    """One that is watched, and others for a scene."""

    def __init__(self, deployment):
        self.of, self.this = deployment, deployment.this
        self.kafka = AdminClient({"bootstrap.servers": self.this.servers["FOOTFALL_KAFKA"]})
        self.address, self.blind_address = free_address(), free_address()
        self.of.alerts.watch("entry", [self.address])
        self.asked = 0
        self.start()
        self.define(self.address)
        self.enter()

    def start(self):
        self.gateway = self.serve("gateway", self.address)

    def serve(self, name, address, prefix=None):
        changes = {"log": {"topic_prefix": prefix}} if prefix else None
        process = self.this.start(name, "entry", config=self.this.write_config(name, address, changes))
        self.wait(address)
        return process

    def wait(self, address):
        """Until it answers."""

        def answers():
            try:
                return ask(address, "GET", "/v1/activities/opening")
            except OSError:
                return None

        return wait_for(f"a gateway answers at {address}", answers)

    def define(self, address):
        body = {"campaign_id": "gate", "capacity": 1_000_000, "opens_at_ms": int(time.time() * 1000) - 60_000}
        wait_for("an activity is defined", lambda: ask(address, "PUT", "/v1/activities/opening", body=body)[0] == 200)

    def enter(self):
        """One more seat."""
        self.asked += 1
        ask(self.address, "POST", "/v1/activities/opening/entries", f"user-{self.asked}")

    # --- no gateway

    def kill(self):
        self.gateway.kill()

    # --- admissions are not told

    def tell_nobody(self):
        """The events topic takes nothing; who is admitted waits to be told. The canary ends by it."""
        self.of.traffic.kill()
        self.of.limit("events", "100")
        self.enter()

    def tell_again(self):
        self.of.limit("events", EVENT_BYTES)
        self.of.cure_canary()
        self.of.traffic = self.of.generate(0)

    # --- a log without its start

    def start_blind(self):
        """A gateway whose entries were cut, and that has no snapshot of what was before."""
        prefix = f"{self.this.prefix}-cut-"
        self.this.footfall("topics", "create", "--topic-prefix", prefix)
        before = self.serve("before", self.blind_address, prefix)
        self.define(self.blind_address)
        partition = ask(self.blind_address, "GET", "/v1/activities/opening")[1]["partition"]
        before.kill()
        shutil.rmtree(self.this.folder / "before", ignore_errors=True)
        cut = TopicPartition(f"{prefix}footfall.entries", partition, 1)
        for done in self.kafka.delete_records([cut]).values():
            done.result(30)
        self.blind = self.serve("blind", self.blind_address, prefix)
        self.of.alerts.watch("entry", [self.address, self.blind_address])

    def stop_blind(self):
        self.of.alerts.watch("entry", [self.address])
        self.blind.kill()

    # --- a gateway without room

    def fill(self):
        """Bodies whose end never comes take all the room for bodies, again and again."""
        self.filling = threading.Event()

        def send():
            while not self.filling.is_set():
                with contextlib.suppress(OSError), contextlib.ExitStack() as clients:
                    for _ in range(ENDLESS_BODIES):
                        client = clients.enter_context(socket.create_connection(self.address.split(":"), timeout=10))
                        client.sendall(b"POST /v1/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
                    self.filling.wait(5)

        self.sender = threading.Thread(target=send, daemon=True)
        self.sender.start()

    def empty(self):
        self.filling.set()
        self.sender.join()
