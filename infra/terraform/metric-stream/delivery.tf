# Firehose writes the metrics into the bucket; the same as in infra/cloudformation/metric-stream.yaml.

data "aws_iam_policy_document" "delivery_trust" {
  statement {
    sid     = "AssumedByFirehose"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "delivery" {
  # Firehose finds the bucket and its unfinished uploads.
  statement {
    sid    = "FindBucket"
    effect = "Allow"
    actions = [
      "s3:GetBucketLocation",
      "s3:ListBucket",
      "s3:ListBucketMultipartUploads",
    ]
    resources = [aws_s3_bucket.metrics.arn]
  }

  # Firehose writes objects; s3:GetObject is on AWS's list.
  statement {
    sid    = "WriteObjects"
    effect = "Allow"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:PutObject",
    ]
    resources = ["${aws_s3_bucket.metrics.arn}/*"]
  }

  # Firehose says why a delivery failed.
  statement {
    sid       = "LogFailures"
    effect    = "Allow"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.delivery.arn}:log-stream:${aws_cloudwatch_log_stream.delivery.name}"]
  }

  # Firehose writes under the bucket's key, through S3 and nothing else.
  dynamic "statement" {
    for_each = var.kms_key_arn != null ? [true] : []

    content {
      sid    = "EncryptObjects"
      effect = "Allow"
      actions = [
        "kms:Decrypt",
        "kms:GenerateDataKey",
      ]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role" "delivery" {
  name                 = "airshed-delivery-${data.aws_region.current.id}"
  path                 = var.role_path
  description          = "Lets Firehose write the metrics into the bucket"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.delivery_trust.json
}

resource "aws_iam_role_policy" "delivery" {
  name   = "airshed-delivery"
  role   = aws_iam_role.delivery.name
  policy = data.aws_iam_policy_document.delivery.json
}

resource "aws_cloudwatch_log_group" "delivery" {
  name              = "/airshed/metric-stream"
  retention_in_days = 30
}

resource "aws_cloudwatch_log_stream" "delivery" {
  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.delivery.name
}

resource "aws_kinesis_firehose_delivery_stream" "metrics" {
  name        = "airshed-metrics"
  destination = "extended_s3"

  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }

  extended_s3_configuration {
    bucket_arn          = aws_s3_bucket.metrics.arn
    role_arn            = aws_iam_role.delivery.arn
    prefix              = "metrics/!{timestamp:yyyy/MM/dd/HH}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    compression_format  = var.compression
    buffering_interval  = var.buffer_seconds
    buffering_size      = 64

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.delivery.name
      log_stream_name = aws_cloudwatch_log_stream.delivery.name
    }
  }

  depends_on = [aws_iam_role_policy.delivery]
}
