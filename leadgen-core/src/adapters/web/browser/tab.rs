//! The life of one page in the browser: opened, given what it may have, taken as it stands.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::domain::page::Validators;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;
use crate::ports::render::Supply;
use crate::rules::rendering::is_same_site;

use super::pipe::Pipe;
use super::protocol::{Heard, Paused};

/// A page that was given nothing for so long has come to rest.
const QUIET: Duration = Duration::from_millis(800);
/// So long if it still waits for something that it will not get.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time to say how it stands once its own is over.
const SNAPSHOT: Duration = Duration::from_secs(5);
/// Things a page may ask for, refused ones counted, before it is taken as it stands.
const MOST_ASKED: usize = 2000;
/// The size of a page, as for pages that are fetched.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How a page stands, told from a world of our own that its scripts can't reach into.
const STANDS: &str = "(() => { const all = document.documentElement ? document.documentElement.outerHTML : '';
    return { url: location.href, html: all.slice(0, MOST).toWellFormed(), cut: all.length > MOST }; })()";

/// A page under way.
pub(super) struct Tab<'a, R, W> {
    pipe: Pipe<R, W>,
    page: &'a Page,
    supply: &'a dyn Supply,
    said: u64,
    target: String,
    session: String,
    /// The page itself was handed in.
    is_given: bool,
    /// When it got something the last time.
    given: Instant,
    asked: usize,
}

/// Something happened.
enum Event {
    Heard(Result<Heard>),
    Got(Paused, Box<Result<Page>>),
}

type Got<'a> = FuturesUnordered<BoxFuture<'a, (Paused, Result<Page>)>>;

/// What the browser is.
pub(super) async fn version<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(mut pipe: Pipe<R, W>) -> Result<String> {
    pipe.say(&json!({"id": 1, "method": "Browser.getVersion"})).await?;
    loop {
        if let Heard::Answer { id: 1, outcome } = pipe.hear().await? {
            return Ok(outcome?["product"].as_str().unwrap_or("a browser without a name").chars().take(80).collect());
        }
    }
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Tab<'a, R, W> {
    /// An empty page, in which every request is held.
    pub(super) async fn open(pipe: Pipe<R, W>, page: &'a Page, supply: &'a dyn Supply) -> Result<Self> {
        let (target, session) = (String::new(), String::new());
        let mut tab = Self { pipe, page, supply, said: 0, target, session, is_given: false, given: Instant::now(), asked: 0 };
        tab.call("Browser.setDownloadBehavior", json!({"behavior": "deny"})).await?;
        // Asked of the browser, not of the page: frames, workers and windows are held alike.
        tab.call("Fetch.enable", json!({"patterns": [{"urlPattern": "*"}]})).await?;
        tab.target = text(&tab.call("Target.createTarget", json!({"url": "about:blank"})).await?["targetId"])?;
        let attached = tab.call("Target.attachToTarget", json!({"targetId": tab.target, "flatten": true})).await?;
        tab.session = text(&attached["sessionId"])?;
        // What else comes to be stands still until it is closed.
        let beside = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        tab.call_browser("Target.setAutoAttach", beside).await?;
        tab.call("Page.enable", json!({})).await?;
        tab.call("Network.enable", json!({})).await?;
        tab.call("Network.setBypassServiceWorker", json!({"bypass": true})).await?;
        Ok(tab)
    }

    /// Gives the page what it may have until it rests or its time is over, then takes it as it stands.
    pub(super) async fn render(mut self, deadline: Duration) -> Result<Page> {
        let end = Instant::now() + deadline;
        self.say("Page.navigate", json!({"url": self.page.url.as_str()})).await?;
        self.run(end).await?;
        let late = || Error::new(ErrorKind::Unavailable, "render a page").code("browser_deadline").detail("its scripts don't end");
        timeout_at(end + SNAPSHOT, self.snapshot()).await.map_err(|_| late())?
    }

    async fn run(&mut self, end: Instant) -> Result<()> {
        let mut got: Got<'a> = FuturesUnordered::new();
        let mut is_loaded = false;
        while self.asked < MOST_ASKED {
            let rests = self.given + if is_loaded { QUIET } else { PATIENCE };
            let until = if self.is_given && got.is_empty() { rests.min(end) } else { end };
            // Looked at here too: a page that never stops talking would be listened to for ever.
            if Instant::now() >= until {
                break;
            }
            let Ok(event) = timeout_at(until, self.next(&mut got)).await else { break };
            match event {
                Event::Got(paused, outcome) => self.answer(&paused, *outcome).await?,
                Event::Heard(heard) => match heard? {
                    Heard::Paused(paused) => self.look_after(paused, &mut got).await?,
                    Heard::Loaded => (is_loaded, self.given) = (true, Instant::now()),
                    other => self.aside(other).await?,
                },
            }
        }
        Ok(())
    }

    async fn next(&mut self, got: &mut Got<'a>) -> Event {
        tokio::select! {
            heard = self.pipe.hear() => Event::Heard(heard),
            Some((paused, outcome)) = got.next(), if !got.is_empty() => Event::Got(paused, Box::new(outcome)),
        }
    }

    /// The page itself is there already; anything else is asked of the supply.
    async fn look_after(&mut self, paused: Paused, got: &mut Got<'a>) -> Result<()> {
        self.asked += 1;
        let Some(ask) = paused.ask.clone() else {
            return self.refuse(&paused).await;
        };
        let mut own = self.page.url.clone();
        own.set_fragment(None);
        if paused.is_document && !self.is_given && ask.url == own {
            self.is_given = true;
            return self.answer(&paused, Ok(self.page.clone())).await;
        }
        let supply = self.supply;
        got.push(Box::pin(async move {
            let outcome = supply.supply(&ask).await;
            (paused, outcome)
        }));
        Ok(())
    }

    async fn answer(&mut self, paused: &Paused, outcome: Result<Page>) -> Result<()> {
        let page = match outcome {
            Ok(page) if page.status >= 200 && page.status != 304 => page,
            _ => return self.refuse(paused).await,
        };
        self.given = Instant::now();
        let kind = page.content_type.as_deref().unwrap_or("text/html");
        // What a page opens is a page, and never a file to keep.
        let kind = if paused.is_document && !kind.to_ascii_lowercase().contains("html") { "text/html" } else { kind };
        let mut headers = vec![json!({"name": "content-type", "value": kind})];
        if let Some(origin) = &paused.origin {
            // Only hosts of one site come this far, and nothing of a person's is in it: its own scripts may read it.
            headers.push(json!({"name": "access-control-allow-origin", "value": origin}));
            headers.push(json!({"name": "access-control-allow-credentials", "value": "true"}));
        }
        let body = STANDARD.encode(&page.body);
        let answer = json!({"requestId": paused.id, "responseCode": page.status, "responseHeaders": headers, "body": body});
        self.say_browser("Fetch.fulfillRequest", answer).await.map(|_| ())
    }

    /// A page that may not be opened leaves the one that is there.
    async fn refuse(&mut self, paused: &Paused) -> Result<()> {
        let reason = if paused.is_document { "Aborted" } else { "BlockedByClient" };
        self.say_browser("Fetch.failRequest", json!({"requestId": paused.id, "errorReason": reason})).await.map(|_| ())
    }

    /// What needs no thought.
    async fn aside(&mut self, heard: Heard) -> Result<()> {
        match heard {
            Heard::Beside(target) if target != self.target => {
                self.say_browser("Target.closeTarget", json!({"targetId": target})).await.map(|_| ())
            }
            Heard::Dialog => self.say("Page.handleJavaScriptDialog", json!({"accept": false})).await.map(|_| ()),
            Heard::Paused(paused) => self.refuse(&paused).await,
            Heard::Crashed(session) if session == self.session => {
                Err(Error::new(ErrorKind::Unavailable, "render a page").code("browser_crashed"))
            }
            Heard::Beside(_) | Heard::Crashed(_) | Heard::Answer { .. } | Heard::Loaded | Heard::Other => Ok(()),
        }
    }

    async fn snapshot(&mut self) -> Result<Page> {
        let world = self.call("Page.createIsolatedWorld", json!({"frameId": self.target})).await?;
        let context = world["executionContextId"].as_u64().ok_or_else(|| unclear("no world of its own"))?;
        let expression = STANDS.replace("MOST", &MOST_BYTES.to_string());
        let shown = self.call("Runtime.evaluate", json!({"expression": expression, "contextId": context, "returnByValue": true})).await?;
        let stands = &shown["result"]["value"];
        let html = stands["html"].as_str().filter(|html| !html.is_empty()).ok_or_else(|| unclear("no page"))?;
        let mut at = Url::parse(stands["url"].as_str().unwrap_or_default()).map_err(|e| unclear("no address").because(e))?;
        at.set_fragment(None);
        if !is_same_site(&self.page.url, &at) {
            return Err(unclear("another page"));
        }
        let kept = html.floor_char_boundary(MOST_BYTES);
        Ok(Page {
            url: at,
            status: self.page.status,
            content_type: Some("text/html; charset=utf-8".into()),
            body: html.as_bytes()[..kept].to_vec(),
            truncated: self.page.truncated || stands["cut"].as_bool().unwrap_or(true) || kept < html.len(),
            validators: Validators::default(),
            spent: Duration::ZERO,
        })
    }

    /// Says something to the page and waits for the answer.
    async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.say(method, params).await?;
        self.answered(id).await
    }

    /// Says something to the browser and waits for the answer.
    async fn call_browser(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.say_browser(method, params).await?;
        self.answered(id).await
    }

    async fn answered(&mut self, id: u64) -> Result<Value> {
        loop {
            match self.pipe.hear().await? {
                Heard::Answer { id: to, outcome } if to == id => return outcome,
                other => self.aside(other).await?,
            }
        }
    }

    /// Before there is a page, all is said to the browser.
    async fn say(&mut self, method: &str, params: Value) -> Result<u64> {
        if self.session.is_empty() {
            return self.say_browser(method, params).await;
        }
        self.said += 1;
        let message = json!({"id": self.said, "method": method, "params": params, "sessionId": self.session});
        self.pipe.say(&message).await.map(|()| self.said)
    }

    async fn say_browser(&mut self, method: &str, params: Value) -> Result<u64> {
        self.said += 1;
        self.pipe.say(&json!({"id": self.said, "method": method, "params": params})).await.map(|()| self.said)
    }
}

fn unclear(what: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, "render a page").code("browser_protocol").detail(what)
}

fn text(value: &Value) -> Result<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| unclear("a name is missing"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use async_trait::async_trait;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

    use super::*;
    use crate::domain::page::Ask;

    /// Gives nothing.
    struct Nothing;

    #[async_trait]
    impl Supply for Nothing {
        async fn supply(&self, ask: &Ask) -> Result<Page> {
            Err(Error::new(ErrorKind::Rejected, format!("give {}", ask.url)))
        }
    }

    /// What a browser of bad faith says to a method, in place of the usual answer.
    type Lie = (&'static str, &'static str);

    const HELD: &str = r#"{"method":"Fetch.requestPaused","params":{"requestId":"1","resourceType":"Document","request":{"url":"https://site.ru/","method":"GET"}}}"#;

    /// Said without end.
    const FLOOD: &str = r#"{"method":"Page.loadEventFired"}"#;

    /// Answers as a browser would, but for one lie; `#` stands for the number asked by. Ends after it where it says `END`.
    async fn browser(far: DuplexStream, lie: Lie) {
        let (input, mut output) = tokio::io::split(far);
        let mut input = BufReader::new(input);
        let mut message = Vec::new();
        while input.read_until(0, &mut message).await.is_ok_and(|count| count > 0) {
            message.pop();
            let asked: Value = serde_json::from_slice(&message).unwrap();
            message.clear();
            let (id, method) = (asked["id"].to_string(), asked["method"].as_str().unwrap());
            let usual = match method {
                "Target.createTarget" => r#"{"id":#,"result":{"targetId":"T"}}"#,
                "Target.attachToTarget" => r#"{"id":#,"result":{"sessionId":"S"}}"#,
                "Page.navigate" => HELD,
                "Fetch.fulfillRequest" => r#"{"method":"Page.loadEventFired"}"#,
                "Page.createIsolatedWorld" => r#"{"id":#,"result":{"executionContextId":3}}"#,
                "Runtime.evaluate" => {
                    r#"{"id":#,"result":{"result":{"value":{"url":"https://site.ru/#top","html":"<p>info@site.ru","cut":false}}}}"#
                }
                _ => r#"{"id":#,"result":{}}"#,
            };
            let said = if method == lie.0 { lie.1 } else { usual };
            if said == "END" {
                return;
            }
            for said in said.split('\n') {
                let said = said.replace("\"id\":#", &format!("\"id\":{id}"));
                if output.write_all(format!("{said}\0").as_bytes()).await.is_err() {
                    return;
                }
            }
            if method == lie.0 && lie.1 == FLOOD {
                while output.write_all(format!("{FLOOD}\0").as_bytes()).await.is_ok() {}
            }
        }
    }

    async fn rendered(lie: Lie) -> Result<Page> {
        let page = Page {
            url: Url::parse("https://site.ru/").unwrap(),
            status: 200,
            content_type: None,
            body: b"<script>".to_vec(),
            truncated: false,
            validators: Validators::default(),
            spent: Duration::ZERO,
        };
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(near);
        let mut far = tokio::spawn(browser(far, lie));
        let ends = async { Tab::open(Pipe::new(input, output), &page, &Nothing).await?.render(Duration::from_secs(2)).await };
        let ended = tokio::time::timeout(Duration::from_secs(10), ends).await.expect("it ends by itself");
        far.abort();
        let _ = (&mut far).await;
        ended
    }

    #[tokio::test]
    async fn a_page_is_taken_as_the_browser_says_it_stands() {
        let page = rendered(("", "")).await.unwrap();
        assert_eq!((page.url.as_str(), page.body.as_slice()), ("https://site.ru/", &b"<p>info@site.ru"[..]));
    }

    #[tokio::test]
    async fn a_browser_of_bad_faith_is_an_error_and_never_a_panic() {
        for (method, lie, code) in [
            ("Browser.setDownloadBehavior", "garbage", "browser_protocol"),
            ("Fetch.enable", "END", "browser_ended"),
            ("Fetch.enable", r#"{"id":#,"error":{"code":-32000,"message":"no"}}"#, "browser_refused"),
            ("Fetch.enable", r#"{"id":#}"#, "browser_protocol"),
            ("Target.createTarget", r#"{"id":#,"result":{}}"#, "browser_protocol"),
            ("Target.attachToTarget", r#"{"id":#,"result":{"sessionId":7}}"#, "browser_protocol"),
            ("Page.navigate", r#"{"method":"Fetch.requestPaused","params":{"requestId":null}}"#, "browser_protocol"),
            ("Page.navigate", r#"{"method":"Inspector.targetCrashed","sessionId":"S"}"#, "browser_crashed"),
            ("Page.createIsolatedWorld", r#"{"id":#,"result":{"executionContextId":"x"}}"#, "browser_protocol"),
            ("Runtime.evaluate", r#"{"id":#,"result":{"exceptionDetails":{}}}"#, "browser_protocol"),
            ("Runtime.evaluate", r#"{"id":#,"result":{"result":{"value":{"url":"https://site.ru/","html":7}}}}"#, "browser_protocol"),
            ("Runtime.evaluate", r#"{"id":#,"result":{"result":{"value":{"url":"https://other.ru/","html":"x"}}}}"#, "browser_protocol"),
            ("Runtime.evaluate", r#"{"id":#,"result":{"result":{"value":{"url":"chrome-error://x/","html":"x"}}}}"#, "browser_protocol"),
            ("Runtime.evaluate", r#"{"id":99999,"result":{}}"#, "browser_deadline"),
        ] {
            let error = rendered((method, lie)).await.unwrap_err();
            assert_eq!(error.machine_code(), code, "{method}: {lie}");
        }
    }

    #[tokio::test]
    async fn what_says_little_or_too_much_is_taken_as_it_stands() {
        let odd = r#"{"method":"Fetch.requestPaused","params":{"requestId":"2"}}"#;
        let beside = r#"{"method":"Target.attachedToTarget","params":{"targetInfo":{"targetId":"X"}}}"#;
        let told: &'static str = format!("{odd}\n{beside}\n{HELD}\n{HELD}").leak();
        assert!(rendered(("Page.navigate", told)).await.is_ok(), "requests that can't be read are refused");
        assert_eq!(rendered(("Page.navigate", FLOOD)).await.unwrap_err().machine_code(), "browser_deadline", "and never stops");
        assert!(rendered(("Page.navigate", "{\"method\":\"x\"}")).await.is_ok(), "a page that never asks for itself");
    }
}
