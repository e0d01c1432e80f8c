import unittest

from export import to_csv


class Export(unittest.TestCase):
    def test_plain_fields(self):
        self.assertEqual(to_csv(["a", "b"], [[1, 2]]), "a,b\r\n1,2\r\n")

    def test_a_comma_is_quoted(self):
        self.assertEqual(to_csv(["a"], [["x,y"]]), 'a\r\n"x,y"\r\n')


if __name__ == "__main__":
    unittest.main()
