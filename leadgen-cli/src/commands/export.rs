//! `export companies`: csv, or JSON lines with `--json`.

use std::io::Write;

use anyhow::Context;
use leadgen_core::domain::report::CompanyLine;
use leadgen_core::ports::store::Exports;

use super::{Ground, report};
use crate::args::{Cli, ExportCommand};
use crate::output::End;

pub(crate) async fn run(cli: &Cli, command: &ExportCommand) -> anyhow::Result<End> {
    let ExportCommand::Companies { output, batch } = command;
    let ground = Ground::new(cli).await?;
    if let Some(batch) = batch
        && ground.is_unknown(batch).await?
    {
        return Ok(report::no_such_batch(cli, batch));
    }
    let companies = ground.store.companies(batch.as_deref()).await?;
    let text = if cli.json { json_lines(&companies)? } else { csv(&companies) };
    match output {
        Some(path) => std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))?,
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    Ok(if companies.is_empty() { End::Nothing } else { End::Done })
}

fn json_lines(companies: &[CompanyLine]) -> anyhow::Result<String> {
    let mut text = String::new();
    for company in companies {
        text.push_str(&serde_json::to_string(company)?);
        text.push('\n');
    }
    Ok(text)
}

/// Comma-separated with a header; cells that a spreadsheet would run as formulas are made harmless.
pub(crate) fn csv(companies: &[CompanyLine]) -> String {
    let header = "name,canonical_domain,website_url,industry,region,status,status_reason,redirected_to,email,emails,email_source,email_verification,phones,inn,ogrn,first_seen_at,last_seen_at,batch_tag\n";
    let mut text = header.to_owned();
    for c in companies {
        let cells = [
            &c.name,
            &c.canonical_domain,
            &c.website_url,
            &c.industry,
            &c.region,
            &c.status,
            &c.status_reason,
            &c.redirected_to,
            &c.email,
            &c.emails,
            &c.email_source,
            &c.email_verification,
            &c.phones,
            &c.inn,
            &c.ogrn,
            &c.first_seen_at,
            &c.last_seen_at,
            &c.batch_tag,
        ];
        text.push_str(&cells.map(|value| cell(value)).join(","));
        text.push('\n');
    }
    text
}

fn cell(value: &str) -> String {
    let safe = if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_formula_is_made_harmless_and_a_comma_is_quoted() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("+74952045138"), "'+74952045138");
        assert_eq!(cell("a,b"), "\"a,b\"");
    }
}
