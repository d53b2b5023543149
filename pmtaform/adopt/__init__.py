"""Adopt live servers: write a stack that declares exactly what they have.

    Server files ─parse─▶ blocks ─say─▶ typed | text | native ─layers─▶ stack, groups, hosts ─write─▶ stacks/NAME

Every block is compiled from its stack text and compared with the live block before an import reports success.
"""
