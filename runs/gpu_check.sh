#!/bin/sh
# On a machine with a GPU: the Triton operations against the reference and against themselves, on the device.
# Not yet run on any GPU by the project (docs/kernels.md says what has run where).
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-.venv/bin/python}"

"$PYTHON" - <<'CHECK'
import sys

import torch

if not torch.cuda.is_available():
    sys.exit("no GPU that torch can use: install a CUDA build of torch 2.13.0 (https://pytorch.org/get-started/locally) and run again")
print(torch.cuda.get_device_name(), "torch", torch.__version__)
CHECK
unset TRITON_INTERPRET
"$PYTHON" -m pytest -q tests/kernels/test_gpu.py tests/kernels/test_reference.py
