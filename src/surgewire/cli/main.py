"""The commands, and what becomes of an error: one line and an exit code."""

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from surgewire.cli import (
    chat,
    connect,
    demo,
    doctor,
    echo,
    interrupts,
    report,
    secrecy,
    serve,
    version,
    watch,
)
from surgewire.cli.grouped_help import GroupedCommand
from surgewire.errors import SurgewireError

HELP = """\
Load-test WebSocket servers, with an account of every message.

\b
Begin with:
  surgewire demo         a server and 10,000 connections, here
  surgewire chat --help  rooms, and who heard what
  surgewire echo --help  messages that come back
  surgewire doctor       is this machine ready, and what to change if not

\b
Exit codes: 0 all well, 1 the run could not be done, 2 wrong usage,
99 the server fell short, 130 interrupted.
"""

INTERRUPTED = 130

# Some versions of typer carry click inside, others depend on it: its base of errors is reached
# through a name that both have.
_ClickException: Any = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

_EXTRA = re.compile(r"(?i)got unexpected extra argument")

app = typer.Typer(
    name="surgewire",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
app.command(help=echo.HELP, cls=GroupedCommand)(echo.echo)
app.command(help=chat.HELP, cls=GroupedCommand)(chat.chat)
app.command(help=connect.HELP, cls=GroupedCommand)(connect.connect)
app.add_typer(serve.serve_app)
app.command(help=demo.HELP)(demo.demo)
app.command(help=doctor.HELP)(doctor.doctor)
app.command(help=watch.HELP)(watch.watch)
app.command(help=report.HELP)(report.report)
app.command(help=version.HELP)(version.version)


@app.callback(help=HELP)
def _surgewire(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    """Print the version or the help when no command is given."""
    if show_version:
        import surgewire

        print(f"surgewire {surgewire.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (that of the process unless given) and return its exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    finally:
        if arguments is None:
            interrupts.done_with()


def _run(arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(
            args=arguments,
            prog_name="surgewire",
            standalone_mode=False,
        )
        if sys.stdout is not None:
            sys.stdout.flush()
    except SurgewireError as error:
        return _fail(str(error), error.exit_code, arguments)
    except _ClickException as error:
        return _fail(_usage_message(error, arguments), 2, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except OSError as error:
        _forget_stdout()
        return _fail(str(error), 1, arguments)
    return code if isinstance(code, int) else 0


def _usage_message(error: Any, arguments: Sequence[str]) -> str:
    message = error.format_message().rstrip(".")
    if _EXTRA.match(message) and secrecy.has_secret_options(arguments):
        # It is the rest of a value that was not quoted.
        message = "an option has more than one value; put a value with spaces into quotes"
    command = error.ctx.command_path if getattr(error, "ctx", None) else "surgewire"
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"


def _fail(message: str, exit_code: int, arguments: Sequence[str]) -> int:
    from surgewire.report.wording import plain

    message = secrecy.secrets_of_arguments(arguments).redact(" ".join(message.split()))
    with contextlib.suppress(OSError):
        print("surgewire: error:", plain(message), file=sys.stderr, flush=True)
    return exit_code


def _forget_stdout() -> None:
    """Let what could not be written vanish, or Python complains about it again at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
