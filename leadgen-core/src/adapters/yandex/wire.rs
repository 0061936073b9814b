//! The JSON of the service: requests as documented, answers read leniently.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::query::SearchQuery;

/// The body of a search: deep grouping, 100 groups, one document each (int64 fields are strings on this wire).
pub(super) fn request(query: &SearchQuery, folder_id: &str) -> Value {
    json!({
        "query": {
            "searchType": "SEARCH_TYPE_RU", "queryText": query.text, "familyMode": "FAMILY_MODE_MODERATE", "page": "0",
            "fixTypoMode": "FIX_TYPO_MODE_ON",
        },
        "sortSpec": {"sortMode": "SORT_MODE_BY_RELEVANCE", "sortOrder": "SORT_ORDER_DESC"},
        "groupSpec": {"groupMode": "GROUP_MODE_DEEP", "groupsOnPage": "100", "docsInGroup": "1"},
        "maxPassages": "3", "region": query.region.to_string(), "l10n": "LOCALIZATION_RU",
        "folderId": folder_id, "responseFormat": "FORMAT_XML",
    })
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
#[derive(Deserialize)]
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
