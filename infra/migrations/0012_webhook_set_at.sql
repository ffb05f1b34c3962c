-- When a channel's webhook was set and probed last: only what came in since then shows that the gateway reaches us.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tenant_message_channels' AND COLUMN_NAME = 'webhook_set_at');
SET @change = IF(@missing, 'ALTER TABLE tenant_message_channels ADD COLUMN webhook_set_at DATETIME(6) NULL', 'DO 0');
PREPARE change_channels FROM @change;
EXECUTE change_channels;
DEALLOCATE PREPARE change_channels;
