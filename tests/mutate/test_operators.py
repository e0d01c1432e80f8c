import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.runners.mutate.operators import LANGUAGES, OPERATORS, SUFFIXES, language_of, load, named
from benchledger.runners.mutate.sites import reads_on, sites
from benchledger.runners.task import suite_root
from benchledger.schema.errors import EnvironmentLacks, UnknownName
from tests.mutate.vectors import VECTORS

EXAMPLES = [(language, name) for language, table in VECTORS.items() for name in table]


@pytest.mark.parametrize(("language", "name"), EXAMPLES)
def test_an_operator_changes_the_one_place_of_its_example(language, name):
    source, wanted = VECTORS[language][name]
    (mutant,) = sites(source.encode(), language, [name])
    assert mutant.applied(source.encode()).decode() == wanted
    assert reads_on(source.encode(), language, mutant)


def test_every_operator_has_an_example_in_each_of_its_languages():
    assert {language: set(table) for language, table in VECTORS.items()} == {
        language: {name for name, operator in OPERATORS.items() if language in operator.paths}
        for language in LANGUAGES
    }


def test_every_path_of_the_table_leads_to_a_function():
    for operator in OPERATORS.values():
        assert all(callable(load(path)) for path in operator.paths.values())


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", "def f(a: Literal[3] = None) -> x[1]: ..."),
        ("python", "if __name__ == '__main__':\n    f(1, 2)\n"),
        ("python", "if TYPE_CHECKING:\n    a = 1\n"),
        ("python", "__all__ = [1]\n"),
        ("python", "print('a')\n"),
        ("python", "not a program ("),
        ("python", "# -*- coding: latin-1 -*-\na = 1\n"),
        ("javascript", "import a from 'b';\nlet x = 'a' + b;\nconsole.log(x);\n"),
        ("c", "#include <a.h>\n#if A > 2\n#endif\n"),
        ("rust", "#[test]\nfn f() { assert(a == 1, 2); }\n"),
        ("java", "@A(1) class B {}\n"),
        ("shell", "set -e\n[ -f a ]\n"),
    ],
)
def test_what_no_test_of_behaviour_can_see_is_left_alone(language, source):
    left = {"wrong-default", "dropped-call"}  # the defaults of the first are for the table above
    assert [m for m in sites(source.encode(), language) if m.operator not in left] == []


def suite_sources():
    for path in sorted(suite_root().glob("*/*/solution/**/*")):
        if path.is_file() and language_of(path.name):
            yield pytest.param(path, id=path.relative_to(suite_root()).as_posix())


@pytest.mark.parametrize("path", list(suite_sources()))
def test_each_mutant_of_a_real_source_differs_in_one_place_and_from_every_other(path):
    source, language = path.read_bytes(), language_of(path.name)
    found = sites(source, language)
    assert found
    assert found == sites(source, language)
    assert len({mutant.applied(source) for mutant in found}) == len(found)
    for mutant in found:
        changed = mutant.applied(source)
        assert changed != source
        assert changed.startswith(source[: mutant.start])
        assert changed.endswith(source[mutant.end :])
        assert len(changed) - len(source) == len(mutant.after.encode()) - len(mutant.before.encode())
        assert source[: mutant.start].count(b"\n") == mutant.line - 1
    unread = [mutant for mutant in found if not reads_on(source, language, mutant)]
    assert len(unread) <= len(found) / 20


@given(st.sampled_from(["\n", "\r\n"]), st.sampled_from([" ", "  ", "\t"]), st.text("aéß→#", max_size=8))
def test_line_ends_white_space_and_foreign_letters_stay_as_they_are(end, space, remark):
    lines = [
        f"# {remark}",
        f"def f(a,{space}b={space}1):  # {remark}",
        f"    if a{space}<{space}b:",
        "        return a",
    ]
    source = (end.join(lines) + end).encode()
    for mutant in sites(source, "python"):
        changed = mutant.applied(source)
        assert changed == source[: mutant.start] + mutant.after.encode() + source[mutant.end :]
        assert reads_on(source, "python", mutant)
    assert {m.operator for m in sites(source, "python")} == {
        *("boundary", "comparator-swap", "dropped-return", "negated-condition", "wrong-default"),
    }


def test_a_mutant_is_refused_on_a_source_that_it_was_not_found_in():
    (mutant,) = sites(b"x = a < b\n", "python", ["boundary"])
    with pytest.raises(ValueError, match="does not stand"):
        mutant.applied(b"x = a >= b\n")


def test_a_mutant_that_cannot_be_read_is_told():
    source = b"x = [a for a in b if a]\nglobal_ = 1\n"
    (mutant,) = sites(source, "python", ["off-by-one"])
    assert reads_on(source, "python", mutant)
    broken = type(mutant)("off-by-one", 2, mutant.start, mutant.end, "1", "(")
    assert not reads_on(source, "python", broken)
    (comparison,) = sites(b"int x = a < b;\n", "c", ["boundary"])
    assert not reads_on(b"int x = a < b;\n", "c", type(comparison)("boundary", 1, 10, 11, "<", "< <"))


def test_what_the_compiler_warns_of_is_no_fault_of_a_mutant():
    source = b"a = '\\d' < b is 1\n"
    assert all(reads_on(source, "python", mutant) for mutant in sites(source, "python"))


def test_operators_are_chosen_by_name_in_the_order_of_the_table():
    assert named(["off-by-one", "boundary"]) == ["boundary", "off-by-one"]
    assert named([]) == list(OPERATORS)
    with pytest.raises(UnknownName, match="did you mean 'boundary'"):
        named(["boundry"])


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "libcst", None)
    monkeypatch.delitem(sys.modules, "benchledger.runners.mutate.python", raising=False)
    with pytest.raises(EnvironmentLacks, match=r"pip install 'benchledger\[mutate\]'"):
        load("benchledger.runners.mutate.python:read")


def test_each_suffix_belongs_to_a_language_that_can_be_mutated():
    assert set(SUFFIXES.values()) == set(LANGUAGES)
    assert language_of("a/b.mjs") == "javascript"
    assert language_of("README.md") is None
