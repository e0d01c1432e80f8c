"""Commands for who has a Docker engine: the image by its digest, or built on the spot, and a cell of its own."""

from __future__ import annotations

from benchledger.ledger.web.cell.words import Words
from benchledger.ledger.web.lists.groups import KEY, Group, unable
from benchledger.ledger.web.shell import Raw, benchledger, line, option
from benchledger.schema.images import built_image, digest_of

__all__ = ["BUILT", "BUNDLE", "docker_group", "image_commands", "run_cell_reason"]

BUNDLE = "cell.jsonl.gz"
BUILT = "built locally: comparable, not identical"
_NAMESPACES = (option("--cap-add", "SYS_ADMIN"), option("--cap-add", "NET_ADMIN"))


def docker_group(words: Words) -> Group:
    """Return the commands that need an engine: pull and run, build and run, a cell in a container of its own."""
    title = "In a container"
    if words.foreign is not None:
        return _published(words, title)
    # what repeats a cell of docker as it was stands under "run it again"
    other = words.facts.setup.get("sandbox") != "docker" or words.pulled is not None
    commands = [*(_built(words) if other else ()), *_run_cell(words)]
    needs = words.needs()
    reason = run_cell_reason(words)
    if reason is not None:
        needs.append(f"no cell in a container of its own: {reason}")
    elif words.uses_model and words.mode == "live":
        needs.append(
            "NETWORK=host, where the endpoint listens on this machine; without it the engine's own network"
        )
    return Group("docker", title, _says(words), commands, needs)


def run_cell_reason(words: Words) -> str | None:
    """Return why `run-cell` cannot repeat it, None where it can."""
    if words.foreign is not None:
        return words.foreign
    if words.has_environment:
        return "its task brings an environment, which is made outside of a container"
    if words.mode == "replay":
        return "a replay needs the recorded calls, which are outside of the container"
    if words.known_task is None or words.facts.setup.get("overlays"):
        return "the image holds the tasks that ship, and no overlay"
    return None


def _says(words: Words) -> str:
    agent = words.facts.agent
    digest, image_id = digest_of(agent.get("image_digest")), agent.get("image_id")
    if words.pulled:
        return f"It ran in {words.pulled}."
    if digest:
        return f"It ran in an image of digest {digest}; the registry that has it was not recorded."
    if image_id:
        return f"It ran in an image that was built where it ran ({image_id}), and is in no registry."
    return "It ran in no container."


def image_commands(words: Words) -> list[tuple[str, str]]:
    """Return what gets the image of the agent: pulled by its digest, else built."""
    if words.pulled is not None:
        return [("The very image, by its digest", line("docker", "pull", words.pulled))]
    if words.has_environment or not words.installs:
        return []
    build = benchledger(None, "images", "build", *words.agent_files(), place=(words.facts.cell.agent,))
    return [(f"Builds its image; {BUILT}", build)]


def _built(words: Words) -> list[tuple[str, str]]:
    """Return what builds an image and runs in it; an agent that nobody installs has none of its own."""
    facts = words.facts
    run = benchledger(facts.ledger, "run", *words.run(), option("--sandbox", "docker"))
    if words.installs:
        build = benchledger(None, "images", "build", *words.agent_files(), place=(facts.cell.agent,))
        return [(f"Builds its image; {BUILT}", build), ("Runs it in that image", run)]
    return [] if words.uses_model else [("Runs it on the base image, which is made here", run)]


def _run_cell(words: Words) -> list[tuple[str, str]]:
    """Return a cell that runs inside an image, for an engine without benchledger beside it."""
    facts = words.facts
    if run_cell_reason(words) is not None:
        return []
    image, pinned = built_image(facts.cell.agent, words.version or "") + "-run-cell", []
    if facts.setup.get("sandbox") == "run-cell" and words.pulled:
        image, pinned = words.pulled, [option("--image-digest", words.pulled.partition("@")[2])]
        made = image_commands(words)
    else:
        build = benchledger(
            None, "images", "build", facts.cell.agent, *words.agent_files(), Raw("--run-cell")
        )
        made = [(f"Builds an image out of which a cell runs by itself; {BUILT}", build)]
    said = f"Runs a cell in a container of its own, and writes it to {BUNDLE}"
    return [*made, (said, _container(words, image, pinned))]


def _container(words: Words, image: str, pinned: list[Raw]) -> str:
    live = words.uses_model and words.mode == "live"
    network = Raw('--network "${NETWORK:-bridge}"') if live else option("--network", "none")
    engine = ("docker", "run", Raw("--rm -i"), network, *_NAMESPACES, image, "run-cell", *pinned)
    names = [each for each in words.names() if not each.startswith("--agent-file")]
    asked = words.source()
    before: tuple[Raw, ...] = ()
    if live:
        # the key goes through a pipe: who may ask the engine sees arguments and environment of a container
        before = (Raw(f'printf %s "${KEY}" |'),)
        asked = [Raw("--key-stdin") if each.startswith("--key-env") else each for each in asked]
    rest = (*names, *asked, *words.limits(), *words.policy(shipped=True), Raw(f">{BUNDLE}"))
    return line(*before, *engine, *rest)


def _published(words: Words, title: str) -> Group:
    if words.pulled is None:
        return unable("docker", title, f"{words.foreign}; no image of it is named by a digest")
    said = "The image that it says it ran in, as long as a registry has it"
    says = f"Only the image can be had: {words.foreign}."
    return Group("docker", title, says, [(said, line("docker", "pull", words.pulled))])
