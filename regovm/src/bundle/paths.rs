//! Paths with slashes, and patterns of them, as Go has them.

/// The shortest path that means the same: without empty elements, `.` and resolved `..`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Two paths as one; an empty one adds nothing.
pub fn join(first: &str, second: &str) -> String {
    match (first, second) {
        ("", "") => String::new(),
        ("", path) | (path, "") => clean(path),
        (first, second) => clean(&format!("{first}/{second}")),
    }
}

/// The last element.
pub fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// The path without its last element.
pub fn folder(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => clean(&path[..=at]),
        None => ".".to_owned(),
    }
}

/// If a pattern of a shell matches all of a path: `*`, `?` and classes, none of which matches a slash. A pattern that is
/// none matches nothing.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), path.chars().collect());
    // Where to go on after the last star: behind it in the pattern, and one character on in the path.
    let mut back: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    loop {
        let step = match pattern.get(p) {
            None if t == path.len() => return true,
            None => None,
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(_) => path.get(t).and_then(|c| single(&pattern[p..], *c)),
        };
        match (step, back) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((after, from))) if path.get(from).is_some_and(|c| *c != '/') => {
                back = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
            (None, _) => return false,
        }
    }
}

/// The length of the pattern's first element if that matches a character.
fn single(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => (c != '/').then_some(1),
        ['\\', literal, ..] => (*literal == c).then_some(2),
        ['[', ..] => class(pattern, c),
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// `[a-c]`, `[^a]`
fn class(pattern: &[char], c: char) -> Option<usize> {
    let negated = pattern.get(1) == Some(&'^');
    let mut at = if negated { 2 } else { 1 };
    let first = at;
    let mut found = false;
    let literal = |at: &mut usize| -> Option<char> {
        if pattern.get(*at) == Some(&'\\') {
            *at += 1;
        }
        let c = pattern.get(*at).copied();
        *at += 1;
        c
    };
    while pattern.get(at) != Some(&']') || at == first {
        let low = literal(&mut at)?;
        let high = if pattern.get(at) == Some(&'-') {
            at += 1;
            literal(&mut at)?
        } else {
            low
        };
        found |= (low..=high).contains(&c);
    }
    (found != negated && c != '/').then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, cleaned) in [
            ("", "."),
            ("./a//b/", "a/b"),
            ("/a/../b", "/b"),
            ("/../a", "/a"),
            ("../a", "../a"),
            ("a/../..", ".."),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
        assert_eq!(join("b/", "/a.rego"), "b/a.rego");
        assert_eq!(folder("/a/b.json"), "/a");
        assert_eq!(folder("b.json"), ".");
        assert_eq!(base("/a/b.json"), "b.json");
    }

    #[test]
    fn patterns_match_between_slashes() {
        for (pattern, path, matched) in [
            ("b/*.rego", "b/p.rego", true),
            ("b/*.rego", "b/c/p.rego", false),
            ("*/*", "a/b", true),
            ("a?c", "a/c", false),
            ("[a-c]*x", "bxyx", true),
            ("[^a]", "a", false),
            ("[^a]", "b", true),
            ("[", "[", false),
            (r"\*", "*", true),
            ("*", "", true),
            ("**", "ab", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, path), matched, "{pattern} {path}");
        }
    }
}
