"""Captions beside pictures, their words, and what is said to a run."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import captions, open_source
from gan_jax.data.metadata import in_order
from gan_jax.errors import UserError
from gan_jax.modalities import from_json, lookup, to_json

TEXTS = {"a.png": ["A red ball."], "b/c.png": ["the ball, it's blue", "blue ball!"]}


@pytest.fixture
def pictures(tmp_path):
    """Two pictures in a folder, without captions."""
    for name in TEXTS:
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (len(name), 0, 0)).save(path)
    return tmp_path / "pictures"


def in_a_list(folder):
    lines = [
        json.dumps({"file_name": name, "text": texts if len(texts) > 1 else texts[0]}) for name, texts in TEXTS.items()
    ]
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return "text"


def in_a_table(folder):
    lines = [f'{name},"{text}"\n' for name, texts in TEXTS.items() for text in texts]
    (folder / "metadata.csv").write_text("".join(["file_name,words\n", *lines]))
    return "words"


def beside(folder):
    for name, texts in TEXTS.items():
        (folder / name).with_suffix(".txt").write_text("\n".join(texts) + "\n\n")
    return "txt"


@pytest.mark.parametrize("kept", [in_a_list, in_a_table, beside])
def test_captions_beside_pictures(pictures, config, kept):
    source = open_source(config(f"folder:{pictures}", caption=kept(pictures)))
    field = source.fields["caption"]
    assert field.names == ("", "ball", "blue", "a", "it's", "red", "the") and field.shape == (2, 4)
    wanted = [[[3, 5, 1, 0], [0] * 4], [[6, 1, 4, 2], [2, 1, 0, 0]]]
    np.testing.assert_array_equal(source.columns["caption"], wanted)
    assert set(field.fitted["examples"]) == {"a red ball", "the ball it's blue"}
    assert source[1]["image"][0, 0, 0] == len("b/c.png") and source.class_names == ("b", "pictures")
    assert from_json(json.loads(json.dumps(to_json(source.fields))))["caption"] == field


def test_a_broken_picture_takes_its_captions_with_it(pictures, config):
    name = in_a_list(pictures)
    (pictures / "a.png").write_bytes(b"broken")
    source = open_source(config(f"folder:{pictures}", caption=name, skip_broken=True))
    assert captions.in_words(source.columns["caption"], source.fields["caption"].names) == ["the ball it's blue"]


def test_what_cannot_be_a_caption(pictures, config, rejected):
    opened = lambda name="txt": open_source(config(f"folder:{pictures}", caption=name))
    beside(pictures)
    (pictures / "a.txt").write_text(" \n")
    assert "a.png has an empty caption" in rejected(opened)
    (pictures / "a.txt").write_bytes(b"\xff\xfe\xff")
    assert "a.txt is no text in UTF-8" in rejected(opened)
    (pictures / "a.txt").unlink()
    assert "a.png has no a.txt beside it" in rejected(opened)
    assert "--config.data.caption=text: there is neither" in rejected(opened, "text")
    lines = [{"file_name": "a.png", "text": "x"}, {"file_name": "b/c.png", "text": 7}]
    write = lambda lines: (pictures / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    write(lines)
    assert "c.png has an empty caption, or something else" in rejected(opened, "text")
    write(lines[:1])
    assert "has no line of b/c.png (1 such files)" in rejected(opened, "text")
    write([*lines, {"file_name": "d.png", "text": "x"}])
    assert "describes d.png, which is not there (1 such pictures)" in rejected(opened, "text")


def test_words():
    assert captions.words("A thick, RED 3 (on blue): it's left-leaning #1 ☂") == [
        "a", "thick", "red", "3", "on", "blue", "it's", "left-leaning", "#", "1", "☂"
    ]  # fmt: skip
    assert len(captions.words("so " * 100)) == captions.MOST_WORDS


def test_what_is_said_to_a_run(capsys):
    names = captions.vocabulary([["a red ball", "a blue ball"], ["one ball"]])
    field = captions.field_of(captions.numbered([["a red ball"], ["one ball"]], names), names)
    said = lambda *texts: captions.in_words(captions.told(texts or None, np.array([0, 1, 63, 3]), field), names)
    assert said("A ball", "Blue!") == ["a ball", "blue", "a ball", "blue"] and not capsys.readouterr().err
    assert said() == ["a red ball", "a red ball", "one ball", "a red ball"]  # by the numbers of the samples
    assert said("a purple ball of gold") == ["a ball"] * 4
    assert capsys.readouterr().err == "words that this run does not know are left out: purple, of, gold\n"
    with pytest.raises(UserError, match="--text='purple': this run knows none of its words; it knows 5: ball, a, blue"):
        said("purple")


def test_the_words_of_another_vocabulary():
    old, new = ("", "a", "red", "ball"), ("", "ball", "blue", "a")
    rows = np.array([[[1, 2, 3]], [[3, 0, 0]]])
    np.testing.assert_array_equal(captions.renumbered(rows, old, new), [[[3, 1, 0]], [[1, 0, 0]]])
    assert captions.renumbered(rows, old, old) is rows
    source = captions.beside(open_of(2), [["a red ball"], ["ball"]])
    fields = {"caption": captions.field_of(captions.numbered([["ball a"]], new), new)}
    moved = captions.in_words_of(fields, source)
    assert captions.in_words(moved.columns["caption"][np.arange(2)], moved.fields["caption"].names) == [
        "a ball",
        "ball",
    ]
    assert moved.columns["caption"].shape == (2, 1, 3) and captions.in_words_of({}, source) is source


def open_of(n):
    from gan_jax.data import make_source

    return make_source("image", np.zeros((n, 4, 4, 1), np.uint8))


def test_text_is_seen_and_written(tmp_path):
    kind, names = lookup("text"), ("", "two", "words")
    stored = np.array([[[1, 2]], [[2, 0]]], np.int32)
    field = captions.field_of(stored, names)
    assert kind.thumbnails(stored, field).shape[0] == 2 and kind.sheet(stored, field).ndim == 3
    kind.write(stored, tmp_path / "said.txt", field)
    assert (tmp_path / "said.txt").read_text() == "two words\nwords\n"
    kind.write(stored, tmp_path / "said.npz", field)
    assert np.load(tmp_path / "said.npz")["captions"].tolist() == ["two words", "words"]


def test_one_of_several_captions_is_drawn():
    import jax

    from gan_jax.modalities.text import drawn

    stored = np.array([[[1, 1], [2, 2], [3, 0]], [[4, 0], [0, 0], [0, 0]]], np.int32)
    index = np.arange(600, dtype=np.int32)
    seen = np.asarray(drawn(stored[index % 2], jax.random.key(0), index))
    counts = np.bincount(seen[::2, 0], minlength=4)
    assert (seen[1::2] == [4, 0]).all() and counts[0] == 0 and (np.abs(counts[1:] - 100) < 40).all()
    np.testing.assert_array_equal(drawn(stored[index % 2][5:9], jax.random.key(0), index[5:9]), seen[5:9])


def test_classes_are_in_the_order_of_numbers():
    assert in_order(["10 to 19", "0 to 9"]) == ["0 to 9", "10 to 19"] and in_order(["b", "a"]) == ["a", "b"]
