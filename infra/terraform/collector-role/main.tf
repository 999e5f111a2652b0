# The read-only role that Airshed's collectors assume in one account; the same as
# infra/cloudformation/collector-role.yaml.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# Who may assume the role. The principal is the account and the condition names the role; why is told in
# infra/cloudformation/collector-role.yaml.
data "aws_iam_policy_document" "trust" {
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

data "aws_iam_policy_document" "permissions" {
  # account:ListRegions, once a sweep: regions that are switched off are skipped.
  statement {
    sid       = "EnabledRegions"
    effect    = "Allow"
    actions   = ["account:ListRegions"]
    resources = ["arn:${data.aws_partition.current.partition}:account::${data.aws_caller_identity.current.account_id}:account"]
  }

  # tag:GetResources, once a region and sweep: the resources with their tags.
  statement {
    sid       = "TaggedResources"
    effect    = "Allow"
    actions   = ["tag:GetResources"]
    resources = ["*"]
  }

  # cloudwatch:ListMetrics finds what is published, cloudwatch:GetMetricData reads it.
  statement {
    sid    = "Metrics"
    effect = "Allow"
    actions = [
      "cloudwatch:GetMetricData",
      "cloudwatch:ListMetrics",
    ]
    resources = ["*"]
  }

  # tag:GetResources leaves out what never had a tag; these list it.
  dynamic "statement" {
    for_each = var.read_service_lists ? [true] : []

    content {
      sid    = "ServiceLists"
      effect = "Allow"
      actions = [
        "dynamodb:ListTables",
        "ec2:DescribeInstances",
        "ec2:DescribeVolumes",
        "lambda:ListFunctions",
      ]
      resources = ["*"]
    }
  }

  # rds:DescribeDBInstances, for the same reason; bound to the account's databases.
  dynamic "statement" {
    for_each = var.read_service_lists ? [true] : []

    content {
      sid       = "DatabaseList"
      effect    = "Allow"
      actions   = ["rds:DescribeDBInstances"]
      resources = ["arn:${data.aws_partition.current.partition}:rds:*:${data.aws_caller_identity.current.account_id}:db:*"]
    }
  }
}

resource "aws_iam_role" "collector" {
  name                 = var.role_name
  path                 = var.role_path
  description          = "Read-only access for Airshed's collectors"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "collector" {
  name   = "airshed-collector"
  role   = aws_iam_role.collector.name
  policy = data.aws_iam_policy_document.permissions.json
}
