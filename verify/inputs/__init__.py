"""What a run is given: the deployment, the baseline, the catalogue, waivers, Terraform's files."""
