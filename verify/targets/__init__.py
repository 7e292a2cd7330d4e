"""Several accounts and regions: verified together, and shown in one matrix."""
