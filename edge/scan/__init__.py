"""Archives: many files, one table, on all cores or on many machines."""
