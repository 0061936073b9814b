//! The browser that the settings ask for, where this build has one.

#[cfg(all(feature = "browser", unix))]
pub(crate) use built::{renderer, version};
#[cfg(not(all(feature = "browser", unix)))]
pub(crate) use not_built::{renderer, version};

#[cfg(all(feature = "browser", unix))]
mod built {
    use std::sync::Arc;

    use crate::adapters::web::{BrowserSettings, Chromium, Sandbox, installed};
    use crate::error::{Error, ErrorKind, Result};
    use crate::ports::render::PageRenderer;
    use crate::setup::settings::Settings;
    use crate::setup::wiring::web_contact;

    /// Who renders pages; none: nobody shall.
    pub(crate) fn renderer(settings: &Settings) -> Result<Option<Arc<dyn PageRenderer>>> {
        Ok(chromium(settings)?.map(|chromium| Arc::new(chromium) as Arc<dyn PageRenderer>))
    }

    /// Starts it once, and says what it is.
    pub(crate) async fn version(settings: &Settings) -> Result<Option<String>> {
        match chromium(settings)? {
            Some(chromium) => chromium.version().await.map(Some),
            None => Ok(None),
        }
    }

    fn chromium(settings: &Settings) -> Result<Option<Chromium>> {
        let Some(browser) = &settings.web.browser else { return Ok(None) };
        let missing = || {
            Error::new(ErrorKind::Config, "find a Chromium")
                .code("browser_missing")
                .detail("it is in none of the usual places: install one, or set LEADGEN_WEB_BROWSER to its path")
        };
        Ok(Some(Chromium::new(BrowserSettings {
            program: browser.program.clone().or_else(installed).ok_or_else(missing)?,
            sandbox: if browser.sandbox { Sandbox::On } else { Sandbox::Off },
            deadline: browser.deadline,
            contact: web_contact(settings),
            folder: None,
        })))
    }
}

/// A build that renders nothing says so where it is asked to.
#[cfg(not(all(feature = "browser", unix)))]
mod not_built {
    use std::sync::Arc;

    use crate::error::{Error, ErrorKind, Result};
    use crate::ports::render::PageRenderer;
    use crate::setup::settings::Settings;

    pub(crate) fn renderer(settings: &Settings) -> Result<Option<Arc<dyn PageRenderer>>> {
        if settings.web.browser.is_none() {
            return Ok(None);
        }
        Err(Error::new(ErrorKind::Config, "render pages by a Chromium")
            .code("browser_not_built")
            .detail("LEADGEN_WEB_BROWSER is set and this program is built without it: build with --features browser, or set it to off"))
    }

    pub(crate) fn version(settings: &Settings) -> impl Future<Output = Result<Option<String>>> {
        std::future::ready(renderer(settings).map(|_| None))
    }
}
