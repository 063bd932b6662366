"""Decoded once per machine: processes that ask at once, processes that die, caches that are damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from started_together import release

from aikd_tune.errors import DataError
from aikd_tune.kd.data import cache as cache_module
from aikd_tune.kd.data.cache import cache_folder
from aikd_tune.kd.data.describe import decoded_folder, describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

# Counts its decodings in the file argv[2], and takes long enough over one for the others to arrive.
COUNTING = """
import sys, time
from aikd_tune.kd.data import parquet_images
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

decode = parquet_images.decode

def counting(*arguments):
    with open(sys.argv[2], "a") as file:
        file.write("decoded\\n")
    time.sleep(0.5)
    decode(*arguments)

parquet_images.decode = counting
print("ready", flush=True)
sys.stdin.readline()
print(load(Data(name="parquet_images", path=sys.argv[1])).images.sum())
"""

# Stops for good at the function argv[3] of the module argv[2], as it is called for the argv[4]th time.
STALLING = """
import importlib, sys, time
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

module = importlib.import_module(sys.argv[2])
original, left = getattr(module, sys.argv[3]), [int(sys.argv[4])]

def stalling(*arguments):
    left[0] -= 1
    if left[0] == 0:
        print("stalled", flush=True)
        time.sleep(60)
    return original(*arguments)

setattr(module, sys.argv[3], stalling)
load(Data(name="parquet_images", path=sys.argv[1]))
"""


def at(path: Path) -> Data:
    return Data(name="parquet_images", path=str(path))


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_that_ask_at_once_decode_once(small_set: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    processes = [start(COUNTING, small_set, count) for _ in range(3)]
    release(processes)
    sums = [process.communicate(timeout=30)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert set(sums) == {f"{load(at(small_set)).images.sum()}\n"}
    assert count.read_text() == "decoded\n"


@pytest.mark.parametrize(
    ("module", "function", "call"),
    [
        ("blocks", "decode_image", 3),  # in the middle of the training images
        ("blocks", "decode_image", 6),  # in the middle of the test images
        ("decoded", "write_facts", 1),  # with all images written
        ("cache", "_sync", 3),  # with all files written
    ],
)
def test_a_decoding_that_is_killed_leaves_nothing_that_is_read(
    module: str, function: str, call: int, small_set: Path, cache: Path
) -> None:
    process = start(STALLING, small_set, f"aikd_tune.kd.data.{module}", function, call)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stalled\n"
        assert list(cache.glob("*.partial/labels.npy"))
        process.send_signal(signal.SIGKILL)
    folders = {path.name for path in cache.iterdir() if path.is_dir()} - {"fingerprints"}
    assert len(folders) == 1
    left = folders.pop()
    assert left.endswith(".partial")
    (cache / left / "left").touch()
    loaded = load(at(small_set))
    np.testing.assert_array_equal(loaded.labels, [0, 1, 1, 0])
    assert loaded.images.shape == (4, 3, 5, 4)
    assert loaded.images[3].any()
    assert not list(cache.glob("*.partial"))
    assert not list(cache.glob("*/left"))


def test_a_decoding_that_fails_leaves_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "images.npy").touch()
        raise DataError("row 3: no image")

    with pytest.raises(DataError, match="row 3"):
        cache_module.cached_folder("failing", fail)
    assert [path.name for path in cache.iterdir()] == ["failing.lock"]


def test_a_warm_start_reads_no_contents(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = describe(at(small_set))

    def refuse(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("hashlib.file_digest", refuse)
    monkeypatch.setattr("aikd_tune.kd.data.parquet_images.decode", refuse)
    assert describe(at(small_set)) == facts
    assert load(at(small_set)).facts == facts


WARM = """
import sys
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

for data in (Data(name="parquet_images", path=sys.argv[1]), Data(name="digits", test=900)):
    print(describe(data).num_images)
    load(data)
print(*sorted({"torch", "torchvision", "pyarrow", "sklearn", "pandas"} & set(sys.modules)))
"""


def test_no_torch_ever_and_no_decoding_library_when_warm(small_set: Path) -> None:
    cold = start(WARM, small_set).communicate(timeout=60)[0].splitlines()
    warm = start(WARM, small_set).communicate(timeout=60)[0].splitlines()
    assert cold[:2] == warm[:2] == ["4", "1797"]
    assert "pyarrow" in cold[2]
    assert "torch" not in cold[2]
    assert warm[2] == ""


@pytest.mark.parametrize("damage", ["truncate", "empty", "other shape", "no facts", "half facts"])
def test_a_damaged_cache_is_refused_with_the_file_to_delete(damage: str, small_set: Path) -> None:
    folder = decoded_folder(at(small_set))
    images, facts = folder / "images.npy", folder / "facts.json"
    match damage:
        case "truncate":
            os.truncate(images, images.stat().st_size - 1)
        case "empty":
            os.truncate(images, 0)
        case "other shape":
            np.save(images, np.zeros((4, 1, 5, 4), np.uint8))
        case "no facts":
            facts.unlink()
        case "half facts":
            facts.write_text("{}")
    with pytest.raises(DataError) as caught:
        load(at(small_set))
    file = facts if "facts" in damage else images
    line = f"{file}: this file of the decoded set is damaged; delete {folder} and run again"
    assert str(caught.value) == line


class Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["labels.npy", "images.npy"])
def test_an_array_of_objects_is_never_unpickled(name: str, small_set: Path, tmp_path: Path) -> None:
    folder = decoded_folder(at(small_set))
    np.save(folder / name, np.array([Touches(tmp_path / "touched")] * 4, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="this file of the decoded set is damaged"):
        load(at(small_set))
    assert not (tmp_path / "touched").exists()


def test_a_cache_that_cannot_be_written_is_named(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("AIKD_TUNE_CACHE", str(blocked))
    with pytest.raises(DataError) as caught:
        describe(at(small_set))
    assert str(caught.value).startswith(f"{blocked}: decoded images must be writable here (set AIKD_TUNE_CACHE")


def test_a_warm_cache_needs_no_lock_and_no_right_to_write(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = describe(at(small_set))

    def refuse(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("fcntl.flock", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert load(at(small_set)).facts == facts


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIKD_TUNE_CACHE", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named"
    monkeypatch.delenv("AIKD_TUNE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/aikd-tune"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/aikd-tune"
