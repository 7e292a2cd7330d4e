"""What lets somebody who was not there check a run: its manifest, chain, signature and verdicts."""
