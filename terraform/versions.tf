terraform {
  # 1.5 is the oldest release whose functions this module uses. OpenTofu works from 1.6 on.
  required_version = ">= 1.5.0"

  required_providers {
    # 5.100 is the last of 5; what 6 removed or renamed is not used here.
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
