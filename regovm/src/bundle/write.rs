//! A bundle becomes an archive.

use super::{Bundle, BundleError, File, PROGRAM, archive};

fn rooted(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

impl Bundle {
    /// Its files as they stand in an archive, in OPA's order: all data in one file, policies, the rest, the manifest.
    pub fn files(&self) -> Vec<File> {
        let mut files = vec![File::new("/data.json", self.data_json() + "\n")];
        let as_they_are = |list: &[super::ModuleFile]| -> Vec<File> {
            list.iter()
                .map(|file| File::new(rooted(&file.url), file.text.as_slice()))
                .collect()
        };
        files.extend(as_they_are(&self.modules));
        files.extend(as_they_are(&self.wasm));
        if self.signatures.tokens.is_some() {
            files.push(File::new("/.signatures.json", self.signatures.to_json()));
        }
        files.extend(as_they_are(&self.plans));
        if let Some(program) = &self.program {
            files.push(File::new(format!("/{PROGRAM}"), program.as_slice()));
        }
        if !self.manifest.is_empty() {
            files.push(File::new("/.manifest", self.manifest.to_json()));
        }
        files
    }

    /// The archive of the bundle: the same bytes whenever the bundle is the same.
    ///
    /// # Errors
    /// Two policies have the same name.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let files = self.files();
        let packed: Vec<(String, &[u8])> = files
            .iter()
            .map(|file| (file.path.clone(), file.bytes.as_slice()))
            .collect();
        archive::pack(&packed)
            .map_err(|error| BundleError::new(format!("the archive cannot be written: {error}")))
    }
}
