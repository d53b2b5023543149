"""What DNS must say of a fleet, whether it does, and the records that make it so."""
