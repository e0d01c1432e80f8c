import unittest

from links import links
from paging import page, page_count


class Hidden(unittest.TestCase):
    def test_counts(self):
        counts = {0: 1, 1: 1, 4: 1, 5: 1, 6: 2, 10: 2, 11: 3}
        self.assertEqual({items: page_count(items, 5) for items in counts}, counts)

    def test_last_rows(self):
        self.assertEqual(page(list(range(11)), 3, 5), [10])
        self.assertEqual(page([], 1, 5), [])

    def test_no_such_page(self):
        for number in (0, -1, 3):
            with self.assertRaises(LookupError):
                page(list(range(10)), number, 5)

    def test_first_page(self):
        self.assertEqual(
            links("/a", 1, 11, 5), {"first": "/a?page=1", "last": "/a?page=3", "next": "/a?page=2"}
        )

    def test_last_page(self):
        self.assertEqual(
            links("/a", 3, 11, 5), {"first": "/a?page=1", "last": "/a?page=3", "prev": "/a?page=2"}
        )

    def test_only_page(self):
        self.assertEqual(links("/a", 1, 0, 5), {"first": "/a?page=1", "last": "/a?page=1"})

    def test_links_of_no_page(self):
        with self.assertRaises(LookupError):
            links("/a", 4, 11, 5)
        with self.assertRaises(LookupError):
            links("/a", 0, 11, 5)
