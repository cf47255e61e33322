"""Results as TAP has them; the test that starts a client adds them up."""


def check(held, name, got=None):
    print(("ok - " if held else "not ok - ") + name, flush=True)
    if not held:
        print("# got: " + str(got).replace("\n", "\n# "), flush=True)


def equal(got, expected, name):
    check(got == expected, name, "%r, expected: %r" % (got, expected))


def plans(name, text, index, *tables):
    """A plan is by an index, and reads none of some tables whole."""
    check("using " + index in text or "Bitmap Index Scan on " + index in text, name + ": by an index", text)
    for table in tables:
        check("Seq Scan on " + table not in text, name + ": " + table + " is not read whole", text)
