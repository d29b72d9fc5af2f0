"""Blocks of consecutive periods: what an elementary index keeps of the periods before, and how far a block looks."""
