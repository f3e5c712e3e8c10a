"""The density graph over torch tensors: any batch shape, any device, autograd."""

import os
import sys


def _on_one_thread() -> None:
    """Torch's threads do not come along into a forked process, which would wait for them without end."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_on_one_thread)
