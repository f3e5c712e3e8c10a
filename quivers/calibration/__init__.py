"""Simulation-based calibration: does a sampler find a program's posterior, for data of the program's own?"""

from quivers.calibration.bands import Band, simultaneous_band
from quivers.calibration.study import (
    LOG_LIKELIHOOD,
    Calibration,
    Replicate,
    Study,
    calibrate,
    replicate,
)

__all__ = [
    "LOG_LIKELIHOOD",
    "Band",
    "Calibration",
    "Replicate",
    "Study",
    "calibrate",
    "replicate",
    "simultaneous_band",
]
