-- The Admin API: who may ask, and what was answered to whom.

-- hash: SHA-256 of the token, which is 32 random bytes and kept nowhere. Names are never given twice: the audit has them.
CREATE TABLE IF NOT EXISTS admin_tokens (
    name        VARCHAR(100) NOT NULL,
    scope       VARCHAR(10)  NOT NULL,
    hash        CHAR(64)     NOT NULL,
    created_at  DATETIME(6)  NOT NULL,
    created_by  VARCHAR(191) NOT NULL,
    revoked_at  DATETIME(6)  NULL,
    revoked_by  VARCHAR(191) NULL,
    PRIMARY KEY (name),
    UNIQUE KEY unique_hash (hash),
    CONSTRAINT known_scope CHECK (scope IN ('read', 'operate', 'admin'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a creation with an Idempotency-Key was answered; it and the creation are one transaction.
CREATE TABLE IF NOT EXISTS admin_answers (
    operator         VARCHAR(191) NOT NULL,
    idempotency_key  VARCHAR(255) NOT NULL,
    request          CHAR(64)     NOT NULL,
    answer           LONGTEXT     NULL,
    created_at       DATETIME(6)  NOT NULL,
    PRIMARY KEY (operator, idempotency_key),
    KEY by_time (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
