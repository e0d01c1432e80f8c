"""An agent is one file: what is right in it loads, what is wrong is named."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from benchledger.runners.agents.files import agent_named, load_agents, read_toml
from benchledger.runners.agents.plan import plan_launch
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.agents.template import fill
from benchledger.runners.launch import Endpoint
from benchledger.schema.errors import BadInput, UnknownName, UsageError

BUILT_IN = {
    "aider", "claude-code", "codex", "copilot", "gemini-cli", "mini-swe-agent", "nop", "opencode",
    "openhands", "oracle", "pi", "qwen-code",
}  # fmt: skip
PROCESSES = [
    (spec, protocol)
    for spec in load_agents().values()
    for protocol in (spec.protocols if spec.behaviour == "process" else ())
]
HOSTILE = 'say "hi" \\ to {token}\nand {model}'

MINIMAL = """
name = "mine"
version = "1.0"
protocols = ["openai-chat"]
[install]
kind = "none"
bin = "mine"
[launch]
argv = ["{bin}", "--model", "{model}", "{instruction}"]
[launch.env]
KEY = "{token}"
"""


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read_toml(written(folder, text), AgentSpec)
    return str(caught.value)


def test_ten_agents_and_two_behaviours_are_built_in():
    agents = load_agents()
    assert set(agents) == BUILT_IN
    assert {name for name, spec in agents.items() if not spec.uses_model} == {"oracle", "nop"}
    assert all(
        spec.install.check or name == "mini-swe-agent" for name, spec in agents.items() if spec.uses_model
    )


@pytest.mark.parametrize(("spec", "protocol"), PROCESSES, ids=lambda value: getattr(value, "name", value))
def test_every_built_in_agent_is_told_model_endpoint_key_and_instruction(spec, protocol):
    endpoint = Endpoint("http://127.0.0.1:4711", "secret-token", protocol, 'a/"b\\')
    launch = plan_launch(spec, endpoint, HOSTILE, "/w/dir", "/h/ome")
    told = list(leaves(launch))
    assert any("http://127.0.0.1:4711" in text for text in told)
    assert not any("secret-token" in text for text in launch.argv)
    assert any(text == "secret-token" for text in told)
    assert any(text.endswith('a/"b\\') for text in told)
    assert HOSTILE in launch.argv
    assert "{args}" not in launch.argv


def leaves(launch):
    """Yield every string of a launch; files are parsed, which proves that they can be."""
    yield from launch.argv
    yield from strings(launch.env)
    for path, text in launch.files.items():
        yield from strings(tomllib.loads(text) if path.endswith(".toml") else json.loads(text))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from strings(item)


def test_a_value_that_looks_like_a_placeholder_is_never_filled_in():
    assert fill("{a} {b}", {"a": "{b}", "b": "x"}) == "{b} x"


def test_braces_of_json_and_doubled_words_are_literal():
    assert fill('{"k": {"a": 1}} {{word}} {Up} {}', {}) == '{"k": {"a": 1}} {word} {Up} {}'


def test_a_value_is_escaped_for_a_quoted_string_where_json_is_asked_for():
    value = 'a"b\\c\n\x7fü'
    text = fill('k = "{v:json}"', {"v": value})
    assert tomllib.loads(text) == {"k": value}
    assert json.loads(text.removeprefix("k = ")) == value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"{model}"', '"{modle}"', "unknown placeholder {modle}; known are"),
        ('"{model}"', '"{model:yaml}"', "unknown escape"),
        ('"{model}"', '"{token}"', "a key in argv is seen by every process"),
        ('"{instruction}"', '"go"', "{instruction} stands nowhere"),
        ('"{token}"', '"{tok}"', "launch.env.KEY: unknown placeholder {tok}"),
        ("KEY =", '"A B" =', "launch.env.A B"),
        ("[launch.env]", '[launch.files]\n"../x" = ""\n[launch.env]', "no path of a file below HOME"),
        ("[launch.env]", '[launch.files]\n"/x" = ""\n[launch.env]', "no path of a file below HOME"),
        ('version = "1.0"', 'version = "1.0"\ncolour = "red"', "colour: Extra inputs are not permitted"),
        ('version = "1.0"', "", "version: Field required"),
        ('name = "mine"', 'name = ".."', "name is not . or .."),
        ('name = "mine"', 'name = "a/b"', "name: String should match pattern"),
        ('["openai-chat"]', '["openai"]', "protocols.0: Input should be"),
        ('["openai-chat"]', "[]", "protocols is empty"),
        ('kind = "none"', 'kind = "pip"\npackages = ["mine"]', "is not pinned; write name==1.2.3"),
        ('kind = "none"', 'kind = "npm"\npackages = ["mine@^1.0.0"]', "is not pinned; write name@1.2.3"),
        ('kind = "none"', 'kind = "npm"', "needs packages"),
        ('kind = "none"', 'kind = "none"\npython = "3.11+"', "no range of versions"),
        (
            "[launch.env]",
            '[protocol.google]\nargs = ["x"]\n[launch.env]',
            "[protocol.google] is not in protocols",
        ),
        ('name = "mine"', "name = 1979-05-27", "no TOML of plain values"),
        ('name = "mine"', "name = ", "no TOML of plain values"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, old, new, said):
    assert old in MINIMAL
    message = refusal(tmp_path, MINIMAL.replace(old, new))
    assert said in message
    assert "mine.toml" in message


def test_values_of_a_protocol_have_to_be_given_for_each(tmp_path):
    text = MINIMAL.replace('["openai-chat"]', '["openai-chat", "anthropic"]') + (
        '[protocol.openai-chat.values]\nwire = "x"\n'
    )
    assert "[protocol.anthropic.values] lacks wire" in refusal(tmp_path, text)
    assert "values.model is a placeholder already" in refusal(
        tmp_path, MINIMAL + '[protocol.openai-chat.values]\nmodel = "x"\n'
    )


def test_agents_of_a_user_are_read_from_a_file_or_a_folder(tmp_path):
    path = written(tmp_path, MINIMAL)
    assert load_agents([path])["mine"].version == "1.0"
    assert set(load_agents([tmp_path])) == BUILT_IN | {"mine"}


def test_a_name_that_is_taken_is_refused_and_both_files_are_named(tmp_path):
    path = written(tmp_path, MINIMAL.replace('"mine"\nv', '"aider"\nv'))
    with pytest.raises(UsageError, match=r"mine\.toml: an agent 'aider' is known from .*aider\.toml"):
        load_agents([path])


@pytest.mark.parametrize("name", ["gone.toml", "."])
def test_a_path_without_an_agent_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"there is no file|holds no \*\.toml"):
        load_agents([tmp_path / name])


def test_an_unknown_agent_gets_the_nearest_and_all_choices():
    with pytest.raises(UnknownName, match=r"did you mean 'codex'\? choices: aider, claude-code"):
        agent_named("codecs", load_agents())


def test_a_package_can_bring_an_agent_by_an_entry_point(tmp_path, monkeypatch):
    written(tmp_path, MINIMAL)
    (tmp_path / "plug_of_mine.py").write_text(
        "from pathlib import Path\nPATH = Path(__file__).with_name('mine.toml')\nWRONG = 5\n"
    )
    info = tmp_path / "plug-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[benchledger.agents]\nmine = plug_of_mine:PATH\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_agents()["mine"].name == "mine"
    for wrong, said in (("plug_of_mine:WRONG", "neither an AgentSpec"), ("no_such:X", "cannot be loaded")):
        (info / "entry_points.txt").write_text(f"[benchledger.agents]\nmine = {wrong}\n")
        with pytest.raises(UsageError, match=said):
            load_agents()
    sys.modules.pop("plug_of_mine", None)


def readme_blocks() -> list[str]:
    readme = Path(__file__).parents[2] / "runners" / "agents" / "README.md"
    return re.findall(r"```toml\n(.*?)```", readme.read_text(), re.DOTALL)


def test_the_worked_example_of_the_readme_loads_and_plans(tmp_path):
    agent, overlay = readme_blocks()
    spec = load_agents([written(tmp_path, agent)])["my-agent"]
    endpoint = Endpoint("http://127.0.0.1:4711", "key", "anthropic", "m")
    launch = plan_launch(spec, endpoint, "do it", "/w", "/h")
    assert launch.argv[0] == "my-agent"
    assert "http://127.0.0.1:4711" in list(leaves(launch))
    assert 'name = "' in overlay
