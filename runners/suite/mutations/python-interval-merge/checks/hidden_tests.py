import random
import unittest

from intervals import covered, gaps, merge


class Hidden(unittest.TestCase):
    def test_nested(self):
        self.assertEqual(merge([(0, 10), (2, 3), (4, 5)]), [(0, 10)])

    def test_nested_then_overlapping(self):
        self.assertEqual(merge([(0, 10), (2, 3), (9, 12)]), [(0, 12)])

    def test_touching(self):
        self.assertEqual(merge([(4, 6), (0, 2), (2, 4)]), [(0, 6)])

    def test_apart(self):
        self.assertEqual(merge([(5, 6), (0, 1)]), [(0, 1), (5, 6)])

    def test_empty_and_reversed(self):
        self.assertEqual(merge([(3, 3)]), [])
        with self.assertRaises(ValueError):
            merge([(3, 2)])

    def test_gaps(self):
        self.assertEqual(gaps([(0, 9), (1, 2), (12, 13)]), [(9, 12)])

    def test_against_sets_of_points(self):
        generator = random.Random(7)
        for _ in range(300):
            starts = [generator.randrange(40) for _ in range(generator.randrange(7))]
            intervals = [(start, start + generator.randrange(12)) for start in starts]
            points = {point for start, end in intervals for point in range(start, end)}
            self.assertEqual(covered(intervals), len(points), intervals)
