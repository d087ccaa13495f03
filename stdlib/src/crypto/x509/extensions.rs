//! What the extensions of certificates say.

use std::collections::HashSet;
use std::net::IpAddr;

use super::der::{Der, tag};
use super::mailbox::Mailbox;
use super::oid::{Oid, is_identifier};
use crate::go::quote::{Charset, push_quoted, push_quoted_bytes};
use crate::go::url::Url;

/// An extension, unread.
#[derive(Clone, Debug)]
pub(super) struct Extension<'d> {
    pub(super) oid: Oid,
    pub(super) critical: bool,
    pub(super) value: &'d [u8],
}

/// What Go knows of the extensions. Lists that are not there are empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Details<'d> {
    pub(super) unhandled_critical: Vec<Oid>,
    /// One bit for each use, the first one lowest.
    pub(super) key_usage: i64,
    /// Positions in [`KEY_PURPOSES`].
    pub(super) purposes: Vec<usize>,
    pub(super) unknown_purposes: Vec<Oid>,
    pub(super) basic: Option<BasicConstraints>,
    pub(super) subject_key_id: Option<&'d [u8]>,
    pub(super) authority_key_id: Option<&'d [u8]>,
    pub(super) ocsp_servers: Vec<&'d [u8]>,
    pub(super) issuing_urls: Vec<&'d [u8]>,
    pub(super) names: AlternativeNames<'d>,
    pub(super) constraints: Option<NameConstraints>,
    pub(super) distribution_points: Vec<&'d [u8]>,
    /// Identifiers as they stand in the certificate.
    pub(super) policies: Option<Vec<&'d [u8]>>,
    /// Issuer's and subject's.
    pub(super) policy_mappings: Vec<(&'d [u8], &'d [u8])>,
    pub(super) inhibit_any_policy: Option<i64>,
    pub(super) inhibit_policy_mapping: Option<i64>,
    pub(super) require_explicit_policy: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BasicConstraints {
    pub(super) is_ca: bool,
    /// -1 if there is no limit.
    pub(super) max_path_len: i64,
}

/// Other names of the subject, without those of kinds that Go does not know.
#[derive(Clone, Debug, Default)]
pub(super) struct AlternativeNames<'d> {
    pub(super) dns: Vec<&'d str>,
    pub(super) emails: Vec<&'d str>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) urls: Vec<Url>,
}

/// An address with a mask, as they stand in the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Network {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

/// Names in name constraints.
#[derive(Clone, Debug, Default)]
pub(super) struct Subtrees {
    pub(super) dns: Vec<String>,
    pub(super) networks: Vec<Network>,
    pub(super) emails: Vec<String>,
    pub(super) url_domains: Vec<String>,
    /// There are names of other kinds.
    unhandled: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NameConstraints {
    pub(super) critical: bool,
    pub(super) permitted: Subtrees,
    pub(super) excluded: Subtrees,
}

/// Extended uses of keys, by Go's numbers.
pub(super) const KEY_PURPOSES: [&[u32]; 14] = [
    &[2, 5, 29, 37, 0],
    &[1, 3, 6, 1, 5, 5, 7, 3, 1],
    &[1, 3, 6, 1, 5, 5, 7, 3, 2],
    &[1, 3, 6, 1, 5, 5, 7, 3, 3],
    &[1, 3, 6, 1, 5, 5, 7, 3, 4],
    &[1, 3, 6, 1, 5, 5, 7, 3, 5],
    &[1, 3, 6, 1, 5, 5, 7, 3, 6],
    &[1, 3, 6, 1, 5, 5, 7, 3, 7],
    &[1, 3, 6, 1, 5, 5, 7, 3, 8],
    &[1, 3, 6, 1, 5, 5, 7, 3, 9],
    &[1, 3, 6, 1, 4, 1, 311, 10, 3, 3],
    &[2, 16, 840, 1, 113_730, 4, 1],
    &[1, 3, 6, 1, 4, 1, 311, 2, 1, 22],
    &[1, 3, 6, 1, 4, 1, 311, 61, 1, 1],
];

/// Parts of `2.5.29` after which extensions are named.
const SUBJECT_KEY_ID: u32 = 14;
pub(super) const SUBJECT_ALTERNATIVE_NAME: u32 = 17;
pub(super) const NAME_CONSTRAINTS: u32 = 30;

const AUTHORITY_INFO_ACCESS: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const OCSP: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 48, 1];
const ISSUERS: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 48, 2];

/// Kinds of general names.
const EMAIL: u8 = tag::context(1);
const DNS: u8 = tag::context(2);
const URI: u8 = tag::context(6);
const ADDRESS: u8 = tag::context(7);

fn wrong(what: &str) -> String {
    format!("x509: {what}")
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

/// The bytes as text if they are ASCII.
fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())
}

impl<'d> Extension<'d> {
    pub(super) fn read(mut der: Der<'d>) -> Result<Extension<'d>, String> {
        let malformed = |what: &str| format!("x509: malformed extension {what} field");
        let oid = der.oid().ok_or_else(|| malformed("OID"))?;
        let critical = if der.peek(tag::BOOLEAN) {
            der.boolean().ok_or_else(|| malformed("critical"))?
        } else {
            false
        };
        let value = der.content(tag::OCTET_STRING);
        let value = value.ok_or_else(|| malformed("value"))?;
        Ok(Extension {
            oid,
            critical,
            value,
        })
    }
}

impl<'d> Details<'d> {
    pub(super) fn read(extensions: &[Extension<'d>]) -> Result<Details<'d>, String> {
        let mut details = Details::default();
        for extension in extensions {
            let handled = if extension.oid.is(AUTHORITY_INFO_ACCESS) {
                details.information_access(extension)?;
                true
            } else if let Some(kind) = extension.oid.below(&[2, 5, 29]) {
                details.take(kind, extension)?
            } else {
                false
            };
            if extension.critical && !handled {
                details.unhandled_critical.push(extension.oid.clone());
            }
        }
        Ok(details)
    }

    /// Reads an extension `2.5.29.kind`; false if it is not understood in full.
    fn take(&mut self, kind: u32, extension: &Extension<'d>) -> Result<bool, String> {
        let mut der = Der::new(extension.value);
        match kind {
            SUBJECT_KEY_ID => {
                if extension.critical {
                    return Err(wrong("subject key identifier incorrectly marked critical"));
                }
                let id = der.content(tag::OCTET_STRING);
                self.subject_key_id =
                    Some(id.ok_or_else(|| wrong("invalid subject key identifier"))?);
            }
            15 => {
                let bits = der.bits().ok_or_else(|| wrong("invalid key usage"))?;
                self.key_usage = (0..9).map(|bit| i64::from(bits.bit(bit)) << bit).sum();
            }
            SUBJECT_ALTERNATIVE_NAME => {
                self.names = AlternativeNames::read(der)?;
                return Ok(!self.names.is_empty());
            }
            19 => {
                let basic = basic_constraints(der);
                self.basic = Some(basic.ok_or_else(|| wrong("invalid basic constraints"))?);
            }
            NAME_CONSTRAINTS => {
                let constraints = NameConstraints::read(extension)?;
                let unhandled = constraints.permitted.unhandled || constraints.excluded.unhandled;
                self.constraints = Some(constraints);
                return Ok(!unhandled);
            }
            31 => self.distribution(der)?,
            32 => {
                let policies = policies(der);
                self.policies =
                    Some(policies.ok_or_else(|| wrong("invalid certificate policies"))?);
            }
            33 => {
                let mappings = policy_mappings(der);
                self.policy_mappings =
                    mappings.ok_or_else(|| wrong("invalid policy mappings extension"))?;
            }
            35 => self.authority_key_id = authority_key_id(extension)?,
            36 => {
                let read = || {
                    let mut limits = der.inside(tag::SEQUENCE)?;
                    let mut limit = |n| {
                        if limits.peek(tag::context(n)) {
                            limits.integer_with(tag::context(n)).map(Some)
                        } else {
                            Some(None)
                        }
                    };
                    Some((limit(0)?, limit(1)?))
                };
                let mut read = read;
                let limits = read().ok_or_else(|| wrong("invalid policy constraints extension"))?;
                (self.require_explicit_policy, self.inhibit_policy_mapping) = limits;
            }
            37 => {
                let error = || wrong("invalid extended key usages");
                let mut list = der.inside(tag::SEQUENCE).ok_or_else(error)?;
                while !list.is_empty() {
                    let oid = list.oid().ok_or_else(error)?;
                    match KEY_PURPOSES.iter().position(|known| oid.is(known)) {
                        Some(known) => self.purposes.push(known),
                        None => self.unknown_purposes.push(oid),
                    }
                }
            }
            54 => {
                let limit = der.integer();
                let limit = limit.ok_or_else(|| wrong("invalid inhibit any policy extension"))?;
                self.inhibit_any_policy = Some(limit);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn distribution(&mut self, mut der: Der<'d>) -> Result<(), String> {
        let list = der.inside(tag::SEQUENCE);
        let mut list = list.ok_or_else(|| wrong("invalid CRL distribution points"))?;
        let error = || wrong("invalid CRL distribution point");
        while !list.is_empty() {
            let mut point = list.inside(tag::SEQUENCE).ok_or_else(error)?;
            let name = point.optional(tag::constructed(0)).ok_or_else(error)?;
            let Some(name) = name else {
                continue;
            };
            let full = Der::new(name).inside(tag::constructed(0));
            let mut full = full.ok_or_else(error)?;
            while full.peek(URI) {
                let url = full.content(URI).ok_or_else(error)?;
                self.distribution_points.push(url);
            }
        }
        Ok(())
    }

    fn information_access(&mut self, extension: &Extension<'d>) -> Result<(), String> {
        if extension.critical {
            return Err(wrong("authority info access incorrectly marked critical"));
        }
        let error = || wrong("invalid authority info access");
        let list = Der::new(extension.value).inside(tag::SEQUENCE);
        let mut list = list.ok_or_else(error)?;
        while !list.is_empty() {
            let mut entry = list.inside(tag::SEQUENCE).ok_or_else(error)?;
            let method = entry.oid().ok_or_else(error)?;
            if !entry.peek(URI) {
                continue;
            }
            let url = entry.content(URI).ok_or_else(error)?;
            if method.is(OCSP) {
                self.ocsp_servers.push(url);
            } else if method.is(ISSUERS) {
                self.issuing_urls.push(url);
            }
        }
        Ok(())
    }
}

fn basic_constraints(mut der: Der<'_>) -> Option<BasicConstraints> {
    let mut list = der.inside(tag::SEQUENCE)?;
    let is_ca = list.peek(tag::BOOLEAN) && list.boolean()?;
    let max_path_len = if list.peek(tag::INTEGER) {
        list.integer().filter(|len| *len >= 0)?
    } else {
        -1
    };
    Some(BasicConstraints {
        is_ca,
        max_path_len,
    })
}

fn authority_key_id<'d>(extension: &Extension<'d>) -> Result<Option<&'d [u8]>, String> {
    if extension.critical {
        return Err(wrong(
            "authority key identifier incorrectly marked critical",
        ));
    }
    let read = || {
        let mut list = Der::new(extension.value).inside(tag::SEQUENCE)?;
        list.optional(tag::context(0))
    };
    read().ok_or_else(|| wrong("invalid authority key identifier"))
}

fn policies(mut der: Der<'_>) -> Option<Vec<&[u8]>> {
    let mut list = der.inside(tag::SEQUENCE)?;
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    while !list.is_empty() {
        let policy = list
            .inside(tag::SEQUENCE)?
            .content(tag::OBJECT_IDENTIFIER)?;
        if !is_identifier(policy) || !seen.insert(policy) {
            return None;
        }
        found.push(policy);
    }
    Some(found)
}

fn policy_mappings(mut der: Der<'_>) -> Option<Vec<(&[u8], &[u8])>> {
    let mut list = der.inside(tag::SEQUENCE)?;
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut pair = list.inside(tag::SEQUENCE)?;
        let mut oid = || pair.content(tag::OBJECT_IDENTIFIER);
        found.push((oid()?, oid()?));
    }
    Some(found)
}

impl<'d> AlternativeNames<'d> {
    fn is_empty(&self) -> bool {
        self.dns.is_empty()
            && self.emails.is_empty()
            && self.addresses.is_empty()
            && self.urls.is_empty()
    }

    /// The names in the extension of a certificate or a request.
    pub(super) fn read(mut der: Der<'d>) -> Result<AlternativeNames<'d>, String> {
        let mut names = AlternativeNames::default();
        let list = der.inside(tag::SEQUENCE);
        let mut list = list.ok_or_else(|| wrong("invalid subject alternative names"))?;
        while !list.is_empty() {
            let name = list.any();
            let name = name.ok_or_else(|| wrong("invalid subject alternative name"))?;
            let text = |kind: &str| {
                let text = ascii(name.content);
                text.ok_or_else(|| format!("x509: SAN {kind} is malformed"))
            };
            match name.tag {
                EMAIL => names.emails.push(text("rfc822Name")?),
                DNS => names.dns.push(text("dNSName")?),
                URI => names.urls.push(url(text("uniformResourceIdentifier")?)?),
                ADDRESS => {
                    let len = name.content.len();
                    let address = address(name.content)
                        .ok_or_else(|| format!("x509: cannot parse IP address of length {len}"))?;
                    names.addresses.push(address);
                }
                _ => {}
            }
        }
        Ok(names)
    }
}

fn url(text: &str) -> Result<Url, String> {
    let failed = |why: &str| format!("x509: cannot parse URI {}: {why}", quoted(text));
    let url = Url::parse(text).map_err(|why| failed(&why))?;
    if !is_domain(&url.host, false) {
        return Err(failed("invalid domain"));
    }
    Ok(url)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

/// If a name is one that Go takes for a domain; the empty name is. Constraints may begin with a dot.
pub(super) fn is_domain(name: &[u8], constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    let labels = match name.strip_prefix(b".") {
        Some(rest) if constraint => rest,
        _ => name,
    };
    let graphic = labels.iter().all(|byte| matches!(byte, 33..=126));
    graphic
        && labels
            .split(|byte| *byte == b'.')
            .all(|label| !label.is_empty())
}

/// If the ones of a mask are all in front.
fn is_mask(mask: &[u8]) -> bool {
    let mut zeros = mask.iter().skip_while(|byte| **byte == 0xff);
    let border = zeros.next().copied().unwrap_or(0);
    border.leading_ones() + border.trailing_zeros() >= 8 && zeros.all(|byte| *byte == 0)
}

impl Network {
    fn read(bytes: &[u8]) -> Result<Network, String> {
        let read = |half: usize| {
            let (address, mask) = bytes.split_at_checked(half)?;
            (mask.len() == half).then_some((address, mask))
        };
        let (address, mask) = read(4).or_else(|| read(16)).ok_or_else(|| {
            let len = bytes.len();
            format!("x509: IP constraint contained value of length {len}")
        })?;
        if !is_mask(mask) {
            let mask: String = mask.iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(format!("x509: IP constraint contained invalid mask {mask}"));
        }
        if let (Ok(address), Ok(mask)) = (address.try_into(), mask.try_into()) {
            return Ok(Network::V4(address, mask));
        }
        match (address.try_into(), mask.try_into()) {
            (Ok(address), Ok(mask)) => Ok(Network::V6(address, mask)),
            _ => Err(wrong("invalid NameConstraints extension")),
        }
    }
}

impl NameConstraints {
    fn read(extension: &Extension<'_>) -> Result<NameConstraints, String> {
        let read = || {
            let mut outer = Der::new(extension.value);
            let mut list = outer.inside(tag::SEQUENCE)?;
            let permitted = list.optional(tag::constructed(0))?.unwrap_or_default();
            let excluded = list.optional(tag::constructed(1))?.unwrap_or_default();
            let whole = outer.is_empty() && list.is_empty();
            whole.then_some((permitted, excluded))
        };
        let lists = read().ok_or_else(|| wrong("invalid NameConstraints extension"))?;
        if let ([], []) = lists {
            return Err(wrong("empty name constraints extension"));
        }
        Ok(NameConstraints {
            critical: extension.critical,
            permitted: Subtrees::read(Der::new(lists.0))?,
            excluded: Subtrees::read(Der::new(lists.1))?,
        })
    }
}

impl Subtrees {
    fn read(mut list: Der<'_>) -> Result<Subtrees, String> {
        let mut subtrees = Subtrees::default();
        while !list.is_empty() {
            let base = list.inside(tag::SEQUENCE).and_then(|mut tree| tree.any());
            let base = base.ok_or_else(|| wrong("invalid NameConstraints extension"))?;
            subtrees.add(base.tag, base.content)?;
        }
        Ok(subtrees)
    }

    fn add(&mut self, kind: u8, content: &[u8]) -> Result<(), String> {
        if kind == ADDRESS {
            self.networks.push(Network::read(content)?);
            return Ok(());
        }
        if !matches!(kind, DNS | EMAIL | URI) {
            self.unhandled = true;
            return Ok(());
        }
        let Some(text) = ascii(content) else {
            let mut bytes = String::new();
            push_quoted_bytes(&mut bytes, content);
            return Err(format!(
                "x509: invalid constraint value: x509: {bytes} cannot be encoded as an IA5String"
            ));
        };
        let domain = is_domain(content, true);
        let (list, name, valid) = match kind {
            DNS => (&mut self.dns, "dnsName", domain),
            EMAIL => {
                let valid = if text.contains('@') {
                    Mailbox::parse(text).is_some()
                } else {
                    domain
                };
                (&mut self.emails, "rfc822Name", valid)
            }
            _ => {
                if text.parse::<IpAddr>().is_ok() {
                    return Err(format!(
                        "x509: failed to parse URI constraint {}: cannot be IP address",
                        quoted(text)
                    ));
                }
                (&mut self.url_domains, "URI", domain)
            }
        };
        if !valid {
            return Err(format!(
                "x509: failed to parse {name} constraint {}",
                quoted(text)
            ));
        }
        list.push(text.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_begin_with_their_ones() {
        for (mask, right) in [
            ([255, 255, 0, 0], true),
            ([255, 254, 0, 0], true),
            ([255, 253, 0, 0], false),
            ([255, 0, 255, 0], false),
            ([0, 0, 0, 0], true),
            ([255, 255, 255, 255], true),
        ] {
            assert_eq!(is_mask(&mask), right, "{mask:?}");
        }
    }

    #[test]
    fn domains() {
        for (name, name_is, constraint_is) in [
            ("a.b", true, true),
            (".a.b", false, true),
            ("..a", false, false),
            ("a..b", false, false),
            ("a.", false, false),
            ("", true, true),
            (".", false, false),
            ("a b", false, false),
            ("*.a", true, true),
        ] {
            assert_eq!(is_domain(name.as_bytes(), false), name_is, "{name}");
            assert_eq!(is_domain(name.as_bytes(), true), constraint_is, "{name}");
        }
    }
}
