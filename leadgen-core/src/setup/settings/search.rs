//! The settings of searching: the provider, the sheet, nights, quotas, prices.

use std::time::Duration;

use crate::adapters::yandex::{FamilyMode, FixTypo, GroupMode, Localization, Period, Request, SearchType, SortMode, SortOrder};
use crate::domain::money::Money;
use crate::domain::policy::{Prices, Quota, SearchPolicy};
use crate::domain::query::SearchMode;
use crate::domain::time::NightWindow;

use super::reader::Reader;
use super::{Provider, Secret, Sheet};

impl Reader<'_> {
    pub(super) fn provider(&mut self) -> Provider {
        match self.text("LEADGEN_SEARCH_PROVIDER").to_lowercase().as_str() {
            "yandex" => Provider::Yandex,
            "files" => {
                let folder = self.needed("LEADGEN_SEARCH_FOLDER", "is missing while the provider is files");
                folder.map_or(Provider::Yandex, |folder| Provider::Files(folder.into()))
            }
            "searxng" => {
                let url = self.needed("LEADGEN_SEARXNG_URL", "is missing while the provider is searxng");
                let (language, engines) = (self.text("LEADGEN_SEARXNG_LANGUAGE"), self.text("LEADGEN_SEARXNG_ENGINES"));
                url.map_or(Provider::Yandex, |url| Provider::Searxng(url, language, engines))
            }
            _ => {
                self.problem("LEADGEN_SEARCH_PROVIDER", "allowed: yandex, files, searxng");
                Provider::Yandex
            }
        }
    }

    pub(super) fn sheet(&mut self) -> Sheet {
        let sync = self.flag("SHEET_SYNC_ENABLED");
        let id = self.set("GOOGLE_SHEET_ID");
        if sync && id.is_none() {
            self.problem("GOOGLE_SHEET_ID", "is missing while SHEET_SYNC_ENABLED is true");
        }
        Sheet {
            id,
            tab: self.text("GOOGLE_SHEET_TAB"),
            key_file: self.path("GOOGLE_SA_KEY_FILE"),
            key_json: self.set("GOOGLE_SA_KEY_JSON").map(Secret::new),
            sync,
            interval: Duration::from_mins(self.number_in("SHEET_SYNC_INTERVAL_MINUTES", 1, 10_080)),
            batch_tag: self.set("SHEET_SYNC_BATCH_TAG"),
            base_url: self.address("LEADGEN_SHEETS_URL"),
        }
    }

    pub(super) fn request(&mut self) -> Request {
        let default = Request::default();
        let words = |words: &[&str]| words.join(", ");
        Request {
            search_type: self.parsed("YANDEX_SEARCH_TYPE", &words(SearchType::WORDS), SearchType::parse).unwrap_or(default.search_type),
            family: self.parsed("YANDEX_FAMILY_MODE", &words(FamilyMode::WORDS), FamilyMode::parse).unwrap_or(default.family),
            fix_typo: self.parsed("YANDEX_FIX_TYPO", &words(FixTypo::WORDS), FixTypo::parse).unwrap_or(default.fix_typo),
            sort: self.parsed("YANDEX_SORT_MODE", &words(SortMode::WORDS), SortMode::parse).unwrap_or(default.sort),
            order: self.parsed("YANDEX_SORT_ORDER", &words(SortOrder::WORDS), SortOrder::parse).unwrap_or(default.order),
            group: self.parsed("YANDEX_GROUP_MODE", &words(GroupMode::WORDS), GroupMode::parse).unwrap_or(default.group),
            groups_on_page: self.number_in("YANDEX_GROUPS_ON_PAGE", 1, 100) as u32,
            docs_in_group: self.number_in("YANDEX_DOCS_IN_GROUP", 1, 3) as u32,
            max_passages: self.number_in("YANDEX_MAX_PASSAGES", 1, 5) as u32,
            localization: self
                .parsed("YANDEX_LOCALIZATION", &words(Localization::WORDS), Localization::parse)
                .unwrap_or(default.localization),
            period: self.parsed("YANDEX_PERIOD", &words(Period::WORDS), Period::parse).unwrap_or(default.period),
            user_agent: self.optional("YANDEX_USER_AGENT", "at most 300 characters", |t| (t.chars().count() <= 300).then(|| t.to_owned())),
            metadata: default.metadata,
        }
    }

    pub(super) fn quota(&mut self, env: &str) -> Quota {
        let read = |text: &str| {
            let parts: Option<Vec<u32>> = text.split('/').map(|part| part.trim().parse().ok().filter(|n| *n > 0)).collect();
            match parts?[..] {
                [per_second, per_minute, per_hour] => Some(Quota { per_second, per_minute, per_hour }),
                _ => None,
            }
        };
        self.parsed(env, "SECOND/MINUTE/HOUR, for example 10/600/35000", read).unwrap_or(Quota::DEFERRED)
    }

    pub(super) fn price(&mut self, env: &str) -> Money {
        self.parsed(env, "an amount for 1000 requests, for example 25.41", |t| Money::parse(t).ok()).unwrap_or_default().thousandth()
    }

    pub(super) fn search_policy(&mut self) -> SearchPolicy {
        let mut policy = self.yandex_policy();
        // Asking saved pages or an instance of one's own is free at any hour; only the pace is kept.
        if self.text("LEADGEN_SEARCH_PROVIDER").to_lowercase() != "yandex" {
            policy.prices =
                Prices { deferred_day: Money::ZERO, deferred_night: Money::ZERO, sync_day: Money::ZERO, sync_night: Money::ZERO };
            policy.mode = SearchMode::Synchronous;
            policy.enforce_night = false;
        }
        policy
    }

    pub(super) fn yandex_policy(&mut self) -> SearchPolicy {
        SearchPolicy {
            night: self.parsed("YANDEX_NIGHT_WINDOW_UTC", "HH:MM-HH:MM", |t| NightWindow::parse(t).ok()).unwrap_or(NightWindow::ALWAYS),
            enforce_night: self.flag("YANDEX_ENFORCE_NIGHT_WINDOW"),
            spacing: Duration::from_secs(self.number_in("YANDEX_SPACING_SECONDS", 1, 86_400)),
            max_retries: self.number_in("YANDEX_MAX_RETRIES", 1, 100) as u32,
            poll_interval: Duration::from_secs(self.number_in("YANDEX_POLL_INTERVAL_SECONDS", 1, 3600)),
            pages: self.number_in("YANDEX_PAGES", 1, 250) as u32,
            per_page: (self.number_in("YANDEX_GROUPS_ON_PAGE", 1, 100) * self.number_in("YANDEX_DOCS_IN_GROUP", 1, 3)) as u32,
            prices: Prices {
                deferred_day: self.price("LEADGEN_PRICE_DEFERRED_DAY"),
                deferred_night: self.price("LEADGEN_PRICE_DEFERRED_NIGHT"),
                sync_day: self.price("LEADGEN_PRICE_SYNC_DAY"),
                sync_night: self.price("LEADGEN_PRICE_SYNC_NIGHT"),
            },
            budget: self.optional("LEADGEN_BUDGET_SEARCH_RUB", "an amount, for example 500", |t| Money::parse(t).ok()),
            submit_quota: self.quota("LEADGEN_QUOTA_SUBMIT"),
            poll_quota: self.quota("LEADGEN_QUOTA_POLL"),
            keep_pages: Duration::from_hours(24 * self.number_in("LEADGEN_KEEP_PAGES_DAYS", 0, 3650)),
            ..SearchPolicy::default()
        }
    }
}
