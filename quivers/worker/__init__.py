"""The process that runs inference for an editor: `python -m quivers.worker`; see `messages` for its words."""
