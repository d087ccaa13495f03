//! Chains of certificates from a leaf to a root, by Go's rules.

use std::net::IpAddr;

use regovm_core::builtin::{BuiltinError, Call};

use super::certificate::Certificate;
use super::extensions::SUBJECT_ALTERNATIVE_NAME;
use super::public_key::SubjectKey;
use super::{constraints, policies};

/// What a chain must satisfy.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// A name that the leaf must have; empty for any.
    pub(super) dns_name: String,
    /// Nanoseconds since 1970; by default the host's clock counts.
    pub(super) now: Option<i128>,
    /// Uses of the leaf's key, one of which all certificates must allow. Positions in
    /// [`super::extensions::KEY_PURPOSES`].
    pub(super) purposes: Vec<usize>,
}

/// Any use.
const ANY_PURPOSE: usize = 0;
pub(super) const SERVER_AUTH: usize = 1;

/// Signatures that are looked at before the search ends.
const MOST_SIGNATURES: usize = 100;

/// Bit of the key usage for signing certificates.
const SIGNS_CERTIFICATES: i64 = 1 << 5;

/// The first certificate is the root, the last one the leaf, and those between may be used.
pub(super) fn chain<'c, 'd>(
    cx: &mut Call<'_, '_>,
    certificates: &'c [Certificate<'d>],
    options: &Options,
    now: i128,
) -> Result<Option<Vec<&'c Certificate<'d>>>, BuiltinError> {
    let [root, between @ .., leaf] = certificates else {
        return Ok(None);
    };
    if !is_valid(leaf, Role::Leaf, &[], now) {
        return Ok(None);
    }
    if !options.dns_name.is_empty() && !has_name(leaf, &options.dns_name) {
        return Ok(None);
    }
    let mut intermediates: Vec<&Certificate<'d>> = Vec::new();
    for certificate in between {
        cx.charge(certificate.raw.len() as u64 / 32 + intermediates.len() as u64)?;
        if intermediates
            .iter()
            .all(|known| known.raw != certificate.raw)
        {
            intermediates.push(certificate);
        }
    }
    let mut search = Search {
        root,
        intermediates,
        purposes: &options.purposes,
        now,
        signatures: 0,
    };
    if leaf.raw == root.raw {
        let chain = vec![leaf];
        return Ok(search.accepts(cx, &chain)?.then_some(chain));
    }
    let found = search.extend(cx, &[leaf])?;
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Leaf,
    Intermediate,
    Root,
}

struct Search<'c, 'd, 'o> {
    root: &'c Certificate<'d>,
    intermediates: Vec<&'c Certificate<'d>>,
    purposes: &'o [usize],
    now: i128,
    /// How many were looked at.
    signatures: usize,
}

impl<'c, 'd> Search<'c, 'd, '_> {
    /// The first acceptable chain that begins with this one. It ends, and nests no deeper than signatures may be
    /// looked at.
    fn extend(
        &mut self,
        cx: &mut Call<'_, '_>,
        chain: &[&'c Certificate<'d>],
    ) -> Result<Option<Vec<&'c Certificate<'d>>>, BuiltinError> {
        let Some(&child) = chain.last() else {
            return Ok(None);
        };
        cx.charge(self.intermediates.len() as u64 + 1)?;
        let mut candidates = Vec::new();
        if may_have_signed(self.root, child) {
            candidates.push((Role::Root, self.root));
        }
        let mut between: Vec<_> = self.intermediates.to_vec();
        between.retain(|parent| may_have_signed(parent, child));
        // Stable: among equals the order of the text counts.
        between.sort_by_key(|parent| key_id_rank(parent, child));
        candidates.extend(
            between
                .into_iter()
                .map(|parent| (Role::Intermediate, parent)),
        );
        for (role, parent) in candidates {
            self.signatures += 1;
            if self.signatures > MOST_SIGNATURES {
                return Ok(None);
            }
            let Some(key) = &parent.key else {
                continue;
            };
            if is_in(parent, chain)
                || !signed_by(cx, child, parent, key)?
                || !is_valid(parent, role, chain, self.now)
            {
                continue;
            }
            let mut longer = chain.to_vec();
            longer.push(parent);
            if role == Role::Intermediate {
                if let Some(found) = self.extend(cx, &longer)? {
                    return Ok(Some(found));
                }
            } else if self.accepts(cx, &longer)? {
                return Ok(Some(longer));
            }
        }
        Ok(None)
    }

    /// What is asked of whole chains.
    fn accepts(
        &self,
        cx: &mut Call<'_, '_>,
        chain: &[&Certificate<'_>],
    ) -> Result<bool, BuiltinError> {
        for certificate in chain {
            cx.charge(certificate.raw.len() as u64 / 8 + 1)?;
        }
        Ok(policies::hold(chain)
            && purposes_hold(chain, self.purposes)
            && constraints::hold(cx, chain)?)
    }
}

/// If the parent has the name that the child gives for its issuer.
fn may_have_signed(parent: &Certificate<'_>, child: &Certificate<'_>) -> bool {
    parent.raw_subject == child.raw_issuer
}

/// Parents whose key the child names come first, then those of which it is not known.
fn key_id_rank(parent: &Certificate<'_>, child: &Certificate<'_>) -> u8 {
    let own = parent.details.subject_key_id.unwrap_or_default();
    let named = child.details.authority_key_id.unwrap_or_default();
    match (own, named) {
        (own, named) if own == named => 0,
        ([], _) | (_, []) => 1,
        _ => 2,
    }
}

/// If a certificate of the same subject, key and alternative names is in the chain.
fn is_in(candidate: &Certificate<'_>, chain: &[&Certificate<'_>]) -> bool {
    let names = candidate.extension(SUBJECT_ALTERNATIVE_NAME);
    for certificate in chain {
        let same = candidate.raw_subject == certificate.raw_subject
            && candidate.raw_key == certificate.raw_key;
        if !same {
            continue;
        }
        let others = certificate.extension(SUBJECT_ALTERNATIVE_NAME);
        if names.is_some() != others.is_some() {
            return false;
        }
        if names == others {
            return true;
        }
    }
    false
}

/// If the parent may sign certificates, and has signed this one in a way that is not too weak.
fn signed_by(
    cx: &mut Call<'_, '_>,
    child: &Certificate<'_>,
    parent: &Certificate<'_>,
    key: &SubjectKey,
) -> Result<bool, BuiltinError> {
    let may_sign = match parent.details.basic {
        Some(basic) => basic.is_ca,
        None => parent.version != 3,
    };
    let usage = parent.details.key_usage;
    if !may_sign || usage != 0 && usage & SIGNS_CERTIFICATES == 0 {
        return Ok(false);
    }
    let Some(scheme) = child.signature_algorithm.scheme() else {
        return Ok(false);
    };
    let verifier = key.verifier();
    cx.charge(verifier.work() + child.raw_signed.len() as u64 / 32)?;
    Ok(verifier.verify(scheme, child.raw_signed, &child.signature))
}

fn is_valid(
    certificate: &Certificate<'_>,
    role: Role,
    chain: &[&Certificate<'_>],
    now: i128,
) -> bool {
    let details = &certificate.details;
    let on_time =
        certificate.not_before.nanoseconds() <= now && now <= certificate.not_after.nanoseconds();
    let may_sign = role != Role::Intermediate || details.basic.is_some_and(|basic| basic.is_ca);
    let after = i64::try_from(chain.len()).unwrap_or(i64::MAX) - 1;
    let short = match details.basic {
        Some(basic) if basic.max_path_len >= 0 => after <= basic.max_path_len,
        _ => true,
    };
    details.unhandled_critical.is_empty() && on_time && may_sign && short
}

/// If one of the purposes is allowed by all certificates.
fn purposes_hold(chain: &[&Certificate<'_>], wanted: &[usize]) -> bool {
    if wanted.contains(&ANY_PURPOSE) {
        return true;
    }
    let allows = |certificate: &Certificate<'_>, purpose: usize| {
        let details = &certificate.details;
        let unlimited = details.purposes.is_empty() && details.unknown_purposes.is_empty();
        unlimited || details.purposes.contains(&ANY_PURPOSE) || details.purposes.contains(&purpose)
    };
    wanted.iter().any(|purpose| {
        chain
            .iter()
            .all(|certificate| allows(certificate, *purpose))
    })
}

/// The address without the form in which one family is written in the other.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// If the certificate is one of the host.
fn has_name(certificate: &Certificate<'_>, host: &str) -> bool {
    let names = &certificate.details.names;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let bare = bare.filter(|bare| !bare.is_empty()).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let wanted = canonical(address);
        return names.addresses.iter().any(|own| canonical(*own) == wanted);
    }
    let host = host.to_ascii_lowercase();
    let valid = is_host(host.strip_suffix('.').unwrap_or(&host), false);
    names.dns.iter().any(|pattern| {
        let pattern = pattern.to_ascii_lowercase();
        if valid && is_host(&pattern, true) {
            matches_pattern(&pattern, host.strip_suffix('.').unwrap_or(&host))
        } else {
            pattern == host && !matches!(host.as_str(), "" | ".")
        }
    })
}

/// If a text is a host; a pattern may have a star for its first label.
fn is_host(text: &str, pattern: bool) -> bool {
    if matches!(text, "" | "*") {
        return false;
    }
    text.split('.').enumerate().all(|(i, label)| {
        let letters = label
            .char_indices()
            .all(|(at, c)| c.is_ascii_alphanumeric() || c == '_' || c == '-' && at > 0);
        let star = pattern && i == 0 && label == "*";
        star || !label.is_empty() && letters
    })
}

fn matches_pattern(pattern: &str, host: &str) -> bool {
    match (pattern.split_once('.'), host.split_once('.')) {
        (Some(("*", pattern)), Some((_, host))) => pattern == host,
        _ => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_patterns() {
        for (text, pattern, wanted) in [
            ("a.b", false, true),
            ("*.b", false, false),
            ("*.b", true, true),
            ("a.*", true, false),
            ("*", true, false),
            ("a..b", true, false),
            ("-a.b", true, false),
            ("a-.b_c", true, true),
            ("", true, false),
        ] {
            assert_eq!(is_host(text, pattern), wanted, "{text}");
        }
        assert!(matches_pattern("*.b.c", "a.b.c"));
        assert!(!matches_pattern("*.b.c", "x.a.b.c"));
        assert!(!matches_pattern("*.b.c", "b.c"));
    }
}
