-- Projections of delivery.status. outbound_messages also gets a first, bare row from event.accepted: the command that
-- the router decided on and no sender has taken up yet.

-- facts_until: the offset of the newest fact that the row reflects; -1 while there is none.
CREATE TABLE IF NOT EXISTS outbound_messages (
    command_id           VARCHAR(36)  NOT NULL,
    event_id             VARCHAR(36)  NOT NULL,
    event_type           VARCHAR(255) NULL,
    trace_id             VARCHAR(255) NOT NULL,
    correlation_id       VARCHAR(255) NULL,
    tenant_id            INT UNSIGNED NOT NULL,
    channel_id           VARCHAR(255) NOT NULL,
    recipient            VARCHAR(255) NULL,
    contact              VARCHAR(255) NULL,
    conversation_id      VARCHAR(400) NULL,
    status               VARCHAR(20)  NOT NULL,
    attempts             INT UNSIGNED NOT NULL DEFAULT 0,
    provider_message_id  VARCHAR(255) NULL,
    message_key          VARCHAR(255) NULL,
    last_error           TEXT         NULL,
    policy               VARCHAR(20)  NULL,
    rule_id              VARCHAR(100) NULL,
    rule_version         INT UNSIGNED NULL,
    template             VARCHAR(191) NULL,
    template_version     INT UNSIGNED NULL,
    not_before           DATETIME(6)  NULL,
    retry_at             DATETIME(6)  NULL,
    expires_at           DATETIME(6)  NULL,
    sent_at              DATETIME(6)  NULL,
    delivered_at         DATETIME(6)  NULL,
    read_at              DATETIME(6)  NULL,
    ended_at             DATETIME(6)  NULL,
    created_at           DATETIME(6)  NOT NULL,
    updated_at           DATETIME(6)  NOT NULL,
    facts_until          BIGINT       NOT NULL DEFAULT -1,
    body                 LONGTEXT     NULL,
    PRIMARY KEY (command_id),
    KEY by_event (event_id),
    KEY by_trace (trace_id),
    KEY by_contact (contact, created_at),
    KEY by_status (status, updated_at),
    KEY by_channel (channel_id, created_at),
    KEY by_tenant (tenant_id, created_at),
    KEY by_message_key (message_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS delivery_attempts (
    command_id           VARCHAR(36)  NOT NULL,
    attempt              INT UNSIGNED NOT NULL,
    event_id             VARCHAR(36)  NOT NULL,
    trace_id             VARCHAR(255) NOT NULL,
    channel_id           VARCHAR(255) NOT NULL,
    outcome              VARCHAR(20)  NOT NULL,
    started_at           DATETIME(6)  NULL,
    ended_at             DATETIME(6)  NULL,
    http_status          INT          NULL,
    reason               VARCHAR(191) NULL,
    message              TEXT         NULL,
    request_id           VARCHAR(255) NULL,
    provider_message_id  VARCHAR(255) NULL,
    retry_at             DATETIME(6)  NULL,
    PRIMARY KEY (command_id, attempt),
    KEY by_trace (trace_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS delivery_facts (
    source_partition  INT          NOT NULL,
    source_offset     BIGINT       NOT NULL,
    command_id        VARCHAR(36)  NOT NULL,
    event_id          VARCHAR(36)  NOT NULL,
    trace_id          VARCHAR(255) NOT NULL,
    fact              VARCHAR(30)  NOT NULL,
    at                DATETIME(6)  NOT NULL,
    status            VARCHAR(20)  NOT NULL,
    attempt           INT UNSIGNED NOT NULL,
    detail            JSON         NOT NULL,
    PRIMARY KEY (source_partition, source_offset),
    KEY by_command (command_id, source_offset)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
