"""The proof that the account of deliveries is exact, by records that others than us have kept."""
