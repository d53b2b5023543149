"""A cluster, and a project whose hosts its workers reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, cluster, fleet_of
from projects import ProjectFolder


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers for all tests that do not harm them."""
    with cluster(tmp_path_factory.mktemp("dask"), {"one": "fra=100", "two": ""}) as made:
        yield made


@pytest.fixture
def fleet(tmp_path: Path, dask: Cluster) -> ProjectFolder:
    """Three hosts outside of the stack's folder, so that a worker reaches them."""
    return fleet_of(tmp_path, dask)
