"""Do one thing (verify, chain, rescore, nothing) with a ledger and print the peak memory that it took."""

import json
import resource
import sys
from pathlib import Path

from benchledger.ledger.rescore import rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.history import Selection
from benchledger.scorers.composite import CAB_01, GATED_1


def _own_kib() -> int:
    # Not ru_maxrss, which a process inherits from the one that started it.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(work: str, path: Path) -> None:
    if work in {"verify", "chain"}:
        report = verify(path, VerifyOptions(chain_only=work == "chain", use_last_seen=False))
        assert report.ok, report.defects[:3]
    elif work == "rescore":
        with Ledger.open(path) as ledger:
            rescore(ledger.connection, CAB_01, GATED_1, Selection())
    # The largest child beside this process; pages that both share are counted twice.
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"peak_mib": (_own_kib() + children) / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
