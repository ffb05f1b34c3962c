-- Projection of audit.change: who changed what, by API, CLI or dashboard.

CREATE TABLE IF NOT EXISTS audit_log (
    source_partition  INT          NOT NULL,
    source_offset     BIGINT       NOT NULL,
    at                DATETIME(6)  NOT NULL,
    actor             VARCHAR(191) NOT NULL,
    action            VARCHAR(100) NOT NULL,
    subject           VARCHAR(255) NOT NULL,
    detail            JSON         NOT NULL,
    trace_id          VARCHAR(255) NULL,
    PRIMARY KEY (source_partition, source_offset),
    KEY by_subject (subject, at),
    KEY by_time (at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
