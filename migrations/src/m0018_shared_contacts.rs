//! Whose sites show an address that another company has: one that many show is an agency's or a template's, and nobody's of them.

crate::step!(
    &["CREATE TABLE shared_contacts (
        contact_id uuid NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
        company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
        created_at bigint NOT NULL, PRIMARY KEY (contact_id, company_id))"],
    &["DROP TABLE shared_contacts"]
);
