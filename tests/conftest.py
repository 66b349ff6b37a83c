"""A small model with random weights everywhere, so that nothing is zero by initialisation."""

import pytest

from tests.engine.made import small, small_model


@pytest.fixture(scope="session")
def model():
    return small_model()


@pytest.fixture(scope="session")
def voiced(model):
    """The same, ready to run live."""
    return small(model)
