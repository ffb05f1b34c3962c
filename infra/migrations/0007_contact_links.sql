-- Which lid is which phone. Nothing has written contact_links before this.

-- One row for a lid and a phone: what the provider said first (evidence*) and what an operator decided last (decision*),
-- apart, so that either may come first. contact is the lid, same_as the match key of the phone.
DROP TABLE IF EXISTS contact_links;
CREATE TABLE IF NOT EXISTS contact_links (
    tenant_id          INT UNSIGNED NOT NULL,
    contact            VARCHAR(255) NOT NULL,
    same_as            VARCHAR(255) NOT NULL,
    phone              VARCHAR(255) NOT NULL,
    evidence           VARCHAR(20)  NULL,
    evidence_at        DATETIME(6)  NULL,
    evidence_channel   VARCHAR(255) NULL,
    evidence_event_id  VARCHAR(36)  NULL,
    evidence_trace_id  VARCHAR(255) NULL,
    decision           VARCHAR(20)  NULL,
    decided_at         DATETIME(6)  NULL,
    decided_by         VARCHAR(191) NULL,
    decision_reason    VARCHAR(500) NULL,
    PRIMARY KEY (tenant_id, contact, same_as),
    KEY by_same_as (tenant_id, same_as)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A lid that is resolved is one person with its phone. A contact that only a link names was never seen.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'contacts' AND COLUMN_NAME = 'same_as');
SET @change = IF(@missing, 'ALTER TABLE contacts
    MODIFY first_seen_at DATETIME(6) NULL,
    MODIFY last_seen_at DATETIME(6) NULL,
    ADD COLUMN same_as VARCHAR(255) NULL,
    ADD COLUMN link_reason VARCHAR(255) NULL,
    ADD COLUMN link_state VARCHAR(20) AS (CASE WHEN same_as IS NOT NULL THEN ''resolved''
        WHEN contact LIKE ''%@lid'' THEN ''unresolved'' END) STORED,
    ADD COLUMN person VARCHAR(255) AS (COALESCE(same_as, contact)) STORED,
    ADD KEY by_person (tenant_id, person)', 'DO 0');
PREPARE change_contacts FROM @change;
EXECUTE change_contacts;
DEALLOCATE PREPARE change_contacts;
UPDATE contacts SET link_reason = 'no evidence' WHERE contact LIKE '%@lid' AND same_as IS NULL AND link_reason IS NULL;
