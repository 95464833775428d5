"""What networks that are trained to measure others share: sets to train and to test on, and files."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import chex
import jax
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from gan_jax import __version__
from gan_jax.data import Source, captions, label_maps, open_source
from gan_jax.errors import UserError
from gan_jax.files import ARRAYS_MARK, claim, replacing
from gan_jax.progress import progress


class Sets(NamedTuple):
    """What a network is trained on, what it is tested on, and in words what that is."""

    train: Source
    test: Source
    tested_on: str


def open_sets(config, out: Path, *, test: str | None, seed: int, overwrite: bool) -> Sets:
    """The sets of a network that is to be written to a file.

    Args:
        config: the data, see `gan_jax.data.open_source`.
        out: the .npz file.
        test: another `config.source` of equal fields; None: a tenth of the set is held out.
        seed: which tenth.
        overwrite: whether a network that is there already may be replaced.

    Raises:
        UserError: a test set that does not fit, or something else is there.
    """
    for name in filter(None, (config.source, test)):
        if Path(name.partition(":")[2]).expanduser().resolve() == out.resolve():
            raise UserError(f"--out={out} is the data, {name}: choose another file")
    claim(out, overwrite)
    source = open_source(config)
    if test:
        own = ConfigDict({**config, "source": test})
        label_maps.settle(own, source.fields)
        tests = captions.in_words_of(source.fields, open_source(own))
        fixed = set(source.fields) - {captions.NAME}
        kinds = [{name: each.fields[name][:3] for name in fixed & set(each.fields)} for each in (source, tests)]
        if kinds[0] != kinds[1]:
            raise UserError(f"--test={test} has images of another shape, or other classes, than {config.source}")
        return Sets(source, tests, test)
    order = np.random.default_rng(seed).permutation(len(source))
    held_out = max(len(source) // 10, 1)
    return Sets(source.select(order[held_out:]), source.select(order[:held_out]), "a tenth held out")


def fit(
    title: str, loss: Callable, params: dict, read: Callable, *, steps: int, learning_rate: float, seed: int
) -> dict:
    """Parameters after some steps of Adam, with a rate that falls to zero along a cosine.

    Args:
        title: of the progress.
        loss: `(params, key, *batch) -> scalar`.
        params: at the start.
        read: `number of the step -> batch`, arrays.
        steps: of Adam.
        learning_rate: at the start.
        seed: of the keys, one a step.
    """
    optimizer, key = optax.adam(optax.cosine_decay_schedule(learning_rate, steps)), jax.random.key(seed)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, key, number, *batch):  # the key is no constant: one program for all seeds, which is cached
        updates, state = optimizer.update(jax.grad(loss)(params, jax.random.fold_in(key, number), *batch), state)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for number in progress(title, steps):
        params, state = step(params, state, key, np.int32(number), *read(number))
    return params


def halved(params: dict) -> dict:
    """Parameters as `save` writes them: in half precision."""
    return jax.tree.map(lambda leaf: np.float32(np.float16(leaf)), params)


def save(path: Path, params: dict, about: dict) -> None:
    """Writes an .npz of the parameters, in half precision, and of what is known about them."""
    arrays = {name: np.asarray(leaf, np.float16) for name, leaf in flatten_dict(params, sep="/").items()}
    with replacing(path) as file:
        np.savez_compressed(file, about=json.dumps({**about, "gan_jax": __version__}), **ARRAYS_MARK, **arrays)


def load(path: Path, init: Callable[[dict], dict], kind: str) -> tuple[dict, dict, str]:
    """(the parameters, what is known about them, their SHA-256) of a file of `save`.

    Args:
        path: of the file.
        init: what is known -> parameters of the same shapes; it is not run.
        kind: of network, as its mode, train_KIND, calls it.

    Raises:
        UserError: there is no such file, or it is of another kind.
    """
    try:
        with np.load(path) as file:
            about = json.loads(str(file["about"]))
            leaves = {name: file[name].astype(np.float32) for name in file.files if name not in ("about", *ARRAYS_MARK)}
        params = unflatten_dict(leaves, sep="/")
        chex.assert_trees_all_equal_shapes(params, jax.eval_shape(lambda: init(about)))
    except FileNotFoundError:
        raise UserError(f"there is no {kind} {path}: make one with --mode=train_{kind} --out={path}") from None
    except (OSError, ValueError, TypeError, KeyError, AssertionError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{path} is not a {kind} that --mode=train_{kind} has written") from None
    digest = hashlib.sha256(b"".join(leaves[name].tobytes() for name in sorted(leaves))).hexdigest()
    return params, about, digest
