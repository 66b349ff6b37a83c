"""A device that is not there: its tensors lie on the CPU, but nobody may mix them with those of the CPU, nor look at them unasked.

So what a GPU would refuse is refused here, and what would make it wait is counted. Read `Elsewhere` first. Made of torch's
hooks for backends written in Python; a GPU's speed, its bits and its own kernels are not in it.
"""

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("elsewhere")
ELSEWHERE = torch.device("elsewhere", 0)
COPIES = ("aten._to_copy.default", "aten.copy_.default")
SIZED_BY_VALUES = ("aten.nonzero.default", "aten._unique2.default", "aten.bincount.default", "aten.masked_select.default")


class Far(torch.Tensor):
    """A tensor of that device; `near` holds its numbers."""

    @staticmethod
    def __new__(cls, near: torch.Tensor):
        about = {"strides": near.stride(), "storage_offset": near.storage_offset(), "dtype": near.dtype, "device": ELSEWHERE}
        far = torch.Tensor._make_wrapper_subclass(cls, near.size(), **about)
        far.near = near
        return far

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} of a tensor elsewhere, outside of `with Elsewhere()`")

    def tolist(self) -> list:
        return self.cpu().tolist()

    def numpy(self) -> np.ndarray:
        raise TypeError("can't convert elsewhere:0 device type tensor to numpy")  # as a GPU's tensor says


class Elsewhere(TorchDispatchMode):
    """While it is entered, the device `elsewhere` is there. RuntimeError for an operation that mixes devices.

    `came`, `went` and `waits`: tensors copied to it, tensors and numbers read from it, and operations whose result has a size
    that only the values tell. A GPU waits at each of the last two.
    """

    def __init__(self):
        super().__init__()
        self.came, self.went, self.waits = 0, 0, []

    def __enter__(self):
        self._before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=elsewhere) makes it here and copies it, as seen
        return super().__enter__()

    def __exit__(self, *error):
        torch._C._set_only_lift_cpu_tensors(self._before)
        return super().__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, flat = str(func), tree_flatten((args, kwargs or {}))[0]
        far = [t for t in flat if isinstance(t, Far)]
        goes_far = self._goes_far(name, kwargs or {}, args, far)
        self._check(name, flat, far)
        self._count(name, args, far, goes_far)
        args, kwargs = tree_map(lambda t: t.near if isinstance(t, Far) else t, (args, kwargs or {}))
        result = func(*args, **kwargs | ({"device": "cpu"} if kwargs.get("device") else {}))
        known = {id(t.near): t for t in far}  # what was changed in place is still the same tensor

        def back(value):
            if id(value) in known:
                return known[id(value)]
            return Far(value) if goes_far and isinstance(value, torch.Tensor) else value

        return tree_map(back, result)

    @staticmethod
    def _goes_far(name: str, kwargs: dict, args: tuple, far: list) -> bool:
        if kwargs.get("device") is not None:
            return torch.device(kwargs["device"]).type == ELSEWHERE.type
        return isinstance(args[0], Far) if name in COPIES else bool(far)

    @staticmethod
    def _check(name: str, flat: list, far: list) -> None:
        """A number (a tensor without axes) may come from the CPU, as on a GPU; nothing else may."""
        mixed = [tuple(t.shape) for t in flat if isinstance(t, torch.Tensor) and not isinstance(t, Far) and t.ndim]
        if far and mixed and name not in COPIES:
            raise RuntimeError(f"{name} mixes devices: CPU tensors {mixed} with {[tuple(t.shape) for t in far]} elsewhere")

    def _count(self, name: str, args: tuple, far: list, goes_far: bool) -> None:
        if name in COPIES:
            source = args[1] if name == "aten.copy_.default" else args[0]
            self.came += goes_far and not isinstance(source, Far)
            self.went += isinstance(source, Far) and not goes_far
        self.went += bool(far) and name == "aten._local_scalar_dense.default"
        if far and (name in SIZED_BY_VALUES or _picks(name, args)):
            self.waits.append(name)


def _picks(name: str, args: tuple) -> bool:
    """Whether an index says by truth values what is picked."""
    return name.startswith("aten.index") and any(getattr(i, "dtype", None) == torch.bool for i in tree_flatten(args[1])[0])
