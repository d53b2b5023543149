"""Stacks: what a set of hosts should be, from YAML to `Desired`.

load_stack(folder) -> Stack            its own keys, checked; raises `Invalid` with everything that is wrong
compile_host(stack, name) -> Desired   one host, layers merged, variables replaced, every line checked
check_stack(folder)                    everything that is wrong with a stack, for `validate`
"""

from pmtaform.stack.compile import compile_all, compile_host, render
from pmtaform.stack.emit import Resolve
from pmtaform.stack.load import check_stack, load_stack
from pmtaform.stack.locate import find_project, project_above, stack_folder, stack_names
from pmtaform.stack.references import Purpose, SecretUse, secret_uses
from pmtaform.stack.stack import Lifecycle, Rollout, Stack, StackHost
from pmtaform.stack.starter import write_starter

__all__ = [
    "Lifecycle",
    "Purpose",
    "Resolve",
    "Rollout",
    "SecretUse",
    "Stack",
    "StackHost",
    "check_stack",
    "compile_all",
    "compile_host",
    "find_project",
    "load_stack",
    "project_above",
    "render",
    "secret_uses",
    "stack_folder",
    "stack_names",
    "write_starter",
]
