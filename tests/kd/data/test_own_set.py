import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from started_together import release
from torchvision.transforms import functional as tv

from aikd_tune.errors import DataError, UserError
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.kd.own_code import load_function
from aikd_tune.spec.fields import Data
from aikd_tune.spec.own_code import source_sha256

Write = Callable[[str], Path]
PREAMBLE = """
import numpy as np
draws = np.random.default_rng(0)
calls = []
images = draws.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
labels = np.array([0, 1, 2, 0, 1, 2])
"""
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
CHANNELS_FIRST = IMAGES.transpose(0, 3, 1, 2)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the user's module ``my_sets``, which is imported anew."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(body: str) -> Path:
        monkeypatch.delitem(sys.modules, "my_sets", raising=False)
        path = folder / "my_sets.py"
        path.write_text(PREAMBLE + dedent(body))
        return path

    return write


def own(path: Path | None = None, **fields: int | str) -> Data:
    return Data(name="my_sets:build", path=None if path is None else str(path), **fields)


def refusal(data: Data) -> str:
    with pytest.raises(DataError) as caught:
        describe(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("layout", ["images", "images.transpose(0, 3, 1, 2)", "images.transpose(0, 3, 1, 2).copy()"])
def test_channels_first_or_last(layout: str, module: Write) -> None:
    module(f"def build(): return {{'train': ({layout}, labels), 'test': [images[:3], labels[:3]], 'classes': 'abc'}}")
    assert refusal(own()).endswith("classes must be names in a list or tuple, found str")
    module(f"""
        def build():
            return {{"train": ({layout}, labels), "test": [images[:3], labels[:3]], "classes": ["a", "b", "c"]}}
    """)
    loaded = load(own())
    np.testing.assert_array_equal(loaded.images, CHANNELS_FIRST)
    np.testing.assert_array_equal(loaded.labels, [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(loaded.test_images, CHANNELS_FIRST[:3])
    np.testing.assert_array_equal(loaded.test_labels, [0, 1, 2])
    facts = loaded.facts
    assert (facts.num_images, facts.num_test, facts.image_shape) == (6, 3, (3, 5, 4))
    assert facts.class_names == ("a", "b", "c")
    assert isinstance(loaded.images, np.memmap)


def test_grey_images_without_channels_without_test_and_without_names(module: Write) -> None:
    module("def build(): return {'train': (images[..., 0], labels.astype('uint8'))}")
    loaded = load(own())
    np.testing.assert_array_equal(loaded.images, IMAGES[:, None, :, :, 0])
    assert (loaded.facts.num_test, loaded.facts.class_names) == (None, ("0", "1", "2"))
    assert loaded.labels.dtype == np.int64


@pytest.mark.parametrize("part", ["images", "images[..., :1]"])
def test_stored_size(part: str, module: Write) -> None:
    module(f"def build(): return {{'train': ({part}, labels), 'test': ({part}[:, :, :3], labels)}}")
    loaded = load(own(stored_size=3))
    levels = IMAGES if part == "images" else IMAGES[..., :1]
    assert loaded.test_images is not None
    for found, source in ((loaded.images, levels), (loaded.test_images, levels[:, :, :3])):
        for i in range(6):
            expected = tv.center_crop(tv.resize(tv.to_pil_image(source[i]), 3), 3)
            np.testing.assert_array_equal(found[i], np.asarray(expected).reshape(3, 3, -1).transpose(2, 0, 1))


def test_the_path_is_given_where_it_is_asked_for(module: Write, tmp_path: Path) -> None:
    module("""
        def build(path):
            calls.append(path)
            return {"train": (np.load(path), labels)}
    """)
    stored = tmp_path / "images.npy"
    np.save(stored, IMAGES)
    np.testing.assert_array_equal(load(own(stored)).images, CHANNELS_FIRST)
    assert refusal(own()) == "data.path: my_sets:build needs a path, found none"
    module("def build(path='default'): return {'train': (images, labels), 'classes': [path, 'b', 'c']}")
    assert describe(own()).class_names[0] == "default"
    assert describe(own(stored)).class_names[0] == str(stored)
    assert describe(Data(name="my_sets:build", path="s3://bucket//x")).class_names[0] == "s3://bucket//x"
    assert describe(Data(name="my_sets:build", path="~/x")).class_names[0] == str(Path.home() / "x")
    module("def build(): return {'train': (images, labels)}")
    assert refusal(own(stored)) == f"data.path: my_sets:build has no parameter path to give it to, found {stored}"
    module("def build(root, size): pass")
    assert refusal(own()) == ("my_sets:build: must be callable with path alone or with nothing, found (root, size)")


def test_called_once_until_the_source_or_the_path_changes(module: Write, tmp_path: Path) -> None:
    body = dedent("""
        from pathlib import Path
        def build(path):
            with Path(path, "../calls").open("a") as file:
                file.write("x")
            return {"train": (np.load(Path(path, "a/images.npy")), labels)}
    """)
    module(body)
    folder, calls = tmp_path / "files", tmp_path / "calls"
    (folder / "a").mkdir(parents=True)
    np.save(folder / "a/images.npy", IMAGES)
    before = describe(own(folder))
    assert describe(own(folder)) == before
    assert calls.read_text() == "x"
    np.save(folder / "a/images.npy", IMAGES[::-1])
    after = describe(own(folder))
    assert after.fingerprint != before.fingerprint
    assert calls.read_text() == "xx"
    module(body + "# another comment\n")
    assert describe(own(folder)).fingerprint == after.fingerprint
    assert calls.read_text() == "xxx"


def test_a_source_that_changed_since_the_study_was_read(module: Write) -> None:
    module("def build(): return {'train': (images, labels)}")
    data = own(source_sha256=source_sha256("my_sets:build"))
    assert describe(data).num_images == 6
    module("def build(): return {'train': (images, labels)}  # or not")
    assert refusal(data) == (
        "my_sets:build: its source file must stay as it was when the study was read, found it changed"
    )


def test_a_warm_start_calls_and_imports_nothing(module: Write) -> None:
    path = module("def build(): return {'train': (images, labels)}")
    code = (
        "import sys; from aikd_tune.kd.data.describe import describe; from aikd_tune.spec.fields import Data;"
        "print(describe(Data(name='my_sets:build')).num_images, 'my_sets' in sys.modules, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-B", "-c", code]
    found = [subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=True) for _ in range(2)]
    assert [process.stdout for process in found] == ["6 True False\n", "6 False False\n"]


AT_ONCE = """
import sys
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data
print("ready", flush=True)
sys.stdin.readline()
print(load(Data(name="my_sets:build", path=sys.argv[1])).images.sum())
"""


def test_processes_that_ask_at_once_call_once(module: Write, tmp_path: Path) -> None:
    path = module("""
        import time
        from pathlib import Path
        def build(path):
            with Path(path, "../calls").open("a") as file:
                file.write("x")
            time.sleep(0.5)
            return {"train": (draws.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8), labels)}
    """)
    (tmp_path / "files").mkdir()
    command = [sys.executable, "-B", "-c", AT_ONCE, str(tmp_path / "files")]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=path.parent, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    release(processes)
    sums = {process.communicate(timeout=30)[0] for process in processes}
    assert len(sums) == 1
    assert (tmp_path / "calls").read_text() == "x"


def test_fingerprint_is_that_of_what_is_returned(module: Write) -> None:
    bodies = [
        "'train': (images, labels)",
        "'train': (images.transpose(0, 3, 1, 2), labels)",  # the same set in another layout
        "'train': (images[::-1], labels)",
        "'train': (images, labels[::-1])",
        "'train': (images, labels), 'classes': ('a', 'b', 'c')",
        "'train': (images, labels), 'test': (images, labels)",
    ]
    found = []
    for body in bodies:
        module(f"def build(): return {{{body}}}")
        found.append(describe(own()).fingerprint)
    assert found[0] == found[1]
    assert len(set(found)) == 5


@pytest.mark.parametrize("at_most", [1, 4, 5])
def test_large_arrays_are_written_in_blocks(at_most: int, module: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aikd_tune.kd.data.blocks._IMAGES_AT_MOST", at_most)
    module("def build(): return {'train': (images, labels)}")
    np.testing.assert_array_equal(load(own()).images, CHANNELS_FIRST)


RULE = "images must be uint8 of (n, H, W), (n, H, W, C) or (n, C, H, W)"
BAD = {
    "None": "must return a mapping of train (and test, and classes, if there are any), found NoneType",
    "{}": "must return a mapping of train (and test, and classes, if there are any), found an empty one",
    "{'train': (images, labels), 'val': 1}": (
        "must return a mapping of train (and test, and classes, if there are any), found train, val"
    ),
    "{'train': images}": "train: must be images and labels, found ndarray",
    "{'train': (images / 255, labels)}": f"train: {RULE}, found float64 of (6, 5, 4, 3)",
    "{'train': (images[0, 0], labels)}": f"train: {RULE}, found uint8 of (4, 3)",
    "{'train': (images[..., :2], labels)}": (
        "train: images must have 1 or 3 channels, first or last, found neither (uint8 of (6, 5, 4, 2))"
    ),
    "{'train': (images[:, :3], labels)}": (
        "train: images must have 1 or 3 channels, first or last, found both (uint8 of (6, 3, 4, 3))"
    ),
    "{'train': (images, labels[:5])}": "train: must have a label for every image, found 6 and 5",
    "{'train': (images, labels / 2)}": "train: labels must be whole numbers of (n,), found float64 of (6,)",
    "{'train': (images, labels[:, None])}": "train: labels must be whole numbers of (n,), found int64 of (6, 1)",
    "{'train': (images[:0], labels[:0])}": "train: must hold images, found uint8 of (0, 5, 4, 3)",
    "{'train': (images, labels - 1)}": "train: label 0 must be from 0 to 1, found -1",
    "{'train': (images, labels * 9)}": (
        "labels must be below the number of images (6) where no classes are given, found 18"
    ),
    "{'train': (images, labels), 'classes': ['a', 'b']}": "train: label 2 must be from 0 to 1, found 2",
    "{'train': (images, labels), 'classes': [1, 2, 3]}": "classes must be names in a list or tuple, found list",
    "{'train': (images, labels), 'test': (images[:2], labels[:2])}": (
        "test: must have images of every class of my_sets:build: train, found none of 2"
    ),
    "{'train': (images[:2], labels[:2]), 'test': (images, labels)}": (
        "train: must have images of every class of my_sets:build: test, found none of 2"
    ),
    "{'train': (images, labels), 'test': (images[:, :4], labels)}": (
        "test: images must have the (C, H, W) of train (3, 5, 4), found (3, 4, 4)"
    ),
    "{'train': ([[1], [1, 2]], labels)}": (
        "train: images: must be an array, found ValueError: setting an array element with a sequence.*"
    ),
    "{'train': (1 / 0, labels)}": "must return a data set, found ZeroDivisionError: division by zero (FILE:8)",
    "__import__('sys').exit(3)": "must return a data set, found SystemExit: 3 (FILE:8)",
}


@pytest.mark.parametrize(("returned", "line"), BAD.items(), ids=BAD.keys())
def test_what_cannot_be_used(returned: str, line: str, module: Write) -> None:
    path = module(f"def build():\n    return {returned}")
    expected = f"my_sets:build: {line}".replace("FILE", str(path))
    found = refusal(own())
    assert found.startswith(expected[:-1]) if expected.endswith("*") else found == expected


def test_a_module_or_function_that_is_not_there(module: Write, tmp_path: Path) -> None:
    path = module("build = 3")
    assert refusal(own()) == f"my_sets:build: build must be a function of {path}, found int"
    module("")
    assert refusal(own()) == f"my_sets:build: build must be a function of {path}, found nothing of that name"
    module("raise RuntimeError('no\\nway')")
    assert refusal(own()) == (
        f"my_sets:build: module my_sets must be importable, found RuntimeError: no way ({path}:7)"
    )
    module("def build(:")
    assert refusal(own()) == (
        "my_sets:build: module my_sets must be importable, found SyntaxError: invalid syntax (my_sets.py, line 7)"
    )
    assert "module no_such must be a Python file" in refusal(Data(name="no_such:build"))
    with pytest.raises(UserError, match="module no_such must be a Python file"):
        load_function("no_such:build")


def test_load_function(module: Write) -> None:
    module("def build(): return 5")
    assert load_function("my_sets:build")() == 5
    assert callable(load_function("json.decoder:JSONDecoder"))
