"""A second implementation of the policy in deploy/rates/README.md, in Python and with fractions.

Shares nothing with the software under test: it parses documents with Python's own readers, and
decides on its own which rates to believe.
"""
import gzip
import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import date, timedelta
from fractions import Fraction

DIGITS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "CHF": 2, "IDR": 2, "SYP": 2,
          "UZS": 2, "ISK": 0, "BHD": 3, "TRY": 2}
DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
MINUTE = 60_000
DAY = 86_400_000
EPOCH = date(1970, 1, 1)
CARRIED_DAYS = 14


def day_of(milliseconds):
    return (EPOCH + timedelta(days=milliseconds // DAY)).isoformat()


def start_of(day):
    return (date.fromisoformat(day) - EPOCH).days * DAY


def shifted(day, days):
    return day_of(start_of(day) + days * DAY)


class Number(str):
    """A JSON number, as the text that was written."""


def rate(value):
    """The exact rate, or the name of the problem with it."""
    if not isinstance(value, str) or len(value) > 32:
        return "malformed"
    match = DECIMAL.fullmatch(value)
    if match is None:
        return "malformed"
    number = Fraction(value)
    return number if number > 0 else "not_positive"


def parsed(provider, body):
    """Base, rates as {code: (rate, day)}, flaws as {code: word}, and the time of publication; None
    for a document that is refused."""
    try:
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        text = body.decode("utf-8-sig")
        if provider == "ecb":
            root = ElementTree.fromstring(text)
            name = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
            days = root.find(name).findall(name)
            newest = max(days, key=lambda cube: cube.get("time"))
            elements = [(cube.get("currency"), newest.get("time"), cube.get("rate"))
                        for cube in newest.findall(name)]
            base, published = "EUR", None
        else:
            root = json.loads(text, parse_int=Number, parse_float=Number)
            if isinstance(root, list):
                base, published = root[0]["base"], None
                elements = [(pair["quote"], pair["date"], pair.get("rate")) for pair in root]
            else:
                base = root["base"]
                published = int(root["timestamp"]) * 1_000 if "timestamp" in root else None
                day = root["date"] if published is None else day_of(published)
                elements = [(code, day, value) for code, value in root["rates"].items()]
    except (ValueError, KeyError, EOFError, AttributeError, OSError, ElementTree.ParseError):
        return None
    rates, flaws = {}, {}
    for code, day, value in elements:
        number = rate(value)
        if code == base or code not in DIGITS:
            continue
        if isinstance(number, str):
            flaws[code] = number
        else:
            rates[code] = (number, day)
    return (base, rates, flaws, published) if rates else None


class Policy:
    def __init__(self, factor):
        self.factor = Fraction(factor)
        self.base = None
        self.rates = {}       # code: (rate, day, since)
        self.doubts = {}      # code: [rate, day, since, first, last, answers]
        self.left = {}        # code: (rate, until)
        self.flaws = {}
        self.witnesses = {}
        self.beliefs = []

    def agree(self, a, b):
        return a <= b * self.factor and b <= a * self.factor

    @staticmethod
    def sound(document, now):
        _, rates, flaws, published = document
        sound, flaws = {}, dict(flaws)
        latest = day_of(now + DAY)
        newest = max((day for _, day in rates.values() if day <= latest), default=None)
        for code, (number, day) in rates.items():
            if day > latest or (published or 0) > now + 60 * MINUTE:
                flaws[code] = "date_in_future"
            elif newest and day < shifted(newest, -CARRIED_DAYS):
                flaws[code] = "outdated"
            elif published is None:
                sound[code] = (number, day, min(start_of(day), start_of(day_of(now))))
            else:
                sound[code] = (number, day, min(published, now))
        return sound, flaws

    def answer(self, document, now):
        """Takes an answer if the policy allows it; returns whether it was taken."""
        if document is None:
            return False
        sound, flaws = self.sound(document, now)
        if not sound:
            return False
        if self.rates and all(code in self.rates and new[2] < self.rates[code][2]
                              for code, new in sound.items()):
            return False
        self.base = document[0]
        self.flaws = {**{code: "missing" for code in self.rates if code not in sound}, **flaws}
        for code, new in sound.items():
            self.weigh(code, new, now)
        self.settle(now)
        return True

    def weigh(self, code, new, now):
        last = self.rates.get(code)
        if last is None:
            self.rates[code] = new
        elif new[2] < last[2]:
            pass
        elif self.agree(new[0], last[0]):
            self.rates[code] = new
            self.doubts.pop(code, None)
        elif code in self.doubts and self.agree(new[0], self.doubts[code][0]):
            doubt = self.doubts[code]
            if new[2] >= doubt[2]:
                doubt[:3] = new
            doubt[4:] = [now, doubt[5] + 1]
        else:
            self.doubts[code] = [*new, now, now, 1]

    def witness(self, number, document, now):
        if document is not None:
            self.witnesses[number] = document
            self.settle(now)

    def confirmed(self, code, offered, last, now):
        for number in sorted(self.witnesses):
            base = self.witnesses[number][0]
            rates = {of: new[0] for of, new in self.sound(self.witnesses[number], now)[0].items()
                     if new[1] >= shifted(day_of(now), -CARRIED_DAYS)}
            rates[base] = Fraction(1)
            if code in rates and self.base in rates:
                says = rates[code] / rates[self.base]
                if self.agree(says, offered) and not self.agree(says, last):
                    return True
        return False

    def settle(self, now):
        for code, doubt in list(self.doubts.items()):
            offered, last = doubt[0], self.rates[code][0]
            if self.confirmed(code, offered, last, now):
                why = "confirmed"
            elif (code in self.left and now <= self.left[code][1] + DAY
                  and self.agree(offered, self.left[code][0])):
                why = "came back"
            elif doubt[5] >= 3 and doubt[4] - doubt[3] >= 30 * MINUTE:
                why = "repeated"
            else:
                continue
            self.beliefs.append(why)
            self.left[code] = (last, now)
            if why == "came back":
                del self.left[code]
            self.rates[code] = tuple(doubt[:3])
            del self.doubts[code]

    def restart(self):
        """Forgets what a process does not keep: other sources' answers, the last answer's flaws."""
        self.witnesses = {}
        self.flaws = {}

    def in_force(self):
        if not self.rates:
            return {}
        newest = max(day for _, day, _ in self.rates.values())
        listed = {code: (number, day) for code, (number, day, _) in self.rates.items()}
        return {**listed, self.base: (Fraction(1), newest)}

    def held(self):
        held = {}
        for code in self.rates:
            if code in self.doubts:
                held[code] = ("jump", self.doubts[code][0])
            elif code in self.flaws:
                held[code] = (self.flaws[code], None)
        return held

    def totals(self, amounts, bases):
        """Minor units by base; each rounded once, half to even."""
        rates = self.in_force()
        if not rates:
            return {}
        value = sum(Fraction(units, 10 ** DIGITS[code]) / rates[code][0]
                    for code, units in amounts.items() if code in rates)
        return {base: round(value * rates[base][0] * 10 ** DIGITS[base])
                for base in bases if base in rates}
