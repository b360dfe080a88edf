"""Generates the Python code of protos/. `--check` only says whether what is committed is what would be generated."""

import filecmp
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SERVICES = ROOT / "services"
WITH_SERVICES = "control"
"""Only these have gRPC services; the others are what topics carry."""


def generate(target: Path) -> list[Path]:
    """Writes the code of every .proto below `target`; the files, relative to it."""
    made = []
    for proto in sorted(PROTOS.rglob("*.proto")):
        name = proto.relative_to(PROTOS)
        flags = [f"--python_out={target}", f"--pyi_out={target}"]
        suffixes = ["_pb2.py", "_pb2.pyi"]
        if WITH_SERVICES in name.parts:
            flags.append(f"--grpc_python_out={target}")
            suffixes.append("_pb2_grpc.py")
        include = str(files("grpc_tools") / "_proto")
        if protoc.main(["protoc", f"-I{PROTOS}", f"-I{include}", *flags, str(proto)]) != 0:
            raise SystemExit(f"protoc failed on {name}")
        made += [name.with_name(name.stem + suffix) for suffix in suffixes]
    return made


def main() -> int:
    if "--check" not in sys.argv:
        for name in generate(SERVICES):
            print(name)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        stale = [
            name
            for name in generate(fresh)
            if not (SERVICES / name).exists() or not filecmp.cmp(fresh / name, SERVICES / name, shallow=False)
        ]
    for name in stale:
        print(f"services/{name} is not what protos/ says: run `make protos`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
