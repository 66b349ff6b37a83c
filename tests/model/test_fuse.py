"""What every output slot knows of the tokens before it, and frames of sound beside each other."""

import torch

from duologue.kernels.backward import through
from duologue.model.fuse import KERNEL, OLDEST, _beside, _beside_back, last_written


def test_each_slot_knows_the_last_token_before_it_and_its_age():
    one_channel = torch.tensor([0, 7, 0, 0, 9, 0])
    last, age = last_written(torch.stack([one_channel, torch.zeros_like(one_channel)], -1)[None])
    assert last[0, :, 0].tolist() == [0, 0, 7, 7, 7, 9]
    assert age[0, :, 0].tolist() == [0, 0, 1, 2, 3, 1]
    assert not last[..., 1].any() and not age[..., 1].any()


def test_sessions_do_not_mix_and_nothing_is_older_than_the_oldest():
    tokens = torch.zeros(2, OLDEST + 50, 1, dtype=torch.int64)
    tokens[0, 3], tokens[1, -1] = 5, 6
    last, age = last_written(tokens)
    assert last[0, 4:].unique().tolist() == [5] and int(age.max()) == OLDEST == int(age[0, -1])
    assert not last[1].any()


def test_a_slot_that_has_written_something_recalls_it_and_one_that_has_not_recalls_nothing(model):
    tokens = torch.tensor([[[11, 0, 0, 0], [0, 0, 0, 0], [12, 0, 0, 0], [0, 0, 0, 0]]])
    recalled = model.fuse.recalled(*last_written(tokens), torch.float32)
    assert not recalled[0, 0].any()
    assert recalled[0, 1].any() and not torch.equal(recalled[0, 1], recalled[0, 3])


def test_frames_beside_each_other_have_the_gradient_of_the_plain_form():
    x = torch.randn(2, 9, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: through(_beside, _beside_back, x), x)
    assert torch.equal(_beside(x)[1, 2], x[1, 2 : 2 + KERNEL].flatten())
