"""What a deployment costs in a month."""
