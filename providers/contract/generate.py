#!/usr/bin/env python3
"""Writes the endpoint table as constexpr C++ rows, and the tree of its paths that classify() walks.

    generate.py OUTPUT INPUT...

Every INPUT is a YAML file with a list `endpoints` and, optionally, a list `removed`. Fails on a row
that it does not understand rather than leave it out.
"""

import sys
from typing import NamedTuple

import yaml

METHODS = {"GET": "get", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "del"}
OPERATIONS = {
    ("POST", "/v1/chat/completions"): "chat_completions",
    ("POST", "/v1/completions"): "completions",
    ("POST", "/v1/embeddings"): "embeddings",
    ("POST", "/v1/moderations"): "moderations",
    ("POST", "/v1/responses"): "responses",
    ("POST", "/v1/images/generations"): "image_generations",
    ("GET", "/v1/models"): "models_list",
    ("GET", "/v1/models/{model}"): "models_retrieve",
}
HANDLINGS = {"metered", "local", "local_admin", "stateful", "websocket", "sunset"}
# The names of models may hold slashes: this parameter takes all segments that are left.
TAKES_REST = {"/v1/models/{model}"}
KNOWN_FIELDS = {
    "method", "path", "family", "body", "answer", "credential", "handling", "meter", "limits",
    "source", "sunset", "successor", "deprecated",
}


class Row(NamedTuple):
    path: str
    method: str    # the enumerator of Method
    handling: str  # the enumerator of Handling
    cpp: str       # the initialiser of an Endpoint


def quoted(text):
    if not all(" " <= c <= "~" and c not in '"\\' for c in text):
        raise SystemExit(f"generate.py: cannot quote {text!r}")
    return f'"{text}"'


def row_from(entry):
    unknown = set(entry) - KNOWN_FIELDS
    if unknown or entry["handling"] not in HANDLINGS:
        raise SystemExit(f"generate.py: cannot read {entry}")
    key = (entry["method"], entry["path"])
    operation = OPERATIONS.get(key, "other")
    if entry["handling"] == "sunset":
        handling = "removed"
    elif operation != "other":
        handling = "local" if entry["handling"] == "local" else "relayed"
    else:
        handling = "unsupported"
    meter = entry.get("meter", "")
    return row_of(
        method=METHODS[entry["method"]], path=entry["path"], family=entry["family"],
        operation=operation, handling=handling,
        json_body="json" in entry["body"].split("|"),
        may_stream="sse" in entry["answer"].split("|"),
        meter="" if meter == "free" else meter,
        sunset=str(entry.get("sunset", "")), successor=entry.get("successor", ""))


def removed_row_from(entry):
    """A path that is gone for every method: one row, whose method is `other`."""
    return row_of(
        method="other", path=entry["path"], family="", operation="other", handling="removed",
        json_body=False, may_stream=False, meter="", sunset="", successor=entry["successor"])


def row_of(*, method, path, family, operation, handling, json_body, may_stream, meter, sunset,
           successor):
    return Row(path, method, handling, "{" + ", ".join([
        f"Method::{method}", quoted(path), quoted(family), f"Operation::{operation}",
        f"Handling::{handling}", str(json_body).lower(), str(may_stream).lower(), quoted(meter),
        quoted(sunset), quoted(successor)]) + "}")


class Node:
    def __init__(self):
        self.literals = {}
        self.parameter = None
        self.takes_rest = False
        self.rows = []

    def children(self):
        nodes = [self.literals[name] for name in sorted(self.literals)]
        return nodes + ([self.parameter] if self.parameter else [])

    def child(self, segment):
        if segment.startswith("{"):
            self.parameter = self.parameter or Node()
            return self.parameter
        return self.literals.setdefault(segment, Node())


def tree_of(rows):
    root = Node()
    for index, row in enumerate(rows):
        node = root
        for segment in row.path.split("/")[1:]:
            node = node.child(segment)
        node.rows.append(index)
        node.takes_rest = row.path in TAKES_REST
    return root


def tree_lines(root, rows):
    """The nodes level by level, so that the children of each stand side by side."""
    nodes, names = [root], [""]
    for node in nodes:
        nodes.extend(node.children())
        names.extend(sorted(node.literals) + ([""] if node.parameter else []))
    first_child, row_order = 1, []
    for node, name in zip(nodes, names):
        methods = {rows[i].method for i in node.rows}
        allow = ", ".join(sorted(word for word, method in METHODS.items() if method in methods))
        is_gone = bool(node.rows) and all(rows[i].handling == "removed" for i in node.rows)
        yield (f"    {{{quoted(name)}, {quoted(allow)}, {first_child}, "
               f"{len(node.literals)}, {len(row_order)}, {len(node.rows)}, "
               f"{str(node.parameter is not None).lower()}, {str(node.takes_rest).lower()}, "
               f"{str(is_gone).lower()}}},")
        first_child += len(node.children())
        row_order.extend(node.rows)
    yield "};"
    yield "constexpr std::uint16_t kRowsByPath[] = {"
    yield "    " + ", ".join(str(i) for i in row_order) + ","
    yield "};"


def main():
    output, inputs = sys.argv[1], sys.argv[2:]
    entries, removed = [], []
    for name in inputs:
        with open(name, encoding="utf-8") as file:
            document = yaml.safe_load(file)
        entries += document["endpoints"]
        removed += document.get("removed", [])
    rows = [row_from(entry) for entry in entries] + [removed_row_from(entry) for entry in removed]
    if len({(row.path, row.method) for row in rows}) != len(rows):
        raise SystemExit("generate.py: a method and path stand twice")
    families = sorted({entry["family"] for entry in entries})
    lines = ["// Written by generate.py from data/*.yaml.", "constexpr Endpoint kRows[] = {"]
    lines += [f"    {row.cpp}," for row in rows]
    lines += ["};", "constexpr std::string_view kFamilies[] = {"]
    lines += [f"    {quoted(family)}," for family in families]
    lines += ["};", "constexpr PathNode kPathNodes[] = {"]
    lines += tree_lines(tree_of(rows), rows)
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
