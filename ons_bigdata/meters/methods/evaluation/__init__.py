"""How detectors fare: injected absence, ground truths, scores with intervals, naive judgements beside them."""
