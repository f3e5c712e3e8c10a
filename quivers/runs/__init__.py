"""Runs kept on disk while they are made: each in a folder of its own, from which it can be read and go on."""
