"""Decodes one record of `transaction.settled` as the contract says.

`decode(value)` returns a tuple whose first item is TRANSFER, CORRECTION, MARKER or IGNORED, or
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
AMOUNT_MAX = 1 << 52
WRAPPINGS_MAX = 4
# The defaults of a region file.
SETTLED = ("settled", "SETTLED")
CONTROL = ("bucket_correction", "ledger_marker")

# Fields with a meaning in any shape of record; an object that has one twice is rejected.
KNOWN_FIELDS = frozenset(
    "transfer_id currency amount_minor_units settled_at_utc type payload schema before after op "
    "state status __op __deleted correction_id bucket_timestamp_min delta_to_apply "
    "correction_before issued_at_utc lsn system timeline marked_at_utc".split())

TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")


class Rejected(Exception):
    """The record is neither a transfer nor a control record; the argument is the reason."""


class NotAnInteger:
    """A JSON number with a fraction or an exponent."""


class Doubled(dict):
    """An object in which the names in `doubled` occur more than once."""

    doubled = frozenset()


def decode(value):
    if value is None:
        return (IGNORED,)
    if len(value) > VALUE_BYTES_MAX:
        raise Rejected("size")
    return decode_value(parse(value))


def decode_value(value, wrappings=0, is_text=False):
    """Decodes a record, or a wrapper of one: an object with a payload, or a string."""
    if value is None:
        return (IGNORED,)
    if isinstance(value, dict):
        known(value)
        if "payload" in value and "transfer_id" not in value and not is_control(value):
            expect_shallow(wrappings)
            return decode_value(value["payload"], wrappings + 1)
        return decode_row(value)
    if isinstance(value, str) and not is_text:
        expect_shallow(wrappings)
        try:
            inner = parse(value.encode())
        except UnicodeEncodeError:
            raise Rejected("utf8") from None
        return decode_value(inner, wrappings + 1, is_text=True)
    raise Rejected("json" if wrappings == 0 or is_text else "type")


def expect_shallow(wrappings):
    if wrappings == WRAPPINGS_MAX:
        raise Rejected("json")


def is_control(row):
    return isinstance(row.get("type"), str) and row["type"] in CONTROL


def decode_row(row):
    if is_control(row):
        try:
            return (decode_correction if row["type"] == CONTROL[0] else decode_marker)(row)
        except Rejected:
            raise Rejected("control") from None
    if "transfer_id" not in row and ("op" in row or "after" in row):
        return decode_change(row)
    return decode_transfer(row) if settles(row) else (IGNORED,)


def decode_change(event):
    """A change event settles a transfer if its row is settled and was not before."""
    if "op" in event and not isinstance(event["op"], str):
        raise Rejected("type")
    if event.get("op") == "d" or event.get("after") is None:
        return (IGNORED,)
    row = expect_object(event["after"])
    if not settles(row):
        return (IGNORED,)
    before = event.get("before")
    if isinstance(before, dict) and state(known(before)) in SETTLED:
        return (IGNORED,)
    return decode_transfer(row)


def state(row):
    """The row's state; None if it is absent or null."""
    return row.get("state" if "state" in row else "status")


def settles(row):
    """Whether the row was not deleted and has no state other than settled."""
    if row.get("__op") is not None:
        if not isinstance(row["__op"], str):
            raise Rejected("type")
        if row["__op"] == "d":
            return False
    deleted = row.get("__deleted")
    if deleted is not None:
        if not isinstance(deleted, bool) and deleted not in ("true", "false"):
            raise Rejected("type")
        if deleted in (True, "true"):
            return False
    if "state" not in row and "status" not in row:
        return True
    if not isinstance(state(row), (str, type(None))):
        raise Rejected("type")
    return state(row) in SETTLED


def decode_transfer(row):
    identifier = expect_identifier(row, "transfer_id")
    currency = expect_currency(row)
    amount = expect_integer(row, "amount_minor_units")
    if not 0 < amount <= AMOUNT_MAX:
        raise Rejected("amount")
    return (TRANSFER, identifier, currency, amount, expect_time(row, "settled_at_utc"))


def decode_correction(row):
    minute = expect_integer(row, "bucket_timestamp_min")
    if not -(1 << 31) <= minute < 1 << 31:
        raise Rejected("control")
    issued_at = expect_time(row, "issued_at_utc")
    return (
        CORRECTION, expect_identifier(row, "correction_id"), expect_currency(row), minute,
        expect_integer(row, "delta_to_apply"), expect_integer(row, "correction_before"),
        issued_at)


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
    """The object, unless it contains a field with a meaning twice."""
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
    """Milliseconds since 1970 of an RFC 3339 time; None if it is invalid."""
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
        # A leap second ends a UTC day and counts in that day's last minute.
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
    """The JSON value of the bytes, strictly by RFC 8259."""
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
    """The nesting depth of arrays and objects in a valid JSON text."""
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
