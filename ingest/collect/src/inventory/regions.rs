//! The regions of an account: which are visited, and which were switched off.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;

use super::Sweeper;
use crate::{
    cloud::{Answer, Scope},
    error::CallErrorKind,
    gate::{Api, Call},
    health::Tally,
};

/// Where the calls about accounts go, whatever regions are switched on.
const HOME: &str = "us-east-1";

/// Regions of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// The configured ones that are switched on.
    pub visit: Vec<String>,
    /// Those that hold versions and are switched off: they are to be [closed](super::close).
    pub off: Vec<String>,
    /// Why it is not known which are switched on; then all configured ones are visited.
    pub detail: Option<String>,
}

impl Sweeper<'_> {
    /// Asks which regions are switched on. `held` are the regions that the table holds versions of.
    ///
    /// # Errors
    /// As [`Gate::make`](crate::gate::Gate::make). As this is the first call in an account, a refusal speaks for the
    /// account: it is left alone. Only where the call itself is not taken are all regions visited.
    pub async fn regions(
        &self,
        account: &str,
        configured: &[String],
        held: &[String],
        tally: &Tally,
    ) -> Answer<Regions> {
        let scope = Scope { account: account.to_owned(), region: HOME.to_owned() };
        let cloud = self.cloud;
        let call = Call::new(Api::Account, Some(&scope));
        let page = move |next: Option<String>| async move { cloud.regions(account, next.as_deref()).await };
        let on = self.gate.pages(call, tally, self.cancel, page).try_concat().await;
        let on: BTreeSet<String> = match on {
            Ok(on) => on.into_iter().collect(),
            Err(error) if error.kind == CallErrorKind::Invalid => {
                let detail = Some(format!("it is not known which regions are switched on: {error}"));
                return Ok(Regions { visit: configured.to_vec(), off: Vec::new(), detail });
            }
            Err(error) => return Err(error),
        };
        let (is_on, is_off) =
            (|region: &&String| on.contains(*region), |region: &&String| !on.contains(*region));
        Ok(Regions {
            visit: configured.iter().filter(is_on).cloned().collect(),
            off: held.iter().filter(is_off).cloned().collect(),
            detail: None,
        })
    }
}
