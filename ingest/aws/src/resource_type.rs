//! CloudFormation's name of a resource's type, from its ARN.
//!
//! The tagging API gives ARNs only. Types that matter to an estimate, and those whose name does not follow from the ARN,
//! are in a table; all others get `AWS::<Service>::<Kind>` by rule, so that nothing is left out. Sources: the ARN formats
//! of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
//! and the types of <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>.

/// Service and kind in the ARN, and the type. Services without a kind have an empty one.
const TYPES: &[(&str, &str, &str)] = &[
    ("apigateway", "apis", "AWS::ApiGatewayV2::Api"),
    ("apigateway", "restapis", "AWS::ApiGateway::RestApi"),
    ("autoscaling", "autoScalingGroup", "AWS::AutoScaling::AutoScalingGroup"),
    ("cassandra", "keyspace", "AWS::Cassandra::Keyspace"),
    ("cloudfront", "distribution", "AWS::CloudFront::Distribution"),
    ("dax", "cache", "AWS::DAX::Cluster"),
    ("dynamodb", "table", "AWS::DynamoDB::Table"),
    ("ec2", "elastic-ip", "AWS::EC2::EIP"),
    ("ec2", "instance", "AWS::EC2::Instance"),
    ("ec2", "natgateway", "AWS::EC2::NatGateway"),
    ("ec2", "volume", "AWS::EC2::Volume"),
    ("ec2", "vpc", "AWS::EC2::VPC"),
    ("ec2", "vpc-endpoint", "AWS::EC2::VPCEndpoint"),
    ("ec2", "vpn-connection", "AWS::EC2::VPNConnection"),
    ("ecr", "repository", "AWS::ECR::Repository"),
    ("ecs", "cluster", "AWS::ECS::Cluster"),
    ("ecs", "container-instance", "AWS::ECS::ContainerInstance"),
    ("ecs", "service", "AWS::ECS::Service"),
    ("ecs", "task", "AWS::ECS::Task"),
    ("ecs", "task-definition", "AWS::ECS::TaskDefinition"),
    ("eks", "cluster", "AWS::EKS::Cluster"),
    ("eks", "fargateprofile", "AWS::EKS::FargateProfile"),
    ("eks", "nodegroup", "AWS::EKS::Nodegroup"),
    ("elasticache", "cluster", "AWS::ElastiCache::CacheCluster"),
    ("elasticache", "replicationgroup", "AWS::ElastiCache::ReplicationGroup"),
    ("elasticache", "serverlesscache", "AWS::ElastiCache::ServerlessCache"),
    ("elasticfilesystem", "access-point", "AWS::EFS::AccessPoint"),
    ("elasticfilesystem", "file-system", "AWS::EFS::FileSystem"),
    ("elasticloadbalancing", "listener", "AWS::ElasticLoadBalancingV2::Listener"),
    ("elasticloadbalancing", "targetgroup", "AWS::ElasticLoadBalancingV2::TargetGroup"),
    ("elasticmapreduce", "cluster", "AWS::EMR::Cluster"),
    ("emr-serverless", "applications", "AWS::EMRServerless::Application"),
    ("es", "domain", "AWS::OpenSearchService::Domain"),
    ("firehose", "deliverystream", "AWS::KinesisFirehose::DeliveryStream"),
    ("fsx", "file-system", "AWS::FSx::FileSystem"),
    ("kafka", "cluster", "AWS::MSK::Cluster"),
    ("kinesis", "stream", "AWS::Kinesis::Stream"),
    ("lambda", "event-source-mapping", "AWS::Lambda::EventSourceMapping"),
    ("lambda", "function", "AWS::Lambda::Function"),
    ("logs", "log-group", "AWS::Logs::LogGroup"),
    ("memorydb", "cluster", "AWS::MemoryDB::Cluster"),
    ("mq", "broker", "AWS::AmazonMQ::Broker"),
    ("rds", "cluster", "AWS::RDS::DBCluster"),
    ("rds", "cluster-snapshot", "AWS::RDS::DBClusterSnapshot"),
    ("rds", "db", "AWS::RDS::DBInstance"),
    ("rds", "snapshot", "AWS::RDS::DBSnapshot"),
    ("redshift", "cluster", "AWS::Redshift::Cluster"),
    ("redshift-serverless", "namespace", "AWS::RedshiftServerless::Namespace"),
    ("redshift-serverless", "workgroup", "AWS::RedshiftServerless::Workgroup"),
    ("s3", "", "AWS::S3::Bucket"),
    ("sagemaker", "endpoint", "AWS::SageMaker::Endpoint"),
    ("sagemaker", "notebook-instance", "AWS::SageMaker::NotebookInstance"),
    ("sagemaker", "processing-job", "AWS::SageMaker::ProcessingJob"),
    ("sagemaker", "training-job", "AWS::SageMaker::TrainingJob"),
    ("sagemaker", "transform-job", "AWS::SageMaker::TransformJob"),
    ("sns", "", "AWS::SNS::Topic"),
    ("sqs", "", "AWS::SQS::Queue"),
    ("states", "stateMachine", "AWS::StepFunctions::StateMachine"),
];

/// Services whose ARNs name the resource without its kind.
const WITHOUT_KIND: [&str; 3] = ["s3", "sns", "sqs"];

/// Types that AWS Config names otherwise than CloudFormation.
const FROM_CONFIG: [(&str, &str); 2] = [
    ("AWS::Elasticsearch::Domain", "AWS::OpenSearchService::Domain"),
    ("AWS::OpenSearch::Domain", "AWS::OpenSearchService::Domain"),
];

/// The type of what an ARN names; none where it is no ARN.
pub(crate) fn resource_type(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_), Some(service), Some(_), Some(_), Some(resource)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if service.is_empty() || resource.is_empty() {
        return None;
    }
    let kind = if WITHOUT_KIND.contains(&service) { "" } else { kind(resource) };
    if let ("elasticloadbalancing", "loadbalancer") = (service, kind) {
        return Some(load_balancer(resource).to_owned());
    }
    let found = TYPES.iter().find(|(of, named, _)| (*of, *named) == (service, kind));
    Some(found.map_or_else(
        || {
            format!(
                "AWS::{}::{}",
                service_name(service),
                camel(if kind.is_empty() { "resource" } else { kind })
            )
        },
        |(_, _, found)| (*found).to_owned(),
    ))
}

/// CloudFormation's name of a type of AWS Config.
pub(crate) fn type_from_config(name: &str) -> &str {
    FROM_CONFIG.iter().find(|(config, _)| *config == name).map_or(name, |(_, found)| found)
}

/// What stands before the name; nothing where only the name stands there.
fn kind(resource: &str) -> &str {
    let resource = resource.strip_prefix('/').unwrap_or(resource);
    resource.split_once(['/', ':']).map_or("", |(kind, _)| kind)
}

/// Classic load balancers are named right below their kind, the others below `app`, `net` or `gwy`.
fn load_balancer(resource: &str) -> &'static str {
    if resource.split('/').count() > 2 {
        "AWS::ElasticLoadBalancingV2::LoadBalancer"
    } else {
        "AWS::ElasticLoadBalancing::LoadBalancer"
    }
}

/// Names of up to three letters are abbreviations: `ec2` becomes `EC2`.
fn service_name(service: &str) -> String {
    if service.len() <= 3 { service.to_ascii_uppercase() } else { camel(service) }
}

/// `log-group` becomes `LogGroup`.
fn camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let upper = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ARNs are those of AWS's service authorization reference.
    #[test]
    fn types_follow_from_arns() {
        for (arn, expected) in [
            ("arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "AWS::EC2::Instance"),
            ("arn:aws:ec2:eu-west-1:111122223333:natgateway/nat-1", "AWS::EC2::NatGateway"),
            ("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "AWS::EC2::SecurityGroup"),
            ("arn:aws:rds:eu-west-1:111122223333:db:orders", "AWS::RDS::DBInstance"),
            ("arn:aws:rds:eu-west-1:111122223333:cluster:orders", "AWS::RDS::DBCluster"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:resize", "AWS::Lambda::Function"),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/carts", "AWS::DynamoDB::Table"),
            ("arn:aws:s3:::acme-bills", "AWS::S3::Bucket"),
            ("arn:aws:sqs:eu-west-1:111122223333:work", "AWS::SQS::Queue"),
            ("arn:aws:elasticache:eu-west-1:111122223333:cluster:sessions", "AWS::ElastiCache::CacheCluster"),
            ("arn:aws:es:eu-west-1:111122223333:domain/logs", "AWS::OpenSearchService::Domain"),
            ("arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1", "AWS::EFS::FileSystem"),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188",
                "AWS::ElasticLoadBalancingV2::LoadBalancer",
            ),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web",
                "AWS::ElasticLoadBalancing::LoadBalancer",
            ),
            ("arn:aws:apigateway:eu-west-1::/restapis/a1b2", "AWS::ApiGateway::RestApi"),
            ("arn:aws-cn:ecs:cn-north-1:111122223333:service/web/front", "AWS::ECS::Service"),
            (
                "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/a/b",
                "AWS::Elasticbeanstalk::Environment",
            ),
            ("arn:aws:kinesisanalytics:eu-west-1:1:application/x", "AWS::Kinesisanalytics::Application"),
            ("arn:aws:codecommit:eu-west-1:111122223333:code", "AWS::Codecommit::Resource"),
        ] {
            assert_eq!(resource_type(arn).as_deref(), Some(expected), "{arn}");
        }
        for not in ["", "i-1", "arn:aws:s3:::", "arn:aws::eu-west-1:1:x/y", "arn:aws:ec2"] {
            assert_eq!(resource_type(not), None, "{not}");
        }
    }
}
