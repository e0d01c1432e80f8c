import unittest

from cache import Cache


class Hidden(unittest.TestCase):
    def test_writing_again_is_a_use(self):
        cache = Cache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.put("a", 3)
        cache.put("c", 4)
        self.assertEqual(cache.keys(), ["a", "c"])
        self.assertEqual(cache.get("a"), 3)

    def test_writing_again_in_the_middle(self):
        cache = Cache(3)
        for key in "abc":
            cache.put(key, 0)
        cache.put("b", 1)
        self.assertEqual(cache.keys(), ["a", "c", "b"])

    def test_reading_is_a_use(self):
        cache = Cache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        self.assertEqual(cache.get("a"), 1)
        cache.put("c", 3)
        self.assertEqual(cache.keys(), ["a", "c"])

    def test_asking_is_no_use(self):
        cache = Cache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        self.assertIn("a", cache)
        cache.put("c", 3)
        self.assertNotIn("a", cache)

    def test_counts(self):
        cache = Cache(1)
        cache.put("a", None)
        self.assertIsNone(cache.get("a", 5))
        self.assertEqual(cache.get("b", 5), 5)
        self.assertEqual((cache.hits, cache.misses, len(cache)), (1, 1, 1))

    def test_size(self):
        with self.assertRaises(ValueError):
            Cache(0)
