"""The severities that a project asks for, laid over those that the checker gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quivers.records import field, record, replace
from quivers.syntax.problems import Diagnostic, Severity

# Without them the rest of a file's diagnostics would have no explanation.
ALWAYS_SHOWN = "QVR1"


@record
class Settings:
    """`severities` holds what is asked for, by code (`QVR701`) or family (`QVR7xx`); None is off."""

    severities: Mapping[str, Severity | None] = field(default_factory=dict)

    def severity(self, code: str, default: Severity) -> Severity | None:
        """The severity of `code`, None when it is off. An entry of its own goes before its family's."""
        if code.startswith(ALWAYS_SHOWN):
            return default
        family = f"{code[:4]}xx"
        return self.severities.get(code, self.severities.get(family, default))


def configured(diagnostics: Iterable[Diagnostic], settings: Settings) -> tuple[Diagnostic, ...]:
    """The diagnostics as `settings` wants them: some gone, some of another severity, in the same order."""
    if not settings.severities:
        return tuple(diagnostics)
    shown = []
    for diagnostic in diagnostics:
        severity = settings.severity(diagnostic.code, diagnostic.severity)
        if severity is diagnostic.severity:
            shown.append(diagnostic)
        elif severity is not None:
            shown.append(replace(diagnostic, severity=severity))
    return tuple(shown)
