"""Kept connections: a process of the same user that stays logged in to hosts between plans. Off by default.

    plan --keep-warm ──socket (0600, in a folder 0700)──▶ process ──SSH──▶ hosts

Only looking uses it. Whatever goes wrong with it, the client connects itself, as if it were not there.
A connection is used again only for the same spec over the same servers, whose keys known_hosts still has.
"""
