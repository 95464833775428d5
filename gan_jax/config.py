"""A config: the keys of the loop, and how those of all owners become one.

Data, optimizers, evaluation and each game declare their keys where they use them, see `gan_jax.keys`; a config is
composed for its game, so a key that is not used does not exist.
"""

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gan_jax import __version__, keys, migration, stopping
from gan_jax.errors import UserError
from gan_jax.files import replacing
from gan_jax.keys import SIZES, TINY, Key, Schema
from gan_jax.lookup import import_by_name

LOOP = {
    "seed": Key(0, "of first parameters, batches and noise", 0, 2**32 - 1),
    "batch_size": Key(64, "real examples in a turn, over all devices", 1, SIZES),
    "micro_batches": Key(1, "parts of a batch, computed one after the other to save memory", 1, SIZES),
    "dtype": Key("float32", "of networks; all else stays float32", choices=("float32", "bfloat16")),
    "remat": Key(False, "compute activations again in the backward pass, to save memory", resumable=True),
    "init": {
        "workdir": Key("", "a run whose networks this one begins with, where they fit; it needs it at its start alone"),
        "checkpoint": Key("last", "of that run: last, best, or a number of rounds"),
    },
    "total_kimg": Key(100.0, "length: thousands of real images shown to the discriminator", TINY, 1e12, resumable=True),
    "ema": {
        "half_life_kimg": Key(10.0, "of the averaged parameters", 0),
        "ramp_up": Key(0.05, "the half-life is at most this share of the images seen", TINY, 1),
        "others_kimg": Key("", "half-lives of further averages, such as 1,100; --half_life chooses one afterwards"),
    },
    "log_kimg": Key(2.0, "between two lines of the log", TINY, resumable=True),
    "sample_kimg": Key(10.0, "between two pictures of samples", TINY, resumable=True),
    "eval_kimg": Key(50.0, "between two evaluations", TINY, resumable=True),
    "checkpoint_kimg": Key(20.0, "between two checkpoints", TINY, resumable=True),
    "keep_checkpoints": Key(3, "how many of the newest are kept, besides the best", 1, SIZES, resumable=True),
    "stop": stopping.KEYS,
}  # fmt: skip


def schema_of(config: Mapping[str, Any]) -> Schema:
    """All keys of a config, given the names in it: of its game, its networks, its optimizers, its terms.

    Raises:
        UserError: there is no game of that name.
    """
    from gan_jax import data, evaluation, optimizers

    game = game_module(config.get("game", "adversarial"))
    return {
        "game": Key("adversarial", "a module of gan_jax.games, or any that Python can import"),
        **LOOP,
        "optimizers": optimizers.keys,
        "data": data.KEYS,
        "evaluation": evaluation.KEYS,
        **getattr(game, "KEYS", {}),
    }


def game_module(name: str) -> Any:
    """The module of a game.

    Raises:
        UserError: there is none.
    """
    from gan_jax import games

    return sys.modules[import_by_name(games, name, "game", member="make_game").__module__]


def config_for(game: str = "adversarial") -> ConfigDict:
    """A config for a game, every key at its default; a config file changes some and returns it.

    The adversarial one is the textbook DCGAN on the digits that come with the package.

    Raises:
        UserError: there is no such game.
    """
    given = {"game": game, **getattr(game_module(game), "DEFAULTS", {})}
    return ConfigDict(keys.complete(schema_of(given), given))


def complete(config: Mapping[str, Any]) -> ConfigDict:
    """The config with the defaults of keys that it leaves out, locked.

    Raises:
        UserError: unknown keys, impossible values, all of them in one line.
    """
    given = config.to_dict() if isinstance(config, ConfigDict) else dict(config)
    return ConfigDict(keys.complete(schema_of(given), given)).lock()


def override(config: Mapping[str, Any], changes: Mapping[str, str]) -> ConfigDict:
    """The config with changes from a command line.

    Where a name changes, of a network say, the old one's keys that the new one does not have are dropped; with another
    game go the networks and terms. A term, or an optimizer of a player, that is not there yet is added.

    Args:
        config: complete or not.
        changes: {"dotted.key": "value"}.

    Raises:
        UserError: a key that there is not, or that is a group; a value of another kind.
    """
    given = json.loads(config.to_json())
    renamed = set()
    for key, text in changes.items():  # names first: they decide what other keys there are
        group, last = _group_of(given, key)
        if (last == "name" or key == "game") and group.get(last) != text:
            renamed.add(key.rpartition(".")[0])
            if key == "game":
                given = {name: own for name, own in given.items() if name not in ("networks", "terms")}
                given |= getattr(game_module(text), "DEFAULTS", {})
                group = given
        if last in ("name", "function", "game"):
            group[last] = text
    schema = schema_of(given)
    for prefix in renamed:
        _drop_unknown(schema, given, prefix.split(".") if prefix else [])
    # Its defaults are not kept: those of a player's optimizer may change with `optimizers.default`.
    completed = keys.complete(schema, given)
    known = {name: key for name, key, _ in keys.leaves(schema_of(completed), completed)}
    for key, text in changes.items():
        if inside := [name for name in known if name.startswith(f"{key}.")]:
            raise UserError(f"--config.{key}={text}: {key} is a group, set one of {', '.join(inside)}")
        if key not in known:
            hint = keys.closest(key, known, beside=_names_beside(key, known))
            raise UserError(f"--config.{key}={text}: there is no such key in this config; {hint}")
        group, last = _group_of(given, key)
        try:
            group[last] = known[key].parse(text)
        except (ValueError, KeyError):
            raise UserError(f"--config.{key}={text}: must be of the kind of {known[key].default!r}") from None
    return complete(given)


def _group_of(given: dict, key: str) -> tuple[dict, str]:
    """The group that a dotted key lies in, made if it is not there, and the key's last name."""
    *groups, last = key.split(".")
    for name in groups:
        given = given.setdefault(name, {})
        if not isinstance(given, dict):
            raise UserError(f"--config.{key}: {name} is a key, not a group of keys")
    return given, last


def _names_beside(key: str, known: Iterable[str]) -> list[str]:
    """The names in the group that a dotted key would lie in; [] if there is no such group."""
    group = "".join(key.rpartition(".")[:2])
    return list(dict.fromkeys(name.removeprefix(group).partition(".")[0] for name in known if name.startswith(group)))


def _drop_unknown(schema: Schema, given: dict, path: list[str]) -> None:
    """Drops from the group at a path the keys that are not in its schema."""
    for name in path:
        schema, given = keys.resolve(schema, given)[name], given[name]
    schema = keys.resolve(schema, given)
    for name in [name for name in given if name not in schema]:
        del given[name]


def reject_another(config: ConfigDict, workdir: Path, players: Collection[str]) -> None:
    """Rejects a config that would not continue the run in `workdir`.

    Args:
        config: complete.
        workdir: of the run.
        players: those that move. How their optimizers are written, with defaults or without, makes no difference.

    Raises:
        UserError: all keys that differ.
    """
    both = config.to_dict(), load(workdir / "config.json").to_dict()
    named = {name for each in both for name in each["optimizers"]}
    used = {player if player in named else "default" for player in players}
    new, old = (_lasting(each, used) for each in both)
    differ = [
        f"{key}: {old.get(key, 'absent')!r} there, {new.get(key, 'absent')!r} now"
        for key in sorted(new.keys() | old.keys())
        if new.get(key) != old.get(key)
    ]
    if differ:
        raise UserError(f"{workdir} holds a run with another config ({'; '.join(differ)}): choose another --workdir")


def _lasting(config: dict[str, Any], used: Collection[str]) -> dict[str, Any]:
    """{dotted key: value} of what may not change when a run is resumed; of optimizers, the names of those in use."""
    optimizers = config["optimizers"]
    default = optimizers["default"]
    config = {**config, "optimizers": {"default": default, **{name: optimizers.get(name, default) for name in used}}}
    lasting = {name: value for name, key, value in keys.leaves(schema_of(config), config) if not key.resumable}
    unused = () if "default" in used else "optimizers.default."
    return {name: value for name, value in lasting.items() if not name.startswith(unused)}


def save(config: ConfigDict, path: Path) -> None:
    """Writes the complete config as JSON, with the version that wrote it, in one piece."""
    with replacing(path) as file:
        file.write((json.dumps({"version": __version__, **config.to_dict()}, indent=2) + "\n").encode())


def load(path: Path) -> ConfigDict:
    """Reads the config of a run, also of an older version's.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    try:
        stored = json.loads(path.read_text())
        if not isinstance(stored, dict) or not {"seed", "game"} <= stored.keys():
            raise ValueError("it lacks keys that every config has")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not the config of a run ({error})") from None
    version = stored.pop("version", "0.1.0")
    try:
        return complete(migration.config(stored, version))
    except (UserError, KeyError, TypeError, AttributeError) as error:
        by = (
            "" if version == __version__ else f" that this version, {__version__}, can read; gan_jax {version} wrote it"
        )
        raise UserError(f"{path} is not the config of a run{by} ({error})") from None
