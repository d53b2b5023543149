"""What an installation carries: pmtaform without its stand-in for PowerMTA, and the stand-in on its own."""

from __future__ import annotations

import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

import pmtaform
from pmtaform.policy.catalogue import library

ROOT = Path(__file__).parent.parent


def wheel(project: Path, folder: Path) -> zipfile.ZipFile:
    """The wheel of a project, built into a folder."""
    return zipfile.ZipFile(next(WheelBuilder(str(project)).build(directory=str(folder), versions=["standard"])))


def metadata(built: zipfile.ZipFile) -> dict[str, list[str]]:
    """The fields of a wheel's METADATA."""
    name = next(name for name in built.namelist() if name.endswith(".dist-info/METADATA"))
    fields = Parser().parsestr(built.read(name).decode())
    return {key: fields.get_all(key) or [] for key in fields}


def test_a_production_install_does_not_carry_the_emulator(tmp_path: Path) -> None:
    with wheel(ROOT, tmp_path) as built:
        names = built.namelist()
        folders = {name.partition("/")[0] for name in names}
    assert folders == {"pmtaform", f"pmtaform-{pmtaform.__version__}.dist-info"}
    assert [name for name in names if "emulator" in name] == []
    assert {"pmtaform/__main__.py", "pmtaform/py.typed", "pmtaform/host/agent/base.sh"} <= set(names)
    assert [name for name in names if name.startswith("pmtaform/lang/data/")] != []
    version = f"pmtaform/policy/data/{library().latest.version}"
    files = ("providers.json", "replies.tsv", "rules.toml", "sources.tsv")
    assert {f"{version}/{name}" for name in files} <= set(names)


def test_the_emulator_is_a_distribution_of_the_same_version(tmp_path: Path) -> None:
    with wheel(ROOT / "emulator", tmp_path) as built:
        folders = {name.partition("/")[0] for name in built.namelist()}
        fields = metadata(built)
    assert folders == {"pmtaform_emulator", f"pmtaform_emulator-{pmtaform.__version__}.dist-info"}
    assert fields["Version"] == [pmtaform.__version__]
    assert fields["Requires-Dist"] == ["pmtaform"]


def test_both_distributions_support_the_same_python_versions() -> None:
    both = [tomllib.loads((folder / "pyproject.toml").read_text()) for folder in (ROOT, ROOT / "emulator")]
    assert len({project["project"]["requires-python"] for project in both}) == 1
