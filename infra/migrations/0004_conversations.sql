-- Projections that a person reads: conversations, their messages, contacts, the health of channels.
-- Built from event.accepted (what came in, what was typed on the phone) and delivery.status (what the hub sent).

-- Everything but who is assigned is worked out from the messages. unread counts inbound messages after read_until.
CREATE TABLE IF NOT EXISTS conversations (
    id                VARCHAR(400) NOT NULL,
    tenant_id         INT UNSIGNED NULL,
    channel_id        VARCHAR(255) NOT NULL,
    contact           VARCHAR(255) NOT NULL,
    status            VARCHAR(20)  NOT NULL DEFAULT 'open',
    assigned_to       VARCHAR(191) NULL,
    read_until        DATETIME(6)  NULL,
    unread            INT UNSIGNED NOT NULL DEFAULT 0,
    first_message_at  DATETIME(6)  NULL,
    last_message_at   DATETIME(6)  NULL,
    last_message_key  VARCHAR(255) NULL,
    last_inbound_at   DATETIME(6)  NULL,
    PRIMARY KEY (id),
    KEY by_tenant (tenant_id, last_message_at),
    KEY by_channel (channel_id, last_message_at),
    KEY by_contact (contact)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- message_key: the stable part of the provider's id, else event:<id> or command:<id>. What came from an event (event_*)
-- and what came from a command (command_*) stand apart, so that either may come first; what a reader wants to know
-- follows from both. A row without a conversation is an ack whose message is not known (yet). ack_rank: 0 none,
-- 1 pending, 2 sent, 3 failed, 4 delivered, 5 read, 6 played.
CREATE TABLE IF NOT EXISTS messages (
    channel_id               VARCHAR(255)     NOT NULL,
    message_key              VARCHAR(255)     NOT NULL,
    direction                VARCHAR(10)      NOT NULL,
    tenant_id                INT UNSIGNED     NULL,
    conversation_id          VARCHAR(400)     AS (COALESCE(command_conversation_id, event_conversation_id)) STORED,
    at                       DATETIME(6)      AS (COALESCE(event_at, command_at)) STORED,
    status                   VARCHAR(20)      AS (CASE
        WHEN direction = 'inbound' THEN 'received'
        WHEN command_status IS NOT NULL THEN command_status
        ELSE ELT(ack_rank + 1, 'sent', 'pending', 'sent', 'failed', 'delivered', 'read', 'played') END) STORED,
    type                     VARCHAR(50)      NULL,
    author                   VARCHAR(255)     NULL,
    author_name              VARCHAR(255)     NULL,
    event_id                 VARCHAR(36)      NULL,
    event_conversation_id    VARCHAR(400)     NULL,
    event_at                 DATETIME(6)      NULL,
    event_revision           INT UNSIGNED     NULL,
    command_id               VARCHAR(36)      NULL,
    command_conversation_id  VARCHAR(400)     NULL,
    command_at               DATETIME(6)      NULL,
    command_status           VARCHAR(20)      NULL,
    ack_rank                 TINYINT UNSIGNED NOT NULL DEFAULT 0,
    attachment               JSON             NULL,
    text                     LONGTEXT         NULL,
    PRIMARY KEY (channel_id, message_key),
    KEY by_conversation (conversation_id, at, message_key),
    KEY by_direction (conversation_id, direction, at),
    KEY by_event (event_id),
    KEY by_command (command_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- contact is the match key; network_id the id that the network used last, to which replies go.
CREATE TABLE IF NOT EXISTS contacts (
    tenant_id      INT UNSIGNED NOT NULL,
    contact        VARCHAR(255) NOT NULL,
    display_name   VARCHAR(255) NULL,
    named_at       DATETIME(6)  NULL,
    network_id     VARCHAR(255) NULL,
    first_seen_at  DATETIME(6)  NOT NULL,
    last_seen_at   DATETIME(6)  NOT NULL,
    PRIMARY KEY (tenant_id, contact),
    KEY by_contact (contact)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which lid is which phone, by evidence of the provider alone; undone_at takes a link back.
CREATE TABLE IF NOT EXISTS contact_links (
    tenant_id  INT UNSIGNED NOT NULL,
    contact    VARCHAR(255) NOT NULL,
    same_as    VARCHAR(255) NOT NULL,
    evidence   VARCHAR(100) NOT NULL,
    linked_at  DATETIME(6)  NOT NULL,
    undone_at  DATETIME(6)  NULL,
    detail     JSON         NULL,
    PRIMARY KEY (tenant_id, contact, same_as),
    KEY by_same_as (tenant_id, same_as)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS channel_health (
    channel_id        VARCHAR(255) NOT NULL,
    state             VARCHAR(50)  NULL,
    state_at          DATETIME(6)  NULL,
    last_inbound_at   DATETIME(6)  NULL,
    last_outbound_at  DATETIME(6)  NULL,
    last_ack_at       DATETIME(6)  NULL,
    last_message_at   DATETIME(6)  AS (
        GREATEST(COALESCE(last_inbound_at, last_outbound_at), COALESCE(last_outbound_at, last_inbound_at))) STORED,
    PRIMARY KEY (channel_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
