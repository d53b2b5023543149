"""Inspect one host, or many: what each has, and the difference to what it should have."""
