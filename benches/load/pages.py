"""The pages of docs/load: every table and figure from the result, the words from one language or the other."""

import rates
from sampling import OTHERS
from words import ENGLISH, KOREAN

QUIET = 0.5  # cores that others may take on average; the kernel's own work is among it
PAGES = {"README.md": ENGLISH, "README.ko.md": KOREAN}
RUNS = ("spike", "stampede", "sustained")
SHARES = ("med", "p(90)", "p(99)")


def write(folder, result):
    for name, words in PAGES.items():
        (folder / name).write_text(page(result, words))


def page(result, words):
    parts = [
        words["title"], words["other"], made(result["made"], words), *warnings(result, words), words["how"], words["warm"].format(**result["warm"]),
        *by_rate(result["rates"], words), words["beside"], words["beside_how"].format(**result["beside"]), table(words["beside_head"], map(beside, result["beside"]["rows"])),
        words["ceilings"], words["ceilings_how"].format(**result["ceilings"][0]), *(part for of in result["ceilings"] for part in ceiling(of, words)),
        *(part for name in RUNS for part in phase(name, result[name], words)),
        words["thresholds"], words["thresholds_how"], thresholds(result, words), words["spoiled_how"], spoiled(result["spoiled"], words),
        words["stores"], words["stores_how"].format(**{name: f"{result['verdicts'][name]:,}" for name in ("accepted", "admitted")}), stores(result["verdicts"]["stores"], words),
        words["faults"].format(faults="; ".join(result["faults"]) or words["none"]),
    ]
    return "\n\n".join(parts) + "\n"


def warnings(result, words):
    others = max(result[name]["processes"].get(OTHERS, {"cores": 0.0})["cores"] for name in RUNS)
    busy = words["busy"].format(others=others, cores=result["made"]["cores"])
    return [*([words["short"]] if result["is_short"] else []), *([busy] if others > QUIET else [])]


def table(head, rows, texts=1):
    """The first columns are text, the others figures."""
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * texts + "---:|" * (len(head) - texts), *(f"| {' | '.join(row)} |" for row in rows)])


def ms(value):
    return "–" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def made(of, words):
    commit = of["commit"] + (words["changed"] if of["is_changed"] else "")
    return words["made"].format(**{**of, "commit": commit, "versions": ", ".join(f"{name} {version}" for name, version in of["versions"].items())})


def by_rate(of, words):
    """What an answer takes at each rate, and the aims."""
    bound = lambda row, name, share: ms(row["came"][name][share])
    percent = lambda row, name: f"{100 * row['came'][name]['share_1ms']:.1f}"
    own = {
        "admitted": lambda row: [bound(row, rates.APPEND, "within_50"), bound(row, rates.APPEND, "within_99"), percent(row, rates.READ_BACK)],
        "sold_out": lambda row: [percent(row, rates.ANSWERED)],
    }
    cpu = lambda row: [ms(row["cpu_us"][of]) for of in ("gateway", "kafka", "generator")]
    line = lambda kind, row: [f"{row['rate']:,}", ranged(row["p50"]), ranged(row["p99"]), *own[kind](row), *cpu(row)]
    tables = [part for kind in own for part in (words[f"{kind}_how"], table(words[f"{kind}_head"], [line(kind, row) for row in of[kind]]))]
    return [words["rates"], words["rates_how"].format(rushes=of["rushes"]), *tables, table(words["aims_head"], [aim(*each, words) for each in rates.aims(of)], texts=3)]


def beside(of):
    quantiles = [ms(times[share]) for times in (of["times"]["one_event"], of["times"]["many_events"], of["people"] or {}) for share in ("med", "p(99)") if times]
    return [f"{of['rush']:,}", *quantiles, *([] if of["people"] else ["–", "–"]), f"{of['again']:,}"]


def aim(name, seen, is_reached, words):
    shown = {key: f"{value:,}" if key == "rate" else ms(value) for key, value in seen.items()}
    aimed, said = words["aims"][name]
    return [aimed.format(**shown), said.format(**shown), words["yes" if is_reached else "no"]]


def ranged(of):
    """The median, and the least and greatest."""
    return ms(of["median"]) if of["least"] == of["greatest"] else f"{ms(of['median'])} ({ms(of['least'])}–{ms(of['greatest'])})"


def ceiling(of, words):
    what = words["what"][of["what"]]
    rows = [[f"{step['rate']:,}", f"{step['dropped']:,}", ms(step["med"]), ms(step["p(99)"]), words["yes"] if step["passed"] else ", ".join(step["failed"])] for step in of["steps"]]
    said = words["highest"].format(what=what, highest=f"{of['highest']:,}") if of["highest"] else words["none_passed"].format(what=what)
    return [f"### {what}", table(words["ceiling_head"], rows), said]


def phase(name, of, words):
    """A run: what it was, times, counts, the gateways' times, what each process took."""
    given = {key: f"{of[key]:,}" for key in ("people", "seats", "rate", "seconds") if key in of}
    counts = ", ".join(f"{words['counted'][key]} {value:,}" for key, value in of["counts"].items())
    in_log = {key: f"{value:,}" for key, value in of["in_log"].items()}
    return [
        words[name].format(**given), words[f"{name}_how"].format(**given), table(words["times_head"], [times(*pair) for pair in of["times"].items()]),
        words["counts"].format(counts=counts, **in_log), words["routes_how"], table(words["routes_head"], map(route, of["routes"])),
        table(words["processes_head"], [process(*pair, words) for pair in of["processes"].items()]), f"![{words['plot']}]({name}.svg)",
    ]


def times(name, of):
    return [f"`{name}`", f"{of['count']:,}", *(ms(of[share]) for share in (*SHARES, "max"))]


def route(of):
    return [f"`{of['route']}`", f"{of['requests']:,}", *(ms(of[f"within_{share}"]) for share in (50, 90, 99)), *(ms(of["client"].get(share)) for share in SHARES)]


def process(name, of, words):
    rest = ["–", "–"] if name == OTHERS else [f"{of['most_mib']:,.0f}", f"{of['most_descriptors']:,}"]
    return [words["others"] if name == OTHERS else name, f"{of['cores']:.2f}", f"{of['most_cores']:.2f}", *rest]


def thresholds(result, words):
    rows = [[name, f"`{source}`", words["yes" if held else "no"]] for name in ("spike", "sustained") for source, held in result[name]["thresholds"].items()]
    return table(words["thresholds_head"], rows, texts=3)


def spoiled(rows, words):
    """Failed thresholds, and the sentences of the recount, as they were said."""
    wrong = lambda settings: " ".join(f"{key}={value}" for key, value in settings.items())
    return table(words["spoiled_head"], [[f"{of['script']}.js", f"`{wrong(of['settings'])}`", f"`{of['threshold']}`", ", ".join(of["failed"]) or words["none"]] for of in rows], texts=4)


def stores(rows, words):
    return table(words["stores_head"], [[of["store"], *(f"{of[name]:,}" for name in ("records", "applied", "duplicate", "late", "dead_lettered", "cells", "differences"))] for of in rows])
