"""What a scripted model answers on one task: neutral steps that any agent's tools can play.

    {"steps": [{"read": "src/a.py"},
               {"edit": {"path": "src/a.py", "old": "a < b", "new": "a <= b"}},
               {"write": {"path": "NOTES.md", "text": "…"}},
               {"shell": "python3 -m unittest discover -s tests"},
               {"say": "Fixed the comparison."}],
     "variants": {"fail": [{"say": "I could not find the fault."}]}}

`steps` solve the task; each of `variants` leads to a chosen failure. Steps name no tool: the
proxy turns them into the tool calls of each protocol. `play` does the same by hand, in a folder.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from benchledger.schema.base import Name, Record
from benchledger.schema.errors import BadInput, UnknownName

__all__ = ["PASS", "Edit", "RelativePath", "Script", "Step", "Write", "load_script", "play"]

PASS = "steps"  # the name under which the solving steps are asked for


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or str(PurePosixPath(*parts)) != path:
        raise ValueError("not a plain path relative to the workdir, such as src/a.py")
    return path


RelativePath = Annotated[str, Field(max_length=1024), AfterValidator(_inside)]


class Edit(Record):
    """Replace `old`, which stands exactly once in the file, by `new`."""

    path: RelativePath
    old: Annotated[str, Field(min_length=1)]
    new: str


class Write(Record):
    """Write the whole file, new or not."""

    path: RelativePath
    text: str


class Step(Record):
    """One thing that the model asks for; exactly one field is set."""

    read: RelativePath | None = None
    edit: Edit | None = None
    write: Write | None = None
    shell: Annotated[str, Field(min_length=1)] | None = None
    say: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Step:
        if len(self.model_fields_set) != 1 or self.action[1] is None:
            raise ValueError("a step has exactly one of read, edit, write, shell, say")
        return self

    @property
    def action(self) -> tuple[str, Any]:
        """Return (kind, value) of the field that is set; value is a str, an Edit or a Write."""
        kind = next(iter(self.model_fields_set))
        return kind, getattr(self, kind)


Steps = Annotated[tuple[Step, ...], Field(min_length=1)]


class Script(Record):
    """The steps that solve a task, and variants that fail it in a chosen way."""

    steps: Steps
    variants: dict[Name, Steps] = {}

    @model_validator(mode="after")
    def _ends_in_words(self) -> Script:
        for name in (PASS, *self.variants):
            kinds = [step.action[0] for step in self.variant(name)]
            if "say" in kinds[:-1] or kinds[-1] != "say":
                raise ValueError(f"{name}: `say` ends a script, so it stands last and only there")
        return self

    def variant(self, name: str = PASS) -> tuple[Step, ...]:
        """Return the steps of a variant, by default those that solve the task; raises UnknownName."""
        if name == PASS:
            return self.steps
        if name not in self.variants:
            raise UnknownName("script variant", name, [PASS, *self.variants])
        return self.variants[name]


def load_script(path: Path) -> Script:
    """Read a script.json; raises BadInput with the field that is wrong."""
    try:
        return Script.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read: {error.strerror}", "name a script.json that exists"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInput(
            f"{path}: {where}: {first['msg']}", "runners/script.py shows the form of a script"
        ) from error


def play(script: Script, folder: Path, name: str = PASS, variables: Mapping[str, str] | None = None) -> str:
    """Carry out a script in `folder` as an obedient agent would; return the final words.

    `variables` are those of its commands, by default our own.

    Raises BadInput where an edit's `old` does not stand exactly once in its file, as then
    agents that search for the text would fail. A command that fails is no error.
    """
    said = ""
    for step in script.variant(name):
        kind, value = step.action
        if kind == "say":
            said = value
        elif kind == "shell":
            subprocess.run(
                ["sh", "-c", value], cwd=folder, env=variables, capture_output=True, check=False, timeout=300
            )
        elif kind == "edit":
            _edit(folder / value.path, value)
        elif kind == "write":
            (folder / value.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / value.path).write_text(value.text, encoding="utf-8")
        else:
            (folder / value).read_bytes()
    return said


def _edit(path: Path, edit: Edit) -> None:
    text = path.read_text(encoding="utf-8")
    if (found := text.count(edit.old)) != 1:
        raise BadInput(
            f"{edit.path} holds the text to replace {found} times", "give enough lines to make it unique"
        )
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
