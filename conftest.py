"""Loads the verification plugin, quickly; nothing else."""

import gc

# Loading AWS's models makes very many objects that live on. Looking through them for garbage again
# and again would take a quarter of a run's processor time, and a run is short.
gc.disable()

pytest_plugins = ["verify.suite.plugin"]
