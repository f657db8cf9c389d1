#!/usr/bin/env python3
"""People ask two gateways for seats while something dies; every answer is held against the log.

usage: chaos/drills/gate.py [ROUNDS [PEOPLE [SEED]]]   (default: 20 of each fault and as many openings without one, 10000 people in a second)
Eight in ten get a seat, so that the log decides throughout the rush, whenever the fault comes.
Needs the Python of .footfall/software/venv (deploy/install.sh test), for Kafka's client.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

from confluent_kafka import Consumer
from harness import ROOT, RUN, ask, deploy, drill, free_address, get, report, say, wait_for

BENCHES = pathlib.Path(os.environ.get("FOOTFALL_DRILL_BENCHES", ROOT / "target/ci/benches"))
STALLED_S = 3.0  # a follower that stands still
CHECKED_AGAIN = 50  # people who ask again at each gateway afterwards


class Gate:
    """Two gateways, a processor, an API, and the faults."""

    def __init__(self, this):
        self.this = this
        self.addresses = [free_address(), free_address()]
        self.gateways = [self.gateway(number) for number in range(2)]
        self.processor = this.processor("processor")
        this.start("api", "api", config=this.write_config("api", this.servers["FOOTFALL_API"]))
        for number in range(2):
            self.wait_ready(number)

    def url(self, number):
        return f"http://{self.addresses[number]}"

    def gateway(self, number):
        name = f"gateway-{number + 1}"
        return self.this.start(name, "entry", config=self.this.write_config(name, self.addresses[number]))

    def wait_ready(self, number):
        def is_ready():
            try:
                return get(f"{self.url(number)}/readyz")
            except OSError:
                return None

        wait_for(f"gateway {number + 1} has read the entries", is_ready)

    def define(self, activity, seats):
        body = {"campaign_id": "gate", "name": activity, "capacity": seats, "opens_at_ms": int(time.time() * 1000) - 1000}
        wait_for("the activity is defined", lambda: ask(self.addresses[0], "PUT", f"/v1/activities/{activity}", body=body)[0] == 200)
        for number in range(2):
            wait_for("a gateway knows it", lambda: ask(self.addresses[number], "GET", f"/v1/activities/{activity}")[0] == 200)
        return ask(self.addresses[0], "GET", f"/v1/activities/{activity}")[1]["partition"]

    # --- faults: what is done, and what is done about it

    def kill_gateway(self, _):
        self.gateways[1].kill()
        time.sleep(1)
        self.gateways[1] = self.gateway(1)
        self.wait_ready(1)

    def brokers(self, partition):
        """The leader of a partition of the entries, and one that follows it."""
        topic = f"{self.this.prefix}-footfall.entries"
        consumer = Consumer({"bootstrap.servers": self.this.servers["FOOTFALL_KAFKA"], "group.id": "drill"})
        of = consumer.list_topics(topic, 30).topics[topic].partitions[partition]
        consumer.close()
        return of.leader, next(replica for replica in of.replicas if replica != of.leader)

    def signal(self, member, number):
        os.kill(int((RUN / member / "pid").read_text()), number)

    def kill_leader(self, partition):
        leader, _ = self.brokers(partition)
        self.signal(f"kafka-{leader}", signal.SIGKILL)
        time.sleep(1)
        deploy("up.sh", "kafka")

    def stall_follower(self, partition):
        _, follower = self.brokers(partition)
        self.signal(f"kafka-{follower}", signal.SIGSTOP)
        time.sleep(STALLED_S)
        self.signal(f"kafka-{follower}", signal.SIGCONT)

    def kill_redis(self, _):
        self.signal("redis", signal.SIGKILL)
        time.sleep(1)
        deploy("up.sh", "redis")

    def kill_processor(self, _):
        self.processor.kill()
        self.processor = self.this.start("processor", "process", config=self.this.folder / "processor.toml")


NONE = "none"
FAULTS = {
    "one of two gateways killed (kill -9)": Gate.kill_gateway,
    "the partition's leader killed (kill -9)": Gate.kill_leader,
    "a follower stands still (SIGSTOP)": Gate.stall_follower,
    "Redis killed (kill -9)": Gate.kill_redis,
    "the processor killed (kill -9)": Gate.kill_processor,
}


def recount(this):
    """By activity, what the program that shares the messages alone finds in the log."""
    command = [sys.executable, ROOT / "schemas/python/recount_admissions.py", "--brokers", this.servers["FOOTFALL_KAFKA"], "--topic", f"{this.prefix}-footfall.entries"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {of["activity"]: of for of in map(json.loads, lines)}


def stampede_command(gate, activity, people, path, within_s=1):
    command = [BENCHES, "stampede", *(f"--gateway={gate.url(number)}" for number in range(2)), "--activity", activity]
    return [*command, "--users", str(people), "--within-ms", str(1_000 * within_s), "--prefix", activity, "--answers", path]


def opening(gate, activity, name, people, seats, random):
    """Everyone's last answer, in a rush in which the fault comes at a random moment."""
    partition, path = gate.define(activity, seats), gate.this.folder / f"{activity}.jsonl"
    with ThreadPoolExecutor() as beside:
        rush = beside.submit(subprocess.run, stampede_command(gate, activity, people, path), check=True, stdout=subprocess.DEVNULL)
        if fault := FAULTS.get(name):
            time.sleep(random.uniform(0.05, 0.9))
            fault(gate, partition)
        rush.result()
    answers = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    return answers


def told_yes(answers):
    return {of["user"]: of["answer"]["receipt"] for of in answers if of["status"] in (200, 201)}


def places(answers):
    """Rank, partition and offset by user, as they were told."""
    return {user: (of["rank"], of["partition"], of["offset"]) for user, of in told_yes(answers).items()}


def undefined(activity, answers):
    """Who was not told yes or no."""
    return [f"{activity}: {of['user']} was answered {of['status']}: {of['answer']}" for of in answers if of["status"] not in (200, 201, 409)]


def told_otherwise(gate, activity, answers, random):
    """Who is told something else when asking again, at either gateway."""
    told, wrong = told_yes(answers), []
    for user in random.sample([of["user"] for of in answers], CHECKED_AGAIN):
        for number in range(2):
            status, again = ask(gate.addresses[number], "POST", f"/v1/activities/{activity}/entries", user)
            if (status == 200) != (user in told) or again.get("receipt") != told.get(user):
                wrong.append(f"{activity}: {user} was told {told.get(user)}, and by gateway {number + 1} afterwards {status} {again}")
    return wrong


def not_as_counted(activity, seats, told, counted):
    """What the recount of the log finds otherwise; `told` are the places."""
    admitted, wrong = {user: (rank, partition, offset) for user, rank, partition, offset in counted["admitted"]}, []
    if told != admitted:
        wrong.append(f"{activity}: {len(told)} were told yes, {len(admitted)} are admitted in the log, or their receipts differ")
    if sorted(rank for rank, *_ in admitted.values()) != list(range(1, seats + 1)):
        wrong.append(f"{activity}: {len(admitted)} of {seats} seats were given, or their ranks have gaps")
    return wrong


def entered(this):
    """Enter events of the campaign, as the API tells them."""
    return json.loads(get(f"http://{this.servers['FOOTFALL_API']}/v1/campaigns/gate"))["totals"]["by_kind"]["enter"]


def main(rounds=20, people=10_000, seed=1):
    random, seats = Random(seed), people * 8 // 10
    plan = [name for name in FAULTS for _ in range(rounds)] + [NONE] * (rounds * len(FAULTS))
    random.shuffle(plan)
    with drill("gate", ["kafka", "redis"], "[entry]\nclaimed_users = true\n") as this:
        gate, faults, told, counts = Gate(this), [], {}, {name: Counter() for name in (NONE, *FAULTS)}
        for number, name in enumerate(plan):
            activity = f"opening-{number}"
            answers = opening(gate, activity, name, people, seats, random)
            faults += undefined(activity, answers) + told_otherwise(gate, activity, answers, random)
            told[activity] = places(answers)
            waited = max(of["took_us"] for of in answers) / 1e6
            counts[name] += Counter(openings=1, yes=len(told[activity]), again=sum(of["again"] for of in answers))
            counts[name]["waited"] = max(counts[name]["waited"], waited)
            say(f"{number + 1} of {len(plan)}, {name}, the last answer after {waited:.1f} s")
        counted = recount(this)
        for activity, of in told.items():
            faults += not_as_counted(activity, seats, of, counted[activity])
        given = seats * len(plan)
        wait_for("the funnel has everyone who was admitted", lambda: entered(this) >= given)
        if entered(this) != given:
            faults.append(f"the funnel counts {entered(this)} entered, and {given} were admitted")
        facts = [
            f"{len(plan)} openings of {seats:,} seats; {people:,} people each, within a second, at two gateways, trying again where they are not answered; seed {seed}",
            f"told yes = admitted in the log, by a recount that shares the messages alone; ranks 1 to {seats:,} without a gap; {CHECKED_AGAIN} people of each opening asked again at both gateways",
            f"the funnel: {entered(this):,} entered",
        ]
        table = ["| fault, at a random moment of the rush | openings | people | told yes | tries again | greatest wait s |", "|---|---:|---:|---:|---:|---:|"]
        table += [f"| {name} | {of['openings']} | {of['openings'] * people:,} | {of['yes']:,} | {of['again']:,} | {of['waited']:.1f} |" for name, of in counts.items()]
        report(this, "The gate", facts, faults, table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
