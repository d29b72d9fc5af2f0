"""Text from outside for display: control, bidirectional and other invisible characters are shown as escapes."""

from __future__ import annotations

import unicodedata

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks without a shape (Unicode, default ignorable; the braille blank), which hide within words."""

_SPACES = "Zs"
"""Category of spaces such as U+00A0, which are invisible but harmless; line and paragraph separators are not in it."""


def escape_unprintable(text: str, *, keep: str = "") -> str:
    r"""Return the text with unprintable characters as `\x1b`, `\u202e`, …; those in `keep` (such as a newline) stay.

    Unprintable are control and format characters (terminal escapes, bidirectional controls), surrogates, private and
    unassigned code points, line separators (Unicode categories C*, Zl, Zp), and letters without a shape.
    """
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    return "".join(
        character
        if (character.isprintable() and character not in _BLANK)
        or character in keep
        or unicodedata.category(character) == _SPACES
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
