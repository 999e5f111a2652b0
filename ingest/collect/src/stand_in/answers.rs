//! The stand-in's answers: [`Cloud`], call by call.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil, tz::TimeZone};

use super::{Shape, StandIn, metrics::METRICS_OF_ONE, page, places::ROOT};
use crate::{
    cloud::{
        AccountEntry, Answer, Cloud, MetricEntry, MetricRequest, MetricValues, Organization,
        OrganizationalUnit, Page, ReportedEmissions, ResourceEntry, Scope, ServiceList,
    },
    error::{CallError, CallErrorKind},
};

/// Services that the provider reports on.
const REPORTED_SERVICES: [&str; 2] = ["AmazonEC2", "AmazonS3"];

fn index(index: u64) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[async_trait]
impl Cloud for StandIn {
    async fn organization(&self) -> Answer<Organization> {
        self.begin("organization", None, "", None).await?;
        Ok(Organization { id: "o-standin000".to_owned(), management_account: Self::account_id(0) })
    }

    async fn accounts(&self, next: Option<&str>) -> Answer<Page<AccountEntry>> {
        self.begin("accounts", None, "", next).await?;
        let total = u64::from(self.shape.accounts);
        page(total, self.shape.pages.organization, next, |i| Some(self.account(index(i))))
    }

    async fn roots(&self, next: Option<&str>) -> Answer<Page<OrganizationalUnit>> {
        self.begin("roots", None, "", next).await?;
        let root = OrganizationalUnit { id: ROOT.to_owned(), name: "Root".to_owned() };
        Ok(Page { items: vec![root], next: None })
    }

    async fn units_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<OrganizationalUnit>> {
        self.begin("units_of", None, parent, next).await?;
        let parent = self.shape.parent(parent)?;
        page(u64::from(self.shape.units), self.shape.pages.organization, next, |i| {
            (Shape::unit_above(index(i)) == parent).then(|| Shape::unit(index(i)))
        })
    }

    async fn accounts_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<String>> {
        self.begin("accounts_of", None, parent, next).await?;
        let parent = self.shape.parent(parent)?;
        page(u64::from(self.shape.accounts), self.shape.pages.organization, next, |i| {
            (self.shape.unit_of(index(i)) == parent).then(|| Self::account_id(index(i)))
        })
    }

    async fn account_tags(&self, account: &str, next: Option<&str>) -> Answer<Page<(String, String)>> {
        self.begin("account_tags", None, account, next).await?;
        let tags = Shape::account_tags(self.account_index(account)?);
        Ok(Page { items: tags.into_iter().collect(), next: None })
    }

    async fn regions(&self, account: &str, next: Option<&str>) -> Answer<Page<String>> {
        let scope = Scope { account: account.to_owned(), region: String::new() };
        self.begin("regions", Some(&scope), "", next).await?;
        let regions = self.shape.regions_on(self.account_index(account)?);
        page(regions.len() as u64, self.shape.pages.organization, next, |i| {
            regions.get(index(i) as usize).cloned()
        })
    }

    async fn tagged_resources(&self, scope: &Scope, next: Option<&str>) -> Answer<Page<ResourceEntry>> {
        self.begin("tagged_resources", Some(scope), "", next).await?;
        let (account, region) = self.place(scope)?;
        page(u64::from(self.shape.resources), self.shape.pages.tagging, next, |i| {
            self.resource_at(scope, account, region, index(i)).and_then(Self::as_tagged)
        })
    }

    async fn listed_resources(
        &self,
        scope: &Scope,
        list: ServiceList,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>> {
        self.begin("listed_resources", Some(scope), &format!("{list:?}"), next).await?;
        let (account, region) = self.place(scope)?;
        page(u64::from(self.shape.resources), self.shape.pages.lists, next, |i| {
            let kind = self.kind(index(i));
            let entry =
                (kind.list() == Some(list)).then(|| self.resource_at(scope, account, region, index(i)));
            entry.flatten().map(|entry| Self::as_listed(kind, entry))
        })
    }

    async fn aggregated_resources(
        &self,
        aggregator: &str,
        scope: &Scope,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>> {
        self.begin("aggregated_resources", Some(scope), aggregator, next).await?;
        let (account, region) = self.place(scope)?;
        page(u64::from(self.shape.resources), self.shape.pages.tagging, next, |i| {
            self.resource_at(scope, account, region, index(i))
        })
    }

    async fn metrics(&self, scope: &Scope, namespace: &str, next: Option<&str>) -> Answer<Page<MetricEntry>> {
        self.begin("metrics", Some(scope), namespace, next).await?;
        self.place(scope)?;
        let of_resources = u64::from(self.shape.resources) * METRICS_OF_ONE;
        page(of_resources + 1, self.shape.pages.metrics, next, |i| {
            if i == of_resources {
                return Self::metrics_of_many(namespace);
            }
            let metrics = self.metrics_of(scope, index(i / METRICS_OF_ONE), namespace);
            metrics.into_iter().nth(index(i % METRICS_OF_ONE) as usize)
        })
    }

    async fn metric_data(
        &self,
        scope: &Scope,
        request: &MetricRequest,
        next: Option<&str>,
    ) -> Answer<Page<MetricValues>> {
        self.begin("metric_data", Some(scope), "", next).await?;
        self.place(scope)?;
        let refused = |why| CallError::new(CallErrorKind::Invalid, "metric_data", why);
        if request.queries.is_empty() || request.queries.len() > 500 {
            return Err(refused("1 to 500 queries a call"));
        }
        let seconds = request.end.as_second() - request.start.as_second();
        let periods_of = |period: u32| u64::try_from(seconds / i64::from(period.max(1))).unwrap_or(0);
        let most = request.queries.iter().map(|query| periods_of(query.period_s)).max().unwrap_or(0);
        let values = page(most * request.queries.len() as u64, self.shape.pages.values, next, |i| {
            let (query, period) = (index(i / most) as usize, i % most);
            let asked = &request.queries[query];
            if period >= periods_of(asked.period_s) || !self.has_values(scope, &asked.metric) {
                return None;
            }
            let after = i64::try_from(period).ok()? * i64::from(asked.period_s);
            let start = request.start + SignedDuration::from_secs(after);
            Some((query, (start, Self::value(scope, asked, start))))
        })?;
        let mut items: Vec<MetricValues> = Vec::new();
        for (query, value) in values.items {
            match items.last_mut() {
                Some(last) if last.query == query => last.values.push(value),
                _ => items.push(MetricValues { query, values: vec![value] }),
            }
        }
        Ok(Page { items, next: values.next })
    }

    async fn reported_emissions(
        &self,
        start: Timestamp,
        end: Timestamp,
        next: Option<&str>,
    ) -> Answer<Page<ReportedEmissions>> {
        self.begin("reported_emissions", None, "", next).await?;
        let services = REPORTED_SERVICES.len() as u64;
        let regions = self.shape.regions.len() as u64;
        let of_month = u64::from(self.shape.accounts) * regions * services;
        let months = months_between(start, end)?;
        page(of_month * months.len() as u64, self.shape.pages.tagging, next, |i| {
            let account = index(i % of_month / (regions * services));
            let region = index(i / services % regions) as usize;
            let grams = 1_000 + i;
            let tonnes = |grams: u64| format!("{}.{:06}", grams / 1_000_000, grams % 1_000_000);
            Some(ReportedEmissions {
                account: Self::account_id(account),
                region: self.shape.regions.get(region).cloned(),
                location: None,
                service: REPORTED_SERVICES[index(i % services) as usize].to_owned(),
                month: *months.get(index(i / of_month) as usize)?,
                model_version: "v3.0.0".to_owned(),
                tonnes: [
                    ("TOTAL_LBM_CARBON_EMISSIONS".to_owned(), tonnes(2 * grams)),
                    ("TOTAL_MBM_CARBON_EMISSIONS".to_owned(), tonnes(grams)),
                ]
                .into(),
            })
        })
    }
}

/// Starts of the months that lie in a window.
fn months_between(start: Timestamp, end: Timestamp) -> Answer<Vec<Timestamp>> {
    let refused =
        |e: jiff::Error| CallError::new(CallErrorKind::Invalid, "reported_emissions", e.to_string());
    let date = start.to_zoned(TimeZone::UTC).date();
    let mut month: civil::Date = date.first_of_month();
    if month.to_zoned(TimeZone::UTC).map_err(refused)?.timestamp() < start {
        month = month.checked_add(1.month()).map_err(refused)?;
    }
    let mut months = Vec::new();
    loop {
        let instant = month.to_zoned(TimeZone::UTC).map_err(refused)?.timestamp();
        if instant >= end {
            return Ok(months);
        }
        months.push(instant);
        month = month.checked_add(1.month()).map_err(refused)?;
    }
}
