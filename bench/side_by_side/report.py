"""From the values of the rounds to one table, with ratios to nginx taken within rounds."""

import statistics

from . import machine

BASE = "nginx"
MEASURES = {
    "rate": ("requests/s", 0),
    "p50": ("p50, ms", 3),
    "p99": ("p99, ms", 3),
    "cpu": ("CPU µs a request", 1),
    "busy": ("% of its core", 0),
    "others": ("% that others took", 0),
    "first_p50": ("first event p50, ms", 1),
    "first_p99": ("first event p99, ms", 1),
    "gap_p99": ("between events p99, ms", 1),
    "memory": ("KiB each", 1),
    "process": ("MiB before them", 1),
    "start": ("ms until it serves", 1),
    # Of money:
    "first": ("ms until its first answer", 1),
    "cpu_more": ("CPU µs beyond memory", 1),
    "p99_more": ("p99 beyond memory, ms", 3),
    "redis_cpu": ("Redis' CPU µs a request", 1),
    "redis_calls": ("Redis calls a request", 2),
    "rows": ("rows/s stored", 0),
    "waited": ("rows that waited", 0),
}
WITHOUT_RATIO = {"busy", "others"}


def by_round(pairs):
    """{round: value}; a process starts several times a round, and its median stands for it."""
    grouped = {}
    for number, value in pairs:
        grouped.setdefault(number, []).append(value)
    return {number: statistics.median(values) for number, values in grouped.items()}


def cell(key, by_name, name):
    if name not in by_name:
        return "–"
    own = by_round(by_name[name])
    digits = MEASURES[key][1]
    text = f"{statistics.median(own.values()):,.{digits}f}"
    base = by_round(by_name.get(BASE, []))
    ratios = [own[n] / base[n] for n in own if base.get(n, 0) > 0]
    if name == BASE or key in WITHOUT_RATIO or not ratios:
        return text
    if len(ratios) < 3:
        return f"{text} · {statistics.median(ratios):.2f}"
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{text} · {middle:.2f} [{low:.2f}–{high:.2f}]"


def table(values, names):
    """Markdown, padded so that it reads on a terminal too."""
    rows = [["load", "measure", *names]]
    for load, measures in values.items():
        for key, by_name in measures.items():
            title = MEASURES[key][0]
            if "streams" in load and key == "cpu":
                title = "CPU µs an event"
            rows.append([load, title, *(cell(key, by_name, name) for name in names)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |"
             for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def sections(tables):
    """`tables`: (heading, values, names of columns) each."""
    return "\n\n".join(f"## {heading}\n\n{table(values, names)}"
                       for heading, values, names in tables)


def versions(paths, names):
    told = {
        "nginx": machine.first_match(["nginx", "-v"], r"nginx/(\S+)"),
        "haproxy": machine.first_match(["haproxy", "-v"], r"version (\S+)"),
        "wrk": machine.first_match(["wrk", "-v"], r"wrk (\S+)"),
    }
    if "full, Redis" in names:
        told["redis"] = machine.first_match(["redis-server", "--version"], r"v=(\S+)")
    if "headgate" in names:  # of either table
        told["headgate"] = machine.first_match([paths.headgate, "version"], r"(\S.*)")
    return told


def results(paths, plan, tables, left_out, seconds):
    """`tables`: (heading, values, names of columns) each."""
    names = {name for _, _, columns in tables for name in columns}
    facts = {**machine.description(), **versions(paths, names)}
    # Texts of failed starts may name files; the results are to be read elsewhere.
    lines = "".join(f"- {text}\n" for text in left_out).replace(f"{paths.repository}/", "")
    return f"""# Side by side

Written by `bench/run`; `bench/README.md` tells how to read it.

{chr(10).join(f"- {name}: {value}" for name, value in facts.items())}
- {plan.rounds} round(s), {plan.seconds} s a request load, {seconds / 60:.1f} minutes in all

A cell is the median over the rounds · the median of the ratios to nginx within a round
[their quartiles].

{sections(tables)}
{"" if not lines else chr(10) + "## Left out" + chr(10) + chr(10) + lines}"""
