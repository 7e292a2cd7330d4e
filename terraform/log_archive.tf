# How long log files are kept, and where: on the bucket's shelf, in the archive, and gone once they need not be kept; locked
# against everyone in the meantime.

locals {
  # 0 where there is no lock.
  object_lock_days = var.object_lock_mode == null ? 0 : coalesce(var.object_lock_days, var.log_retention_days)

  # A version is "noncurrent" once the file was deleted or overwritten, be it on its first day: the lock keeps it then, or
  # this number does. At the end of the retention a lock of that length is over, and a month is left to notice a mistake.
  noncurrent_days = local.object_lock_days >= var.log_retention_days ? 30 : var.log_retention_days

  # A file below 128 KB is cheaper where it is: see the variable. S3's default is the same, and stated since a bucket of
  # before September 2024 keeps another.
  smallest_archived = var.log_archive_small_files ? "varies_by_storage_class" : "all_storage_classes_128K"
}

resource "aws_s3_bucket_object_lock_configuration" "logs" {
  count = local.object_lock_days > 0 ? 1 : 0

  bucket = aws_s3_bucket.logs.id

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = local.object_lock_days
    }
  }

  # Only a bucket with versions can be locked.
  depends_on = [aws_s3_bucket_versioning.logs]
}

# The provider waits for about a minute until S3 has taken a lifecycle in.
resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  count = var.log_lifecycle_enabled ? 1 : 0

  bucket                                 = aws_s3_bucket.logs.id
  transition_default_minimum_object_size = local.smallest_archived

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    # Of all files.
    filter {}

    transition {
      days          = var.log_archive_after_days
      storage_class = "GLACIER"
    }

    expiration {
      days = var.log_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = local.noncurrent_days
    }
  }

  # What expiry leaves of a file, once its last version is gone; S3 takes both in no rule that expires files.
  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.logs]

  lifecycle {
    precondition {
      condition     = var.log_archive_after_days < var.log_retention_days
      error_message = "Log files would move into the archive after ${var.log_archive_after_days} days and go after ${var.log_retention_days}: make log_archive_after_days less than log_retention_days."
    }
  }
}
