# Credentials and endpoints come from AWS's ordinary chain (environment, profile, role): never from here.
provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
