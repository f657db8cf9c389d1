"""A deployment that a Prometheus scrapes, and the faults that can be made in it, each with its mend."""

import http.server
import os
import signal
import subprocess
import threading
import time

from alerting import Alerts
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from gateways import Gateways
from harness import RUN, Drill, free_address

# Of every `for:`.
FACTOR = 0.05
RATE = 200


class Exporter(http.server.ThreadingHTTPServer):
    """Serves a text to whoever scrapes it."""

    def __init__(self):
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(exporter.text.encode())

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.text = ""
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Deployment:
    """Two processors, the first with a disk of its own, an API, a canary, a gateway and steady traffic."""

    def __init__(self, this: Drill):
        self.this = this
        self.alerts = Alerts(this.servers["FOOTFALL_PROMETHEUS"], FACTOR)
        self.addresses = {"first": free_address(), "second": free_address(), "stranger": free_address()}
        self.alerts.watch("process", [self.addresses["first"], self.addresses["second"]])
        self.api_url = f"http://{this.servers['FOOTFALL_API']}"
        self.start_processors()
        this.start("api", "api", config=this.write_config("api", this.servers["FOOTFALL_API"]))
        self.start_canary()
        self.gateways = Gateways(self)
        self.traffic = self.generate(0)
        self.exported = None

    def generate(self, bad):
        return self.this.generate("--count", "100000000", "--rate", str(RATE), "--bad", str(bad), "--users", "20000")

    def start_processors(self, changes=None):
        # The disk is the process's own, and gone with it.
        disk = self.this.folder / "first"
        disk.mkdir(exist_ok=True)
        mounted = ["unshare", "-rm", "bash", "-c", 'mount -t tmpfs -o size=3g footfall "$0" && exec "$@"', str(disk)]
        self.first = self.this.processor("first", self.addresses["first"], changes, under=mounted)
        self.second = self.this.processor("second", self.addresses["second"], changes)

    def start_canary(self):
        config = self.this.write_config("canary", self.this.servers["FOOTFALL_CANARY"])
        self.canary = self.this.start("canary", "canary", "--api", self.api_url, config=config)

    # --- nobody is there

    def kill_everyone(self):
        for process in [self.first, self.second, self.canary]:
            process.kill()

    def start_everyone(self):
        self.start_processors()
        self.start_canary()

    # --- Kafka, the canary, old indices

    def wake_kafka(self):
        self.signal(signal.SIGCONT, "kafka-1", "kafka-2", "kafka-3")
        self.traffic.kill()
        self.traffic = self.generate(0)

    def deafen_canary(self):
        self.canary.kill()
        config = self.this.write_config("canary", self.this.servers["FOOTFALL_CANARY"])
        self.canary = self.this.start("canary", "canary", "--api", f"http://{free_address()}", config=config)

    def cure_canary(self):
        self.canary.kill()
        self.start_canary()

    def export_unused(self, indices):
        """A scripted exporter beside the real ones, as another processor."""
        if self.exported is None:
            self.exported = Exporter()
            self.alerts.watch("process", [self.addresses["first"], self.addresses["second"], self.exported.address])
        self.exported.text = f"footfall_opensearch_unused_indices {indices}\n"

    # --- stores

    def signal(self, number, *members):
        for member in members:
            os.kill(int((RUN / member / "pid").read_text()), number)

    def redis(self, *command):
        port = self.this.servers["FOOTFALL_REDIS"].rsplit(":", 1)[1]
        return subprocess.run(["redis-cli", "-p", port, *command], capture_output=True, text=True, check=True).stdout.split()

    def slow_redis(self):
        """It answers for half a second in seven, until the alert fires or for two minutes."""
        start = time.time()
        while time.time() < start + 120 and "FootfallFreshnessMissed" not in self.alerts.since(start, True):
            self.signal(signal.SIGSTOP, "redis")
            time.sleep(6.5)
            self.signal(signal.SIGCONT, "redis")
            time.sleep(0.5)

    def opensearch(self, method, path, body):
        command = ["curl", "-fsS", "-X", method, f"{self.this.servers['FOOTFALL_OPENSEARCH']}{path}", "-H", "content-type: application/json", "-d", body]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def block(self, value):
        self.opensearch("PUT", f"/footfall-{self.this.prefix}*/_settings", f'{{"index.blocks.write": {value}}}')

    def breaker(self, value):
        self.opensearch("PUT", "/_cluster/settings", f'{{"persistent": {{"network.breaker.inflight_requests.limit": {value}}}}}')

    # --- what is refused

    def on_disk(self, script):
        """Runs a script where the first processor sees its disk, which is $0."""
        command = ["nsenter", "-t", str(self.first.child.pid), "-U", "-m", "--preserve-credentials", "bash", "-c", script]
        return subprocess.run([*command, str(self.this.folder / "first")], capture_output=True, text=True)

    def fill_disk(self):
        used = int(self.on_disk('df --output=used "$0" | tail -n 1').stdout)
        self.on_disk(f'mount -o remount,size={used + 4096}k "$0"; cat /dev/zero >"$0/filled"')

    def free_disk(self):
        self.on_disk('rm "$0/filled"; mount -o remount,size=3g "$0"')

    def limit(self, topic, limit):
        entry = ConfigEntry("max.message.bytes", limit, incremental_operation=AlterConfigOpType.SET)
        topic = ConfigResource(ResourceType.TOPIC, f"{self.this.prefix}-footfall.{topic}", incremental_configs=[entry])
        kafka = AdminClient({"bootstrap.servers": self.this.servers["FOOTFALL_KAFKA"]})  # its answers need it alive
        for done in kafka.incremental_alter_configs([topic]).values():
            done.result(30)

    def refuse(self):
        self.traffic.kill()
        self.limit("dead-letters", "100")
        self.traffic = self.generate(0.2)
        self.fill_disk()
        (self.this.folder / "snapshots").rename(self.this.folder / "snapshots.away")
        (self.this.folder / "snapshots").write_text("a file where a folder should be\n")

    def take_again(self):
        (self.this.folder / "snapshots").unlink()
        (self.this.folder / "snapshots.away").rename(self.this.folder / "snapshots")
        self.free_disk()
        self.traffic.kill()
        self.limit("dead-letters", "2097152")
        self.traffic = self.generate(0)

    # --- what is wrong

    def start_stranger(self, prefix):
        """A processor with another hash key, in a group of its own, without stores: it disturbs no one."""
        changes = {"redis": None, "opensearch": None, "definition": {"hash_key": "0123456789abcdef" * 2}}
        changes["log"] = {"group": f"{self.this.prefix}-stranger", "topic_prefix": prefix}
        config = self.this.write_config("stranger", self.addresses["stranger"], changes)
        self.stranger = self.this.start("stranger", "process", config=config)
        self.alerts.watch("process", list(self.addresses.values()))

    def diverge(self):
        """Digests are compared where log time enters another minute, at equal offsets: also under load."""
        self.start_stranger(f"{self.this.prefix}-")

    def follow_another_log(self):
        self.this.footfall("topics", "create", "--topic-prefix", f"{self.this.prefix}-other-")
        self.start_stranger(f"{self.this.prefix}-other-")

    def agree(self):
        self.alerts.watch("process", [self.addresses["first"], self.addresses["second"]])
        # So that it keeps how far it has told admissions, for "the wrong log".
        self.stranger.stop()

    def lose_row(self):
        key = self.redis("--scan", "--pattern", "ff:{*:0}:*:C")[0]
        if self.redis("HDEL", key, "c:footfall-canary") != ["1"]:
            raise LookupError(f"{key} has no row of the canary")

    # --- memory

    def restart_processors(self, changes=None):
        self.first.stop()
        self.second.stop()
        self.start_processors(changes)

    def fill_memory(self):
        self.restart_processors({"processor": {"memory_mib": 64}})
        # Many people in few rows: these go to the stores.
        crowd = ["--count", "20000000", "--users", "10000000", "--campaigns", "1", "--activities", "1", "--seed", "2", "--bad", "0"]
        self.crowd = self.this.generate(*crowd)

    def give_memory(self):
        self.crowd.kill()
        self.restart_processors()
