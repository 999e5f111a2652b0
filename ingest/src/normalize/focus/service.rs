//! AWS service codes by the `ServiceName` of FOCUS.
//!
//! AWS names services in full in `ServiceName` and adds `x_ServiceCode` only in its own exports. The codes are the
//! product codes of CUR and of the AWS Price List
//! (<https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html>). A name that is not here,
//! and every name of another provider, stands for itself.

use std::borrow::Cow;

const CODES: &[(&str, &str)] = &[
    ("AWS Backup", "AWSBackup"),
    ("AWS CloudTrail", "AWSCloudTrail"),
    ("AWS CodeBuild", "CodeBuild"),
    ("AWS Config", "AWSConfig"),
    ("AWS Data Transfer", "AWSDataTransfer"),
    ("AWS Database Migration Service", "AWSDatabaseMigrationSvc"),
    ("AWS Glue", "AWSGlue"),
    ("AWS Key Management Service", "awskms"),
    ("AWS Lambda", "AWSLambda"),
    ("AWS Secrets Manager", "AWSSecretsManager"),
    ("AWS Security Hub", "AWSSecurityHub"),
    ("AWS Step Functions", "AmazonStates"),
    ("AWS Systems Manager", "AWSSystemsManager"),
    ("AWS WAF", "awswaf"),
    ("Amazon API Gateway", "AmazonApiGateway"),
    ("Amazon Athena", "AmazonAthena"),
    ("Amazon Bedrock", "AmazonBedrock"),
    ("Amazon CloudFront", "AmazonCloudFront"),
    ("Amazon CloudWatch", "AmazonCloudWatch"),
    ("Amazon DocumentDB (with MongoDB compatibility)", "AmazonDocDB"),
    ("Amazon DynamoDB", "AmazonDynamoDB"),
    ("Amazon EC2 Container Registry (ECR)", "AmazonECR"),
    ("Amazon ElastiCache", "AmazonElastiCache"),
    ("Amazon Elastic Compute Cloud", "AmazonEC2"),
    ("Amazon Elastic Container Registry", "AmazonECR"),
    ("Amazon Elastic Container Registry Public", "AmazonECRPublic"),
    ("Amazon Elastic Container Service", "AmazonECS"),
    ("Amazon Elastic Container Service for Kubernetes", "AmazonEKS"),
    ("Amazon Elastic File System", "AmazonEFS"),
    ("Amazon Elastic Kubernetes Service", "AmazonEKS"),
    ("Amazon Elastic MapReduce", "ElasticMapReduce"),
    ("Amazon FSx", "AmazonFSx"),
    ("Amazon Glacier", "AmazonGlacier"),
    ("Amazon GuardDuty", "AmazonGuardDuty"),
    ("Amazon Kinesis", "AmazonKinesis"),
    ("Amazon Kinesis Firehose", "AmazonKinesisFirehose"),
    ("Amazon Lightsail", "AmazonLightsail"),
    ("Amazon MQ", "AmazonMQ"),
    ("Amazon Managed Streaming for Apache Kafka", "AmazonMSK"),
    ("Amazon MemoryDB", "AmazonMemoryDB"),
    ("Amazon Neptune", "AmazonNeptune"),
    ("Amazon OpenSearch Service", "AmazonES"),
    ("Amazon QuickSight", "AmazonQuickSight"),
    ("Amazon Redshift", "AmazonRedshift"),
    ("Amazon Relational Database Service", "AmazonRDS"),
    ("Amazon Route 53", "AmazonRoute53"),
    ("Amazon SageMaker", "AmazonSageMaker"),
    ("Amazon Simple Email Service", "AmazonSES"),
    ("Amazon Simple Notification Service", "AmazonSNS"),
    ("Amazon Simple Queue Service", "AWSQueueService"),
    ("Amazon Simple Storage Service", "AmazonS3"),
    ("Amazon Virtual Private Cloud", "AmazonVPC"),
    ("Amazon WorkSpaces", "AmazonWorkSpaces"),
    ("AmazonCloudWatch", "AmazonCloudWatch"),
    ("Elastic Load Balancing", "AWSELB"),
    ("Red Hat OpenShift Service on AWS", "ROSA"),
];

/// The code of a service; its name where no code is known.
pub(in crate::normalize) fn code(name: &str) -> Option<Cow<'_, str>> {
    let name = name.trim();
    let code = CODES.iter().find(|(known, _)| *known == name).map_or(name, |(_, code)| code);
    super::present(code)
}
