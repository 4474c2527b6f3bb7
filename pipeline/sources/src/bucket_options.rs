use std::collections::BTreeMap;

use crate::bucket_address::Provider;

/// Settings of the providers by the names of their environment variables, in small letters.
#[derive(Clone, Default)]
pub struct BucketOptions(BTreeMap<String, String>);

/// Without the values: some are secrets.
impl std::fmt::Debug for BucketOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl BucketOptions {
    /// The variables `AWS_*`, `GOOGLE_*` and `AZURE_*` of the environment.
    pub fn from_environment() -> Self {
        std::env::vars().collect()
    }

    /// Those of one provider; other variables may share a name with an option by chance.
    pub(crate) fn of(&self, provider: Provider) -> impl Iterator<Item = (&String, &String)> {
        let prefix = prefix(provider);
        self.0.iter().filter(move |(name, _)| name.starts_with(prefix))
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| matches!(value.as_str(), "1" | "true" | "TRUE"))
    }

    /// Whether anything says who asks. What would have to be asked from a metadata server counts only
    /// where its address is given: elsewhere there is none, and asking it takes minutes.
    pub(crate) fn has_credentials(&self, provider: Provider) -> bool {
        let names: &[&str] = match provider {
            Provider::S3 => &[
                "aws_access_key_id",
                "aws_web_identity_token_file",
                "aws_container_credentials_relative_uri",
                "aws_container_credentials_full_uri",
                "aws_metadata_endpoint",
            ],
            Provider::Google => &[
                "google_service_account",
                "google_service_account_path",
                "google_service_account_key",
                "google_application_credentials",
            ],
            Provider::Azure => &[
                "azure_storage_account_key",
                "azure_storage_access_key",
                "azure_storage_sas_key",
                "azure_storage_sas_token",
                "azure_storage_token",
                "azure_storage_client_id",
                "azure_client_id",
                "azure_federated_token_file",
                "azure_msi_endpoint",
                "azure_use_azure_cli",
                "azure_storage_use_emulator",
            ],
        };
        names.iter().any(|name| self.0.contains_key(*name))
    }
}

impl FromIterator<(String, String)> for BucketOptions {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(options: I) -> Self {
        let named = options.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let ours = |name: &str| Provider::ALL.iter().any(|kind| name.starts_with(prefix(*kind)));
        Self(named.filter(|(name, value)| ours(name) && !value.is_empty()).collect())
    }
}

/// How the names of a provider's variables begin.
pub(crate) fn prefix(provider: Provider) -> &'static str {
    match provider {
        Provider::S3 => "aws_",
        Provider::Google => "google_",
        Provider::Azure => "azure_",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BucketOptions {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn without_credentials_the_bucket_is_asked_anonymously() {
        let none = options(&[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "")]);
        assert!(Provider::ALL.iter().all(|provider| !none.has_credentials(*provider)));
        let some = options(&[("AWS_ACCESS_KEY_ID", "id"), ("AZURE_STORAGE_ACCOUNT_KEY", "key")]);
        let known = Provider::ALL.map(|provider| some.has_credentials(provider));
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn other_variables_are_no_options_and_values_are_not_told() {
        let options =
            options(&[("BUCKET", "x"), ("TOKEN", "x"), ("AWS_SECRET_ACCESS_KEY", "hush")]);
        assert_eq!(format!("{options:?}"), "{\"aws_secret_access_key\"}");
    }
}
