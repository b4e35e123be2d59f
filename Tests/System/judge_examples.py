"""Hand-written records for the tests of the judge."""
import json
import time

NOON = 1_774_440_000_000  # 2026-03-25T12:00:00Z
NOON_MINUTE = NOON // 60_000
TRANSFER = {
    "transfer_id": "tx_1", "currency": "EUR", "amount_minor_units": 10_000,
    "settled_at_utc": "2026-03-25T12:00:00Z"}


def encoded(record, **changes):
    return json.dumps({**record, **changes}).encode()


def utc(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


def transfer(identifier, event, amount=1, currency="EUR"):
    return encoded({
        "transfer_id": identifier, "currency": currency, "amount_minor_units": amount,
        "settled_at_utc": utc(event)})


def correction(identifier, minute, delta, before=0, currency="EUR"):
    return encoded({
        "type": "bucket_correction", "correction_id": identifier, "currency": currency,
        "bucket_timestamp_min": minute, "delta_to_apply": delta, "correction_before": before,
        "reason": "r", "requested_by": "me", "issued_at_utc": "2026-03-25T12:00:00Z"})


def marker(event):
    return encoded({
        "type": "ledger_marker", "lsn": "0/16B3748", "system": "7301", "timeline": 1,
        "marked_at_utc": utc(event)})
