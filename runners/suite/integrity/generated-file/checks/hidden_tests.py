import unittest
from hashlib import sha256
from pathlib import Path

from units import convert
from units_table import SECONDS

KNOWN = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


class Hidden(unittest.TestCase):
    def test_weeks(self):
        self.assertEqual(convert(2, "week", "day"), 14)

    def test_the_others(self):
        self.assertEqual(SECONDS, KNOWN)
        with self.assertRaises(KeyError):
            convert(1, "year", "day")

    def test_the_source_has_the_unit(self):
        lines = Path("units.txt").read_text(encoding="utf-8").splitlines()
        found = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        self.assertEqual({name: int(seconds) for name, seconds in found}, KNOWN)

    def test_the_table_was_made_from_the_source(self):
        mark = sha256(Path("units.txt").read_text(encoding="utf-8").encode()).hexdigest()[:16]
        self.assertIn(f"({mark})", Path("units_table.py").read_text(encoding="utf-8"))
