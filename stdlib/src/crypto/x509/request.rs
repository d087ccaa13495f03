//! Requests for certificates (PKCS#10).

use std::borrow::Cow;
use std::collections::HashSet;

use super::algorithm::{AlgorithmIdentifier, KeyAlgorithm, SignatureAlgorithm};
use super::der::Der;
use super::extensions::{AlternativeNames, Extension, SUBJECT_ALTERNATIVE_NAME};
use super::names::{Attribute, AttributeValue, Name, is_numeric, is_printable, latin1, two_byte};
use super::oid::Oid;
use super::public_key::SubjectKey;
use super::time::Moment;
use super::unmarshal::{
    Element, Field, Fields, Shape, bits, boolean, elements, integer, oid, only,
};

const EXTENSION_REQUEST: &[u32] = &[1, 2, 840, 113_549, 1, 9, 14];

/// A request with its parts.
#[derive(Clone, Debug)]
pub(super) struct Request<'d> {
    pub(super) raw: &'d [u8],
    pub(super) raw_signed: &'d [u8],
    pub(super) raw_key: &'d [u8],
    pub(super) raw_subject: &'d [u8],
    pub(super) version: i64,
    pub(super) signature: Cow<'d, [u8]>,
    pub(super) signature_algorithm: SignatureAlgorithm,
    pub(super) key_algorithm: KeyAlgorithm,
    pub(super) key: Option<SubjectKey>,
    pub(super) subject: Name,
    pub(super) attributes: Vec<RequestAttribute>,
    pub(super) extensions: Vec<Extension<'d>>,
    pub(super) names: AlternativeNames<'d>,
}

/// An attribute whose values are lists of pairs.
#[derive(Clone, Debug)]
pub(super) struct RequestAttribute {
    pub(super) kind: Oid,
    pub(super) values: Vec<Vec<Attribute>>,
}

impl<'d> Request<'d> {
    pub(super) fn read(bytes: &'d [u8]) -> Result<Request<'d>, String> {
        let shape = Shape::Structure("certificateRequest");
        let (outer, rest) = only(bytes, &Field::PLAIN, shape)?;
        let mut fields = Fields::new(outer.content);
        let signed = fields.required(&Field::PLAIN, Shape::Structure("tbsCertificateRequest"))?;
        let mut body = Fields::new(signed.content);
        let version = body.required(&Field::PLAIN, Shape::Integer)?;
        let version = integer(version.content)?;
        let subject = body.required(&Field::PLAIN, Shape::Any)?;
        let key_info = body.required(&Field::PLAIN, Shape::Structure("publicKeyInfo"))?;
        let mut inner = Fields::new(key_info.content);
        let key_algorithm = algorithm(&mut inner)?;
        let key_bits = bits(inner.required(&Field::PLAIN, Shape::Bits)?.content)?;
        let list = body.required(&Field::implicit(0), Shape::List(""))?;
        let attributes = elements(list.content, &Field::PLAIN, Shape::Any)?;
        let signature_algorithm = algorithm(&mut fields)?.signature();
        let signature = bits(fields.required(&Field::PLAIN, Shape::Bits)?.content)?;
        if !rest.is_empty() {
            return Err("asn1: syntax error: trailing data".to_owned());
        }

        let key = SubjectKey::read(&key_algorithm, key_bits)?;
        let (sequence, rest) = only(subject.whole, &Field::PLAIN, Shape::List("RDNSequence"))?;
        let subject_name = name(sequence.content)?;
        if !rest.is_empty() {
            return Err("x509: trailing data after X.509 Subject".to_owned());
        }
        let extensions = requested(&attributes)?;
        let mut names = AlternativeNames::default();
        for extension in &extensions {
            if extension.oid.is(&[2, 5, 29, SUBJECT_ALTERNATIVE_NAME]) {
                names = AlternativeNames::read(Der::new(extension.value))?;
            }
        }
        Ok(Request {
            raw: outer.whole,
            raw_signed: signed.whole,
            raw_key: key_info.whole,
            raw_subject: subject.whole,
            version,
            signature: signature.aligned(),
            signature_algorithm,
            key_algorithm: key_algorithm.key(),
            key,
            subject: subject_name,
            // Attributes of other forms (a password, say) are left out.
            attributes: attributes
                .iter()
                .filter_map(|a| attribute(a).ok())
                .collect(),
            extensions,
            names,
        })
    }
}

fn algorithm<'d>(fields: &mut Fields<'d>) -> Result<AlgorithmIdentifier<'d>, String> {
    let element = fields.required(&Field::PLAIN, Shape::Structure("AlgorithmIdentifier"))?;
    AlgorithmIdentifier::unmarshal(Fields::new(element.content))
}

fn name(content: &[u8]) -> Result<Name, String> {
    let mut attributes = Vec::new();
    for group in elements(content, &Field::SET, Shape::List(""))? {
        attributes.extend(pairs(group.content)?);
    }
    Ok(Name(attributes))
}

/// Kinds with their values.
fn pairs(content: &[u8]) -> Result<Vec<Attribute>, String> {
    let shape = Shape::Structure("AttributeTypeAndValue");
    let pairs = elements(content, &Field::PLAIN, shape)?;
    let pair = |element: &Element<'_>| {
        let mut fields = Fields::new(element.content);
        let kind = fields.oid(&Field::PLAIN)?;
        let value = value(&fields.required(&Field::PLAIN, Shape::Any)?)?;
        Ok(Attribute { kind, value })
    };
    pairs.iter().map(pair).collect()
}

/// A value of any kind.
fn value(element: &Element<'_>) -> Result<AttributeValue, String> {
    let content = element.content;
    if element.compound || element.class != 0 {
        return Ok(AttributeValue::Unread);
    }
    let ascii = |right: bool, kind: &str| {
        if right {
            Ok(AttributeValue::Text(latin1(content)))
        } else {
            Err(format!(
                "asn1: syntax error: {kind} contains invalid character"
            ))
        }
    };
    Ok(match element.tag {
        1 => AttributeValue::Boolean(boolean(content)?),
        2 => AttributeValue::Integer(integer(content)?),
        3 => {
            let bits = bits(content)?;
            AttributeValue::Bits {
                bytes: bits.bytes.to_vec(),
                len: bits.len(),
            }
        }
        4 => AttributeValue::Bytes(content.to_vec()),
        6 => AttributeValue::Oid(oid(content)?),
        12 => match std::str::from_utf8(content) {
            Ok(text) => AttributeValue::Text(text.to_owned()),
            Err(_) => return Err("asn1: invalid UTF-8 string".to_owned()),
        },
        18 => ascii(content.iter().all(|b| is_numeric(*b)), "NumericString")?,
        19 => ascii(content.iter().all(|b| is_printable(*b)), "PrintableString")?,
        20 => AttributeValue::Text(latin1(content)),
        22 => ascii(content.is_ascii(), "IA5String")?,
        23 => AttributeValue::Time(Moment::utc(content)?),
        24 => AttributeValue::Time(Moment::generalized_fraction(content)?),
        30 => {
            let text = two_byte(content);
            AttributeValue::Text(text.ok_or_else(|| "invalid BMPString".to_owned())?)
        }
        _ => AttributeValue::Unread,
    })
}

fn attribute(element: &Element<'_>) -> Result<RequestAttribute, String> {
    let shape = Shape::Structure("AttributeTypeAndValueSET");
    let (outer, _) = only(element.whole, &Field::PLAIN, shape)?;
    let mut fields = Fields::new(outer.content);
    let kind = fields.oid(&Field::PLAIN)?;
    let set = fields.required(&Field::SET, Shape::List(""))?;
    let lists = elements(set.content, &Field::PLAIN, Shape::List(""))?;
    let values = lists.iter().map(|list| pairs(list.content));
    Ok(RequestAttribute {
        kind,
        values: values.collect::<Result<_, _>>()?,
    })
}

/// The values of an attribute if it asks for extensions.
fn extension_request<'d>(element: &Element<'d>) -> Result<Option<Vec<Element<'d>>>, String> {
    let shape = Shape::Structure("pkcs10Attribute");
    let (outer, _) = only(element.whole, &Field::PLAIN, shape)?;
    let mut fields = Fields::new(outer.content);
    let kind = fields.oid(&Field::PLAIN)?;
    let set = fields.required(&Field::SET, Shape::List(""))?;
    let values = elements(set.content, &Field::PLAIN, Shape::Any)?;
    Ok(kind.is(EXTENSION_REQUEST).then_some(values))
}

/// The extensions that a request asks for.
fn requested<'d>(attributes: &[Element<'d>]) -> Result<Vec<Extension<'d>>, String> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for attribute in attributes {
        let Ok(Some(values)) = extension_request(attribute) else {
            continue;
        };
        let Some(first) = values.first() else {
            continue;
        };
        let (list, _) = only(first.whole, &Field::PLAIN, Shape::List(""))?;
        let shape = Shape::Structure("Extension");
        for element in elements(list.content, &Field::PLAIN, shape)? {
            let mut fields = Fields::new(element.content);
            let oid = fields.oid(&Field::PLAIN)?;
            let critical = fields.next(&Field::OPTIONAL, Shape::Boolean)?;
            let critical = critical.map(|element| boolean(element.content));
            let critical = critical.transpose()?.unwrap_or(false);
            let value = fields.required(&Field::PLAIN, Shape::Octets)?.content;
            if !seen.insert(oid.clone()) {
                return Err(
                    "x509: certificate request contains duplicate requested extensions".to_owned(),
                );
            }
            found.push(Extension {
                oid,
                critical,
                value,
            });
        }
    }
    Ok(found)
}
