"""The density graph of a program, and the passes over it."""
