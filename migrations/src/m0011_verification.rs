//! Whether an address takes mail, why, and when that was found.

crate::step!(
    &[
        "ALTER TABLE contacts ADD COLUMN verification text NOT NULL DEFAULT 'unknown'",
        "ALTER TABLE contacts ADD COLUMN verification_reason text NOT NULL DEFAULT 'not_checked'",
        "ALTER TABLE contacts ADD COLUMN verified_at bigint",
    ],
    &[
        "ALTER TABLE contacts DROP COLUMN verified_at",
        "ALTER TABLE contacts DROP COLUMN verification_reason",
        "ALTER TABLE contacts DROP COLUMN verification",
    ]
);
