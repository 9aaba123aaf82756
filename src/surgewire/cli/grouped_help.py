"""Help pages whose options stand under the title of their group."""

from typing import Any

from typer.core import TyperCommand

_OWN = "Options"


class GroupedCommand(TyperCommand):
    """A command that shows its own options first, then those of each group."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options into `formatter`, a list under each title."""
        sections: dict[str, list[tuple[str, str]]] = {_OWN: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and parameter.param_type_name == "option":
                title = getattr(parameter, "rich_help_panel", None) or _OWN
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
