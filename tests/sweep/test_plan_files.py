"""Plan files: what one says reads back equal, and what is wrong in one is named with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.runners.sweep.plan import EndpointPart, PricePart, StopPart, SweepFile, plan_text, read_plan
from benchledger.schema.errors import BadInput, RecordErrors

names = st.text("abcXYZ019._-", min_size=1, max_size=12)
models = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\x7f"), min_size=1, max_size=20
)
plans = st.builds(
    SweepFile,
    sweep=names,
    agents=st.lists(names, min_size=1, unique=True).map(tuple),
    models=st.lists(models, unique=True).map(tuple),
    tasks=st.lists(models, min_size=1, unique=True).map(tuple),
    repeats=st.integers(1, 9),
    seed=st.integers(-(2**40), 2**40),
    limits=st.dictionaries(st.sampled_from(["seconds", "calls"]), st.integers(1, 99)),
    endpoint=st.one_of(st.none(), st.builds(EndpointPart, url=models, headers=st.just(("x=env:X",)))),
    prices=st.dictionaries(
        models, st.builds(PricePart, prompt=st.floats(0, 99), completion=st.floats(0, 99))
    ),
    stop=st.builds(StopPart, on_event=st.one_of(st.none(), models)),
)


@given(plans)
def test_a_plan_that_is_written_reads_back_equal(tmp_path_factory, plan):
    path = tmp_path_factory.mktemp("plans") / "plan.toml"
    path.write_text(plan_text(plan), encoding="utf-8")
    assert read_plan(path) == plan


def test_paths_are_those_of_the_plans_folder(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('sweep = "s"\nagents = ["nop"]\ntasks = ["a/b"]\ntask_paths = ["mine"]\n')
    assert read_plan(path).task_paths == (str(tmp_path / "mine"),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('agents = ["a", "a"]', "names something twice"),
        ("repeat = 3", "did you mean 'repeats'"),
        ("repeats = 0", "greater than or equal to 1"),
        ('scripted = true\nendpoint = { url = "http://x" }', "exclude each other"),
        ('variant = "fail"', "set scripted = true"),
        ('[endpoint]\nurl = "http://x"\nheaders = ["x-key=abc"]', "no place for a value"),
        ("[prices.m]\nprompt = -1.0\ncompletion = 1.0", "greater than or equal to 0"),
        ("[stop]\nmax_costs = 3", "did you mean 'max_cost'"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, line, said):
    path = tmp_path / "p.toml"
    rest = "" if line.startswith("agents") else 'agents = ["nop"]\n'
    path.write_text(f'sweep = "s"\ntasks = ["a/b"]\n{rest}{line}\n')
    with pytest.raises(RecordErrors) as caught:
        read_plan(path)
    assert said in str(caught.value.errors[0])
    assert "correct the plan" in str(caught.value)


def test_a_file_that_is_no_plan_says_what_to_do(tmp_path):
    (tmp_path / "p.toml").write_text("sweep = \n")
    for path in (tmp_path / "p.toml", tmp_path / "none.toml"):
        with pytest.raises(BadInput, match="correct the plan"):
            read_plan(path)
