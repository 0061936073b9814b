//! The suite of whoever renders pages.

use std::sync::Mutex;

use async_trait::async_trait;
use url::Url;

use crate::domain::page::{Ask, AskKind, Validators};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;
use crate::ports::render::{PageRenderer, Supply};

/// Gives one thing, refuses the rest, and remembers what was asked.
struct One {
    url: Url,
    body: &'static str,
    asked: Mutex<Vec<Ask>>,
}

#[async_trait]
impl Supply for One {
    async fn supply(&self, ask: &Ask) -> Result<Page> {
        self.asked.lock().expect("nobody panics with it").push(ask.clone());
        if ask.url != self.url {
            return Err(Error::new(ErrorKind::Rejected, format!("give {}", ask.url)).code("not_for_pages"));
        }
        Ok(page(&ask.url, "application/json", self.body))
    }
}

fn page(url: &Url, content_type: &str, body: &str) -> Page {
    Page {
        url: url.clone(),
        status: 200,
        content_type: Some(content_type.to_owned()),
        body: body.as_bytes().to_vec(),
        truncated: false,
        validators: Validators::default(),
        spent: std::time::Duration::ZERO,
    }
}

/// A renderer: a page that reads `/api` shows what it got there, is not asked for again, and what it is refused is no
/// failure. The scripted one must know the page `https://site.ru/` with that ask and [`"<p>{}</p>"`](super) as its end.
pub async fn renderer(renderer: &dyn PageRenderer) {
    let home = Url::parse("https://site.ru/").expect("an address");
    let script = "<html><body><p id=a></p><script>
        fetch('/refused').catch(() => 0);
        fetch('/api').then(answer => answer.text()).then(text => document.getElementById('a').textContent = text);
    </script></body></html>";
    let given = page(&home, "text/html; charset=utf-8", script);
    for _ in 0..2 {
        let supply = One { url: home.join("api").expect("an address"), body: "given by script", asked: Mutex::default() };
        let shown = renderer.render(&given, &supply).await.expect("a plain page is rendered");
        assert!(String::from_utf8_lossy(&shown.body).contains("given by script"), "the page stands as its scripts left it");
        assert_eq!((&shown.url, shown.status), (&home, 200), "it is still the same page");
        assert!(shown.content_type.is_some_and(|kind| kind.contains("html")), "and a page");
        let asked = supply.asked.lock().expect("nobody panics with it").clone();
        assert!(asked.iter().all(|ask| ask.url != home), "the page that was given is not asked for again");
        assert!(asked.iter().any(|ask| (ask.url.path(), ask.kind, ask.method.as_str()) == ("/api", AskKind::Data, "GET")), "{asked:?}");
    }
}
