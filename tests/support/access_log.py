"""Reads the access log: one JSON line an exchange, written in groups up to a second late."""

import json

from support.waiting import wait_for


class AccessLog:
    def __init__(self, path):
        self.path = path

    def rows(self):
        """All whole lines so far. A line that is not JSON is an error of the writer."""
        if not self.path.exists():
            return []
        text = self.path.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def find(self, request_id):
        return [row for row in self.rows() if row["id"] == request_id]

    def await_row(self, request_id, seconds=20):
        """The one row of that exchange."""
        rows = wait_for(
            lambda: self.find(request_id), f"the access-log row of {request_id}", seconds
        )
        assert len(rows) == 1, f"{len(rows)} rows for {request_id}"
        return rows[0]

    def await_rows(self, are_wanted, count, seconds=60):
        """At least `count` rows that `are_wanted` holds for."""

        def look():
            rows = [row for row in self.rows() if are_wanted(row)]
            return rows if len(rows) >= count else None

        return wait_for(look, f"{count} rows in the access log", seconds)
