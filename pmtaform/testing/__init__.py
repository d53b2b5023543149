"""Stand-ins that keep the contracts of the real things, in memory: for tests of code that uses pmtaform."""
