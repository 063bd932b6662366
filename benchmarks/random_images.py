"""Images without meaning, for timing: 32x32 colour, 100 classes. A study names them ``random_images:load``."""

import numpy as np

NUM_IMAGES, NUM_CLASSES = 2_000, 100


def load() -> dict[str, object]:
    draws = np.random.Generator(np.random.PCG64(0))
    images = draws.integers(0, 256, (NUM_IMAGES, 32, 32, 3), dtype=np.uint8)
    return {"train": (images, np.arange(NUM_IMAGES) % NUM_CLASSES)}
