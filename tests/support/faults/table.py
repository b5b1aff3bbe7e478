"""The measured faults as a table of docs/reliability.md."""

import textwrap

BEGIN, END = "<!-- measured:redis -->", "<!-- /measured:redis -->"

COLUMNS = (
    "Redis is",
    "Served",
    "Refused, 503",
    "Longest wait",
    "Normal again after",
    "Above the budget",
    "Bound",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"


def table(results, processes, outage):
    """`results`: {title: Played}."""
    rows = "".join(_row(title, played) for title, played in results.items())
    note = textwrap.fill(
        f"{processes} processes, a budget of ${next(iter(results.values())).limit} that is used "
        f"up in the end; away means {outage:.0f} s. From the fault on: answers, those that were "
        "refused because Redis was away (429 are not counted), the longest wait of any client, and "
        "the time from a Redis that is back until every process counts there again.",
        width=118,
    )
    return f"{HEAD}{rows}\n{note}\n"


def _row(title, played):
    served = played.counts[200, ""]
    refused = sum(count for (status, _), count in played.counts.items() if status == 503)
    cells = [
        title,
        f"{served:,}",
        f"{refused:,}",
        milliseconds(played.longest),
        milliseconds(played.recovery),
        dollars(played.overshoot),
        dollars(played.bound),
    ]
    return "| " + " | ".join(cells) + " |\n"


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def dollars(amount):
    return "$0" if amount == 0 else f"${amount.normalize():f}"


def write_table(page, text):
    """Puts it between the markers of the page; False where there are none."""
    if not page.exists():
        return False
    whole = page.read_text()
    if BEGIN not in whole or END not in whole:
        return False
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
    return True
