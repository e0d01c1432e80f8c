import unittest

from units import convert


class Units(unittest.TestCase):
    def test_hours_in_a_day(self):
        self.assertEqual(convert(1, "day", "hour"), 24)

    def test_days_in_a_week(self):
        self.assertEqual(convert(1, "week", "day"), 7)


if __name__ == "__main__":
    unittest.main()
