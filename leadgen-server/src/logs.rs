//! Logs: one JSON object a line on stdout, with `ts`, `level`, `stage`, `event` and ids. Secrets never appear, an address
//! of a person appears masked, whoever wrote the line.

use std::fmt;
use std::io::Write;

use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::rules::mask;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber, error};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The stage of lines that belong to none.
const NO_STAGE: &str = "server";

/// Starts the logs. `filter` is a level or a filter of `tracing`; `secrets` are blotted out wherever they turn up.
pub(crate) fn start(filter: &str, secrets: Vec<String>) -> Result<()> {
    let bad = |e| Error::new(ErrorKind::Config, "read the filter of LOG_LEVEL").code("config_invalid").because(e);
    let filter = EnvFilter::try_new(filter).map_err(bad)?;
    let lines = JsonLines { secrets, writer: std::io::stdout };
    let started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    started.map_err(|e| Error::new(ErrorKind::Config, "start the logs").because(e))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(place, why = panic.payload_as_str().unwrap_or("unknown"), "panic");
    }));
    Ok(())
}

/// Writes events as lines.
struct JsonLines<W> {
    secrets: Vec<String>,
    writer: W,
}

impl<W> JsonLines<W> {
    fn shown(&self, text: &str) -> String {
        mask::line(text, &self.secrets)
    }

    /// What a reader looks for first comes first.
    fn line(&self, level: &str, mut fields: Map<String, Value>) -> String {
        let event = fields.remove("message").unwrap_or_else(|| "-".into());
        let stage = fields.remove("stage").unwrap_or_else(|| NO_STAGE.into());
        let first =
            [("ts", SystemClock.now().to_string().into()), ("level", level.to_lowercase().into()), ("stage", stage), ("event", event)];
        let all = first.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(fields);
        let shown = all.map(|(name, value)| match value {
            Value::String(text) => format!("{}:{}", Value::String(name), Value::String(self.shown(&text))),
            other => format!("{}:{other}", Value::String(name)),
        });
        format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span.0.clone());
            }
        }
        let mut own = Fields::default();
        event.record(&mut own);
        fields.extend(own.0);
        let line = self.line(event.metadata().level().as_str(), fields);
        // Nobody is left to tell if stdout is gone.
        drop(writeln!(self.writer.make_writer(), "{line}"));
    }
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::{Arc, Mutex};

    use tracing::{info, info_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines_of(work: impl FnOnce()) -> Vec<Map<String, Value>> {
        let page = Page::default();
        let writer = page.clone();
        let lines = JsonLines { secrets: vec!["sesam-7".into()], writer: move || writer.clone() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_names_time_level_stage_event_and_the_ids_of_its_spans() {
        let lines = lines_of(|| {
            let _span = info_span!("work", stage = "poll", item = "a-1").entered();
            warn!(code = "timeout", tries = 2, "given back");
        });

        let line = &lines[0];
        for (field, value) in [("level", "warn"), ("stage", "poll"), ("event", "given back"), ("item", "a-1"), ("code", "timeout")] {
            assert_eq!(line[field], value, "{field}");
        }
        assert_eq!(line["tries"], 2);
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn no_secret_and_no_whole_address_reaches_a_line() {
        let lines = lines_of(|| {
            let _span = info_span!("login", user = "anna@firma.ru").entered();
            info!(text = %"535 sesam-7 refused for anna@firma.ru", "answer of info@denta-lux.ru");
        });

        let text = serde_json::to_string(&lines).unwrap();
        assert!(!text.contains("sesam-7") && !text.contains("anna@") && !text.contains("info@"), "{text}");
        assert!(text.contains("an***@firma.ru"), "{text}");
    }

    #[test]
    fn a_line_break_in_a_value_stays_within_its_line() {
        let lines = lines_of(|| info!(text = "one\ntwo", "three\nfour"));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["event"], "three\nfour");
    }
}
