//! How many cases pass, by folder, and whether that is less than before.

use std::collections::BTreeMap;

/// Passed cases and all cases, by folder.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Score(BTreeMap<String, (usize, usize)>);

impl Score {
    /// Counts one case.
    pub fn add(&mut self, folder: &str, passed: bool) {
        let entry = self.0.entry(folder.to_owned()).or_default();
        entry.0 += usize::from(passed);
        entry.1 += 1;
    }

    /// Reads the lines of a snapshot: `v1/aggregates 74/75`.
    ///
    /// # Errors
    /// The first line that has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut out = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = line.rsplit_once(' ').and_then(|(folder, counts)| {
                let (passed, all) = counts.split_once('/')?;
                Some((folder.to_owned(), (passed.parse().ok()?, all.parse().ok()?)))
            });
            match entry {
                Some((folder, counts)) => out.insert(folder, counts),
                None => return Err(format!("line {}: expected `folder passed/all`", number + 1)),
            };
        }
        Ok(Self(out))
    }

    /// The lines of a snapshot.
    pub fn text(&self) -> String {
        let mut out =
            String::from("# Cases that pass, by folder. Written by `conformance --bless`.\n");
        for (folder, (passed, all)) in &self.0 {
            out += &format!("{folder} {passed}/{all}\n");
        }
        out
    }

    /// Folders that do worse than in the snapshot. Where all cases of a suite are
    /// absent (the caller knows), the snapshot's lines of it are left alone.
    pub fn fallen_below(&self, snapshot: &Score, present: impl Fn(&str) -> bool) -> Vec<String> {
        let mut out = Vec::new();
        for (folder, (before, all)) in &snapshot.0 {
            if !present(folder) {
                continue;
            }
            let now = self.0.get(folder).map_or(0, |(passed, _)| *passed);
            if now < *before {
                out.push(format!(
                    "{folder}: {now} pass, the snapshot has {before}/{all}"
                ));
            }
        }
        out
    }

    /// Folders that do better than in the snapshot, or are new.
    pub fn risen_above(&self, snapshot: &Score) -> usize {
        self.0
            .iter()
            .filter(|(folder, (now, all))| {
                snapshot
                    .0
                    .get(*folder)
                    .is_none_or(|(before, before_all)| now > before || all != before_all)
            })
            .count()
    }

    /// Takes over the lines of absent suites from an earlier snapshot.
    pub fn keep_absent(&mut self, snapshot: &Score, present: impl Fn(&str) -> bool) {
        for (folder, counts) in &snapshot.0 {
            if !present(folder) {
                self.0.insert(folder.clone(), *counts);
            }
        }
    }

    /// The folders with a failing case: name, passed, all.
    pub fn imperfect(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.0
            .iter()
            .filter(|(_, (passed, all))| passed < all)
            .map(|(f, (p, a))| (f.as_str(), *p, *a))
    }
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn a_fallen_score_is_noticed() {
        let snapshot = Score::parse("# text\nown/compile/parse 1/2\nv1/sets 2/2\n").unwrap();
        let mut score = Score::default();
        score.add("v1/sets", true);
        score.add("v1/sets", false);
        assert_eq!(
            score.fallen_below(&snapshot, |f| f.starts_with("v1")).len(),
            1
        );
        assert_eq!(
            score.fallen_below(&snapshot, |_| true).len(),
            2,
            "a folder that is gone has fallen to zero"
        );
        score.keep_absent(&snapshot, |f| f.starts_with("v1"));
        assert_eq!(Score::parse(&score.text()).unwrap(), score);
        assert!(Score::parse("v1/sets 2").is_err());
    }
}
