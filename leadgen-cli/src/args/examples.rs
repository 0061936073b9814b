//! What `--help` of a command shows at its end. A test parses every line, and misses none of the commands.

use clap::Command;

/// A command and lines that show its use.
const EXAMPLES: &[(&str, &[&str])] = &[
    #[cfg(feature = "sandbox")]
    ("demo", &["leadgen demo", "leadgen demo --dir /tmp/demo --json"]),
    #[cfg(feature = "sandbox")]
    ("sandbox", &["leadgen sandbox --env-file town.env", "leadgen sandbox --serp saved-answers --sites saved-sites"]),
    ("migrate up", &["leadgen migrate up", "leadgen --database-url postgres://leadgen@localhost/leadgen migrate up"]),
    ("migrate status", &["leadgen migrate status"]),
    ("intake sync", &["leadgen intake sync --dry-run", "leadgen intake sync --batch-tag 2026-01"]),
    (
        "intake import",
        &["leadgen intake import niches.csv --dry-run", "leadgen intake import niches.xlsx --map niche=Сфера --batch-tag 2026-01"],
    ),
    ("companies import", &["leadgen companies import domains.csv", "leadgen companies import firms.tsv --batch-tag fair --dry-run"]),
    ("search now", &["leadgen search now стоматология --city Казань", "leadgen search now стоматология --city Казань --pages 3 --dry-run"]),
    ("search submit", &["leadgen search submit --dry-run", "leadgen search submit --batch 2026-01"]),
    ("search poll", &["leadgen search poll"]),
    ("plan", &["leadgen plan niches.csv", "leadgen plan --niche стоматология --city Казань"]),
    ("forecast", &["leadgen forecast", "leadgen forecast --batch 2026-01 --json"]),
    ("replay", &["leadgen replay --from ingest --dry-run", "leadgen replay --from enrich"]),
    ("doctor", &["leadgen doctor", "leadgen doctor --json"]),
    ("run", &["leadgen run --once", "leadgen run --stage enrich --stage draft --batch 2026-01"]),
    ("ingest", &["leadgen ingest", "leadgen ingest --batch 2026-01 --dry-run"]),
    ("dedupe", &["leadgen dedupe", "leadgen dedupe --dry-run", "leadgen dedupe --all"]),
    ("enrich", &["leadgen enrich", "leadgen enrich --batch 2026-01"]),
    ("draft", &["leadgen draft", "leadgen draft --again"]),
    ("send", &["leadgen send --dry-run"]),
    ("inbox", &["leadgen inbox"]),
    ("review pairs list", &["leadgen review pairs list", "leadgen review pairs list --state merged --json"]),
    ("review pairs confirm", &["leadgen review pairs confirm 3f2a"]),
    ("review pairs reject", &["leadgen review pairs reject 3f2a --by anna"]),
    ("review pairs undo", &["leadgen review pairs undo 3f2a"]),
    ("review list", &["leadgen review list", "leadgen review list --state in_doubt"]),
    ("review show", &["leadgen review show info@denta-lux.ru"]),
    ("review approve", &["leadgen review approve info@denta-lux.ru", "leadgen review approve --all 40 --batch 2026-01 --by anna"]),
    ("review reject", &["leadgen review reject info@denta-lux.ru --reason \"a competitor\""]),
    ("optout add", &["leadgen optout add info@denta-lux.ru", "leadgen optout add denta-lux.ru --reason \"asked by phone\""]),
    ("optout list", &["leadgen optout list --json"]),
    ("mailbox list", &["leadgen mailbox list"]),
    ("mailbox pause", &["leadgen mailbox pause gmail --reason \"a holiday\""]),
    ("mailbox resume", &["leadgen mailbox resume gmail"]),
    ("mailbox settle", &["leadgen mailbox settle info@denta-lux.ru sent"]),
    ("report funnel", &["leadgen report funnel", "leadgen report funnel --batch 2026-01 --json"]),
    ("report quality", &["leadgen report quality"]),
    ("report contacts", &["leadgen report contacts", "leadgen report contacts --json"]),
    ("report domains", &["leadgen report domains --limit 20"]),
    ("report states", &["leadgen report states"]),
    ("report cost", &["leadgen report cost"]),
    ("export companies", &["leadgen export companies -o companies.csv", "leadgen --json export companies --batch 2026-01"]),
    ("explain", &["leadgen explain denta-lux.ru"]),
    ("config show", &["leadgen config show"]),
    ("inspect url", &["leadgen inspect url HTTPS://Denta-Lux.RU/?utm_source=x info@почта.рф"]),
    ("inspect company", &["leadgen inspect company \"ООО «Дента Люкс»\" --domain denta-lux.ru"]),
    ("inspect match", &["leadgen inspect match \"Дента Люкс\" \"ООО Дента-Люкс\""]),
    ("inspect query", &["leadgen inspect query стоматология --city Казань"]),
    ("inspect night", &["leadgen inspect night 2026-01-13T18:00:00Z --count 3"]),
    ("inspect serp", &["leadgen inspect serp saved-answer.xml", "leadgen inspect serp --jsonl < paths.jsonl"]),
    (
        "inspect page",
        &[
            "leadgen inspect page contacts.html --url https://denta-lux.ru/contacts",
            "leadgen inspect page saved/index.html --url https://denta-lux.ru/ --render",
        ],
    ),
    ("inspect site", &["leadgen inspect site saved-sites/denta-lux.ru --domain denta-lux.ru"]),
    ("inspect email", &["leadgen inspect email info@denta-lux.ru"]),
    ("inspect phone", &["leadgen inspect phone \"Звоните: 8 (495) 204-51-38 доб. 12\"", "leadgen inspect phone --value tel:84952045138"]),
    ("inspect requisite", &["leadgen inspect requisite inn 7707083893"]),
    ("inspect robots", &["leadgen inspect robots robots.txt https://denta-lux.ru/admin"]),
    ("inspect target", &["leadgen inspect target http://127.0.0.1:8080/"]),
    ("inspect reply", &["leadgen inspect reply \"Не пишите мне больше\""]),
];

/// Ends the help of every command that has an example with it.
pub(crate) fn shown(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (path, lines)| {
        let path: Vec<&str> = path.split(' ').collect();
        let word = if lines.len() == 1 { "Example" } else { "Examples" };
        at(command, &path, &format!("{word}:\n  {}\n", lines.join("\n  ")))
    })
}

fn at(command: Command, path: &[&str], help: &str) -> Command {
    match path.split_first() {
        Some((name, rest)) if command.find_subcommand(name).is_some() => command.mut_subcommand(name, |inner| at(inner, rest, help)),
        Some(_) => command,
        None => command.after_help(help.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::args::Cli;

    /// A line as a shell would cut it: double quotes keep words together.
    fn words(line: &str) -> Vec<String> {
        let pieces = line.split('"').enumerate();
        pieces
            .flat_map(
                |(nth, piece)| if nth % 2 == 1 { vec![piece.to_owned()] } else { piece.split_whitespace().map(str::to_owned).collect() },
            )
            .collect()
    }

    fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name()).trim_start().to_owned();
            if inner.has_subcommands() { leaves(inner, &path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn all_companies_are_looked_at_in_earnest_or_not_at_all() {
        for line in ["leadgen dedupe --all --dry-run", "leadgen dedupe --all --batch b1"] {
            let refused = Cli::try_parse_from(words(line)).expect_err(line);
            assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict, "{line}");
        }
    }

    #[test]
    fn every_example_is_understood_and_shows_the_command_it_stands_under() {
        for (path, lines) in EXAMPLES {
            for line in *lines {
                let line = line.split(" < ").next().unwrap_or(line);
                Cli::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert!(line.contains(path.split(' ').next_back().unwrap_or(path)), "{line} stands under {path}");
            }
        }
    }

    #[test]
    fn every_command_has_an_example() {
        let mut all = Vec::new();
        leaves(&Cli::command(), "", &mut all);
        let without: Vec<&String> = all.iter().filter(|path| !EXAMPLES.iter().any(|(known, _)| known == path)).collect();
        assert!(without.is_empty(), "{without:?}");
        let help = shown(Cli::command()).find_subcommand_mut("explain").map(|c| c.render_help().to_string()).unwrap_or_default();
        assert!(help.contains("leadgen explain denta-lux.ru"), "{help}");
    }
}
