"""Adopting live servers: a stack that says exactly what they have.

    Server files ─parse─▶ blocks ─say─▶ typed | text | native ─layers─▶ stack, groups, hosts ─write─▶ stacks/NAME

Every block is compiled from what was written of it and compared with the live one before anything is told to be done.
"""

from pmtaform.adopt.keys import key_paths
from pmtaform.adopt.model import Adopted, Form, HostReport, KeyMaterial, KeysIn, Options, SecretsIn, Server, Shape
from pmtaform.adopt.run import adopt

__all__ = [
    "Adopted",
    "Form",
    "HostReport",
    "KeyMaterial",
    "KeysIn",
    "Options",
    "SecretsIn",
    "Server",
    "Shape",
    "adopt",
    "key_paths",
]
