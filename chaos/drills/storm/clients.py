"""Whoever uses the deployment while it is made to fail: people who ask for seats, a producer over HTTP, a reader. Each keeps a journal of every
try, as a line of JSON, and an answer that never came stays unknown until somebody asks again.
"""

import http.client
import itertools
import json
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from random import Random

PATIENCE_S = 5.0  # with one try
SEATS, PEOPLE, WITHIN_S, AT_ONCE = 60, 100, 12.0, 16
PRODUCED_PER_S = 5
# A crawler would be in no total.
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
CAMPAIGN = "journal"
FUNNEL = "openings"


class Journal:
    def __init__(self, path):
        self.path, self.lock, self.file = path, threading.Lock(), path.open("a")

    def write(self, **of):
        with self.lock:
            self.file.write(json.dumps(of) + "\n")

    def lines(self):
        with self.lock:
            self.file.flush()
        with self.path.open() as lines:
            yield from map(json.loads, lines)


def ask(address, method, path, headers=None, body=None):
    """Status and answer; (None, why) where none came."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body and json.dumps(body), {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, repr(error)
    finally:
        connection.close()


class Client(threading.Thread):
    """Does its work until it is told that it is over."""

    def __init__(self, journal):
        super().__init__(daemon=True)
        self.journal, self.over = Journal(journal), threading.Event()

    def stop(self):
        self.over.set()
        self.join()


def outcome(status, answer):
    """What somebody has been told for good: "yes", "no", or None."""
    if status in (200, 201) and answer.get("outcome") == "admitted":
        return "yes"
    return "no" if status == 409 else None


class People(Client):
    """One opening after the other: more people than seats ask within a while, each again and elsewhere until there is an answer."""

    def __init__(self, folder, gateways):
        super().__init__(folder / "people.jsonl")
        self.gateways, self.openings, self.waiting = gateways, {}, []
        self.start()

    def run(self):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number in itertools.count():
                if self.over.is_set():
                    return
                activity = f"opening-{number}"
                if not self.define(activity):
                    continue
                self.openings[activity] = SEATS
                start = time.monotonic()
                for user in range(PEOPLE):
                    due = start + WITHIN_S * user / PEOPLE
                    if self.over.wait(max(0.0, due - time.monotonic())):
                        break
                    pool.submit(self.person, activity, f"{activity}-{user}", user)

    def define(self, activity):
        body = {"campaign_id": FUNNEL, "name": activity, "capacity": SEATS, "opens_at_ms": int(time.time() * 1000) - 60_000}
        for number in itertools.count():
            if self.over.is_set():
                return False
            status, _ = ask(self.gateways[number % 2], "PUT", f"/v1/activities/{activity}", {"footfall-user": "operator"}, body)
            if status == 200:
                return True
            time.sleep(0.5)

    def is_good(self, of):
        return outcome(of["status"], of["answer"]) is not None

    def person(self, activity, user, number, longest=60.0):
        """Asks until there is an answer, or the patience is over."""
        end = time.monotonic() + longest
        for tries in itertools.count(number):
            if self.ask(activity, user, tries % 2):
                return True
            if time.monotonic() > end:
                self.waiting.append((activity, user))
                return False
            time.sleep(0.3)

    def ask(self, activity, user, gateway):
        start = time.time()
        status, answer = ask(self.gateways[gateway], "POST", f"/v1/activities/{activity}/entries", {"footfall-user": user, "idempotency-key": user})
        self.journal.write(at=start, took=time.time() - start, activity=activity, user=user, gateway=gateway, status=status, answer=answer)
        return outcome(status, answer)

    def settle(self, share=0.05):
        """Who has no answer asks again, and so do some of the others, at both gateways; who still has none."""
        asked = {(of["activity"], of["user"]) for of in self.journal.lines()}
        left, self.waiting = self.waiting, []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda of: self.person(*of, 0), left))
            again = Random(1).sample(sorted(asked), int(len(asked) * share))
            for gateway in (0, 1):
                list(pool.map(lambda of: self.person(*of, gateway), again))
        return self.waiting


class Producer(Client):
    """Sends events over HTTP, each with an id of its own and again until it is acknowledged."""

    def __init__(self, folder, gateways):
        super().__init__(folder / "producer.jsonl")
        self.gateways, self.sent, self.waiting = gateways, 0, []
        self.start()

    def run(self):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while not self.over.wait(1 / PRODUCED_PER_S):
                self.sent += 1
                pool.submit(self.event, self.sent)

    def event(self, number):
        event = {
            "event_id": f"journal-{number}", "user_id": f"reader-{number % 500}", "kind": "visit", "campaign_id": CAMPAIGN,
            "activity_id": f"part-{number % 3}", "occurred_at_ms": int(time.time() * 1000), "user_agent": BROWSER,
        }
        end = time.monotonic() + 60
        for tries in itertools.count(number):
            start = time.time()
            status, answer = ask(self.gateways[tries % 2], "POST", "/v1/events", body=event)
            [told] = answer["events"] if status in (202, 207, 422) and "events" in answer else [None]
            self.journal.write(at=start, took=time.time() - start, id=event["event_id"], gateway=tries % 2, status=status, told=told)
            if told and told["status"] == "accepted":
                return
            if time.monotonic() > end:
                self.waiting.append(number)
                return
            time.sleep(0.3)

    def is_good(self, of):
        return bool(of["told"]) and of["told"]["status"] == "accepted"

    def settle(self):
        """What was not acknowledged is sent again; what still is not."""
        left, self.waiting = self.waiting, []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.event, left))
        return self.waiting


class Reader(Client):
    """Reads a campaign from one API after the other, and sends along what the newest answer was as of."""

    def __init__(self, folder, apis, producer):
        super().__init__(folder / "reader.jsonl")
        self.apis, self.producer, self.token = apis, producer, None
        self.start()

    def run(self):
        for number in itertools.count():
            if self.over.wait(0.5):
                return
            since = f"?since={urllib.parse.quote(self.token)}" if self.token else ""
            start = time.time()
            status, answer = ask(self.apis[number % 2], "GET", f"/v1/campaigns/{CAMPAIGN}{since}")
            seen = {name: answer.get(name) for name in ("as_of_token", "as_of_went_back", "store", "fresh_ms")} if status == 200 else answer
            total = answer["totals"]["events"] if status == 200 else None
            self.journal.write(at=start, took=time.time() - start, api=number % 2, since=self.token, status=status, seen=seen, total=total, sent=self.producer.sent)
            if status == 200:
                self.token = answer["as_of_token"]

    def is_good(self, of):
        return of["status"] == 200
