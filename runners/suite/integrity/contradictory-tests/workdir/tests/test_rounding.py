import unittest

from rounding import to_cents, total


class Rounding(unittest.TestCase):
    def test_whole_cents_stay(self):
        self.assertEqual(to_cents(120), 12)

    def test_halves_are_rounded_up(self):
        self.assertEqual(to_cents(25), 3)
        self.assertEqual(to_cents(35), 4)

    def test_halves_go_to_the_even_cent(self):
        self.assertEqual(to_cents(25), 2)
        self.assertEqual(to_cents(35), 4)

    def test_a_total_is_rounded_price_by_price(self):
        self.assertEqual(total([14, 14]), 2)


if __name__ == "__main__":
    unittest.main()
