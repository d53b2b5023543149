"""The stack's own keys as pydantic models. What stands under `config` is the catalogue's, and is not here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _as_text(value: Any) -> Any:
    """A number where a text belongs is the text as it was written (`5.0`)."""
    return getattr(value, "text", value)


def _percent(value: Any) -> Any:
    text = _as_text(value)
    if (
        not isinstance(text, str)
        or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?\s*%?", text)
        or float(text.rstrip("% ")) > 100
    ):
        raise PydanticCustomError("percent", "Write a share of the blocks, from 0% to 100%.")
    return float(text.rstrip("% "))


def _seconds(value: Any) -> Any:
    text = _as_text(value)
    found = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]+)?)(s|m)?", text) if isinstance(text, str) else None
    seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
    if not 0 < seconds <= 86_400:
        raise PydanticCustomError("seconds", "Write a time in seconds (10, 30s) or minutes (2m), above zero.")
    return seconds


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("one_line", "It is empty, or has a line break or another control character.")
    return text


def _not_an_option(text: str) -> str:
    if text.startswith("-") or any(c.isspace() for c in text):
        raise PydanticCustomError(
            "no_option", "It begins with a dash or has blanks; programs would take it for an option."
        )
    return text


Text = Annotated[str, BeforeValidator(_as_text), Field(strict=True), AfterValidator(_one_line)]
Word = Annotated[Text, AfterValidator(_not_an_option)]
Percent = Annotated[float, BeforeValidator(_percent)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Flag = Annotated[bool, Field(strict=True)]


class Model(BaseModel):
    """What all have in common: keys as they stand in YAML, nothing unknown, no input in messages."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


class SudoModel(Model):
    """`sudo: {password: REFERENCE}`."""

    password: Text


def _sudo(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and set(value) == {"password"} and isinstance(value["password"], str):
        return value
    raise PydanticCustomError("sudo", "Write true, false or {password: REFERENCE}.")


class SshModel(Model):
    """`ssh`: what hosts that say nothing else take for their connection."""

    user: Word | None = None
    port: Port | None = None
    password: Text | None = None
    sudo: Annotated[Any, BeforeValidator(_sudo)] = None
    identity_files: list[Text] | None = None
    passphrase: Text | None = None
    use_agent: Flag | None = None
    proxy_jump: Word | None = None
    ssh_config: Text | None = None
    known_hosts: Text | None = None
    connect_timeout: Seconds | None = None
    command_timeout: Seconds | None = None


class LifecycleModel(Model):
    """`lifecycle`."""

    ignore: list[Text] = []
    protect: list[Text] = []


class HostModel(SshModel):
    """One host under `hosts`."""

    transport: Literal["ssh", "local"] | None = None
    root: Text | None = None
    address: Word | None = None
    config_path: Text | None = None
    pmta: Text | None = None
    activation: Literal["none", "reload", "restart"] | None = None
    restart_command: list[Text] | None = None
    groups: list[Text] = []
    vars: Any = None
    config: Any = None
    native: Any = None
    dkim_keys: Any = None
    lifecycle: Any = None


class GroupModel(Model):
    """One group under `groups`."""

    vars: Any = None
    config: Any = None
    native: Any = None
    dkim_keys: Any = None
    lifecycle: Any = None


class LimitsModel(Model):
    """`limits`: how much may change without consent."""

    deletions: Percent = 20.0
    deletions_free: Annotated[int, Field(ge=0)] = 3
    rate_factor: Annotated[float, Field(ge=1, strict=False)] = 3.0


class RolloutModel(Model):
    """`rollout`."""

    parallel: Annotated[int, Field(ge=1, le=256)] = 16


def _version(value: Any) -> Any:
    text = _as_text(value)
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,2}\.\d{1,2}(r\d+)?", text):
        raise PydanticCustomError("version", 'Write a version such as "5.0" or "4.5".')
    return text


class StackModel(Model):
    """The top level of a stack."""

    stack: Text | None = None
    powermta: Annotated[str, BeforeValidator(_version)] | None = None
    vars: Any = None
    hosts: Any = None
    groups: Any = None
    config: Any = None
    native: Any = None
    dkim_keys: Any = None
    unmanaged: Literal["keep", "remove"] = "keep"
    lifecycle: Any = None
    strict: Flag = False
    limits: Any = None
    allowed_paths: list[Text] = []
    ssh: Any = None
    rollout: Any = None
    generations: Annotated[int, Field(ge=1, le=1000)] = 10
