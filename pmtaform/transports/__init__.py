"""Ways to hosts: what a stack's `transport` can name. Importing one imports no library and runs nothing."""
