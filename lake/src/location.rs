//! Where things are: a local path or an `s3://` URI, and the object store behind it.
//!
//! Credentials and endpoints are passed in as [`StoreOptions`] (the binary collects the SDK's standard environment
//! variables), because libraries do not read the environment. TLS is required unless the endpoint itself says `http`.

use std::{
    collections::BTreeMap,
    path::{Component, Path as FsPath, PathBuf},
    str::FromStr as _,
    sync::Arc,
};

use object_store::{
    ObjectStore,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider},
    local::LocalFileSystem,
    path::Path,
};
use url::Url;

use crate::error::{Context as _, Error, ErrorKind, Result};

/// Options of object stores, such as `aws_region` or `aws_endpoint_url` (the names of the SDK's environment
/// variables, in either case). Unknown names are ignored, as the SDK's environment holds many others.
pub type StoreOptions = BTreeMap<String, String>;

/// A folder or object, and the store that holds it.
///
/// - `store` is rooted at the bucket, or at `/` of the local file system;
/// - `path` is the place inside it, without a slash at either end;
/// - `url` is canonical: `file:///a/b` or `s3://bucket/a/b`, without a slash at the end.
#[derive(Debug, Clone)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The place inside the store.
    pub path: Path,
    /// The canonical URL.
    pub url: Url,
}

impl Location {
    /// Reads a local path, a `file://` URL or an `s3://bucket/prefix` URI. A local path need not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for another scheme, a missing bucket or options that the store refuses.
    pub fn parse(text: &str, options: &StoreOptions) -> Result<Self> {
        Self::parse_as(text, options, None)
    }

    /// As [`Self::parse`]; S3 is entered with the credentials that `credentials` gives, where it gives any.
    pub fn parse_as(
        text: &str,
        options: &StoreOptions,
        credentials: Option<AwsCredentialProvider>,
    ) -> Result<Self> {
        match text.split_once("://") {
            Some(("s3" | "s3a", rest)) => Self::s3(rest, options, credentials),
            Some(("file", _)) => {
                let url = Url::parse(text)
                    .map_err(|e| Error::with_source(ErrorKind::Input, format!("`{text}` is not a URL"), e))?;
                let path = url
                    .to_file_path()
                    .map_err(|()| Error::input(format!("`{text}` does not name a local path")))?;
                Self::local(&path)
            }
            Some((scheme, _)) => Err(Error::input(format!(
                "`{text}`: storage scheme `{scheme}` is not supported (use a local path or s3://bucket/prefix)"
            ))),
            None => Self::local(FsPath::new(text)),
        }
    }

    /// A location in a store that the caller made (tests, fault injection).
    pub fn in_store(store: Arc<dyn ObjectStore>, url: &Url) -> Result<Self> {
        let path = Path::from_url_path(url.path())
            .map_err(|e| Error::with_source(ErrorKind::Input, format!("`{url}` has no usable path"), e))?;
        Ok(Self { store, path, url: url.clone() })
    }

    /// A place below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let path = name.split('/').filter(|part| !part.is_empty()).fold(self.path.clone(), Path::join);
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(name.split('/').filter(|part| !part.is_empty()));
        }
        Self { store: Arc::clone(&self.store), path, url }
    }

    /// The URI of an object of the same store.
    pub fn uri_of(&self, path: &Path) -> String {
        match self.url.scheme() {
            "file" => format!("file:///{path}"),
            scheme => format!("{scheme}://{}/{path}", self.url.host_str().unwrap_or_default()),
        }
    }

    fn local(path: &FsPath) -> Result<Self> {
        let absolute = resolve(path)
            .map_err(|e| Error::with_source(ErrorKind::Input, format!("bad path `{}`", path.display()), e))?;
        let url = Url::from_file_path(&absolute)
            .map_err(|()| Error::input(format!("bad path `{}`", path.display())))?;
        let path = Path::from_absolute_path(&absolute).map_err(|e| {
            Error::with_source(ErrorKind::Input, format!("bad path `{}`", absolute.display()), e)
        })?;
        Ok(Self { store: Arc::new(LocalFileSystem::new()), path, url })
    }

    fn s3(rest: &str, options: &StoreOptions, credentials: Option<AwsCredentialProvider>) -> Result<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::input(format!("`s3://{rest}` names no bucket")));
        }
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
        for (name, value) in options {
            if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(credentials) = credentials {
            builder = builder.with_credentials(credentials);
        }
        let plain_http = options.iter().any(|(name, value)| {
            name.to_ascii_lowercase().contains("endpoint") && value.starts_with("http://")
        });
        let store = builder
            .with_allow_http(plain_http)
            .build()
            .context(|| format!("cannot open bucket `{bucket}`"))?;
        let path = Path::parse(prefix.trim_matches('/'))
            .map_err(|e| Error::with_source(ErrorKind::Input, format!("bad prefix `{prefix}`"), e))?;
        let url = Url::parse(&format!("s3://{bucket}/{path}"))
            .map_err(|e| Error::with_source(ErrorKind::Input, format!("`s3://{rest}` is not a URL"), e))?;
        Ok(Self { store: Arc::new(store), path, url })
    }
}

/// The absolute path without `.`, `..` or links; what does not exist yet is kept as it is named.
fn resolve(path: &FsPath) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let existing = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(FsPath::new("/"));
    let rest = absolute.strip_prefix(existing).unwrap_or(FsPath::new(""));
    let mut resolved = existing.canonicalize()?;
    for part in rest.components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            other => resolved.push(other),
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_path_becomes_absolute() {
        let here = Location::parse("some/lake/", &StoreOptions::new()).unwrap();
        assert_eq!(here.url.scheme(), "file");
        assert!(here.url.path().ends_with("/some/lake"), "{}", here.url);
        assert!(here.child("emissions").url.path().ends_with("/some/lake/emissions"));
    }

    #[test]
    fn parent_folders_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("here")).unwrap();
        let text = format!("{}/here/../there/new/../lake", folder.path().display());
        let lake = Location::parse(&text, &StoreOptions::new()).unwrap();
        let expected = folder.path().canonicalize().unwrap().join("there/lake");
        assert_eq!(lake.url, Url::from_file_path(expected).unwrap());
    }

    #[test]
    fn an_s3_uri_has_bucket_and_prefix() {
        let options = StoreOptions::from([("AWS_REGION".to_owned(), "eu-west-1".to_owned())]);
        let lake = Location::parse("s3://bucket/a/b/", &options).unwrap();
        assert_eq!((lake.path.as_ref(), lake.url.as_str()), ("a/b", "s3://bucket/a/b"));
        assert_eq!(lake.uri_of(&Path::from("a/b/c.parquet")), "s3://bucket/a/b/c.parquet");
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        for text in ["gs://bucket/x", "https://example.com/x", "s3://"] {
            let error = Location::parse(text, &StoreOptions::new()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input, "{text}: {error}");
        }
    }
}
