from pathlib import Path

import pytest

from accuracy_runs import IMAGES
from data_set import random_pixels, write_data_set
from support import Resbench


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Synthetic weights, made once for all tests of a file."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def resbench(cache, tmp_path):
    with Resbench(cache, tmp_path) as program:
        yield program


@pytest.fixture(scope="module")
def shared(cache, tmp_path_factory):
    """For fixtures whose results the tests of a file share and only read."""
    with Resbench(cache, tmp_path_factory.mktemp("shared")) as program:
        yield program


@pytest.fixture(scope="module")
def weights18(shared) -> Path:
    """Synthetic weights of resnet18; tests that change them take a copy."""
    path = shared.directory / "resnet18.h5"
    result = shared("weights", "synth", "resnet18", "-o", path)
    assert result.code == 0, result
    return path


@pytest.fixture(scope="module")
def weights8(shared) -> Path:
    """Synthetic weights of resnet8."""
    path = shared.directory / "resnet8.h5"
    assert shared("weights", "synth", "resnet8", "-o", path).code == 0
    return path


@pytest.fixture(scope="module")
def data(shared) -> Path:
    """A set of IMAGES images; every seventh has no label."""
    labels = [i * 7 % 10 if i % 7 else -1 for i in range(IMAGES)]
    names = [f"photo {i}.png" for i in range(IMAGES)]
    return write_data_set(shared.directory / "set.h5", random_pixels(IMAGES), labels, names=names)
