"""What one record of `transaction.settled` says, by the contract's words.

`decode(value)` answers a tuple whose first item is TRANSFER, CORRECTION, MARKER or IGNORED, or
raises Rejected with the reason.
"""
import datetime
import functools
import json
import re

from judge_currencies import EXPONENT

TRANSFER, CORRECTION, MARKER, IGNORED = "transfer", "correction", "marker", "ignored"

VALUE_BYTES_MAX = 64 * 1024
IDENTIFIER_BYTES_MAX = 128
SYSTEM_BYTES_MAX = 64
NESTING_MAX = 32
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1

# A field with a meaning in any shape of record; named twice, its object is no record.
KNOWN_FIELDS = frozenset(
    "transfer_id currency amount_minor_units settled_at_utc type payload schema before after op "
    "state correction_id bucket_timestamp_min delta_to_apply correction_before lsn system timeline "
    "marked_at_utc".split())

TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")


class Rejected(Exception):
    """The record is no transfer and no control record; the argument says why."""


class NotAnInteger:
    """A JSON number with a fraction or an exponent."""


class Doubled(dict):
    """An object in which `doubled` names are given more than once."""

    doubled = frozenset()


def decode(value):
    if value is None:
        return (IGNORED,)
    if len(value) > VALUE_BYTES_MAX:
        raise Rejected("size")
    top = parse(value)
    if isinstance(top, str):
        return decode_text(top)
    if not isinstance(top, dict):
        raise Rejected("json")
    known(top)
    type_name = top.get("type")
    is_control = type_name in ("bucket_correction", "ledger_marker")
    if "payload" in top and "transfer_id" not in top and not (is_control and "schema" not in top):
        payload = top["payload"]
        if payload is None:
            return (IGNORED,)
        if isinstance(payload, str):
            return decode_text(payload)
        return decode_row(expect_object(payload))
    return decode_row(top)


def decode_text(text):
    """A record that travels as a string, one level deep."""
    try:
        inner = parse(text.encode())
    except UnicodeEncodeError:
        raise Rejected("utf8") from None
    if not isinstance(inner, dict):
        raise Rejected("json")
    return decode_row(known(inner))


def decode_row(row):
    if "transfer_id" not in row and ("op" in row or "after" in row):
        return decode_change(row)
    if row.get("type") == "bucket_correction":
        return decode_correction(row)
    if row.get("type") == "ledger_marker":
        return decode_marker(row)
    return decode_transfer(row)


def decode_change(event):
    """A change event settles something when its row is settled now and was not before."""
    if "op" in event and not isinstance(event["op"], str):
        raise Rejected("type")
    if event.get("op") == "d" or event.get("after") is None:
        return (IGNORED,)
    row = expect_object(event["after"])
    if "state" in row:
        if not isinstance(row["state"], str):
            raise Rejected("type")
        if row["state"] != "settled":
            return (IGNORED,)
        before = event.get("before")
        if isinstance(before, dict) and known(before).get("state") == "settled":
            return (IGNORED,)
    return decode_transfer(row)


def decode_transfer(row):
    identifier = expect_identifier(row, "transfer_id")
    currency = expect_currency(row)
    amount = expect_integer(row, "amount_minor_units")
    if amount <= 0:
        raise Rejected("amount")
    return (TRANSFER, identifier, currency, amount, expect_time(row, "settled_at_utc"))


def decode_correction(row):
    minute = expect_integer(row, "bucket_timestamp_min")
    if not -(1 << 31) <= minute < 1 << 31:
        raise Rejected("control")
    return (
        CORRECTION, expect_identifier(row, "correction_id"), expect_currency(row), minute,
        expect_integer(row, "delta_to_apply"), expect_integer(row, "correction_before"))


def decode_marker(row):
    lsn, system = expect_text(row, "lsn"), expect_text(row, "system")
    if not LSN.fullmatch(lsn) or not 1 <= utf8_length(system) <= SYSTEM_BYTES_MAX:
        raise Rejected("control")
    if expect_integer(row, "timeline") < 0:
        raise Rejected("control")
    return (MARKER, expect_time(row, "marked_at_utc"))


def expect_object(value):
    if not isinstance(value, dict):
        raise Rejected("type")
    return known(value)


def known(row):
    """The object, unless a field with a meaning stands in it twice."""
    if type(row) is Doubled and row.doubled & KNOWN_FIELDS:
        raise Rejected("duplicate_key")
    return row


def expect_text(row, name):
    if name not in row:
        raise Rejected("missing")
    if not isinstance(row[name], str):
        raise Rejected("type")
    return row[name]


def expect_identifier(row, name):
    identifier = expect_text(row, name)
    if not 1 <= utf8_length(identifier) <= IDENTIFIER_BYTES_MAX:
        raise Rejected("identifier")
    return identifier


def utf8_length(text):
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Rejected("utf8") from None


def expect_currency(row):
    code = expect_text(row, "currency")
    if code not in EXPONENT:
        raise Rejected("currency")
    return code


def expect_integer(row, name):
    if name not in row:
        raise Rejected("missing")
    number = row[name]
    if type(number) is not int:
        raise Rejected("type")
    if not INT64_MIN <= number <= INT64_MAX:
        raise Rejected("amount")
    return number


def expect_time(row, name):
    milliseconds = parse_time(expect_text(row, name))
    if milliseconds is None:
        raise Rejected("time")
    return milliseconds


def parse_time(text):
    """Milliseconds since 1970 of an RFC 3339 time; None where it is none."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hour, off_minute = match.groups()
    days = days_since_1970(year, month, day)
    hour, minute, second = int(hour), int(minute), int(second)
    if days is None or hour > 23 or minute > 59 or second > 60:
        return None
    minutes = days * 1440 + hour * 60 + minute
    if sign:
        if int(off_hour) > 23 or int(off_minute) > 59:
            return None
        offset = int(off_hour) * 60 + int(off_minute)
        minutes += offset if sign == "-" else -offset
    if second == 60:
        # A leap second ends a day of UTC and counts in that day's last minute.
        return minutes * 60_000 + 59_999 if minutes % 1440 == 1439 else None
    milliseconds = int((fraction + "00")[:3]) if fraction else 0
    return minutes * 60_000 + second * 1000 + milliseconds


@functools.lru_cache(maxsize=4096)
def days_since_1970(year, month, day):
    # Python's calendar begins with year 1; the Gregorian one repeats after 400 years.
    shift = 400 if year == "0000" else 0
    try:
        date = datetime.date(int(year) + shift, int(month), int(day))
    except ValueError:
        return None
    return date.toordinal() - 719_163 - (146_097 if shift else 0)


def parse(value):
    """The JSON value of the bytes, strictly RFC 8259."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Rejected("utf8") from None
    try:
        top = STRICT.decode(text)
    except (ValueError, RecursionError):
        raise Rejected("json") from None
    if text.count("{") + text.count("[") > NESTING_MAX and nesting(text) > NESTING_MAX + 1:
        raise Rejected("json")
    return top


def nesting(text):
    """How deep the arrays and objects of a valid JSON text go."""
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{}\]]', text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def build_object(pairs):
    row = dict(pairs)
    if len(row) == len(pairs):
        return row
    names = [name for name, _ in pairs]
    row = Doubled(row)
    row.doubled = frozenset(name for name in names if names.count(name) > 1)
    return row


def refuse_constant(name):
    raise ValueError(name)


STRICT = json.JSONDecoder(
    object_pairs_hook=build_object, parse_float=lambda _: NotAnInteger(),
    parse_constant=refuse_constant)
