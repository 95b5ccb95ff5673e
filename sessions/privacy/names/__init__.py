"""Names of people: known, introduced, signed, asked for, listed, or heard before."""
