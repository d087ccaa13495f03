//! Name constraints: which names a certificate authority may speak for (RFC 5280, 4.2.1.10), as Go 1.26 decides it.

use std::collections::HashSet;
use std::net::IpAddr;

use regovm_core::builtin::{BuiltinError, Call};

use super::certificate::Certificate;
use super::extensions::{
    NAME_CONSTRAINTS, NameConstraints, Network, SUBJECT_ALTERNATIVE_NAME, Subtrees, is_domain,
};
use super::mailbox::Mailbox;

/// Domains, sorted by their reversed letters, so that what lies below a domain comes directly after it. Domains below
/// others are left out.
struct Domains {
    sorted: Vec<Vec<u8>>,
    /// The empty domain, which all names are below.
    all: bool,
    /// What excluded domains forbid to wildcards: `.b` if `a.b` is excluded.
    parents: HashSet<String>,
}

/// The letters from the end, small, with dots before everything else.
fn reversed(name: &str) -> Vec<u8> {
    let key = |byte: u8| match byte {
        b'.' => 0,
        byte => byte.to_ascii_lowercase(),
    };
    name.bytes().rev().map(key).collect()
}

/// If a name is a domain or below it. A domain that begins with a dot has only names below it.
fn covers(domain: &[u8], name: &[u8]) -> bool {
    match name.strip_prefix(domain) {
        Some([]) => true,
        Some([next, ..]) => *next == 0 || domain.last() == Some(&0),
        None => false,
    }
}

impl Domains {
    /// `None` if there are no constraints.
    fn new<'t>(names: impl Iterator<Item = &'t str> + Clone, excluded: bool) -> Option<Domains> {
        let mut sorted: Vec<_> = names.clone().map(|name| (reversed(name), name)).collect();
        if sorted.is_empty() {
            return None;
        }
        sorted.sort();
        let mut kept: Vec<(Vec<u8>, &str)> = Vec::new();
        for domain in sorted {
            let covered = kept.last().is_some_and(|last| covers(&last.0, &domain.0));
            if !covered {
                kept.push(domain);
            }
        }
        let parent = |name: &str| Some(name.get(name.find('.')?..)?.to_ascii_lowercase());
        let parents = kept.iter().filter(|_| excluded);
        Some(Domains {
            all: names.clone().any(str::is_empty),
            parents: parents.filter_map(|(_, name)| parent(name)).collect(),
            sorted: kept.into_iter().map(|(domain, _)| domain).collect(),
        })
    }

    fn has(&self, name: &str) -> bool {
        if self.all {
            return true;
        }
        let key = reversed(name);
        let after = self.sorted.partition_point(|domain| *domain <= key);
        let before = after.checked_sub(1).and_then(|at| self.sorted.get(at));
        if before.is_some_and(|domain| covers(domain, &key)) {
            return true;
        }
        let below = name.starts_with('*').then(|| name.find('.')).flatten();
        let below = below.and_then(|dot| name.get(dot..));
        below.is_some_and(|below| self.parents.contains(&below.to_ascii_lowercase()))
    }
}

/// Networks of one family, sorted by address. An address is looked up near the networks that begin before it.
struct Networks<const N: usize>(Vec<([u8; N], [u8; N])>);

fn in_network<const N: usize>(network: &([u8; N], [u8; N]), address: [u8; N]) -> bool {
    let (base, mask) = network;
    let masked = |bytes: [u8; N]| std::array::from_fn::<u8, N, _>(|i| bytes[i] & mask[i]);
    masked(*base) == masked(address)
}

impl<const N: usize> Networks<N> {
    fn new(mut networks: Vec<([u8; N], [u8; N])>) -> Networks<N> {
        networks.sort_unstable();
        let mut kept: Vec<([u8; N], [u8; N])> = Vec::new();
        for network in networks {
            let (base, mask) = network;
            let last = std::array::from_fn(|i| base[i] | !mask[i]);
            let covered = kept
                .last()
                .is_some_and(|kept| in_network(kept, base) && in_network(kept, last));
            if !covered {
                kept.push(network);
            }
        }
        Networks(kept)
    }

    /// As Go searches: only the last network that begins before the address counts. A network whose own address
    /// has bits behind the mask may so be missed.
    fn has(&self, address: [u8; N]) -> bool {
        let at = self.0.partition_point(|(base, _)| *base < address);
        if self.0.get(at).is_some_and(|(base, _)| *base == address) {
            return true;
        }
        let near = self.0.get(at.saturating_sub(1));
        near.is_some_and(|network| in_network(network, address))
    }
}

/// One side of the constraints of a certificate, ready for questions.
struct Side {
    addresses: Option<(Networks<4>, Networks<16>)>,
    dns: Option<Domains>,
    url_domains: Option<Domains>,
    /// Whole addresses, and domains.
    emails: Option<(HashSet<Mailbox>, Option<Domains>)>,
}

impl Side {
    fn new(subtrees: &Subtrees, excluded: bool) -> Side {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in &subtrees.networks {
            match *network {
                Network::V4(base, mask) => v4.push((base, mask)),
                Network::V6(base, mask) => v6.push((base, mask)),
            }
        }
        let domains = |list: &[String]| Domains::new(list.iter().map(String::as_str), excluded);
        let emails = subtrees.emails.iter().map(String::as_str);
        let whole = emails.clone().filter(|email| email.contains('@'));
        let whole: HashSet<_> = whole.filter_map(Mailbox::parse).collect();
        let of_domains = Domains::new(emails.filter(|email| !email.contains('@')), excluded);
        Side {
            addresses: (!subtrees.networks.is_empty())
                .then(|| (Networks::new(v4), Networks::new(v6))),
            dns: domains(&subtrees.dns),
            url_domains: domains(&subtrees.url_domains),
            emails: (!subtrees.emails.is_empty()).then_some((whole, of_domains)),
        }
    }

    /// If there are constraints for this kind of name, whether the name is among them.
    fn has(&self, name: &Claim<'_>) -> Option<bool> {
        match name {
            Claim::Address(address) => {
                let (v4, v6) = self.addresses.as_ref()?;
                Some(match address {
                    IpAddr::V4(address) => v4.has(address.octets()),
                    IpAddr::V6(address) => v6.has(address.octets()),
                })
            }
            Claim::Dns(name) => Some(self.dns.as_ref()?.has(name)),
            Claim::Url(host) => Some(self.url_domains.as_ref()?.has(host)),
            Claim::Email(mailbox) => {
                let (whole, domains) = self.emails.as_ref()?;
                let by_domain = domains.as_ref();
                let by_domain = by_domain.is_some_and(|domains| domains.has(&mailbox.domain));
                Some(by_domain || whole.contains(mailbox))
            }
        }
    }
}

/// A name that a certificate claims.
enum Claim<'d> {
    Address(IpAddr),
    Dns(&'d str),
    Url(String),
    Email(Mailbox),
}

/// The names of a certificate, or `None` if one of them cannot be held against constraints.
fn claims<'d>(certificate: &Certificate<'d>) -> Option<Vec<Claim<'d>>> {
    let names = &certificate.details.names;
    let mut claims: Vec<_> = names.addresses.iter().map(|a| Claim::Address(*a)).collect();
    for dns in &names.dns {
        claims.push(is_domain(dns.as_bytes(), false).then_some(Claim::Dns(dns))?);
    }
    for url in &names.urls {
        let host = std::str::from_utf8(&url.host).ok()?;
        claims.push(Claim::Url(host_domain(host)?));
    }
    for email in &names.emails {
        claims.push(Claim::Email(Mailbox::parse(email)?));
    }
    Some(claims)
}

/// The domain of a URL's host; `None` if there is none, or an address.
fn host_domain(host: &str) -> Option<String> {
    let mut domain = host.to_lowercase();
    if domain.is_empty() {
        return None;
    }
    if domain.contains(':') && !domain.ends_with(']') {
        // A port, which is not looked at. The letters stay as they are.
        let (before, port) = host.rsplit_once(':')?;
        if before.contains(':') && !before.starts_with('[') || port.contains(']') {
            return None;
        }
        domain = before.to_owned();
    }
    let address = domain.parse::<IpAddr>().is_ok() || domain.starts_with('[');
    (!address && is_domain(domain.as_bytes(), false)).then_some(domain)
}

/// The sum of the lengths of constraints.
fn size(constraints: &NameConstraints) -> usize {
    let side = |side: &Subtrees| {
        let texts = [&side.dns, &side.emails, &side.url_domains];
        let texts = texts.into_iter().flatten().map(|text| text.len() + 8);
        texts.sum::<usize>() + side.networks.len() * 32
    };
    side(&constraints.permitted) + side(&constraints.excluded)
}

/// If all names of the certificates of a chain, the leaf first, are among those that the authorities after them may
/// speak for.
pub(super) fn hold(
    cx: &mut Call<'_, '_>,
    chain: &[&Certificate<'_>],
) -> Result<bool, BuiltinError> {
    let mut authorities = Vec::new();
    for (at, certificate) in chain.iter().enumerate() {
        let Some(constraints) = &certificate.details.constraints else {
            continue;
        };
        debug_assert!(certificate.extension(NAME_CONSTRAINTS).is_some());
        cx.charge(size(constraints) as u64 / 4 + 1)?;
        let permitted = Side::new(&constraints.permitted, false);
        authorities.push((at, permitted, Side::new(&constraints.excluded, true)));
    }
    for (at, certificate) in chain.iter().enumerate() {
        let after = authorities.iter().filter(|(place, ..)| *place > at);
        if certificate.extension(SUBJECT_ALTERNATIVE_NAME).is_none() || after.clone().count() == 0 {
            continue;
        }
        cx.charge(certificate.raw.len() as u64 / 4 + 1)?;
        let Some(claims) = claims(certificate) else {
            return Ok(false);
        };
        for (_, permitted, excluded) in after {
            cx.charge(claims.len() as u64 + 1)?;
            let allowed = |claim: &Claim<'_>| {
                permitted.has(claim).unwrap_or(true) && !excluded.has(claim).unwrap_or(false)
            };
            if !claims.iter().all(allowed) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(list: &[&str], excluded: bool, name: &str) -> Option<bool> {
        Some(Domains::new(list.iter().copied(), excluded)?.has(name))
    }

    #[test]
    fn domains_cover_what_is_below_them() {
        let list = ["b.com", "a.b.com", ".dot.org", "x-y.net", "y.net"];
        for (name, wanted) in [
            ("b.com", true),
            ("A.B.Com", true),
            ("c.b.com", true),
            ("ab.com", false),
            ("com", false),
            ("dot.org", false),
            ("a.dot.org", true),
            ("z.x-y.net", true),
            ("x.y.net", true),
            ("net", false),
            ("", false),
        ] {
            assert_eq!(has(&list, false, name), Some(wanted), "{name}");
        }
        assert_eq!(has(&[], false, "a"), None);
        assert_eq!(has(&["", "b"], false, "a"), Some(true));
    }

    #[test]
    fn wildcards_may_not_hide_what_is_excluded() {
        assert_eq!(has(&["a.b.com"], true, "*.b.com"), Some(true));
        assert_eq!(has(&["a.b.com"], false, "*.b.com"), Some(false));
        assert_eq!(has(&["a.b.com"], true, "*.com"), Some(false));
    }

    #[test]
    fn networks() {
        let networks = Networks::new(vec![
            ([10, 0, 0, 0], [255, 0, 0, 0]),
            ([10, 1, 0, 0], [255, 255, 0, 0]),
            ([192, 168, 0, 5], [255, 255, 255, 0]),
        ]);
        assert_eq!(networks.0.len(), 2);
        assert!(networks.has([10, 2, 3, 4]));
        assert!(networks.has([192, 168, 0, 7]));
        assert!(!networks.has([192, 168, 0, 1]));
        assert!(!networks.has([11, 0, 0, 0]));
    }

    #[test]
    fn hosts_of_urls() {
        for (host, domain) in [
            ("A.b", Some("a.b")),
            ("A.b:80", Some("A.b")),
            ("", None),
            ("1.2.3.4", None),
            ("[::1]", None),
            ("[::1]:80", None),
        ] {
            assert_eq!(host_domain(host).as_deref(), domain, "{host}");
        }
    }
}
