"""Processes of Footfall that fail and come back: processors, gateways, the API; and what befalls the group and the traffic."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from random import Random

from harness import free_address, get, happens

SKEW_S = 600
LONGEST_STOP_S = 120.0
# The first processor's disk: gone with the process. It holds what a run needs many times over.
DISK = "256m"
ON_OWN_DISK = ["unshare", "-rm", "bash", "-c", f'mount -t tmpfs -o size={DISK} footfall "$0" && exec "$@"']


class Broken(Exception):
    """What should have happened did not."""


def wait(what, condition, longest=180.0):
    return happens(condition, longest) or raise_(f"{what}: not within {longest:.0f} s")


def raise_(what):
    raise Broken(what)


# What a start says that finds the brokers or a store away: whoever supervises it starts it again.
AWAY = "can't be reached or refused for now"


def gave_up_starting(process):
    """Whether it ended because something was away when it started, as its last line says."""
    lines = process.text().splitlines()
    return not process.is_running() and bool(lines) and lines[-1].startswith("footfall: ") and AWAY in lines[-1]


class Served:
    """A process, the command that it runs, and the address where it answers."""

    def __init__(self, storm, name, command):
        self.storm, self.name, self.command, self.address = storm, name, command, free_address()
        self.config = storm.write_config(name, self.address)
        self.lock = threading.Lock()  # held while it is made to fail
        self.kills = 0
        self.start()

    def start(self, under=()):
        self.process = self.storm.start(self.name, self.command, config=self.config, under=under)

    def is_ready(self):
        try:
            return get(f"http://{self.address}/readyz")
        except OSError:
            return None

    def revive(self):
        """Starts it again where it ended by itself; what it said then."""
        with self.lock:
            if self.process.is_running():
                return None
            code, is_meant = self.process.child.returncode, gave_up_starting(self.process)
            self.start()
        return None if is_meant else f"{self.name} ended by itself with {code}: {self.process.log}"

    def down(self):
        if gave_up_starting(self.process):
            return
        if not self.process.is_running():
            raise Broken(f"{self.name} has ended by itself with {self.process.child.returncode}")
        self.kills += 1
        self.process.kill()

    def killed(self, of):
        self.down()
        time.sleep(of.lasts)
        self.start()

    def stands_still(self, of):
        self.process.child.send_signal(signal.SIGSTOP)
        time.sleep(of.lasts)
        self.process.child.send_signal(signal.SIGCONT)

    def restarted(self, _):
        self.process.child.send_signal(signal.SIGTERM)
        try:
            code = self.process.child.wait(LONGEST_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = f"nothing within {LONGEST_STOP_S:.0f} s"
        self.start()
        if code != 0:
            raise Broken(f"{self.name} was asked to stop and ended with {code}")

    def skewed(self, of):
        self.down()
        self.start(under=self.storm.faketime(SKEW_S if of.number % 2 else -SKEW_S))
        time.sleep(of.lasts)
        self.down()
        self.start()

    FAULTS = {"killed": killed, "stands still": stands_still, "restarted": restarted, "a clock ten minutes off": skewed}


class Processor(Served):
    """With checkpoint files that can be spoiled while it is down."""

    def __init__(self, storm, name):
        super().__init__(storm, name, "process")
        self.older = storm.folder / f"{name}-older"

    def folder(self):
        return self.storm.folder / self.name

    def checkpoints(self):
        return sorted(self.folder().rglob("*.sqlite"))

    def down(self):
        super().down()
        self.keep()

    def keep(self):
        """Keeps the files as they are for later, once a minute."""
        if not self.older.exists() or time.time() - self.older.stat().st_mtime > 60:
            shutil.rmtree(self.older, ignore_errors=True)
            if self.folder().exists():
                shutil.copytree(self.folder(), self.older)
                os.utime(self.older)

    def without(self, of):
        self.spoil(of, lambda path: path.unlink())

    def cut(self, of):
        self.spoil(of, lambda path: os.truncate(path, path.stat().st_size // 2))

    def spoil(self, of, how):
        """One file in two, at least one."""
        self.down()
        files, random = self.checkpoints(), Random(of.number)
        for path in random.sample(files, (len(files) + 1) // 2):
            how(path)
        time.sleep(of.lasts)
        self.start()

    def older_again(self, of):
        self.down()
        if self.older.exists():
            shutil.rmtree(self.folder())
            shutil.copytree(self.older, self.folder())
        time.sleep(of.lasts)
        self.start()

    FAULTS = Served.FAULTS | {"a checkpoint is deleted": without, "a checkpoint is cut short": cut, "older checkpoints are back": older_again}


class OnOwnDisk(Served):
    """A processor whose disk is gone when it is killed, and can be full."""

    def __init__(self, storm, name):
        (storm.folder / name).mkdir()
        super().__init__(storm, name, "process")

    def start(self, under=()):
        super().start([*ON_OWN_DISK, str(self.storm.folder / self.name), *under])

    def on_disk(self, script):
        command = ["nsenter", "-t", str(self.process.child.pid), "-U", "-m", "--preserve-credentials", "bash", "-c", script, str(self.storm.folder / self.name)]
        return subprocess.run(command, capture_output=True, text=True)

    def full(self, of):
        self.on_disk('cat /dev/zero >"$0/filled"')
        time.sleep(of.lasts)
        self.on_disk('rm "$0/filled"')

    FAULTS = Served.FAULTS | {"killed, its disk lost": Served.killed, "its disk is full": full}


class Group:
    """What befalls the consumer group: others own its partitions, too; members come and go."""

    def __init__(self, storm):
        self.storm, self.lock, self.kills = storm, threading.Lock(), 0
        self.rogue = storm.write_config("rogue", changes={"log": {"group": f"{storm.prefix}-rogue"}})
        self.extras = [storm.write_config(f"extra-{number}") for number in (1, 2)]

    def two_owners(self, of):
        """A processor of another group is given every partition, and writes to the same stores."""
        rogue = self.storm.start("rogue", "process", config=self.rogue)
        before = rogue.assignments()
        happens(lambda: rogue.assignments() > before, 20)
        time.sleep(of.lasts)
        self.end(rogue)

    def come_and_go(self, of):
        random, until, running = Random(of.number), time.monotonic() + of.lasts, {}
        while time.monotonic() < until:
            number = random.randrange(2)
            if number in running:
                self.end(running.pop(number))
            else:
                running[number] = self.storm.start(f"extra-{number + 1}", "process", config=self.extras[number])
            time.sleep(random.uniform(1, 3))
        for process in running.values():
            self.end(process)

    def end(self, process):
        if gave_up_starting(process):
            return
        if not process.is_running():
            raise Broken(f"{process.name} ended by itself with {process.child.returncode}: {process.log}")
        self.kills += 1
        process.kill()

    def revive(self):
        return None

    FAULTS = {"two owners of every partition": two_owners, "members come and go": come_and_go}


class Traffic:
    """Generators: one steady, and bad records now and then. `journals` is what the finished ones say they made."""

    def __init__(self, storm, rate):
        self.storm, self.lock, self.rate, self.journals, self.kills = storm, threading.Lock(), rate, [], 0
        # Nothing is given up while a leader is away.
        self.config = storm.write_config("generate")
        self.config.write_text(self.config.read_text() + '[log.kafka]\n"message.timeout.ms" = "300000"\n')
        self.steady = self.start("--count", "100000000", "--rate", str(rate), "--users", "20000")

    def start(self, *arguments):
        return self.storm.start("generate", "generate", *arguments, config=self.config)

    def end(self, generating):
        said, _ = generating.child.communicate(timeout=400)
        if generating.child.returncode != 0:
            raise Broken(f"a generator ended with {generating.child.returncode}: {generating.log}")
        self.journals.append(json.loads(said))

    def stop(self):
        self.steady.child.terminate()
        self.end(self.steady)

    def burst(self, of, share, rate):
        count = str(int(of.lasts * rate))
        self.end(self.start("--count", count, "--rate", str(rate), "--bad", str(share), "--seed", str(of.number + 2)))

    def revive(self):
        if self.steady.child.poll() is None:
            return None
        said = f"the generator ended by itself with {self.steady.child.returncode}: {self.steady.log}"
        self.steady = self.start("--count", "100000000", "--rate", str(self.rate), "--users", "20000", "--seed", str(time.time_ns() % 1_000_000))
        return said

    FAULTS = {
        "one record in a hundred is bad": lambda self, of: self.burst(of, 0.01, 2 * self.rate),
        "every record is bad": lambda self, of: self.burst(of, 1.0, 100),
    }
