"""`gridsentry-server`: run it, prepare its database, check it. Exit codes: 0 fine, 1 a problem found, 2 wrong usage."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer
from rapidfuzz import process
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from server import audit, migrations
from server.accounts import service as accounts
from server.accounts.passwords import WeakPasswordError
from server.accounts.schemas import Role
from server.checks import Looked, look_at_everything
from server.db import Database, DatabaseBusyError, DatabaseConfigError
from server.fleet import service as fleet
from server.grids import service as grids
from server.grids.commands import import_grids_command, shell_user
from server.grids.model import EVERYWHERE
from server.ingest.chains import NoKeyError, verify_all
from server.matters.commands import import_matters_command
from server.opening import SettingsError, load_settings, open_database
from server.running import PortInUseError, serve

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The server of GridSentry.",
)
user_app = typer.Typer(no_args_is_help=True, help="Accounts of people.")
device_app = typer.Typer(no_args_is_help=True, help="Edge boxes and their tokens.")
app.add_typer(user_app, name="user")
app.add_typer(device_app, name="device")
app.command("import-grids")(import_grids_command)
app.command("import-matters")(import_matters_command)

_WRONG_USAGE = (
    SettingsError,
    DatabaseConfigError,
    migrations.SchemaVersionError,
    accounts.AccountError,
    accounts.DefaultSecretError,
    WeakPasswordError,
    fleet.DeviceError,
    PortInUseError,
)
_PROBLEM = (OperationalError, DatabaseBusyError, NoKeyError)


@app.command()
def run(
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    demo: Annotated[bool, typer.Option("--demo", help="Demo accounts with passwords that everybody knows.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log lines as JSON.")] = False,
) -> None:
    """Migrates the database and serves until it is told to stop."""
    serve(load_settings(demo=demo), host=host, port=port, log_json=log_json)


@app.command()
def migrate() -> None:
    """Brings the database's schema up to this program's."""
    database = Database(load_settings().database_url)
    migrations.upgrade(database)
    database.close()
    print_out(f"{database.name}: schema {migrations.head_revision()}")


@app.command()
def check() -> None:
    """Looks at settings, database, accounts, files and lists, and says what is wrong."""
    findings = look_at_everything(load_settings())
    table = Table("", "what", "found", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(*_row(finding))
    Console().print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command("verify-audit")
def verify_audit() -> None:
    """Walks the audit log and names the first broken link."""
    with open_database() as database, database.read() as connection:
        report = audit.verify(connection)
    print_out(f"{report.rows} entries verified, the last with the hash {report.head_sha256}")
    if report.message is not None:
        fail(f"the audit log is broken: {report.message}")


@app.command("verify-chain")
def verify_chain(device: Annotated[str, typer.Argument(help="The device's id.")]) -> None:
    """Checks everything that a device ever sent, from its first event to its last signature."""
    with open_database() as database, database.read() as connection:
        report = verify_all(connection, device).report
    print_out(f"{device}: proven up to event {report.signed_to}, linked up to {report.linked_to}")
    if report.problem is not None:
        fail(f"{device}: the chain is broken at event {report.problem.seq}: {report.problem.message}")


@user_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[Role, typer.Option(help="operator judges alerts; admin also sees audit, fleet, dead letters.")],
    scope: Annotated[str, typer.Option(help="Code of the grid that they see, with all below it; * for everything.")],
    display_name: Annotated[str | None, typer.Option(help="What others see; the name itself if left out.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Makes an account."""
    password = _ask_password(from_stdin=password_stdin)
    with open_database() as database, database.write() as connection:
        _check_scope(connection, scope)
        account = accounts.add_account(
            connection,
            username=name,
            password=password,
            role=role,
            grid_scope=scope,
            display_name=display_name,
            actor=shell_user(),
        )
    print_out(f"account {account.username}: {account.role}, sees {account.grid_scope}")


@user_app.command("list")
def list_users() -> None:
    """All accounts."""
    with open_database() as database, database.read() as connection:
        found = accounts.list_accounts(connection)
    _print_table(
        ("name", "role", "scope", "shown as", ""),
        [
            (
                account.username,
                account.role.value,
                account.grid_scope,
                account.display_name,
                "disabled" if account.disabled else "",
            )
            for account in found
        ],
    )


@user_app.command("password")
def change_password(
    name: Annotated[str, typer.Argument(help="Whose.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """A new password; it ends every session of the account."""
    password = _ask_password(from_stdin=password_stdin)
    with open_database() as database, database.write() as connection:
        accounts.set_password(connection, name, password, actor=shell_user())
    print_out(f"account {name}: password changed, sessions ended")


@user_app.command("disable")
def disable_user(name: Annotated[str, typer.Argument(help="Who signs in no more.")]) -> None:
    """Ends an account and its sessions; what it did stays under its name."""
    with open_database() as database, database.write() as connection:
        accounts.disable_account(connection, name, actor=shell_user())
    print_out(f"account {name}: disabled, sessions ended")


@device_app.command("add")
def add_device(
    device: Annotated[str, typer.Argument(help="The device's id, as its config says it.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
) -> None:
    """Makes a device and prints its token: once, and never again."""
    with open_database() as database, database.write() as connection:
        token = fleet.add_device(connection, device, name or device, actor=shell_user())
    _print_token(device, token)


@device_app.command("list")
def list_devices() -> None:
    """All devices."""
    with open_database() as database, database.read() as connection:
        found = fleet.view_devices(connection)
    _print_table(
        ("id", "name", "state", "last seen", "chain proven to"),
        [
            (
                device.id,
                device.name,
                "revoked" if device.revoked_at is not None else "ready" if device.has_key else "no key yet",
                "never" if device.last_seen_at is None else device.last_seen_at.isoformat(timespec="seconds"),
                "-" if device.chain is None else str(device.chain.verified_seq),
            )
            for device in found
        ],
    )


@device_app.command("rotate")
def rotate_device(device: Annotated[str, typer.Argument(help="The device's id.")]) -> None:
    """A new token; the old one ends at once."""
    with open_database() as database, database.write() as connection:
        token = fleet.rotate_token(connection, device, actor=shell_user())
    _print_token(device, token)


@device_app.command("revoke")
def revoke_device(device: Annotated[str, typer.Argument(help="The device's id.")]) -> None:
    """Ends the device's token; what it sent stays."""
    with open_database() as database, database.write() as connection:
        fleet.revoke_device(connection, device, actor=shell_user())
    print_out(f"device {device}: revoked")


def main() -> None:
    """The console script: expected errors are one clear line, not a traceback."""
    try:
        app()
    except _WRONG_USAGE as error:
        _say(str(error))
        sys.exit(2)
    except _PROBLEM as error:
        _say(str(getattr(error, "orig", None) or error))
        sys.exit(1)


def print_out(line: str) -> None:
    """A line for whoever or whatever reads our output."""
    sys.stdout.write(f"{line}\n")


def fail(line: str) -> None:
    """Says what is wrong and ends with 1.

    Raises:
        typer.Exit: always.
    """
    _say(line)
    raise typer.Exit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"gridsentry-server: {line}\n")


def _print_token(device: str, token: str) -> None:
    # The token alone on stdout: `gridsentry-server device add box-1 > token`.
    sys.stderr.write(f"device {device}: this is its token; it is not kept here and cannot be shown again\n")
    print_out(token)


def _check_scope(connection: Connection, scope: str) -> None:
    """A mistyped scope would make an account that sees nothing, and says nothing of it."""
    codes = grids.known_codes(connection)
    if scope == EVERYWHERE or not codes or scope in codes:
        return
    near = process.extractOne(scope, codes)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise accounts.AccountError(f"--scope: found {scope!r}, expected a grid's code or *{hint}")


def _print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _row(finding: Looked) -> tuple[str, str, str]:
    return ("[green]ok[/]" if finding.ok else "[red]!![/]", finding.what, finding.found)


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise WeakPasswordError("the two passwords differ; nothing was changed")
    return password


if __name__ == "__main__":
    main()
