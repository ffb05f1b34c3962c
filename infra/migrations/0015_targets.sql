-- Where `ai` and `http` actions post events: authored; and what became of each such command: projected.
CREATE TABLE IF NOT EXISTS http_targets (
    name                VARCHAR(100)  NOT NULL,
    url                 VARCHAR(2000) NOT NULL,
    is_enabled          BOOLEAN       NOT NULL DEFAULT TRUE,
    timeout_seconds     DOUBLE        NOT NULL DEFAULT 30,
    secret_version      INT UNSIGNED  NOT NULL DEFAULT 1,
    former_secret_until DATETIME(6)   NULL,
    created_at          DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at          DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'routing_rules' AND COLUMN_NAME = 'target');
SET @change = IF(@missing, 'ALTER TABLE routing_rules ADD COLUMN target VARCHAR(100) NULL AFTER template', 'DO 0');
PREPARE change_rules FROM @change;
EXECUTE change_rules;
DEALLOCATE PREPARE change_rules;

CREATE TABLE IF NOT EXISTS http_requests (
    command_id       VARCHAR(36)   NOT NULL,
    event_id         VARCHAR(36)   NOT NULL,
    trace_id         VARCHAR(191)  NOT NULL,
    action           VARCHAR(20)   NOT NULL,
    target           VARCHAR(100)  NOT NULL,
    tenant_id        INT UNSIGNED  NULL,
    channel_id       VARCHAR(100)  NULL,
    conversation_id  VARCHAR(255)  NULL,
    status           VARCHAR(20)   NOT NULL,
    attempts         INT UNSIGNED  NOT NULL,
    http_status      INT UNSIGNED  NULL,
    reason           VARCHAR(191)  NULL,
    message          VARCHAR(2000) NULL,
    replies          INT UNSIGNED  NOT NULL,
    handoff          BOOLEAN       NOT NULL,
    seconds          DOUBLE        NULL,
    created_at       DATETIME(6)   NOT NULL,
    told_at          DATETIME(6)   NOT NULL,
    ended_at         DATETIME(6)   NULL,
    source_partition INT           NOT NULL,
    source_offset    BIGINT        NOT NULL,
    PRIMARY KEY (command_id),
    KEY by_event (event_id),
    KEY by_trace (trace_id),
    KEY by_target (target, created_at),
    KEY by_conversation (conversation_id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
