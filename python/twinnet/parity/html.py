"""HTML that escapes whatever it is given: text is text unless it was made here."""

from __future__ import annotations

import html
from typing import Any

__all__ = ["Html", "tag"]

VOID = {"input", "meta", "circle", "image", "line", "polyline", "rect"}


class Html(str):
    """Markup that is already safe."""

    __slots__ = ()


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element.

    Parameters
    ----------
    name : str
    *children : object
        `Html` stays as it is, None is left out, lists are taken apart, and anything else is text and is escaped.
    **attributes : object
        ``class_`` is ``class``, and ``aria_label`` is ``aria-label``. True stands alone; None and False are left out.

    Returns
    -------
    Html
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written = key.rstrip("_").replace("_", "-")
        words.append(written if value is True else f'{written}="{html.escape(str(value))}"')
    content = "".join(escaped(child) for child in children)
    return Html(f"<{' '.join(words)}/>" if name in VOID and not content else f"<{' '.join(words)}>{content}</{name}>")


def escaped(child: Any) -> str:
    """A child as markup."""
    if child is None:
        return ""
    if isinstance(child, (list, tuple)):
        return "".join(escaped(item) for item in child)
    return child if isinstance(child, Html) else html.escape(str(child))
