"""Words of a command that repeats an attempt: names, source of answers, limits, place, and what is wanting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchledger.ledger.web.cell.attempt_facts import AttemptFacts
from benchledger.ledger.web.lists.groups import KEY, MODEL, PROTOCOLS, URL
from benchledger.ledger.web.shell import Raw, option, variable
from benchledger.ledger.web.shipped import Shipped
from benchledger.schema.images import digest_of, repository_of
from benchledger.scorers.composite import GATED_1, SHIPPED_POLICIES

__all__ = ["Words"]

_OVERLAY = re.compile(r"[A-Za-z0-9._+-]{1,128}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}")
_TASKS = "tasks"  # the folder that `tasks new`, `from-commit` and `mutate` write to


class Words:
    """One attempt as options of `run`, `check` and `run-cell`."""

    def __init__(self, facts: AttemptFacts, shipped: Shipped) -> None:
        self.facts, self.shipped = facts, shipped
        self.known_agent = shipped.agents.get(facts.cell.agent)
        self.known_task = shipped.tasks.get(facts.cell.task_id)
        self.uses_model = bool(facts.agent.get("uses_model", True))
        self.mode = str(facts.setup["mode"])

    @property
    def foreign(self) -> str | None:
        """Return why nothing of it can be run again, None for a run of ours."""
        if self.facts.record is None:
            return None
        harness = self.facts.setup.get("harness") or "another harness"
        how = "was read off a published page" if self.mode == "published" else f"was handed in by {harness}"
        return f"it {how}: its task, checks and patch are not here"

    @property
    def version(self) -> str | None:
        """Return the version of the agent that this benchledger runs."""
        recorded: str | None = self.facts.agent.get("version")
        return self.known_agent.version if self.known_agent else recorded

    @property
    def installs(self) -> bool:
        """Return whether there is something to install: known of a shipped agent, else by its lock."""
        if self.known_agent is not None:
            return self.known_agent.installs
        return "agent_lock" in (self.facts.setup.get("host") or {})

    @property
    def pulled(self) -> str | None:
        """Return `repository@sha256:…` of its image where a registry can have it."""
        image, digest = self.facts.agent.get("image"), digest_of(self.facts.agent.get("image_digest"))
        if not image or digest is None or self.has_environment:
            return None
        repository = repository_of(image)
        # the name that `images build` gives, which no registry has
        local = repository.startswith("benchledger-") and "/" not in repository
        # the engine's command would read a name that begins with a dash as an option
        return f"{repository}@{digest}" if _REPOSITORY.fullmatch(repository) and not local else None

    @property
    def has_environment(self) -> bool:
        """Return whether its task brings an environment, for which an image is made on the spot."""
        return "environment" in (self.facts.setup.get("host") or {})

    def names(self, *, model: bool = True) -> list[Raw]:
        """Return which agent, model and task."""
        named = [option("--agent", self.facts.cell.agent)]
        if model and self.uses_model:
            named.append(option("--model", self.facts.cell.model))
        return [*named, option("--task", self.facts.cell.task_id), *self.files()]

    def files(self, *, tasks: bool = True) -> list[Raw]:
        """Return the files that are named: of an agent that does not ship, of overlays, of own tasks."""
        found = [*self.agent_files(), *(option("--overlay", name) for name in self._overlays())]
        return [*found, *(self.tasks() if tasks else ())]

    def agent_files(self) -> list[Raw]:
        """Return the file of an agent that does not ship."""
        return [] if self.known_agent else [option("--agent-file", self._agent_file)]

    def tasks(self) -> list[Raw]:
        """Return the folder of tasks that do not ship."""
        return [] if self.known_task else [option("--tasks", _TASKS)]

    def source(self) -> list[Raw]:
        """Return where the model's answers come from, as in the recorded run."""
        if not self.uses_model:
            return []
        if self.mode == "scripted":
            return [Raw("--scripted"), *self._played()]
        return [*self.endpoint(), *self.protocol(), *self._price()]

    def endpoint(self) -> list[Raw]:
        """Return the reader's endpoint, with the name of the variable that holds its key."""
        return [option("--endpoint", variable(URL)), option("--key-env", KEY)]

    def own_model(self) -> list[Raw]:
        """Return a model of the reader's, spoken to as the recorded one was."""
        return [option("--model", variable(MODEL)), *self.endpoint(), *self.protocol()]

    def protocol(self) -> list[Raw]:
        """Return the protocol that the agent spoke, where it was recorded."""
        return [option("--protocol", self.spoken)] if self.spoken else []

    @property
    def spoken(self) -> str | None:
        """Return the protocol that the agent spoke; None where it was not recorded, or is none of ours."""
        spoken = self.facts.setup.get("protocol")
        return spoken if spoken in PROTOCOLS else None

    def limits(self, *, money: bool = True) -> list[Raw]:
        """Return the limits that are not the task's own."""
        given: Mapping[str, Any] = self.facts.setup.get("limits") or {}
        own = self.known_task.limits if self.known_task else {}
        return [
            option("--limit", f"{name}={_plain(value)}")
            for name, value in given.items()
            if value is not None and value != own.get(name) and (money or name != "money")
        ]

    def policy(self, *, shipped: bool = False) -> list[Raw]:
        """Return the policy, where it is not the default; `shipped`: only one that needs no ledger."""
        name = self.facts.policy
        if name is None or name == GATED_1.name or (shipped and name not in SHIPPED_POLICIES):
            return []
        return [option("--policy", name)]

    def run(self) -> list[Raw]:
        """Return the words of `run` that repeat it, but for the place."""
        if self.mode == "replay" and self.facts.replay_of:
            return [option("--replay", self.facts.replay_of), *self.files(), *self.limits(), *self.policy()]
        return [*self.names(), *self.source(), *self.limits(), *self.policy()]

    @property
    def sandbox(self) -> str:
        """Return the sandbox of `run` that is like the recorded one."""
        recorded = self.facts.setup.get("sandbox")
        if recorded == "run-cell":
            return "local" if self._no_image else "docker"
        return "docker" if recorded == "docker" else "local"

    def where(self) -> list[Raw]:
        """Return the sandbox, and the image where it is not the one that is built for the agent."""
        words, recorded = [option("--sandbox", self.sandbox)], self.facts.setup.get("sandbox")
        if recorded == "docker" and (image := self.pulled or self._given_image):
            words.append(option("--image", image))
        return words

    @property
    def _no_image(self) -> bool:
        return self.uses_model and not self.installs

    @property
    def _given_image(self) -> str | None:
        """Return the image that was named, where none is built for the agent."""
        return self.facts.agent.get("image") if self._no_image and not self.has_environment else None

    def needs(self) -> list[str]:
        """Return what has to be there and is not in the ledger."""
        said = []
        name = self.facts.cell.agent
        if self.known_agent is None:
            said.append(f"{self._agent_file}: the file of the agent {name} {self.version or ''}".rstrip())
        if self.sandbox == "docker" and not self.pulled and self._given_image:
            said.append(f"{self._given_image}: the image that has the agent; no registry is known to have it")
        overlays = self.facts.setup.get("overlays") or {}
        said += [f"{_overlay_file(each)}: an overlay{_digest(found)}" for each, found in overlays.items()]
        if self.mode == "scripted" and self.facts.script is None and self.uses_model:
            said.append(
                "which variant and fault of its script was played was not recorded: this plays the default"
            )
        return [*said, *self.task_needs()]

    def task_needs(self) -> list[str]:
        """Return what of the task has to be there."""
        task, name = self.facts.setup["task"], self.facts.cell.task_id
        if self.known_task is None:
            whose = (
                "private, with whoever ran it"
                if task.get("private")
                else "which does not ship with benchledger"
            )
            return [f"{_TASKS}/{name}: the task, {whose}{_digest(task)}"]
        if task.get("digest") and task["digest"] != self.known_task.digest:
            harness = self.facts.setup.get("harness") or "another version"
            return [f"{name} has changed since: {harness} has it as it was{_digest(task)}"]
        return []

    def unlike(self) -> list[str]:
        """Return in what a run of this benchledger is not like the recorded one."""
        said, agent = [], self.facts.agent
        recorded = agent.get("version")
        if self.known_agent is not None and recorded and recorded != self.version:
            has = self.facts.setup.get("harness") or "another version"
            said.append(
                f"this benchledger runs {agent['name']} {self.version}, the attempt had {recorded}: {has} has it"
            )
        origin = self.facts.setup.get("endpoint_origin")
        if origin and self.mode == "live":
            said.append(
                f"{URL}: the attempt asked {origin}; the path of its URL and its key are not recorded"
            )
        return said

    @property
    def _agent_file(self) -> str:
        return f"./{self.facts.cell.agent}.toml"

    def _overlays(self) -> list[str]:
        # other names are none of ours, and could lead to any file of the reader's
        names = self.facts.setup.get("plugin_stack") or ()
        return [_overlay_file(name) for name in names if _OVERLAY.fullmatch(name)]

    def _played(self) -> list[Raw]:
        played = self.facts.script or {}
        words = (
            [option("--variant", str(played["variant"]))] if played.get("variant", "steps") != "steps" else []
        )
        if "fault" in played:
            counts = [str(played.get("after", 0))] if "after" in played or "times" in played else []
            counts += [str(played["times"])] if "times" in played else []
            words.append(option("--fault", ":".join([str(played["fault"]), *counts])))
        return [*words, *self._price()]

    def _price(self) -> list[Raw]:
        price = self.facts.price
        if price is None or price.currency != "USD":
            return []
        parts = (price.prompt, price.completion, price.cached)
        return [option("--price", ",".join(_plain(each) for each in parts if each is not None))]


def _plain(value: float) -> str:
    """Return a number as one would type it, to its last digit."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _overlay_file(name: str) -> str:
    return f"./{name}.toml"


def _digest(named: Any) -> str:
    """Return the beginning of a digest among what was recorded; an importer may have put anything there."""
    digest = named.get("digest") if isinstance(named, dict) else None
    return f" (digest {digest[:16]}…)" if isinstance(digest, str) and digest else ""
