import unittest

from links import links
from paging import page, page_count


class Paging(unittest.TestCase):
    def test_full_pages(self):
        self.assertEqual(page_count(10, 5), 2)

    def test_a_page_in_the_middle_has_all_links(self):
        self.assertEqual(set(links("/a", 2, 15, 5)), {"first", "last", "prev", "next"})

    def test_rows_of_a_page(self):
        self.assertEqual(page([1, 2, 3, 4], 2, 2), [3, 4])


if __name__ == "__main__":
    unittest.main()
