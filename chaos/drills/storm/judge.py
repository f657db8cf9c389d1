"""Holds what clients were told, and what the stores hold, against the log. Each check returns the sentences that say what is wrong, and how much it looked at."""

import collections
import sys

from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from gate import recount
from google.protobuf.message import DecodeError
from harness import ROOT
from storm.clients import CAMPAIGN, FUNNEL, SEATS, ask, outcome

sys.path.insert(0, str(ROOT / "schemas/python"))
from produce import compile_proto  # noqa: E402
from recount_admissions import records  # noqa: E402


def preconditions(storm, sentinels):
    """What all that follows rests on; the sentences that don't hold."""
    wrong = []
    kafka = AdminClient({"bootstrap.servers": storm.servers["FOOTFALL_KAFKA"]})
    for name in ("events", "entries", "dead-letters"):
        topic = f"{storm.prefix}-footfall.{name}"
        of = kafka.list_topics(topic, 30).topics[topic]
        if any(len(partition.replicas) != 3 for partition in of.partitions.values()):
            wrong.append(f"{topic}: not every partition is on three brokers")
        resource = ConfigResource(ResourceType.TOPIC, topic)
        settings = kafka.describe_configs([resource])[resource].result(30)
        for setting, wanted in (("min.insync.replicas", "2"), ("unclean.leader.election.enable", "false")):
            if settings[setting].value != wanted:
                wrong.append(f"{topic}: {setting} is {settings[setting].value}, not {wanted}")
        if name != "dead-letters" and settings["message.timestamp.type"].value != "LogAppendTime":
            wrong.append(f"{topic}: its times are not the log's")
    for member in sentinels.members:
        for setting, wanted in (("maxmemory-policy", "noeviction"), ("appendonly", "yes")):
            if sentinels.redis.ask(member, "config", "get", setting)[1:] != [wanted]:
                wrong.append(f"{member}: {setting} is not {wanted}")
    storm.footfall("doctor")
    return wrong


# Fewer would not be looking.
LEAST_IMAGES_PER_S = 10


class Log:
    """The events topic, read by a program that shares the messages alone."""

    def __init__(self, storm):
        Event = compile_proto().Event
        self.records, self.ids, self.streams, self.unreadable = 0, {}, collections.defaultdict(set), 0
        for partition, offset, _, value in records(storm.servers["FOOTFALL_KAFKA"], f"{storm.prefix}-footfall.events"):
            self.records += 1
            try:
                event = Event.FromString(value)
            except DecodeError:
                self.unreadable += 1
                continue
            if event.campaign_id == CAMPAIGN:
                self.ids.setdefault(event.event_id, []).append((partition, offset))
            self.streams[event.event_id.partition("-")[0]].add(event.event_id)


def of_images(reports):
    """An image that is not the fold of the log up to its offset (I3)."""
    wrong = [f"{of['wrong']} images are wrong: {of['shown'][:3]}" for of in reports if of["wrong"]]
    return wrong + [f"only {of['images_per_second']:.0f} images a second were read" for of in reports[:1] if of["images_per_second"] < LEAST_IMAGES_PER_S]


def of_producer(producer, log, total):
    """Every acknowledged event stands where it was said to stand, and each id counts once, however often it was sent (I1)."""
    wrong, acknowledged, tries = [], 0, 0
    for of in producer.journal.lines():
        tries += 1
        if of["told"] and of["told"]["status"] == "accepted":
            acknowledged += 1
            place = (of["told"]["partition"], of["told"]["offset"])
            if place not in log.ids.get(of["id"], []):
                wrong.append(f"{of['id']} was acknowledged at {place}, and stands at {log.ids.get(of['id'])}")
    if len(log.ids) != producer.sent:
        wrong.append(f"{producer.sent} events were sent until they were acknowledged, {len(log.ids)} ids are in the log")
    if total != len(log.ids):
        wrong.append(f"the API counts {total} events of the campaign, the log has {len(log.ids)} ids")
    again = sum(len(places) - 1 for places in log.ids.values())
    return wrong, {"tries": tries, "acknowledged": acknowledged, "events": producer.sent, "in_log_again": again}


def of_generators(journals, log):
    """What generators say they made is in the log, each id at least once, and the letters are those that they made bad."""
    wrong = []
    for of in journals:
        found = sum(1 for _ in log.streams[of["stream"]])
        if found < of["journal"]["applied"]:
            wrong.append(f"stream {of['stream']}: {of['journal']['applied']} good events were acknowledged, {found} ids are in the log")
    return wrong


def of_people(storm, people, entered):
    """Who was told yes is admitted by a recount of the log, at that place; nobody is told otherwise later; every seat is given (I5)."""
    wrong, told, tries = [], {}, 0
    for of in people.journal.lines():
        tries += 1
        said = outcome(of["status"], of["answer"])
        if not said:
            continue
        receipt = of["answer"].get("receipt") or {}
        place = said == "yes" and tuple(receipt[name] for name in ("rank", "partition", "offset"))
        before = told.setdefault((of["activity"], of["user"]), place)
        if before != place:
            wrong.append(f"{of['user']} was told {before} and then {place}")
    counted, admitted = recount(storm), 0
    for activity in people.openings:
        seats = {user: (rank, partition, offset) for user, rank, partition, offset in counted[activity]["admitted"]}
        admitted += len(seats)
        yes = {user: place for (of, user), place in told.items() if of == activity and place}
        if yes != seats:
            wrong.append(f"{activity}: {len(yes)} were told yes, {len(seats)} are admitted in the log, or their receipts differ")
        asked = sum(1 for of, _ in told if of == activity)
        if len(seats) != min(SEATS, asked) or sorted(rank for rank, *_ in seats.values()) != list(range(1, len(seats) + 1)):
            wrong.append(f"{activity}: {len(seats)} of {SEATS} seats were given, {asked} asked")
    if entered != admitted:
        wrong.append(f"the funnel counts {entered} entered, {admitted} were admitted")
    return wrong, {"tries": tries, "people": len(told), "openings": len(people.openings), "admitted": admitted}


def of_reader(reader):
    """No answer goes back unmarked, none is marked that did not, and none counts more than was sent."""
    wrong, answers, went_back = [], 0, 0
    for of in reader.journal.lines():
        if of["status"] != 200:
            continue
        answers += 1
        offsets = lambda token: list(map(int, token.split(".")))
        is_older = bool(of["since"]) and any(now < before for now, before in zip(offsets(of["seen"]["as_of_token"]), offsets(of["since"]), strict=True))
        went_back += is_older
        if is_older != of["seen"]["as_of_went_back"]:
            wrong.append(f"as of {of['seen']['as_of_token']} after {of['since']}, marked as going back: {of['seen']['as_of_went_back']}")
        if of["total"] > of["sent"]:
            wrong.append(f"{of['total']} events were counted when {of['sent']} had been sent")
    return wrong, {"answers": answers, "went_back": went_back}


def of_stores(storm, journals, verdicts):
    """The stores equal the independent fold, cell by cell, and everything bad is a dead letter (I1, I4, I7)."""
    bad = sum(sum(of["journal"]["bad"].values()) for of in journals)
    wrong = []
    for of in verdicts:
        ends = of["applied"] + of["duplicate"] + of["late"] + of["dead_lettered"]
        for what, found, wanted in [("records", of["records"], of["log_records"]), ("the sum of all ends", ends, of["records"]), ("dead-lettered", of["dead_lettered"], bad), ("differences", of["differences"], 0)]:
            if found != wanted:
                wrong.append(f"{of['store']}: {what} is {found}, not {wanted}: {of['shown'][:3]}")
        wrong += [f"{of['store']}: {reason}" for reason in of["not_comparable"]]
    letters = storm.footfall("dead-letters", "list").splitlines()
    if len(letters) != bad:
        wrong.append(f"{len(letters)} dead letters are listed, {bad} records were made bad")
    if len(set(storm.digests().values())) != 1:
        wrong.append(f"the stores' digests differ: {storm.digests()}")
    return wrong, {"letters": len(letters)}


def entered(api):
    status, answer = ask(api, "GET", f"/v1/campaigns/{FUNNEL}")
    return answer["totals"]["by_kind"]["enter"] if status == 200 else None


def total(api):
    status, answer = ask(api, "GET", f"/v1/campaigns/{CAMPAIGN}")
    return answer["totals"]["events"] if status == 200 else None


def gap(lines, is_good):
    """The longest time in which nobody was answered, seconds, and when it began."""
    ends = sorted(of["at"] + of["took"] for of in lines if is_good(of))
    return max(((after - before, before) for before, after in zip(ends, ends[1:])), default=(0.0, 0.0))


