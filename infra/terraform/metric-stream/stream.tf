# What is streamed; the same as in infra/cloudformation/metric-stream.yaml.

data "aws_iam_policy_document" "stream_trust" {
  statement {
    sid     = "AssumedByMetricStreams"
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["streams.metrics.cloudwatch.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "stream" {
  # CloudWatch hands batches of metrics to this one Firehose stream.
  statement {
    sid    = "HandToFirehose"
    effect = "Allow"
    actions = [
      "firehose:PutRecord",
      "firehose:PutRecordBatch",
    ]
    resources = [aws_kinesis_firehose_delivery_stream.metrics.arn]
  }
}

resource "aws_iam_role" "stream" {
  name                 = "airshed-metric-stream-${data.aws_region.current.id}"
  path                 = var.role_path
  description          = "Lets the metric stream write to Firehose"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.stream_trust.json
}

resource "aws_iam_role_policy" "stream" {
  name   = "airshed-metric-stream"
  role   = aws_iam_role.stream.name
  policy = data.aws_iam_policy_document.stream.json
}

# Each update costs, so only the metrics that Airshed calculates with are carried.
resource "aws_cloudwatch_metric_stream" "airshed" {
  name                            = "airshed"
  firehose_arn                    = aws_kinesis_firehose_delivery_stream.metrics.arn
  role_arn                        = aws_iam_role.stream.arn
  output_format                   = var.output_format
  include_linked_accounts_metrics = var.include_linked_accounts

  include_filter {
    namespace = "AWS/EC2"
    metric_names = [
      "CPUCreditBalance",
      "CPUCreditUsage",
      "CPUSurplusCreditsCharged",
      "CPUUtilization",
      "NetworkIn",
      "NetworkOut",
    ]
  }

  include_filter {
    namespace = "AWS/EBS"
    metric_names = [
      "VolumeReadBytes",
      "VolumeReadOps",
      "VolumeWriteBytes",
      "VolumeWriteOps",
    ]
  }

  include_filter {
    namespace = "AWS/RDS"
    metric_names = [
      "CPUUtilization",
      "FreeableMemory",
      "ReadIOPS",
      "WriteIOPS",
    ]
  }

  include_filter {
    namespace = "AWS/Lambda"
    metric_names = [
      "Duration",
      "Invocations",
    ]
  }

  include_filter {
    namespace = "LambdaInsights"
    metric_names = [
      "memory_utilization",
      "total_memory",
      "used_memory_max",
    ]
  }

  include_filter {
    namespace = "AWS/DynamoDB"
    metric_names = [
      "ConsumedReadCapacityUnits",
      "ConsumedWriteCapacityUnits",
    ]
  }

  include_filter {
    namespace = "CWAgent"
  }

  dynamic "include_filter" {
    for_each = var.additional_namespace == null ? [] : [var.additional_namespace]

    content {
      namespace = include_filter.value
    }
  }

  depends_on = [aws_iam_role_policy.stream]
}
