//! The calls of a survey: lists by pages, the tree level by level, tags account by account.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::Place;
use crate::{
    cloud::{AccountEntry, Answer, Cloud, Organization, OrganizationalUnit, Page, Tags},
    error::{CallError, CallErrorKind},
    gate::{Api, Call, Gate},
    health::Tally,
};

/// Calls of Organizations that are made at the same time. Its own limits are a few dozen a second.
const CONCURRENCY: usize = 8;
/// A delegated administrator may list accounts and be refused the tree or the tags.
const CALL: Call<'static> =
    Call { api: Api::Organizations, scope: None, cost_nano_usd: 0, account_breaker: false };

/// What is needed to ask.
pub(super) struct Asking<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) gate: &'a Gate,
    pub(super) tally: &'a Tally,
    pub(super) cancel: &'a CancellationToken,
}

/// What is known of the tree.
#[derive(Default)]
pub(super) struct Tree {
    /// The roots and units.
    pub(super) places: BTreeSet<Place>,
    /// Places of accounts.
    accounts: BTreeMap<String, Place>,
    /// Whether all of it could be read.
    pub(super) is_whole: bool,
}

impl Tree {
    pub(super) fn place_of(&self, account: &str) -> Option<Place> {
        self.accounts.get(account).cloned()
    }
}

/// What a call brought, or a note of what it did not bring. Only a stop of the collector ends the survey.
pub(super) fn optional<T>(answer: Answer<T>, missing: &mut Vec<String>) -> Answer<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == CallErrorKind::Cancelled => Err(error),
        Err(error) => {
            missing.push(error.to_string());
            Ok(None)
        }
    }
}

impl Asking<'_> {
    pub(super) async fn organization(&self) -> Answer<Organization> {
        self.gate.make(&CALL, self.tally, self.cancel, || self.cloud.organization()).await
    }

    /// All accounts by id.
    pub(super) async fn accounts(&self) -> Answer<BTreeMap<String, AccountEntry>> {
        let entries = self.pages(|next| async move { self.cloud.accounts(next.as_deref()).await }).await?;
        Ok(entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
    }

    /// The tree from its roots down, a level at a time.
    pub(super) async fn tree(&self, missing: &mut Vec<String>) -> Answer<Tree> {
        let noted = missing.len();
        let roots = self.pages(|next| async move { self.cloud.roots(next.as_deref()).await }).await;
        let roots = optional(roots, missing)?.unwrap_or_default();
        let mut tree = Tree::default();
        let mut level: Vec<(String, Place)> = roots.into_iter().map(|root| below(None, root)).collect();
        while !level.is_empty() {
            let answers =
                stream::iter(std::mem::take(&mut level))
                    .map(|(id, place)| async move {
                        (self.units_of(&id).await, self.accounts_of(&id).await, place)
                    })
                    .buffered(CONCURRENCY)
                    .collect::<Vec<_>>()
                    .await;
            for (units, accounts, place) in answers {
                // A unit that was seen is not walked again, whatever moved meanwhile.
                if !tree.places.insert(place.clone()) {
                    continue;
                }
                let units = optional(units, missing)?.unwrap_or_default();
                level.extend(units.into_iter().map(|unit| below(Some(&place), unit)));
                let accounts = optional(accounts, missing)?.unwrap_or_default();
                tree.accounts.extend(accounts.into_iter().map(|account| (account, place.clone())));
            }
        }
        tree.is_whole = missing.len() == noted;
        Ok(tree)
    }

    /// Tags by account. Ends at the first refusal: the others would be refused too.
    pub(super) async fn tags(
        &self,
        accounts: &[&str],
        missing: &mut Vec<String>,
    ) -> Answer<BTreeMap<String, Tags>> {
        let mut answers = stream::iter(accounts)
            .map(|account| async move { (*account, self.tags_of(account).await) })
            .buffered(CONCURRENCY);
        let mut found = BTreeMap::new();
        while let Some((account, answer)) = answers.next().await {
            let is_of_account = matches!(&answer, Err(CallError { kind: CallErrorKind::Invalid, .. }));
            match optional(answer, missing)? {
                Some(tags) => drop(found.insert(account.to_owned(), tags)),
                None if is_of_account => {}
                None => break,
            }
        }
        Ok(found)
    }

    async fn tags_of(&self, account: &str) -> Answer<Tags> {
        let pages = self.pages(|next| async move { self.cloud.account_tags(account, next.as_deref()).await });
        Ok(pages.await?.into_iter().collect())
    }

    async fn units_of(&self, parent: &str) -> Answer<Vec<OrganizationalUnit>> {
        self.pages(|next| async move { self.cloud.units_of(parent, next.as_deref()).await }).await
    }

    async fn accounts_of(&self, parent: &str) -> Answer<Vec<String>> {
        self.pages(|next| async move { self.cloud.accounts_of(parent, next.as_deref()).await }).await
    }

    /// All pages of a list. What is refused is refused for this list alone.
    async fn pages<T, A>(&self, page: impl FnMut(Option<String>) -> A + Send) -> Answer<Vec<T>>
    where
        T: Send,
        A: Future<Output = Answer<Page<T>>> + Send,
    {
        self.gate.pages(CALL, self.tally, self.cancel, page).try_concat().await
    }
}

/// The place of a unit below another.
fn below(parent: Option<&Place>, unit: OrganizationalUnit) -> (String, Place) {
    let place = match parent {
        None => Place { names: unit.name, ids: unit.id.clone() },
        Some(parent) => Place {
            names: format!("{}/{}", parent.names, unit.name),
            ids: format!("{}/{}", parent.ids, unit.id),
        },
    };
    (unit.id, place)
}
