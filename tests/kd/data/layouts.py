"""Writes one set of labelled images in each layout that a user may have it in.

train, test = synthetic_rows(30, 2, 40), synthetic_rows(30, 1, 40, seed=1)
write_image_folder(root, train, test)                       # {train,test}/<class>/*.png
write_image_folder(root, train, test, test_name="val")      # {train,val}/<class>/*.png
write_tiny_imagenet(root, train, test)                      # train/<class>/images/*.JPEG, val with annotations
write_parquet_set(root, train, test)                        # a public hub export
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from parquet_sets import encode, write_parquet
from PIL import Image

CIFAR10 = Path(os.environ.get("AIKD_TUNE_CIFAR10") or Path(__file__).parents[4] / "shared/data/cifar10")
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Rows:
    """Labelled images, (n, H, W, 3) or (n, H, W) levels; every class has at least one."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]  # (n,)
    class_names: tuple[str, ...]

    def resized(self, height: int, width: int) -> "Rows":
        images = [Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC) for levels in self.images]
        return Rows(np.stack([np.asarray(image) for image in images]), self.labels, self.class_names)

    def of(self, label: int) -> NDArray[np.uint8]:
        return self.images[self.labels == label]


def synthetic_rows(
    num_images: int, num_classes: int, size: int, seed: int = 0, channels: int = 3, height: int | None = None
) -> Rows:
    """Images of noise around a level of their class, so that a network can tell them apart."""
    draws = np.random.default_rng(seed)
    labels = np.arange(num_images, dtype=np.int64) % num_classes
    levels = 40 + (175 * labels // max(num_classes - 1, 1))
    shape = (num_images, height or size, size, *((3,) if channels == 3 else ()))
    noise = draws.integers(-40, 41, shape)
    images = (levels.reshape(-1, *[1] * (len(shape) - 1)) + noise).astype(np.uint8)
    return Rows(images, labels, tuple(f"class_{label:03d}" for label in range(num_classes)))


def cifar10_rows(part: str, num_images: int) -> Rows:
    """The first images of a part of the real set, evenly from each class, in the set's order; needs ``CIFAR10``."""
    table = pq.read_table(sorted(CIFAR10.glob(f"{part}*.parquet"))[0])
    labels = table["label"].to_numpy()
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[: num_images // 10] for label in range(10)]))
    contents = [table["img"][int(row)].as_py()["bytes"] for row in chosen]
    images = np.stack([np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in contents])
    return Rows(images, labels[chosen].astype(np.int64), CIFAR10_CLASSES)


def write_image_folder(
    root: Path, train: Rows, test: Rows | None, test_name: str = "test", form: str = "PNG", nested: str = ""
) -> Path:
    """``train/<class>/*`` and, where there is a test part, ``<test_name>/<class>/*``; ``nested`` folders below each."""
    for part, rows in (("train", train), (test_name, test)):
        for label, class_name in enumerate(rows.class_names if rows is not None else ()):
            assert rows is not None
            folder = root / part / class_name / nested
            folder.mkdir(parents=True)
            for i, levels in enumerate(rows.of(label)):
                (folder / f"{class_name}_{i:05d}.{form.lower()}").write_bytes(encode(levels, form))
    return root


def write_tiny_imagenet(root: Path, train: Rows, val: Rows) -> Path:
    """The form in which Tiny-ImageNet is handed out: nested training folders, one folder of validation images."""
    write_image_folder(root, train, None, form="JPEG", nested="images")
    for class_name in train.class_names:
        boxes = root / "train" / class_name / f"{class_name}_boxes.txt"
        boxes.write_text(f"{class_name}_0.JPEG\t0\t0\t9\t9\n")
    (root / "val/images").mkdir(parents=True)
    (root / "test/images").mkdir(parents=True)
    lines = []
    for i, (levels, label) in enumerate(zip(val.images, val.labels, strict=True)):
        (root / f"val/images/val_{i:05d}.JPEG").write_bytes(encode(levels, "JPEG"))
        (root / f"test/images/test_{i:05d}.JPEG").write_bytes(encode(levels, "JPEG"))  # without labels
        lines.append(f"val_{i:05d}.JPEG\t{val.class_names[label]}\t0\t0\t9\t9\n")
    (root / "val/val_annotations.txt").write_text("".join(lines))
    (root / "wnids.txt").write_text("".join(f"{name}\n" for name in train.class_names))
    return root


def write_parquet_set(root: Path, train: Rows, test: Rows | None, form: str = "PNG", image_name: str = "img") -> Path:
    """``train-*.parquet`` and, where there is a test part, ``test-*.parquet``."""
    for part, rows in (("train", train), ("test", test)):
        if rows is not None:
            contents = [encode(levels, form) for levels in rows.images]
            path = root / f"{part}-00000-of-00001.parquet"
            write_parquet(path, contents, rows.labels.tolist(), image_name=image_name, class_names=rows.class_names)
    return root
