"""Kinds of compliance events: which remove rows, of posts or of users, and which lift others."""

from __future__ import annotations

from ons_bigdata.tweets.schemas.vocabulary import COMPLIANCE_KINDS

LIFTED_BY = {
    "drop": "undrop",
    "user_delete": "user_undelete",
    "user_protect": "user_unprotect",
    "user_suspend": "user_unsuspend",
}
"""Kind → kind of a later event after which rows that arrive are taken in again. All others hold for good."""

LIFTING = tuple(LIFTED_BY.values())
REMOVING = tuple(kind for kind in COMPLIANCE_KINDS if kind not in LIFTING)

WITHOUT_EFFECT = ("user_profile_modification",)
"""Kinds that are known and change nothing here: profiles are in no row."""
