"""A folder of pictures and the recipes that they are bred by, see `gan_jax.latent.breeding`."""

import functools
import json
from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.errors import UserError
from gan_jax.files import ARRAYS_MARK, replacing
from gan_jax.keys import closest
from gan_jax.latent import breeding
from gan_jax.latent.breeding import Recipe
from gan_jax.latent.model import Model

GRAPH = "family.png"
GAP = 28  # pixels between generations in the picture of a family


class Library:
    """Recipes in a folder, ID.json, and their pictures, ID.png.

    Args:
        folder: made if it is not there.
        model: that all of them are of.

    Raises:
        UserError: a recipe cannot be read, or is of another model.
    """

    def __init__(self, folder: Path, model: Model):
        self.folder, self.model, self.recipes = folder, model, {}
        for path in sorted(folder.glob("*.json")):
            try:
                recipe = breeding.from_json(json.loads(path.read_text()))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(f"--out={folder}: {path.name} is no recipe ({error!r})") from None
            if recipe.generator != model.fingerprint:
                raise UserError(f"--out={folder}: {path.name} is of another run, or of another checkpoint or average")
            if recipe.identity != path.stem:
                raise UserError(f"--out={folder}: {path.name} was changed: by what is in it, it is {recipe.identity}")
            self.recipes[path.stem] = recipe

    def find(self, identity: str) -> Recipe:
        """The recipe of that identity.

        Raises:
            UserError: there is none.
        """
        if identity not in self.recipes:
            raise UserError(
                f"--parents={identity}: {self.folder} has no such picture; {closest(identity, self.recipes)}"
            )
        return self.recipes[identity]

    def add(self, recipe: Recipe) -> None:
        """Writes a recipe and its picture, if they are not there already."""
        if recipe.identity not in self.recipes:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.model.makes.modality.write(
                self.model.decode(recipe.latents), self.folder / f"{recipe.identity}.png", self.model.makes, None
            )
            with replacing(self.folder / f"{recipe.identity}.json") as file:
                file.write(json.dumps(recipe.to_json() | ARRAYS_MARK).encode())
            self.recipes[recipe.identity] = recipe

    @functools.cache  # noqa: B019 (as long as the library): ancestors are shared
    def replay(self, name: str) -> Recipe:
        """A recipe as it is made anew from its ancestors; only of those that were given latents are read."""
        recipe = self.find(name)
        if recipe.operation == breeding.GIVEN:
            return recipe
        return breeding.make(self.model, recipe.operation, tuple(map(self.replay, recipe.parents)))

    @functools.cache  # noqa: B019
    def generation(self, name: str) -> int:
        """0 of a sample, else one more than that of the younger parent."""
        return max((1 + self.generation(parent) for parent in self.find(name).parents), default=0)

    def family(self) -> np.ndarray:
        """The graph of all pictures: a row a generation, lines from both parents to each child."""
        from PIL import Image, ImageDraw

        rows: dict[int, list[Recipe]] = {}
        for recipe in self.recipes.values():
            rows.setdefault(self.generation(recipe.identity), []).append(recipe)
        shown = {name: images.grid(self.model.pictures(each.latents), 1) for name, each in self.recipes.items()}
        height, width = next(iter(shown.values())).shape[:2]
        size = max(map(len, rows.values())) * (width + GAP), len(rows) * (height + 2 * GAP)
        picture = Image.new("RGB", size, "white")
        draw, places = ImageDraw.Draw(picture), {}
        for generation in sorted(rows):
            # Beside their parents, so that lines cross less.
            middle = lambda recipe: np.mean([places[parent][0] for parent in recipe.parents] or [0])
            for column, recipe in enumerate(sorted(rows[generation], key=middle)):
                x = round((column + 0.5) * size[0] / len(rows[generation])) - width // 2
                places[recipe.identity] = x, GAP + generation * (height + 2 * GAP)
        for name, recipe in self.recipes.items():
            x, y = places[name]
            for parent in recipe.parents:
                draw.line((places[parent][0] + width // 2, places[parent][1] + height, x + width // 2, y), "gray", 2)
        for name, (x, y) in places.items():
            picture.paste(Image.fromarray(shown[name].repeat(3 // shown[name].shape[-1], axis=-1)), (x, y))
            draw.text((x, y + height), name, "black")
        return np.asarray(picture)
