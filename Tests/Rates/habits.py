#!/usr/bin/env python3
"""Simulates random providers of exchange rates, and checks the results with a second policy.

    habits.py [--sequences 200] [--first 1]

Each sequence is one provider with its habits: rates that are missing, null, zero or not a number;
jumps that revert and jumps that stay; dates ahead and behind; pairs carried forward for days;
documents that are cut off, compressed, begin with a byte order mark or use exponents; a second
source; rates that an operator accepts; and restarts. After each step `tributary-bench rates` prints
which rates are in force, which are held and why, and the totals; policy.py computes the same
independently. Exit status 1 at the first difference, which is printed with its sequence and step,
or if the sequences exercised too little.
"""
import argparse
import collections
import gzip
import pathlib
import random
import subprocess
import sys
from fractions import Fraction

from policy import DAY, DIGITS, MINUTE, Policy, day_of, parsed, shifted

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/tributary-bench"
TRUE = {"USD": 1.15, "GBP": 0.86, "JPY": 171.9, "KWD": 0.354, "CHF": 0.933, "IDR": 19_287.0,
        "SYP": 12_750.0, "UZS": 13_765.0, "ISK": 146.9, "BHD": 0.43, "TRY": 48.2}
BASES = ["USD", "EUR", "JPY", "KWD"]
#: How often each of these has to occur, at least, in a hundred sequences.
ENOUGH = {"repeated": 20, "confirmed": 20, "came back": 5, "refused": 50, "missing": 50,
          "malformed": 50, "not_positive": 50, "date_in_future": 20, "outdated": 5, "jump": 200}


class Provider:
    """A simulated source, and the true rates that move from one answer to the next."""

    def __init__(self, chance):
        self.chance = chance
        self.kind = chance.choice(["ecb", "frankfurter", "frankfurter", "open_exchange_rates"])
        self.is_second = chance.random() < 0.7
        self.base = "USD" if self.kind == "open_exchange_rates" else "EUR"
        self.rates = dict(TRUE)
        self.wrong = {}      # code: (factor, answers left)
        self.days = {}       # code: days behind, in Frankfurter's second version
        self.habits = chance.uniform(0.01, 0.25)

    def happens(self, part=1.0):
        return self.chance.random() < self.habits * part

    def move(self):
        for code in self.rates:
            self.rates[code] *= self.chance.uniform(0.99, 1.01)
        if self.happens(0.3):
            self.rates[self.chance.choice(list(TRUE))] *= self.chance.choice(
                [0.01, 0.001, 0.5, 2.2, 100])
        if self.happens(0.7):
            self.wrong[self.chance.choice(list(TRUE))] = (
                self.chance.choice([385, 0.01, 1.7, 1_000]), self.chance.randint(1, 5))
        if self.happens(0.3):
            self.days[self.chance.choice(list(TRUE))] = self.chance.choice([1, 3, 13, 14, 15, 20])
        if self.happens(0.3):
            self.days.clear()

    def text(self, number):
        digits = f"{number:.{self.chance.randint(4, 9)}g}"
        if "e" in digits and (self.kind == "ecb" or self.chance.random() < 0.5):
            digits = f"{float(digits):.12f}".rstrip("0").rstrip(".")
        if self.chance.random() < 0.1:
            digits = f"{number:.7e}"
        return digits

    def value(self, code):
        number = self.rates[code]
        if self.base == "USD":
            number = (number if code != "EUR" else 1) / self.rates["USD"]
        if code in self.wrong:
            factor, answers = self.wrong[code]
            number *= factor
            self.wrong[code] = (factor, answers - 1)
            if answers <= 1:
                del self.wrong[code]
        if self.happens(0.4):
            return self.chance.choice(["null", "0", "0.0", "-1.5", '"1,5"', "true", '""'])
        return self.text(number)

    def document(self, now):
        """An answer, possibly cut off."""
        self.rates["EUR"] = 1.0
        codes = [code for code in DIGITS if code != self.base and not self.happens(0.3)]
        values = {code: self.value(code) for code in codes}
        del self.rates["EUR"]
        ahead = self.chance.choice([1, 1, 2, 40]) if self.happens(0.3) else 0
        behind = self.chance.choice([1, 2]) if self.happens(0.3) else 0
        day = shifted(day_of(now), ahead - behind)
        if self.kind == "ecb":
            cubes = "".join(f"<Cube currency='{code}' rate='{value.strip(chr(34))}'/>"
                            for code, value in values.items())
            text = ("<gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01' "
                    "xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'><Cube>"
                    f"<Cube time='{shifted(day, -1)}'><Cube currency='USD' rate='7'/></Cube>"
                    f"<Cube time='{day}'>{cubes}</Cube></Cube></gesmes:Envelope><!-- x -->")
        elif self.kind == "frankfurter" and self.is_second:
            pairs = []
            for code, value in values.items():
                own = shifted(day, -self.days.get(code, 0))
                if self.happens(0.2):
                    own = shifted(day_of(now), self.chance.choice([1, 2]))
                pairs.append(f'{{"date":"{own}","base":"EUR","quote":"{code}","rate":{value}}}')
            text = "[" + ",\n".join(pairs) + "]"
        elif self.kind == "frankfurter":
            members = ",".join(f'"{code}":{value}' for code, value in values.items())
            text = f'{{"amount":1.0,"base":"EUR","date":"{day}","rates":{{{members}}}}}'
        else:
            published = now // 1_000 - self.chance.randint(0, 3_600)
            published += self.chance.choice([0] * 8 + [7_000, -7_000, -90_000, 90_000])
            members = ",".join(f'"{code}":{value}' for code, value in values.items())
            text = f'{{"timestamp":{published},"base":"USD","rates":{{"USD":1,{members}}}}}'
        body = text.encode()
        if self.happens(0.3):
            body = body[: self.chance.randint(0, len(body) - 1)]
            if self.kind == "ecb" and body.endswith(b"</gesmes:Envelope>"):
                body = body[:-1]
        if self.happens(0.3):
            body = b"\xef\xbb\xbf" + body
        if self.happens(0.3):
            body = gzip.compress(body)
        return body

    def word(self, now):
        """An answer of another source: all rates, or one that an operator accepts; right or not."""
        day = shifted(day_of(now), -self.chance.choice([0, 0, 0, 1, 20]))
        rates = dict(self.rates)
        name = None
        if self.chance.random() < 0.5:
            name = self.chance.choice(list(TRUE))
            if self.wrong and self.chance.random() < 0.5:
                name = self.chance.choice(sorted(self.wrong))
                # Either confirms the jump, or lies between the true rate and the wrong one.
                rates[name] *= self.wrong[name][0] ** self.chance.choice([1, 1, 0.5])
        base = self.base if name else "EUR"
        if base == "USD":
            rates = {code: number / self.rates["USD"] for code, number in rates.items()}
            rates.pop("USD")
        members = ",".join(f'"{code}":{number:.8g}' for code, number in rates.items()
                           if name in (None, code))
        return f'{{"base":"{base}","date":"{day}","rates":{{{members}}}}}'.encode()


def sequence(seed):
    """The lines of one script, and the steps for the policy."""
    chance = random.Random(seed)
    provider = Provider(chance)
    amounts = {code: chance.randint(0, 10 ** chance.randint(2, 12)) for code in DIGITS}
    factor = chance.choice(["1.5", "1.5", "1.05", "3"])
    lines = ["\t".join(["begin", provider.kind, factor, ",".join(DIGITS), ",".join(BASES),
                        ",".join(f"{code}:{units}" for code, units in amounts.items())])]
    steps = []
    now = 1_795_500_000_000 + chance.randint(0, 7 * DAY)
    for _ in range(chance.randint(10, 60)):
        now += MINUTE * chance.choice([1, 10, 14, 15, 15, 16, 60, 60, 24 * 60])
        kind = chance.choices(["answer", "witness", "same", "restart"], [20, 3, 2, 1])[0]
        if kind == "answer":
            provider.move()
            body = provider.document(now)
            steps.append((kind, now, body))
            lines.append(f"answer\t{now}\t{body.hex()}")
        elif kind == "witness":
            body = provider.word(now)
            number = chance.randint(0, 1)
            steps.append((kind, now, number, body))
            lines.append(f"witness\t{now}\t{number}\t{body.hex()}")
        else:
            steps.append((kind, now))
            lines.append(f"{kind}\t{now}")
    return provider.kind, factor, amounts, lines, steps


def listed(text):
    return [word for word in text.split(",") if word]


def judge(seed, case, answers, seen):
    """A description of the first difference, or None."""
    kind, factor, amounts, _, steps = case
    policy = Policy(factor)
    last = None
    for step, line in zip(steps, answers):
        now = step[1]
        verdict = "none"
        if step[0] == "answer":
            document = parsed(kind, step[2])
            taken = policy.answer(document, now)
            verdict = "taken" if taken else "refused"
            last = document if taken else last
        elif step[0] == "same":
            # The program asks "modified?" only once it has taken an answer; a restart forgets that.
            verdict = "taken" if last and policy.answer(last, now) else "refused"
        elif step[0] == "witness":
            policy.witness(step[2], parsed("frankfurter", step[3]), now)
        else:
            policy.restart()
            last = None
        fields = line.split("\t")
        rates = {}
        for word in listed(fields[1]):
            code, _, rest = word.partition("=")
            number, _, day = rest.partition("@")
            rates[code] = (Fraction(number), day)
        held = {}
        for word in listed(fields[2]):
            code, reason, offered = word.split(":")
            held[code] = (reason, Fraction(offered) if offered else None)
        totals = {word.partition("=")[0]: int(word.partition("=")[2])
                  for word in listed(fields[3])}
        found = (fields[0], rates, held, totals)
        right = (verdict, policy.in_force(), policy.held(), policy.totals(amounts, BASES))
        if found != right:
            differences = [f"{name}: {a}\n  right: {b}" for name, a, b in
                           zip(("verdict", "rates", "held", "totals"), found, right) if a != b]
            place = len([None for _ in steps[:steps.index(step) + 1]])
            return f"sequence {seed}, step {place} {step}\n" + "\n".join(differences)
        seen[verdict] += 1
        seen.update(reason for reason, _ in held.values())
    seen.update(policy.beliefs)
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--sequences", type=int, default=200)
    arguments.add_argument("--first", type=int, default=1)
    options = arguments.parse_args()
    seeds = range(options.first, options.first + options.sequences)
    cases = [sequence(seed) for seed in seeds]
    script = "\n".join("\n".join(case[3]) for case in cases) + "\n"
    run = subprocess.run([BENCH, "rates"], input=script, capture_output=True, text=True, check=True)
    output = iter(run.stdout.splitlines())
    seen = collections.Counter()
    for seed, case in zip(seeds, cases):
        answers = [next(output) for _ in case[4]]
        difference = judge(seed, case, answers, seen)
        if difference:
            sys.exit(difference)
    steps = sum(len(case[4]) for case in cases)
    print(f"rates: {len(cases)} sequences, {steps} steps as the second policy says: "
          + ", ".join(f"{word} {count}" for word, count in sorted(seen.items())))
    rare = {word: seen[word] for word, least in ENOUGH.items()
            if seen[word] * 100 < least * len(cases)}
    if rare and len(cases) >= 100:
        sys.exit(f"exercised too little: {rare}")


if __name__ == "__main__":
    main()
