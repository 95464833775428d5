"""Digits in colors: what is drawn is what is said."""

import numpy as np
import pytest

from gan_jax.attributes.digits import measured
from gan_jax.data import captions, open_source
from gan_jax.data.sources import captioned_digits
from gan_jax.data.sources.digits import digits

NAMES = list(captioned_digits.WORDS)


@pytest.fixture(scope="module")
def base():
    return digits()


def drawn(base, row, side=56, **chosen):
    """A digit, white on black, upright, thick and in the middle, unless something else is chosen."""
    values = {"digit": base.labels[row], "color": 4, "background": 5, "thickness": 1, "tilt": 1, "place": 4} | chosen
    rng = np.random.default_rng(row)
    own = captioned_digits.stroke(base.columns["image"][row])
    return captioned_digits.draw(rng, own, np.array([values[name] for name in NAMES]), side)


def test_a_digit_looks_as_it_should(base):
    gray = lambda picture: np.uint8((picture.mean(axis=-1, keepdims=True).clip(40) - 40) * 255 / 215)  # on black
    for row in range(8):
        slants = [measured(gray(drawn(base, row, tilt=tilt)))[0] for tilt in (0, 1, 2)]
        assert slants[0] < -0.25 < slants[1] < 0.25 < slants[2]
        thin, thick = (measured(gray(drawn(base, row, thickness=thickness)))[1] for thickness in (0, 1))
        scale = 56 * captioned_digits.BOX / 28
        assert thick > 1.4 * thin and 0.6 < thick / (2 * 1.9 * scale) < 1.3
        for place, (y, x) in enumerate(captioned_digits.PLACES):
            ink = gray(drawn(base, row, place=place))[..., 0] > 128
            middle = np.array(np.nonzero(ink)).mean(axis=1) / 56 - 0.5
            assert np.abs(middle - (y, x)).max() < 0.08
        colored = drawn(base, row, color=0, background=2)
        assert np.abs(colored[0, 0] - np.float32(captioned_digits.COLORS["blue"])).max() < 14
        redness = colored[..., 0].astype(int) - colored[..., 2]
        assert redness.max() > 120 and redness.min() < -120


def test_captions_say_what_is_drawn(base):
    rng = np.random.default_rng(0)
    values = np.array([3, 0, 2, 1, 1, 0])
    texts = {captioned_digits.caption(rng, values, np.arange(6) < 4) for _ in range(400)}
    assert "a thick red three on blue" in texts and "on a blue background a bold red 3" in texts
    assert all(sum(each in text.split() for each in ("thick", "bold", "fat")) == 1 for text in texts)
    assert not any("straight" in text or "upright" in text or "left" in text for text in texts)
    full = {captioned_digits.caption(rng, values, np.ones(6, bool)) for _ in range(400)}
    assert any(text.startswith("at the top left on blue a") for text in full)


def test_a_color_of_each_digit_is_held_out(base):
    rng = np.random.default_rng(0)
    pairs = {}
    for name in ("seen", "unseen", "all"):
        rows, values = captioned_digits.drawn_attributes(rng, name, base.labels)
        pairs[name] = set(map(tuple, values[:, :2]))
        assert (values[:, 1] != values[:, 2]).all() and (values[:, 0] == base.labels[rows]).all()
    assert len(pairs["seen"]) == 50 and len(pairs["unseen"]) == 10
    assert pairs["seen"] | pairs["unseen"] == pairs["all"] and not pairs["seen"] & pairs["unseen"]
    assert not set(captioned_digits.SETS["seen"][1]) & set(captioned_digits.SETS["test"][1])


def test_the_set(config, rejected, monkeypatch):
    monkeypatch.setitem(captioned_digits.SETS, "unseen", (40, range(9000, 10_000), "unseen"))
    source = open_source(config("captioned_digits:unseen", image_size="16"))
    assert source.target == "image" and source.fields["image"].shape == (16, 16, 3) and source.class_names == ()
    said = source.read(np.arange(40))
    for text, row in zip(captions.in_words(said["caption"], source.fields["caption"].names), range(40), strict=True):
        for name, classes in captioned_digits.WORDS.items():
            value = said[name][row]
            there = [any(f" {word} " in f" {text} " for word in words) for words in classes]
            if name in ("color", "background"):
                assert there[value]
            else:
                assert there == [value == number for number in range(len(classes))]
    again = open_source(config("captioned_digits:unseen", image_size="16"))  # from the cache
    assert all(np.array_equal(said[name], again.read(np.arange(40))[name]) for name in said)
    assert "must be one of seen, test, unseen, all" in rejected(open_source, config("captioned_digits:x"))
    assert "must be written captioned_digits:SET" in rejected(open_source, config("captioned_digits"))
    assert "are square" in rejected(open_source, config("captioned_digits:seen", image_size="16x32"))
