//! What comes in: a row of the sheet, and the niche it becomes.

use crate::domain::flow::NicheState;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// A place in a source that a later pull starts after; opaque to everyone but the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// What one pull brought.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// The items, in the order of the source.
    pub items: Vec<T>,
    /// Where the next pull starts; `None` if the source has no memory.
    pub next: Option<Cursor>,
}

/// One row as the person wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRow {
    /// Where it stands, for messages to people: `niches.csv:3`.
    pub origin: String,
    /// What the companies do: "стоматология".
    pub niche: String,
    /// Where they are; may be blank.
    pub city: String,
    /// The country, used if the city is blank.
    pub country: String,
    /// The batch it belongs to; blank means `default`.
    pub batch_tag: String,
}

impl LeadRow {
    /// The id of the niche this row asks for: its four cells make it unique.
    pub fn niche_id(&self) -> Id<Niche> {
        Id::of(&["niche", &self.niche, &self.city, &self.country, self.batch()])
    }

    /// The batch tag, `default` if blank.
    pub fn batch(&self) -> &str {
        if self.batch_tag.is_empty() { "default" } else { &self.batch_tag }
    }
}

/// A niche in a place: what a row of the sheet asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Niche {
    /// Made of the row's four cells.
    pub id: Id<Niche>,
    /// What the companies do.
    pub niche: String,
    /// The city, or empty.
    pub city: String,
    /// The country, or empty.
    pub country: String,
    /// The batch.
    pub batch_tag: String,
    /// Where it stands.
    pub state: NicheState,
    /// When the row was taken in.
    pub admitted_at: Timestamp,
}

/// How a row ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFate {
    /// Its queries exist: `EXPORTED`.
    Exported,
    /// It can't be planned: `FAILED`.
    Failed,
    /// Something of ours failed; it is tried again, and only the remark is written.
    Waiting,
}

impl RowFate {
    /// The word for the row's status cell; none is written while it waits.
    pub fn as_word(self) -> Option<&'static str> {
        match self {
            Self::Exported => Some("EXPORTED"),
            Self::Failed => Some("FAILED"),
            Self::Waiting => None,
        }
    }
}

/// What became of a row: goes back to whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowStatus {
    /// The row as it was pulled.
    pub row: LeadRow,
    /// What became of it.
    pub fate: RowFate,
    /// Queries built from it.
    pub generated: u32,
    /// Queries that were new.
    pub inserted: u32,
    /// Queries that existed already.
    pub duplicates: u32,
    /// The earliest slot of its queries.
    pub first_slot: Option<Timestamp>,
    /// The latest slot of its queries.
    pub last_slot: Option<Timestamp>,
    /// `code: sentence`, if something is to be said.
    pub last_error: Option<String>,
}

impl RowStatus {
    /// The same outcome for a further row of the same content: its queries were made for the first one.
    #[must_use]
    pub fn repeated(self) -> Self {
        Self { inserted: 0, duplicates: self.generated, ..self }
    }

    /// Nothing became of it yet, and this is why.
    pub fn waiting(row: &LeadRow, remark: impl Into<String>) -> Self {
        Self {
            row: row.clone(),
            fate: RowFate::Waiting,
            generated: 0,
            inserted: 0,
            duplicates: 0,
            first_slot: None,
            last_slot: None,
            last_error: Some(remark.into()),
        }
    }
}

/// One line of an own list of companies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyRow {
    /// Where it stands, for messages to people.
    pub origin: String,
    /// The company's name; the domain stands in if it is blank.
    pub name: String,
    /// A host, address or URL; may be blank if there is an e-mail.
    pub domain: String,
    /// An e-mail known already, or empty.
    pub email: String,
    /// A phone known already, or empty.
    pub phone: String,
    /// The city, or empty.
    pub city: String,
    /// What it does, or empty.
    pub niche: String,
    /// ИНН, 10 or 12 digits, or empty.
    pub inn: String,
    /// ОГРН or ОГРНИП, 13 or 15 digits, or empty.
    pub ogrn: String,
    /// The batch; blank means `default`.
    pub batch_tag: String,
}
