output "bucket_name" {
  description = "Bucket of the metric stream; its objects lie below metrics/."
  value       = aws_s3_bucket.metrics.id
}

output "queue_url" {
  description = "Queue that announces the objects."
  value       = aws_sqs_queue.metrics.id
}

output "reader_role_arn" {
  description = "Role that the collectors assume to read both."
  value       = aws_iam_role.reader.arn
}
