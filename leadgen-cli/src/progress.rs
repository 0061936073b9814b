//! A bar for each stage that has something to do, on a terminal; nothing elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use leadgen_core::domain::report::LaneLoad;
use leadgen_core::pipeline::STAGES;
use leadgen_core::pipeline::tally::Watch;

use crate::args::Cli;
use crate::output;

/// The bars of one command. A stage's bar appears with its first item.
#[derive(Clone)]
pub(crate) struct Bars(Option<Arc<Inner>>);

struct Inner {
    all: MultiProgress,
    stages: Mutex<HashMap<&'static str, ProgressBar>>,
    waiting: HashMap<String, u64>,
}

impl Bars {
    /// Bars if stderr is a terminal and nobody asked for quiet; `loads` says how much waits.
    pub(crate) fn new(cli: &Cli, loads: &[LaneLoad]) -> Self {
        let waiting = loads.iter().map(|load| (load.stage.clone(), load.waiting)).collect();
        Self(output::may_draw(cli).then(|| Arc::new(Inner { all: MultiProgress::new(), stages: Mutex::default(), waiting })))
    }

    /// What the pipeline tells about its items.
    pub(crate) fn watch(&self) -> Watch {
        let Some(inner) = self.0.clone() else { return Watch::default() };
        Watch::new(move |stage, items| inner.advance(stage, items))
    }

    /// Prints a line above the bars, or as it is where there are none.
    pub(crate) fn say(&self, line: &str) {
        match &self.0 {
            // A terminal that is gone takes no lines; the work goes on.
            Some(inner) => drop(inner.all.println(line)),
            None => eprintln!("{line}"),
        }
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        if let Some(inner) = &self.0 {
            drop(inner.all.clear());
        }
    }
}

impl Inner {
    fn advance(&self, stage: &'static str, items: u64) {
        let Ok(mut stages) = self.stages.lock() else { return };
        let bar = stages.entry(stage).or_insert_with(|| self.bar(stage));
        bar.inc(items);
        // Earlier stages bring later ones more than waited at the start.
        if bar.length().is_some_and(|length| length < bar.position()) {
            bar.set_length(bar.position());
        }
    }

    fn bar(&self, stage: &'static str) -> ProgressBar {
        let waiting = self.waiting.get(stage).copied().unwrap_or(0);
        let bar = ProgressBar::new(waiting).with_prefix(stage).with_message(at(stage));
        if let Ok(style) = ProgressStyle::with_template("{msg:>5} {prefix:8} {bar:30.cyan/blue} {pos}/{len}") {
            bar.set_style(style);
        }
        self.all.add(bar)
    }
}

fn at(stage: &str) -> String {
    let place = STAGES.iter().position(|known| *known == stage).map_or(0, |at| at + 1);
    format!("{place}/{}", STAGES.len())
}
