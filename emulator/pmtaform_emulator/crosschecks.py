"""Contradictions that stop a load although each line is valid: clashing names, endless macros, wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pmtaform_emulator.loading import Loaded, LoadedDirective, LoadedSection, LoadError

Located = LoadedDirective | LoadedSection  # where an error is reported


def check(loaded: Loaded, *, strict: bool = False) -> None:
    """Raise `LoadError` at the first contradiction (docs/powermta/language.md sections 5 and 6)."""
    top = loaded.top
    macros = macros_of(top)
    for item in top.items("domain-macro"):
        expand("$" + item.value.split(None, 1)[0], macros, item)
    _domains(top, macros)
    _names(top)
    _pools(top)
    _pattern_lists(top, strict=strict)
    if strict:
        _references(top)


def has_log_file(loaded: Loaded) -> bool:
    """Whether a log file is configured; PowerMTA does not start without one."""
    return any(True for _ in loaded.top.items("log-file"))


def macros_of(top: LoadedSection) -> dict[str, list[str]]:
    """Every domain-macro and its parts, by name."""
    parts_of: dict[str, list[str]] = {}
    for item in top.items("domain-macro"):
        name, *parts = item.value.split(None, 1)
        parts_of.setdefault(name, []).extend(part.strip() for part in "".join(parts).split(",") if part.strip())
    return parts_of


def expand(text: str, macros: Mapping[str, list[str]], place: Located) -> list[str]:
    """Every expansion of a text with macros; several macros give every combination."""
    return list(_expand(text, macros, place, ()))


def _expand(text: str, macros: Mapping[str, list[str]], place: Located, above: tuple[str, ...]) -> Iterator[str]:
    before, dollar, rest = text.partition("$")
    if not dollar:
        yield text
        return
    length = next((i for i, c in enumerate(rest) if not (c == "_" or (c.isascii() and c.isalnum()))), len(rest))
    name, after = rest[:length], rest[length:]
    if name in above:
        raise LoadError(place.file, place.line, f"domain-macro {name} refers to itself")
    if name not in macros:
        raise LoadError(place.file, place.line, f"domain-macro {name} is not defined")
    tails = list(_expand(after, macros, place, above))
    for part in macros[name]:
        for middle in _expand(part, macros, place, (*above, name)):
            for tail in tails:
                yield before + middle + tail


def _domains(top: LoadedSection, macros: Mapping[str, list[str]]) -> None:
    for parent in (top, *top.groups("virtual-mta"), *top.groups("virtual-mta-pool")):
        for domain in parent.groups("domain"):
            if "$" in domain.argument:
                expand(domain.argument, macros, domain)


def _names(top: LoadedSection) -> None:
    taken: dict[str, str] = {}
    for content in top.content:
        if not isinstance(content, LoadedSection) or content.tag not in ("virtual-mta", "virtual-mta-pool"):
            continue
        if taken.setdefault(content.argument, content.tag) != content.tag:
            reason = f"{content.argument} is the name of a virtual MTA and of a pool"
            raise LoadError(content.file, content.line, reason)


def _pools(top: LoadedSection) -> None:
    home: dict[str, str] = {}
    for pool in top.groups("virtual-mta-pool"):
        if not any(True for _ in pool.groups("domain")):
            continue
        for member in pool.items("virtual-mta"):
            if home.setdefault(member.value, pool.argument) != pool.argument:
                reason = (
                    f"virtual MTA {member.value} is in two pools with domains, {home[member.value]} and {pool.argument}"
                )
                raise LoadError(member.file, member.line, reason)


def _pattern_lists(top: LoadedSection, *, strict: bool) -> None:
    every = {group.argument for group in top.groups("pattern-list")}
    seen: set[str] = set()
    for content in top.content:
        if not isinstance(content, LoadedSection):
            continue
        if content.tag == "pattern-list":
            seen.add(content.argument)
        if content.tag != "source":
            continue
        for item in content.items("pattern-list"):
            if item.value not in seen and (strict or item.value in every):
                raise LoadError(item.file, item.line, f"pattern-list {item.value} is not defined above")


def _references(top: LoadedSection) -> None:
    """Raise for a name that is not defined. Only when strict: the guides do not state what PowerMTA does."""
    names = {tag: {group.argument for group in top.groups(tag)} for tag in ("virtual-mta", "smtp-pattern-list")}
    for pool in top.groups("virtual-mta-pool"):
        for item in pool.items("virtual-mta"):
            if item.value not in names["virtual-mta"]:
                raise LoadError(item.file, item.line, f"virtual MTA {item.value} is not defined")
    for parent in (top, *top.groups("virtual-mta"), *top.groups("virtual-mta-pool")):
        for domain in parent.groups("domain"):
            for item in domain.items("smtp-pattern-list"):
                if item.value not in names["smtp-pattern-list"]:
                    raise LoadError(item.file, item.line, f"smtp-pattern-list {item.value} is not defined")
