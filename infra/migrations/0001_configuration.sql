-- Configuration: authored here by API, CLI or plain SQL, published to config.* by the reconciler.
-- Every column that a person need not think about has a default.

CREATE TABLE IF NOT EXISTS tenants (
    id          INT UNSIGNED NOT NULL AUTO_INCREMENT,
    name        VARCHAR(191) NOT NULL,
    time_zone   VARCHAR(64)  NOT NULL DEFAULT 'America/Sao_Paulo',
    is_enabled  BOOLEAN      NOT NULL DEFAULT TRUE,
    created_at  DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at  DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- canonical_channel is what streams.identity.canonical_channel makes of an ordinary spelling: one channel, one owner.
CREATE TABLE IF NOT EXISTS tenant_message_channels (
    id                  INT UNSIGNED NOT NULL AUTO_INCREMENT,
    tenant_id           INT UNSIGNED NOT NULL,
    provider            VARCHAR(50)  NOT NULL DEFAULT 'wpp_gateway',
    channel_id          VARCHAR(100) NOT NULL,
    canonical_channel   VARCHAR(100) AS (LOWER(REPLACE(channel_id, ' ', ''))) STORED,
    display_name        VARCHAR(191) NULL,
    is_enabled          BOOLEAN      NOT NULL DEFAULT TRUE,
    webhook_configured  BOOLEAN      NOT NULL DEFAULT FALSE,
    metadata            JSON         NULL,
    created_at          DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at          DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY unique_tenant_provider (tenant_id, provider),
    UNIQUE KEY unique_provider_channel (provider, canonical_channel),
    CONSTRAINT channel_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS routing_rules (
    id             VARCHAR(100) NOT NULL DEFAULT (UUID()),
    event_type     VARCHAR(255) NOT NULL,
    source_system  VARCHAR(255) NULL,
    action         VARCHAR(20)  NOT NULL,
    template       VARCHAR(191) NULL,
    conditions     JSON         NULL,
    policy         VARCHAR(20)  NOT NULL DEFAULT 'at_most_once',
    priority       INT          NOT NULL DEFAULT 100,
    is_enabled     BOOLEAN      NOT NULL DEFAULT TRUE,
    send_window    JSON         NULL,
    pace           JSON         NULL,
    ttl_seconds    INT UNSIGNED NULL,
    version        INT UNSIGNED NOT NULL DEFAULT 0,
    metadata       JSON         NULL,
    created_at     DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at     DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    CONSTRAINT known_action CHECK (action IN ('whatsapp', 'chat', 'ai', 'http', 'none')),
    CONSTRAINT known_policy CHECK (policy IN ('at_most_once', 'at_least_once'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS message_templates (
    id          INT UNSIGNED NOT NULL AUTO_INCREMENT,
    name        VARCHAR(191) NOT NULL,
    body        MEDIUMTEXT   NOT NULL,
    is_enabled  BOOLEAN      NOT NULL DEFAULT TRUE,
    version     INT UNSIGNED NOT NULL DEFAULT 0,
    created_at  DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at  DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY unique_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
