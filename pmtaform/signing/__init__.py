"""DKIM use cases: the keys that a stack declares, where they are stored, whether hosts sign with them, their rotation.

`pmtaform.dkim` is the pure half: keys, signatures, and what follows from the history of a rotation.
"""
