"""Write docs/controls.md from the catalogue: `python -m verify.catalogue > docs/controls.md`."""

from __future__ import annotations

from verify.catalogue import load
from verify.catalogue.document import render

if __name__ == "__main__":
    print(render(load().values()), end="")
