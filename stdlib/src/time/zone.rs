//! Time zones: those of the bundled database, and the one of the host.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use regovm_core::builtin::{BuiltinError, Call};

use crate::operand::failed;

/// A time zone.
#[derive(Clone)]
pub(super) enum Zone {
    Utc,
    Known(TimeZone),
}

/// What a zone says of a moment.
pub(super) struct Offset {
    /// Seconds east of Greenwich.
    pub(super) seconds: i64,
    pub(super) name: String,
}

/// Zones that were asked for; only names that exist are kept.
#[derive(Default)]
struct Zones {
    by_name: HashMap<String, TimeZone>,
    local: Option<Zone>,
}

impl Zone {
    /// The zone of a name, with `""`, `UTC` and `Local` as Go has them.
    pub(super) fn named(cx: &mut Call<'_, '_>, name: &str) -> Result<Zone, BuiltinError> {
        match name {
            "" | "UTC" => return Ok(Zone::Utc),
            "Local" => return Ok(Zone::local(cx)),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => {
                return Err(failed("time: invalid location name"));
            }
            _ => {}
        }
        if let Some(zone) = cx.cache::<Zones>().by_name.get(name) {
            return Ok(Zone::Known(zone.clone()));
        }
        cx.charge(64)?;
        let zone = bundled(name).ok_or_else(|| failed(format!("unknown time zone {name}")))?;
        let zones = cx.cache::<Zones>();
        zones.by_name.insert(name.to_owned(), zone.clone());
        Ok(Zone::Known(zone))
    }

    /// The zone of the host: its variable `TZ`, or else its file of local time; UTC where neither says anything.
    pub(super) fn local(cx: &mut Call<'_, '_>) -> Zone {
        if let Some(zone) = &cx.cache::<Zones>().local {
            return zone.clone();
        }
        let variable = cx.host.variable("TZ");
        let name = variable
            .as_deref()
            .map(|name| name.strip_prefix(':').unwrap_or(name));
        let mut from_file = |path: &str| {
            let bytes = cx.host.file(path).ok()?;
            TimeZone::tzif("Local", &bytes).ok()
        };
        let known = match name {
            None => from_file("/etc/localtime"),
            Some("" | "UTC") => None,
            Some(path) if path.starts_with('/') => from_file(path),
            Some(name) => bundled(name),
        };
        let zone = known.map_or(Zone::Utc, Zone::Known);
        cx.cache::<Zones>().local = Some(zone.clone());
        zone
    }

    pub(super) fn at(&self, seconds: i64) -> Offset {
        match self {
            Zone::Utc => Offset {
                seconds: 0,
                name: "UTC".to_owned(),
            },
            Zone::Known(zone) => {
                let info = zone.to_offset_info(timestamp(seconds));
                Offset {
                    seconds: info.offset().seconds().into(),
                    name: info.abbreviation().to_owned(),
                }
            }
        }
    }

    /// The offset that an abbreviation stands for at a time of the clock on the wall: one that is in effect then,
    /// or else the first one of that name.
    pub(super) fn offset_of(&self, name: &str, wall: i64) -> Option<i64> {
        let Zone::Known(zone) = self else {
            return (name == "UTC").then_some(0);
        };
        let mut named = Vec::new();
        let first = self.at(i64::MIN);
        if first.name == name {
            named.push(first.seconds);
        }
        // Beyond this year rules repeat themselves.
        let last = timestamp(i64::from(u32::MAX));
        for transition in zone.following(Timestamp::MIN) {
            if transition.timestamp() > last {
                break;
            }
            let offset = i64::from(transition.offset().seconds());
            if transition.abbreviation() == name && !named.contains(&offset) {
                named.push(offset);
            }
        }
        named
            .iter()
            .copied()
            .find(|offset| {
                let there = self.at(wall - offset);
                there.name == name && there.seconds == *offset
            })
            .or_else(|| named.first().copied())
    }
}

/// Names are told apart by case, as the names of files are.
fn bundled(name: &str) -> Option<TimeZone> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// Moments that are out of reach are as the last one within.
fn timestamp(seconds: i64) -> Timestamp {
    let bounded = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(bounded).unwrap_or(Timestamp::UNIX_EPOCH)
}
