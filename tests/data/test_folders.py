import json
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import folders, open_source, pictures

COLORS = {
    "cats/1.png": (255, 0, 0),
    "cats/2.png": (0, 255, 0),
    "dogs/deep/3.png": (0, 0, 255),
    "dogs/4.png": (9, 9, 9),
}


def save(path, color=(1, 2, 3), size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


def pack(folder, file):
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))


@pytest.fixture
def pets(tmp_path):
    """Four pictures in three folders, and much that is none."""
    root = tmp_path / "pets"
    for name, color in COLORS.items():
        save(root / name, color)
    save(root / ".hidden" / "5.png")
    save(root / "cats" / ".6.png")
    save(root / "__MACOSX" / "7.png")
    (root / "cats" / "notes.txt").write_text("not a picture")
    return root


def check_pets(source):
    assert (len(source), source.fields["image"].shape) == (4, (4, 6, 3))
    assert source.class_names == ("cats", "deep", "dogs")
    assert source.labels.tolist() == [0, 0, 2, 1]  # in the order of the paths
    colors = [COLORS[name] for name in sorted(COLORS)]
    wanted = np.broadcast_to(np.array(colors)[:, None, None], (4, 4, 6, 3))
    np.testing.assert_array_equal(source.columns["image"], wanted)


def test_folder(config, pets, monkeypatch):
    check_pets(open_source(config(f"folder:{pets}")))
    monkeypatch.setenv("HOME", str(pets.parent))
    check_pets(open_source(config("folder:~/pets")))


def test_zip(config, pets, tmp_path):
    pack(pets, tmp_path / "pets.zip")
    check_pets(open_source(config(f"zip:{tmp_path}/pets.zip")))


def test_a_folder_in_a_zip(config, pets, tmp_path):
    pack(pets, tmp_path / "pets.zip")
    cats = open_source(config(f"zip:{tmp_path}/pets.zip/cats"))
    assert (len(cats), set(cats[1]), cats.class_names) == (2, {"image"}, ())
    assert cats[0]["image"][0, 0].tolist() == [255, 0, 0]
    dogs = open_source(config(f"zip:{tmp_path}/pets.zip/dogs"))
    assert dogs.class_names == ("deep", "dogs")


def test_channels(config, tmp_path):
    save(tmp_path / "a" / "1.png", 7, mode="L")
    gray = open_source(config(f"folder:{tmp_path}/a"))
    assert gray.fields["image"].shape == (4, 6, 1) and (gray.columns["image"] == 7).all()
    save(tmp_path / "a" / "2.png", (1, 2, 3))
    mixed = open_source(config(f"folder:{tmp_path}/a"))
    assert mixed.fields["image"].shape == (4, 6, 3)
    assert mixed.columns["image"][:, 0, 0].tolist() == [[7, 7, 7], [1, 2, 3]]


def test_many_chunks_stay_in_order(config, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "CHUNK", 4)
    for number in range(11):
        save(tmp_path / "a" / f"{number:02d}.bmp", number, mode="L")
    source = open_source(config(f"folder:{tmp_path}/a"))
    assert source.columns["image"][:, 0, 0, 0].tolist() == list(range(11))


def test_sizes(config, tmp_path, rejected):
    save(tmp_path / "a" / "1.png", size=(6, 4))
    save(tmp_path / "a" / "2.png", size=(5, 9))
    message = rejected(open_source, config(f"folder:{tmp_path}/a"))
    assert "1.png is 4x6" in message and "2.png is 9x5" in message and "--config.data.image_size=N" in message
    assert open_source(config(f"folder:{tmp_path}/a", "8")).columns["image"].shape == (2, 8, 8, 3)
    assert open_source(config(f"folder:{tmp_path}/a", "8x3", "pad")).columns["image"].shape == (2, 8, 3, 3)


def test_broken_pictures(config, tmp_path, rejected, capsys):
    for number in range(10):
        save(tmp_path / "a" / f"{number}.png", number, mode="L")
    (tmp_path / "a" / "4.png").write_bytes(b"not a picture")
    message = rejected(open_source, config(f"folder:{tmp_path}/a"))
    assert "a/4.png" in message and "--config.data.skip_broken=true" in message
    noise = Image.fromarray(np.random.default_rng(0).integers(256, size=(60, 60), dtype=np.uint8))
    noise.save(tmp_path / "a" / "4.png")
    whole = (tmp_path / "a" / "4.png").read_bytes()
    (tmp_path / "a" / "4.png").write_bytes(whole[: len(whole) // 2])  # the header is fine, the pixels are cut off
    assert "a/4.png" in rejected(open_source, config(f"folder:{tmp_path}/a"))

    for _ in range(2):  # decoded, and from the cache
        source = open_source(config(f"folder:{tmp_path}/a", skip_broken=True))
        assert source.columns["image"][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        skipped = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
        assert len(skipped) == 1 and "skipped 1 broken of 10 pictures" in skipped[0]

    for file in (tmp_path / "a").iterdir():
        file.write_bytes(b"")
    assert "none of the 10 pictures" in rejected(open_source, config(f"folder:{tmp_path}/a", skip_broken=True))


def test_a_damaged_zip_member(config, pets, tmp_path, rejected):
    pack(pets, tmp_path / "pets.zip")
    picture, archive = (pets / "cats" / "1.png").read_bytes(), (tmp_path / "pets.zip").read_bytes()
    (tmp_path / "pets.zip").write_bytes(archive.replace(picture, picture[:-20] + bytes(20)))
    message = rejected(open_source, config(f"zip:{tmp_path}/pets.zip"))
    assert "pets.zip/cats/1.png" in message and "CRC" in message


def test_a_link_to_nowhere_is_a_broken_picture(config, pets, rejected):
    (pets / "cats" / "9.png").symlink_to("nowhere.png")
    assert "cats/9.png" in rejected(open_source, config(f"folder:{pets}"))
    check_pets(open_source(config(f"folder:{pets}", skip_broken=True)))


def test_missing_things(config, tmp_path, rejected):
    assert f"no such folder: {tmp_path}/none" in rejected(open_source, config(f"folder:{tmp_path}/none"))
    assert f"no such zip file: {tmp_path}/none.zip" in rejected(open_source, config(f"zip:{tmp_path}/none.zip"))
    (tmp_path / "text.zip").write_text("hello")
    assert "text.zip is not a zip file" in rejected(open_source, config(f"zip:{tmp_path}/text.zip"))
    (tmp_path / "empty").mkdir()
    message = rejected(open_source, config(f"folder:{tmp_path}/empty"))
    assert "empty holds no files that can be read (" in message and "pictures: .png, .jpg" in message
    save(tmp_path / "one" / "1.png")
    pack(tmp_path / "one", tmp_path / "one.zip")
    assert "one.zip/train" in rejected(open_source, config(f"zip:{tmp_path}/one.zip/train"))


def test_the_cache_is_read_again(config, pets, monkeypatch, own_cache):
    check_pets(open_source(config(f"folder:{pets}")))
    assert sorted(path.suffix for path in own_cache.iterdir()) == [".json", ".npy"]
    monkeypatch.setattr(pictures, "decode", lambda data: pytest.fail("decoded again"))
    source = open_source(config(f"folder:{pets}"))
    assert isinstance(source.columns["image"], np.memmap)
    check_pets(source)


def test_changes_are_noticed(config, pets, own_cache):
    for arguments in ([], ["8"], ["8", "pad"], ["8", "pad", True]):
        open_source(config(f"folder:{pets}", *arguments))
    assert len(list(own_cache.glob("*.npy"))) == 4
    save(pets / "cats" / "1.png", (50, 60, 70))
    os.utime(pets / "cats" / "1.png", (1, 1))
    assert open_source(config(f"folder:{pets}"))[0]["image"][0, 0].tolist() == [50, 60, 70]


def test_two_may_decode_at_once(config, pets, own_cache):
    with ThreadPoolExecutor(4) as pool:
        for source in pool.map(lambda _: open_source(config(f"folder:{pets}")), range(4)):
            check_pets(source)
    assert len(list(own_cache.iterdir())) == 2


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "gone"])
def test_a_damaged_cache_is_rebuilt(config, pets, own_cache, suffix, damage):
    open_source(config(f"folder:{pets}"))
    file = next(own_cache.glob("*" + suffix))
    data = {"cut": file.read_bytes()[:-20], "empty": b"", "garbage": b"[1, 2]", "gone": None}[damage]
    file.unlink()
    if data is not None:
        file.write_bytes(data)
    check_pets(open_source(config(f"folder:{pets}")))


def test_an_unwritable_cache(config, pets, tmp_path, monkeypatch, rejected):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "file"))
    message = rejected(open_source, config(f"folder:{pets}"))
    assert f"{tmp_path}/file" in message and "GAN_JAX_CACHE" in message


def test_a_full_disk_leaves_nothing_behind(config, pets, own_cache, monkeypatch, rejected):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    message = rejected(open_source, config(f"folder:{pets}"))
    assert "No space left on device" in message and str(own_cache) in message
    assert list(own_cache.iterdir()) == []


def test_the_cache_has_a_default_place(config, pets, tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_JAX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    open_source(config(f"folder:{pets}"))
    assert len(list((tmp_path / "xdg" / "gan_jax").iterdir())) == 2
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    open_source(config(f"folder:{pets}"))
    assert len(list((tmp_path / "home" / ".cache" / "gan_jax").iterdir())) == 2


def test_a_log_gets_two_lines(config, pets, capsys):
    open_source(config(f"folder:{pets}"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "decoding 4 pictures" and lines[1].startswith("decoded 4 pictures in ") and len(lines) == 2


def test_a_moved_folder_is_decoded_anew(config, pets, tmp_path, own_cache):
    open_source(config(f"folder:{pets}"))
    shutil.copytree(pets, tmp_path / "copy")
    check_pets(open_source(config(f"folder:{tmp_path}/copy")))
    assert len(list(own_cache.glob("*.npy"))) == 2


@pytest.fixture(params=["folder", "zip"])
def described(request, tmp_path):
    """Pictures with a metadata.jsonl: the source's name."""
    lines = []
    for number, (name, sex, age) in enumerate([("a/1.png", "m", 5), ("a/2.png", "w", 19), ("b/3.png", "w", 100)]):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 10 * number).save(path)
        lines.append(json.dumps({"file_name": name, "sex": sex, "age": age}))
    (tmp_path / "pictures" / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    if request.param == "folder":
        return f"folder:{tmp_path / 'pictures'}"
    shutil.make_archive(tmp_path / "pictures", "zip", tmp_path / "pictures")
    return f"zip:{tmp_path / 'pictures.zip'}"


def test_labels_from_a_file(described, config, rejected):
    opened = lambda label: open_source(config(described, label=label))
    assert (opened("sex").class_names, opened("sex").labels.tolist()) == (("m", "w"), [0, 1, 1])
    assert opened("age").class_names == ("5", "19", "100")  # in the order of numbers
    by_decade = opened("age:10")
    assert by_decade.class_names == ("0 to 9", "10 to 19", "100 to 109") and by_decade.labels.tolist() == [0, 1, 2]
    assert opened("folder").class_names == ("a", "b") and opened("folder").labels.tolist() == [0, 0, 1]
    assert "metadata.jsonl has no field height in each line" in rejected(opened, "height")
    assert "'m' is no number" in rejected(opened, "sex:10")
    assert "must be folder, name, FIELD or FIELD:WIDTH" in rejected(opened, "age:x")


def test_labels_from_a_table(config, tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("L", (4, 4)).save(tmp_path / name)
    (tmp_path / "metadata.csv").write_text('file_name,age,note\na.png,7,"x, y"\nb.png,31.5,z\n')
    opened = lambda label: open_source(config(f"folder:{tmp_path}", label=label))
    assert opened("age:10").class_names == ("0 to 9", "30 to 39") and opened("note").class_names == ("x, y", "z")


def test_one_cache_whatever_the_labels(described, config, own_cache):
    for label in ("sex", "age:10", "folder"):
        open_source(config(described, label=label))
    assert len(list(own_cache.glob("*.npy"))) == 1


def test_pictures_that_the_file_does_not_know(config, rejected, tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    opened = lambda: open_source(config(f"folder:{tmp_path}", label="sex"))
    assert "there is neither" in rejected(opened) and "metadata.csv" in rejected(opened)
    (tmp_path / "metadata.jsonl").write_text("{")
    assert "metadata.jsonl cannot be read" in rejected(opened)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "b.png", "sex": "m"}')
    assert "has no line of a.png (1 such files)" in rejected(opened)
