"""Progress of layers in docker's words; scripts and clients read them."""

from __future__ import annotations

from wherry.api.ports import TransferStep
from wherry.api.reporting import Report
from wherry.wire.progress import ProgressDetail, ProgressLine, bar


class Words:
    """Turns what a transfer reports into lines."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __call__(self, step: TransferStep) -> None:
        """Report one step."""
        if not step.id:
            self._report(ProgressLine(status=step.status))
            return
        detail = ProgressDetail(step.current, step.total)
        drawn = bar(step.current, step.total)
        self._report(ProgressLine(step.status, detail, drawn, step.id))
