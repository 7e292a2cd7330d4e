"""Deploying the Terraform module to AWS or to a local sandbox: `python -m deploy --help`."""
