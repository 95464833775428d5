"""The numbers of the peers, as the scripts in `make` have written them."""

from pathlib import Path

import numpy as np


def load(name: str) -> dict:
    """What `make` wrote to NAME.npz: arrays, and dicts of arrays where it packed many into one."""
    with np.load(Path(__file__).with_name(f"{name}.npz")) as file:
        numbers = dict(file)
    for group in [key.removesuffix(".names") for key in numbers if key.endswith(".names")]:
        numbers[group] = _unpacked(numbers.pop(f"{group}.names"), numbers.pop(group))
    return numbers


def _unpacked(names: np.ndarray, flat: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays from their concatenation; each name is followed by the sides of its shape: "linear.weight 3 4"."""
    arrays, start = {}, 0
    for name, *shape in map(str.split, names):
        shape = tuple(map(int, shape))
        arrays[name] = flat[start : start + np.prod(shape, dtype=int)].reshape(shape)
        start += arrays[name].size
    return arrays
