"""`--mode=breed`: a library of pictures and recipes, its graph, and mistakes in one line."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.errors import UserError
from gan_jax.run import load


@pytest.fixture
def breed(run_mode, digits_workdir, tmp_path):
    def breed(*flags):
        run_mode("--mode=breed", f"--workdir={digits_workdir}", f"--out={tmp_path / 'library'}", *flags)
        return {path.stem: json.loads(path.read_text()) for path in (tmp_path / "library").glob("*.json")}

    return breed


def test_a_library(breed, tmp_path, digits_workdir, capsys):
    first = breed("--seeds=3", "--children=2", "--classes=1:2,8:2")
    assert len(first) == 3
    (founder,) = [name for name, recipe in first.items() if recipe["operation"]["name"] == "sample"]
    np.testing.assert_allclose(first[founder]["label"], [0, 0.5, 0, 0, 0, 0, 0, 0, 0.5, 0])
    children = [name for name, recipe in first.items() if recipe["parents"] == [founder]]
    assert len(children) == 2
    assert breed("--seeds=3", "--children=2", "--classes=1:2,8:2").keys() == first.keys()  # nothing is made twice
    second = breed(f"--parents={children[0]},{children[1]}", "--children=1")
    (child,) = second.keys() - first.keys()
    assert second[child]["parents"] == children and second[child]["operation"]["share"] == 0.5

    model = load(digits_workdir).model()
    latents = model.draw([0], np.array([4]))
    model.save(latents, tmp_path / "latents.npz")
    third = breed(f"--latents={tmp_path / 'latents.npz'}", "--children=1")
    (given,) = [name for name, recipe in third.items() if recipe["operation"]["name"] == "given"]
    picture = np.asarray(Image.open(tmp_path / "library" / f"{given}.png"))
    np.testing.assert_array_equal(picture, model.decode(latents)[0, ..., 0])
    assert Image.open(tmp_path / "library" / "family.png").height > 3 * 56  # three generations
    capsys.readouterr()
    breed("--replay")
    assert "6 pictures made anew: all are the same, bit for bit" in capsys.readouterr().out

    changed = {**third[child], "latents": (np.array(third[child]["latents"]) + 1e-3).tolist()}
    (tmp_path / "library" / f"{child}.json").write_text(json.dumps(changed))
    with pytest.raises(UserError, match=f"{child}.json was changed"):
        breed("--replay")
    (tmp_path / "library" / f"{child}.json").write_text(json.dumps(third[child] | {"generator": "another"}))
    with pytest.raises(UserError, match=f"{child}.json is of another run"):
        breed("--seeds=1")
    (tmp_path / "library" / f"{child}.json").write_text("{}")
    with pytest.raises(UserError, match=f"{child}.json is no recipe"):
        breed("--seeds=1")


@pytest.mark.parametrize("flags, message", [
    ((), "--mode=breed needs --workdir=DIR, --out=FOLDER and --seeds=1,2 or"),
    (("--seeds=1", "--parents=a"), "--mode=breed needs"),
    (("--seeds=1,2,3",), "a child has one parent, or two of the same space"),
    (("--parents=abc",), "--parents=abc: .* has no such picture"),
    (("--seeds=1", "--strength=nan"), "--strength and --class_strength must be from 0 to 1"),
    (("--seeds=1", "--classes=3:x"), "--classes=3:x: must be a class, or such as 3:0.7,8:0.3"),
    (("--seeds=1", "--classes=3:-1"), "weights must be positive numbers"),
    (("--seeds=1,2", "--layers=4"), "this generator has the layers 0 to 0"),
])  # fmt: skip
def test_mistakes(breed, tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        breed(*flags)
    assert not (tmp_path / "library").exists()
