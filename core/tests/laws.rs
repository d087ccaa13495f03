//! Laws of values, tried on random ones.

use std::cmp::Ordering;

use proptest::prelude::*;
use regovm_core::json::{self, ReadOptions, Style};
use regovm_core::value::{Frozen, ObjectBuilder, SetBuilder, to_constant};
use regovm_core::{Arena, Constant, Value};

fn number() -> impl Strategy<Value = Constant> {
    prop_oneof![
        (-3i64..4).prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        Just("1152921504606846975".to_string()),
        Just("1152921504606846976".to_string()),
        "-?(0|[1-9][0-9]{0,2})(\\.[0-9]{1,3})?(e[+-]?[0-3])?",
        "-?[1-9][0-9]{15,25}(\\.[0-9]{1,12})?",
    ]
    .prop_map(|text| Constant::Number(text.into()))
}

fn constant() -> impl Strategy<Value = Constant> {
    let leaf = prop_oneof![
        Just(Constant::Null),
        any::<bool>().prop_map(Constant::Boolean),
        number(),
        "[ab]{0,2}".prop_map(|text| Constant::String(text.into())),
        any::<String>().prop_map(|text| Constant::String(text.into())),
    ];
    leaf.prop_recursive(3, 40, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Constant::Array),
            prop::collection::vec(inner.clone(), 0..14).prop_map(Constant::Set),
            prop::collection::vec((inner.clone(), inner), 0..12).prop_map(Constant::Object),
        ]
    })
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-d\"\\\\]{0,2}", inner), 0..20)
                .prop_map(|members| { serde_json::Value::Object(members.into_iter().collect()) }),
        ]
    })
}

fn read<'a>(arena: &'a Arena, text: &str) -> Result<Value<'a>, json::JsonError> {
    json::read(text.as_bytes(), arena, ReadOptions::default())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_total(list in prop::collection::vec(constant(), 3)) {
        let arena = Arena::new();
        let v: Vec<_> = list.iter().map(|constant| arena.constant(constant)).collect();
        for a in &v {
            prop_assert_eq!(a.cmp(a), Ordering::Equal);
            for b in &v {
                prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
                prop_assert_eq!(a == b, a.cmp(b).is_eq());
                if a == b {
                    prop_assert_eq!(a.hash(), b.hash());
                }
                for c in &v {
                    if a <= b && b <= c {
                        prop_assert!(a <= c);
                    }
                }
            }
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal(whole in -1000i64..1000, zeros in 0usize..20) {
        let arena = Arena::new();
        let plain = arena.integer(whole);
        let zeros_text = "0".repeat(zeros);
        for text in [
            format!("{whole}.0{zeros_text}"),
            format!("{whole}{zeros_text}e-{zeros}"),
            format!("{whole}e0"),
            format!("{whole}{zeros_text}.00E-{zeros}"),
        ] {
            let other = arena.number_text(&text);
            // A zero may not have further digits in front of the point.
            let Some(other) = other else { continue };
            prop_assert_eq!(plain, other);
            prop_assert_eq!(plain.hash(), other.hash());
            prop_assert_eq!(other.as_i64(), Some(whole));
        }
    }

    #[test]
    fn constants_copies_and_frozen_values_are_equal(constant in constant()) {
        let (arena, other) = (Arena::new(), Arena::new());
        let value = arena.constant(&constant);
        let again = other.constant(&to_constant(value));
        prop_assert_eq!(value, again);
        prop_assert_eq!(value.hash(), again.hash());
        prop_assert_eq!(other.copy(value), value);
        let frozen = Frozen::build(|arena| arena.constant(&constant));
        prop_assert_eq!(frozen.root(), value);
        prop_assert_eq!(frozen.root().to_string(), value.to_string());
    }

    #[test]
    fn json_survives_a_round_trip(original in json_value()) {
        let arena = Arena::new();
        let text = original.to_string();
        let value = read(&arena, &text).unwrap();
        for style in [Style::Compact, Style::Marshal, Style::Pretty, Style::PrettyMarshal] {
            let written = json::to_string(value, style);
            let back: serde_json::Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(&back, &original);
            prop_assert_eq!(read(&arena, &written).unwrap(), value);
        }
        let borrowed = json::read_borrowed(text.as_bytes(), &arena, ReadOptions::default());
        prop_assert_eq!(borrowed.unwrap(), value);
        let pretty = serde_json::to_string_pretty(&original).unwrap();
        prop_assert_eq!(read(&arena, &pretty).unwrap(), value);
    }

    #[test]
    fn the_same_texts_are_json(text in "[\\[\\]{},:\"\\\\ntrue 0-9.e+a-]{0,12}") {
        let arena = Arena::new();
        let ours = read(&arena, &text);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Ours refuses numbers that OPA refuses.
        if !ours.as_ref().is_err_and(|error| error.message.contains("too big")) {
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", ours);
        }
    }

    #[test]
    fn arrays_of_texts_are_json(text in "\\[(\"[ab\\\\nt/]{0,3}\"|-?[0-9]{1,2}(\\.[0-9])?(e-?[0-9])?|null|,|\\{\"a\":1|\\}){0,5}\\]") {
        let arena = Arena::new();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(read(&arena, &text).is_ok(), theirs.is_ok());
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let arena = Arena::new();
        let mut text = b"[\"".to_vec();
        text.extend(&bytes);
        text.extend(b"\"]");
        if let Ok(value) = json::read(&text, &arena, ReadOptions::default()) {
            let borrowed = json::read_borrowed(&text, &arena, ReadOptions::default());
            prop_assert_eq!(borrowed.unwrap(), value);
        }
    }

    #[test]
    fn builders_agree_with_lists(list in prop::collection::vec((constant(), constant()), 0..40)) {
        let arena = Arena::new();
        let pairs: Vec<_> =
            list.iter().map(|(k, v)| (arena.constant(k), arena.constant(v))).collect();
        let mut set = SetBuilder::new();
        let mut object = ObjectBuilder::new();
        for (key, value) in &pairs {
            prop_assert_eq!(set.contains(*key), object.get(*key).is_some());
            let fresh = set.insert(&arena, *key).unwrap();
            let old = object.insert(&arena, *key, *value).unwrap();
            prop_assert_eq!(fresh, old.is_none());
            prop_assert_eq!(object.get(*key), Some(*value));
            prop_assert_eq!(object.insert_unique(&arena, *key, Value::NULL), Ok(Some(*value)));
        }
        let set = set.finish(&arena);
        let object = object.finish(&arena);
        prop_assert_eq!(set, arena.set_from(pairs.iter().map(|(key, _)| *key)));
        prop_assert_eq!(object, arena.object_from(pairs.iter().copied()));
        let texts = |value: Value<'_>| value.to_string();
        prop_assert_eq!(texts(set), texts(arena.set_from(pairs.iter().map(|(key, _)| *key))));
        prop_assert_eq!(texts(object), texts(arena.object_from(pairs.iter().copied())));
        let (set, object) = (set.as_set().unwrap(), object.as_object().unwrap());
        prop_assert!(set.as_sorted_slice().is_sorted_by(|a, b| a < b));
        prop_assert_eq!(set.as_sorted_slice(), object.keys());
        for (at, (key, value)) in object.iter().enumerate() {
            prop_assert!(set.contains(key));
            prop_assert_eq!(object.get(key), Some(value));
            prop_assert_eq!(object.find_slot(key), Some(at as u32));
            prop_assert_eq!(object.slot(at as u32), Some(value));
            if let Some(text) = key.as_str() {
                prop_assert_eq!(object.get_str(text), Some(value));
            }
        }
        prop_assert_eq!(set.contains(arena.string("not there")), false);
    }

    #[test]
    fn records_are_objects(keys in prop::collection::vec("[a-z]{1,2}", 0..20)) {
        let arena = Arena::new();
        let members: Vec<_> =
            keys.iter().zip(0..).map(|(k, n)| (arena.string(k), arena.integer(n))).collect();
        let record = arena.record(&members);
        let object = arena.object_from(members.iter().copied());
        prop_assert_eq!(record, object);
        prop_assert_eq!(record.hash(), object.hash());
        prop_assert_eq!(record.to_string(), object.to_string());
        let mut reversed = members.clone();
        reversed.reverse();
        reversed.dedup_by_key(|(key, _)| *key);
        let other = arena.record(&reversed).as_object().unwrap();
        let record = record.as_object().unwrap();
        // Objects with the same keys share one shape, whatever the order in which they came.
        if let (Some(a), Some(b)) = (record.shape_id(), other.shape_id()) {
            prop_assert_eq!(a == b, record.keys() == other.keys());
        }
    }
}
