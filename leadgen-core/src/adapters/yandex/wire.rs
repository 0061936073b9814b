//! The JSON of the service: requests as documented, answers read leniently.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::query::SearchQuery;
use crate::error::{Error, ErrorKind, Result};

/// An enum with the word people write and the word on the wire.
macro_rules! wire_words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal / $wire:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The words people may write.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Reads a word in any case.
            pub fn parse(text: &str) -> Option<Self> {
                match text.trim().to_lowercase().as_str() { $($word => Some(Self::$variant),)+ _ => None }
            }

            fn wire(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }
        }
    )+};
}

wire_words! {
    /// Which search is asked.
    SearchType {
        /// yandex.ru
        Russian = "ru" / "SEARCH_TYPE_RU",
        /// yandex.com.tr
        Turkish = "tr" / "SEARCH_TYPE_TR",
        /// yandex.com
        International = "com" / "SEARCH_TYPE_COM",
        /// yandex.kz
        Kazakh = "kk" / "SEARCH_TYPE_KK",
        /// yandex.by
        Belarusian = "be" / "SEARCH_TYPE_BE",
        /// yandex.uz
        Uzbek = "uz" / "SEARCH_TYPE_UZ",
    }
    /// The filter for adult pages.
    FamilyMode {
        /// No filter.
        None = "none" / "FAMILY_MODE_NONE",
        /// The usual one.
        Moderate = "moderate" / "FAMILY_MODE_MODERATE",
        /// The strict one.
        Strict = "strict" / "FAMILY_MODE_STRICT",
    }
    /// Whether typing errors are mended (which may replace the query silently).
    FixTypo {
        /// They are.
        On = "on" / "FIX_TYPO_MODE_ON",
        /// They are not.
        Off = "off" / "FIX_TYPO_MODE_OFF",
    }
    /// What results are sorted by.
    SortMode {
        /// How well they match.
        Relevance = "relevance" / "SORT_MODE_BY_RELEVANCE",
        /// Their age.
        Time = "time" / "SORT_MODE_BY_TIME",
    }
    /// The direction of sorting.
    SortOrder {
        /// Best or newest last.
        Ascending = "asc" / "SORT_ORDER_ASC",
        /// Best or newest first.
        Descending = "desc" / "SORT_ORDER_DESC",
    }
    /// How results are grouped.
    GroupMode {
        /// One document a group.
        Flat = "flat" / "GROUP_MODE_FLAT",
        /// By site.
        Deep = "deep" / "GROUP_MODE_DEEP",
    }
    /// The language of notices.
    Localization {
        /// Russian.
        Russian = "ru" / "LOCALIZATION_RU",
        /// Ukrainian.
        Ukrainian = "uk" / "LOCALIZATION_UK",
        /// Belarusian.
        Belarusian = "be" / "LOCALIZATION_BE",
        /// Kazakh.
        Kazakh = "kk" / "LOCALIZATION_KK",
        /// Turkish.
        Turkish = "tr" / "LOCALIZATION_TR",
        /// English.
        English = "en" / "LOCALIZATION_EN",
    }
    /// How old documents may be.
    Period {
        /// Any age.
        All = "all" / "PERIOD_ALL_TIME",
        /// A day.
        Day = "day" / "PERIOD_DAY",
        /// Two weeks.
        TwoWeeks = "2weeks" / "PERIOD_2_WEEKS",
        /// A month.
        Month = "month" / "PERIOD_MONTH",
    }
}

/// How a search is asked: everything but its text, region and page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which search.
    pub search_type: SearchType,
    /// Filter for adult pages.
    pub family: FamilyMode,
    /// Mending of typing errors.
    pub fix_typo: FixTypo,
    /// Sorted by.
    pub sort: SortMode,
    /// Direction.
    pub order: SortOrder,
    /// Grouping.
    pub group: GroupMode,
    /// Groups on a page, 1 to 100.
    pub groups_on_page: u32,
    /// Documents in a group, 1 to 3.
    pub docs_in_group: u32,
    /// Passages of a document, 1 to 5.
    pub max_passages: u32,
    /// Language of notices.
    pub localization: Localization,
    /// Age of documents.
    pub period: Period,
    /// Steers mobile or desktop results; at most 300 characters.
    pub user_agent: Option<String>,
    /// Further fields, for example `X-Forwarded-For-Y`.
    pub metadata: BTreeMap<String, String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            search_type: SearchType::Russian,
            family: FamilyMode::Moderate,
            fix_typo: FixTypo::On,
            sort: SortMode::Relevance,
            order: SortOrder::Descending,
            group: GroupMode::Deep,
            groups_on_page: 100,
            docs_in_group: 1,
            max_passages: 3,
            localization: Localization::Russian,
            period: Period::All,
            user_agent: None,
            metadata: BTreeMap::new(),
        }
    }
}

impl Request {
    /// Checks the bounds of the service.
    pub(super) fn checked(self) -> Result<Self> {
        let bad = |what: &str| Err(Error::new(ErrorKind::Config, "set the search up").code("request_settings").detail(what.to_owned()));
        if !(1..=100).contains(&self.groups_on_page) {
            return bad("groups on a page: 1 to 100");
        }
        if !(1..=3).contains(&self.docs_in_group) || !(1..=5).contains(&self.max_passages) {
            return bad("documents in a group: 1 to 3; passages: 1 to 5");
        }
        if self.user_agent.as_ref().is_some_and(|text| text.chars().count() > 300) {
            return bad("the user agent has at most 300 characters");
        }
        if self.metadata.len() > 64 || self.metadata.iter().any(|(key, value)| key.is_empty() || key.len() > 63 || value.len() > 1024) {
            return bad("metadata: at most 64 fields, keys of 1 to 63 characters, values of at most 1024");
        }
        Ok(self)
    }

    /// The body of a search. int64 fields are strings on this wire.
    pub(super) fn body(&self, query: &SearchQuery, folder_id: &str) -> Value {
        let mut body = json!({
            "query": {
                "searchType": self.search_type.wire(), "queryText": query.text, "familyMode": self.family.wire(),
                "page": query.page.to_string(), "fixTypoMode": self.fix_typo.wire(),
            },
            "sortSpec": {"sortMode": self.sort.wire(), "sortOrder": self.order.wire()},
            "groupSpec": {
                "groupMode": self.group.wire(), "groupsOnPage": self.groups_on_page.to_string(), "docsInGroup": self.docs_in_group.to_string(),
            },
            "maxPassages": self.max_passages.to_string(), "region": query.region.to_string(), "l10n": self.localization.wire(),
            "folderId": folder_id, "responseFormat": "FORMAT_XML",
        });
        // A newer field: sent only if asked for, so that an older service never meets it.
        if self.period != Period::All {
            body["period"] = json!(self.period.wire());
        }
        if let Some(agent) = &self.user_agent {
            body["userAgent"] = json!(agent);
        }
        if !self.metadata.is_empty() {
            body["metadata"] = json!({"fields": self.metadata});
        }
        body
    }
}

/// An operation: `done` may be absent (false), and an error is final whatever `done` says.
#[derive(Deserialize)]
pub(super) struct Operation {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) done: bool,
    pub(super) error: Option<Status>,
    pub(super) response: Option<RawData>,
}

/// A google.rpc.Status.
#[derive(Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

/// The page in base64.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawData {
    pub(super) raw_data: Option<String>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::flow::QueryState;

    fn query() -> SearchQuery {
        SearchQuery {
            id: SearchQuery::id_of("кофе", 54),
            niche_id: None,
            text: "кофе".into(),
            hash: String::new(),
            region: 54,
            trigger: None,
            niche: String::new(),
            city: String::new(),
            batch_tag: String::new(),
            state: QueryState::Pending,
            scheduled_for: crate::domain::time::Timestamp::default(),
            retry_count: 0,
            page: 2,
        }
    }

    #[test]
    fn a_request_has_the_documented_form() {
        let expected = r#"{"query":{"searchType":"SEARCH_TYPE_RU","queryText":"кофе","familyMode":"FAMILY_MODE_MODERATE","page":"2","fixTypoMode":"FIX_TYPO_MODE_ON"},
            "sortSpec":{"sortMode":"SORT_MODE_BY_RELEVANCE","sortOrder":"SORT_ORDER_DESC"},
            "groupSpec":{"groupMode":"GROUP_MODE_DEEP","groupsOnPage":"100","docsInGroup":"1"},
            "maxPassages":"3","region":"54","l10n":"LOCALIZATION_RU","folderId":"b1g","responseFormat":"FORMAT_XML"}"#;
        assert_eq!(Request::default().body(&query(), "b1g"), serde_json::from_str::<Value>(expected).unwrap());
        let newer = Request { period: Period::Month, user_agent: Some("phone".into()), ..Request::default() }.body(&query(), "b1g");
        assert_eq!((&newer["period"], &newer["userAgent"]), (&json!("PERIOD_MONTH"), &json!("phone")));
    }

    #[test]
    fn bounds_of_the_service_are_checked_before_anything_is_asked() {
        let bad = [
            Request { groups_on_page: 101, ..Request::default() },
            Request { docs_in_group: 0, ..Request::default() },
            Request { max_passages: 6, ..Request::default() },
            Request { user_agent: Some("x".repeat(301)), ..Request::default() },
        ];
        for request in bad {
            assert_eq!(request.checked().unwrap_err().machine_code(), "request_settings");
        }
        assert_eq!(SearchType::parse(" RU "), Some(SearchType::Russian));
        assert_eq!(SearchType::parse("de"), None);
    }
}
