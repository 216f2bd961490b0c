"""What only builders run."""
