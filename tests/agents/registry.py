"""A registry of npm and a folder of wheels with one tiny agent each, so that real installers run offline."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Prints its version, fills the cache that it is given, and says who runs its install script.
PROGRAM = """#!/usr/bin/env node
const fs = require('fs'), path = require('path');
if (process.env.TINY_CACHE) fs.writeFileSync(path.join(process.env.TINY_CACHE, 'warm'), 'x');
const scripted = fs.existsSync(path.join(__dirname, 'scripted'));
console.log(`tiny 1.2.3 scripted=${scripted} node=${process.version} ${process.argv.slice(2).join(' ')}`);
"""


def tarball() -> bytes:
    manifest = {
        "name": "tiny", "version": "1.2.3", "bin": {"tiny": "tiny.js"},
        "scripts": {"install": "node -e \"require('fs').writeFileSync('scripted', '')\""},
    }  # fmt: skip
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in (("package.json", json.dumps(manifest)), ("tiny.js", PROGRAM)):
            info = tarfile.TarInfo(f"package/{name}")
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@contextmanager
def npm_registry() -> Iterator[str]:
    """Serve the package tiny@1.2.3 on loopback and yield the address."""
    packed = tarball()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = f"http://127.0.0.1:{self.server.server_address[1]}"
            dist = {"tarball": f"{base}/tiny/-/tiny-1.2.3.tgz", "integrity": integrity}
            version: dict[str, Any] = {"name": "tiny", "version": "1.2.3", "bin": {"tiny": "tiny.js"},
                                       "hasInstallScript": True, "dist": dist}  # fmt: skip
            packument = {"name": "tiny", "dist-tags": {"latest": "1.2.3"}, "versions": {"1.2.3": version}}
            found = {"/tiny": json.dumps(packument).encode(), "/tiny/-/tiny-1.2.3.tgz": packed}
            body = found.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"{}")))
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wheel_in(folder: Path) -> None:
    """Write a wheel of tiny 1.2.3 whose command prints its version."""
    info = "tiny-1.2.3.dist-info"
    files = {
        "tiny.py": "def main():\n    print('tiny 1.2.3')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.2.3\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "tiny-1.2.3-py3-none-any.whl", "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
