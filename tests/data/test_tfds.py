import os
import types
from pathlib import Path

import numpy as np
import pytest

from gan_jax.data import open_source
from gan_jax.data.sources import tfds as records

tfds = pytest.importorskip("tensorflow_datasets")

HOME = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
needs_mnist = pytest.mark.skipif(
    not any(HOME.glob("mnist/3.0.1/*.array_record*")), reason="TFDS_DATA_DIR holds no mnist prepared as array_record"
)


class Examples(list):
    """What TFDS's data source is to us: rows read many at a time, of which some features are not decoded."""

    decoded = 0

    def __init__(self, examples, decoders):
        super().__init__({name: b"" if name in decoders else leaf for name, leaf in row.items()} for row in examples)
        self.decoders = decoders

    def __getitems__(self, keys):
        if not self.decoders:
            Examples.decoded += len(keys)
        return [self[key] for key in keys]


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Stands in for a prepared set, of the features and examples given."""

    def stand_in(features, examples):
        builder = types.SimpleNamespace(
            data_path=tmp_path / "set",
            info=types.SimpleNamespace(features=tfds.features.FeaturesDict(features), splits={"train": None}),
            as_data_source=lambda split, decoders=(): Examples(examples, decoders),
        )
        Examples.decoded = 0
        monkeypatch.setattr(records, "_prepared", lambda name: builder)

    return stand_in


def test_records_are_targets_of_inputs_without_pairs(config, prepared, monkeypatch, tmp_path):
    monkeypatch.setattr(records, "CACHED_BYTES", 0)
    np.savez(tmp_path / "a.npz", images=np.full((5, 4, 4, 1), 9, np.uint8))
    prepared({"image": tfds.features.Image(shape=(4, 4, 3))}, [{"image": np.full((4, 4, 3), 7, np.uint8)}] * 3)
    for source, inputs in (("tfds:any", f"npz:{tmp_path / 'a.npz'}"), (f"npz:{tmp_path / 'a.npz'}", "tfds:any")):
        opened = open_source(config(source, inputs=inputs, paired=False))
        examples = opened.everything()
        assert examples["image"].shape[1:] == examples["input"].shape[1:] == (4, 4, 3)
        assert {len(examples["image"]), len(examples["input"])} == {3, 5}
        assert set(np.unique(examples["image"])) | set(np.unique(examples["input"])) == {7, 9}
        assert opened.nbytes == 8 * 4 * 4 * 3


@pytest.mark.parametrize("limit", [0, 2**30])  # decoded as it is read, or once for all
def test_images_of_many_sizes(config, prepared, monkeypatch, limit):
    monkeypatch.setattr(records, "CACHED_BYTES", limit)
    features = {
        "image": tfds.features.Image(shape=(None, None, 3)),
        "label": tfds.features.ClassLabel(names=["a", "b"]),
    }
    examples = [{"image": np.full((size, 10, 3), 10 * size, np.uint8), "label": size % 2} for size in range(5, 12)]
    prepared(features, examples)
    source = open_source(config("tfds:any", "8x6"))
    assert isinstance(source.columns["image"], records.Images) == (limit == 0)
    assert (len(source), source.fields["image"].shape, source.class_names) == (7, (8, 6, 3), ("a", "b"))
    assert source.nbytes == 7 * (8 * 6 * 3 + 4) and source.fields["image"].fitted == {}
    before = Examples.decoded
    batch = source.read(np.array([4, 0, 6]))
    assert Examples.decoded - before == (3 if limit == 0 else 0)  # once, for the image and the label
    assert batch["image"].dtype == np.uint8 and batch["label"].dtype == np.int32
    assert batch["label"].tolist() == [1, 1, 1] and source[1]["label"] == 0
    np.testing.assert_array_equal(batch["image"][:, 3, 3], [[90] * 3, [50] * 3, [110] * 3])
    np.testing.assert_array_equal(source[4]["image"], batch["image"][0])
    before = Examples.decoded
    assert source.labels.tolist() == [1, 0, 1, 0, 1, 0, 1] and Examples.decoded == before
    some = source.select(np.array([5, 0, 2]))
    assert (len(some), some[0]["image"].shape, some.class_names) == (3, (8, 6, 3), ("a", "b"))
    np.testing.assert_array_equal(some.read(np.array([1, 0]))["image"], source.read(np.array([0, 5]))["image"])
    assert some.read(np.array([1, 0]))["label"].tolist() == [1, 0]


def test_the_only_image_will_do_and_labels_may_lack(config, prepared):
    images = np.random.default_rng(0).integers(256, size=(3, 4, 4, 1), dtype=np.uint8)
    prepared({"photo": tfds.features.Image(shape=(4, 4, 1))}, [{"photo": image} for image in images])
    source = open_source(config("tfds:any"))
    assert list(source.fields) == list(source[2]) == ["image"] and source.class_names == ()
    np.testing.assert_array_equal(source.columns["image"], images)


def test_labels_are_read_some_at_a_time(config, prepared, monkeypatch):
    monkeypatch.setattr(records, "RECORDS", 3)
    monkeypatch.setattr(records, "CACHED_BYTES", 0)
    features = {"image": tfds.features.Image(shape=(4, 4, 1)), "label": tfds.features.ClassLabel(num_classes=8)}
    prepared(features, [{"image": np.zeros((4, 4, 1), np.uint8), "label": label} for label in range(8)])
    assert open_source(config("tfds:any")).labels.tolist() == list(range(8))


def test_sets_that_will_not_do(config, prepared, rejected):
    image = tfds.features.Image
    prepared({"image": image(shape=(None, None, 3))}, [])
    assert "tfds:any differ in size: set --config.data.image_size=N" in rejected(open_source, config("tfds:any"))
    prepared({"left": image(), "right": image()}, [])
    assert "['left', 'right']" in rejected(open_source, config("tfds:any"))
    prepared({"text": tfds.features.Text()}, [])
    assert "none" in rejected(open_source, config("tfds:any"))
    prepared({"image": image(shape=(4, 4, 1), dtype=np.uint16)}, [])
    assert "uint16" in rejected(open_source, config("tfds:any"))


def test_unknown_set(config, rejected):
    message = rejected(open_source, config("tfds:mnit"))
    assert "mnit" in message and " mnist" in message


def test_unknown_version(config, rejected):
    message = rejected(open_source, config("tfds:mnist:9.9.9"))
    assert "mnist:9.9.9" in message and "check its config and version" in message


def test_unprepared_set(config, monkeypatch, rejected):
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: None)
    message = rejected(open_source, config("tfds:mnist"))
    assert message == "tfds:mnist needs TensorFlow once, to prepare it: pip install -e '.[tfds]'"


def test_preparing_that_fails(config, monkeypatch, rejected):
    def offline(self):
        raise ConnectionError("no network\nand a long story")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: True)
    assert "can't prepare mnist (no network)" in rejected(open_source, config("tfds:mnist"))


@needs_mnist
def test_mnist_is_the_embedded_digits(config):
    """The same 10,000 images in another order, each with its label."""
    embedded = open_source(config("digits"))
    for name in ("tfds:mnist:test", "tfds:mnist:3.0.1:test"):
        source = open_source(config(name))
        assert (len(source), source.fields["image"], len(source.class_names)) == (10_000, embedded.fields["image"], 10)
        pairs = [
            sorted(
                (image.tobytes(), int(label)) for image, label in zip(each.columns["image"], each.labels, strict=True)
            )
            for each in (source, embedded)
        ]
        assert pairs[0] == pairs[1]


@needs_mnist
def test_splits(config, rejected):
    assert len(open_source(config("tfds:mnist:train[:100]"))) == 100
    message = rejected(open_source, config("tfds:mnist:validation"))
    assert "validation" in message and "train, test" in message
    assert "train[:70000]" in rejected(open_source, config("tfds:mnist:train[:70000]"))
