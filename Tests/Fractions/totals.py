#!/usr/bin/env python3
"""Prints random exchange rates, amounts, and their totals, computed with fractions.

    totals.py [--sets 10000] [--seed 1]

Shares nothing with the software under test: it has its own table of decimals, the total is a sum
of Fraction values, and rounding is round(), which is half to even, or half away from zero. One
tab-separated line per case:

    base  target  rates  amounts  half_even  half_up  digits

where rates and amounts are lists `CODE:text` (rates per unit of the base, amounts in minor units)
and the three results are minor units, minor units, and half_even with the currency's decimals. The
last line is `end` with the numbers of cases, of exact ties, and of cases that the two policies
round differently.
"""
import argparse
import random
import sys
from fractions import Fraction

DIGITS = {
    "USD": 2, "EUR": 2, "GBP": 2, "CHF": 2, "CNY": 2, "INR": 2, "BRL": 2, "HUF": 2, "IDR": 2,
    "NGN": 2, "RSD": 2, "MGA": 2, "JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "XOF": 0,
    "KWD": 3, "BHD": 3, "IQD": 3, "TND": 3, "CLF": 4, "UYW": 4,
}
# These make halves of a minor unit and common factors likely.
TIE_RATES = ["2", "2.0", "0.5", "4", "1"]
ROUND_RATES = ["2", "4", "0.5", "8", "0.02", "16", "2.50", "1.25", "100", "0.1"]


def rate_text(chance, ties):
    if ties:
        return chance.choice(TIE_RATES)
    if chance.random() < 0.2:
        return chance.choice(ROUND_RATES)
    whole = chance.choice(["0", str(chance.randint(1, 9)), str(chance.randint(1, 25_000))])
    fraction = str(chance.randint(1, 10 ** chance.randint(1, 8) - 1))
    return f"{whole}.{fraction}"


def half_up(value):
    """Rounds to the nearest, ties away from zero."""
    magnitude = int(abs(value) + Fraction(1, 2))
    return -magnitude if value < 0 else magnitude


def digits_text(minor, digits):
    sign = "-" if minor < 0 else ""
    text = str(abs(minor)).rjust(digits + 1, "0")
    return sign + (text if digits == 0 else text[:-digits] + "." + text[-digits:])


def case(chance):
    """One set of rates, some amounts, and a target."""
    # A third of the cases favour ties: few currencies with the same decimals, round rates, small
    # amounts.
    ties = chance.random() < 1 / 3
    digits = chance.choice([0, 2, 3, 4])
    known = [code for code in sorted(DIGITS) if not ties or DIGITS[code] == digits]
    codes = chance.sample(known, chance.randint(2, 16) if not ties else min(len(known), 3))
    base = codes[0]
    rates = {base: "1"} | {code: rate_text(chance, ties) for code in codes[1:]}
    bits = chance.randint(2, 8 if ties else 90)
    amounts = {
        code: chance.randint(-(2**bits), 2**bits)
        for code in chance.sample(codes, chance.randint(1, len(codes)))
    }
    target = chance.choice(codes)
    total = sum(
        Fraction(minor, 10 ** DIGITS[code]) / Fraction(rates[code])
        for code, minor in amounts.items()
    )
    exact = total * Fraction(rates[target]) * 10 ** DIGITS[target]
    return base, target, rates, amounts, exact


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    ties = different = 0
    lines = []
    for _ in range(options.sets):
        base, target, rates, amounts, exact = case(chance)
        even, up = round(exact), half_up(exact)
        ties += exact.denominator == 2
        different += even != up
        fields = [base, target]
        fields += [" ".join(f"{code}:{text}" for code, text in rates.items())]
        fields += [" ".join(f"{code}:{minor}" for code, minor in amounts.items())]
        fields += [str(even), str(up), digits_text(even, DIGITS[target])]
        lines.append("\t".join(fields))
    lines.append(f"end\t{options.sets}\t{ties}\t{different}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
