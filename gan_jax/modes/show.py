"""Shows every key of a config, or of a run: its value, what else it may be, and what it is.

python main.py --mode=show --config=ring_mlp
python main.py --mode=show --workdir=runs/ring_mlp
"""

from collections.abc import Mapping
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.keys import Key, leaves
from gan_jax.modes import DEFAULT_CONFIG, shared


def define(values: flags.FlagValues) -> None:
    shared(values, "workdir", "code", config=None)  # or a run's: so by default it is none


def run(*, config: str | None, changes: Mapping[str, str], workdir: str | None, code=None) -> None:
    if workdir and (config or changes):
        raise UserError("--mode=show shows a config, --config=NAME, or a run's, --workdir=DIR, not both")
    from gan_jax.config import load, schema_of

    if workdir:
        workdir = Path(workdir).expanduser()
        with own_code.trusting(workdir, code):
            shown = load(workdir / "config.json").to_dict()
            rows = list(leaves(schema_of(shown), shown))
    else:
        shown = cli.configure(config or DEFAULT_CONFIG, changes).to_dict()
        rows = list(leaves(schema_of(shown), shown))
    cli.print_table((f"{name} = {as_typed(value)}", describe(key, value)) for name, key, value in rows)


def describe(key: Key, value) -> str:
    """What a key is, and, in brackets, its default if that is not its value, and what else it may be."""
    notes = [f"default {as_typed(key.default)}"] if value != key.default else []
    notes += [key.allowed()] if key.allowed() else []
    notes += ["may change on resume"] if key.resumable else []
    doc = key.doc.removesuffix(".")
    return f"{doc} ({'; '.join(notes)})" if notes else doc


def as_typed(value) -> str:
    """A value as a person would type it on a command line."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value}"
