"""Study areas of a comparison, the correction of distance on them, validation in levels."""
