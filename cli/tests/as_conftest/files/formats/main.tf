locals {
  name = "a-${var.b}"
}

resource "aws_s3_bucket" "logs" {
  acl = "public-read"
}

resource "aws_s3_bucket" "ok" {
  acl = "private"
}
