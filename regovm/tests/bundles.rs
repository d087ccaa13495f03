//! Bundles that mean harm, are damaged, or come from OPA: a clear error, or the same answer.
#![allow(clippy::disallowed_methods, reason = "recorded bundles are read")]
#![cfg(feature = "bundle")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use regovm::bundle::{
    Bundle, File, Limits, Origin, ReadOptions, SigningKey, Verification, VerificationKey, unpack,
};
use regovm::{Engine, NoHost, RegoVersion};
use tar::{EntryType, Header};

/// An archive of raw entries: type, name, size that is claimed, bytes.
fn archive(entries: &[(EntryType, &[u8], u64, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (kind, name, size, bytes) in entries {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
        header.set_entry_type(*kind);
        header.set_size(*size);
        header.set_mode(0o644);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.extend_from_slice(&[0; 1024]);
    packed(&tar)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn plain<'b>(name: &'b str, bytes: &'b [u8]) -> (EntryType, &'b [u8], u64, &'b [u8]) {
    (
        EntryType::Regular,
        name.as_bytes(),
        bytes.len() as u64,
        bytes,
    )
}

fn link(kind: EntryType) -> Vec<u8> {
    archive(&[(kind, b"data.json", 0, b"")])
}

#[test]
fn hostile_archives_are_refused() {
    let good = archive(&[plain("data.json", b"{}"), plain("p.rego", b"package p\n")]);
    let mut checksum = good.clone();
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    let mut flipped = archive(&[plain("data.json", b"{}")]);
    let raw = {
        let mut raw = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(flipped.as_slice()),
            &mut raw,
        )
        .unwrap();
        raw[0] ^= 1;
        raw
    };
    flipped = packed(&raw);
    let zeros = vec![0; 3 << 20];
    let long_record = format!("2000020 path={}\n", "a".repeat(2_000_000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], "archive read failed: EOF"),
        (
            "three bytes",
            vec![0x1f, 0x8b, 8],
            "archive read failed: unexpected EOF",
        ),
        (
            "no archive",
            b"package p\nallow := 1\n".to_vec(),
            "gzip: invalid header",
        ),
        (
            "cut in the middle",
            good[..good.len() / 2].to_vec(),
            "unexpected EOF",
        ),
        (
            "cut at the end",
            good[..good.len() - 4].to_vec(),
            "unexpected EOF",
        ),
        ("wrong checksum", checksum, "gzip: "),
        ("a damaged head", flipped, "archive/tar: invalid tar header"),
        (
            "no tar inside",
            packed(&[b'x'; 2048]),
            "archive/tar: invalid tar header",
        ),
        (
            "half a head",
            packed(&[0x31; 100]),
            "archive/tar: invalid tar header",
        ),
        (
            "a symbolic link",
            link(EntryType::Symlink),
            "data.json is a symbolic link",
        ),
        (
            "a hard link",
            link(EntryType::Link),
            "data.json is a hard link",
        ),
        ("a device", link(EntryType::Char), "data.json is a device"),
        ("a disk", link(EntryType::Block), "data.json is a device"),
        ("a pipe", link(EntryType::Fifo), "data.json is a pipe"),
        (
            "holes",
            link(EntryType::GNUSparse),
            "data.json is a sparse file",
        ),
        (
            "a type of its own",
            link(EntryType::new(b'Z')),
            "of a kind that bundles do not have",
        ),
        (
            "up",
            archive(&[plain("../data.json", b"{}")]),
            "leads out of the bundle",
        ),
        (
            "up later",
            archive(&[plain("/a/../../data.json", b"{}")]),
            "leads out of the bundle",
        ),
        ("no name", archive(&[plain("./", b"")]), ""),
        (
            "no text as name",
            archive(&[(EntryType::Regular, b"\xff.json", 2, b"{}")]),
            "is not UTF-8",
        ),
        (
            "a file twice",
            archive(&[plain("a/data.json", b"{}"), plain("./a//data.json", b"[]")]),
            "is there twice",
        ),
        (
            "a long file",
            archive(&[plain("data.json", &zeros)]),
            "exceeds configured size_limit_bytes (1048576 bytes)",
        ),
        (
            "a file that claims to be long",
            archive(&[(EntryType::Regular, b"data.json", 1 << 32, b"{}")]),
            "exceeds configured size_limit_bytes",
        ),
        (
            "a file that ends early",
            archive(&[(EntryType::Regular, b"data.json", 1 << 20, b"{}")]),
            "unexpected EOF",
        ),
        (
            "many files",
            archive(&[
                plain("a", &zeros[..1 << 20]),
                plain("b", &zeros[..1 << 20]),
                plain("c", &zeros[..1 << 20]),
            ]),
            "unpacks to more than 2097152 bytes",
        ),
        (
            "zeros that hide behind the end",
            packed(&zeros),
            "unpacks to more than 2097152 bytes",
        ),
        (
            "a long name",
            archive(&[(
                EntryType::XHeader,
                b"x",
                long_record.len() as u64,
                long_record.as_bytes(),
            )]),
            "the name of a file is too long",
        ),
        (
            "a long name of GNU",
            archive(&[(EntryType::GNULongName, b"x", 1 << 34, b"a")]),
            "the name of a file is too long",
        ),
        (
            "a size beside the size",
            archive(&[
                (EntryType::XHeader, b"x", 21, b"21 size=999999999999\n"),
                plain("data.json", b"{}"),
            ]),
            "a file of more than 8 GiB",
        ),
        (
            "records that are none",
            archive(&[(EntryType::XHeader, b"x", 5, b"path="), plain("a", b"")]),
            "archive/tar: invalid tar header",
        ),
    ];
    let limits = Limits {
        file: 1 << 20,
        total: 2 << 20,
    };
    for (name, bytes, expected) in cases {
        match unpack(&bytes, &limits) {
            Ok(files) => assert!(expected.is_empty() && files.is_empty(), "{name}: {files:?}"),
            Err(error) => assert!(
                !expected.is_empty() && error.message.contains(expected),
                "{name}: {error}"
            ),
        }
    }
}

fn read(files: &[(&str, &str)]) -> Result<Bundle, String> {
    let files = files
        .iter()
        .map(|(path, text)| File::new(*path, text.as_bytes()));
    Bundle::read(files.collect(), &ReadOptions::new("b", Origin::Folder)).map_err(|e| e.message)
}

#[test]
fn files_that_do_not_fit_together_are_refused() {
    for (files, expected) in [
        (
            &[("/.manifest", "{}"), ("/a/.manifest", "{}")][..],
            "bundle contains multiple manifest files: \"/.manifest\" and \"/a/.manifest\"",
        ),
        (
            &[("/.manifest.pb", "")],
            "bundle load failed on manifest decode: /.manifest.pb is in the form of protocol buffers, which is not supported",
        ),
        (
            &[(
                "/patch.json",
                r#"{"data": [{"op": "remove", "path": "/a"}]}"#,
            )],
            "delta bundles are not supported: /patch.json changes a bundle that a server has active",
        ),
        (
            &[("/patch.json", "[")],
            "bundle load failed on patch decode: unexpected EOF",
        ),
        (
            &[("/a/data.json", "1"), ("/a/data.yaml", "2")],
            "bundle load failed on /a/data.yaml: failed to insert data file from path a",
        ),
    ] {
        assert_eq!(
            read(files).map(|_| ()),
            Err(expected.to_owned()),
            "{files:?}"
        );
    }
    // A patch without changes changes nothing.
    assert!(read(&[("/patch.json", "{}"), ("/data.json", "{}")]).is_ok());
}

#[test]
fn data_and_policies_keep_to_the_roots() {
    let bundle = |roots: &str, data: &str, policy: &str| {
        let manifest = format!("{{\"roots\": {roots}}}");
        let bundle = read(&[
            ("/.manifest", &manifest),
            ("/data.json", data),
            ("/p.rego", policy),
        ])?;
        Engine::new()
            .add_bundle(&bundle)
            .map(drop)
            .map_err(|e| e.message)
    };
    let policy = "package a.b\nx := 1\n";
    assert_eq!(bundle(r#"["a"]"#, r#"{"a": {"c": 1}}"#, policy), Ok(()));
    assert_eq!(
        bundle(r#"["a/b", "c/d"]"#, r#"{"c": {"d": 1}}"#, policy),
        Ok(())
    );
    assert_eq!(
        bundle(r#"["a/b", "c/d"]"#, r#"{"c": {"e": 1}}"#, policy),
        Err("manifest roots [a/b c/d] do not permit data at path '/c/e' (hint: check bundle directory structure)".to_owned())
    );
    assert_eq!(
        bundle(r#"["a/b/c"]"#, "{}", policy),
        Err("manifest roots [a/b/c] do not permit 'package a.b' in module 'b/p.rego'".to_owned())
    );
    let deep = format!("{}1{}", "{\"a\": ".repeat(9_000), "}".repeat(9_000));
    assert!(bundle(r#"["a/b"]"#, &deep, policy).is_err());
}

#[test]
fn what_is_written_is_read_again() {
    let long = format!(
        "/a/{}/p\u{e9}.rego",
        "long/".repeat(40).trim_end_matches('/')
    );
    let mut bundle = read(&[
        (
            "/.manifest",
            r#"{"revision": "1", "roots": ["a"], "metadata": {"k": "<"}}"#,
        ),
        (
            "/a/data.json",
            r#"{"n": 1.50, "big": 123456789012345678901234567890}"#,
        ),
        (&long, "package a.p\nx := data.a.n\n"),
    ])
    .expect("a bundle");
    let packed = bundle.write().expect("an archive");
    assert_eq!(packed, bundle.write().expect("an archive"));
    let files = unpack(&packed, &Limits::default()).expect("files");
    assert_eq!(files, bundle.files());
    let again = Bundle::read(files, &ReadOptions::new("b", Origin::Archive)).expect("a bundle");
    assert_eq!(again.data_json(), bundle.data_json());
    assert_eq!(again.manifest, bundle.manifest);
    assert_eq!(again.modules[0].relative, format!("/b{long}"));

    // Signed, it verifies with its key only.
    let key = SigningKey {
        key: "secret".to_owned(),
        algorithm: "HS256".to_owned(),
        claims: None,
        id: "k".to_owned(),
    };
    bundle.sign(&key, &mut NoHost).expect("a signature");
    let verified = |secret: &str, change: &dyn Fn(&mut Vec<File>)| {
        let mut files = bundle.files();
        change(&mut files);
        let key = VerificationKey {
            id: "k".to_owned(),
            key: secret.to_owned(),
            algorithm: "HS256".to_owned(),
            scope: String::new(),
            exclude: Vec::new(),
        };
        let options = ReadOptions {
            verification: Verification::Key(&key),
            ..ReadOptions::new("b", Origin::Archive)
        };
        Bundle::read(files, &options)
            .map(drop)
            .map_err(|error| error.message)
    };
    assert_eq!(verified("secret", &|_| ()), Ok(()));
    assert_eq!(
        verified("secret", &|files| files[0].bytes =
            b" {\"a\":{\"n\":1.50,\n\"big\":123456789012345678901234567890}}"
                .to_vec()),
        Ok(())
    );
    let refused = [
        verified("other", &|_| ()),
        verified("secret", &|files| files[0].bytes = b"{}".to_vec()),
        verified("secret", &|files| files[1].bytes.push(b'\n')),
        verified("secret", &|files| drop(files.remove(1))),
        verified("secret", &|files| {
            files.push(File::new("/new.rego", "package n\n"))
        }),
        verified("secret", &|files| {
            files.retain(|file| file.path != "/.signatures.json")
        }),
    ];
    for refused in refused {
        assert!(refused.is_err());
    }
}

#[test]
fn programs_of_bundles_answer_as_their_policies() {
    let files = [
        ("/.manifest", r#"{"roots": ["a"]}"#),
        ("/a/data.json", r#"{"users": ["alice"]}"#),
        (
            "/a/p.rego",
            "package a.p\nallow if input.user in data.a.users\n",
        ),
    ];
    let mut bundle = read(&files).expect("a bundle");
    let mut engine = Engine::new();
    engine.add_bundle(&bundle).expect("a bundle");
    let policy = engine.prepare("data.a.p.allow").expect("a policy");
    bundle.set_program(&policy, vec!["a/p/allow".to_owned()]);

    let read_again = |change: &dyn Fn(&mut Vec<File>)| {
        let mut files = bundle.files();
        change(&mut files);
        Bundle::read(files, &ReadOptions::new("b.tar.gz", Origin::Archive)).expect("a bundle")
    };
    let asked = |bundle: &Bundle, user: &str| {
        let policy = bundle
            .prepare_program()
            .expect("usable")
            .expect("a program");
        let input = format!("{{\"user\": \"{user}\"}}");
        let answer = policy
            .session()
            .eval_json(input.as_bytes())
            .map(|a| a.is_undefined());
        !answer.expect("an answer")
    };
    // The program was made of other names: they are the same once it is written.
    let written = read_again(&|_| ());
    assert!(written.prepare_program().is_err());
    let mut written = read_again(&|files| files.retain(|file| !file.path.ends_with("regovm")));
    written.set_program(&policy, vec!["a/p/allow".to_owned()]);
    assert!(asked(&written, "alice") && !asked(&written, "bob"));

    // Another policy, another root, a damaged program.
    let mut changed = written.clone();
    changed.modules[0].text.push(b'\n');
    let mut elsewhere = written.clone();
    elsewhere.manifest.roots = Some(vec!["b".to_owned()]);
    let mut damaged = written.clone();
    if let Some(program) = &mut damaged.program {
        program.truncate(program.len() - 10);
    }
    for bundle in [changed, elsewhere, damaged] {
        assert!(bundle.prepare_program().is_err());
    }
}

#[test]
fn damaged_bundles_of_opa_never_panic() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../cli/tests/as_opa/files/bundles"
    );
    let mut random = 7_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % below
    };
    for name in ["authz.tar.gz", "both.tar.gz", "signed.tar.gz"] {
        let bytes = std::fs::read(format!("{folder}/{name}")).expect(name);
        let files = unpack(&bytes, &Limits::default()).expect(name);
        for _ in 0..300 {
            let mut packed = bytes.clone();
            let mut unpacked = files.clone();
            for _ in 0..=next(4) {
                let at = next(packed.len());
                packed[at] = next(256) as u8;
                let which = next(unpacked.len());
                let file = &mut unpacked[which];
                let at = next(file.bytes.len());
                file.bytes[at] = next(256) as u8;
            }
            // What comes of it does not matter.
            let _ = unpack(&packed, &Limits::default());
            let options = ReadOptions::new(name, Origin::Archive);
            if let Ok(bundle) = Bundle::read(unpacked, &options) {
                let _ = Engine::new().add_bundle(&bundle);
                let _ = bundle.prepare_program();
                let _ = regovm::bundle::merge(vec![bundle], RegoVersion::V1);
            }
        }
    }
}
