"""What a person sees once everything serves."""

from collections.abc import Sequence
from typing import Final

_BOLD: Final = "\033[1m"
_DIM: Final = "\033[2m"
_GREEN: Final = "\033[32m"
_RESET: Final = "\033[0m"
_LABEL_WIDTH: Final = 15


def banner(port: int, seconds: float, logins: Sequence[str], *, coloured: bool) -> str:
    """Addresses and demo logins; ``seconds`` is how long the start took."""

    def in_style(style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if coloured else text

    rows = [
        ("Bakery", f"http://bakery.localhost:{port}/"),
        ("Bicycle shop", f"http://bicycles.localhost:{port}/"),
        ("Admin", f"http://localhost:{port}/admin/"),
        ("API schema", f"http://localhost:{port}/api/v1/schema/"),
    ]
    rule = in_style(_DIM, "─" * 72)
    return "\n".join(
        [
            "",
            rule,
            f"  {in_style(_BOLD + _GREEN, 'Parlour is ready')} after {seconds:.1f} s",
            "",
            *(f"  {label.ljust(_LABEL_WIDTH)}{in_style(_BOLD, address)}" for label, address in rows),
            *(["", "  Demo logins for the admin:", *(f"    {line}" for line in logins)] if logins else []),
            "",
            f"  {in_style(_DIM, 'Ctrl-C stops all of it; the data stays in .run/ for the next time.')}",
            rule,
            "",
        ]
    )
