"""A host whose inputs are known is neither compiled nor parsed, and its plan is the same as one that does both."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tls_files import made

from pmtaform import Project, apply_plan, drift_of, make_plan
from pmtaform.api.applying import ApplyRequest
from pmtaform.clock import SystemClock
from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError
from pmtaform.model.choice import Choice
from pmtaform.planning import inputs
from pmtaform.planning.consent import check_consent
from pmtaform.planning.draft import Planned
from pmtaform.planning.request import PlanRequest
from pmtaform.plugins import TRANSPORTS
from pmtaform.secrets import Secret
from pmtaform.state import StateDocument
from pmtaform.testing.host import MemoryHost, memory_transport
from pmtaform.testing.state import MemoryBackend, MemoryBackends

HOSTS = ("mta1", "mta2", "mta3")
CONFIG, TEXT, ASSET = "/etc/pmta/config", "/etc/pmta/text.txt", "/etc/pmta/asset.txt"
RUNS = b"log-file /var/log/pmta/log\n"


class WithoutInputs:
    """A state that knows no inputs: what a plan without a shortcut sees."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend

    def load(self) -> StateDocument | None:
        known = self._backend.load()
        if known is None:
            return None
        return replace(known, hosts={name: replace(state, inputs=None) for name, state in known.hosts.items()})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


@dataclass
class Declared:
    """What the stack says: each field is one thing that an author edits."""

    rate: str = "10"
    variable: str = "100"
    group: str = "20"
    spare: str = "{}"
    own: dict[str, str] = field(default_factory=lambda: dict.fromkeys(HOSTS, "30"))
    native: dict[str, str] = field(default_factory=lambda: dict.fromkeys(HOSTS, ""))
    shared: str = "# shared\n"
    text: str = "hello"
    asset: str = "asset"
    secret: str = "hush-hush-hush-16"
    protect: str = "[]"
    ignore: str = "[]"
    unmanaged: str = "keep"
    strict: str = "false"
    comment: str = ""

    def write(self, folder: Path) -> None:
        """Write the stack."""
        (folder / "stack.yaml").write_text(
            f"{self.comment}\nunmanaged: {self.unmanaged}\nstrict: {self.strict}\nvars: {{size: '{self.variable}'}}\n"
            f"lifecycle: {{protect: {self.protect}, ignore: {self.ignore}}}\n"
            f"native: [shared.conf]\n"
            f"config:\n  domain: {{a.example.com: {{max-smtp-out: {self.rate}}}, "
            "b.example.com: {max-msg-per-connection: '${size}'}}\n"
            "  smtp-user: {anna: {password: {secret: file:secret}}}\n"
            f"files: {{{TEXT}: {{content: {self.text}}}, {ASSET}: {{file: asset.txt}}}}\n"
            f"groups:\n  eu: {{config: {{domain: {{c.example.com: {{max-smtp-out: {self.group}}}}}}}}}\n"
            f"  spare: {{config: {self.spare}}}\n"
            "hosts:\n" + "".join(self._host(name) for name in HOSTS)
        )
        for name in HOSTS:
            (folder / f"{name}.conf").write_text(self.native[name] or "\n")
        (folder / "shared.conf").write_text(self.shared)
        (folder / "asset.txt").write_text(self.asset)
        (folder / "secret").write_text(self.secret)
        (folder / "secret").chmod(0o600)

    def _host(self, name: str) -> str:
        groups = "[eu]" if name != "mta3" else "[]"
        config = f"{{domain: {{d.example.com: {{max-smtp-out: {self.own[name]}}}}}}}"
        return f"  {name}: {{transport: memory, groups: {groups}, native: [{name}.conf], config: {config}}}\n"


class Fleet:
    """Three hosts in memory, and their stack."""

    def __init__(self, root: Path) -> None:
        self.hosts = {name: MemoryHost({CONFIG: RUNS}) for name in HOSTS}
        self.backends = MemoryBackends()
        self.folder = root / "stacks" / "fleet"
        self.folder.mkdir(parents=True)
        self.declared = Declared()
        self.declared.write(self.folder)
        self.project = Project(root, self.backends)
        self.plain = Project(root, lambda stack: WithoutInputs(self.backends(stack)))  # type: ignore[arg-type,return-value]

    def plan(self, project: Project, **request: Any) -> Planned:
        """A plan of the stack as it is now."""
        return make_plan(project, project.load("fleet"), PlanRequest(**request))

    def apply(self) -> None:
        """Apply everything that may be applied."""
        with self.plan(self.project, keep_open=True) as planned:
            apply_plan(planned, ApplyRequest(allow=_known_dangers(planned)))

    def same(self) -> set[str]:
        """The hosts that the next plan does not compile."""
        surveys = self.plan(self.project).fleet.surveys
        return {name for name, survey in surveys.items() if survey.target.is_same}


def _known_dangers(planned: Planned) -> set[str]:
    return {danger.code for host in planned.plan.hosts for _, danger in host.all_dangers}


@contextmanager
def fleet_in(root: Path) -> Iterator[Fleet]:
    made = Fleet(root)
    with TRANSPORTS.providing({"memory": memory_transport(made.hosts)}):
        yield made


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_in(tmp_path) as made:
        made.apply()
        yield made


def seen(fleet: Fleet, project: Project, **request: Any) -> object:
    """All that a plan shows, or the errors that refuse it."""
    try:
        planned = fleet.plan(project, **request)
    except PmtaformError as problem:
        return type(problem), problem.diagnostics
    refused: tuple[Diagnostic, ...] = ()
    try:
        check_consent(planned, ())
    except PmtaformError as problem:
        refused = problem.diagnostics
    return replace(planned.plan, id="", created=""), refused, drift_of(planned)


def agree(fleet: Fleet, **request: Any) -> None:
    assert seen(fleet, fleet.project, **request) == seen(fleet, fleet.plain, **request)


def test_an_apply_records_the_inputs_and_the_next_plan_needs_no_compilation(fleet: Fleet) -> None:
    assert fleet.same() == set(HOSTS)
    agree(fleet)


def test_comments_and_layout_of_a_stack_are_no_inputs(fleet: Fleet) -> None:
    fleet.declared.comment = "# a comment"
    fleet.declared.write(fleet.folder)
    assert fleet.same() == set(HOSTS)


def test_a_change_of_one_host_leaves_the_others_known(fleet: Fleet) -> None:
    fleet.declared.own["mta1"] = "31"
    fleet.declared.write(fleet.folder)
    assert fleet.same() == {"mta2", "mta3"}


def test_a_group_concerns_its_hosts_only(fleet: Fleet) -> None:
    fleet.declared.group = "21"
    fleet.declared.write(fleet.folder)
    assert fleet.same() == {"mta3"}


@pytest.mark.parametrize("edit", ["secret", "asset", "shared", "variable", "strict"])
def test_what_every_host_uses_concerns_every_host(fleet: Fleet, edit: str) -> None:
    new = {"shared": "domain-macro m a.example.com\n", "variable": "5", "strict": "true"}
    setattr(fleet.declared, edit, new.get(edit, "another"))
    fleet.declared.write(fleet.folder)
    assert fleet.same() == set()
    agree(fleet)


def test_another_program_reads_everything_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "fingerprint", lambda: "another")
    assert fleet.same() == set()


def test_patterns_name_blocks_so_every_host_is_compiled(fleet: Fleet) -> None:
    choice = Choice(targets=("domain[a.example.com]",))
    planned = fleet.plan(fleet.project, choice=choice)
    assert not any(survey.target.is_same for survey in planned.fleet.surveys.values())


def test_an_ignored_block_is_never_known(tmp_path: Path) -> None:
    with fleet_in(tmp_path) as fleet:
        fleet.declared.ignore = "['domain[a.example.com]']"
        fleet.declared.write(fleet.folder)
        fleet.apply()
        assert fleet.same() == set()
        agree(fleet)


def test_a_wrong_native_file_of_another_host_refuses_the_plan(fleet: Fleet) -> None:
    fleet.declared.strict = "true"
    fleet.declared.write(fleet.folder)
    fleet.apply()
    fleet.declared.native["mta2"] = "no-such 1\n"
    fleet.declared.write(fleet.folder)
    agree(fleet, choice=Choice(hosts=("mta1",)))
    with pytest.raises(PmtaformError):
        fleet.plan(fleet.project, choice=Choice(hosts=("mta1",)))


class At(SystemClock):
    """A clock that always shows one time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def test_a_certificate_is_known_until_it_is_about_to_expire(fleet: Fleet) -> None:
    ends = datetime.now(UTC) + timedelta(days=300)
    fleet.declared.asset = made("mx.example.com", ends=ends).pem.decode()
    fleet.declared.write(fleet.folder)
    fleet.apply()
    for days, same in ((0, set(HOSTS)), (269, set(HOSTS)), (271, set()), (301, set()), (-9000, set())):
        clock = At(datetime.now(UTC) + timedelta(days=days))
        surveys = fleet.plan(fleet.project, clock=clock).fleet.surveys
        assert {name for name, each in surveys.items() if each.target.is_same} == same
        agree(fleet, clock=clock)


def test_a_state_holds_no_value_of_a_secret(fleet: Fleet) -> None:
    assert "hush-hush" not in repr(fleet.backends("fleet").load())


class Elsewhere(Executor):
    """An executor whose work and results are pickled, as if they went to another process and back."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(self._sent(work(*self._sent(arguments))))
        return future

    def _sent(self, value: Any) -> Any:
        pipe = BytesIO()
        Carrier(pipe).dump(value)
        return pickle.loads(pipe.getvalue())


class Carrier(pickle.Pickler):
    """What may carry secrets: a pipe to a worker of one's own."""

    def reducer_override(self, value: Any) -> Any:
        return (Secret, (value.reveal(), value.reference)) if isinstance(value, Secret) else NotImplemented


@pytest.mark.parametrize(
    "edit",
    [
        ("own", "mta1", "31"),
        ("native", "mta2", "<domain e.example.com>\nmax-smtp-out 5\n</domain>\n"),
        ("live", "mta3", "edit"),
        ("live", "mta1", "text"),
        ("stack", "secret", "another-another-16"),
        ("stack", "asset", "other"),
    ],
)
def test_a_verdict_that_another_process_made_is_the_same(
    fleet: Fleet, edit: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _edit(fleet, edit, monkeypatch)
    assert seen(fleet, fleet.project) == seen(fleet, fleet.project, executor=Elsewhere())
    with fleet.plan(fleet.project, keep_open=True, executor=Elsewhere()) as planned:
        apply_plan(planned, ApplyRequest(allow=_known_dangers(planned)))
    assert fleet.same() == set(HOSTS)
    agree(fleet)


def test_only_a_pipe_may_carry_what_has_secrets(fleet: Fleet) -> None:
    fleet.declared.own["mta1"] = "31"
    fleet.declared.write(fleet.folder)

    class Plain(Elsewhere):
        def _sent(self, value: Any) -> Any:
            return pickle.loads(pickle.dumps(value))

    with pytest.raises(TypeError, match="a secret is not pickled"):
        fleet.plan(fleet.project, executor=Plain())


_LINES = (
    "",
    "domain-macro x x.example.com\n",
    "<domain e.example.com>\nmax-smtp-out 5\n</domain>\n",
    "no-such 1\n",
    "<a\n",
)
_STACK: dict[str, tuple[str, ...]] = {
    "rate": ("10", "11", "wrong"),
    "variable": ("100", "200"),
    "group": ("20", "21", "-"),
    "spare": ("{}", "{domain: {f.example.com: {max-smtp-out: 1}}}", "{no-such: 1}"),
    "shared": ("# shared\n", "# other\n", *_LINES),
    "text": ("hello", "other"),
    "asset": ("asset", "other"),
    "secret": ("hush-hush-hush-16", "another-another-16", ""),
    "protect": ("[]", "['domain[b.example.com]']"),
    "ignore": ("[]", "['domain[a.example.com]']"),
    "unmanaged": ("keep", "remove"),
    "strict": ("false", "true"),
    "comment": ("", "# a comment"),
}
edits = st.one_of(
    *(st.tuples(st.just("stack"), st.just(name), st.sampled_from(values)) for name, values in _STACK.items()),
    st.tuples(st.just("own"), st.sampled_from(HOSTS), st.sampled_from(("30", "31"))),
    st.tuples(st.just("native"), st.sampled_from(HOSTS), st.sampled_from(_LINES)),
    st.tuples(st.just("live"), st.sampled_from(HOSTS), st.sampled_from(("edit", "mode", "text", "lost", "add"))),
    st.tuples(st.just("program"), st.just(""), st.sampled_from(("one", "two"))),
    st.tuples(st.just("apply"), st.just(""), st.just("")),
)


def _live(host: MemoryHost, how: str) -> None:
    """What an administrator does by hand."""
    if how == "edit":
        host.put(CONFIG, host.files[CONFIG].content + b"<domain hand.example.com>\nmax-smtp-out 1\n</domain>\n")
    elif how == "mode":
        host.put(CONFIG, host.files[CONFIG].content, mode=0o600)
    elif how == "text":
        host.put(TEXT, b"by hand\n")
    elif how == "lost":
        host.files.pop(ASSET, None)
    else:
        host.put(CONFIG, host.files[CONFIG].content + b"# a comment\n")


def _edit(fleet: Fleet, edit: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, name, value = edit
    if kind == "stack":
        setattr(fleet.declared, name, value)
    elif kind in ("own", "native"):
        getattr(fleet.declared, kind)[name] = value
    elif kind == "live":
        _live(fleet.hosts[name], value)
    elif kind == "program":
        monkeypatch.setattr(inputs, "fingerprint", lambda: value)
    fleet.declared.write(fleet.folder)
    if kind == "apply":
        try:
            fleet.apply()
        except PmtaformError:
            return  # what is wrong is in the plan, too


@given(done=st.lists(edits, min_size=1, max_size=6), only=st.sampled_from(((), ("mta1",))))
@settings(max_examples=25)
def test_no_edit_is_missed(done: list[tuple[str, str, str]], only: tuple[str, ...]) -> None:
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as monkeypatch, fleet_in(Path(root)) as fleet:
        fleet.apply()
        assert fleet.same() == set(HOSTS)
        for edit in done:
            _edit(fleet, edit, monkeypatch)
            agree(fleet, choice=Choice(hosts=only))
            agree(fleet, validate=False)
