"""Adds up JUnit reports and prints `N passed, N failed` (`, N skipped` where there are any).

A report that is missing counts as one failure: its tests never told how they went. So does a sum of
no tests at all. Exits 0 only where all passed.
"""

import pathlib
import sys
import xml.etree.ElementTree as xml


def count(path):
    """(passed, failed, skipped) of one report."""
    if not path.exists():
        return 0, 1, 0
    failed = skipped = total = 0
    for case in xml.parse(path).iter("testcase"):
        total += 1
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
    return total - failed - skipped, failed, skipped


def main(paths):
    sums = [sum(column) for column in zip(*map(count, map(pathlib.Path, paths)), strict=True)]
    passed, failed, skipped = sums or (0, 0, 0)
    if passed == 0 and failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
