#!/usr/bin/env python3
"""Writes the catalogue as C++ constants: generate.py OUTPUT INPUT...

Included by catalog.cpp. Money is read as text and turned into whole nanodollars by exact decimal
arithmetic, rounded up where the text has more than 9 places. Whatever the table cannot express is
an error that stops the build.
"""

import re
import sys
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

import yaml

# The members of Price, in their order; each absent class costs as its plain neighbour.
NEIGHBOURS = {
    "cached_input": "input",
    "cache_write": "input",
    "reasoning": "output",
    "audio_input": "input",
    "audio_output": "output",
    "image_input": "input",
    "image_output": "output",
}
PRICE = ["input", "output", *NEIGHBOURS, "per_image"]
SERVICES = [f"{tier}_{kind}" for tier in ("batch", "flex", "priority") for kind in ("input", "output", "cached_input")]
FURTHER = ["cache_write_1h", "cached_audio_input", "cached_image_input", "per_second", "per_character"]
CAPABILITIES = [
    "tools", "parallel_tools", "json_schema", "images", "pdf",
    "audio_in", "audio_out", "reasoning", "prompt_cache", "web_search",
]
FIELDS = {"id", "provider", "mode", "max_input", "max_output", "usd", "retires", "above", "can", "dimensions"}
TEXT = {
    "id": r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}",
    "provider": r"[a-z_]+",
    "mode": r"[a-z_]+",
    "retires": r"(\d{4}-\d{2}-\d{2})?",
}
DEAREST = 10**15  # nanodollars a million: a million dollars. More is a slip of the pen.


def check(holds, message):
    if not holds:
        sys.exit(f"generate.py: {message}")


def nanos(text, where):
    check(re.fullmatch(r"\d+(\.\d+)?", text), f"{where}: {text!r} is no amount")
    amount = int((Decimal(text) * 10**9).to_integral_value(rounding=ROUND_CEILING))
    check(amount <= DEAREST, f"{where}: {text} is out of range")
    return amount


def known(mapping, allowed, where):
    unknown = sorted(set(mapping) - set(allowed))
    check(not unknown, f"{where}: unknown {unknown}")
    return mapping


def amounts(usd, where):
    known(usd, [*PRICE, *SERVICES, *FURTHER], where)
    return {name: nanos(text, f"{where} {name}") for name, text in usd.items()}


def with_plain_classes(usd):
    """A model without a plain price for one side charges it as the dearest class of that side has
    it, so that tokens of no special class are never free by omission."""
    usd = dict(usd)
    for plain in ("input", "output"):
        classes = [usd[name] for name, neighbour in NEIGHBOURS.items() if neighbour == plain and name in usd]
        if plain not in usd and classes:
            usd[plain] = max(classes)
    return usd


def tier_amounts(base, tier, where):
    """The tier's own prices over the base's. A class that cost as its plain neighbour goes on
    doing so; one of its own needs its own price in the tier."""
    merged = {**{name: base[name] for name in ("per_image",) if name in base}, **tier}
    for name, neighbour in NEIGHBOURS.items():
        if name in base and name not in tier:
            check(base[name] == base[neighbour], f"{where}: {name} has no price in the tier")
    for plain in ("input", "output"):
        check(plain in tier, f"{where}: {plain} has no price in the tier")
    return merged


def optional(amount):
    return "{}" if amount is None else f"Money::nanos({amount})"


def price(usd):
    plain = [f"Money::nanos({usd.get(name, 0)})" for name in PRICE[:2]]
    return "{" + ", ".join(plain + [optional(usd.get(name)) for name in PRICE[2:]]) + "}"


def further(usd):
    tiers = ["{" + ", ".join(optional(usd.get(name)) for name in SERVICES[at : at + 3]) + "}" for at in (0, 3, 6)]
    return "{" + ", ".join(tiers + [optional(usd.get(name)) for name in FURTHER]) + "}"


class Tables:
    def __init__(self):
        self.models, self.tiers, self.further = [], [], []

    def add(self, model):
        where = f"{model.get('provider')}/{model.get('id')}"
        known(model, FIELDS, where)
        text = {name: model.get(name, "") for name in TEXT}
        for name, pattern in TEXT.items():
            check(re.fullmatch(pattern, text[name]), f"{where}: wrong {name} {text[name]!r}")
        usd = with_plain_classes(amounts(model["usd"], where))
        first_tier = len(self.tiers)
        self.add_tiers(model.get("above", {}), usd, where)
        capabilities = known(model.get("can", []), CAPABILITIES, where)
        numbers = {name: int(model.get(name, "0")) for name in ("max_input", "max_output", "dimensions")}
        check(all(0 <= number < 2**31 for number in numbers.values()), f"{where}: a number is out of range")
        has_tiers = len(self.tiers) > first_tier
        self.models.append(
            "{"
            + ", ".join([
                *(f'"{text[name]}"' for name in ("id", "provider", "mode")),
                str(numbers["max_input"]),
                str(numbers["max_output"]),
                f'"{text["retires"]}"',
                price(usd),
                f"{{kTiers + {first_tier}, {len(self.tiers) - first_tier}}}" if has_tiers else "{}",
                "true" if any(name in usd for name in PRICE) else "false",
                str(sum(1 << CAPABILITIES.index(name) for name in capabilities)),
                str(numbers["dimensions"]),
                self.further_pointer(usd),
            ])
            + "}"
        )

    def add_tiers(self, above, base, where):
        tiers = []
        for name, usd in above.items():
            check(re.fullmatch(r"\d+k", name), f"{where}: wrong tier {name!r}")
            tier = tier_amounts(base, amounts(usd, f"{where} above {name}"), f"{where} above {name}")
            tiers.append((int(name[:-1]) * 1000, tier))
        self.tiers += [f"{{Tokens{{{bound}}}, {price(tier)}}}" for bound, tier in sorted(tiers, key=lambda t: t[0])]

    def further_pointer(self, usd):
        if not any(name in usd for name in (*SERVICES, *FURTHER)):
            return "nullptr"
        self.further.append(further(usd))
        return f"kFurther + {len(self.further) - 1}"


def array(kind, name, rows):
    check(rows, f"no {name}")
    return f"constexpr {kind} {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def main(output, inputs):
    # BaseLoader keeps every scalar as the text that stands in the file.
    documents = [yaml.load(Path(name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for name in inputs]
    dates = sorted(document["as_of"] for document in documents)
    check(all(re.fullmatch(r"\d{4}-\d{2}", date) for date in dates), f"wrong as_of in {dates}")
    models = sorted((model for document in documents for model in document["models"]),
                    key=lambda model: (model["id"], model["provider"]))
    for one, next_one in zip(models, models[1:]):
        same = (one["id"], one["provider"]) == (next_one["id"], next_one["provider"])
        check(not same, f"{one['provider']}/{one['id']} stands twice")
    tables = Tables()
    for model in models:
        tables.add(model)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(
        "// Generated by generate.py from data/*.yaml.\n"
        + f'constexpr std::string_view kDate = "{dates[-1]}";\n'
        + array("PriceTier", "kTiers", tables.tiers)
        + array("FurtherPrices", "kFurther", tables.further)
        + array("Model", "kModels", tables.models),
        encoding="utf-8",
    )


if __name__ == "__main__":
    check(len(sys.argv) > 2, "usage: generate.py OUTPUT INPUT...")
    main(sys.argv[1], sys.argv[2:])
