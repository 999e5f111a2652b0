//! Names as AWS bills carry them: regions, services and what they use, instance types, teams.
//!
//! Every list is in the order of its texts, so that the order of places is the order of rows.

use std::{collections::BTreeSet, sync::Arc};

use arrow::array::{ArrayRef, StringArray};

/// Regions, the most used first, each with an average intensity of its grid, gCO2e/kWh, as large as such grids have.
const REGIONS: [(&str, i64); 30] = [
    ("us-east-1", 380),
    ("us-west-2", 310),
    ("eu-west-1", 290),
    ("eu-central-1", 350),
    ("us-east-2", 420),
    ("ap-southeast-1", 470),
    ("ap-northeast-1", 460),
    ("eu-west-2", 210),
    ("ap-southeast-2", 560),
    ("ap-south-1", 700),
    ("ca-central-1", 30),
    ("us-west-1", 240),
    ("eu-north-1", 25),
    ("sa-east-1", 100),
    ("eu-west-3", 45),
    ("ap-northeast-2", 430),
    ("eu-south-1", 300),
    ("ap-northeast-3", 420),
    ("eu-central-2", 35),
    ("eu-south-2", 150),
    ("af-south-1", 720),
    ("ap-east-1", 600),
    ("me-south-1", 500),
    ("me-central-1", 410),
    ("ap-southeast-3", 650),
    ("ap-south-2", 690),
    ("il-central-1", 520),
    ("ap-southeast-4", 540),
    ("ca-west-1", 440),
    ("mx-central-1", 400),
];

/// The most used services, the first first.
const POPULAR: &str = "AmazonEC2 AmazonS3 AWSLambda AmazonRDS AmazonCloudWatch AmazonDynamoDB AWSDataTransfer AmazonECS \
    AmazonEFS AmazonSNS AWSQueueService awskms AmazonVPC AmazonElastiCache AWSELB AmazonCloudFront AmazonRoute53 \
    AmazonEKS AWSSecretsManager AmazonECR AWSGlue AmazonAthena AWSCloudTrail AWSConfig";

/// Services by usage family and by how their lines are estimated; without a word they are not.
const SERVICES: [(&str, &str, &str); 12] = [
    (
        "instance",
        "modelled",
        "AmazonEC2 AmazonRDS AmazonElastiCache ElasticMapReduce AmazonRedshift AmazonMSK AmazonDocDB \
        AmazonNeptune AmazonMQ AmazonSageMaker AmazonES AmazonWorkSpaces AmazonAppStream AmazonMemoryDB AmazonDAX \
        AmazonGameLift AmazonLightsail AmazonMWAA AWSDatabaseMigrationSvc AWSCloudHSM AmazonParallelComputingService \
        AWSDirectoryService AmazonTimestream AWSMainframeModernization",
    ),
    ("function", "modelled", "AWSLambda AWSStepFunctions AmazonStates"),
    (
        "serverless_compute",
        "modelled",
        "AmazonECS AmazonEKS AWSGlue AWSFargate AmazonAthena AWSBatch AWSAppRunner CodeBuild \
        AmazonKinesisAnalytics AWSDataSync AmazonOmics AmazonBraket",
    ),
    (
        "object_storage",
        "modelled",
        "AmazonS3 AmazonGlacier AmazonS3GlacierDeepArchive AmazonECR AWSCodeArtifact \
        AmazonHealthLake AWSCodeCommit",
    ),
    ("file_storage", "modelled", "AmazonEFS AmazonFSx AmazonWorkDocs AWSStorageGateway AmazonFileCache"),
    ("backup", "modelled", "AWSBackup AWSElasticDisasterRecovery AWSDisasterRecovery"),
    ("database_throughput", "modelled", "AmazonDynamoDB AmazonKeyspaces AmazonQLDB AmazonSimpleDB AmazonMCS"),
    ("database_storage", "modelled", "AmazonAuroraDSQL AmazonTimestreamLiveAnalytics AmazonNeptuneAnalytics"),
    (
        "data_transfer",
        "proxy",
        "AWSDataTransfer AmazonVPC AWSELB AmazonCloudFront AWSDirectConnect AWSGlobalAccelerator \
        AWSTransfer AWSPrivateLink AWSCloudWAN AWSTransitGateway AWSSiteToSiteVPN AWSNetworkFirewall AmazonVPCLattice \
        AWSOutposts",
    ),
    ("block_storage", "modelled", "AmazonEBS AWSSnowball AWSSnowcone"),
    ("ai_tokens", "proxy", "AmazonBedrock AmazonBedrockService AmazonQ AmazonQBusiness AmazonNova"),
    (
        "other",
        "",
        "AmazonCloudWatch AmazonSNS AWSQueueService awskms AmazonRoute53 AWSSecretsManager AWSCloudTrail AWSConfig \
        AmazonGuardDuty AmazonInspector AmazonInspectorV2 AWSSecurityHub awswaf AWSShield AmazonMacie AmazonDetective \
        AmazonSES AmazonPinpoint AmazonConnect AmazonChimeSDK AmazonChime AmazonCognito AWSIAMAccessAnalyzer AWSBudgets \
        AWSCostExplorer AWSServiceCatalog AWSSystemsManager AWSCodePipeline AWSCodeDeploy AmazonCodeGuru AWSXRay AWSEvents \
        AmazonApiGateway AWSAppSync AWSIoT AWSIoTAnalytics AWSIoTDeviceManagement AWSIoTDeviceDefender AWSIoTEvents \
        AWSIoTSiteWise AWSIoTTwinMaker AWSIoTFleetWise AWSGreengrass AmazonKinesis AmazonKinesisFirehose \
        AmazonKinesisVideo AmazonQuickSight AmazonRekognition AmazonTextract AmazonTranscribe AmazonTranslate AmazonPolly \
        AmazonLex AmazonComprehend AmazonComprehendMedical AmazonForecast AmazonPersonalize AmazonKendra AmazonFraudDetector \
        AmazonLookoutVision AmazonLookoutMetrics AmazonLookoutEquipment AmazonMonitron AmazonAugmentedAI AmazonDevOpsGuru \
        AmazonManagedBlockchain AWSAmplify AWSDeviceFarm AWSRoboMaker AWSGroundStation AWSElementalMediaConvert \
        AWSElementalMediaLive AWSElementalMediaPackage AWSElementalMediaStore AWSElementalMediaTailor \
        AWSElementalMediaConnect AmazonIVS AmazonManagedGrafana AmazonPrometheus AWSLakeFormation AWSDataExchange \
        AmazonDataZone AWSCleanRooms AmazonAppFlow AWSB2Bi AWSPaymentCryptography AWSCertificateManager AWSPrivateCA \
        AWSFIS AWSResilienceHub AWSAppConfig AmazonLocationService AmazonWorkMail AWSWickr AWSSupplyChain AWSEntityResolution \
        AWSVerifiedAccess AmazonVerifiedPermissions AWSFirewallManager AWSAuditManager AWSControlTower AWSLicenseManager \
        AWSMigrationHub AWSApplicationMigrationSvc AmazonSWF AmazonCloudDirectory AmazonWAM AmazonSecurityLake \
        AmazonEventBridge AWSChatbot AWSProton AWSWellArchitected AmazonCodeWhisperer AWSDeepRacer AWSTelcoNetworkBuilder AWSCloudMap",
    ),
];

/// Services that have no region in a bill.
const GLOBAL: [&str; 4] = ["AmazonCloudFront", "AmazonRoute53", "AWSShield", "AWSGlobalAccelerator"];
const TEAMS: &str = "billing catalog checkout core data design devices edge finance fraud growth hr identity iot legal \
    logistics maps media ml mobile network orders payments platform pricing profile recs research returns risk sales \
    search security shipping sre support tax video warehouse web";
const ENVIRONMENTS: [&str; 3] = ["dev", "prod", "staging"];
const INSTANCE_TYPES: &str = "c5.2xlarge c5.large c5.xlarge c6g.large c6g.xlarge c6i.2xlarge c7g.xlarge g4dn.xlarge \
    g5.2xlarge i3.xlarge i4i.2xlarge m5.2xlarge m5.large m5.xlarge m6g.large m6g.xlarge m6i.large m6i.xlarge m7g.large \
    p4d.24xlarge r5.2xlarge r5.large r6g.large r6i.xlarge t3.large t3.medium t3.micro t4g.medium t4g.small";

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) code: &'static str,
    /// Place among the families.
    pub(crate) family: i32,
    /// How good its figures are; without one its lines are not estimated.
    pub(crate) quality: Option<&'static str>,
    pub(crate) is_global: bool,
    pub(crate) has_instances: bool,
}

/// Everything that has a name.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) regions: Vec<(&'static str, i64)>,
    pub(crate) services: Vec<Service>,
    pub(crate) families: Vec<&'static str>,
    pub(crate) instance_types: Vec<&'static str>,
    pub(crate) tags: Vec<String>,
    /// Places of regions and of services, the most used first.
    pub(crate) popular_regions: Vec<usize>,
    pub(crate) popular_services: Vec<usize>,
}

/// Currencies of costs.
pub(crate) const CURRENCIES: [&str; 2] = ["EUR", "USD"];

impl Names {
    pub(crate) fn new() -> Self {
        let mut families: Vec<_> = SERVICES.iter().map(|(family, ..)| *family).collect();
        families.sort_unstable();
        let mut services: Vec<Service> = Vec::new();
        for (family, quality, codes) in SERVICES {
            services.extend(codes.split_whitespace().map(|code| Service {
                code,
                family: place(&families, &family),
                quality: Some(quality).filter(|quality| !quality.is_empty()),
                is_global: GLOBAL.contains(&code),
                has_instances: family == "instance",
            }));
        }
        services.sort_by_key(|service| service.code);
        services.dedup_by_key(|service| service.code);
        let mut regions = REGIONS.to_vec();
        regions.sort_unstable();
        let at = |code: &str| services.iter().position(|service| service.code == code);
        let popular: Vec<usize> = POPULAR.split_whitespace().filter_map(at).collect();
        let others = (0..services.len()).filter(|place| !popular.contains(place));
        let popular_services = popular.iter().copied().chain(others).collect();
        let popular_regions =
            REGIONS.iter().filter_map(|named| regions.iter().position(|region| region == named)).collect();
        let tags: BTreeSet<String> = TEAMS
            .split_whitespace()
            .flat_map(|team| ENVIRONMENTS.map(|env| format!("{{\"env\":\"{env}\",\"team\":\"{team}\"}}")))
            .collect();
        Self {
            regions,
            services,
            families,
            instance_types: INSTANCE_TYPES.split_whitespace().collect(),
            tags: tags.into_iter().collect(),
            popular_regions,
            popular_services,
        }
    }

    /// The texts of every dimension, in the order of the schema.
    pub(crate) fn texts(&self, accounts: &[String]) -> Vec<ArrayRef> {
        let codes = self.services.iter().map(|service| service.code);
        let texts = [
            StringArray::from(vec!["aws"]),
            StringArray::from_iter_values(accounts),
            StringArray::from_iter_values(self.regions.iter().map(|(code, _)| code)),
            StringArray::from_iter_values(codes),
            StringArray::from_iter_values(&self.families),
            StringArray::from_iter_values(&self.instance_types),
            StringArray::from_iter_values(&self.tags),
            StringArray::from_iter_values(CURRENCIES),
        ];
        texts.into_iter().map(|texts| Arc::new(texts) as ArrayRef).collect()
    }
}

/// Place of a text in a list that has it.
fn place<T: Ord>(sorted: &[T], text: &T) -> i32 {
    i32::try_from(sorted.binary_search(text).unwrap_or_default()).unwrap_or_default()
}
