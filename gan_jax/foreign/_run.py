"""A run of weights that other code has trained: its state before the first round, with these weights in it."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import flax
import jax
import numpy as np

from gan_jax import averages, cli, data, foreign, modalities
from gan_jax.errors import UserError
from gan_jax.experiment import Experiment, build
from gan_jax.foreign import Format, Network, Place
from gan_jax.game import State
from gan_jax.lookup import import_by_name
from gan_jax.loop import open_workdir
from gan_jax.modalities import Fields
from gan_jax.modes.show import as_typed
from gan_jax.transfer import OF_NETWORKS


def find_format(name: str) -> Format:
    """The format of that name: of `gan_jax.foreign`, or of any module that Python can import.

    Raises:
        UserError: there is none.
    """
    try:
        return import_by_name(foreign, name, "format", member="FORMAT")
    except UserError as error:  # which names the key of a config
        raise UserError(str(error).replace(f"--config.format={name!r}", f"--format={name}")) from None


def import_weights(
    name: str, paths: Iterable[Path | None], workdir: Path, config: str | None, changes: Mapping[str, str]
) -> None:
    """Writes a run whose networks have the weights in some files, as its first checkpoint; prints what came of it.

    Its config is what the files say, on top of `config`. What they don't say, such as how it would be trained on, is
    as there. Its data set is opened if it is there: then the run can also be trained on.

    Args:
        name: of the format.
        paths: of the files, in the order of the format's `files`; None: that one is missing.
        workdir: of the run, absent or empty.
        config: what --config gives; None: the format's own.
        changes: what --config.KEY=VALUE gives.

    Raises:
        UserError: see its message; nothing is written then.
    """
    chosen = find_format(name)
    networks = read(chosen, name, paths)
    config = config or chosen.config
    config = configured(chosen, networks, config, changes)
    fields, num_examples, lacking = examples(config, chosen.fields(networks, config))
    experiment = build(config, fields)
    state = averages.begin(filled(chosen, experiment, networks, config.seed), averages.half_lives(config))
    files = [[file.name, _hash(file)] for file in sorted({network.file for network in networks})]
    record = {"fields": modalities.to_json(fields), "num_examples": num_examples}
    with contextlib.closing(open_workdir(workdir, config, experiment.optimizers, write=True)) as checkpoints:
        checkpoints.save(state, record | {"imported": {"format": name, "files": files}})
    for network in networks:
        print(f"{network.file}: {_called(network)}, {_parameters(network, chosen):,} parameters")
    if missing := _missing(state, networks):
        print(f"not in the files, so as initialized: {', '.join(missing)}")
    if lacking:
        print(f"its data set is not there ({lacking}), by which it would be evaluated and trained on")
    print(f"-> {workdir}")


def read(chosen: Format, name: str, paths: Iterable[Path | None]) -> list[Network]:
    """The networks in the files.

    Raises:
        UserError: there are too many files, or none with a generator, or one cannot be read.
    """
    paths = list(paths)
    if len(paths) > len(chosen.files):
        raise UserError(f"--weights: {len(paths)} files, but --format={name} has {', '.join(chosen.files)}")
    given = [(path, file) for path, file in zip(paths, chosen.files, strict=False) if path is not None]
    networks = [network for path, file in given for network in chosen.read(path, file)]
    if not any(network.player == "generator" for network in networks):
        raise UserError(f"--weights names no generator: --format={name} has {', '.join(chosen.files)}, in this order")
    return networks


def configured(chosen: Format, networks: list[Network], name: str, changes: Mapping[str, str]) -> Any:
    """The config that the command line asks for, with what the files say.

    Raises:
        UserError: it is of another game, or changes what the files say, or they contradict each other.
    """
    asked = cli.configure(name, changes)
    if asked.game != chosen.game:
        raise UserError(f"--config={name}: its game is {asked.game}, these weights are of {chosen.game}")
    found, of = {}, {}
    for network in networks:
        for key, value in chosen.keys(network).items():
            if found.setdefault(key, value) != value:
                raise UserError(f"{network.file} needs --config.{key}={as_typed(value)}, {of[key]} {found[key]}")
            of.setdefault(key, network.file)
    before = _flat(asked)
    for key, value in found.items():
        if key in changes and before[key] != value:
            raise UserError(f"--config.{key}={changes[key]}: {of[key]} needs {as_typed(value)}")
    config = cli.configure(name, {**changes, **{key: as_typed(value) for key, value in found.items()}})
    after = _flat(config)
    if differ := [f"--config.{key}={as_typed(after[key])}" for key in found if before.get(key) != after[key]]:
        print(f"the weights are of --config={name} with {' '.join(differ)}")
    return config


def _flat(config) -> dict[str, Any]:
    return flax.traverse_util.flatten_dict(config.to_dict(), sep=".")


def examples(config, fields: Fields) -> tuple[Fields, dict[str, int], str]:
    """What the data set of the config says of the examples beside what the weights do, and how many it has.

    Returns:
        The set's fields, its number of examples, and ""; where there is no such set, or one of other examples, the
        given fields, {} and the reason.
    """
    try:
        source = data.open_source(config.data)
        found = data.fields_of(config.data, source)
    except UserError as error:
        return fields, {}, str(error)
    for name, field in fields.items():
        if name not in found or _form(found[name]) != _form(field):
            there = _form(found[name]) if name in found else "not there"
            return fields, {}, f"{config.data.source}: {name} is {there}, of these weights {_form(field)}"
    unpaired = source.splits.get("unpaired")
    return found, {"all": len(source), "unpaired": len(unpaired) if unpaired else 0}, ""


def _form(field: modalities.Field) -> str:
    shape = "x".join(map(str, field.shape))
    return f"{field.modality.name} {shape}".strip() + f" of {len(field.names)} classes" * bool(field.names)


def filled(chosen: Format, experiment: Experiment, networks: list[Network], seed: int) -> State:
    """The state before the first round, with the networks in place of those that would be initialized.

    It is without further averages, see `averages.begin`.

    Raises:
        UserError: an array that is missing, unknown, or of another shape.
    """
    shapes = averages.choose(experiment.state_shapes, None)
    arrays, averaged = {}, {}
    for network in networks:
        found = arrays_of(network, shapes.variables, chosen)
        if network.average:
            averaged |= {path: array for path, array in found.items() if path[1] == "params"}
        else:
            arrays |= found

    @jax.jit
    def rest(seed):  # what is not asked for is not computed: an initialization may take a minute to compile
        return {path: x for path, x in _leaves(experiment.init(seed).variables).items() if path not in arrays}

    @jax.jit
    def optimizers(variables):
        return {player: own.init(variables[player]["params"]) for player, own in experiment.optimizers.items()}

    values = {**jax.device_get(rest(np.uint32(seed))), **arrays}
    variables = _tree(shapes.variables, values)
    of_average = _tree(shapes.variables, {**values, **averaged})
    ema = {player: of_average[player]["params"] for player in shapes.ema}
    return State(np.zeros((), np.int32), variables, jax.device_get(optimizers(variables)), ema)


def _leaves(tree: dict) -> dict[tuple[str, ...], Any]:
    """{path: leaf} of nested dicts."""
    return {tuple(key.key for key in path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _tree(like: dict, leaves: dict[tuple[str, ...], Any]) -> dict:
    """Nested dicts as others, with these leaves."""
    return jax.tree.unflatten(jax.tree.structure(like), [leaves[path] for path in _leaves(like)])


def arrays_of(network: Network, variables: dict, chosen: Format) -> dict[tuple[str, ...], np.ndarray]:
    """{(player, collection, ...): array} of a network.

    Args:
        network: as a file has it.
        variables: shapes of a game's.
        chosen: the file's format.

    Raises:
        UserError: an array that is missing, unknown, or of another shape.
    """
    places, found = chosen.places(network), {}
    known = {name for place in places.values() for name in place.names}
    unused = [name for name in network.tensors if name not in known and name.split(".")[-1] not in chosen.unused]
    if unused:
        more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
        raise UserError(f"{network.file}: {unused[0]}{more} has no place in the network: it is of another one")
    for path, leaf in _leaves(variables[network.player]).items():
        name = ".".join(path)
        if path[0] not in OF_NETWORKS or (network.part and path[1] != network.part):
            continue
        if name not in places:
            raise UserError(f"{network.file} has nothing for {name} of the config's {network.player}")
        found[network.player, *path] = _made(network, name, places[name], leaf)
    return found


def _made(network: Network, name: str, place: Place, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    """The array that the run has under a name.

    Raises:
        UserError: it is missing, of another shape, or not finite.
    """
    tensors = [network.tensor(own) for own in place.names]
    try:
        made = place.make(*tensors)
    except (ValueError, IndexError):  # it has too few axes, or cannot be split
        made = tensors[0]
    if made.shape != leaf.shape:
        there = f"{place.names[0]} is {list(tensors[0].shape)}, as {name} {list(made.shape)}"
        raise UserError(f"{network.file}: {there}, where the config's {network.player} has {list(leaf.shape)}")
    if not np.isfinite(made).all():
        raise UserError(f"{network.file}: {place.names[0]} is not finite")
    return np.array(made, leaf.dtype, order="C")


def _missing(state: State, networks: list[Network]) -> list[str]:
    """The players, or parts of players, that no network is of."""
    found = []
    for player, own in state.variables.items():
        given = {network.part for network in networks if network.player == player}
        if not given:
            found.append(player)
        elif "" not in given:
            found += [f"{player} {part}" for part in own["params"] if part not in given]
    return found


def _parameters(network: Network, chosen: Format) -> int:
    places = chosen.places(network)
    names = {name for path, place in places.items() if path.startswith("params.") for name in place.names}
    return sum(network.tensors[name].size for name in names)


def _called(network: Network) -> str:
    return f"{network.player} {network.part}".strip() + " (averaged)" * network.average


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
