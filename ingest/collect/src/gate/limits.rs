//! How many calls are made: AWS's quotas with room for everybody else who calls in the same accounts.

use std::{num::NonZeroU32, time::Duration};

use super::Api;

/// Calls a second, and how many may be made at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Calls a second, for as long as one likes.
    pub per_second: NonZeroU32,
    /// Calls at once after a rest.
    pub burst: NonZeroU32,
}

impl Limit {
    /// The most calls that fall into any one second.
    pub fn most_in_a_second(&self) -> u32 {
        self.per_second.get().saturating_add(self.burst.get())
    }

    /// Time from call to call.
    pub(super) fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.get()
    }
}

/// Limits of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiLimits {
    /// In one account and region.
    pub place: Limit,
    /// Of the whole process.
    pub overall: Limit,
}

/// Limits of all APIs.
///
/// The defaults keep the calls of any one second in one account and region within half of what AWS documents (quotas
/// are an account's, and its owners call too), or within a careful choice where AWS documents none. The rest is the
/// slow-down's on throttling.
///
/// | API | AWS, an account and region | source |
/// |---|---|---|
/// | ListMetrics | 25 a second | [CloudWatch service quotas] |
/// | GetMetricData | 50 a second; 180,000 data points a second | [CloudWatch service quotas] |
/// | ListRegions | 5 a second, burst 5 | [Account Management quotas] |
/// | Service lists | Describe of EC2: 20 a second, burst 100; control plane of Lambda: 15 a second | [EC2 throttling], [Lambda quotas] |
/// | Organizations, Tagging, Config, Sustainability | a careful choice | |
///
/// The limits of the process are our own choice, but for Organizations, Config and Sustainability: those are asked in
/// one account, so that the account's limit is the whole.
///
/// [CloudWatch service quotas]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
/// [Account Management quotas]: https://docs.aws.amazon.com/accounts/latest/reference/quotas.html
/// [EC2 throttling]: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
/// [Lambda quotas]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits([ApiLimits; Api::ALL.len()]);

impl Limits {
    /// The limits of an API.
    pub fn of(&self, api: Api) -> ApiLimits {
        self.0[api as usize]
    }

    /// The same with other limits for one API.
    #[must_use]
    pub fn with(mut self, api: Api, limits: ApiLimits) -> Self {
        self.0[api as usize] = limits;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self(Api::ALL.map(|api| match api {
            Api::Organizations | Api::Config => one_account(5, 5),
            Api::Account => ApiLimits { place: limit(1, 1), overall: limit(200, 50) },
            Api::Tagging => ApiLimits { place: limit(4, 2), overall: limit(200, 50) },
            Api::ServiceLists => ApiLimits { place: limit(5, 2), overall: limit(200, 50) },
            Api::ListMetrics => ApiLimits { place: limit(10, 2), overall: limit(400, 100) },
            Api::GetMetricData => ApiLimits { place: limit(20, 5), overall: limit(400, 100) },
            Api::Sustainability => one_account(1, 1),
        }))
    }
}

fn one_account(per_second: u32, burst: u32) -> ApiLimits {
    let limit = limit(per_second, burst);
    ApiLimits { place: limit, overall: limit }
}

fn limit(per_second: u32, burst: u32) -> Limit {
    let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Limit { per_second: at_least_one(per_second), burst: at_least_one(burst) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quotas of the pages named above, as read in November 2026.
    #[test]
    fn any_second_stays_within_half_of_what_aws_documents() {
        let limits = Limits::default();
        for (api, quota) in
            [(Api::ListMetrics, 25), (Api::GetMetricData, 50), (Api::Account, 5), (Api::ServiceLists, 15)]
        {
            let most = limits.of(api).place.most_in_a_second();
            assert!(2 * most <= quota, "{api}: {most} of {quota}");
        }
    }
}
