import pytest

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.config import Upstream as Endpoint
from benchledger.runners.proxy.server import Proxy
from tests.proxy.upstream import KEY, serving


@pytest.fixture
def upstream():
    with serving() as server:
        yield server


@pytest.fixture
def calls():
    return []


@pytest.fixture
def live(upstream, calls):
    """Return a function that makes a live proxy in front of the upstream."""

    def make(endpoint=None, **config):
        endpoint = endpoint or Endpoint(base_url=upstream.url, key=KEY)
        return Proxy(ProxyConfig(mode="live", upstream=endpoint, **config), calls.append)

    return make
