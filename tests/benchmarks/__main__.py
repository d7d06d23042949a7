"""The benchmark command. It reports; it never fails a build over a time."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from . import flood, inputs, live, plugin
from .contenders import US, Contender, contenders
from .inputs import Input
from .measure import Job, race
from .record import CannotRecordError
from .report import Report, Result, system_facts, write_page

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
FOLDER = Path(tempfile.gettempdir()) / "synscope-bench"
BESIDE = Path(sys.executable).with_name("synscope")
PEERS, GROWTH, FORMATS, FLOODS = "peers", "growth", "formats", "floods"

TITLES = {PEERS: "Beside its peers", GROWTH: "Growth", FORMATS: "Formats", FLOODS: "Floods"}
INPUTS = {
    PEERS: (inputs.LOAD, inputs.SMALL),
    GROWTH: (inputs.SMALL, inputs.MEDIUM, inputs.LARGE),
    FORMATS: (inputs.LOAD, inputs.SNAP96, inputs.FAT, inputs.PCAPNG, inputs.GZIP, inputs.ZSTD),
    FLOODS: (inputs.FLOOD, inputs.FLOOD_LATE),
}
WHO = {GROWTH: (US, "tcpdump"), FORMATS: (US, "tcpdump", "gzip", "zstd"), FLOODS: (US,)}
"""The contenders of a table; every one that takes the input where none are named."""

FLOOD_ARGUMENTS = ("--attempts", "none", "--expect", "SYN-no-reply")
"""With them a flood is the expected end, and the report only its counts."""

KEYS = [contender.key for contender in contenders("")]


def chosen(table: str, entry: Input, everyone: list[Contender]) -> list[Contender]:
    """Pick the contenders of one table for one input."""
    named = WHO.get(table, tuple(KEYS))
    return [c for c in everyone if c.key in named and c.takes(entry.name, entry.packets)]


def _available(synscope: str, wanted: set[str], missing: dict[str, str]) -> list[Contender]:
    """Return the contenders that are wanted and installed; note why others are not."""
    found: list[Contender] = []
    for contender in contenders(synscope):
        if wanted and contender.key not in wanted:
            continue
        reason = contender.missing()
        if reason:
            missing[contender.key] = reason
            click.echo(f"{contender.key}: {reason}")
        else:
            found.append(contender)
    return found


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where the inputs are made and kept (needs about 5 GB).",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*TITLES, plugin.KEY, *KEYS]),
    help="Only this table, or this contender; may be repeated. 'plugin' is what the pytest plugin costs, and is "
    "measured on its own.",
)
@click.option("--synscope", default=str(BESIDE), show_default=True, help="The executable.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds for one child.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the JSON result goes  [default: results.json in the folder]",
)
@click.option("--live", "captures", is_flag=True, help="Measure capturing under load instead.")
@click.option(
    "--seconds",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="With --live: how long the load runs.",
)
@click.option("--write", is_flag=True, help=f"Put the tables into {PAGE.name} as well.")
def main(
    folder: Path,
    rounds: int,
    only: tuple[str, ...],
    synscope: str,
    timeout: float,
    json_path: Path | None,
    captures: bool,
    seconds: int,
    write: bool,
) -> None:
    """Measure synscope and every peer found here, side by side on the same inputs."""
    system = system_facts()
    if captures:
        _live(synscope, rounds, seconds, system, json_path, write)
        return
    if plugin.KEY in only:
        _plugin(set(only), Path(synscope).with_name("python"), rounds, system, json_path, write)
        return
    try:
        made, missing = inputs.make(folder, click.echo)
    except (CannotRecordError, ValueError) as error:
        raise click.ClickException(
            f"{error}\n{inputs.LOAD} in {folder} cannot be had; put a capture there to go on"
        ) from error
    everyone = _available(synscope, set(only) & set(KEYS), missing)
    versions = {contender.key: contender.version() for contender in everyone}
    report = Report(system, versions, rounds, {}, missing)
    for table in [name for name in TITLES if name in only or not set(only) & set(TITLES)]:
        results: list[Result] = []
        for entry in [made[name] for name in INPUTS[table] if name in made]:
            more = FLOOD_ARGUMENTS if table == FLOODS else ()
            jobs = [
                Job(c.key, [*c.command(folder / entry.name), *more], c.env)
                for c in chosen(table, entry, everyone)
            ]
            if not jobs:
                continue
            click.echo(f"{TITLES[table]}: {entry.name}, {entry.packets:,} packets")
            series = race(jobs, rounds, timeout, click.echo)
            for row in series:
                if row.failure:
                    missing[f"{row.job.contender} on {entry.name}"] = row.failure
            counted = flood.counted(jobs[0].command, jobs[0].env) if table == FLOODS else None
            results.append(Result(entry, series, counted))
        report.tables[TITLES[table]] = results
    target = json_path or folder / "results.json"
    target.write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")
    body = report.as_markdown(contenders(synscope))
    click.echo("\n" + body)
    click.echo(f"JSON: {target}")
    if write:
        write_page(PAGE, body)
        click.echo(f"written: {PAGE}")


def _live(
    synscope: str, rounds: int, seconds: int, system: dict[str, str], json_path: Path | None, write: bool
) -> None:
    """Measure capturing under load."""
    everyone = live.capturers(synscope)
    missing = {one.key: reason for one in everyone if (reason := one.missing())}
    try:
        rows = live.measure([one for one in everyone if one.key not in missing], rounds, seconds, click.echo)
    except CannotRecordError as error:
        raise click.ClickException(str(error)) from error
    if json_path is not None:
        json_path.write_text(json.dumps(live.as_json(rows), indent=2) + "\n", encoding="utf-8")
    body = live.as_markdown(rows, seconds, system, missing)
    click.echo("\n" + body)
    if write:
        write_page(PAGE, body, live.BEGIN, live.END)
        click.echo(f"written: {PAGE}")


def _plugin(
    only: set[str], python: Path, rounds: int, system: dict[str, str], json_path: Path | None, write: bool
) -> None:
    """Measure what the pytest plugin adds to a start of pytest."""
    if len(only) > 1:
        raise click.UsageError(f"--only {plugin.KEY} goes with no other --only.")
    try:
        measured = plugin.measure(python, rounds, click.echo)
    except plugin.CannotMeasureError as error:
        raise click.ClickException(str(error)) from error
    if json_path is not None:
        json_path.write_text(json.dumps(plugin.as_json(measured), indent=2) + "\n", encoding="utf-8")
    body = plugin.as_markdown(measured, system)
    click.echo("\n" + body)
    if write:
        write_page(PAGE, body, plugin.BEGIN, plugin.END)
        click.echo(f"written: {PAGE}")


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
