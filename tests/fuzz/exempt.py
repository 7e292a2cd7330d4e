"""What no door is for, and why."""

from __future__ import annotations

from collections.abc import Mapping

# Schemas of what is written, and read by nobody here.
WRITTEN_ONLY: Mapping[str, str] = {
    "alert": "the function writes it, and live fire holds what it hears to it",
    "integrity": "the validator writes it",
}

_AWS = "what AWS answers, or that it does not"
_CALLER = "a caller of ours, and not what somebody has written"
_WITHIN = "caught within, and told as an error of a door or as an outcome"
_OWN = "this machine: processes, sockets, files of its own"

NO_INPUT: Mapping[str, str] = {
    "compliance_checker.checker.UntoldAlertsError": "the function's own retry",
    "compliance_checker.dispatch.LostRecordsError": "the function's own retry",
    "compliance_checker.judging.UnprocessableError": _WITHIN,
    "compliance_checker.live.NotReadError": _AWS,
    "compliance_checker.reading._TooLongError": _WITHIN,
    "compliance_checker.remedies.NotRemediatedError": _AWS,
    "compliance_checker.settings.ConfigurationError": "the function's environment, by Terraform",
    "compliance_checker.table.LedgerUnavailableError": _AWS,
    "verify.account.door.UndeclaredReadError": _CALLER,
    "verify.account.errors.ActionFailedError": _AWS,
    "verify.account.shapes.UnknownOperationError": _CALLER,
    "verify.account.sign_in.SignInError": _AWS,
    "verify.check.ControlFailedError": "a verdict",
    "verify.check.NotApplicableError": "a verdict",
    "verify.discover.survey.DiscoverError": "the command line and AWS's answers",
    "verify.inputs.absence.AbsentOutputError": "an outcome",
    "verify.inputs.declared.NotDeclaredError": _CALLER,
    "verify.inputs.reader.AbsentError": _WITHIN,
    "verify.inputs.reader.UnreadableError": _WITHIN,
    "verify.inputs.outputs_map._UnknownPathError": _WITHIN,
    "verify.integrity.read.discovery.UsageError": "the command line and AWS's answers",
    "verify.integrity.read.plain_http.NotPlainError": _WITHIN,
    "verify.integrity.read.reader.ArchivedError": _AWS,
    "verify.integrity.read.reader.ObjectMissingError": _AWS,
    "verify.integrity.read.reader.UnreadableError": _AWS,
    "verify.integrity.run.executors.SchedulerError": _OWN,
    "verify.investigate.found.HistoryError": _AWS,
    "verify.model.NotVerifiedError": "an outcome",
    "verify.policy.globs.TooManyStatesError": _WITHIN,
    "verify.printing.chromium.PrintError": _OWN,
    "verify.proof.manifest.AbsentManifestError": _WITHIN,
    "verify.proof.manifest.ManifestError": _WITHIN,
    "verify.proof.rejudge.NotJudgedError": _OWN,
    "verify.proof.report_check.ChangedError": _WITHIN,
    "verify.proof.report_check.NoReportError": _WITHIN,
    "verify.proof.signature.SignatureError": _WITHIN,
    "verify.proof.signature.SigningError": "the signing key of whoever runs it",
    "verify.proof.time_stamp.StampingError": "the network",
    "verify.report.ReportError": _OWN,
    "verify.run.clean_metric.NotPublishedError": _AWS,
    "verify.run.findings.ImportFindingsError": _AWS,
    "verify.run.seal.NotPutError": _AWS,
    "verify.run.seal.SealError": _OWN,
    "verify.suite.plugin._NotLeftError": _OWN,
}
