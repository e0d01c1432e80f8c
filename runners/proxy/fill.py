"""Turns a neutral step into the call of a tool that the agent offers.

Agents name tools and arguments differently; both are matched by name, and whatever else a schema
requires gets a neutral value. What no tool offers is done with the shell.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchledger.runners.proxy.offers import Offer, OfferKind

PATH = ("file_path", "filepath", "absolute_path", "target_file", "filename", "path", "file")
OLD = ("old_str", "old_string", "oldstring", "oldtext", "old_text", "old", "search")
NEW = ("new_str", "new_string", "newstring", "newtext", "new_text", "new", "replace")
CONTENT = ("content", "file_text", "contents", "text", "new_text")
COMMAND = ("command", "cmd", "script", "commands")
PATCH = ("input", "patch", "patchtext", "patch_text")
_EDITOR = ("str_replace_editor", "str_replace_based_edit_tool", "file_editor", "editor")
TOOLS: Mapping[str, tuple[str, ...]] = {
    "edit": (
        *("edit", "Edit", "replace", "search_replace", "edit_file", "StrReplaceFile", *_EDITOR),
        *("apply_patch", "replace_in_file"),
    ),
    "write": (
        "write",
        "Write",
        "create",
        "write_file",
        "WriteFile",
        "write_to_file",
        *_EDITOR,
        "apply_patch",
    ),
    "read": ("read", "Read", "view", "read_file", "ReadFile", *_EDITOR, "read_files"),
    "shell": (
        *("bash", "Bash", "shell", "shell_command", "exec_command", "local_shell", "run_shell_command"),
        *("terminal", "Shell", "execute_bash", "execute_command", "run_commands", "run_command"),
    ),
    "finish": ("finish", "attempt_completion", "submit_and_exit"),
}
_COMMANDS = {"edit": "str_replace", "write": "create", "read": "view"}
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"  # how a shell-only agent is told that this is all


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call to make; `arguments` is text for a custom tool."""

    name: str
    arguments: dict[str, Any] | str
    kind: OfferKind = "function"

    @property
    def spelled(self) -> str:
        """Return the arguments as the wire has them."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


def tool_call(kind: str, value: Any, offered: Iterable[Offer], root: str) -> ToolCall | None:
    """Return the call that carries out a step, None where nothing offered can.

    `kind` and `value` are those of a script's step; `root` is the workdir as the agent sees it.
    """
    known = {offer.name: offer for offer in offered}
    offer = _pick(kind, known)
    if offer is None or (offer.kind == "custom" and offer.name != "apply_patch" and kind != "shell"):
        kind, value = "shell", as_shell(kind, value, root)
        offer = _pick("shell", known)
    if offer is None:
        return None
    if offer.name == "apply_patch":
        return _patch(offer, kind, value)
    if offer.kind == "custom":
        return ToolCall(offer.name, str(value), "custom")
    if offer.kind == "local_shell":
        return ToolCall(offer.name, {"command": ["bash", "-lc", value]}, "local_shell")
    arguments = _command(offer, value) if kind == "shell" else _file(offer, kind, value, root)
    return ToolCall(offer.name, _required(offer, arguments))


def finish_call(text: str, offered: Iterable[Offer]) -> ToolCall | None:
    """Return the call by which the agent ends, None where a plain text ends it."""
    known = {offer.name: offer for offer in offered}
    if offer := _pick("finish", known):
        names = [name for name in ("message", "result", "summary") if name in offer.properties]
        return ToolCall(offer.name, _required(offer, dict.fromkeys(names, text)))
    if set(known) == {"bash"}:
        return ToolCall("bash", _command(known["bash"], SUBMIT))
    return None


def as_shell(kind: str, value: Any, root: str) -> str:
    """Return a shell command that does what a step says."""
    if kind == "shell":
        return str(value)
    path = posixpath.join(root, value if kind == "read" else value["path"])
    if kind == "read":
        return f"cat {shlex.quote(path)}"
    if kind == "write":
        text = value["text"]
        mark = "SCRIPT_END"
        while mark in text:
            mark += "_"
        folder, quoted = shlex.quote(posixpath.dirname(path)), shlex.quote(path)
        if not text.endswith("\n"):  # a here-document would add a line end
            return f"mkdir -p {folder} && printf %s {shlex.quote(text)} > {quoted}"
        return f"mkdir -p {folder} && cat > {quoted} <<'{mark}'\n{text}{mark}"
    code = (
        f"import pathlib;p=pathlib.Path({path!r});s=p.read_text();assert {value['old']!r} in s;"
        f"p.write_text(s.replace({value['old']!r},{value['new']!r},1))"
    )
    return f"python3 -c {shlex.quote(code)}"


def _pick(kind: str, known: Mapping[str, Offer]) -> Offer | None:
    return next((known[name] for name in TOOLS[kind] if name in known), None)


def _patch(offer: Offer, kind: str, value: Any) -> ToolCall:
    if kind == "edit":
        lines = [f"-{line}" for line in value["old"].split("\n")]
        lines += [f"+{line}" for line in value["new"].split("\n")]
        head = [f"*** Update File: {value['path']}", "@@"]
    else:
        lines = [f"+{line}" for line in value["text"].removesuffix("\n").split("\n")]
        head = [f"*** Add File: {value['path']}"]
    text = "\n".join(("*** Begin Patch", *head, *lines, "*** End Patch", ""))
    if offer.kind == "custom":
        return ToolCall(offer.name, text, "custom")
    names = [name for name in offer.properties if name.lower() in PATCH] or ["input"]
    return ToolCall(offer.name, _required(offer, {names[0]: text}))


def _command(offer: Offer, command: str) -> dict[str, Any]:
    name = _named(offer, COMMAND) or "command"
    if _type(offer.properties.get(name, {})) != "array":
        return {name: command}
    # one command of several words, or a list of commands
    return {name: [command] if name == "commands" else ["bash", "-lc", command]}


def _file(offer: Offer, kind: str, value: Any, root: str) -> dict[str, Any]:
    relative = value if kind == "read" else value["path"]
    path, properties = posixpath.join(root, relative), offer.properties
    arguments: dict[str, Any] = {}
    if name := _named(offer, PATH):
        arguments[name] = [path] if _type(properties[name]) == "array" else path
    elif "files" in properties:
        arguments["files"] = [{"path": path}]
    if "enum" in properties.get("command", {}) or offer.name in _EDITOR[:3]:
        arguments["command"] = _COMMANDS[kind]
    if kind == "write":
        arguments[_named(offer, CONTENT) or "content"] = value["text"]
    elif kind == "edit" and _type(properties.get("edits", {})) == "array":
        item = Offer("", properties["edits"].get("items") or {})
        old, new = _named(item, OLD) or "oldText", _named(item, NEW) or "newText"
        arguments["edits"] = [{old: value["old"], new: value["new"]}]
    elif kind == "edit" and _named(offer, OLD) is None and "edit" in properties:
        arguments["edit"] = {"old": value["old"], "new": value["new"]}
    elif kind == "edit" and _named(offer, OLD) is None and "content" in properties:
        arguments["content"] = search_replace(value["old"], value["new"])
    elif kind == "edit":
        arguments[_named(offer, OLD) or "old"] = value["old"]
        arguments[_named(offer, NEW) or "new"] = value["new"]
    return arguments


def search_replace(old: str, new: str) -> str:
    """Return a SEARCH/REPLACE block; an empty `old` makes a new file."""
    before, after = (text if not text or text.endswith("\n") else text + "\n" for text in (old, new))
    return f"<<<<<<< SEARCH\n{before}=======\n{after}>>>>>>> REPLACE"


def _named(offer: Offer, names: tuple[str, ...]) -> str | None:
    lower = {name.lower(): name for name in offer.properties}
    return next((lower[name] for name in names if name in lower), None)


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), None)
    if kind is None:
        inner = [*(schema.get("anyOf") or ()), *(schema.get("oneOf") or ())]
        kind = next((_type(item) for item in inner if item.get("type") != "null"), "string")
    return str(kind).lower()


def _required(offer: Offer, arguments: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in offer.schema.get("required") or () if name not in arguments]
    return arguments | {name: _neutral(offer.properties.get(name, {})) for name in missing}


def _neutral(schema: dict[str, Any]) -> Any:
    if schema.get("default") is not None:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    plain = {"boolean": False, "integer": 60, "number": 60, "array": [], "object": {}}
    return plain.get(_type(schema), "scripted step")
