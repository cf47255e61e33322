"""What psycopg makes of a register; where the server is, libpq's environment says."""
import datetime
import decimal
import io
import uuid

import psycopg2

from tap import check, equal, plans

STREET, GRID = "350304003", "350304003004005"
ODD = ["𠮷祥里", "\"甲\"的'乙'\\丙?"]


def connect(user, **options):
    return psycopg2.connect(user=user, options="-c search_path=community,public", **options)


with connect("clients_bi") as c, c.cursor() as k:
    k.execute("SELECT code, street_name, households, on_time_percent FROM figures WHERE code = %s", (STREET,))
    equal([type(v) for v in k.fetchone()], [str, str, int, decimal.Decimal], "text, bigint and numeric")
    k.execute("SELECT on_time_percent FROM events_monthly WHERE code = %s AND kind = 'visit' AND month = %s", (STREET, datetime.date(2023, 2, 1)))
    equal(k.fetchall(), [(None,)], "a rate of nothing is None")
    k.execute("SELECT DISTINCT month FROM visit_coverage ORDER BY 1")
    equal(k.fetchall(), [(datetime.date(2023, n, 1),) for n in (9, 10, 11)], "date")
    k.execute("SELECT figures, refreshed_at, lag_seconds FROM freshness")
    rows = k.fetchall()
    check(len(rows) == 4 and all(r[1].tzinfo and r[2] >= 0 for r in rows), "timestamptz, with its zone, and seconds", rows)
    k.execute("SELECT name FROM areas WHERE code LIKE '350304001001%%' AND name = ANY (%s) ORDER BY code", (ODD,))
    equal([r[0] for r in k], ODD, "text of all kinds, there and back")

    # a value is pasted into the statement by psycopg: a text of no type, and text where it says so
    for condition, value, index in (("street_code = %s", STREET, "area_street_idx"), ("street_code IN %s", (STREET,), "area_street_idx"),
                                    ("street_code = ANY (%s)", [STREET], "area_street_idx")):
        del c.notices[:]
        k.execute("SELECT code FROM figures WHERE " + condition, (value,))
        equal(k.rowcount, 11, "figures: " + condition)
        plans("figures: " + condition, "".join(c.notices), index, "event_total", "event_daily", "area a")

    copied = io.StringIO()
    k.copy_expert("COPY (SELECT code, name, events_filed FROM figures WHERE level = 'street' ORDER BY code) TO STDOUT (FORMAT csv)", copied)
    k.execute("SELECT code || ',' || name || ',' || events_filed FROM figures WHERE level = 'street' ORDER BY code")
    equal(copied.getvalue().split("\n")[:-1], [r[0] for r in k], "COPY of a query on a view")
    try:
        k.copy_expert("COPY figures TO STDOUT", io.StringIO())
        check(False, "COPY of a view by its name is refused by the server")
    except psycopg2.errors.WrongObjectType:
        check(True, "COPY of a view by its name is refused by the server")

with connect("clients_boss") as c:
    with c.cursor("page") as page:
        page.itersize = 100
        page.execute("SELECT id, grid, residents FROM household ORDER BY id")
        rows = list(page)
        equal(len(set(r[0] for r in rows)), 5004, "a cursor on the server, by pages of 100: every row, once")
        check(rows == sorted(rows), "in order")
        equal(str(uuid.UUID(rows[0][0])), rows[0][0], "ids are uuids")

with connect("clients_zhang") as c, c.cursor() as k:
    k.execute("SELECT event_report(kind => %s, grid => %s)", ("fire", GRID))
    check(k.fetchone()[0] > 0, "event_report gives a number")
    k.execute("SAVEPOINT s")
    try:
        k.execute("SELECT event_report(kind => %s, grid => %s)", ("fire", "350304001001001"))
        check(False, "an event elsewhere is refused")
    except psycopg2.errors.InsufficientPrivilege:
        check(True, "an event elsewhere is refused")
    c.rollback()
print("done")
