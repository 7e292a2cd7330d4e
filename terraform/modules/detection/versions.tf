terraform {
  required_version = ">= 1.5.0"

  # The root says which releases it was tried with.
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}
