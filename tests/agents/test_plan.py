"""A launch: the protocol, what overlays add, and what cannot be started."""

import pytest

from benchledger.runners.agents.files import load_agents
from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.overlay import (
    Overlay,
    behaviour_mode,
    overlaid,
    overlay_identity,
    plugin_stack,
    read_overlay,
)
from benchledger.runners.agents.plan import choose_protocol, plan_launch
from benchledger.runners.launch import Endpoint
from benchledger.schema.errors import BadInput, UsageError
from tests.agents.test_spec import readme_blocks, written

AGENTS = load_agents()


def endpoint(protocol="openai-chat"):
    return Endpoint("http://127.0.0.1:4711", "key", protocol, "m")


def planned(spec, instruction="do it", protocol="openai-chat", **rest):
    return plan_launch(spec, endpoint(protocol), instruction, "/w", "/h", **rest)


def test_the_first_protocol_of_the_agent_that_the_endpoint_serves_is_chosen():
    assert choose_protocol(AGENTS["pi"], ["anthropic", "openai-responses"]) == "openai-responses"
    assert choose_protocol(AGENTS["nop"], []) is None


def test_an_agent_without_a_protocol_in_common_is_refused_not_run():
    said = "codex speaks openai-responses; the endpoint serves openai-chat"
    with pytest.raises(UsageError, match=said):
        choose_protocol(AGENTS["codex"], ["openai-chat"])
    with pytest.raises(UsageError, match=said):
        planned(AGENTS["codex"])


def test_the_protocol_decides_url_and_wire():
    chat = planned(AGENTS["copilot"])
    messages = planned(AGENTS["copilot"], protocol="anthropic")
    assert chat.env["COPILOT_PROVIDER_BASE_URL"] == "http://127.0.0.1:4711/v1"
    assert messages.env["COPILOT_PROVIDER_BASE_URL"] == "http://127.0.0.1:4711"
    assert "COPILOT_PROVIDER_WIRE_API" not in messages.env


def test_a_behaviour_without_a_process_cannot_be_launched():
    with pytest.raises(UsageError, match="oracle starts no process"):
        planned(AGENTS["oracle"])


@pytest.mark.parametrize(
    ("instruction", "said"),
    [("--help", "would read '--help' as an option"), ("a\0b", "NUL"), ("é" * 70_000, "140000 bytes")],
)
def test_an_instruction_that_no_program_would_take_is_refused(instruction, said):
    with pytest.raises(UsageError, match=said):
        planned(AGENTS["codex"], instruction, "openai-responses")


def test_an_installed_agent_is_named_by_its_path_and_gets_the_shared_cache():
    spec = AGENTS["copilot"]
    bare = planned(spec)
    ready = Installed("copilot", spec.version, "", "/i", "/i/bin/copilot", cache="/i/cache")
    launch = planned(spec, installed=ready)
    assert (bare.argv[0], "COPILOT_CACHE_HOME" in bare.env) == ("copilot", False)
    assert (launch.argv[0], launch.env["COPILOT_CACHE_HOME"]) == ("/i/bin/copilot", "/i/cache")


def test_overlays_win_over_the_agent_and_its_protocol_and_the_later_over_the_earlier():
    first = Overlay(name="a", env={"COPILOT_PROVIDER_TYPE": "x", "B": "1"}, args=("--first", "{model}"))
    second = Overlay(name="b", env={"B": "2"}, args=("--second",), files={".copilot/mcp.json": "{home:json}"})
    launch = planned(overlaid(AGENTS["copilot"], [first, second]))
    assert (launch.env["COPILOT_PROVIDER_TYPE"], launch.env["B"]) == ("x", "2")
    assert launch.argv[-3:] == ("--first", "m", "--second")
    assert launch.files == {".copilot/mcp.json": "/h"}
    plain = planned(AGENTS["copilot"])
    assert "B" not in plain.env


def test_arguments_of_an_overlay_come_before_the_instruction():
    launch = planned(overlaid(AGENTS["qwen-code"], [Overlay(name="a", args=("--debug",))]))
    assert launch.argv[-2:] == ("--debug", "do it")


def test_overlays_are_named_for_the_identity_without_the_values_of_variables():
    overlay = Overlay(name="a", env={"MY_SETTING": "a-value"}, args=("-x",))
    other = Overlay(name="a", env={"MY_SETTING": "another"}, args=("-x",))
    identity = overlay_identity([overlay])
    assert identity["a"]["env_names"] == ["MY_SETTING"]
    assert "a-value" not in str(identity)
    assert identity["a"]["digest"] != overlay_identity([other])["a"]["digest"]
    assert (plugin_stack([]), behaviour_mode([])) == ((), "factory")
    assert (plugin_stack([overlay]), behaviour_mode([overlay])) == (("a",), "a")


def test_overlays_that_do_not_fit_are_refused():
    overlay = Overlay(name="a", agents=("codex",), args=("-x",))
    with pytest.raises(UsageError, match="'a' is for codex, not for pi"):
        overlaid(AGENTS["pi"], [overlay])
    with pytest.raises(UsageError, match="given twice"):
        overlaid(AGENTS["codex"], [overlay, overlay])
    with pytest.raises(UsageError, match="nop starts no process"):
        overlaid(AGENTS["nop"], [Overlay(name="b", args=("-x",))])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"', "adds nothing"),
        ('name = "factory"\nargs = ["x"]', "without overlays"),
        ('name = "a"\nargs = ["{token}"]', "a key in argv"),
        ('name = "a"\n[files]\n"../x" = ""', "below HOME"),
        ('name = "a"\n[env]\nX = "{sdk}"', "unknown placeholder"),
    ],
)
def test_what_is_wrong_in_an_overlay_is_named(tmp_path, text, said):
    with pytest.raises(BadInput, match=said):
        read_overlay(written(tmp_path, text, "o.toml"))


def test_the_overlay_of_the_readme_reads_and_lies_on_codex(tmp_path):
    overlay = read_overlay(written(tmp_path, readme_blocks()[1], "o.toml"))
    launch = planned(overlaid(AGENTS["codex"], [overlay]), protocol="openai-responses")
    assert launch.argv[-3:] == ("-c", 'model_reasoning_effort="low"', "do it")
    assert set(launch.files) == {".codex/config.toml", ".codex/AGENTS.md"}
