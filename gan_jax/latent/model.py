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
from gan_jax.sampling import captions_for, checked, in_parts

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

    def draw(
        self,
        numbers: Sequence[int],
        labels: np.ndarray,
        space: str | None = None,
        seed: int = 0,
        text: str | Sequence[str] | None = None,
    ) -> Latents:
        """The latents of samples, by their numbers from 0, as `Run.sample` counts them.

        Args:
            numbers: [n].
            labels: int [n]; ignored if the generator is unconditional.
            space: its name; None: the one that is best to move in.
            seed: of the samples.
            text: of a game that makes examples of captions, see `sampling.captions_for`.
        """
        space, own = self.space(space)
        numbers, given = np.asarray(numbers, np.int32), {"label": np.asarray(labels)} if self.classes else {}
        said = captions_for(numbers, self.game, self.fields, text)

        def some(variables, numbers, given):
            drawn = own.draw(variables, jax.random.key(seed), numbers, to_model(given, self.fields))
            return own.by_layer(drawn)

        values = in_parts(some, self.variables, (numbers, given | said), CHUNK)
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

    def pictures(self, latents: Latents, seed: int = 0) -> np.ndarray:
        """Thumbnails of what latents become, uint8 [n, H, W, C]; see `decode`."""
        return self.makes.modality.thumbnails(self.decode(latents, seed), self.makes)

    def class_weights(self, label: np.ndarray) -> np.ndarray:
        """Classes int [n], or weights over them as they are, as weights float32 [n, K]."""
        return np.eye(len(self.classes), dtype=np.float32)[label] if label.ndim == 1 else label

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
        arrays = {"latents": latents.values, "noise": latents.noise, **latents.given, **latents.notes}
        self.write(path, {"space": latents.space}, arrays)

    def load(self, path: Path) -> Latents:
        """Reads latents of this model.

        Raises:
            UserError: there is no such file, or it is of another model.
        """
        about, arrays = self.read(path, "--latents", COLUMNS[:2])
        given = {"label": arrays["label"]} if "label" in arrays else {}
        notes = {name: column for name, column in arrays.items() if name not in COLUMNS}
        return Latents(about["space"], arrays["latents"], given, arrays["noise"], notes)

    def write(self, path: Path, about: dict, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes arrays that belong to this model, and what is known about them, as an .npz file."""
        with replacing(path) as file:
            about = json.dumps({**about, "generator": self.fingerprint})
            np.savez_compressed(file, about=about, **arrays, **ARRAYS_MARK)

    def read(self, path: Path, flag: str, needed: Sequence[str]) -> tuple[dict, dict[str, np.ndarray]]:
        """What `write` wrote.

        Args:
            path: of the file.
            flag: what the path was given by, for messages.
            needed: names of arrays that must be there.

        Raises:
            UserError: there is no such file, or it is another one, or of another model.
        """
        try:
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop("about")))
            generator, _ = about["generator"], [arrays[name] for name in needed]
        except FileNotFoundError:
            raise UserError(f"{flag}={path}: there is no such file") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise UserError(f"{flag}={path} is no file of this kind that gan_jax has written") from None
        if generator != self.fingerprint:
            raise UserError(f"{flag}={path} is of another run, or of another checkpoint or average of this one")
        return about, {name: array for name, array in arrays.items() if name != MARK}
