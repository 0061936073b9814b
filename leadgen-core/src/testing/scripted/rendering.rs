//! Pages as they stand in the end, known by heart.

use std::collections::BTreeMap;

use async_trait::async_trait;
use url::Url;

use crate::domain::page::{Ask, AskKind};
use crate::error::{Error, Result};
use crate::ports::fetch::Page;
use crate::ports::render::{PageRenderer, Supply};

use super::{Faults, Shared};

/// Knows what some pages ask for, in order, and what they show then: `{}` stands for all that they were given. Any other page
/// is shown as it came.
///
/// ```
/// use leadgen_core::testing::scripted::ScriptedRenderer;
///
/// let browser = ScriptedRenderer::new().page("https://denta-lux.ru/", ["https://denta-lux.ru/api"], "<p>{}</p>");
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedRenderer(Shared<Memory>);

#[derive(Debug, Default)]
struct Memory {
    pages: BTreeMap<String, (Vec<Url>, String)>,
    faults: Faults,
    rendered: Vec<Url>,
    refused: Vec<(Url, String)>,
}

impl ScriptedRenderer {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self(Shared::new(Memory::default()))
    }

    /// A page, what its scripts read, and what it shows then.
    #[must_use]
    pub fn page<'a>(self, url: &str, asks: impl IntoIterator<Item = &'a str>, shown: &str) -> Self {
        let asks = asks.into_iter().filter_map(|ask| Url::parse(ask).ok()).collect();
        self.0.lock().pages.insert(url.to_owned(), (asks, shown.to_owned()));
        self
    }

    /// The next page can't be rendered.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.0.lock().faults.add(error);
        self
    }

    /// Every page that was rendered, in order.
    pub fn rendered(&self) -> Vec<Url> {
        self.0.lock().rendered.clone()
    }

    /// What pages asked for and did not get, with the code of the refusal.
    pub fn refused(&self) -> Vec<(Url, String)> {
        self.0.lock().refused.clone()
    }
}

impl Default for ScriptedRenderer {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl PageRenderer for ScriptedRenderer {
    async fn render(&self, page: &Page, supply: &dyn Supply) -> Result<Page> {
        let known = {
            let mut memory = self.0.lock();
            memory.faults.next()?;
            memory.rendered.push(page.url.clone());
            memory.pages.get(page.url.as_str()).cloned()
        };
        let Some((asks, shown)) = known else { return Ok(page.clone()) };
        let mut given = String::new();
        for url in asks {
            let ask = Ask { url: url.clone(), method: "GET".into(), kind: AskKind::Data };
            match supply.supply(&ask).await {
                Ok(page) => given.push_str(&String::from_utf8_lossy(&page.body)),
                Err(error) => self.0.lock().refused.push((url, error.machine_code().to_owned())),
            }
        }
        let content_type = Some("text/html; charset=utf-8".to_owned());
        Ok(Page { body: shown.replace("{}", &given).into_bytes(), content_type, ..page.clone() })
    }
}
