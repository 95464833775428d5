"""Flags and files that the modes of latent space share."""

import contextlib
from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli, own_code
from gan_jax.errors import UserError
from gan_jax.latent.mixing import parse_ranges
from gan_jax.modes import average, said, shared, texts

MOST = 100_000  # seeds


def define(values: flags.FlagValues, out: str) -> None:
    """Declares which latents of which run are meant, and where the result goes."""
    text = partial(flags.DEFINE_string, flag_values=values)
    shared(values, "workdir")
    text("seeds", None, "Numbers of samples from 0, as --mode=sample shows them: 1,2,5-8.")
    text("latents", None, "A file of latents of this run, in place of seeds.")
    text("label", None, "Of a conditional run, a class, by its name or number; by default that of each sample.")
    texts(values)
    text("space", None, "z or w; by default the one that is best to move in.")
    flags.DEFINE_float("truncation", 1.0, "psi: below 1, latents nearer to their mean.", flag_values=values)
    text("out", None, out)
    shared(values, "seed", "ema", "half_life", "checkpoint", "overwrite", "code")


def parse_seeds(text: str, flag: str = "--seeds") -> list[int]:
    """Numbers of samples.

    Raises:
        UserError: they are not written as numbers and ranges, or there is none, or too many or too large ones.
    """
    ranges = parse_ranges(text, flag, "numbers of samples from 0, such as 1,2,5-8")
    if sum(map(len, ranges)) > MOST or max(part.stop for part in ranges) >= 2**31:
        raise UserError(f"{flag}={text}: must be at most {MOST:,} numbers below 2^31")
    if not any(ranges):
        raise UserError(f"{flag}={text}: there is no number in it")
    return [number for part in ranges for number in part]


@contextlib.contextmanager
def opened(mode: str, suffixes: tuple[str, ...], *, workdir, out, overwrite, checkpoint, ema, half_life, code, **given):
    """(the model of the run, see `gan_jax.latent.model`, the latents that are meant, the file to write)

    Args:
        mode: its name.
        suffixes: of files that it writes.
        workdir, out, overwrite, checkpoint, ema, half_life, code: flags.
        given: the flags of `read`.

    Raises:
        UserError: flags that are missing or do not go together, before JAX is started; or see `read`.
    """
    from gan_jax.files import claim

    if workdir is None or out is None or (given["seeds"] is None) == (given["latents"] is None):
        wanted = f"--workdir=DIR, --out=FILE{suffixes[0]} and --seeds=1,2,3 or --latents=FILE"
        raise UserError(f"--mode={mode} needs {wanted}")
    cli.check_seed(given["seed"])
    if given["seeds"] is not None:
        parse_seeds(given["seeds"])
    workdir, out = Path(workdir).expanduser(), Path(out).expanduser()
    if out.suffix.lower() not in suffixes:
        raise UserError(f"--out={out}: the extension must be one of {', '.join(suffixes)}")
    claim(out, overwrite)
    cli.start_jax()
    from gan_jax.run import load

    with own_code.trusting(workdir, code):
        model = load(workdir, checkpoint).model(average(ema, half_life))
        yield model, read(model, **given), out


def read(model, *, seeds: str | None, latents: str | None, label, text, space, truncation: float, seed: int):
    """The latents that the flags mean.

    Raises:
        UserError: see its message.
    """
    import numpy as np

    from gan_jax.sampling import labels_for

    if latents is not None:
        if any(given is not None for given in (label, text, space)):
            raise UserError("--latents: a file says all by itself, leave --label, --text and --space out")
        found = model.load(Path(latents).expanduser())
    else:
        numbers = np.array(parse_seeds(seeds))
        found = model.draw(numbers, labels_for(numbers, model.classes, label), space, seed, said(text))
    return model.truncated(found, truncation) if truncation != 1 else found
