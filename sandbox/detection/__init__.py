"""The services that watch an account: moto has a part of one, and none of the others."""
