"""The `tarn` command. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.environment import load_environment
from infrastructure.collecting import load

__all__ = ["app", "main"]

app = typer.Typer(
    name="tarn",
    help="Tarn, the open-source billing server: usage events in, correct invoices out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # Under `tarn up` and in containers plain tracebacks can be searched for; locals may hold secrets.
    pretty_exceptions_enable=sys.stderr.isatty(),
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
usage = typer.Typer(help="Usage events in bulk.", no_args_is_help=True)
secrets = typer.Typer(help="The secrets kept in rows.", no_args_is_help=True)
app.add_typer(usage, name="usage", rich_help_panel="Data")
app.add_typer(secrets, name="secrets", rich_help_panel="Operation")

RUN, OPERATE, DATA = "Run", "Operation", "Data"
DELEGATED = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(rich_help_panel=RUN)
def up(
    port: Annotated[int, typer.Option(help="Where the API listens.", min=1, max=65535, envvar="PORT")] = 3000,
    data_dir: Annotated[
        Path, typer.Option(help="Database, queues and development secrets live here.", envvar="TARN_DATA_DIR")
    ] = Path(".tarn"),
    demo: Annotated[bool, typer.Option(help="Fill an empty installation with a demo organization.")] = True,
) -> None:
    """Start [bold]everything[/bold]: PostgreSQL, Redis, API, worker and clock. No other software is needed."""
    from cli.up import run

    raise typer.Exit(run(port=port, data_dir=data_dir, demo=demo))


@app.command(rich_help_panel=RUN)
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="TARN_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535, envvar="PORT")] = 3000,
) -> None:
    """Serve GraphQL and REST. Any number of these may run."""
    _refuse_unsafe_production()
    from cli.api import serve

    serve(host, port)


@app.command(rich_help_panel=RUN)
def worker(
    queues: Annotated[
        str | None, typer.Option(help="Only these queues, comma separated. Default: all without a dedicated worker.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Jobs at a time.", min=1, max=500)] = None,
) -> None:
    """Do the background jobs. Any number of these may run."""
    _refuse_unsafe_production()
    from tasks.worker import run

    run(_names(queues), concurrency)


@app.command(rich_help_panel=RUN)
def clock() -> None:
    """Send the scheduled jobs when they are due. Two at once do no harm."""
    _refuse_unsafe_production()
    from tasks.clock import run

    run()


@app.command(rich_help_panel=OPERATE)
def migrate() -> None:
    """Bring the database's schema up to date."""
    import psycopg

    from cli.migrate import run_migrations

    try:
        applied = run_migrations(_database_url())
    except (psycopg.Error, RuntimeError) as error:
        _fail(str(error).strip())
    Console().print(f"Applied: {', '.join(applied)}." if applied else "The schema is up to date.")


@app.command(rich_help_panel=OPERATE)
def doctor(
    queues: Annotated[bool, typer.Option("--queues", help="Send a probe through every queue and time it.")] = False,
) -> None:
    """Check settings, database, Redis, migrations, clock and queues, and say what to do."""
    from cli.doctor import diagnose

    raise typer.Exit(diagnose(probe=queues))


@app.command(rich_help_panel=OPERATE, context_settings=DELEGATED, add_help_option=False)
def jobs(context: typer.Context) -> None:
    """See the background jobs that failed or wait, and retry them."""
    from cli.jobs import app as ledger

    ledger(args=context.args, prog_name="tarn jobs")


@app.command(rich_help_panel=OPERATE, context_settings=DELEGATED, add_help_option=False)
def verify(context: typer.Context) -> None:
    """Prove what was billed by computing it again."""
    _database_url()
    from cli.verify import app as verifier

    verifier(args=context.args, prog_name="tarn verify")


@app.command(rich_help_panel=OPERATE)
def schema(
    path: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - prints.")] = Path("schema.graphql"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if the file differs.")] = False,
) -> None:
    """Write the GraphQL schema as the code has it."""
    from graphql_api.schema import export

    text = export()
    if str(path) == "-":
        sys.stdout.write(text)
    elif check:
        if not path.exists() or path.read_text() != text:
            _fail(f"{path} is not what the code says: run `make schema` and commit the result.")
    else:
        path.write_text(text)


@secrets.command("rotate")
def rotate_secrets() -> None:
    """Write all encrypted values anew under ENCRYPTION_PRIMARY_KEY (older ones in ENCRYPTION_PREVIOUS_KEYS)."""
    _database_url()
    from cli.secrets import rotate_all
    from infrastructure.encryption import DecryptionError

    try:
        written = rotate_all()
    except DecryptionError as error:
        _fail(f"Nothing was changed: {error}.")
    Console().print(f"{written} values written anew. The previous keys may go once every process was restarted.")


@usage.command("import", context_settings=DELEGATED, add_help_option=False)
def usage_import(context: typer.Context) -> None:
    """Load usage events from files."""
    from cli.usage_import import app as importer

    importer(args=context.args, prog_name="tarn usage import")


@app.command(rich_help_panel=DATA, context_settings=DELEGATED, add_help_option=False)
def price(context: typer.Context) -> None:
    """Price units under a charge model, without a server."""
    from cli.price import app as pricer

    pricer(args=context.args, prog_name="tarn price")


def _names(text: str | None) -> list[str] | None:
    return [name.strip() for name in text.split(",") if name.strip()] or None if text else None


def _database_url() -> str:
    from infrastructure.settings import settings

    if not settings().database_url:
        _fail("DATABASE_URL is not set and no `tarn up` has run here: set it, or start `tarn up` first.")
    return settings().database_url


def _refuse_unsafe_production() -> None:
    """Production starts only with secrets of its own; each problem is printed as a sentence."""
    from infrastructure.settings import settings

    if settings().production and (problems := settings().problems()):
        _fail("\n".join(problems))
    _database_url()


def _fail(message: str) -> None:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def main() -> None:
    """Entry point of the `tarn` program."""
    load()
    load_environment()
    app()


if __name__ == "__main__":
    main()
