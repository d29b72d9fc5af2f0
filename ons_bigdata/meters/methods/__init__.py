"""Methods of the meters pilot: quality of readings, meter-days, absence, vacancy, fieldwork, evaluation."""
