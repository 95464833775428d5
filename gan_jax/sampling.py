"""What the maps of a game make: samples, translations, classes, ..., while it is trained and afterwards."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import averages
from gan_jax.data import captions
from gan_jax.data.source import Rows, Source
from gan_jax.errors import Diverged, UserError
from gan_jax.game import Game, Map, State, Variables
from gan_jax.growing import GROWTH
from gan_jax.keys import closest
from gan_jax.modalities import Fields, to_model
from gan_jax.runners import spread_over_devices

CALIBRATION_BATCHES, CALIBRATION_BATCH_SIZE = 32, 64
CALIBRATED_ON = CALIBRATION_BATCHES * CALIBRATION_BATCH_SIZE
NUMBERS = 2**21  # in all examples that a map is given at once, so that there is memory for large ones


def make_averager(game: Game) -> Callable[..., Variables]:
    """`(state, half_life) -> variables` with averaged parameters, and running statistics re-estimated for them.

    The statistics of batch normalization belong to the parameters under which they were gathered; those of the
    averaged generator are estimated from 32 batches of 64 samples of its own (an exponential average, momentum 0.9).
    With a half-life it is one of the further averages, see `averages.choose`.
    """
    calibrate = jax.jit(game.calibrate) if game.calibrate else None

    def average(state: State, half_life: str | None = None) -> Variables:
        state = averages.choose(state, half_life)
        averaged = {player: {**state.variables[player], "params": params} for player, params in state.ema.items()}
        variables = {**state.variables, **averaged}
        if calibrate and any(own.keys() - {"params", GROWTH} for own in averaged.values()):
            for batch in range(CALIBRATION_BATCHES):
                index = jnp.arange(CALIBRATION_BATCH_SIZE) + batch * CALIBRATION_BATCH_SIZE
                variables = calibrate(variables, jax.random.key(0), index)
        return variables

    return average


def make_sampler(game_map: Map, fields: Fields, at_once: int = 128) -> Callable[..., np.ndarray]:
    """`sample(variables, key, given, index) -> examples [n, ...]` of the field that the map makes, as stored.

    Example i is a function of `(key, index[i], given[i])`, whichever others are made with it.

    Args:
        game_map: what is sampled.
        fields: of the run.
        at_once: at most so many examples are made at a time on each device, and fewer cost as much. Of large examples
            that the map is given, fewer are taken at a time.

    The sampler's arguments are the game's variables, a key, {field: [n, ...]}, as stored, for each name in
    `game_map.given`, and int [n], the places of the examples in the noise. It raises Diverged if a result is not
    finite.
    """
    made = fields[game_map.makes]

    @jax.jit
    def apply(variables, index, given, key):
        return game_map.apply(variables, key, index, to_model(given, fields))

    def sample(variables: Variables, key: jax.Array, given: dict[str, np.ndarray], index: np.ndarray) -> np.ndarray:
        largest = max((math.prod(examples.shape[1:]) for examples in given.values()), default=1)
        rows = np.asarray(index, np.int32), given
        results = in_parts(partial(apply, key=key), variables, rows, max(1, min(at_once, NUMBERS // largest)))
        return made.modality.from_model(checked(results, game_map.makes), made)

    return sample


def in_parts(apply: Callable, variables: Variables, columns: Any, at_once: int) -> np.ndarray:
    """What `apply(variables, *columns)` makes of all rows, at most `at_once` at a time on each device.

    A part is always as large: one compilation.

    Args:
        apply: row by row.
        variables: of the game.
        columns: trees of arrays [n, ...].
        at_once: rows.
    """
    replicated, sharded = spread_over_devices()
    n, chunk = len(jax.tree.leaves(columns)[0]), at_once * jax.local_device_count()
    variables, parts = jax.device_put(variables, replicated), []
    for start in range(0, n, chunk):
        rows = start + np.arange(chunk) % min(chunk, n - start)
        part = jax.tree.map(lambda column, rows=rows: column[rows], columns)
        parts.append(np.asarray(apply(variables, *jax.device_put(part, sharded))))
    return np.concatenate(parts)[:n]


def checked(results: np.ndarray, name: str) -> np.ndarray:
    """Results of a field.

    Raises:
        Diverged: they are not finite.
    """
    if not np.isfinite(results).all():
        raise Diverged(f"generated examples ({name}) are not finite")
    return results


@dataclasses.dataclass(frozen=True)
class Generated:
    """A column of examples that are generated when they are read."""

    generate: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.generate(rows)


def generated(
    game_map: Map, fields: Fields, variables: Variables, given: Mapping[str, Any], num: int, seed: int
) -> Source:
    """What a map makes as a data set: example i is generated whenever it is read, and always the same.

    Args:
        game_map: what is sampled.
        fields: of the run.
        variables: of its game.
        given: {field: column of at least `num` rows} for each name in `game_map.given`, see `given_for`.
        num: examples.
        seed: of the noise; example i depends on it, on i and on row i of what is given alone.

    Returns:
        A source of the field that the map makes and of those that it is given.
    """
    sample, key = make_sampler(game_map, fields), jax.random.key(seed)
    variables = jax.device_put(variables, spread_over_devices()[0])

    def generate(rows):
        return sample(variables, key, {name: np.asarray(column[rows]) for name, column in given.items()}, rows)

    made = Generated(generate, (num, *fields[game_map.makes].shape))
    columns = {game_map.makes: made} | dict(given) | {game_map.makes: made}  # the first, and not what has its name
    return Source({name: fields[name] for name in columns}, columns)


def given_for(source: Source, game_map: Map) -> dict[str, Any]:
    """What a map is given for each row of a source: {field: column of so many rows}.

    It is the row's own, or, of a field that only the unpaired set has, that of one of its rows after the other.

    Raises:
        UserError: neither set has a field that the map is given.
    """
    columns, unpaired = {}, source.splits.get("unpaired")
    for name in game_map.given:
        if name in source.fields:
            columns[name] = source.columns[name]
        elif unpaired is not None and name in unpaired.fields:
            columns[name] = Rows(unpaired.columns[name], np.arange(len(source)) % len(unpaired))
        else:
            raise UserError(f"this run makes {game_map.makes!r} of {name!r}, which the data set does not have")
    return columns


def from_noise(game_map: Map) -> bool:
    """Whether a map makes examples from noise, of all classes or of one that it is given."""
    return set(game_map.given) <= {"label"}


def told(game_map: Map) -> bool:
    """Whether a person can say all that a map is given: a class, or in words what is wanted."""
    return set(game_map.given) <= {"label", captions.NAME}


def wanted(source: Source, game_map: Map) -> bool:
    """Whether each row of a source holds what the map shall make of what it is given there; never of noise."""
    return not from_noise(game_map) and source.fields.keys() >= {*game_map.given, game_map.makes}


def has_targets(source: Source, game_map: Map) -> bool:
    """Whether what a map makes of each row of a source is wanted just as it stands there; of words it is not."""
    return wanted(source, game_map) and not told(game_map)


def labels_for(n: int | np.ndarray, names: tuple[str, ...], label: str | int | None = None) -> np.ndarray:
    """The labels of n samples.

    Args:
        n: how many; or their numbers, int [n].
        names: of the classes; (): the model is unconditional.
        label: the name of a class, or its number from 0, also as text; None: each class in turn.

    Returns:
        int32 [n], all -1 if the model is unconditional.

    Raises:
        UserError: a label that the model does not have.
    """
    index = np.arange(n, dtype=np.int32) if isinstance(n, int) else n.astype(np.int32)
    if label is None:
        return index % len(names) if names else np.full(len(index), -1, np.int32)
    if not names:
        raise UserError(f"--label={label}: this model is unconditional (its labels were not used)")
    numbers = list(map(str, range(len(names))))
    for known in (names, numbers) if isinstance(label, str) else (numbers,):
        if str(label) in known:
            return np.full(len(index), known.index(str(label)), np.int32)
    hint = "" if list(names) == numbers else f", or their names; {closest(str(label), names)}"
    raise UserError(f"--label={label}: the labels of this model are 0 to {len(names) - 1}{hint}")


def captions_for(
    numbers: np.ndarray, game: Game, fields: Fields, text: str | Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """{"caption": those of n samples, int32 [n, 1, L]}; {} if the game makes nothing of captions.

    Args:
        numbers: of the samples, int [n].
        game: that makes them.
        fields: of the run.
        text: a caption, or several, which take turns; None: some of those that the run was trained on.

    Raises:
        UserError: there is a text, but the game makes nothing of it, or does not know a word of it.
    """
    if not any(captions.NAME in each.given for each in game.maps.values()):
        if text is not None:
            raise UserError(f"--text={text}: this run makes nothing of captions")
        return {}
    asked = [text] if isinstance(text, str) else text
    return {captions.NAME: captions.told(asked, np.asarray(numbers), fields[captions.NAME])}
