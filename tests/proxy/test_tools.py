"""Neutral steps take the form that the tools of each agent expect."""

import subprocess

import pytest

from benchledger.runners.proxy.fill import as_shell, tool_call
from benchledger.runners.proxy.offers import Offer
from tests.proxy.asking import schema

EDIT = {"path": "src/sorter.py", "old": "a < b", "new": "a > b"}

STRING, NUMBER = {"type": "string"}, {"type": "number"}
EDITS = {"type": "array", "items": schema("oldText", "newText")}
COMMANDS = {"type": "string", "enum": ["view", "create", "str_replace"]}
WORDS = {"type": "array", "items": STRING}

# tools as the agents offer them, and what an edit has to look like
AGENTS = {
    "copilot": (
        Offer("edit", schema("path", "old_str", "new_str")),
        {"path": "/w/src/sorter.py", "old_str": "a < b", "new_str": "a > b"},
    ),
    "opencode": (
        Offer("edit", schema("filePath", "oldString", "newString", "replaceAll")),
        {"filePath": "/w/src/sorter.py", "oldString": "a < b", "newString": "a > b"},
    ),
    "claude-code": (
        Offer("Edit", schema("file_path", "old_string", "new_string")),
        {"file_path": "/w/src/sorter.py", "old_string": "a < b", "new_string": "a > b"},
    ),
    "gemini-cli": (
        Offer(
            "replace",
            schema("file_path", "instruction", "old_string", "new_string", required=["instruction"]),
        ),
        {
            "file_path": "/w/src/sorter.py",
            "old_string": "a < b",
            "new_string": "a > b",
            "instruction": "scripted step",
        },
    ),
    "pi": (
        Offer("edit", schema("path", "edits", edits=EDITS)),
        {"path": "/w/src/sorter.py", "edits": [{"oldText": "a < b", "newText": "a > b"}]},
    ),
    "openhands": (
        Offer(
            "file_editor",
            schema(
                "command",
                "path",
                "old_str",
                "new_str",
                "security_risk",
                required=["command", "security_risk"],
                command=COMMANDS,
                security_risk={"enum": ["LOW", "HIGH"]},
            ),
        ),
        {
            "command": "str_replace",
            "path": "/w/src/sorter.py",
            "old_str": "a < b",
            "new_str": "a > b",
            "security_risk": "LOW",
        },
    ),
    "cline": (
        Offer("editor", schema("path", "old_text", "new_text")),
        {"path": "/w/src/sorter.py", "old_text": "a < b", "new_text": "a > b"},
    ),
    "opencode with gpt": (
        Offer("apply_patch", schema("patchText")),
        {"patchText": "*** Begin Patch\n*** Update File: src/sorter.py\n@@\n-a < b\n+a > b\n*** End Patch\n"},
    ),
    "codex": (
        Offer("apply_patch", kind="custom"),
        "*** Begin Patch\n*** Update File: src/sorter.py\n@@\n-a < b\n+a > b\n*** End Patch\n",
    ),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_edit_takes_the_form_that_each_agent_expects(agent):
    offer, expected = AGENTS[agent]
    call = tool_call("edit", EDIT, [Offer("bash", schema("command")), offer], "/w")
    assert (call.name, call.arguments) == (offer.name, expected)


@pytest.mark.parametrize(
    ("offer", "arguments"),
    [
        (
            Offer("bash", schema("command", "timeout", required=["command", "timeout"], timeout=NUMBER)),
            {"command": "make", "timeout": 60},
        ),
        (Offer("exec_command", schema("cmd")), {"cmd": "make"}),
        (Offer("shell", schema("command", command=WORDS)), {"command": ["bash", "-lc", "make"]}),
        (Offer("run_commands", schema("commands", commands=WORDS)), {"commands": ["make"]}),
        (Offer("local_shell", kind="local_shell"), {"command": ["bash", "-lc", "make"]}),
    ],
)
def test_a_shell_command_takes_the_form_that_each_agent_expects(offer, arguments):
    assert tool_call("shell", "make", [offer], "/w").arguments == arguments


def test_files_are_read_and_written_with_the_tools_for_it():
    tools = [
        Offer("read_files", schema("files", files={"type": "array"})),
        Offer("write", schema("filePath", "content")),
    ]
    assert tool_call("read", "a.py", tools, "/w").arguments == {"files": [{"path": "/w/a.py"}]}
    written = tool_call("write", {"path": "n/a.md", "text": "x\n"}, tools, "/w")
    assert written.arguments == {"filePath": "/w/n/a.md", "content": "x\n"}


@pytest.mark.parametrize("text", ["plain\n", "no line end", "a 'quote' $HOME `x`\nSCRIPT_END\n", ""])
def test_a_shell_only_agent_writes_and_edits_files_to_the_byte(tmp_path, text):
    subprocess.run(
        ["sh", "-c", as_shell("write", {"path": "d/f.txt", "text": text}, str(tmp_path))], check=True
    )
    assert (tmp_path / "d/f.txt").read_bytes() == text.encode()
    (tmp_path / "g.py").write_text("if a < b:\n\tprint('it\\'s')\n")
    edit = {"path": "g.py", "old": "a < b:\n\tprint('it\\'s')", "new": 'a > b:\n\tprint("$x")'}
    subprocess.run(["sh", "-c", as_shell("edit", edit, str(tmp_path))], check=True)
    assert (tmp_path / "g.py").read_text() == 'if a > b:\n\tprint("$x")\n'
