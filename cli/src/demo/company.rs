//! The company: Acme sells things on the web, and has organisational units, teams and 40 accounts.

use crate::cur2::{
    pool::Account,
    random::{Random, hash},
};

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A team's product: production, staging or development, by [`Member::environment`].
    Product,
    /// Logs, audits, security tools.
    Security,
    /// Network, shared services, build machines.
    Infrastructure,
    /// Lake, warehouse, streams.
    Data,
    /// Training and serving of models.
    MachineLearning,
    /// For trying things out.
    Sandbox,
}

/// An account with its place in the company.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its place in the list of accounts.
    pub(crate) index: usize,
    /// Id and name.
    pub(crate) account: Account,
    /// Team that owns it.
    pub(crate) team: &'static str,
    /// prod, staging, dev or sandbox.
    pub(crate) environment: &'static str,
    /// Region of most of its resources.
    pub(crate) region: &'static str,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Instance families of its web tier, its database and its cache.
    pub(crate) families: [&'static str; 3],
}

/// Product teams: name, region, families.
const PRODUCTS: [(&str, &str, [&str; 3]); 8] = [
    ("storefront", "us-east-1", ["m6i", "r6g", "r6g"]),
    ("payments", "eu-west-1", ["m5", "r5", "m6g"]),
    ("search", "us-east-1", ["c7g", "r6i", "r7g"]),
    ("mobile", "eu-central-1", ["m7g", "m6g", "t4g"]),
    ("catalogue", "us-west-2", ["c6i", "r5", "r5"]),
    ("logistics", "eu-north-1", ["m6a", "m5", "t3"]),
    ("identity", "ap-south-1", ["c5a", "m6i", "m5"]),
    ("notifications", "ap-southeast-2", ["t3", "t4g", "t4g"]),
];

/// Other accounts: name, team, environment, region, purpose.
const OTHERS: [(&str, &str, &str, &str, Purpose); 16] = [
    ("security-audit", "security", "prod", "us-east-1", Purpose::Security),
    ("security-logs", "security", "prod", "eu-west-1", Purpose::Security),
    ("security-tooling", "security", "prod", "us-east-1", Purpose::Security),
    ("infra-network", "infra", "prod", "us-east-1", Purpose::Infrastructure),
    ("infra-shared", "infra", "prod", "eu-west-1", Purpose::Infrastructure),
    ("infra-ci", "infra", "dev", "us-west-2", Purpose::Infrastructure),
    ("data-lake", "data", "prod", "us-east-1", Purpose::Data),
    ("data-warehouse", "data", "prod", "us-east-1", Purpose::Data),
    ("data-streams", "data", "prod", "eu-central-1", Purpose::Data),
    ("data-reports", "analytics", "prod", "eu-west-1", Purpose::Data),
    ("data-dev", "data", "dev", "us-east-1", Purpose::Data),
    ("ml-training", "ml", "prod", "us-west-2", Purpose::MachineLearning),
    ("ml-serving", "ml", "prod", "us-east-1", Purpose::MachineLearning),
    ("ml-research", "ml", "dev", "eu-north-1", Purpose::MachineLearning),
    ("sandbox-one", "infra", "sandbox", "us-east-1", Purpose::Sandbox),
    ("sandbox-two", "infra", "sandbox", "eu-west-3", Purpose::Sandbox),
];

/// Every account, in a fixed order.
pub(crate) fn accounts() -> Vec<Member> {
    let mut members = Vec::new();
    for (team, region, families) in PRODUCTS {
        for environment in ["prod", "staging", "dev"] {
            let account = account(format!("{team}-{environment}"));
            let (index, purpose) = (members.len(), Purpose::Product);
            members.push(Member { index, account, team, environment, region, purpose, families });
        }
    }
    for (name, team, environment, region, purpose) in OTHERS {
        let families = ["m5", "r5", "t3"];
        let (index, account) = (members.len(), account(name.to_owned()));
        members.push(Member { index, account, team, environment, region, purpose, families });
    }
    members
}

/// The tags of a resource: most are right, some are missing, some misspelt.
pub(crate) fn tags(member: &Member, application: &str, random: &mut Random) -> Vec<(String, String)> {
    if random.chance(0.08) {
        return Vec::new();
    }
    let mut team = member.team.to_owned();
    let mut environment_key = "user_environment";
    match random.below(40) {
        0 => team = team.to_uppercase(),
        1 => _ = team.pop(),
        2 => environment_key = "user_enviroment",
        _ => {}
    }
    let mut tags = vec![
        ("user_application".to_owned(), application.to_owned()),
        ("user_cost_center".to_owned(), format!("CC-{}", 1000 + hash(member.team) % 40)),
        (environment_key.to_owned(), member.environment.to_owned()),
        ("user_team".to_owned(), team),
    ];
    if random.chance(0.3) {
        tags.remove(1);
    }
    tags.sort();
    tags
}

fn account(name: String) -> Account {
    Account { id: format!("{:012}", 100_000_000_000 + hash(&name) % 899_999_999_999), name }
}
