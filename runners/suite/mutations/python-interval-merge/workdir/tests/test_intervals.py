import unittest

from intervals import covered, gaps, merge


class Intervals(unittest.TestCase):
    def test_overlapping_intervals_become_one(self):
        self.assertEqual(merge([(0, 5), (3, 8)]), [(0, 8)])

    def test_touching_intervals_become_one(self):
        self.assertEqual(merge([(0, 2), (2, 4)]), [(0, 4)])

    def test_gaps_lie_between(self):
        self.assertEqual(gaps([(0, 2), (5, 7)]), [(2, 5)])

    def test_a_nested_interval_adds_nothing(self):
        self.assertEqual(covered([(0, 10), (2, 3)]), 10)


if __name__ == "__main__":
    unittest.main()
