<?php

/*
 * Tell Posto of an overdue invoice over HTTP, with nothing but PHP 8.
 *
 *     EDGE=http://127.0.0.1:8080 EVENT_INGESTION_SECRET=... php http_producer.php INV-1001 5547999990001
 */

declare(strict_types=1);

const ATTEMPTS = 8;
const FIRST_WAIT = 0.2; // seconds
const LONGEST_WAIT = 30.0;
const TIMEOUT = 30.0;
const SEND_AGAIN = [408, 429, 500, 502, 503, 504];

/** Posto will never take this event as it is: mend it, do not send it again. */
final class RefusedException extends RuntimeException
{
}

/**
 * Return Posto's answer once the event is kept.
 *
 * Each attempt sends the same bytes, so an event that did arrive before its answer was lost counts once.
 */
function tell(string $edge, string $secret, array $event): array
{
    $body = json_encode($event, JSON_THROW_ON_ERROR);
    $wait = FIRST_WAIT;
    for ($attempt = 1; $attempt <= ATTEMPTS; $attempt++) {
        [$status, $headers, $answer] = post("$edge/api/events", $secret, $body);
        if ($status === 202 && is_array($kept = json_decode($answer, true))) {
            return $kept;
        }
        if ($status !== 0 && $status !== 202 && !in_array($status, SEND_AGAIN, true)) {
            throw new RefusedException(explained($status, $answer));
        }
        if ($attempt < ATTEMPTS) {
            $pause = max((float) ($headers['retry-after'] ?? 0), $wait * random_int(50, 150) / 100);
            $problem = $status === 0 ? 'no answer' : "HTTP $status";
            fprintf(STDERR, "attempt %d: %s; again in %.1f s\n", $attempt, $problem, $pause);
            usleep((int) ($pause * 1_000_000));
            $wait = min($wait * 2, LONGEST_WAIT);
        }
    }
    throw new RuntimeException(
        'Posto did not take the event in ' . ATTEMPTS . ' attempts: keep it and send it later, unchanged.'
    );
}

/** One request: its status (0 without an answer), its headers by their names in lower case, and its body. */
function post(string $url, string $secret, string $body): array
{
    $request = [
        'method' => 'POST',
        'header' => ["Authorization: Bearer $secret", 'Content-Type: application/json', 'Connection: close'],
        'content' => $body,
        'timeout' => TIMEOUT,
        'ignore_errors' => true, // an answer of 4xx or 5xx is an answer
    ];
    $stream = @fopen($url, 'r', false, stream_context_create(['http' => $request]));
    if ($stream === false) {
        return [0, [], ''];
    }
    $lines = stream_get_meta_data($stream)['wrapper_data'];
    $answer = (string) stream_get_contents($stream);
    fclose($stream);
    $headers = [];
    foreach (array_slice($lines, 1) as $line) {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $headers[strtolower($name)] = trim($value);
    }
    return [(int) explode(' ', $lines[0])[1], $headers, $answer];
}

/** What is wrong, from the problem document (RFC 9457) of the answer: every field that is, with the reason. */
function explained(int $status, string $answer): string
{
    $problem = json_decode($answer, true);
    if (!is_array($problem) || !isset($problem['title'], $problem['detail'])) {
        return "$status, and no problem document: is this an edge of Posto?";
    }
    $wrong = array_map(fn (array $field): string => "  {$field['field']}: {$field['message']}", $problem['errors'] ?? []);
    return implode("\n", ["$status {$problem['title']}", ...($wrong ?: ["  {$problem['detail']}"])]);
}

[, $invoice, $phone] = $argv;
$event = [
    'source_system' => 'examples',
    'event_type' => 'billing.invoice.overdue',
    'external_id' => $invoice,
    'occurrence' => 'overdue_3d', // due again in some days: another occurrence of the same invoice
    'tenant_id' => 1,
    'payload' => ['phone' => $phone, 'name' => 'Ana Souza', 'amount' => 129.9, 'due_date' => '2026-01-10'],
];
try {
    $answer = tell((string) getenv('EDGE'), (string) getenv('EVENT_INGESTION_SECRET'), $event);
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
echo json_encode($answer, JSON_THROW_ON_ERROR), "\n";
