"""Tests of the pages, in a real browser where they need one."""
