//! Saved result pages in a folder as a search engine: no network, nothing paid. For rehearsals and for pages bought elsewhere.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, LARGEST_PAGE, RawPage, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::search::SearchProvider;

/// Reads the wire format of saved pages.
pub type Reader = fn(&[u8]) -> Result<Vec<Hit>>;

/// A folder of saved pages. A query gets the file named by its hash, else the first (by name) whose words all stand in its
/// text: `стоматология_Казань.xml` answers every query about dentists in Kazan. A second page is `…~1.xml`, a third `…~2.xml`.
#[derive(Debug)]
pub struct SavedSerps {
    pages: Vec<(String, PathBuf)>,
    reader: Reader,
}

impl SavedSerps {
    /// Looks through a folder for `*.xml`.
    pub fn open(folder: &Path, reader: Reader) -> Result<Self> {
        let failed = || Error::new(ErrorKind::Config, format!("read the folder {}", folder.display())).code("folder_unreadable");
        let mut pages = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| failed().because(e))? {
            let path = entry.map_err(|e| failed().because(e))?.path();
            if path.extension().is_some_and(|ending| ending == "xml") {
                pages.push((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path));
            }
        }
        pages.sort();
        if pages.is_empty() {
            return Err(failed().detail("it holds no *.xml"));
        }
        Ok(Self { pages, reader })
    }

    fn find(&self, query: &SearchQuery) -> Option<&Path> {
        let ending = if query.page == 0 { String::new() } else { format!("~{}", query.page) };
        let text = query.text.to_lowercase();
        let named = |stem: &str| {
            let (name, page) = stem.split_once('~').map_or((stem, ""), |(name, page)| (name, page));
            let is_page = if query.page == 0 { page.is_empty() } else { ending == format!("~{page}") };
            is_page.then(|| name.to_lowercase())
        };
        let by_hash = self.pages.iter().find(|(stem, _)| named(stem).is_some_and(|name| name == query.hash));
        let by_words = || {
            self.pages.iter().find(|(stem, _)| {
                named(stem).is_some_and(|name| name.split(['_', ' ']).filter(|word| !word.is_empty()).all(|word| text.contains(word)))
            })
        };
        by_hash.or_else(by_words).map(|(_, path)| path.as_path())
    }
}

#[async_trait]
impl SearchProvider for SavedSerps {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let Some(path) = self.find(query) else {
            return Err(Error::new(ErrorKind::Rejected, format!("find a saved page for {:?}", query.text)).code("no_saved_page"));
        };
        let failed = || Error::new(ErrorKind::Unavailable, format!("read {}", path.display())).code("file_unreadable");
        if std::fs::metadata(path).map_err(|e| failed().because(e))?.len() > LARGEST_PAGE as u64 {
            return Err(Error::new(ErrorKind::Rejected, format!("read {}", path.display())).code("answer_too_large"));
        }
        let bytes = std::fs::read(path).map_err(|e| failed().because(e))?;
        Ok(Submission::Ready(RawPage { bytes }))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        (self.reader)(&page.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_pages_or_that_is_none_is_named() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for folder in [source.clone(), source.join("nowhere")] {
            let error = SavedSerps::open(&folder, |_| Ok(vec![])).expect_err("no pages");
            assert_eq!(error.machine_code(), "folder_unreadable");
            assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
        }
    }
}
