"""From patches to positions: each by itself, then those of one picture together."""

import pytest
import torch

from duologue.model.layout import PATCHES, VIEW
from duologue.model.sight import LOUDNESS, Sight

WIDTH = 32


@pytest.fixture
def pictures():
    return torch.rand(3, PATCHES, 40, 40, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def sight():
    torch.manual_seed(0)
    made = Sight(WIDTH)
    for mix in made.mixes:
        for _, last in (mix.across, mix.within):
            torch.nn.init.normal_(last.weight, std=0.1)
    return made.eval()


def moved(sight: Sight, pictures: torch.Tensor, patch: int) -> list[bool]:
    """Which positions of the first picture change with one patch of it."""
    other = pictures.clone()
    other[0, patch] *= -1
    with torch.no_grad():
        before, after = (sight(p, torch.float32) for p in (pictures, other))
    assert torch.equal(before[1:], after[1:])  # nothing crosses a picture
    return (before[0] != after[0]).any(-1).tolist()


def test_it_begins_with_each_column_for_itself(pictures):
    assert moved(Sight(WIDTH).eval(), pictures, 5) == [k == 5 % VIEW for k in range(VIEW)]


def test_then_every_position_knows_of_every_patch(sight, pictures):
    assert all(moved(sight, pictures, 5))


def test_a_patch_is_known_by_its_pixels_and_a_position_by_its_place(sight, pictures):
    same = pictures[:1, :1].expand(1, PATCHES, 40, 40, 3)
    with torch.no_grad():
        assert torch.allclose(sight.patch(same, torch.float32)[0, 0], sight.patch(same, torch.float32)[0, 7], atol=1e-6)
        x = sight(same, torch.float32)[0]
    assert x.shape == (VIEW, WIDTH) and x.dtype == torch.float32 and not torch.allclose(x[0], x[3], atol=1e-3)


def test_a_position_is_as_loud_as_a_word_however_loud_the_layers_are(sight, pictures):
    for layer in sight.steps[-1:]:
        layer.weight.data *= 300
    with torch.no_grad():
        rms = sight(pictures, torch.float32).square().mean(-1).sqrt()
    assert torch.allclose(rms, torch.full_like(rms, LOUDNESS), rtol=1e-3)
