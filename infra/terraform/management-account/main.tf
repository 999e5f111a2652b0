# The read-only role for what is read once for the whole organisation; the same as
# infra/cloudformation/management-account.yaml.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  export_account = coalesce(var.export_bucket_account, data.aws_caller_identity.current.account_id)
}

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

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalOrgID"
      values   = [var.organization_id]
    }
  }
}

data "aws_iam_policy_document" "permissions" {
  # DescribeOrganization: which organisation. ListAccounts: every account with its status. ListRoots: where
  # the tree begins.
  dynamic "statement" {
    for_each = var.read_organization ? [true] : []

    content {
      sid    = "Organization"
      effect = "Allow"
      actions = [
        "organizations:DescribeOrganization",
        "organizations:ListAccounts",
        "organizations:ListRoots",
      ]
      resources = ["*"]
    }
  }

  # The tree, level by level.
  dynamic "statement" {
    for_each = var.read_organization ? [true] : []

    content {
      sid    = "OrganizationTree"
      effect = "Allow"
      actions = [
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
      ]
      resources = [
        "arn:${data.aws_partition.current.partition}:organizations::*:root/${var.organization_id}/*",
        "arn:${data.aws_partition.current.partition}:organizations::*:ou/${var.organization_id}/*",
      ]
    }
  }

  # ListTagsForResource: tags of an account.
  dynamic "statement" {
    for_each = var.read_organization ? [true] : []

    content {
      sid       = "AccountDetails"
      effect    = "Allow"
      actions   = ["organizations:ListTagsForResource"]
      resources = ["arn:${data.aws_partition.current.partition}:organizations::*:account/${var.organization_id}/*"]
    }
  }

  # SelectAggregateResourceConfig: the inventory, by a query for each account and region.
  dynamic "statement" {
    for_each = var.config_aggregator_arn != null ? [true] : []

    content {
      sid       = "AggregatedInventory"
      effect    = "Allow"
      actions   = ["config:SelectAggregateResourceConfig"]
      resources = [var.config_aggregator_arn]
    }
  }

  # GetEstimatedCarbonEmissions: AWS's own monthly figures, into provider_reported.
  dynamic "statement" {
    for_each = var.read_sustainability ? [true] : []

    content {
      sid       = "ProviderFigures"
      effect    = "Allow"
      actions   = ["sustainability:GetEstimatedCarbonEmissions"]
      resources = ["*"]
    }
  }

  # s3:ListObjectsV2: what was delivered below the prefix.
  dynamic "statement" {
    for_each = var.export_bucket != null ? [true] : []

    content {
      sid       = "ExportListing"
      effect    = "Allow"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.export_bucket}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${var.export_prefix}/*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceAccount"
        values   = [local.export_account]
      }
    }
  }

  # s3:GetObject: manifests and data files.
  dynamic "statement" {
    for_each = var.export_bucket != null ? [true] : []

    content {
      sid       = "ExportObjects"
      effect    = "Allow"
      actions   = ["s3:GetObject"]
      resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.export_bucket}/${var.export_prefix}/*"]

      condition {
        test     = "StringEquals"
        variable = "aws:ResourceAccount"
        values   = [local.export_account]
      }
    }
  }

  # kms:Decrypt, by S3 on behalf of s3:GetObject, and by nobody else.
  dynamic "statement" {
    for_each = var.export_kms_key_arn != null ? [true] : []

    content {
      sid       = "ExportDecryption"
      effect    = "Allow"
      actions   = ["kms:Decrypt"]
      resources = [var.export_kms_key_arn]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role" "management" {
  name                 = var.role_name
  path                 = var.role_path
  description          = "Read-only access to the organisation for Airshed's collectors"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "management" {
  name   = "airshed-management"
  role   = aws_iam_role.management.name
  policy = data.aws_iam_policy_document.permissions.json
}
