"""Every command reads a configuration the same way, whatever form it has: file, folder, root, host, revision."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import HostFolder, ProjectFolder

from pmtaform.diagnostics import Exit

RULES = "smtp-pattern-list"
MAIN = """\
log-file /var/log/pmta/log
postmaster a@b.example
include /etc/pmta/conf.d/*.conf
<domain x.example>
    include /etc/pmta/domain.inc
    nonsense 5
</domain>
"""
FILES = {"conf.d/a.conf": "max-smtp-out 7\n", "conf.d/b.conf": "<domain *>\n max-msg-rate 5/m\n</domain>\n"}
FILES["domain.inc"] = "max-smtp-out 3\n"
FORMS = ("file", "folder", "root", "file in a root", "host")


@dataclass
class Forms:
    """One configuration as a file, a folder, a machine's root and a host of a stack; all of them have its files."""

    project: ProjectFolder
    home: Path

    @property
    def homes(self) -> tuple[Path, Path]:
        """The folders that stand for /etc/pmta: one on its own, one in a root that is a host's, too."""
        return self.home, self.project.host.at("/etc/pmta")

    def put(self, content: str | bytes, path: str = "config") -> None:
        for home in self.homes:
            target = home / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)

    def target(self, form: str) -> str:
        return {
            "file": str(self.home / "config"),
            "folder": str(self.home),
            "root": str(self.project.host.root),
            "file in a root": str(self.project.host.at("/etc/pmta/config")),
            "host": "mta1",
        }[form]

    def lint(self, form: str, *more: str) -> list[str]:
        """What lint finds, without the names of files."""
        words = ["fleet", "--host", "mta1"] if form == "host" else [self.target(form)]
        result = self.project.run("lint", *words, "--format", "json", *more)
        assert result.code in (Exit.OK, Exit.ERROR), result.all
        findings = json.loads(result.out)["findings"]
        places = [(each["rule"], each["place"]) for each in findings]
        return sorted(f"{rule} {Path(place['file']).name}:{place['line']}" for rule, place in places)


@pytest.fixture
def forms(project: ProjectFolder, tmp_path: Path) -> Forms:
    project.add_host("mta1", None)
    project.stack(activation="none")
    made = Forms(project, tmp_path / "copy")
    made.put(MAIN)
    for path, content in FILES.items():
        made.put(content, path)
    return made


# -- the same configuration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS[1:])
def test_effective_is_the_same_in_every_form(forms: Forms, form: str) -> None:
    def values(form: str) -> str:
        result = forms.project.run(
            "effective", forms.target(form), "--domain", "x.example", "--all", "--format", "json"
        )
        text = result.ended(Exit.OK).out
        for name in (str(forms.home), str(forms.project.host.at("/etc/pmta"))):
            text = text.replace(name, "/etc/pmta")
        return text

    assert "max-smtp-out" in values("file")
    assert values(form) == values("file")


@pytest.mark.parametrize("form", FORMS[1:])
def test_lint_is_the_same_in_every_form(forms: Forms, form: str) -> None:
    assert "unknown-directive config:6" in forms.lint("folder")
    assert forms.lint(form, "--powermta", "5.0r8") == forms.lint("file", "--powermta", "5.0r8")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_no_form_differs_from_another(forms: Forms, form: str, other: str) -> None:
    forms.project.run("diff", forms.target(form), forms.target(other), "--detailed-exitcode").ended(Exit.OK)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("revision", ["", "HEAD"])
def test_a_stack_that_declares_it_does_not_differ(forms: Forms, form: str, revision: str) -> None:
    inner = MAIN.replace("include /etc/pmta/conf.d/*.conf\n", "".join(FILES[f"conf.d/{name}.conf"] for name in "ab"))
    forms.project.add_file("files/all.conf", inner.replace("include /etc/pmta/domain.inc\n", FILES["domain.inc"]))
    forms.project.stack("native: [files/all.conf]\n", activation="none")
    if revision:
        git(forms.project, "init", "-q")
        git(forms.project, "add", "-A")
        git(forms.project, "commit", "-qm", "x")
    stack = f"{revision}:fleet:mta1"
    forms.project.run("diff", forms.target(form), stack, "--detailed-exitcode").ended(Exit.OK)


def git(project: ProjectFolder, *words: str) -> None:
    name = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(project.root), *name, *words], check=True, capture_output=True)


@pytest.mark.parametrize("form", ["folder", "root"])
def test_fmt_lays_out_the_same_files(forms: Forms, form: str) -> None:
    result = forms.project.run("fmt", forms.target(form), "--check").ended(Exit.ERROR)
    named = sorted(Path(line).name for line in result.out.split())
    assert named == ["b.conf", "config"]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "host"])
def test_import_makes_the_same_stack(forms: Forms, form: str) -> None:
    def body(stack: str) -> str:
        """The stack without its hosts' entries and names."""
        text = (forms.project.root / "stacks" / stack / "stack.yaml").read_text().partition("config:")[2]
        return text.replace("files/copy/", "files/mta1/")

    forms.project.run("import", "one", "--from", forms.target(form)).ended(Exit.OK)
    forms.project.run("import", "other", "--from", forms.target("folder")).ended(Exit.OK)
    assert "x.example" in body("one")
    assert body("one") == body("other")


# -- odd files ---------------------------------------------------------------------------------------------------------


def a_link_out(path: Path) -> None:
    outside = path.parents[4] / "secret.conf" if "etc/pmta" in str(path) else path.parent.parent / "secret.conf"
    outside.write_text("max-smtp-out 99\n")
    path.symlink_to(outside)


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, 64 * 1024 * 1024 + 1)


def unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    path.touch(mode=0)


ODD = [a_link_out, a_loop, a_folder, a_pipe, too_large, unreadable]
Plant = Callable[[Path], None]


@pytest.fixture(params=ODD, ids=lambda plant: plant.__name__)
def odd(request: pytest.FixtureRequest, forms: Forms) -> Forms:
    """The configuration, one of its includes in place of which is something odd."""
    forms.put(f"include /etc/pmta/odd.conf\n{MAIN}")
    for home in forms.homes:
        request.param(home / "odd.conf")
    return forms


@pytest.mark.parametrize("form", FORMS)
def test_what_was_not_read_is_reported_as_that(odd: Forms, form: str) -> None:
    """Not as missing, not silently: by effective, by diff and by lint."""
    result = odd.project.run("effective", odd.target(form), "--domain", "x.example").ended(Exit.OK)
    assert result.err.count("[include-not-read]") == 1
    assert "/etc/pmta/odd.conf exists, but it was not read: " in result.words
    assert "missing" not in result.all
    assert "99" not in result.out
    result = odd.project.run("diff", odd.target(form), odd.target("folder")).ended(Exit.OK)
    assert "[include-not-read]" in result.err
    assert "include-not-read config:1" in odd.lint(form)
    assert not [each for each in odd.lint(form) if each.startswith("missing-include")]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "host"])
def test_import_refuses_what_was_not_read(odd: Forms, form: str) -> None:
    result = odd.project.run("import", "new", "--from", odd.target(form))
    assert result.code not in (Exit.OK, Exit.ERROR)
    assert "[include-not-read]" in result.err
    assert not (odd.project.root / "stacks/new").exists()


@pytest.mark.parametrize("form", ["folder", "root"])
def test_fmt_reports_what_was_not_read_and_lays_out_the_rest(odd: Forms, form: str) -> None:
    result = odd.project.run("fmt", odd.target(form)).ended(Exit.OK)
    assert "[include-not-read]" in result.err
    assert "b.conf" in result.out


@pytest.mark.parametrize("plant", ODD, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("form", ["folder", "root", "host"])
@pytest.mark.parametrize("command", ["effective", "diff", "lint", "fmt", "import"])
def test_a_main_file_that_was_not_read_is_an_error(forms: Forms, plant: Plant, form: str, command: str) -> None:
    if form == "host" and command in ("fmt", "import"):
        pytest.skip("the command reads no host of a stack")
    for home in forms.homes:
        (home / "config").unlink()
        plant(home / "config")
    target = forms.target(form)
    words = {"diff": [target, target], "import": ["new", "--from", target]}.get(command, [target])
    if command == "lint" and form == "host":
        words = ["fleet", "--host", "mta1"]
    result = forms.project.run(command, *words)
    assert result.code not in (Exit.OK, Exit.ERROR), result.all
    assert "99" not in result.out
    assert not (forms.project.root / "stacks/new").exists()


@pytest.mark.parametrize("form", FORMS)
def test_an_include_that_leads_out_is_missing(forms: Forms, form: str) -> None:
    forms.put(f"include /etc/pmta/../../../secret.conf\ninclude gone.conf\n{MAIN}")
    for folder in (forms.home.parent, forms.project.folder / "hosts", forms.project.folder):
        (folder / "secret.conf").write_text("max-smtp-out 99\n")
    result = forms.project.run("effective", forms.target(form), "--domain", "x.example").ended(Exit.OK)
    assert "[missing-include]" in result.err
    assert "[relative-include]" in result.err
    assert "99" not in result.out
    assert {"missing-include config:1", "relative-include config:2"} <= set(forms.lint(form))


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_are_not_utf8_are_read(forms: Forms, form: str) -> None:
    forms.put(b"# \xe9\n" + MAIN.encode())
    forms.project.run("effective", forms.target(form)).ended(Exit.OK)
    forms.project.run("diff", forms.target(form), forms.target("folder"), "--detailed-exitcode").ended(Exit.OK)
    assert "not-utf8 config:1" in forms.lint(form)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "host"])
def test_a_link_inside_the_folder_is_followed(forms: Forms, form: str) -> None:
    forms.put(f"include /etc/pmta/link.conf\n{MAIN}")
    for home in forms.homes:
        (home / "link.conf").symlink_to("conf.d/a.conf")
    result = forms.project.run("effective", forms.target(form), "--domain", "x.example").ended(Exit.OK)
    assert result.err == ""


# -- hosts -------------------------------------------------------------------------------------------------------------


def test_a_folder_of_machines_is_no_machine(project: ProjectFolder, tmp_path: Path) -> None:
    """The hint names the folders in it that `import` can read."""
    for name in ("mta1", "mta2"):
        HostFolder(tmp_path / "fleet" / name).put(MAIN)
    (tmp_path / "fleet/notes").mkdir()
    result = project.run("import", "new", "--from", str(tmp_path / "fleet")).ended(Exit.USAGE)
    folder = tmp_path / "fleet"
    assert f"--from {folder}/mta1 --from {folder}/mta2." in result.words


def test_a_stack_that_names_a_file_in_the_current_folder(
    forms: Forms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A relative path into a root is that root, never this machine's own."""
    monkeypatch.chdir(forms.project.host.root)
    result = forms.project.run("effective", "etc/pmta/config", "--domain", "x.example").ended(Exit.OK)
    assert "etc/pmta/domain.inc:1" in result.out
    monkeypatch.chdir(tmp_path / "copy")
    result = forms.project.run("effective", "config", "--domain", "x.example").ended(Exit.OK)
    assert "domain.inc:1" in result.out
    assert result.err == ""
