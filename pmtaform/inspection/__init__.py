"""Looking at one host, and at many: what each has, and the difference to what it should have."""
