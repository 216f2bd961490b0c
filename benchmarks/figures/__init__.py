"""The figures of the report; each says the same without colour."""
