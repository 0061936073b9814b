//! A saved page as a browser shows it once its scripts have run. No address is visited: what the page asks for comes from the
//! files saved beside it, or not at all.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::domain::page::{Ask, Validators};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;
use crate::ports::render::Supply;
use crate::rules::rendering;

use super::browser;
use super::settings::Settings;

/// Bytes of a file that are read.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The page of a file, found at an address, once its scripts have run. Other files of its folder are the rest of its site: `__`
/// in a file's name is `/`. Gives its bytes, UTF-8.
///
/// **Errors.** `Config` if no browser is set up, or this program is built without one; what the browser says if it breaks down.
pub async fn rendered(settings: &Settings, file: &Path, url: &Url) -> Result<Vec<u8>> {
    let off = || {
        Error::new(ErrorKind::Config, "render a page")
            .code("browser_off")
            .detail("set LEADGEN_WEB_BROWSER to auto, or to the path of a Chromium; it needs a build with --features browser")
    };
    let renderer = browser::renderer(settings)?.ok_or_else(off)?;
    let body =
        read(file).map_err(|e| Error::new(ErrorKind::Malformed, format!("read {}", file.display())).code("file_unreadable").detail(e))?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let shown = renderer.render(&page_of(url, "text/html", body), &Beside { page: url, folder }).await?;
    Ok(shown.body)
}

/// The files beside a page.
struct Beside<'a> {
    page: &'a Url,
    folder: PathBuf,
}

#[async_trait]
impl Supply for Beside<'_> {
    async fn supply(&self, ask: &Ask) -> Result<Page> {
        let refused =
            |why: &'static str| Error::new(ErrorKind::Rejected, format!("give a page {}", ask.url)).code("not_for_pages").detail(why);
        if let Some(why) = rendering::refusal(self.page, ask) {
            return Err(refused(why));
        }
        let name = name_of(&ask.url).ok_or_else(|| refused("not_saved"))?;
        let body = read(&self.folder.join(&name)).map_err(|_| refused("not_saved"))?;
        Ok(page_of(&ask.url, type_of(&name), body))
    }
}

/// The file that a thing of the site is saved as: one of the folder itself, never one elsewhere.
fn name_of(url: &Url) -> Option<String> {
    let path = url.path().trim_matches('/');
    let name = if path.is_empty() { "index.html".to_owned() } else { path.replace('/', "__") };
    let is_plain = !name.starts_with('.') && !name.contains(['\\', '%', ':', '\0']);
    is_plain.then_some(name)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn page_of(url: &Url, content_type: &str, body: Vec<u8>) -> Page {
    let (url, content_type) = (url.clone(), Some(content_type.to_owned()));
    Page { url, status: 200, content_type, body, truncated: false, validators: Validators::default(), spent: Duration::ZERO }
}

fn type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js" | "mjs") => "text/javascript",
        Some("json") => "application/json",
        _ => "text/html",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_given_files_of_its_own_folder_alone() {
        for (address, name) in [
            ("https://spa.ru/static/app.js?v=2", Some("static__app.js")),
            ("https://spa.ru/", Some("index.html")),
            ("https://spa.ru/../../etc/passwd", Some("etc__passwd")),
            ("https://spa.ru/..%2f..%2fetc%2fpasswd", None),
            ("https://spa.ru/.env", None),
        ] {
            let url = Url::parse(address).expect("an address");
            assert_eq!(name_of(&url).as_deref(), name, "{address}");
        }
    }
}
