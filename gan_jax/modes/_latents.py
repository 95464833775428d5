"""Flags and files that the modes of latent space share."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.modes import average, shared


def define(values: flags.FlagValues, out: str) -> None:
    """Declares which latents of which run are meant, and where the result goes."""
    text = partial(flags.DEFINE_string, flag_values=values)
    shared(values, "workdir")
    text("seeds", None, "Numbers of samples from 0, as --mode=sample shows them: 1,2,5-8.")
    text("latents", None, "A file of latents of this run, in place of seeds.")
    text("label", None, "Of a conditional run, a class, by its name or number; by default that of each sample.")
    text("space", None, "z or w; by default the one that is best to move in.")
    flags.DEFINE_float("truncation", 1.0, "psi: below 1, latents nearer to their mean.", flag_values=values)
    text("out", None, out)
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def check(
    mode: str, *, workdir, seeds, latents, out: Path | None, seed: int, suffixes: tuple[str, ...], overwrite
) -> None:
    """Raises UserError for flags that are missing, or that do not go together, before JAX is started."""
    from gan_jax.files import claim

    if workdir is None or out is None or (seeds is None) == (latents is None):
        raise UserError(
            f"--mode={mode} needs --workdir=DIR, --out=FILE{suffixes[0]} and --seeds=1,2,3 or --latents=FILE"
        )
    cli.check_seed(seed)
    if out.suffix.lower() not in suffixes:
        raise UserError(f"--out={out}: the extension must be one of {', '.join(suffixes)}")
    claim(out, overwrite)


def parse_seeds(text: str, flag: str = "--seeds") -> list[int]:
    """Numbers and ranges, such as 1,2,5-8.

    Raises:
        UserError: it is written otherwise.
    """
    found = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or max(int(first), int(last or 0)) >= 2**31:
            raise UserError(f"{flag}={text}: must be numbers of samples from 0, such as 1,2,5-8")
        found += range(int(first), int(last or first) + 1)
    if not found:
        raise UserError(f"{flag}={text}: there is no number in it")
    return found


@contextlib.contextmanager
def opened(workdir: str, checkpoint: str, ema: bool, half_life: str | None, code) -> Iterator:
    """The model of a run, see `gan_jax.latent.model`."""
    workdir = Path(workdir).expanduser()
    cli.start_jax()
    from gan_jax.run import load

    with own_code.trusting(workdir, code):
        yield load(workdir, checkpoint).model(average(ema, half_life))


def read(model, *, seeds: str | None, latents: str | None, label, space, truncation: float, seed: int):
    """The latents that the flags mean.

    Raises:
        UserError: see its message.
    """
    from gan_jax.sampling import labels_for

    if latents is not None:
        if label is not None or space is not None:
            raise UserError("--latents: a file says its space and its classes itself, leave --label and --space out")
        found = model.load(Path(latents).expanduser())
    else:
        numbers = parse_seeds(seeds)
        labels = labels_for(max(numbers) + 1, model.classes, label)[numbers]
        found = model.draw(numbers, labels, space, seed)
    return model.truncated(found, truncation) if truncation != 1 else found
