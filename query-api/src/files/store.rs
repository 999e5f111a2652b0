//! The lake under one name that all processes know, wherever each of them keeps it.
//!
//! A plan that travels names files as `lake://ledger/emissions/...`. Each process answers that with the lake that it was
//! started with, and a worker with nothing else: it reads no other place, whatever a plan says.

use std::sync::Arc;

use airshed_lake::Lake;
use datafusion::{
    common::{Result, plan_err},
    execution::{
        object_store::{ObjectStoreRegistry, ObjectStoreUrl},
        runtime_env::RuntimeEnv,
    },
};
use object_store::{ObjectStore, prefix::PrefixStore};
use url::Url;

/// The lake's name in plans.
const NAME: &str = "lake://ledger";

/// The name, as scans take it.
pub(crate) fn name() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(NAME)
}

/// Lets plans of a runtime read the lake by its name.
pub(crate) fn mount(lake: &Lake, runtime: &RuntimeEnv) -> Result<()> {
    runtime.register_object_store(name()?.as_ref(), folder(lake));
    Ok(())
}

/// The lake's own folder or prefix.
fn folder(lake: &Lake) -> Arc<dyn ObjectStore> {
    Arc::new(PrefixStore::new(Arc::clone(lake.store()), lake.location().path.clone()))
}

/// The lake and no other store.
#[derive(Debug)]
pub(crate) struct OnlyTheLake(Arc<dyn ObjectStore>);

impl OnlyTheLake {
    pub(crate) fn new(lake: &Lake) -> Self {
        Self(folder(lake))
    }
}

impl ObjectStoreRegistry for OnlyTheLake {
    /// Takes no other store; what was offered is given back.
    fn register_store(&self, _: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        Some(store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.as_str().trim_end_matches('/') == NAME {
            Ok(Arc::clone(&self.0))
        } else {
            plan_err!("a worker reads nothing but its lake")
        }
    }
}

#[cfg(test)]
mod tests {
    use airshed_lake::{Location, StoreOptions};

    use super::*;

    #[test]
    fn a_worker_reads_no_other_place() {
        let lake = Lake::at(Location::parse("/tmp/lake", &StoreOptions::new()).unwrap());
        let stores = OnlyTheLake::new(&lake);
        let get = |url: &str| stores.get_store(&Url::parse(url).unwrap());
        assert!(get("lake://ledger/").is_ok());
        for url in ["file:///", "s3://bucket/", "lake://other/", "http://169.254.169.254/"] {
            assert!(get(url).is_err(), "{url}");
        }
        assert!(stores.register_store(&Url::parse("file:///").unwrap(), folder(&lake)).is_some());
        assert!(get("file:///").is_err());
    }
}
