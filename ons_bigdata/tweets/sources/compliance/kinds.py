"""Kinds of compliance events: which remove rows, of posts or of users, and which lift others."""

from __future__ import annotations

POST_KINDS = ("delete", "edit", "withheld", "drop", "undrop")
USER_KINDS = (
    *("user_delete", "user_undelete", "user_protect", "user_unprotect", "user_suspend", "user_unsuspend"),
    "user_withheld",
)
SCRUB_GEO = "scrub_geo"
"""Positions of a user's posts up to one go; here a post without position is no row, so that the whole line goes."""

LIFTED_BY = {
    "drop": "undrop",
    "user_delete": "user_undelete",
    "user_protect": "user_unprotect",
    "user_suspend": "user_unsuspend",
}
"""Kind → kind of a later event after which rows that arrive are taken in again. All others hold for good."""

LIFTING = tuple(LIFTED_BY.values())
KINDS = (*POST_KINDS, *USER_KINDS, SCRUB_GEO)
REMOVING = tuple(kind for kind in KINDS if kind not in LIFTING)

WITHOUT_EFFECT = ("user_profile_modification",)
"""Kinds that are known and change nothing here: profiles are in no row."""
