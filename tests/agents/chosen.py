"""Which agents run in which tests; .ci/run installs the same ones, and a test of the house holds that."""

import pytest

from benchledger.runners.agents.files import load_agents

AGENTS = load_agents()
PROCESSES = {name: spec for name, spec in AGENTS.items() if spec.behaviour == "process"}

# Ordinary tests run these in containers, from images that CI builds,
IN_DOCKER = {"aider", "copilot", "opencode"}
# and these as local processes. Where they are not installed, the tests are skipped, for they are large,
LOCALLY = {*IN_DOCKER, "claude-code", "codex", "gemini-cli", "pi", "qwen-code"}
# but for these two, which tests install by themselves. All others are for `just test-all`.
FETCHED = {"codex", "qwen-code"}


def each(ordinary, *, protocols=True):
    """Return parameters of all agents, by protocol; those that are not `ordinary` are slow."""
    return [
        pytest.param(*((name, protocol) if protocols else (name,)), marks=marks_of(name, ordinary))
        for name, spec in PROCESSES.items()
        for protocol in (spec.protocols if protocols else spec.protocols[:1])
    ]


def marks_of(name, ordinary):
    return [] if name in ordinary else [pytest.mark.slow]
