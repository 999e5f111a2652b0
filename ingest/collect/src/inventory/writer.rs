//! Publishing: many account-regions in one commit of `resources`.
//!
//! A commit takes a fraction of a second whatever it holds, and 10,000 accounts have tens of thousands of regions. So
//! finished sweeps wait, with their files in the lake already, until there are enough of them or the caller says so. A
//! process that dies before that loses nothing but the sweeps. Commits are numbered in one sequence: where another
//! process has committed meanwhile, the files that a sweep compared with are looked at again, and a sweep whose files
//! were replaced is given back as lost, to be made again.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::schema;
use airshed_lake::{DataFile, Lake, LakeTable};

use super::{Held, Swept};
use crate::{
    cloud::Scope,
    error::{Context as _, Error, ErrorKind, Result},
};

/// The sequence of the table's commits.
const SEQUENCE: &str = "resources";
/// Times that a commit is tried, when others commit at the same time.
const TRIES: u32 = 10;

/// Publishes sweeps.
#[derive(Debug)]
pub struct InventoryWriter {
    table: LakeTable,
    /// The same, to read and put files with while the other one moves.
    files: Arc<LakeTable>,
    every: usize,
    published: BTreeMap<Scope, Vec<DataFile>>,
    waiting: BTreeMap<Scope, Waiting>,
}

/// Sweeps of an account and region that wait to be published.
#[derive(Debug)]
struct Waiting {
    /// What was published when the first of them began.
    base: Vec<DataFile>,
    files: Vec<DataFile>,
}

/// What became of sweeps.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Account-regions that were published.
    pub published: usize,
    /// Account-regions whose versions another process or sweep replaced meanwhile: to be swept again.
    pub lost: Vec<Scope>,
}

impl InventoryWriter {
    /// A writer that publishes whenever `every` changed account-regions wait.
    pub async fn open(lake: &Lake, every: usize) -> Result<Self> {
        let table = lake.table(&schema::resources()).await.context(context)?;
        let files = Arc::new(table.clone());
        let mut writer = Self { table, files, every, published: BTreeMap::new(), waiting: BTreeMap::new() };
        writer.look()?;
        Ok(writer)
    }

    /// What the table holds of an account and region, sweeps that wait included: what the next sweep starts from.
    pub fn held(&self, scope: &Scope) -> Held {
        Held { scope: scope.clone(), files: self.files_of(scope).to_vec(), table: Arc::clone(&self.files) }
    }

    /// The regions of an account that the table holds versions of.
    pub fn regions_of(&self, account: &str) -> Vec<String> {
        let scopes = self.published.keys().chain(self.waiting.keys());
        let mut regions: Vec<String> =
            scopes.filter(|scope| scope.account == account).map(|scope| scope.region.clone()).collect();
        regions.sort();
        regions.dedup();
        regions
    }

    /// Takes a sweep, and publishes when enough wait.
    pub async fn add(&mut self, swept: Swept) -> Result<Published> {
        let Some(files) = swept.written else { return Ok(Published::default()) };
        if self.files_of(&swept.scope) != swept.read {
            return Ok(Published { published: 0, lost: vec![swept.scope] });
        }
        let first = Waiting { base: swept.read, files: Vec::new() };
        self.waiting.entry(swept.scope).or_insert(first).files = files;
        if self.waiting.len() < self.every { Ok(Published::default()) } else { self.publish().await }
    }

    /// Publishes what waits, in one commit. On an error it waits still.
    pub async fn publish(&mut self) -> Result<Published> {
        let mut lost = Vec::new();
        for _ in 0..TRIES {
            for (scope, _) in self.waiting.extract_if(.., |scope, waiting| {
                self.published.get(scope).map_or(&[][..], Vec::as_slice) != waiting.base
            }) {
                lost.push(scope);
            }
            if self.waiting.is_empty() {
                return Ok(Published { published: 0, lost });
            }
            let files: Vec<DataFile> =
                self.waiting.values().flat_map(|waiting| waiting.files.iter().cloned()).collect();
            let waiting = &self.waiting;
            let is_replaced =
                |file: &DataFile| scope_of(&file.path).is_some_and(|scope| waiting.contains_key(&scope));
            let outcome =
                self.table.replace_in_sequence(&is_replaced, &files, SEQUENCE, "collect resources").await;
            match outcome {
                Ok(_) => {
                    let published = self.waiting.len();
                    self.waiting.clear();
                    self.look()?;
                    return Ok(Published { published, lost });
                }
                Err(error) if error.kind() == airshed_lake::ErrorKind::Retry => {
                    self.table.refresh().await.context(context)?;
                    self.look()?;
                }
                Err(error) => return Err(error).context(context),
            }
        }
        Err(Error::new(ErrorKind::Retry, format!("other writers of `resources` were faster {TRIES} times")))
    }

    fn files_of(&self, scope: &Scope) -> &[DataFile] {
        match self.waiting.get(scope) {
            Some(waiting) => &waiting.files,
            None => self.published.get(scope).map_or(&[], Vec::as_slice),
        }
    }

    /// Reads which files are whose.
    fn look(&mut self) -> Result<()> {
        self.published.clear();
        for file in self.table.files().context(context)? {
            let scope = scope_of(&file.path).ok_or_else(|| {
                Error::bug(format!("`{}` of `resources` is not named by account and region", file.path))
            })?;
            self.published.entry(scope).or_default().push(file);
        }
        Ok(())
    }
}

fn context() -> String {
    "cannot publish `resources`".to_owned()
}

/// Name of a file, before its hash.
pub(super) fn name_of(scope: &Scope, number: usize) -> String {
    format!("part-{}-{}-{number:05}", scope.account, scope.region)
}

/// Whose file it is, by its path.
fn scope_of(path: &str) -> Option<Scope> {
    let (account, rest) = path.strip_prefix("part-")?.split_once('-')?;
    let mut parts = rest.rsplitn(3, '-').skip(2);
    Some(Scope { account: account.to_owned(), region: parts.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_whose_they_are() {
        for region in ["eu-west-1", "us-gov-east-1", "global"] {
            let scope = Scope { account: "111122223333".to_owned(), region: region.to_owned() };
            let path = format!("{}-0123456789abcdef.parquet", name_of(&scope, 12));
            assert_eq!(scope_of(&path), Some(scope));
        }
        assert_eq!(scope_of("part-00000-0123.parquet"), None);
    }
}
