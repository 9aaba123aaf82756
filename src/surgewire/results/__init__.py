"""What happened: records to totals, totals to a result, with doubts and a verdict. No I/O."""
