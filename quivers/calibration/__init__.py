"""Simulation-based calibration: does a sampler find a program's posterior, for data of the program's own?"""

from quivers.calibration.bands import Band, p_value, simultaneous_band
from quivers.calibration.study import (
    LOG_LIKELIHOOD,
    Calibration,
    Replicate,
    Study,
    calibrate,
    replicate,
)
from quivers.calibration.suitable import UnsuitableError
from quivers.calibration.verdicts import Verdict, verdicts

__all__ = [
    "LOG_LIKELIHOOD",
    "Band",
    "Calibration",
    "Replicate",
    "Study",
    "UnsuitableError",
    "Verdict",
    "calibrate",
    "p_value",
    "replicate",
    "simultaneous_band",
    "verdicts",
]
