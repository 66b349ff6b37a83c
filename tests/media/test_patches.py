import numpy as np
import pytest

from duologue.media.patches import from_patches, to_patches


def test_patches_fold_and_unfold():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    patches = to_patches(image)
    assert patches.shape == (12, 40, 40, 3) and abs(patches).max() <= 1
    assert np.array_equal(patches[5], to_patches(np.roll(image, (-40, -40), (0, 1)))[0])  # row 1, column 1 in reading order
    assert np.array_equal(from_patches(patches), image)


def test_another_size_is_refused():
    with pytest.raises(ValueError, match=r"120, 160"):
        to_patches(np.zeros((160, 120, 3), np.uint8))
