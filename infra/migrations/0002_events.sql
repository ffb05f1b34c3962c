-- Projections of event.accepted and dead.letter, and the position that every projection has reached.
-- All of it can be dropped and rebuilt from the topics. Times are UTC and come from the records, never from a clock here.

CREATE TABLE IF NOT EXISTS projection_offsets (
    projection   VARCHAR(50)     NOT NULL,
    topic        VARCHAR(249)    NOT NULL,
    `partition`  INT             NOT NULL,
    next_offset  BIGINT          NOT NULL,
    PRIMARY KEY (projection, topic, `partition`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- precedence: routed rows above rejected and quarantined ones, then by revision; a lower one never replaces a higher.
CREATE TABLE IF NOT EXISTS communication_events (
    event_id          VARCHAR(36)     NOT NULL,
    idempotency_key   VARCHAR(768)    NOT NULL,
    event_type        VARCHAR(255)    NOT NULL,
    source_system     VARCHAR(255)    NOT NULL,
    external_id       VARCHAR(512)    NULL,
    tenant_id         INT UNSIGNED    NULL,
    channel_id        VARCHAR(255)    NULL,
    contact           VARCHAR(255)    NULL,
    conversation_id   VARCHAR(400)    NULL,
    trace_id          VARCHAR(255)    NOT NULL,
    correlation_id    VARCHAR(255)    NULL,
    kind              VARCHAR(20)     NOT NULL,
    status            VARCHAR(20)     NOT NULL,
    reason            TEXT            NULL,
    action            VARCHAR(20)     NOT NULL,
    rule_id           VARCHAR(100)    NULL,
    rule_version      INT UNSIGNED    NULL,
    template          VARCHAR(191)    NULL,
    template_version  INT UNSIGNED    NULL,
    command_id        VARCHAR(36)     NULL,
    occurred_at       DATETIME(6)     NOT NULL,
    received_at       DATETIME(6)     NOT NULL,
    processed_at      DATETIME(6)     NULL,
    expires_at        DATETIME(6)     NULL,
    raw_topic         VARCHAR(249)    NOT NULL,
    raw_partition     INT             NOT NULL,
    raw_offset        BIGINT          NOT NULL,
    fingerprint       VARCHAR(64)     NOT NULL,
    revision          INT UNSIGNED    NOT NULL,
    duplicates        INT UNSIGNED    NOT NULL DEFAULT 0,
    precedence        BIGINT UNSIGNED NOT NULL,
    payload           JSON            NOT NULL,
    metadata          JSON            NOT NULL,
    PRIMARY KEY (event_id),
    UNIQUE KEY unique_idempotency_key (idempotency_key),
    KEY by_trace (trace_id),
    KEY by_contact (contact, received_at),
    KEY by_status (status, received_at),
    KEY by_tenant (tenant_id, received_at),
    KEY by_time (received_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One raw record can hold several events, hence the event in the key.
CREATE TABLE IF NOT EXISTS event_sightings (
    raw_topic      VARCHAR(249) NOT NULL,
    raw_partition  INT          NOT NULL,
    raw_offset     BIGINT       NOT NULL,
    event_id       VARCHAR(36)  NOT NULL,
    kind           VARCHAR(20)  NOT NULL,
    fingerprint    VARCHAR(64)  NOT NULL,
    trace_id       VARCHAR(255) NOT NULL,
    received_at    DATETIME(6)  NOT NULL,
    PRIMARY KEY (raw_topic, raw_partition, raw_offset, event_id),
    KEY by_event (event_id, received_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- original holds the first bytes of the record, original_bytes says how many there were; the rest lies in Kafka at
-- dead.letter / letter_partition / letter_offset. A record that reached the same stage again is the same dead letter.
CREATE TABLE IF NOT EXISTS dead_letters (
    stage             VARCHAR(50)  NOT NULL,
    source_topic      VARCHAR(249) NOT NULL,
    source_partition  INT          NOT NULL,
    source_offset     BIGINT       NOT NULL,
    letter_partition  INT          NOT NULL,
    letter_offset     BIGINT       NOT NULL,
    error_class       VARCHAR(191) NOT NULL,
    error_message     TEXT         NOT NULL,
    trace_id          VARCHAR(255) NULL,
    headers           JSON         NOT NULL,
    original          LONGBLOB     NULL,
    original_bytes    INT UNSIGNED NOT NULL,
    created_at        DATETIME(6)  NOT NULL,
    redriven_at       DATETIME(6)  NULL,
    PRIMARY KEY (stage, source_topic, source_partition, source_offset),
    UNIQUE KEY unique_letter (letter_partition, letter_offset),
    KEY by_trace (trace_id),
    KEY by_time (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
