"""The plate diagram of a program: what it is made of, where each part stands, and how it is drawn."""
