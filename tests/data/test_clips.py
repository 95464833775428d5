"""Clips in folders, and digits that move."""

import dataclasses

import numpy as np
import pytest
from clips import DIGITS, frames, save_frames

from gan_jax.data import clips, open_source
from gan_jax.modalities import video


@pytest.fixture
def walks(tmp_path):
    """A clip of seven frames in a folder, one of three as an animation, and what is none."""
    root = tmp_path / "walks"
    save_frames(root / "b" / "seven", frames(7, seed=7))
    video.write(frames(3)[None], root / "a.gif", None)
    save_frames(root / ".hidden", frames(5))
    (root / "notes.txt").write_text("no clip")
    return root


def test_long_clips_are_cut_into_windows(config, walks, capsys):
    source = open_source(config(f"clips:{walks}", frames="1+2"))
    assert list(source.fields) == ["video", "input"] and source.target == "video"
    assert [field.shape for field in source.fields.values()] == [(2, 6, 8, 3), (1, 6, 8, 3)]
    assert len(source) == 3  # one of the animation, two of the seven frames, the last of which is left
    examples = source.read(np.arange(3))
    for row, start in ((1, 0), (2, 3)):
        whole = np.concatenate([examples["input"][row], examples["video"][row]])
        np.testing.assert_array_equal(whole, frames(7, seed=7)[start : start + 3])
    assert np.abs(examples["video"][0].astype(int) - frames(3)[1:]).max() <= 8
    capsys.readouterr()
    assert len(open_source(config(f"clips:{walks}", frames="2+1"))) == 3 and capsys.readouterr().err == ""  # cached


def test_clips_are_fitted_and_gray_if_all_are(config, tmp_path):
    save_frames(tmp_path / "x" / "1", frames(2, channels=1))
    save_frames(tmp_path / "x" / "2", frames(2, 12, 16, channels=1), suffix=".bmp")
    source = open_source(config(f"clips:{tmp_path / 'x'}", image_size="3x4", frames="1+1"))
    assert source.read(np.arange(2))["video"].shape == (2, 1, 3, 4, 1)


def test_clips_that_are_none(config, rejected, walks, tmp_path):
    opened = lambda path, **how: rejected(open_source, config(f"clips:{path}", **how))
    assert opened(tmp_path / "nowhere").startswith("no such folder: ")
    (tmp_path / "empty").mkdir()
    assert "it must hold .gif, .webp, .mp4 files, or folders of .png" in opened(tmp_path / "empty")
    assert opened(walks, frames="3+2").endswith(
        "a.gif has 3 frames, --config.data.frames=3+2 takes 5: remove it, or ask for fewer"
    )
    assert opened(walks, frames="5") == "--config.data.frames=5: must be written GIVEN+PREDICTED, such as 5+5"
    save_frames(walks / "other", frames(3, 4, 4))
    assert opened(walks, frames="1+1").endswith("is 6x8 but other is 4x4: set --config.data.image_size=N")
    save_frames(walks / "other", frames(1), first=7)
    assert "frame 0 is 4x4 but frame 3 is 6x8" in opened(walks, frames="1+1", image_size="8")
    (walks / "broken.webp").write_bytes(b"x")
    assert opened(walks, frames="1+1").endswith("broken.webp cannot be read (not a picture)")


def moving(config, walls="bounce", given="2+4"):
    name = f"moving_digits:digits=2,side=10,canvas=20,speed=2.5,walls={walls}"
    return open_source(config(name, frames=given))


@pytest.mark.parametrize("walls", ["bounce", "random"])
def test_digits_move_at_their_speed_inside_the_canvas(config, walls):
    source = moving(config, walls, "20+20")
    column = dataclasses.replace(source.columns["video"], part=range(40))
    which, places = column.courses(np.arange(50))
    assert places.shape == (50, 40, 2, 2) and places.min() >= 0 and places.max() <= 10
    lengths = np.linalg.norm(np.diff(places, axis=1), axis=-1)
    free = ((places > 3) & (places < 7)).all(axis=-1)[:, :-1]  # and not near a wall, where a step is cut
    assert np.abs(lengths[free] - 2.5).max() < 1.5  # rounded to pixels, at both ends
    clip = np.zeros((20, 20), np.uint8)
    for image, (y, x) in zip(column.images[which[7]], places[7, 30], strict=True):
        clip[y : y + 10, x : x + 10] = np.maximum(clip[y : y + 10, x : x + 10], image)
    np.testing.assert_array_equal(source.read(np.array([7]))["video"][0, 10, ..., 0], clip)


def test_moving_digits_are_always_the_same(config):
    source, longer = moving(config, "random"), moving(config, "random", "2+9")
    rows = np.array([5, 19_999, 5])
    first, again = source.read(rows), source.read(rows)
    for name in ("video", "input"):
        np.testing.assert_array_equal(first[name], again[name])
        np.testing.assert_array_equal(first[name][0], first[name][2])
    np.testing.assert_array_equal(longer.read(rows)["video"][:, :4], first["video"])  # whatever comes after
    assert np.ptp(first["video"][0].astype(int) - first["video"][1]) > 0
    assert source.fields["video"].shape == (4, 20, 20, 1) and len(source) == 20_000


def test_other_digits_and_courses_are_held_out(config):
    source = moving(config)
    apart = source.splits["held_out"]
    assert len(apart) == 1_000 and apart.fields == source.fields
    digits = {name: part.columns["video"].images for name, part in (("own", source), ("apart", apart))}
    assert len(digits["own"]) == 9_000 and len(digits["apart"]) == 1_000
    assert not (
        apart.columns["video"].courses(np.arange(9))[1] == source.columns["video"].courses(np.arange(9))[1]
    ).all()


@pytest.mark.parametrize(
    "rest, says",
    [
        ("2", "must be written moving_digits:digits=2,side=14,canvas=32,speed=2,walls=bounce, with other numbers"),
        ("digits=2,side=14,canvas=32,speed=2,walls=stick", "must be written"),
        ("digits=0,side=14,canvas=32,speed=2,walls=bounce", "needs digits, and a canvas with room"),
        ("digits=1,side=14,canvas=15,speed=2,walls=bounce", "needs digits, and a canvas with room"),
    ],
)
def test_variants_that_are_none(config, rejected, rest, says):
    assert says in rejected(open_source, config(f"moving_digits:{rest}"))


def test_a_canvas_is_not_resized(config, rejected):
    assert rejected(open_source, config(DIGITS, image_size="64")).startswith("--config.data.image_size=64: these clips")


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    folder = save_frames(tmp_path / "x", frames(12))
    assert [path.stem for path in clips.frames_of(folder)] == [f"frame_{number}" for number in range(12)]
