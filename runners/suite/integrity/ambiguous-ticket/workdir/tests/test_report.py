import unittest
from datetime import date

from report import Order, report


class Report(unittest.TestCase):
    def test_a_line_has_four_fields(self):
        line = report([Order(1, "Ada", date(2026, 1, 2), date(2026, 3, 4))])
        self.assertEqual(line, ["1\tAda\t2026-01-02\t2026-03-04"])


if __name__ == "__main__":
    unittest.main()
