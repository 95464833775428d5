"""What the program can do, a file each. A mode is a module with

- a docstring: its first line is what `--help` says of it, the rest is in its own help;
- `define(values)`, which declares its flags on absl's `FlagValues`;
- `run(**flags)`, which gets the value of each of them, and, if one is `config`, also `changes`,
  {"dotted.key": "value"}, what was given as --config.KEY=VALUE.

`--mode=NAME` is a module of this package, or any other that Python can import. JAX is imported by `run` alone, after
mistakes have been found: so help and errors come at once.
"""

from pathlib import Path
from typing import Any

from absl import flags

from gan_jax.errors import UserError

DEFAULT_CONFIG = "digits_dcgan"
SHARED = {
    "config": (
        flags.DEFINE_string,
        DEFAULT_CONFIG,
        "A config's name (--mode=configs lists them), NAME:WORD for a variant, or FILE.py; "
        "--config.KEY=VALUE changes any key (--mode=show lists them).",
    ),
    "workdir": (flags.DEFINE_string, None, "The run's folder."),
    "seed": (flags.DEFINE_integer, 0, "Of all that is random."),
    "ema": (flags.DEFINE_bool, True, "Use the averaged parameters; --noema: the newest ones."),
    "half_life": (
        flags.DEFINE_string,
        None,
        "Use the average with this half-life in kimg, one of the run's config.ema.others_kimg.",
    ),
    "checkpoint": (flags.DEFINE_string, "last", "last, best, or a number of rounds."),
    "code": (
        flags.DEFINE_multi_string,
        None,
        "A folder with modules of yours that the run names, which may then be executed. A run that was trained here "
        "needs none. It may be repeated.",
    ),
    "overwrite": (flags.DEFINE_bool, False, "Replace files that gan_jax has made; others are never replaced."),
}


def shared(values: flags.FlagValues, *names: str, **defaults: Any) -> None:
    """Declares flags that several modes have, some with another default.

    Args:
        values: of the mode.
        names: keys of `SHARED`.
        defaults: {name: default}, of further ones.
    """
    for name in (*names, *defaults):
        define, default, doc = SHARED[name]
        define(name, defaults.get(name, default), doc, flag_values=values)


def average(ema: bool, half_life: str | None) -> bool | str:
    """Which parameters the flags ask for, see `gan_jax.run.Run.variables`.

    Raises:
        UserError: they ask for the newest and for an average.
    """
    if half_life and not ema:
        raise UserError(f"--half_life={half_life} and --noema: choose one of them")
    return half_life or ema


def texts(values: flags.FlagValues) -> None:
    """Declares --text."""
    doc = "Of a run that makes pictures of captions, a caption, or a .txt file of one a line. It may be repeated."
    flags.DEFINE_multi_string("text", None, doc, flag_values=values)


def said(texts: list[str] | None) -> list[str] | None:
    """The captions that the flag --text gives; None: it is not given.

    Raises:
        UserError: a file that cannot be read, or nothing is said.
    """
    if texts is None:
        return None
    captions = []
    for text in texts:
        lines = [text]
        if text.endswith(".txt"):
            try:
                lines = Path(text).expanduser().read_text().splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(f"--text={text} cannot be read ({error})") from None
        captions += [line for line in lines if line.strip()]
    if not captions:
        raise UserError(f"--text={','.join(texts)}: there is no word in it")
    return captions
