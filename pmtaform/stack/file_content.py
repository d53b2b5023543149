"""The content of a file: from the project, the stack itself, or a reference to a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.secrets import SECRET_IN_CLEAR
from pmtaform.diagnostics.codes.stack import MISSING_KEY
from pmtaform.diagnostics.codes.stack_files import FILE_SOURCES
from pmtaform.errors import Invalid, SecretUnavailable
from pmtaform.pem import has_private_key
from pmtaform.secrets import Secret, require_reference
from pmtaform.stack.assets import Assets
from pmtaform.stack.emit import Resolve
from pmtaform.stack.file_plans import SOURCES, FilePlan

_INLINE: Final = "in the stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file's content. `whole` is None where a secret was not resolved; `public` is what is known without it."""

    source: str  # as it may be shown
    whole: Secret | None = None
    public: bytes | None = field(default=None, repr=False)
    secret: bool = False


class ContentReader:
    """Reads contents. What is wrong with them goes into `problems`."""

    def __init__(self, assets: Assets, resolve: Resolve | None, problems: Diagnostics) -> None:
        self._assets = assets
        self._resolve = resolve
        self._problems = problems

    def content(self, plan: FilePlan) -> Content:
        """The content of a file by the stack, with the private key that is appended to it."""
        given = [source for source in SOURCES if plan.text(source, self._problems) is not None]
        if len(given) != 1:
            self._not_one(plan, given)
            return Content(source="")
        text, place = plan.text(given[0], self._problems) or ("", plan.place)
        if given[0] == "secret":
            first = self._secret(text, place)
        else:
            first = self._plain(text, place, inline=given[0] == "content")
        key = plan.text("private-key", self._problems)
        if key is None:
            return first
        second = self._secret(*key)
        source = f"{first.source} and {second.source}"
        whole = None
        if first.whole is not None and second.whole is not None:
            whole = Secret(first.whole.reveal() + second.whole.reveal(), source)
        return Content(source=source, whole=whole, public=first.public, secret=True)

    def _not_one(self, plan: FilePlan, given: list[str]) -> None:
        given_ = f"it has {' and '.join(given)}" if given else "it has none"
        detail = f"{plan.path} needs one of `file` (of the project), `secret` (a reference) and `content`; {given_}."
        self._problems.report(FILE_SOURCES if given else MISSING_KEY, detail, plan.place)

    def _plain(self, text: str, place: Place, *, inline: bool) -> Content:
        """Report a secret in the stack or in a file of the project, where every reader of the project sees it."""
        source = _INLINE if inline else text
        content = text.encode("utf-8", "surrogateescape") if inline else self._assets.read(text, place, self._problems)
        if content is None:
            return Content(source=source)
        if has_private_key(content):
            detail = "It contains a private key, which would be in Git. Keep it elsewhere and refer to it: "
            detail += "`private-key: REFERENCE` beside a certificate, or `secret: REFERENCE` for the whole file."
            self._problems.report(SECRET_IN_CLEAR, detail, place)
            return Content(source=source)
        whole = _ended(content)
        return Content(source=source, whole=Secret(whole, source), public=whole)

    def _secret(self, text: str, place: Place) -> Content:
        try:
            reference = str(require_reference(text, what="What `secret` and `private-key` name", place=place))
        except Invalid as error:
            self._problems.extend(error.diagnostics)
            return Content(source="", secret=True)
        if self._resolve is None:
            return Content(source=reference, secret=True)
        try:
            secret = self._resolve(reference, place)
        except SecretUnavailable as error:
            self._problems.extend(error.diagnostics)
            return Content(source=reference, secret=True)
        return Content(source=reference, whole=Secret(_ended(secret.reveal()), reference), secret=True)


def _ended(content: bytes) -> bytes:
    """With a line end at its end, which an editor, a variable or a program's output may have lost."""
    return content if not content or content.endswith(b"\n") else content + b"\n"
