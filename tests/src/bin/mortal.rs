//! The search stages as a process that stands still where its errand says, to be killed there.

use anyhow::Context;
use leadgen_tests::mortal::{Errand, live};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let text = std::env::args().nth(1).context("say the errand as JSON")?;
    let errand: Errand = serde_json::from_str(&text)?;
    live(errand).await
}
