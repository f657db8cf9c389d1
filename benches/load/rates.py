"""What an answer takes at rising rates: through the log, where everyone gets a seat, and from memory, where nobody does."""

from itertools import takewhile
from statistics import median

import scraped

RATES = (1_000, 2_000, 4_000, 6_000, 8_000, 10_000)  # people within a second
RUSHES = 5  # of each rate; kinds and rates take turns
KINDS = {"admitted": lambda people: people, "sold_out": lambda _: 0}  # seats
APPEND, READ_BACK = 'footfall_entry_append_seconds{topic="entries"}', "footfall_entry_read_back_seconds"
ANSWERED = 'footfall_entry_answer_seconds{outcome="sold_out",source="memory"}'
HISTOGRAMS = {"admitted": (APPEND, READ_BACK), "sold_out": (ANSWERED,)}

# What is aimed at.
LOG_P99_MS = 50.0
SOON_S = 0.001  # what memory answers in, and what is read back in


def summed_up(rate, runs, histograms):
    """A rate's rushes: their percentiles, what a request took of processors, and the gateways' histograms of all of them."""
    times = [sorted(answer["took_us"] / 1_000 for answer in run.answers) for run in runs]
    came = {name: added_up([run.came.get(name, {}) for run in runs]) for name in histograms}
    return {
        "rate": rate,
        "p50": spread([of[len(of) // 2] for of in times]),
        "p99": spread([of[len(of) * 99 // 100] for of in times]),
        "again": sum(answer["again"] for run in runs for answer in run.answers),
        "cpu_us": {kind: sum(run.cpu_s[kind] for run in runs) * 1e6 / (rate * len(runs)) for kind in runs[0].cpu_s},
        "came": {name: {"within_50": scraped.within(of, 0.5), "within_99": scraped.within(of, 0.99), "share_1ms": scraped.share(of, SOON_S)} for name, of in came.items()},
    }


def added_up(histograms):
    return {bound: sum(of.get(bound, 0.0) for of in histograms) for bound in {bound for of in histograms for bound in of}}


def spread(values):
    return {"median": median(values), "least": min(values), "greatest": max(values)}


def aims(of):
    """Each aim: its name, what was seen, whether it is reached. What is seen of memory is the gateways' own time: a client on the
    same cores waits for its own turn, too."""
    fastest, memory = of["admitted"][-1], [row["came"][ANSWERED]["share_1ms"] for row in of["sold_out"]]
    back = {row["rate"]: row["came"][READ_BACK]["share_1ms"] for row in of["admitted"]}
    up_to = max(takewhile(lambda rate: back[rate] >= 0.5, back), default=0)
    return [
        ("log", {"rate": fastest["rate"], **fastest["p99"]}, fastest["p99"]["median"] <= LOG_P99_MS),
        ("memory", {"least": 100 * min(memory)}, min(memory) >= 0.99),
        ("read_back", {"rate": up_to, "least": 100 * min(back.values())}, up_to == fastest["rate"]),
    ]
