"""A trained generator, as the tools of latent space use it."""

import dataclasses
import functools
import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.files import ARRAYS_MARK, MARK, replacing
from gan_jax.game import Game, Space, Variables
from gan_jax.keys import closest
from gan_jax.latent.spaces import truncate
from gan_jax.modalities import Field, Fields, to_model
from gan_jax.noise import GENERATOR
from gan_jax.sampling import checked, in_parts

CHUNK = 32  # latents that are decoded at a time on each device
COLUMNS = "latents", "noise", "label"  # of a file; others are notes


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["values", "given", "noise", "notes"], meta_fields=["space"]
)
@dataclasses.dataclass(frozen=True, eq=False)
class Latents:
    """Latents, and what else their pictures depend on.

    Attributes:
        space: the name of their space.
        values: float32 [n, L, f], by layer.
        given: {"label": int [n] or weights over the classes [n, K]}; {} of an unconditional generator.
        noise: int32 [n], the numbers of the noise in the generator, or [n, L], of that in each layer; negative: none.
        notes: {name: array [n, ...]}, what else is known of each, such as the "picture" that it was found for.
    """

    space: str
    values: np.ndarray
    given: dict[str, np.ndarray]
    noise: np.ndarray
    notes: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> "Latents":
        """Some of them, by their numbers."""
        return jax.tree.map(lambda column: column[rows], self)

    def followed_by(self, others: "Latents") -> "Latents":
        """These and others of the same space, with the same notes."""
        return jax.tree.map(lambda *columns: np.concatenate(columns), self, others)


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """The generator of a game that decodes latents.

    Attributes:
        game: with spaces.
        fields: of the run.
        variables: of the game's players.
        makes: the field that its samples are.
        classes: their names; () of an unconditional generator.
    """

    game: Game
    fields: Fields
    variables: Variables
    makes: Field
    classes: tuple[str, ...]

    def space(self, name: str | None = None) -> tuple[str, Space]:
        """The name and the space of that name; None: the one that is best to move in.

        Raises:
            UserError: there is none.
        """
        spaces = self.game.spaces
        if not spaces:
            raise UserError("this run's game has no latent space (Game.spaces)")
        name = name or list(spaces)[-1]
        if name not in spaces:
            raise UserError(f"--space={name}: this run has none of that name; {closest(name, spaces)}")
        return name, spaces[name]

    def draw(self, numbers: Sequence[int], labels: np.ndarray, space: str | None = None, seed: int = 0) -> Latents:
        """The latents of samples, by their numbers from 0, as `Run.sample` counts them.

        Args:
            numbers: [n].
            labels: int [n]; ignored if the generator is unconditional.
            space: its name; None: the one that is best to move in.
            seed: of the samples.
        """
        space, own = self.space(space)
        numbers, given = np.asarray(numbers, np.int32), {"label": np.asarray(labels)} if self.classes else {}

        def some(variables, numbers, given):
            drawn = own.draw(variables, jax.random.key(seed), numbers, to_model(given, self.fields))
            return own.by_layer(drawn)

        values = in_parts(some, self.variables, (numbers, given), CHUNK)
        return Latents(space, values, given, numbers)

    def mean(self, given: Mapping[str, np.ndarray], n: int, space: str | None = None) -> np.ndarray:
        """The mean of a space, by layer, float32 [n, L, f]; of a conditional one that of each example's class."""
        own = self.space(space)[1]
        return np.asarray(own.by_layer(own.mean(self.variables, n, to_model(dict(given), self.fields))))

    def truncated(self, latents: Latents, psi: float, cutoff: int | None = None) -> Latents:
        """Latents nearer to their mean, see `spaces.truncate`.

        Raises:
            UserError: psi is no number, or there are not as many layers.
        """
        layers = latents.values.shape[1]
        if not np.isfinite(psi):
            raise UserError(f"--truncation={psi}: must be a number, such as 0.7")
        if cutoff is not None and not 0 <= cutoff <= layers:
            raise UserError(f"--cutoff={cutoff}: this generator has {layers} layers in the space {latents.space}")
        mean = self.mean(latents.given, len(latents), latents.space)
        values = np.asarray(truncate(latents.values, mean, psi, layers if cutoff is None else cutoff))
        return dataclasses.replace(latents, values=values)

    def decode(self, latents: Latents, seed: int = 0) -> np.ndarray:
        """What latents become: examples [n, ...], as stored.

        Args:
            latents: of this model.
            seed: of the samples, and so of the noise.

        Raises:
            Diverged: they are not finite.
        """
        columns = latents.values, latents.noise, latents.given
        made = in_parts(self._decoder(latents.space, seed), self.variables, columns, CHUNK)
        return self.makes.modality.from_model(checked(made, "from latents"), self.makes)

    @functools.cache  # noqa: B019 (as long as the model)
    def _decoder(self, space, seed):
        own, noise = self.game.spaces[space], jax.random.fold_in(jax.random.key(seed), GENERATOR)

        @jax.jit
        def decode(variables, values, numbers, given):
            return own.decode(variables, values, to_model(given, self.fields), noise, numbers)

        return decode

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the generator's parameters: equal for equal ones."""
        leaves = jax.tree.leaves(jax.device_get(self.variables["generator"]["params"]))
        return hashlib.sha256(b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves)).hexdigest()[:16]

    def save(self, latents: Latents, path: Path) -> None:
        """Writes latents of this model as an .npz file."""
        about = json.dumps({"space": latents.space, "generator": self.fingerprint})
        arrays = {"latents": latents.values, "noise": latents.noise, **latents.given, **latents.notes}
        with replacing(path) as file:
            np.savez_compressed(file, about=about, **arrays, **ARRAYS_MARK)

    def load(self, path: Path) -> Latents:
        """Reads latents of this model.

        Raises:
            UserError: there is no such file, or it is of another model.
        """
        try:
            with np.load(path) as file:
                about = json.loads(str(file["about"]))
                notes = {name: file[name] for name in file.files if name not in (*COLUMNS, "about", MARK)}
                given = {"label": file["label"]} if "label" in file.files else {}
                found = Latents(about["space"], file["latents"], given, file["noise"], notes)
                generator = about["generator"]
        except FileNotFoundError:
            raise UserError(f"--latents={path}: there is no such file") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise UserError(f"--latents={path} is no file of latents that gan_jax has written") from None
        if generator != self.fingerprint:
            raise UserError(f"--latents={path} is of another run, or of another checkpoint or average of this one")
        return found
