"""The parts of the table, a module each.

A part has ``rows() -> Iterator[Row]`` and yields each row as soon as it is measured. What else is
worth knowing it prints, by ``bench.table.note``. Whatever is in this folder is run.
"""
