"""The language server of QVR, over the language layers of `quivers`."""
