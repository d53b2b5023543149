"""Adopting live servers: a stack that says exactly what they have.

    Server files ─parse─▶ blocks ─say─▶ typed | text | native ─layers─▶ stack, groups, hosts ─write─▶ stacks/NAME

Every block is compiled from what was written of it and compared with the live one before anything is told to be done.
"""
