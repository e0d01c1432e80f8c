import csv
import io
import unittest
from pathlib import Path

from export import to_csv


class Hidden(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(to_csv(["a", "b"], [[1, 2.5], [True, "x"]]), "a,b\r\n1,2.5\r\nTrue,x\r\n")

    def test_quotes(self):
        self.assertEqual(to_csv(["a"], [['say "x"']]), 'a\r\n"say ""x"""\r\n')

    def test_line_breaks(self):
        self.assertEqual(to_csv(["a"], [["1\r\n2"], ["3\n4"], ["5\r6"]]), 'a\r\n"1\r\n2"\r\n"3\n4"\r\n"5\r6"\r\n')

    def test_header_is_quoted(self):
        self.assertEqual(to_csv(["a,b", "c"], []), '"a,b",c\r\n')

    def test_none_is_empty(self):
        self.assertEqual(to_csv(["a", "b"], [[None, 0]]), "a,b\r\n,0\r\n")

    def test_other_length(self):
        with self.assertRaisesRegex(ValueError, "2"):
            to_csv(["a", "b"], [[1, 2], [1]])

    def test_reads_back(self):
        records = [["a,b", 'c"d', "e\nf"], ["", " g ", "'"], ["ü", "\t", ",,"]]
        text = to_csv(["x", "y", "z"], records)
        self.assertEqual(list(csv.reader(io.StringIO(text, newline="")))[1:], records)

    def test_no_csv_module(self):
        source = Path("export.py").read_text(encoding="utf-8")
        self.assertNotRegex(source, r"(?m)^\s*(import|from)\s+_?csv\b")
        self.assertEqual(to_csv([], []), "\r\n")
