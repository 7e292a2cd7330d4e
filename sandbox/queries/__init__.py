"""Athena: queries that read the files of a bucket, by a table of Glue's, in the caller's name.

moto takes queries and runs none. Here each is parsed (sqlglot, which knows Athena's dialect), the
table's files are read as its partition projection and its columns say, and DuckDB, whose types are
nested as Athena's are, answers. The room knows ``access``.
"""
