"""Sets of torchvision that are not there: downloaded, or one line says how to get them."""

import hashlib
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
import torchvision.datasets as tvd
from torchvision_layouts import WRITERS, accept_checksums, at, refusal

from aikd_tune.kd.data import torchvision_download
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.torchvision_files import cut_off_marker
from aikd_tune.spec.catalogue import TORCHVISION_SETS

OFFLINE = """
import sys
from aikd_tune.errors import DataError
from aikd_tune.kd.data.describe import describe
from aikd_tune.spec.fields import Data

for name in ("MNIST", "CIFAR10", "SVHN", "DTD"):
    try:
        describe(Data(name=name, path=sys.argv[1]))
    except DataError as error:
        print(error)
"""


def test_without_a_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "no network")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    root = tmp_path / "root"
    lines = {name: refusal(at(name, root)) for name in sorted(TORCHVISION_SETS - {"StanfordCars"})}
    assert capfd.readouterr() == ("", "")
    assert lines["MNIST"] == (
        f"{root}: MNIST is not here and could not be downloaded (on a machine with a network run "
        "python -c \"from torchvision.datasets import MNIST; MNIST('torchvision', download=True)\" and copy what is in "
        "its folder torchvision to here), found no connection to ossci-datasets.s3.amazonaws.com"
    )
    both = "SVHN('torchvision', split='train', download=True); SVHN('torchvision', split='test', download=True)"
    assert both in lines["SVHN"]
    assert list(root.iterdir()) == []


@pytest.mark.slow
def test_a_process_without_a_network_ends_in_seconds(tmp_path: Path) -> None:
    # A name server that does not exist stands for a machine without a network wherever this test runs.
    code = "import socket\ndef none(*_, **__): raise socket.gaierror(-3, 'no network')\nsocket.getaddrinfo = none\n"
    command = [sys.executable, "-c", code + OFFLINE, str(tmp_path)]
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    begun = time.monotonic()
    process = subprocess.run(command, capture_output=True, text=True, env=direct)
    assert time.monotonic() - begun < 30
    assert (process.returncode, process.stderr) == (0, "")
    assert len(process.stdout.splitlines()) == 4


def test_a_mirror_that_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mirror:
        assert torchvision_download.any_reachable([("127.0.0.1", 1), mirror.getsockname()])


def test_a_mirror_that_takes_no_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> None:
        over.wait(10)
        raise OSError

    monkeypatch.setattr(torchvision_download, "_PROBE_S", 0.2)
    monkeypatch.setattr("socket.create_connection", hang)
    begun = time.monotonic()
    assert not torchvision_download.any_reachable([("a.invalid", 80), ("b.invalid", 80)])
    assert time.monotonic() - begun < 2
    over.set()


def test_mirrors_are_those_of_torchvisions_classes() -> None:
    for name in TORCHVISION_SETS - {"StanfordCars"}:
        assert torchvision_download.mirrors(getattr(tvd, name)), name
    assert torchvision_download.mirrors(tvd.KMNIST) == [("codh.rois.ac.jp", 80)]


def test_cars_cannot_be_downloaded(tmp_path: Path) -> None:
    assert refusal(at("StanfordCars", tmp_path)) == (
        f"{tmp_path}: StanfordCars cannot be downloaded any more; expected here are stanford_cars/cars_train/*.jpg, "
        "stanford_cars/cars_test/*.jpg, stanford_cars/devkit/cars_train_annos.mat, stanford_cars/devkit/cars_meta.mat, "
        "stanford_cars/cars_test_annos_withlabels.mat, found no stanford_cars/devkit/cars_train_annos.mat"
    )


class Mirror:
    """Stands for torchvision's download of DTD: writes the set, or dies half-way, and prints as torchvision does."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def __call__(self, url: str, download_root: str, **_: object) -> None:
        print("Downloading", url)
        print("100%", file=sys.stderr)
        if self.fails:
            (Path(download_root) / "dtd/images").mkdir(parents=True)
            raise RuntimeError("File not found or corrupted.\nsecond line")
        WRITERS["DTD"](Path(download_root).parent)


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision_download, "any_reachable", lambda hosts: True)


@pytest.mark.usefixtures("reachable")
def test_a_download_is_one_line_and_then_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tvd.dtd, "download_and_extract_archive", Mirror(fails=False))
    assert describe(at("DTD", tmp_path, 8)).num_images == 4
    assert capfd.readouterr() == ("", f"downloading DTD into {tmp_path}\n")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["dtd"]


@pytest.mark.usefixtures("reachable")
def test_a_download_that_fails_leaves_nothing_that_is_taken_for_the_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tvd.dtd, "download_and_extract_archive", Mirror(fails=True))
    line = refusal(at("DTD", tmp_path, 8))
    assert line.startswith(f"{tmp_path}: DTD is not here and could not be downloaded (on a machine with a network run")
    assert line.endswith("found RuntimeError: File not found or corrupted.")
    monkeypatch.setattr(tvd.dtd, "download_and_extract_archive", Mirror(fails=False))
    assert describe(at("DTD", tmp_path, 8)).num_images == 4


def test_an_archive_that_was_brought_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision_download, "any_reachable", lambda hosts: False)
    WRITERS["CIFAR100"](tmp_path / "elsewhere")
    accept_checksums(tmp_path / "elsewhere", "CIFAR100", monkeypatch)
    root = tmp_path / "root"
    root.mkdir()
    archive = root / tvd.CIFAR100.filename
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "elsewhere/cifar-100-python", "cifar-100-python")
    monkeypatch.setattr(tvd.CIFAR100, "tgz_md5", hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest())
    assert describe(at("CIFAR100", root)).num_images == 20


@pytest.mark.usefixtures("reachable")
def test_a_download_that_was_killed_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    WRITERS["DTD"](tmp_path)  # looks whole, yet was not
    cut_off_marker(tmp_path, "DTD").touch()
    (tmp_path / "dtd/dtd/images/half").mkdir()
    monkeypatch.setattr(tvd.dtd, "download_and_extract_archive", Mirror(fails=False))
    assert describe(at("DTD", tmp_path, 8)).num_images == 4
    assert not (tmp_path / "dtd/dtd/images/half").exists()
    assert not cut_off_marker(tmp_path, "DTD").exists()


@pytest.mark.usefixtures("reachable")
def test_what_a_user_has_put_there_is_never_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    WRITERS["DTD"](tmp_path)
    (tmp_path / "dtd/dtd/labels/val1.txt").unlink()
    monkeypatch.setattr(tvd.dtd, "download_and_extract_archive", Mirror(fails=True))
    assert "found FileNotFoundError: [Errno 2] No such file or directory" in refusal(at("DTD", tmp_path, 8))
    assert (tmp_path / "dtd/dtd/labels/train1.txt").is_file()
