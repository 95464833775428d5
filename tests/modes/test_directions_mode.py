"""`--mode=directions` and `--mode=edit`: what they write, and mistakes in one line."""

import numpy as np
import pytest
from PIL import Image

from gan_jax import directions
from gan_jax.errors import UserError
from gan_jax.run import load


@pytest.fixture
def find(run_mode, digits_workdir, tmp_path):
    def find(*flags, out="found", num=60):
        run_mode("--mode=directions", f"--workdir={digits_workdir}", f"--out={tmp_path / out}", f"--num={num}", *flags)
        return tmp_path / out

    return find


@pytest.fixture
def edit(run_mode, digits_workdir, tmp_path):
    def edit(out, *flags):
        run_mode("--mode=edit", f"--workdir={digits_workdir}", f"--out={tmp_path / out}", *flags)
        return tmp_path / out

    return edit


def test_directions_and_what_they_move(find, edit, digits_workdir, capsys):
    out = find("--method=sefa", "--components=2", "--attributes=classifier", "--label=3")
    assert sorted(path.name for path in out.iterdir()) == ["directions.npz", "effects.csv", "sefa0.png", "sefa1.png"]
    assert Image.open(out / "sefa1.png").size == (7 * 56, 6 * 56)
    told, table = capsys.readouterr().out.splitlines(), (out / "effects.csv").read_text().splitlines()
    assert told[0].split()[-10:] == table[0].split(",")[1:] == list("0123456789")
    assert told[1].startswith("sefa0") and "2 directions in z -> " in told[-1]
    with pytest.raises(UserError, match=r"directions\.npz is there already"):
        find("--method=sefa")

    flags = "--seeds=0-3", f"--directions={out / 'directions.npz'}", "--move=sefa0=2,sefa1=-1"
    picture = np.asarray(Image.open(edit("edited.png", *flags)))
    assert picture.shape == (56, 8 * 56) or picture.shape == (2 * 56, 4 * 56)
    model = load(digits_workdir).model()
    moved = model.load(edit("edited.npz", *flags))
    with np.load(out / "directions.npz") as file:
        vector = 2 * file["vectors"][0] - file["vectors"][1]
    before = model.draw(range(4), np.arange(4))
    np.testing.assert_allclose(moved.values, before.values + vector, rtol=1e-5, atol=1e-6)
    edit("again.png", f"--latents={edit('a.npz', *flags)}", *flags[1:])

    for flag, message in (
        ("--move=sefa9=1", "--move=sefa9: there is no such direction"),
        ("--move=sefa0=x", "must be NAME=STEPS, such as slant=2"),
        ("--layers=1", "this generator has the layers 0 to 0"),
    ):
        with pytest.raises(UserError, match=message):
            edit("b.png", *flags, flag)


def test_labels(find, capsys, tmp_path, monkeypatch):
    """By the attributes of digits, unless others are asked for."""
    monkeypatch.setattr(directions, "MEASURED_ON", 20)
    with pytest.raises(UserError, match="--num=7: latents of 4 numbers need at least 8"):
        find("--method=labels", num=7)
    with pytest.raises(UserError, match="--layers=7: this generator has the layers 0 to 0"):
        find("--layers=7")
    assert not (tmp_path / "found").exists()
    find("--method=labels", "--noconditional")
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[3:] == ["slant", "thickness", "width", "height", "holes"] and "accuracy" in told[1]
