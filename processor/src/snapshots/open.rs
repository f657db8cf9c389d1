//! Opens the store that a URL names.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::aws::AmazonS3ConfigKey;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientConfigKey, ObjectStore, ObjectStoreScheme, parse_url_opts};
use url::Url;

use super::{Error, PART, Store};

impl Store {
    /// The store at `file:///folder` or `s3://bucket/prefix`; options are those of object stores, by their own
    /// names. Nothing is asked of it.
    ///
    /// # Errors
    /// [`Error::Setting`] when the URL or an option can't be used.
    pub fn open(url: &str, options: &BTreeMap<String, String>) -> Result<Self, Error> {
        // It is not repeated before it is known to hold no password.
        let unfit = |why: &str| {
            Error::Setting(format!(
                "url can't be used: {why}; it looks like file:///var/footfall/snapshots or s3://bucket/prefix"
            ))
        };
        let parsed = Url::parse(url).map_err(|error| unfit(&error.to_string()))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(unfit(
                "it holds a user or a password, which stand in snapshots.options as access_key_id and secret_access_key",
            ));
        }
        let scheme = ObjectStoreScheme::parse(&parsed);
        match scheme
            .map_err(|_| unfit("no kind of store is known by it"))?
            .0
        {
            ObjectStoreScheme::Local => Self::folder(&parsed, options),
            ObjectStoreScheme::AmazonS3 => Self::bucket(&parsed, options),
            _ => Err(unfit("this kind of store is not supported")),
        }
    }

    /// A store that is open.
    pub fn of(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            prefix: Path::default(),
            folder: None,
            part: PART,
        }
    }

    fn bucket(url: &Url, options: &BTreeMap<String, String>) -> Result<Self, Error> {
        if let Some(unknown) = options.keys().find(|option| key(option).is_none()) {
            return Err(Error::Setting(format!(
                "options has {unknown:?}, which no S3 store knows; endpoint, region, access_key_id, secret_access_key and allow_http are usual"
            )));
        }
        let told = |wanted: AmazonS3ConfigKey| {
            let mut all = options.iter();
            all.find_map(|(option, value)| (key(option) == Some(wanted)).then_some(value.as_str()))
        };
        let allows_http = told(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
        if told(AmazonS3ConfigKey::Endpoint).is_some_and(|of| of.starts_with("http://"))
            && allows_http != Some("true")
        {
            let why = "options has an endpoint without TLS; name one of https://, or set allow_http = \"true\"";
            return Err(Error::Setting(why.to_owned()));
        }
        let opened = parse_url_opts(url, options);
        let (objects, prefix) = opened.map_err(|error| {
            Error::Setting(format!("options don't go with {:?}: {error}", url.as_str()))
        })?;
        Ok(Self {
            objects: Arc::from(objects),
            prefix,
            folder: None,
            part: PART,
        })
    }

    fn folder(url: &Url, options: &BTreeMap<String, String>) -> Result<Self, Error> {
        let setting = |why: &str| Error::Setting(format!("url is {:?}: {why}", url.as_str()));
        if !options.is_empty() {
            let why = "a folder takes no options; leave snapshots.options out";
            return Err(setting(why));
        }
        let path = url.to_file_path();
        let path = path.map_err(|()| setting("it names no folder of this machine"))?;
        let prefix = Path::from_absolute_path(&path);
        Ok(Self {
            // An object is on the disk when it is said to be there.
            objects: Arc::new(LocalFileSystem::new().with_fsync(true)),
            prefix: prefix.map_err(|error| setting(&error.to_string()))?,
            folder: Some(path),
            part: PART,
        })
    }
}

/// Whether an option's value must not be shown.
pub fn is_secret(option: &str) -> bool {
    let name = option.to_ascii_lowercase();
    ["secret", "token", "access_key", "encryption", "password"]
        .iter()
        .any(|word| name.contains(word))
}

/// The option of that name; those of the connection are among them.
fn key(name: &str) -> Option<AmazonS3ConfigKey> {
    name.to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn opened(url: &str, options: &[(&str, &str)]) -> Result<Store, Error> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Store::open(url, &options.iter().map(own).collect())
    }

    #[test]
    fn folders_and_buckets_can_be_opened_without_asking_them() {
        let folder = opened("file:///no/such/folder", &[]).unwrap();
        assert_eq!(folder.prefix.as_ref(), "no/such/folder");
        let options = [
            ("endpoint", "http://127.0.0.1:1"),
            ("region", "us-east-1"),
            ("access_key_id", "a"),
            ("secret_access_key", "b"),
            ("allow_http", "true"),
        ];
        let bucket = opened("s3://bucket/pre/fix", &options).unwrap();
        assert_eq!(bucket.prefix.as_ref(), "pre/fix");
        assert!(bucket.folder.is_none());
    }

    #[test]
    fn what_no_store_understands_is_refused_with_the_setting_and_an_example() {
        for (url, options, said) in [
            ("nonsense", &[][..], "s3://bucket/prefix"),
            ("memory:///", &[], "not supported"),
            ("gs://bucket", &[], "not supported"),
            ("gs://k:s3cretPW@bucket", &[], "access_key_id"),
            ("s3://k:s3cretPW@bucket", &[], "access_key_id"),
            ("ftp://k:s3cretPW@host", &[], "access_key_id"),
            ("s3://k:s3cretPW@bu cket", &[], "s3://bucket/prefix"),
            ("file://host/folder", &[], "snapshots.url"),
            (
                "file:///folder",
                &[("region", "x")],
                "leave snapshots.options out",
            ),
            ("s3://bucket", &[("regoin", "x")], "\"regoin\""),
            (
                "s3://bucket",
                &[("endpoint", "http://s3:9000")],
                "allow_http = \"true\"",
            ),
            (
                "s3://bucket",
                &[("secret_access_key", "x")],
                "Missing AccessKeyId",
            ),
        ] {
            let error = opened(url, options).err().unwrap().to_string();
            assert!(
                error.contains(said) && error.contains("snapshots."),
                "{error}"
            );
            assert!(!error.contains("s3cretPW"), "{error}");
        }
    }
}
