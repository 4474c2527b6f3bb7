//! Which schemes and hosts raw files may come from.

use std::collections::BTreeSet;

use thiserror::Error;
use url::Url;

use crate::{Address, InvalidAddress, Pattern, bucket_address::Provider};

/// Every scheme there is.
const SCHEMES: [&str; 7] = ["https", "http", "file", "s3", "gs", "az", "hf"];

/// Schemes and hosts that addresses and redirects may lead to.
///
/// A scheme allows the buckets of its provider and, for `hf`, the Hub's own server; hosts are about
/// `https:` and `http:`. What is not declared follows from the addresses: their schemes, their hosts.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    schemes: BTreeSet<String>,
    hosts: BTreeSet<Host>,
}

/// A host, or every host under a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Exact(String),
    /// Without the star and the dot.
    Under(String),
}

/// Something led to where the recipe does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// A host.
    #[error("{0}, a host that the recipe does not name")]
    Host(String),
    /// A scheme.
    #[error("`{0}:`, a scheme that the recipe does not allow")]
    Scheme(String),
}

impl Forbidden {
    /// What to write into the recipe, for a person who trusts that place.
    pub fn step(&self) -> String {
        match self {
            Self::Host(host) => {
                format!(
                    "if you trust that host, add \"{host}\" to `hosts` of [allow] in the recipe"
                )
            }
            Self::Scheme(scheme) => {
                format!("if that is meant, add \"{scheme}\" to `schemes` of [allow] in the recipe")
            }
        }
    }
}

impl Allow {
    /// A list from what a recipe declares, and from the scheme and host of each of its addresses and
    /// patterns for what it leaves out. A host is a name, or `*.` and a name for all hosts under it.
    pub fn new<'a>(
        schemes: Option<&[String]>,
        hosts: Option<&[String]>,
        named: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, InvalidAddress> {
        let (mut named_schemes, mut named_hosts) = (BTreeSet::new(), BTreeSet::new());
        for (scheme, host) in named {
            named_schemes.insert(scheme.to_owned());
            named_hosts.extend(host.map(|host| Host::Exact(host.to_ascii_lowercase())));
        }
        let unknown = |scheme: &&String| !SCHEMES.contains(&scheme.as_str());
        if let Some(scheme) = schemes.and_then(|schemes| schemes.iter().find(unknown)) {
            let reason = format!("a scheme of [allow] is one of {}", SCHEMES.join(", "));
            return Err(InvalidAddress::new(scheme, reason));
        }
        Ok(Self {
            schemes: schemes.map_or(named_schemes, |schemes| schemes.iter().cloned().collect()),
            hosts: match hosts {
                None => named_hosts,
                Some(hosts) => {
                    hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?
                }
            },
        })
    }

    /// Whether an address may be read.
    pub fn check(&self, address: &Address) -> Result<(), Forbidden> {
        self.check_place(address.scheme(), address.host())
    }

    /// Whether a pattern may be resolved.
    pub fn check_pattern(&self, pattern: &Pattern) -> Result<(), Forbidden> {
        self.check_place(pattern.scheme(), pattern.host())
    }

    /// Whether a redirect from a web address may be followed.
    pub(crate) fn check_redirect(&self, to: &Url) -> Result<(), Forbidden> {
        // TLS in place of plain HTTP takes nothing away.
        let upgraded = to.scheme() == "https" && self.schemes.contains("http");
        if !upgraded && !self.schemes.contains(to.scheme()) {
            return Err(Forbidden::Scheme(to.scheme().to_owned()));
        }
        self.check_host(to.host_str().unwrap_or_default())
    }

    /// Whether any bucket may be read.
    pub(crate) fn has_buckets(&self) -> bool {
        Provider::ALL.iter().any(|provider| self.schemes.contains(provider.scheme()))
    }

    pub(crate) fn check_host(&self, host: &str) -> Result<(), Forbidden> {
        let host = host.to_ascii_lowercase();
        match self.hosts.iter().any(|allowed| allowed.contains(&host)) {
            true => Ok(()),
            false => Err(Forbidden::Host(host)),
        }
    }

    fn check_place(&self, scheme: &str, host: Option<&str>) -> Result<(), Forbidden> {
        if !self.schemes.contains(scheme) {
            return Err(Forbidden::Scheme(scheme.to_owned()));
        }
        host.map_or(Ok(()), |host| self.check_host(host))
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let (name, host): (_, fn(String) -> Self) = match text.strip_prefix("*.") {
            Some(name) => (name, Self::Under),
            None => (text, Self::Exact),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        let port = !name.starts_with('[') && name.contains(':');
        if name.is_empty() || name.starts_with('.') || port || !name.chars().all(plain) {
            let reason = "a host of [allow] is a name such as example.org, or *.example.org for the \
                          hosts under it, without scheme, port and path";
            return Err(InvalidAddress::new(text, reason));
        }
        Ok(host(name.to_ascii_lowercase()))
    }

    fn contains(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host == name,
            Self::Under(name) => is_under(host, name),
        }
    }
}

/// Whether a host lies under a name, and is not the name itself.
pub(crate) fn is_under(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn implied(addresses: &[Address]) -> Allow {
        let named = addresses.iter().map(|address| (address.scheme(), address.host()));
        Allow::new(None, None, named).unwrap()
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_not_declared_follows_from_the_addresses() {
        let named = [address("https://h.org/x"), address("hf://datasets/o/n@r/p")];
        let allow = implied(&named);
        assert_eq!(allow.check(&address("https://h.org/other")), Ok(()));
        assert_eq!(allow.check(&address("hf://datasets/a/b@r/p")), Ok(()));
        assert_eq!(allow.check(&address("https://g.org/x")), Err(Forbidden::Host("g.org".into())));
        assert_eq!(allow.check(&address("http://h.org/x")), Err(Forbidden::Scheme("http".into())));
        assert_eq!(allow.check(&address("file:x")), Err(Forbidden::Scheme("file".into())));
    }

    #[test]
    fn what_is_declared_is_all_there_is() {
        let (schemes, hosts) = (list(&["https", "hf"]), list(&["*.Example.org"]));
        let named = address("http://h.org/x");
        let allow =
            Allow::new(Some(&schemes), Some(&hosts), [(named.scheme(), named.host())]).unwrap();
        assert_eq!(allow.check(&address("https://a.b.example.org/x")), Ok(()));
        for bad in
            ["https://example.org/", "https://evilexample.org/", "https://h.org/", "s3://b/k"]
        {
            assert!(allow.check(&address(bad)).is_err(), "{bad}");
        }
        assert!(allow.check_pattern(&"hf://datasets/o/n@r/*".parse().unwrap()).is_ok());
        assert!(allow.check_pattern(&"file:*".parse().unwrap()).is_err());
    }

    #[test]
    fn a_redirect_may_gain_tls_and_never_lose_it() {
        let url = |text: &str| text.parse::<Url>().unwrap();
        let secure = implied(&[address("https://h.org/x")]);
        assert!(secure.check_redirect(&url("https://h.org/y")).is_ok());
        let lost = secure.check_redirect(&url("http://h.org/y"));
        assert_eq!(lost, Err(Forbidden::Scheme("http".into())));
        let plain = implied(&[address("http://h.org/x")]);
        assert!(plain.check_redirect(&url("https://h.org/y")).is_ok());
        assert!(plain.check_redirect(&url("file:///etc/passwd")).is_err());
    }

    #[test]
    fn a_list_that_cannot_mean_anything_is_refused() {
        for host in ["", "*.", "*", "https://h", "h:80", "h/x", "a b", "*.*.h"] {
            assert!(Allow::new(None, Some(&list(&[host])), []).is_err(), "{host}");
        }
        let error = Allow::new(Some(&list(&["ftp"])), None, []).unwrap_err().to_string();
        assert!(error.contains("https, http, file, s3"), "{error}");
    }
}
