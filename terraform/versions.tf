terraform {
  # 1.5 is the oldest release whose functions this module uses. OpenTofu works from 1.6 on.
  required_version = ">= 1.5.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}
