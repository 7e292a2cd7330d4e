"""A first map of outputs, and a first baseline, of a trail that another module made."""
