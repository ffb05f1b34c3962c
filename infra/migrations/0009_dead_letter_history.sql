-- What became of dead letters: a projection of dead.letter and audit.change, whose records may come in any order.
-- A letter that only an operator's word names has a row without its own content: on it both wait for each other.
-- round 0 is the first failure, each redrive begins another; a letter's state is that of its last round.
CREATE TABLE IF NOT EXISTS dead_letter_history (
    stage             VARCHAR(50)  NOT NULL,
    source_topic      VARCHAR(249) NOT NULL,
    source_partition  INT          NOT NULL,
    source_offset     BIGINT       NOT NULL,
    round             INT UNSIGNED NOT NULL,
    what              VARCHAR(20)  NOT NULL,
    at                DATETIME(6)  NOT NULL,
    error_class       VARCHAR(191) NULL,
    error_message     TEXT         NULL,
    actor             VARCHAR(191) NULL,
    reason            TEXT         NULL,
    record            VARCHAR(300) NULL,
    PRIMARY KEY (stage, source_topic, source_partition, source_offset, round, what)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'dead_letters' AND COLUMN_NAME = 'state');
SET @change = IF(@missing, 'ALTER TABLE dead_letters
    MODIFY COLUMN letter_partition INT NULL,
    MODIFY COLUMN letter_offset BIGINT NULL,
    MODIFY COLUMN error_class VARCHAR(191) NULL,
    MODIFY COLUMN error_message TEXT NULL,
    MODIFY COLUMN headers JSON NULL,
    MODIFY COLUMN original_bytes INT UNSIGNED NULL,
    MODIFY COLUMN created_at DATETIME(6) NULL,
    ADD COLUMN tenant_id INT UNSIGNED NULL,
    ADD COLUMN channel_id VARCHAR(255) NULL,
    ADD COLUMN state VARCHAR(10) NOT NULL DEFAULT ''open'',
    ADD COLUMN round INT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN failures INT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN failed_at DATETIME(6) NULL,
    ADD KEY by_state (state, created_at)', 'DO 0');
PREPARE change_dead_letters FROM @change;
EXECUTE change_dead_letters;
DEALLOCATE PREPARE change_dead_letters;

-- The letters of before: each has failed once.
INSERT IGNORE INTO dead_letter_history
    (stage, source_topic, source_partition, source_offset, round, what, at, error_class, error_message, record)
SELECT stage, source_topic, source_partition, source_offset, 0, 'failed', created_at, error_class, error_message,
    CONCAT(source_topic, '/', source_partition, '@', source_offset)
FROM dead_letters WHERE created_at IS NOT NULL;

UPDATE dead_letters SET failed_at = created_at WHERE failed_at IS NULL;
