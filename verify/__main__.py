"""`python -m verify <command>`: what is not a check of the live suite."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence


def _integrity(arguments: Sequence[str]) -> int:
    # Loading API models makes very many objects that live on. Looking through them for garbage
    # again and again would take a sixth of a run's processor time.
    gc.set_threshold(100_000)
    from verify.integrity.command import main

    return main(arguments)


def _controls(_: Sequence[str]) -> int:
    from verify.suite.declarations import controls_page

    print(controls_page(), end="")
    return 0


def _requirements(_: Sequence[str]) -> int:
    from verify.suite.declarations import requirements_page

    print(requirements_page(), end="")
    return 0


def _check_evidence(arguments: Sequence[str]) -> int:
    from verify.proof.command import main

    return main(arguments)


def _diff(arguments: Sequence[str]) -> int:
    from verify.period.difference_command import main

    return main(arguments)


def _discover(arguments: Sequence[str]) -> int:
    from verify.discover.command import main

    return main(arguments)


def _merge(arguments: Sequence[str]) -> int:
    from verify.targets.command import merge

    return merge(arguments)


def _targets(arguments: Sequence[str]) -> int:
    from verify.targets.command import targets

    return targets(arguments)


def _attest(arguments: Sequence[str]) -> int:
    from verify.run.attest import main

    return main(arguments)


def _pdf(arguments: Sequence[str]) -> int:
    from verify.printing.command import main

    return main(arguments)


def _period(arguments: Sequence[str]) -> int:
    from verify.period.command import main

    return main(arguments)


def _sweep(arguments: Sequence[str]) -> int:
    from verify.live_fire.command import main

    return main(arguments)


def _upload(arguments: Sequence[str]) -> int:
    from verify.run.put_reports import main

    return main(arguments)


def _who(arguments: Sequence[str]) -> int:
    from verify.investigate.command import main

    return main(arguments)


# Each loads its own modules only when it is asked for.
COMMANDS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "attest": (_attest, "print what of an attestation is to be signed, or its signature"),
    "check-evidence": (
        _check_evidence,
        "check a run's files, chain, report and verdicts, without any account",
    ),
    "controls": (_controls, "print the controls as a page for people (docs/controls.md)"),
    "diff": (_diff, "print what has changed from one run to another, control by control"),
    "discover": (
        _discover,
        "write a first map and a first baseline for a trail that another module made",
    ),
    "integrity": (_integrity, "prove from a trail's digests that its log files are untouched"),
    "merge": (_merge, "show runs of several deployments, made apart, in one matrix"),
    "pdf": (_pdf, "print a run's report as a PDF, with its manifest's hash on every page"),
    "period": (_period, "make the report over a period of months, from the runs of a folder"),
    "requirements": (
        _requirements,
        "print what the infrastructure must be, and what shows it (docs/requirements.md)",
    ),
    "sweep": (_sweep, "remove what killed runs of the live fire have left in the account"),
    "targets": (_targets, "verify several accounts and regions, and show them in one matrix"),
    "upload": (_upload, "put sealed runs into a bucket, where check-evidence and period find them"),
    "who": (
        _who,
        "print who did what, when and from where, by event history or log files",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; gives its exit code."""
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]][0](arguments[1:])
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    if arguments and not asked:
        print(f"python -m verify: there is no command {arguments[0]!r}", file=sys.stderr)
    listing = "\n".join(f"  {name:<16}{what}" for name, (_, what) in COMMANDS.items())
    print(
        f"usage: python -m verify <command> [--help]\n\ncommands:\n{listing}",
        file=sys.stdout if asked else sys.stderr,
    )
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
