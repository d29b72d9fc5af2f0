"""Pure methods that several pilots share: anchor places of people, comparison of flows, raking."""
