"""TLS certificates and their private keys: what they are, and whether they belong together. Pure."""
