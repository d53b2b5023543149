"""The work on hosts in other processes: an engine takes one host's task as a document, and a worker returns another."""
