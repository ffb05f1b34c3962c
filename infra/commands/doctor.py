"""`posto doctor`: what is wrong, and what to do about it."""

import asyncio
import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for scripts.")] = False,
) -> None:
    """Check settings, Kafka, MySQL, the gateway and the webhook, and say what to do about each failure.

    Nothing is changed and nothing is sent. Exit code 1 where a check fails.

    - `posto doctor --json | jq -r '.[] | select(.ok | not) | .advice'` lists what to do.
    """
    import io
    from dataclasses import asdict

    from infra.doctor import Finding, examine
    from infra.logging import configure
    from infra.settings import load

    settings = load()
    configure(settings, "doctor", io.StringIO())  # the findings say it

    async def look() -> list[Finding]:
        findings = []
        async for finding in examine(settings):
            findings.append(finding)
            if not as_json:
                typer.echo(f"{'✓' if finding.ok else '✗'} {finding.check:<11} {finding.detail}")
                if finding.advice:
                    typer.echo(f"  {'':<11} {finding.advice}")
        return findings

    findings = asyncio.run(look())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
