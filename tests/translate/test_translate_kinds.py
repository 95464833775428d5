"""Files of other kinds than pictures, by maps and a modality that are made by hand."""

from pathlib import Path

import numpy as np
import pytest
from hand_made import FIELDS, experiment, state
from ml_collections import ConfigDict
from PIL import Image

from gan_jax.errors import UserError
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup
from gan_jax.run import Run
from gan_jax.translate import find_map, translate_files


def read(path, field):
    return np.loadtxt(path, np.float32)[None]


def write(stored, path, field, labels):
    np.savetxt(path, stored[0])


def thumbnails(stored, field):
    return np.broadcast_to(np.uint8(stored[:, None, :, None] * 10), (len(stored), 7, 5, 1))


CURVE = lookup("points")._replace(
    name="curve", reads=(".csv",), read=read, suffixes=(".csv",), write=write, thumbnails=thumbnails
)
CURVES = {"curve": Field(CURVE, (5,)), "other": Field(CURVE, (5,))}
MAPS = {
    "double": Map(("curve",), "other", lambda variables, key, index, given: 2 * given["curve"]),
    "both": Map(("curve", "other"), "other", lambda variables, key, index, given: given["curve"] + 10 * given["other"]),
    "sample": Map((), "curve", None),
}


def used(monkeypatch, played, given, out, **changes):
    run = Run(Path("runs/mine"), ConfigDict({"data": {"pair": "none"}}), played, state(), {})
    monkeypatch.setattr("gan_jax.translate.load", lambda *_: run)
    options = {"direction": None, "image_size": "run", "halves": False, "animate": True, "seed": 0, "ema": True}
    translate_files(run.workdir, given, out, **{**options, "checkpoint": "last", **changes})


def outputs(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_curves_are_made_of_curves(monkeypatch, tmp_path):
    (tmp_path / "in" / "more").mkdir(parents=True)
    for number, name in enumerate(("a.csv", "more/b.CSV")):
        np.savetxt(tmp_path / "in" / name, np.arange(5) + number)
    (tmp_path / "in" / "no.png").write_bytes(b"")
    used(monkeypatch, experiment(*MAPS, fields=CURVES, maps=MAPS), tmp_path / "in", tmp_path / "out")
    expected = ["a.csv", "animated/a.csv.gif", "animated/more/b.CSV.gif", "more/b.CSV"]
    assert outputs(tmp_path / "out") == [*expected, "side_by_side/a.csv.png", "side_by_side/more/b.CSV.png"]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "out" / "more" / "b.CSV"), 2 * (np.arange(5) + 1))
    both = np.asarray(Image.open(tmp_path / "out" / "side_by_side" / "a.csv.png"))
    assert both.shape == (7, 10) and both[0].tolist() == [0, 10, 20, 30, 40, 0, 20, 40, 60, 80]


def test_classes_are_written_of_pictures(monkeypatch, tmp_path):
    Image.fromarray(np.full((8, 8), 250, np.uint8)).save(tmp_path / "a.png")
    used(monkeypatch, experiment("sample", "classify"), tmp_path / "a.png", tmp_path / "out")
    assert outputs(tmp_path / "out") == ["a.png.txt", "animated/a.png.gif", "side_by_side/a.png"]
    assert (tmp_path / "out" / "a.png.txt").read_text() == "bird\n"
    used(monkeypatch, experiment("ab", "classify"), tmp_path / "a.png", tmp_path / "other", direction="classify")
    assert outputs(tmp_path / "other")[0] == "a.png.txt"
    used(monkeypatch, experiment("ab", "classify"), tmp_path / "a.png", tmp_path / "enlarged")
    assert Image.open(tmp_path / "enlarged" / "a.png").size == (16, 16)


def test_maps_between_files():
    run = Run(Path("runs/mine"), None, experiment(*MAPS, fields=CURVES, maps=MAPS), state(), {})
    assert find_map(run, None) == find_map(run, "double") == "double"
    for name in ("both", "sample", "duoble"):
        with pytest.raises(UserError, match=f"--direction={name}: runs/mine has no such map; "):
            find_map(run, name)
    assert find_map(run, None, "a.csv") == find_map(run, "both", "a.csv") == "both"
    with pytest.raises(UserError, match="--direction=double: runs/mine has no such map; "):
        find_map(run, "double", "a.csv")
    unreadable = {**FIELDS, "image": FIELDS["image"]._replace(modality=CURVE._replace(read=None))}
    alone = Run(Path("runs/mine"), None, experiment("classify", fields=unreadable), state(), {})
    with pytest.raises(UserError, match="runs/mine does not translate files: use --mode=sample"):
        find_map(alone, None)
    with pytest.raises(UserError, match=r"--style=a.csv: runs/mine knows no styles: train a run with .*style=true"):
        find_map(alone, None, "a.csv")


def test_a_style_is_given_to_all(monkeypatch, tmp_path):
    for name in "ab":
        np.savetxt(tmp_path / f"{name}.csv", np.arange(5) + (name == "b"))
    style, played = tmp_path / "b.csv", experiment(*MAPS, fields=CURVES, maps=MAPS)
    used(monkeypatch, played, tmp_path / "a.csv", tmp_path / "out", style=style)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "out" / "a.csv"), np.arange(5) + 10 * (np.arange(5) + 1))
    for wrong in ("c.csv", ""):
        with pytest.raises(UserError, match=r"--style=.*: there is no such file of .csv"):
            used(monkeypatch, played, tmp_path / "a.csv", tmp_path / "none", style=tmp_path / wrong)
