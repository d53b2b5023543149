"""Host specs: what is needed to reach the hosts of a stack."""

from __future__ import annotations

from pathlib import Path

from pmtaform.host import Activation, HostSpec
from pmtaform.plugins import TRANSPORTS
from pmtaform.programs import ANY_PROGRAM, AllowedPrograms
from pmtaform.secrets import Secret
from pmtaform.stack import Stack, StackHost
from pmtaform.stack.document import root_of
from pmtaform.stack.paths import TLS_FOLDERS
from pmtaform.stack.project_file import allowed_programs
from pmtaform.stack.resolve import Resolve


def host_spec(stack: Stack, host: StackHost, resolve: Resolve) -> HostSpec:
    """The spec to reach a host, its secrets resolved. Raises `SecretUnavailable`."""

    def secret(key: str, reference: str | None) -> Secret | None:
        return resolve(reference, host.places.get(key, host.place)) if reference else None

    operations = stack.operations[host.name]
    commands = operations.commands
    return HostSpec(
        name=host.name,
        transport=TRANSPORTS[host.transport],
        root=host.root,
        address=host.address,
        port=host.port,
        user=host.user,
        sudo=host.sudo,
        sudo_password=secret("sudo", host.sudo_password),
        password=secret("password", host.password),
        identity_files=host.identity_files,
        passphrase=secret("passphrase", host.passphrase),
        use_agent=host.use_agent,
        proxy_jump=host.proxy_jump,
        ssh_config=host.ssh_config,
        ssh_programs=_ssh_programs(stack, host),
        known_hosts=host.known_hosts,
        connect_timeout=host.connect_timeout,
        command_timeout=host.command_timeout,
        config=host.config_path,
        pmta=host.pmta,
        activation=Activation(host.activation),
        reload_command=commands.reload,
        restart_command=commands.restart,
        restart_web_command=commands.restart_web,
        # The stack decides on the files in these folders; a file that left the stack is removed there, too.
        allowed_paths=tuple(dict.fromkeys((*stack.allowed_paths, *TLS_FOLDERS))),
        generations=stack.generations,
        expect=operations.expect,
    )


def _ssh_programs(stack: Stack, host: StackHost) -> AllowedPrograms:
    """The programs that the host's ssh_config may run: any if it is the operator's own, and not a file of the
    project.
    """
    mine = host.ssh_config is None or not Path(host.ssh_config).resolve().is_relative_to(root_of(stack.folder))
    return ANY_PROGRAM if mine else allowed_programs(stack.folder)
