"""Finds secrets in what a program said, logged or wrote, for the scripts beside this file."""

import base64
import html
import json
import re
import urllib.parse


def spellings(secret):
    """A secret as texts and files could show it."""
    plain, quoted = secret.encode(), json.dumps(secret)[1:-1]
    yield from [secret, quoted, quoted.replace("/", "\\/"), json.dumps(quoted)[1:-1], html.escape(secret), secret[::-1]]
    percent = urllib.parse.quote(secret, safe="")
    yield from [
        percent,
        re.sub("%..", lambda found: found[0].lower(), percent),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
    ]
    yield from [plain.hex(), plain.hex().upper()]
    for before in range(3):
        # The signs at both ends depend on what stands beside the secret.
        for encode in [base64.b64encode, base64.urlsafe_b64encode]:
            whole = encode(b"\0" * before + plain + b"\0" * (-(before + len(plain)) % 3)).decode()
            yield whole[-(-before * 4 // 3) :][1 if before else 0 : -4 if (before + len(plain)) % 3 else None]


def leaks(text, secrets):
    return [
        f"the secret {secret} is in what it said or wrote, as {shown}"
        for secret in secrets
        for shown in set(spellings(secret))
        if shown in text
    ]
