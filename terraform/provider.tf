# Credentials and endpoints come from AWS's ordinary chain (environment, profile, role): never from here.
provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

# Where the events of global services are; never used in that region itself.
provider "aws" {
  alias  = "global_services"
  region = local.global_region

  default_tags {
    tags = local.tags
  }
}

# Where the log files are copied to. Without copies it is of no use, and speaks to the home region.
provider "aws" {
  alias  = "replication"
  region = coalesce(var.replication_region, var.region)

  default_tags {
    tags = local.tags
  }
}
