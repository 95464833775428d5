"""How the scripts here reach the peers' code, which is in no package."""

import sys
import textwrap
import types
from pathlib import Path

import numpy as np

CLONES = Path(*sys.argv[1:2])  # a folder that holds the clones, each named after its repository


def module(name: str, **members) -> types.ModuleType:
    """Stands in for a module that a peer imports and these scripts do not need."""
    made = types.ModuleType(name)
    vars(made).update(members)
    sys.modules[name] = made
    return made


def run(path: str, *starts: str, **names):
    """Runs parts of a file whose imports are not installed, or that is a loop, and gives all names that there are then.

    Args:
        path: of the file in the folder of clones.
        starts: how a part's first line begins; what is indented deeper, closing brackets and "else" belong to it.
        names: what the parts use.
    """
    for start in starts:
        exec(compile(_part((CLONES / path).read_text(), start), f"{path}: {start}", "exec"), names)
    return types.SimpleNamespace(**names)


def _part(source: str, start: str) -> str:
    lines = source.expandtabs().splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip().startswith(start))
    depth = len(lines[first]) - len(lines[first].lstrip())
    last = first + 1
    while last < len(lines):
        line = lines[last]
        deeper = len(line) - len(line.lstrip()) > depth
        if line.strip() and not deeper and not line[depth:].startswith((")", "]", "}", "else:")):
            break
        last += 1
    return textwrap.dedent("\n".join(lines[first:last]))


def save(name: str, **numbers) -> None:
    """Writes NAME.npz beside the tests: arrays, and dicts of arrays, which are packed: a zip's entries are large."""
    arrays = {}
    for key, value in numbers.items():
        if isinstance(value, dict):
            parts = {name: np.asarray(x) for name, x in value.items()}
            arrays[f"{key}.names"] = np.array([" ".join([name, *map(str, x.shape)]) for name, x in parts.items()])
            value = np.concatenate([x.ravel() for x in parts.values()])
        arrays[key] = np.asarray(value)
    path = Path(__file__).parents[1] / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    print(f"{path}: {path.stat().st_size} bytes")
