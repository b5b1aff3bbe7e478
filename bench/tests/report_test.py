"""python3 bench/tests/report_test.py"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from side_by_side import machine, report  # noqa: E402


class CellTest(unittest.TestCase):
    def test_takes_ratios_within_rounds_not_of_medians(self):
        by_name = {"nginx": [(0, 10.0), (1, 20.0), (2, 40.0)],
                   "headgate": [(0, 5.0), (1, 20.0), (2, 20.0)]}

        self.assertEqual(report.cell("cpu", by_name, "headgate"), "20.0 · 0.50 [0.50–0.75]")
        self.assertEqual(report.cell("cpu", by_name, "nginx"), "20.0")

    def test_leaves_out_rounds_that_one_of_the_two_lacks(self):
        by_name = {"nginx": [(0, 10.0)], "headgate": [(0, 5.0), (1, 500.0)]}

        self.assertEqual(report.cell("p50", by_name, "headgate"), "252.500 · 0.50")

    def test_shows_no_ratio_without_nginx(self):
        self.assertEqual(report.cell("rate", {"headgate": [(0, 12345.6)]}, "headgate"), "12,346")

    def test_stands_several_values_of_a_round_for_by_their_median(self):
        self.assertEqual(report.by_round([(0, 1), (0, 9), (0, 2), (1, 5)]), {0: 2, 1: 5})


class TableTest(unittest.TestCase):
    def test_has_a_row_a_measure_and_a_column_a_proxy(self):
        values = {"fast": {"rate": {"direct": [(0, 1000)]}}}

        lines = report.table(values, ["direct", "nginx"]).splitlines()

        self.assertEqual(lines[0].split(), "| load | measure | direct | nginx |".split())
        self.assertEqual(lines[2].split(), "| fast | requests/s | 1,000 | – |".split())


class ResultsTest(unittest.TestCase):
    def test_has_a_section_a_table_each_with_columns_of_its_own(self):
        sections = [("Proxies", {"fast": {"rate": {"nginx": [(0, 1000)]}}}, ["nginx"]),
                    ("Money", {"fast": {"cpu_more": {"full": [(0, 3.25)]}}}, ["nginx", "full"])]

        text = report.sections(sections)

        self.assertIn("## Proxies\n\n| load | measure    | nginx |\n", text)
        self.assertIn("| fast | CPU µs beyond memory | –     | 3.2  |", text)


class CpuTest(unittest.TestCase):
    def test_counts_a_new_thread_whole_and_an_ended_one_not(self):
        self.assertEqual(machine.cpu_spent({1: 100, 2: 50}, {1: 130, 3: 7}), 37)


if __name__ == "__main__":
    unittest.main()
