"""The nouns that many packages share: what a host should have, how it is changed, which hosts and blocks are chosen."""
