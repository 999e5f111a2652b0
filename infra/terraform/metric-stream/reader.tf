# Who reads the stream; the same as in infra/cloudformation/metric-stream.yaml.

# Who may assume the role. The principal is the account and the condition names the role; why is told in
# infra/cloudformation/collector-role.yaml.
data "aws_iam_policy_document" "reader_trust" {
  statement {
    sid     = "AssumedByCollectors"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${split(":", var.collector_role_arn)[4]}:root"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [var.collector_role_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }

    dynamic "condition" {
      for_each = var.organization_id == null ? [] : [var.organization_id]

      content {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "reader" {
  # sqs:ReceiveMessage: which objects are new. sqs:DeleteMessage: after the rows of an object are committed,
  # and the only change that Airshed makes in an account. sqs:GetQueueAttributes: how many wait, for the lag.
  statement {
    sid    = "Announcements"
    effect = "Allow"
    actions = [
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage",
    ]
    resources = [aws_sqs_queue.metrics.arn]
  }

  # sqs:GetQueueAttributes: how many messages were given up, for `airshed doctor`.
  statement {
    sid       = "GivenUp"
    effect    = "Allow"
    actions   = ["sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.dead.arn]
  }

  # s3:ListObjectsV2: finds objects whose announcement was lost.
  statement {
    sid       = "StreamListing"
    effect    = "Allow"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.metrics.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["metrics/*"]
    }
  }

  # s3:GetObject: the data points.
  statement {
    sid       = "StreamObjects"
    effect    = "Allow"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.metrics.arn}/metrics/*"]
  }

  # kms:Decrypt, by S3 on behalf of s3:GetObject, and by nobody else.
  dynamic "statement" {
    for_each = var.kms_key_arn != null ? [true] : []

    content {
      sid       = "StreamDecryption"
      effect    = "Allow"
      actions   = ["kms:Decrypt"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role" "reader" {
  name                 = "airshed-stream-reader-${data.aws_region.current.id}"
  path                 = var.role_path
  description          = "Lets Airshed's collectors read the metric stream of one region"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.reader_trust.json
}

resource "aws_iam_role_policy" "reader" {
  name   = "airshed-stream-reader"
  role   = aws_iam_role.reader.name
  policy = data.aws_iam_policy_document.reader.json
}
