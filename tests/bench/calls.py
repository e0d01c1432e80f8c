"""How much a streamed call through the proxy takes beyond a direct one: `python -m tests.bench.calls`."""

import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.config import Upstream as Endpoint
from benchledger.runners.proxy.server import Proxy
from tests.proxy.asking import body_of, key_headers
from tests.proxy.upstream import KEY


def one(client, url, headers, body):
    """Return ms to the first event and to the last."""
    began = time.perf_counter()
    first = None
    with client.stream("POST", url, json=body, headers=headers) as answer:
        for _ in answer.iter_raw():
            first = first or time.perf_counter()
    return (first - began) * 1e3, (time.perf_counter() - began) * 1e3


@contextmanager
def apart(words):
    """Run the upstream in a process of its own, so that it does not share our interpreter."""
    command = [sys.executable, "-m", "tests.proxy.upstream", str(words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(calls=200, words=100):
    """Return (direct, proxied): medians of ms to the first event and to the last; calls alternate."""
    body = body_of("openai-chat", stream=True, tools=[{"type": "function", "x": "y" * 30000}])
    records = []
    with apart(words) as url:
        config = ProxyConfig(mode="live", upstream=Endpoint(base_url=url, key=KEY))
        with Proxy(config, records.append) as proxy, httpx.Client(trust_env=False) as client:
            ways = {"direct": (url, KEY), "proxied": (proxy.base_url, proxy.token)}
            times = {name: [] for name in ways}
            for _ in range(calls):
                for name, (base, token) in ways.items():
                    headers = key_headers("openai-chat", token)
                    times[name].append(one(client, f"{base}/v1/chat/completions", headers, body))
    return [tuple(statistics.median(column) for column in zip(*times[name], strict=True)) for name in times]


if __name__ == "__main__":
    direct, proxied = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    for what, one_way, other in zip(("first event", "last event"), direct, proxied, strict=True):
        line = f"{what}: direct {one_way:.2f} ms, proxied {other:.2f} ms, +{other - one_way:.2f} ms"
        sys.stdout.write(f"{line} ({other / one_way:.2f} x)\n")
