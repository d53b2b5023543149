"""Command line."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

NO_PROJECT: Final = Definition(
    code="no-project",
    summary="No pmtaform project",
    kind=Kind.USAGE,
    explanation=(
        "Neither the current folder nor a folder above it holds stacks/. Change into a project, name one with -C "
        "DIR, or start one with pmtaform init NAME."
    ),
)
NO_SUCH_STACK: Final = Definition(
    code="no-such-stack",
    summary="Unknown stack",
    kind=Kind.USAGE,
    explanation=(
        "The project has no stack of this name, and the name is not the folder of one. Check the spelling; "
        "pmtaform init NAME writes a new stack."
    ),
)
AMBIGUOUS_STACK: Final = Definition(
    code="ambiguous-stack",
    summary="Ambiguous stack",
    kind=Kind.USAGE,
    explanation=(
        "The project has several stacks, and the command line names none of them. Name the stack, as an argument "
        "or with --stack."
    ),
)
BAD_STACK_NAME: Final = Definition(
    code="bad-stack-name",
    summary="Invalid stack name",
    kind=Kind.USAGE,
    explanation=(
        "A stack's name has small letters, digits and dashes, and does not start with a dash, because it names "
        "files and a folder. Its folder has the same name. Choose another name."
    ),
)
STACK_EXISTS: Final = Definition(
    code="stack-exists",
    summary="Stack already exists",
    kind=Kind.USAGE,
    explanation=(
        "The folder of the new stack exists and is not empty. pmtaform writes over no stack. Choose another name, "
        "or move the folder away."
    ),
)
BAD_SHARD: Final = Definition(
    code="bad-shard",
    summary="Invalid shard",
    kind=Kind.USAGE,
    explanation=(
        "--shard takes I/N: part I of N, from 1 on. Each of the N commands gets its own I, and all of them the same N."
    ),
)
BAD_WORKERS: Final = Definition(
    code="bad-workers",
    summary="Invalid number of processes",
    kind=Kind.USAGE,
    explanation="--workers takes a number of processes from 1 on, or auto: one for each core, where it pays.",
)
SHARD_SPLITS_KEY: Final = Definition(
    code="shard-splits-key",
    summary="Rotated key on hosts of several shards",
    kind=Kind.USAGE,
    explanation=(
        "The hosts of a rotated key switch to its new selector together or not at all, so one run has to change all of "
        "them. Run without --shard, or choose these hosts with --host."
    ),
)
SHARD: Final = Definition(
    code="shard",
    summary="One shard of the hosts",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The run is about one of the parts that --shard divides the chosen hosts into. The SHA-256 of a host's name "
        "decides on its part. The sizes of canary and waves, max-failures and max-unreachable count the hosts of this "
        "part only. A part may have no hosts: then there is nothing to do."
    ),
)
NO_SUCH_HOST: Final = Definition(
    code="no-such-host",
    summary="Unknown host",
    kind=Kind.USAGE,
    explanation=(
        "The stack has no host and no group of this name, or no host that matches the pattern. Check the spelling "
        "against hosts in the stack."
    ),
)
AMBIGUOUS_HOST: Final = Definition(
    code="ambiguous-host",
    summary="Ambiguous host",
    kind=Kind.USAGE,
    explanation=(
        "One side of the comparison has one host and the other has several, none of the same name. Name the host: "
        "STACK:HOST."
    ),
)
NO_SUCH_TARGET: Final = Definition(
    code="no-such-target",
    summary="Unknown block address",
    kind=Kind.USAGE,
    explanation=(
        "No block of the stack, the state or the chosen hosts has an address that the --target or --exclude "
        'pattern matches. A misspelled pattern would look like "nothing to do", so pmtaform rejects it. Copy the '
        "address from pmtaform plan."
    ),
)
NO_SUCH_BLOCK: Final = Definition(
    code="no-such-block",
    summary="Block not in the stack",
    kind=Kind.USAGE,
    explanation=(
        "The stack declares no block with this address for the host. pmtaform render HOST shows the blocks that "
        "it declares."
    ),
)
NO_SUCH_DANGER: Final = Definition(
    code="no-such-danger",
    summary="Unknown danger",
    kind=Kind.USAGE,
    explanation=(
        "The name after --allow is neither a danger nor an error of lint. docs/dangers.md lists the dangers, "
        "pmtaform lint --rules the rules of lint."
    ),
)
NO_SUCH_RULE: Final = Definition(
    code="no-such-rule",
    summary="Unknown lint rule",
    kind=Kind.USAGE,
    explanation="The name is not the name of a lint rule. pmtaform lint --rules lists all of them.",
)
NO_SUCH_FILE: Final = Definition(
    code="no-such-file",
    summary="No such file",
    kind=Kind.USAGE,
    explanation=(
        "The path is neither a file nor a folder that the command can read, or the host would have no such file. "
        "Check the path."
    ),
)
NO_SUCH_CONFIGURATION: Final = Definition(
    code="no-such-configuration",
    summary="No such configuration",
    kind=Kind.USAGE,
    explanation=(
        "The argument is neither a file nor a folder, and there is no project whose host or stack it could name. "
        "Check the path, or name the project with -C DIR."
    ),
)
FOLDER_WITHOUT_CONFIGURATION: Final = Definition(
    code="folder-without-configuration",
    summary="Folder without a configuration",
    kind=Kind.USAGE,
    explanation=(
        "The folder holds neither etc/pmta/config (the root of a machine) nor config (its /etc/pmta). Name the "
        "configuration file itself, or one of these two folders."
    ),
)
CONFIGURATION_UNREADABLE: Final = Definition(
    code="configuration-unreadable",
    summary="Configuration not read",
    kind=Kind.USAGE,
    explanation=(
        "The configuration file on this machine does not exist, is no regular file, is larger than 64 MiB, lacks "
        "permissions or leads out of the folder. Correct it, or name the file itself."
    ),
)
NO_SUCH_PLAN: Final = Definition(
    code="no-such-plan",
    summary="No such plan file",
    kind=Kind.USAGE,
    explanation="There is no file at this path. Save a plan first: pmtaform plan --out FILE.",
)
NO_SUCH_RUN: Final = Definition(
    code="no-such-run",
    summary="No such run",
    kind=Kind.USAGE,
    explanation=(
        "The journal of the stack has no run whose name starts like this, or several. pmtaform history lists the runs."
    ),
)
NO_SUCH_REVISION: Final = Definition(
    code="no-such-revision",
    summary="Git revision not readable",
    kind=Kind.USAGE,
    explanation=(
        "Git knows no such revision, or the stack does not exist at it. Check the revision with git log -- stacks/NAME."
    ),
)
REVISION_INVALID: Final = Definition(
    code="revision-invalid",
    summary="Stack not valid at this Git revision",
    kind=Kind.INVALID,
    explanation=(
        "The stack's files at this revision do not pass the checks of this pmtaform. Choose another revision, or "
        "compare with the version of pmtaform that was in use then."
    ),
)
INVALID_DATE: Final = Definition(
    code="invalid-date",
    summary="Invalid date",
    kind=Kind.USAGE,
    explanation=(
        "The option needs a date (2026-12-31) or a date and a time (2026-12-31T12:00, in UTC, or with an offset "
        "such as +02:00)."
    ),
)
DATE_IN_THE_PAST: Final = Definition(
    code="date-in-the-past",
    summary="Date in the past",
    kind=Kind.USAGE,
    explanation=(
        "The date of --as-of has passed. A plan can look ahead only. Name a future date, or leave --as-of out."
    ),
)
FUTURE_PLAN_NOT_SAVED: Final = Definition(
    code="future-plan-not-saved",
    summary="Plan cannot be saved for a future date",
    kind=Kind.USAGE,
    explanation=(
        "A plan for a future date describes what will be necessary if DNS, the stack and the hosts stay "
        "unchanged, so no one can apply it now. Omit --out or --as-of."
    ),
)
CHOICE_IN_PLAN: Final = Definition(
    code="choice-in-plan",
    summary="Choice of hosts in a saved plan",
    kind=Kind.USAGE,
    explanation=(
        "A saved plan contains its choice of hosts and blocks, and cannot be applied in part. Omit --host, "
        "--target and --exclude, or apply the stack instead of the plan file."
    ),
)
CHOICE_IN_RUN: Final = Definition(
    code="choice-in-run",
    summary="Choice of hosts in a resumed run",
    kind=Kind.USAGE,
    explanation=(
        "A resumed run keeps its choice of hosts and blocks. Omit --host, --target, --exclude and the plan file."
    ),
)
NO_APPROVAL: Final = Definition(
    code="no-approval",
    summary="Approval missing",
    kind=Kind.USAGE,
    explanation=(
        "The command changes something and needs a yes, and there is no terminal to ask on (or the output is "
        "JSON). Read the plan, and then run the command with --auto-approve."
    ),
)
CONTRADICTORY_OPTIONS: Final = Definition(
    code="contradictory-options",
    summary="Contradictory options",
    kind=Kind.USAGE,
    explanation="--confirm and --revert are opposite decisions on the same change. Give one of them.",
)
LIVE_NEEDS_HOST: Final = Definition(
    code="live-needs-host",
    summary="Host missing for --live",
    kind=Kind.USAGE,
    explanation=(
        "--live asks one host for the generations that it keeps, and no host is named. Run pmtaform history HOST "
        "--live."
    ),
)
FIX_NEEDS_FILES: Final = Definition(
    code="fix-needs-files",
    summary="Fix not possible for a stack",
    kind=Kind.USAGE,
    explanation=(
        "--fix corrects native configuration files. The findings in a stack need a correction by hand in its YAML "
        "files."
    ),
)
NOTHING_TO_EXPLAIN: Final = Definition(
    code="nothing-to-explain",
    summary="Name to explain missing",
    kind=Kind.USAGE,
    explanation=(
        "The command needs the name of a directive, a section or a code, or words to search for: pmtaform explain "
        "--search WORDS."
    ),
)
UNKNOWN_NAME: Final = Definition(
    code="unknown-name",
    summary="Unknown name",
    kind=Kind.USAGE,
    explanation=(
        "The name is neither a directive or section of PowerMTA nor a code of pmtaform. Check the spelling, or "
        "search for words: pmtaform explain --search WORDS."
    ),
)
NOT_IN_SCOPE: Final = Definition(
    code="not-in-scope",
    summary="Directive not in this section",
    kind=Kind.USAGE,
    explanation=(
        "PowerMTA has the directive, and not in the section that --scope names. Omit --scope, or name a section "
        "that the detail lists."
    ),
)
NO_NATIVE_FILES: Final = Definition(
    code="no-native-files",
    summary="Folder without native configuration",
    kind=Kind.USAGE,
    explanation=(
        "pmtaform fmt formats native configuration files. The folder is a stack, whose YAML files it does not change."
    ),
)
NO_SUCH_VIRTUAL_MTA: Final = Definition(
    code="no-such-virtual-mta",
    summary="Unknown virtual MTA",
    kind=Kind.USAGE,
    explanation=(
        "The configuration defines no virtual MTA and no pool of this name. Check the spelling against the names "
        "in the detail."
    ),
)
CLIENT_MISSING: Final = Definition(
    code="client-missing",
    summary="Client missing",
    kind=Kind.USAGE,
    explanation="The options describe the submission of a client, and no client is named. Add --client ADDRESS.",
)
NO_SUCH_CLIENT: Final = Definition(
    code="no-such-client",
    summary="Unknown client",
    kind=Kind.USAGE,
    explanation=(
        "The text is neither an IP address, nor a network, nor the name of a source in the configuration. Write "
        "an address such as 192.0.2.1, or a name such as {pickup}."
    ),
)
NO_SUCH_LISTENER: Final = Definition(
    code="no-such-listener",
    summary="Unknown listener",
    kind=Kind.USAGE,
    explanation=(
        "The configuration has no smtp-listener at this address and port. Choose one of those that the detail lists."
    ),
)
NO_SUCH_SMTP_USER: Final = Definition(
    code="no-such-smtp-user",
    summary="Unknown SMTP user",
    kind=Kind.USAGE,
    explanation="The configuration has no smtp-user of this name. Choose one of those that the detail lists.",
)
HOST_NOT_IN_STATE: Final = Definition(
    code="host-not-in-state",
    summary="Host not in the state",
    kind=Kind.USAGE,
    explanation=(
        "The state has no record of the host: nothing was applied to it, or it was forgotten. Check the name; "
        "pmtaform state lists the hosts."
    ),
)
GENERATION_UNKNOWN: Final = Definition(
    code="generation-unknown",
    summary="No such generation",
    kind=Kind.USAGE,
    explanation=(
        "The host does not keep a generation of this number: the number is wrong, or newer changes replaced it. "
        "pmtaform history HOST --live lists the generations that the host keeps."
    ),
)
