"""The tables in English and Korean, and where they are written: benches/results/admission.md, and marked parts of two pages."""

import datetime
import os
import pathlib
import re
import subprocess
from statistics import median

from harness import ROOT
from speed import spread

BEGIN, END = "<!-- benches/peers.py writes from here -->", "<!-- to here -->"
PAGES = {"en": ROOT / "docs/admission.md", "ko": ROOT / "docs/admission.ko.md"}
RESULT = ROOT / "benches/results/admission.md"

WORDS = {
    "en": {
        "user-lock": "lock a user (SET NX), SADD, INCR",
        "activity-lock": "lock an activity (Redisson RLock)",
        "script": "one Lua script in Redis",
        "script-wait": "the script, then WAIT 1",
        "log": "footfall entry",
        "closed": "{people:,} people for {seats:,} seats, 256 connections, as fast as it goes",
        "second": "{people:,} people for {seats:,} seats, due within one second",
        "moderate": "{people:,} people for as many seats within 5 seconds: every answer is a seat",
        "speed": ["gate", "answers/s", "yes: p50 ms", "yes: p99 ms", "no: p50 ms", "no: p99 ms", "tries again", "over-booked", "lost", "under-booked"],
        "faults": ["gate", "rounds", "told yes", "over-booked seats", "rounds with any", "told yes, not stored", "same rank twice", "under-booked seats", "unanswered", "longest wait s"],
        "beside": "The p99 of a yes of `footfall entry` is {:.1f} times the script's.",
        "one": "{people:,} people for {seats:,} seats within {seconds:g} s; both replicas fall behind, and the primary dies (a follower stalls, and the leader dies):",
        "two": "The same with two servers of three: one replica falls behind, and the primary dies with the other (a follower stalls, and the leader dies with the other):",
        "all": "All figures, with the machine and the commands: [benches/results/admission.md](../benches/results/admission.md).",
    },
    "ko": {
        "user-lock": "사용자별 락(SET NX) → SADD → INCR",
        "activity-lock": "활동별 락(Redisson RLock)",
        "script": "Redis Lua 스크립트 하나",
        "script-wait": "그 스크립트 + WAIT 1",
        "log": "footfall entry",
        "closed": "{people:,}명, 좌석 {seats:,}개, 연결 256개로 낼 수 있는 최대 속도",
        "second": "{people:,}명, 좌석 {seats:,}개, 1초 안에 몰림",
        "moderate": "5초 동안 {people:,}명, 좌석도 같은 수: 모든 응답이 당첨",
        "speed": ["방식", "초당 응답", "당첨 p50 ms", "당첨 p99 ms", "마감 p50 ms", "마감 p99 ms", "재시도", "초과 당첨", "사라진 당첨", "미달"],
        "faults": ["방식", "회차", "당첨 응답", "초과 당첨", "초과가 난 회차", "응답했으나 저장에 없음", "같은 순번 중복", "미달 좌석", "무응답", "가장 긴 대기 초"],
        "beside": "`footfall entry`의 당첨 p99는 스크립트의 {:.1f}배다.",
        "one": "{seconds:g}초 동안 {people:,}명, 좌석 {seats:,}개. 복제본 둘이 뒤처진 채 프라이머리가 죽는다(팔로워 하나가 멈춘 채 리더가 죽는다):",
        "two": "셋 중 둘이 죽을 때: 복제본 하나가 뒤처진 채 프라이머리와 다른 복제본이 함께 죽는다(팔로워 하나가 멈춘 채 리더와 다른 팔로워가 함께 죽는다):",
        "all": "전체 수치와 장비, 명령: [benches/results/admission.md](../benches/results/admission.md).",
    },
}


def table(heads, rows):
    return [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}", *(f"| {' | '.join(row)} |" for row in rows)]


def speed_table(words, load, measured):
    """Lines of one load: a row for each gate."""
    rows = []
    for gate, of in measured.items():
        times = [spread(getattr(of, name), ".1f") if load.seats < load.people or name.startswith("yes") else "–" for name in ("yes_p50", "yes_p99", "no_p50", "no_p99")]
        rows.append([words[gate], spread(of.per_second, ",.0f"), *times, *(f"{number:,}" for number in (of.again, of.over, of.lost, of.under))])
    lines = [words[load.name].format(people=load.people, seats=load.seats) + ":", "", *table(words["speed"], rows), ""]
    if {"script", "log"} <= measured.keys():
        script, log = (median(measured[gate].yes_p99) for gate in ("script", "log"))
        lines += [words["beside"].format(log / script), ""]
    return lines


def fault_table(words, rounds):
    """Lines of the faults: a row for each gate, summed over its rounds."""
    rows = []
    for gate, of in rounds.items():
        total = lambda what: sum(one[what] for one in of)
        numbers = [len(of), total("told_yes"), total("over"), sum(one["over"] > 0 for one in of), total("lost"), total("same_rank"), total("under"), total("unanswered")]
        rows.append([words[gate], *(f"{number:,}" for number in numbers), spread([one["longest_s"] for one in of], ".1f")])
    return [*table(words["faults"], rows), ""]


def machine():
    """Cores, processor, versions, commit."""
    said = lambda *command: subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    pom = (ROOT / "benches/peers/java/pom.xml").read_text()
    redisson = re.search(r"redisson</artifactId>\s*<version>([^<]+)", pom)[1]
    redis = re.search(r"v=(\S+)", said("redis-server", "--version"))[1]
    return [
        f"{datetime.date.today()}, commit {said('git', 'rev-parse', '--short', 'HEAD')}{' with changes' if said('git', 'status', '--porcelain', '-uno') else ''},"
        f" {os.cpu_count()} × {model[1] if model else 'unknown processor'}, shared by servers, gates and the load",
        f"Kafka 4.3.1 with three brokers (acks=all, two in sync at least); Redis {redis} with two replicas and three sentinels, min-replicas-to-write 1, max-lag 5 s;"
        f" Redisson {redisson}; {said('rustc', '--version')}",
    ]


def write(command, sections, facts):
    """`sections`: for each language a list of lines. The page of results has the English ones, and the facts."""
    lines = ["# Seats: five gates under the same rush", "", f"`{command}`", "", *(f"- {fact}" for fact in [*machine(), *facts]), "", *sections["en"]]
    RESULT.write_text("\n".join(lines).rstrip() + "\n")
    for language, page in PAGES.items():
        text = page.read_text()
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        page.write_text("\n".join([before + BEGIN, *sections[language], WORDS[language]["all"], END]) + after)
